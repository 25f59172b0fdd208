#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A second client: refused without -k, served after the first one with it.
. "$(dirname "$0")/../lib.sh"

random_file data 3M
mkfifo first
exec 5<>first

section "without -k the second is refused, and the first does not notice"
listen rx </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
run 1 two 127.0.0.1 "$PORT" <data >out2
expect_log two 'refused the session: another session is running there'
expect_empty out2
((RUN_MS < 5000)) || fail "a refusal took $RUN_MS ms"
expect_log rx 'refused a peer: another session is running'
exec 5>&-
expect_exit one 0
expect_exit rx 0
expect_content out begin

section "with -k, three in a row"
listen rx -k --reconnect 0 </dev/null >out
for i in 1 2 3; do
	run 0 tx 127.0.0.1 "$PORT" < <(echo "session $i" && cat data)
	expect_running rx "-k was given"
done
expect_same <(for i in 1 2 3; do echo "session $i" && cat data; done) out

section "... and one that fails, and one that is refused, in between"
start tx 127.0.0.1 "$PORT" </dev/zero
wait_log rx .
wait_for "$PATIENCE" "data flows" file_has out 20000000
stop tx KILL
run 0 tx --retry 5 127.0.0.1 "$PORT" < <(echo "after the failure")
expect_running rx "-k was given"
[[ $(tail -c 18 out | tr -d '\0') == 'after the failure' ]] || fail "nothing was served after a failure"
stop rx TERM

section "with -k a client that is killed does not hold up the next one, if the network works for that"
exec 5<>first
listen rx -k </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
stop one KILL
run 0 two 127.0.0.1 "$PORT" < <(echo "from the second") 5>&-
((RUN_MS < 25000)) || fail "the second waited for $RUN_MS ms"
expect_log rx 'lost all connections'
expect_content out $'begin\nfrom the second'
exec 5>&-
stop rx TERM

section "with -k the second waits for the first, longer than it would wait for a silent peer"
exec 5<>first
listen rx -k --reconnect 0 </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
start two 127.0.0.1 "$PORT" < <(echo "from the second") 5>&-
start gone 127.0.0.1 "$PORT" < <(echo "from one that gave up") 5>&-
sleep 22 # longer than the ten seconds that a client gives something silent, twice: it hears the preface
expect_running two "it should wait"
expect_content out begin
stop gone KILL
start three 127.0.0.1 "$PORT" < <(echo "from the third") 5>&-
echo end >&5
exec 5>&-
expect_exit one 0
expect_exit two 0
expect_exit three 0
expect_content out $'begin\nend\nfrom the second\nfrom the third'
stop rx TERM

section "with -k one that cannot be served holds up none of those after it"
need prlimit
exec 5<>first
listen rx -k -w 60 </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
for name in two three; do
	start "$name" --retry 0 127.0.0.1 "$PORT" <data 5>&-
	wait_for "$PATIENCE" "$name waits" eval "((\$(grep -c 'a peer waits' rx.err) == $([[ $name == two ]] && echo 1 || echo 2)))"
done
# No descriptor is left for a session.
prlimit --pid "${PID[rx]}" --nofile=3:1024
exec 5>&-
expect_exit one 0
for name in two three; do
	expect_exit "$name" 1
	expect_log "$name" 'refused the session: '
done
prlimit --pid "${PID[rx]}" --nofile=1024:1024
run 0 four 127.0.0.1 "$PORT" < <(echo four)
expect_content out $'begin\nfour'
stop rx TERM

section "with -k, every client gets the whole of a file, also after one that broke off"
# break_off: a client whose output hangs is killed while it receives
break_off() {
	rm -f stuck
	mkfifo stuck
	exec 6<>stuck
	start gone 127.0.0.1 "$PORT" </dev/null >stuck
	wait_for "$PATIENCE" "data flows" has_written gone 50000
	stop gone KILL
}
listen rx -k --reconnect 0 <data >/dev/null
for i in 1 2 3 4; do
	((i < 4)) || break_off
	run 0 tx 127.0.0.1 "$PORT" </dev/null >out
	expect_same data out "client $i did not get the whole file"
	expect_running rx "-k was given"
done
stop rx TERM

section "with -k, a pipe that a failed session has read from ends the listener"
mkfifo lasting
exec 7<>lasting
listen rx -k --reconnect 0 <lasting >/dev/null
spawn feeder cat data >lasting
break_off
expect_exit rx '!0'
expect_log rx 'read from standard input are lost'
