#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may connect, how many at once, and for how long: --allow, -m, --sessions.
. "$(dirname "$0")/../lib.sh"

random_file data 3M

# excluded ARG...: a client that is not allowed gets nothing, and its data is not touched
excluded() {
	run 1 out "$@" "$PORT" <data >back
	expect_empty back
	wait_log rx 'dropped connection from .*: --allow excludes it'
	expect_running rx "a stranger came"
}

section "--allow: one address"
listen rx --allow 127.0.0.2 127.0.0.1 </dev/null >out
excluded 127.0.0.1
excluded -s 127.0.0.3 127.0.0.1
expect_empty out
run 0 tx -s 127.0.0.2 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "... blocks, on a socket for both families"
listen rx --allow 127.0.1.0/24,::1 --allow 127.0.2.0/24 </dev/null >out
excluded -s 127.0.3.1 127.0.0.1
run 0 tx -s 127.0.2.9 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
if grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
	listen rx --allow 127.0.1.0/24,::1 </dev/null >out
	run 0 tx ::1 "$PORT" <data
	expect_exit rx 0
	expect_same data out
	listen rx --allow 0.0.0.0/0 </dev/null >out
	excluded ::1
	stop rx
fi

section "-m 1: no other one waits"
mkfifo first
exec 5<>first
listen rx -k -m 1 </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
run 1 two 127.0.0.1 "$PORT" <data
expect_log two 'another session is running there'
exec 5>&-
expect_exit one 0
run 0 three --retry 10 127.0.0.1 "$PORT" < <(echo third)
expect_content out $'begin\nthird'
stop rx

section "-m 2: one waits, the next one does not"
exec 5<>first
listen rx -k -m 2 </dev/null >out 5>&-
start one 127.0.0.1 "$PORT" <first 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
start two 127.0.0.1 "$PORT" < <(echo second) 5>&-
wait_log rx 'a peer waits for its turn'
run 1 three 127.0.0.1 "$PORT" <data
expect_log three 'another session is running there'
exec 5>&-
expect_exit one 0
expect_exit two 0
expect_content out $'begin\nsecond'
stop rx

section "--sessions: that number and no more"
listen rx -k --sessions 2 --reconnect 0 </dev/null >out
run 0 tx 127.0.0.1 "$PORT" < <(echo 1)
expect_running rx "one session of two is over"
run 0 tx 127.0.0.1 "$PORT" < <(echo 2)
expect_exit rx 0
expect_content out $'1\n2'

section "... and one that fails is counted and remembered"
listen rx -k --sessions 2 --reconnect 0 </dev/null >out
start tx 127.0.0.1 "$PORT" </dev/zero
wait_for "$PATIENCE" "data flows" file_has out 20000000
stop tx KILL
run 0 tx --retry 10 127.0.0.1 "$PORT" < <(echo 2)
expect_exit rx 3
