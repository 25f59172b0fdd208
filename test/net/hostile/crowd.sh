#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A thousand connections that say nothing do not keep a real peer out, and go away.
. "$(dirname "$0")/../lib.sh"
need python3

(($(ulimit -Hn) >= 1200)) || skip "too few descriptors are allowed: $(ulimit -Hn)"
random_file data 32M

start_crowd() { # [N]
	spawn crowd "$TEST_DIR/fake-peer.py" crowd "$PORT" "${1:-1000}" </dev/null >crowd.out
	wait_for "$PATIENCE" "the crowd is connected" grep -q ready crowd.out
}

section "a transfer while they are connected"
listen rx </dev/null >out
start_crowd
run 0 tx -v -P 8 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_running crowd "it should have been there all the time"
expect_same data out
expect_log tx 'over 8 subflows'
stop crowd

section "a transfer under a limit of few descriptors"
spawn rx bash -c "ulimit -n 300; exec \"\$0\" -l -v 0" "$MPNC" </dev/null >out
wait_port rx
start_crowd
run 0 tx --retry 10 -P 4 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
stop crowd

section "200 of them when 64 descriptors are all there are"
spawn rx bash -c "ulimit -n 64; exec \"\$0\" -l -v 0" "$MPNC" </dev/null >out
wait_port rx
start_crowd 200
run 0 tx --retry 10 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
stop crowd

section "left alone, all are dropped, with one line each, and the listener still waits"
listen rx </dev/null >out
start_crowd
all_dropped() {
	(($(grep -c 'dropped connection' rx.err) >= 1000))
}
wait_for 15 "all thousand are dropped" all_dropped
[[ $(grep -c 'dropped connection' rx.err) == 1000 ]] || fail "more than one line for a stranger"
ticks=$(cpu_ticks rx)
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
echo "the listener used $ticks ticks for the crowd"
