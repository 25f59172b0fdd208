#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --send-only and --recv-only, and what happens when both ends ask for the same.
. "$(dirname "$0")/../lib.sh"

random_file data 3M
random_file other 3M
mkfifo silent
exec 5<>silent

section "the client only sends: the listener's input is not waited for"
listen rx <silent >out
run 0 tx --send-only 127.0.0.1 "$PORT" <data >back
expect_exit rx 0
expect_same data out
expect_empty back

section "the listener only sends"
listen tx --send-only <data >back
run 0 rx 127.0.0.1 "$PORT" <silent >out
expect_exit tx 0
expect_same data out
expect_empty back

section "the client only receives, the listener only sends"
listen tx --send-only <data
run 0 rx --recv-only 127.0.0.1 "$PORT" <other >out
expect_exit tx 0
expect_same data out

section "the client only sends, the listener only receives"
listen rx --recv-only <other >out
run 0 tx --send-only 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "both the same: the client learns it, the listener waits for another"
for option in --send-only --recv-only; do
	listen one "$option" <data >out
	run 1 two "$option" 127.0.0.1 "$PORT" <other >out2
	expect_log two 'refused.*both ends only send or both only receive'
	expect_log one 'refused a peer: both ends'
	expect_running one "it should wait for another peer"
	expect_empty out2
	if [[ $option == --send-only ]]; then
		run 0 two --recv-only 127.0.0.1 "$PORT" <other >out2
		expect_same data out2
	else
		run 0 two --send-only 127.0.0.1 "$PORT" <other
		expect_same other out
	fi
	expect_exit one 0
done

section "both on one command line"
run 2 both --send-only --recv-only 127.0.0.1 1 </dev/null
expect_log both 'exclude each other'
