#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two different streams of 1 GiB, both ways at the same time.
. "$(dirname "$0")/../lib.sh"

make_block
mkfifo here there
spawn check-here cmp here <(stream listener 16) </dev/null
spawn check-there cmp there <(stream client 16) </dev/null
listen listener --duplex < <(stream listener 16) >there
start client -v --duplex 127.0.0.1 "$PORT" < <(stream client 16) >here
expect_exit client 0 $((4 * PATIENCE))
expect_exit listener 0
expect_exit check-here 0
expect_exit check-there 0

section "one way ends long before the other"
random_file big 32M
listen listener --duplex <big >there.out
start client --duplex 127.0.0.1 "$PORT" < <(echo question) >here.out
expect_exit client 0
expect_exit listener 0
expect_same big here.out
expect_content there.out question

section "the answer is begun only after the question's end"
mkfifo later
exec 5<>later
listen listener --duplex <later >there.out 5>&-
start client --duplex 127.0.0.1 "$PORT" < <(echo question) >here.out 5>&-
wait_for "$PATIENCE" "the question arrives" file_has there.out 9
expect_running listener "its input has not ended"
echo answer >&5
exec 5>&-
expect_exit listener 0
expect_exit client 0
expect_content there.out question
expect_content here.out answer
