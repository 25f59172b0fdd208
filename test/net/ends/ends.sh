#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Both ends end by themselves, with 0, whatever the receiver's standard input is.
. "$(dirname "$0")/../lib.sh"
need script tar

random_file data 3M

section "tar to tar"
mkdir -p tree/a/b to
cp data tree/a/b/big
for i in {1..200}; do
	echo "$i" >"tree/a/$i"
done
ln -s a/b/big tree/link
mkfifo archive
# -B: from a named pipe it takes a short read for a damaged archive.
spawn untar tar -C to -x -B -f archive
listen rx </dev/null >archive
run 0 tx 127.0.0.1 "$PORT" < <(tar -c tree)
expect_exit rx 0
expect_exit untar 0
diff -r --no-dereference tree to/tree || fail "the trees differ"

# receive WHAT: one transfer to rx, which was started by the caller
receive() {
	run 0 tx 127.0.0.1 "$PORT" <data
	expect_exit rx 0
	expect_same data out "with $1"
}

section "the receiver's input is a pipe that never ends"
mkfifo silent
exec 5<>silent
listen rx <silent >out
receive "a pipe that never ends"

section "... /dev/null"
listen rx </dev/null >out
receive "/dev/null"

section "... closed"
start_closed rx '<&-' -l -v 0 >out
wait_port rx
receive "a closed input"

section "... a terminal"
rm -f tty.err
spawn rx script -qec "'$MPNC' -l -v 0 2>'$WORK/tty.err' >'$WORK/out'" /dev/null <silent >/dev/null
wait_port tty
receive "a terminal"

section "... a terminal, and the receiver is the client"
listen tx <data >back
spawn rx script -qec "'$MPNC' 127.0.0.1 $PORT >'$WORK/out'" /dev/null <silent >/dev/null
expect_exit rx 0
expect_exit tx 0
expect_same data out
expect_empty back

section "... a pipe that never ends, but -d or --recv-only"
listen rx -d <silent >out
receive "-d"
listen rx --recv-only <silent >out
receive "--recv-only"
for option in -d --recv-only; do
	listen tx <data >back
	run 0 rx "$option" 127.0.0.1 "$PORT" <silent >out
	expect_exit tx 0
	expect_same data out
done

section "nothing to send at either end"
listen rx </dev/null >out
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
expect_empty out
expect_empty back
((RUN_MS < 2000)) || fail "it took $RUN_MS ms to send nothing"

section "small things are quick"
listen rx </dev/null >out
run 0 tx -v 127.0.0.1 "$PORT" < <(echo hi)
expect_exit rx 0
expect_content out hi
((RUN_MS < 2000)) || fail "three bytes took $RUN_MS ms"
expect_log tx 'over 1 subflow$'

section "-q: the peer's input never ends, but ours did"
listen rx --duplex <silent >out
run 0 tx -q 1 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
((RUN_MS >= 1000 && RUN_MS < 8000)) || fail "-q 1 took $RUN_MS ms"

section "-q 0 does not cut off what we send ourselves"
listen rx --duplex <silent >out
run 0 tx -q 0 127.0.0.1 "$PORT" < <(cat data && cat data)
expect_exit rx 0
expect_same <(cat data data) out

section "-q 0 uses no processor while the consumer is slow"
mkfifo stuck asked lasting
exec 6<>stuck 7<>asked 8<>lasting
listen rx --duplex --reconnect 0 <lasting >out 7>&- 8>&-
spawn feeder cat data >lasting 7>&-
start tx -q 0 127.0.0.1 "$PORT" <asked >stuck 7>&-
wait_for "$PATIENCE" "the peer has no more to read" has_read rx 3145728
wait_for "$PATIENCE" "the output hangs" has_written tx 65000
echo asked >&7
exec 7>&-
wait_for "$PATIENCE" "our stream has arrived" file_has out 6
ticks=$(cpu_ticks tx)
sleep 2
expect_running tx "its output hangs"
ticks=$(($(cpu_ticks tx) - ticks))
((ticks * 4 < $(getconf CLK_TCK))) || fail "$ticks ticks of 2 s were used for waiting"
stop tx
expect_exit rx '!0'
exec 6>&- 8>&-

section "a client that has all, and whose input is a pipe that nobody closes, says what it waits for"
mkfifo open
exec 5<>open
listen rx <data >out 5>&-
start tx 127.0.0.1 "$PORT" <open >back 5>&-
wait_log tx 'the peer has sent all; waiting for the end of standard input'
expect_same data back
exec 5>&-
expect_exit tx 0
expect_exit rx 0
section "... and does not wait with -d"
exec 5<>open
listen rx <data >out 5>&-
run 0 tx -d 127.0.0.1 "$PORT" <open >back 5>&-
exec 5>&-
expect_exit rx 0
expect_empty tx.err

section "a port is free again at once"
start rx -l -v 0 </dev/null >out
wait_port rx
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
for i in {1..10}; do
	start rx -l -v "$PORT" </dev/null >out
	run 0 tx --retry 10 127.0.0.1 "$PORT" < <(echo "round $i")
	expect_exit rx 0
	expect_content out "round $i"
done
