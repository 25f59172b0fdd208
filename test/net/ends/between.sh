#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc as a pipe between two programs, as ssh's ProxyCommand is one. A program has started it on a terminal that is
# the program's own: not one byte of mpnc may get there, neither while the program works nor when it ends mpnc
# by a signal. And the relay on the other side counts no failure.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

# started KIND SIGNAL STATUS ARG...: a program on a terminal, "screen", that starts mpnc ARG... and ends it.
started() {
	spawn started "$TEST_DIR/terminal.py" record screen 100 \
		"$TEST_DIR/terminal.py" starter "$1" "$2" data "$MPNC" "${@:4}" >status
	expect_exit started 0
	expect_content status "$3"
}

random_file data 4M
spawn echo "$TEST_DIR/terminal.py" echo >port
wait_for "$PATIENCE" "the target listens" test -s port
start far relay -v -l 127.0.0.1 0 --to "127.0.0.1:$(<port)"
wait_port far

section "the terminal is the program's that started us"
started pipe SIGHUP 129 --duplex 127.0.0.1 "$PORT"
expect_empty screen
started pipe SIGTERM 143 --duplex 127.0.0.1 "$PORT"
expect_empty screen
started socket SIGHUP 129 --duplex 127.0.0.1 "$PORT"
expect_empty screen

section "a program that ends by its own signal hangs the terminal's job up as well"
for _ in 1 2 3; do
	started pipe SIGHUP+ 129 --duplex 127.0.0.1 "$PORT"
	expect_empty screen
done

section "with -v the signal is said"
started pipe SIGHUP 129 -v --duplex 127.0.0.1 "$PORT"
grep -q 'interrupted by a signal' screen || fail "nothing was said"

section "a signal that is not for a pipe is said"
started pipe SIGINT 130 --duplex 127.0.0.1 "$PORT"
grep -q 'interrupted by a signal' screen || fail "nothing was said"

section "a session that is cut in the middle is said, and is a failure"
mkfifo slow
exec 5<>slow
head -c 50000 data >&5
listen rx >got </dev/null
spawn tx "$TEST_DIR/terminal.py" record screen 100 "$MPNC" 127.0.0.1 "$PORT" <slow >back 5>&-
wait_for "$PATIENCE" "bytes arrive" file_has got 50000
pkill -HUP -P "${PID[tx]}"
expect_exit tx 129
expect_exit rx 4
grep -q 'interrupted by a signal' screen || fail "nothing was said"

section "the relay has failed in nothing"
kill -TERM "${PID[far]}"
expect_exit far 0
expect_log far '8 sessions: 0 running, 0 failed'
