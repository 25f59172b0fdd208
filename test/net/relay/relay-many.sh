#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A thousand sessions in one process: all exact, with little memory and two descriptors each; and a few
# busy ones, that leave room for others and are fair to each other.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

N=1000
# Of an idle session, and of the process.
SESSION_KIB=64
PROCESS_KIB=24576
SESSION_FDS=2
PROCESS_FDS=32

ulimit -Sn "$(ulimit -Hn)"
(($(ulimit -n) > 3 * N + 100)) || skip "$(ulimit -n) descriptors are too few"
# A sanitizer's own memory is not ours.
! grep -q __asan_init "$MPNC" || SESSION_KIB=1024

TARGET=$(free_ports 1)
ALL=(--per-source "$N" --memory 2G)
start far relay -v "${ALL[@]}" -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far
start near relay -v "${ALL[@]}" 127.0.0.1:0 127.0.0.1 "$PORT"
wait_port near

section "$N at once"
mkfifo go
exec 4<>go
spawn ends python3 "$TEST_DIR/plain-ends.py" crowd "$PORT" "$TARGET" $N <go >ends.out
wait_for $((4 * PATIENCE)) "all have been served" grep -q idle ends.out
for side in near far; do
	rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/${PID[$side]}/status")
	fds=$(find "/proc/${PID[$side]}/fd" -type l | wc -l)
	section "$side: $((rss / N)) KiB and $((fds * 10 / N))/10 descriptors for each session"
	((rss <= PROCESS_KIB + N * SESSION_KIB)) || fail "$side has $rss KiB"
	((fds <= PROCESS_FDS + N * SESSION_FDS)) || fail "$side has $fds descriptors"
done
section "... and what they have to say at the end"
echo >&4
expect_exit ends 0 $((4 * PATIENCE))
exec 4>&-
for side in near far; do
	kill -USR1 "${PID[$side]}"
	wait_log "$side" "$N sessions: [0-9]+ running, 0 failed, 0 refused"
done

section "8 that never pause, and 20 others one after another"
spawn ends python3 "$TEST_DIR/plain-ends.py" busy "$PORT" "$TARGET" 8 >ends.out
expect_exit ends 0 $((4 * PATIENCE))
section "$(<ends.out)"

section "fewer descriptors than sessions: some are served, the others are refused"
stop near
stop far
start far relay -v -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far
spawn near bash -c "ulimit -n 100; exec \"\$0\" \"\$@\"" "$MPNC" relay -v 127.0.0.1:0 127.0.0.1 "$PORT"
wait_port near
expect_log near 'at most 16 sessions at once: there are no descriptors for 4096'
exec 4<>go
spawn ends python3 "$TEST_DIR/plain-ends.py" crowd "$PORT" "$TARGET" 16 <go >ends.out
wait_for $((4 * PATIENCE)) "all have been served" grep -q idle ends.out
: <>"/dev/tcp/127.0.0.1/$PORT"
wait_log near 'refused a connection from 127.0.0.1: the limit of sessions is reached'
echo >&4
expect_exit ends 0 $((4 * PATIENCE))
stop near TERM
stop far TERM
