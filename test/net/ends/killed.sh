#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One end dies or gets a signal to end in the middle of a stream: the other never takes that for success.
# (--reconnect 0: a killed peer looks like a network that fails.)
. "$(dirname "$0")/../lib.sh"

mkfifo silent
exec 5<>silent

# flow ARG...: an endless stream from tx to rx; ARG are tx's
flow() {
	: >out
	listen rx --reconnect 0 </dev/null >/dev/null
	start tx --reconnect 0 "$@" 127.0.0.1 "$PORT" </dev/zero
	wait_for "$PATIENCE" "data flows" has_written rx 20000000
}

for n in 1 4; do
	section "the sender is killed ($n subflows)"
	flow -P "$n"
	stop tx KILL
	expect_exit rx 3
	expect_log rx 'incomplete: .*; [1-9][0-9]+ bytes had arrived$'

	section "the receiver is killed ($n subflows)"
	flow -P "$n" -w 5
	begin=$(now_ms)
	stop rx KILL
	expect_exit tx '!0'
	(($(now_ms) - begin < 10000)) || fail "the sender took $(($(now_ms) - begin)) ms, longer than -w 5"
done

section "the sender is killed before it has sent anything"
listen rx --reconnect 0 -v </dev/null >out
start tx --reconnect 0 -v 127.0.0.1 "$PORT" <silent
wait_log rx 'subflow 0'
stop tx KILL
expect_exit rx 3
expect_empty out

section "the sender is killed after its first byte"
listen rx --reconnect 0 </dev/null >out
start tx --reconnect 0 -v 127.0.0.1 "$PORT" <silent
printf x >&5
wait_for "$PATIENCE" "a byte arrives" file_has out 1
stop tx KILL
expect_exit rx 3

section "a sending listener is killed"
listen tx --reconnect 0 </dev/zero
start rx --reconnect 0 -w 5 127.0.0.1 "$PORT" </dev/null >/dev/null
wait_for "$PATIENCE" "data flows" has_written rx 20000000
stop tx KILL
expect_exit rx '!0' 15

for signal in TERM INT HUP; do
	number=$(kill -l "$signal")
	# The shell lets background processes ignore SIGINT.
	section "SIG$signal to the sender"
	listen rx --reconnect 0 </dev/null >/dev/null
	spawn tx env --default-signal=INT "$MPNC" 127.0.0.1 "$PORT" </dev/zero
	wait_for "$PATIENCE" "data flows" has_written rx 20000000
	kill -"$signal" "${PID[tx]}"
	expect_exit tx $((128 + number)) 15
	expect_exit rx 4 15
	expect_log rx 'the peer gave up: interrupted by a signal; [1-9][0-9]+ bytes had arrived$'

	section "SIG$signal to the receiver"
	spawn rx env --default-signal=INT "$MPNC" -l -v 0 </dev/null >/dev/null
	wait_port rx
	start tx --reconnect 0 127.0.0.1 "$PORT" </dev/zero
	wait_for "$PATIENCE" "data flows" has_written rx 20000000
	kill -"$signal" "${PID[rx]}"
	expect_exit rx $((128 + number)) 15
	expect_exit tx 4 15
	expect_log tx 'the peer gave up: interrupted by a signal; [1-9][0-9]+ bytes had arrived at the peer$'

	section "SIG$signal to a listener that waits"
	spawn rx env --default-signal=INT "$MPNC" -l -v 0 </dev/null >out
	wait_port rx
	kill -"$signal" "${PID[rx]}"
	expect_exit rx $((128 + number)) 15
	expect_empty out
done

section "SIGTERM to a receiver whose output hangs"
mkfifo pipe
spawn consumer bash -c 'exec <pipe; exec sleep 1000' 5>&-
listen rx --reconnect 0 </dev/null >pipe
start tx --reconnect 0 127.0.0.1 "$PORT" </dev/zero
wait_for "$PATIENCE" "data flows" has_read tx 20000000
kill -TERM "${PID[rx]}"
expect_exit rx 143 15
expect_exit tx 4 15
stop consumer

section "SIGUSR1 says how far it is, and nothing else"
flow
kill -USR1 "${PID[tx]}"
wait_log tx 'sent [0-9.]+ [KMG]iB'
expect_running tx "it was only asked"
stop tx
expect_exit rx 3

section "a signal that is ignored from the start stays ignored, as nohup wants it"
listen rx --reconnect 0 </dev/null >out
spawn tx nohup "$MPNC" 127.0.0.1 "$PORT" <silent >/dev/null
echo one >&5
wait_for "$PATIENCE" "a line arrives" file_has out 4
kill -HUP "${PID[tx]}"
echo two >&5
wait_for "$PATIENCE" "a line arrives after SIGHUP" file_has out 8
stop tx
expect_exit rx 3
