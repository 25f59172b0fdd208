#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two nodes that mirror each other's disk, as doc/relay.md has it for DRBD: each runs both sides of a relay and
# has two connections to the other. Synchronous writes of 4 KiB, and a resynchronisation after them, go both
# ways at the same time, and all of it is exact.
#
#  alpha --> alpha-out ==> beta-in --> beta's disk      alpha's disk <-- alpha-in <== beta-out <-- beta
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 ss

declare -A DISK=() IN=() OUT=() OTHER=([alpha]=beta [beta]=alpha)

for node in alpha beta; do
	DISK[$node]=$(free_ports 1)
	spawn "$node-disk" python3 "$TEST_DIR/writes.py" serve 127.0.0.1 "${DISK[$node]}" </dev/null
	wait_listener "${DISK[$node]}"
	start "$node-in" relay -v -l 127.0.0.1 0 --to "127.0.0.1:${DISK[$node]}"
	wait_port "$node-in"
	IN[$node]=$PORT
done
for node in alpha beta; do
	start "$node-out" relay -v 127.0.0.1:0 127.0.0.1 "${IN[${OTHER[$node]}]}"
	wait_port "$node-out"
	OUT[$node]=$PORT
done

for node in alpha beta; do
	spawn "$node" python3 "$TEST_DIR/writes.py" write 127.0.0.1 "${OUT[$node]}" 2000 2 64 </dev/null >"$node.out"
done
for node in alpha beta; do
	expect_exit "$node" 0 $((4 * PATIENCE))
	section "$node: a write of 4 KiB took $(<"$node.out") us (median), all of them beside each other"
done
for side in {alpha,beta}-{out,in}; do
	kill -TERM "${PID[$side]}"
	expect_exit "$side" 0
	expect_log "$side" '2 sessions: 0 running, 0 failed'
done
