#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --plain: one TCP connection of no protocol, to and from programs that do not speak mpnc.
. "$(dirname "$0")/../lib.sh"
need socat ss sha256sum

random_file data 5M

section "to something else, and its answer"
port=$(free_ports 1)
spawn peer socat TCP-LISTEN:"$port",reuseaddr,bind=127.0.0.1 SYSTEM:sha256sum
wait_listener "$port"
run 0 tx --plain -N 127.0.0.1 "$port" <data >back
expect_exit peer 0
expect_same <(sha256sum <data) back

section "from something else, both ways"
listen rx --plain --duplex -N <data >out
socat -t 60 - TCP:127.0.0.1:"$PORT" <data >back
expect_exit rx 0
expect_same data out
expect_same data back

section "plain to plain"
listen rx --plain </dev/null >out
run 0 tx --plain --send-only 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "-w: a pause; a refused connection; --allow"
mkfifo silent
exec 5<>silent
listen rx --plain --allow 127.0.0.2 127.0.0.1 <silent >out 5>&-
run 0 other --plain -d 127.0.0.1 "$PORT" </dev/null
wait_log rx '--allow excludes it'
run 1 tx --plain -w 300ms -s 127.0.0.2 127.0.0.1 "$PORT" <silent
expect_log tx 'nothing moved for 0.3'
expect_exit rx 0
exec 5>&-
run 1 tx --plain 127.0.0.1 "$(free_ports 1)" <data
expect_log tx 'Connection refused'

section "-q: so long after the end of input"
exec 5<>silent
listen rx --plain <silent >out 5>&-
run 0 tx --plain -q 300ms 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
exec 5>&-

section "-w that comes before -q is a failure"
exec 5<>silent
listen rx --plain --duplex <silent >out 5>&-
run 1 tx --plain -N -q 60 -w 300ms --duplex 127.0.0.1 "$PORT" <<<word
expect_log tx 'nothing moved for 0.3'
exec 5>&-
expect_exit rx 0

section "-k: one after another"
listen rx --plain -k </dev/null >out
for i in 1 2 3; do
	run 0 tx --plain --send-only 127.0.0.1 "$PORT" < <(echo "$i")
done
wait_for "$PATIENCE" "all three came" file_has out 6
expect_content out $'1\n2\n3'
stop rx

section "-z: does anything listen?"
listen rx --plain -k </dev/null >out
run 0 it --plain -z -v 127.0.0.1 "$PORT" </dev/null >back
expect_log it 'something listens there'
expect_empty back
expect_running rx "it was only asked"
stop rx
run 1 it --plain -z 127.0.0.1 "$PORT" </dev/null
expect_log it 'Connection refused'

section "-U alone: a unix socket is the way"
# listen_unix PATH ARG...
listen_unix() {
	start rx -v -l -U "$@"
	wait_log rx 'listening on .*sock'
}
listen_unix "$WORK/sock" </dev/null >out
start second -l -U "$WORK/sock" </dev/null
expect_exit second 2
expect_log second 'cannot listen on .*sock: Address already in use'
expect_running rx "another one wanted its place"
run 0 tx -NU "$WORK/sock" <data >back
expect_exit rx 0
expect_same data out
expect_empty back
[[ ! -e sock ]] || fail "the socket was left behind"
run 1 tx -U "$WORK/sock" <data
expect_log tx 'cannot connect to .*sock: No such file'

section "... to something else, an abstract name, and what a killed listener left there"
spawn peer socat ABSTRACT-LISTEN:"mpnc-$$" SYSTEM:sha256sum
wait_unix_listener "@mpnc-$$"
run 0 tx -N --duplex -U "@mpnc-$$" <data >back
expect_exit peer 0
expect_same <(sha256sum <data) back
listen_unix "$WORK/sock" </dev/null >out
stop rx KILL
[[ -S sock ]] || fail "a killed listener removed its socket"
listen_unix "$WORK/sock" </dev/null >out
run 0 tx -NU "$WORK/sock" <data
expect_exit rx 0
expect_same data out
echo precious >file
run 2 it -l -U "$WORK/file" </dev/null
expect_content file precious

section "no descriptor is left for a connection: the listener says so, and does not spin"
spawn rx bash -c "ulimit -n 4; exec \"\$0\" -l -v --plain 0" "$MPNC" </dev/null >out
wait_port rx
exec 5<>"/dev/tcp/127.0.0.1/$PORT"
wait_log rx 'cannot accept connections for now: Too many open files'
# slept NAME N: has it gone to sleep N times? One that spins never does.
slept() {
	(($(awk '/^voluntary_ctxt/ { print $2 }' "/proc/${PID[$1]}/status") >= $2))
}
wait_for "$PATIENCE" "it sleeps between attempts" slept rx 20
[[ $(grep -c 'for now' rx.err) == 1 ]] || fail "it says so again and again"
exec 5>&-
stop rx
