#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions that make a far side hold all the memory they can: it stays below --memory, other sessions go on
# meanwhile, and those that hold it in vain are ended.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

# Enough sessions that the share of each leaves none for others (winpool.c), and fewer than --memory allows (64).
N=60
MEMORY_MIB=64
EARN=$((2 << 20))

# A sanitizer's own memory is not ours.
check_peak() {
	grep -q __asan_init "$MPNC" || (($(peak_kib far) <= MEMORY_MIB << 10)) || fail "far has had $(peak_kib far) KiB"
}

# far_for WAY: a far side whose target without a name is for the sessions that hold memory, the one named
# "real" for others; and a near side of another address.
far_for() {
	spawn sink python3 "$TEST_DIR/hold-memory.py" target "$1" </dev/null >sink.out
	wait_for "$PATIENCE" "the target listens" grep -q . sink.out
	TARGET=$(free_ports 1)
	start far relay -v --memory ${MEMORY_MIB}M --per-source 1000 -l 127.0.0.1 0 --to "127.0.0.1:$(<sink.out)" \
		--to "real=127.0.0.1:$TARGET"
	wait_port far
	FAR=$PORT
	start near relay -v -s 127.0.0.2 --target real 127.0.0.1:0 127.0.0.1 "$FAR"
	wait_port near
	# shellcheck disable=SC2034 # for ends
	NEAR=$PORT
}

hold() {
	spawn hold python3 "$TEST_DIR/hold-memory.py" sessions "$FAR" "$@" </dev/null >hold.out
}

# windows: MiB that the far side's windows use now; sets USED.
windows() {
	local n

	n=$(grep -c 'windows use' far.err) || true
	kill -USR1 "${PID[far]}"
	wait_for "$PATIENCE" "far says what its windows use" eval "((\$(grep -c 'windows use' far.err) > $n))"
	USED=$(sed -nE 's/.*windows use ([0-9]+)(\.[0-9]+)? MiB of .*/\1/p' far.err | tail -n 1)
	USED=${USED:-0}
}

stop_all() {
	local name

	for name in hold near far sink; do
		[[ ! ${PID[$name]-} ]] || stop "$name"
	done
}

section "sessions beyond a gap"
far_for gap
hold $N $EARN gap
wait_for $((4 * PATIENCE)) "memory is held" grep -q holding hold.out
check_peak
windows
section "... other sessions go on"
ends both_ways
section "... and those that hold it in vain are ended, with the reason"
reason='memory is short, and bytes before those that it holds have been missing for 15 s'
wait_log far "session [0-9]+ of 127.0.0.1 port [0-9]+.*: $reason"
wait_for "$PATIENCE" "they hear it" grep -q "^ended 13 $reason" hold.out
check_peak
# One source has at most half of the memory, and seven eighths of that count as enough; besides, each session
# has a block of a quarter of a MiB.
section "... until enough of it is free, and no more of them"
free_enough() {
	windows
	((USED <= MEMORY_MIB * 7 / 16 + N / 4))
}
wait_for "$PATIENCE" "a part of the memory is free" free_enough
n=$(grep -c '^ended 13' hold.out)
((n < N / 2)) || fail "$n of $N sessions were ended"
expect_running far "sessions held its memory"
stop_all

section "sessions that acknowledge nothing"
far_for deaf
hold $N $EARN deaf
wait_for $((4 * PATIENCE)) "memory is held" grep -q holding hold.out
check_peak
ends both_ways
check_peak
stop_all

section "data without memory waits in the socket"
"$MPNC" genkey key
TARGET=$(free_ports 1)
for how in plain threads; do
	tls=()
	[[ $how == plain ]] || tls=(--key key --threads 2)
	relay_pair 127.0.0.1:0 --memory 32M -v "${tls[@]}"
	ends both_ways
	ends squeeze 16
	for side in near far; do
		! grep 'closed:' "$side.err" | grep -v 'it is not needed' || fail "$side lost a connection"
	done
	stop_pair
done

section "without a key, one address has 256 sessions"
far_for gap
stop far
start far relay -v -l 127.0.0.1 "$FAR" --to "127.0.0.1:$(<sink.out)"
wait_port far
hold 257 0 gap
wait_log far 'this address has reached the limit of sessions'
wait_for "$PATIENCE" "one is refused" grep -q '^ended 4' hold.out
kill -USR1 "${PID[far]}"
wait_log far '256 sessions: 256 running'
stop_all

section "too little memory for as many sessions"
start far relay -v --memory 16M -l 127.0.0.1 0 --to 127.0.0.1:9
wait_port far
expect_log far 'at most 16 sessions at once: --memory is too little for 4096'
stop far
run 2 far relay --memory 1M -l 127.0.0.1 0 --to 127.0.0.1:9
expect_log far 'a size of memory \(16M or more\)'
