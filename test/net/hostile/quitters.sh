#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients that give up, at random moments and on a machine that is kept busy: no service ends for that, nor because a
# thread of a session that is over is late. MPNC_QUITTERS (300): how many sessions of a command's listener; of the
# others a third; real clients are a tenth.
. "$(dirname "$0")/../lib.sh"
need python3

N=${MPNC_QUITTERS:-300}
random_file data 3M

# Whoever is woken waits for its turn.
busy() {
	local i

	for ((i = 0; i < $(nproc); i++)); do
		spawn "busy$i" nice -n 5 bash -c 'while :; do :; done'
	done
}
busy

# quit_at MODE COUNT ARG...: COUNT clients; none finds that nobody listens
quit_at() {
	spawn quitters python3 "$TEST_DIR/quitters.py" "$@" </dev/null >quitters.out
	wait_for $((PATIENCE + N / 5)) "the clients have given up" ended quitters
	expect_exit quitters 0
	echo "$TEST_NAME: $1: $(<quitters.out)"
}

# still_echoes NAME: it serves the next one as if nothing had been
still_echoes() {
	expect_running "$1" "its clients gave up"
	run 0 tx 127.0.0.1 "$PORT" <data >back
	expect_same data back
	stop "$1" TERM
}

# late ARG...: threads of this listener do not run for a while
late() {
	spawn late python3 "$TEST_DIR/quitters.py" late "$MPNC" "$@" </dev/null
	expect_exit late 0
}
aside late-command late -l -k -v -c cat 127.0.0.1 0
aside late-recv late recv -l -k -v 127.0.0.1 0 -- cat
aside late-bench late bench -l -v 127.0.0.1 0
together

section "-k -c: clients that say ABORT"
listen rx -k -c cat </dev/null
quit_at abort "$PORT" "$N"
still_echoes rx

section "-k -e"
listen rx -k -e cat </dev/null
quit_at abort "$PORT" $((N / 3))
still_echoes rx

section "recv -k --"
start rx recv -l -k -v 0 -- sh -c 'cat >got' </dev/null
wait_port rx
quit_at abort "$PORT" $((N / 3))
run 0 tx 127.0.0.1 "$PORT" <data
expect_same data got
stop rx TERM

section "-k -c: real clients that get Ctrl-C"
listen rx -k -c 'cat >/dev/null' </dev/null
quit_at kill $((N / 10)) "$MPNC" 127.0.0.1 "$PORT"
expect_running rx "its clients got Ctrl-C"
run 0 tx 127.0.0.1 "$PORT" <data
stop rx TERM

section "-k, standard streams"
listen rx -k <data >/dev/null
quit_at abort "$PORT" $((N / 3))
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_same data back
section "... that is measured"
quit_at abort "$PORT" $((N / 3)) measure
expect_running rx "who measured gave up"
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_same data back
stop rx TERM

section "bench -l"
start rx bench -l -v 127.0.0.1 0 </dev/null >/dev/null
wait_port rx
quit_at abort "$PORT" $((N / 3)) measure
quit_at kill $((N / 100)) "$MPNC" bench -t 60 127.0.0.1 "$PORT"
expect_running rx "its clients gave up"
# The listener waits 5 s for one that was killed before it was answered.
start tx bench -t 200ms 127.0.0.1 "$PORT" </dev/null >/dev/null
expect_exit tx 0 $((PATIENCE + N / 20))
stop rx TERM

section "a relay: clients, and near sides"
spawn echo python3 "$TEST_DIR/quitters.py" echo </dev/null >echo.out
wait_for "$PATIENCE" "the target listens" grep -q . echo.out
TARGET=$(<echo.out)
relay_pair 127.0.0.1:0
quit_at reset "$NEAR" $((N / 3))
quit_at abort "$FAR" $((N / 3))
for side in near far; do
	expect_running "$side" "its clients gave up"
done
spawn client python3 -c '
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(b"asked")
    s.shutdown(socket.SHUT_WR)
    sys.exit(s.makefile("rb").read() != b"asked")' "$NEAR"
expect_exit client 0
stop near
stop far
