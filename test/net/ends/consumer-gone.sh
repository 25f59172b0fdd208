#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The output cannot be written: both ends end at once, fail, and name the cause and the offset.
. "$(dirname "$0")/../lib.sh"

quickly() { # NAME STATUS SINCE WHY: without any time-out
	expect_exit "$1" "$2"
	(($(now_ms) - $3 < 5000)) || fail "$1 took $(($(now_ms) - $3)) ms to end: $4"
}

section "a full disk at the receiver"
listen rx </dev/null >/dev/full
run 4 tx -P 4 127.0.0.1 "$PORT" </dev/zero
expect_exit rx 3
expect_log rx 'No space left on device; 0 bytes had arrived$'
expect_log tx 'the peer gave up: .*No space left on device; 0 bytes had arrived at the peer$'
((RUN_MS < 5000)) || fail "it took $RUN_MS ms"

section "a full disk at a receiver that is the client"
listen tx </dev/zero
run 3 rx 127.0.0.1 "$PORT" </dev/null >/dev/full
expect_exit tx 4
expect_log rx 'No space left on device; 0 bytes had arrived$'
expect_log tx 'the peer gave up: .*No space left on device; 0 bytes had arrived at the peer$'

section "a full disk after 3 MiB"
# What a file may grow to is the nearest thing to a disk that fills up. The signal would come first.
spawn rx bash -c "trap '' XFSZ; ulimit -f 3072; exec \"\$0\" -l -v 0" "$MPNC" </dev/null >out
wait_port rx
run 4 tx 127.0.0.1 "$PORT" < <(head -c 64M /dev/zero)
expect_exit rx 3
expect_log rx 'File too large; 3145728 bytes had arrived$'
expect_log tx 'the peer gave up: .*File too large; 3145728 bytes had arrived at the peer$'

section "| head -c 100"
mkfifo pipe
spawn head head -c 100 pipe >out
listen rx </dev/null >pipe
begin=$(now_ms)
start tx 127.0.0.1 "$PORT" </dev/zero
quickly tx 4 "$begin" "its receiver's consumer had enough"
quickly rx 3 "$begin" "its consumer had enough"
expect_exit head 0
expect_log rx 'Broken pipe; [0-9]+ bytes had arrived$'
expect_log tx 'Broken pipe'

section "the consumer dies while nothing flows"
mkfifo idle
exec 5<>idle
spawn consumer bash -c 'exec <pipe; exec sleep 1000' 5>&-
listen rx </dev/null >pipe 5>&-
start tx -v 127.0.0.1 "$PORT" <idle 5>&-
echo "not read by anybody" >&5
wait_for "$PATIENCE" "the receiver writes" has_written rx 20
begin=$(now_ms)
stop consumer
quickly tx 4 "$begin" "the consumer died"
quickly rx 3 "$begin" "the consumer died"
expect_log tx 'Broken pipe'

section "a consumer that leaves after the last byte, before the end of the stream is there"
# The receiver is stopped meanwhile, so that the consumer always is the first.
mkfifo go
exec 5<>idle 6<>go
spawn consumer bash -c 'exec <pipe; head -c 5 >out; read -r _ <go' 5>&-
listen rx </dev/null >pipe 5>&- 6>&-
start tx 127.0.0.1 "$PORT" <idle 5>&- 6>&-
printf 'hello' >&5
wait_for "$PATIENCE" "the consumer reads" file_has out 5
kill -STOP "${PID[rx]}"
echo >&6
expect_exit consumer 0
exec 5>&- 6>&-
kill -CONT "${PID[rx]}"
expect_exit tx 0
expect_exit rx 0
expect_content out hello

section "... and one that leaves while more is to come"
exec 5<>idle
spawn consumer head -c 5 pipe >out 5>&-
listen rx </dev/null >pipe 5>&-
start tx 127.0.0.1 "$PORT" <idle 5>&-
printf 'hello' >&5
expect_exit consumer 0
expect_exit tx 4
expect_exit rx 3
expect_log tx 'Broken pipe'
exec 5>&-

section "no output at all: standard output is closed"
start_closed rx '>&-' -l -v 0 </dev/null
wait_port rx
run 4 tx 127.0.0.1 "$PORT" < <(echo data)
expect_exit rx 3
expect_log rx 'Bad file descriptor; 0 bytes had arrived$'
expect_log tx 'Bad file descriptor'

section "... which is no failure if nothing comes"
start_closed rx '>&-' -l -v 0 </dev/null
wait_port rx
run 0 tx 127.0.0.1 "$PORT" </dev/null
expect_exit rx 0

section "... nor if only sending was asked for"
listen rx </dev/null >out
start_closed tx '>&-' 127.0.0.1 "$PORT" < <(echo data)
expect_exit tx 0
expect_exit rx 0
expect_content out data

section "the input cannot be read"
mkdir directory
listen rx </dev/null >out
run 3 tx 127.0.0.1 "$PORT" <directory
expect_exit rx 4
expect_log tx 'reading the input failed: Is a directory'
expect_log rx 'reading the input failed: Is a directory'
