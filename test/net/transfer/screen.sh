#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user sees on the terminal: progress while data flow, one line that stays, and nothing else, whatever happens to
# the terminal's width.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 tmux

# A terminal of tmux: it breaks lines that no longer fit, as most terminals do when they become narrower.
tmux_() {
	tmux -S "$WORK/tmux" -f /dev/null "$@"
}
at_exit tmux_ kill-server

# screen: what is on the terminal, and has been, without empty lines.
screen() {
	tmux_ capture-pane -p -S - -t 0 | sed 's/ *$//; /^$/d'
}

# below: the lines from "above" on.
below() {
	screen | sed -n '/^above$/,$p'
}

shows() {
	screen | grep -qE -e "$1"
}

# expect_screen PATTERN...: each line from "above" on matches its pattern, and there are no others.
expect_screen() {
	local -a lines
	local i

	mapfile -t lines < <(below)
	((${#lines[@]} == $#)) || fail "the screen has ${#lines[@]} lines instead of $#: $(below)"
	for ((i = 0; i < $#; i++)); do
		[[ ${lines[i]} =~ ${*:i+1:1} ]] || fail "on the screen: $(below)"
	done
}

# typed COMMAND: at a prompt at the bottom of a full screen. (From higher up tmux moves the first lines out of the
# screen when one below is broken into several, be it the one where the cursor is.)
typed() {
	tmux_ respawn-pane -k -t 0 "PS1='\$ ' exec bash --norc --noprofile"
	wait_for "$PATIENCE" "a prompt" shows '^\$$'
	tmux_ send-keys -t 0 "clear; seq 30; echo above; $1" Enter
}

random_file data 64M
tmux_ new-session -d -x 100 -y 20 -e MPNC="$MPNC" 'exec sleep 1000'

section "a terminal that becomes narrower and wider keeps nothing of the lines before"
listen rx </dev/null >out
typed "\$MPNC --rate 16M 127.0.0.1 $PORT < data"
wait_for "$PATIENCE" "progress" shows '%  ETA'
for width in 40 20 200 80; do
	tmux_ resize-window -t 0 -x "$width" -y 20
	if ((width > 20)); then
		wait_for "$PATIENCE" "progress at $width columns" shows '^[0-9.]+ MiB  .* %  ETA'
	else
		wait_for "$PATIENCE" "progress at 20 columns" shows '^[0-9.]+ MiB$'
	fi
	expect_screen '^above$' '^[0-9.]+ MiB'
done
expect_exit rx 0
wait_for "$PATIENCE" "the end" shows '^\$$'
expect_screen '^above$' '^mpnc: sent 64\.0 MiB in [0-9.]+ s \([0-9.]+ MiB/s\) over 8 subflows, verified$' '^\$$'
expect_same data out

section "the peer's first byte ends it: what comes is not mixed with progress"
mkfifo back
exec 5<>back
listen rx --duplex <back >out 5>&-
typed "\$MPNC --rate 16M 127.0.0.1 $PORT < data"
wait_for "$PATIENCE" "progress" shows '%  ETA'
printf 'hello\nworld' >&5
wait_for "$PATIENCE" "the peer's bytes" shows '^world$'
exec 5>&-
expect_exit rx 0
wait_for "$PATIENCE" "the end" shows 'world\$$'
expect_screen '^above$' '^hello$' '^world\$$'

section "--quiet shows nothing"
listen rx </dev/null >out
typed "\$MPNC --quiet --rate 32M 127.0.0.1 $PORT < data"
expect_exit rx 0
wait_for "$PATIENCE" "the end" shows '^\$$'
expect_screen '^above$' '^\$$'

# record NAME ARG...: the program on a terminal that is recorded in the file "screen".
record() {
	spawn "$1" "$TEST_DIR/terminal.py" record screen 100 "$MPNC" "${@:2}"
}

section "the receiver of a file, or of a pipe with --size, knows how much is done"
for side in file pipe; do
	record rx -l "$PORT" </dev/null >out
	wait_listener "$PORT"
	if [[ $side == file ]]; then
		run 0 tx --rate 32M 127.0.0.1 "$PORT" <data
	else
		run 0 tx --rate 32M --size 64M 127.0.0.1 "$PORT" < <(cat data)
	fi
	expect_exit rx 0
	grep -qE '[0-9] %  ETA' screen || fail "no percentage: $(tr '\r' '\n' <screen | tail -n 5)"
	grep -q 'received 64.0 MiB in .*verified' screen || fail "no last line"
	expect_same data out
done

section "no connection is left: the clock that runs"
listen rx </dev/null >out
record tx --rate 16M 127.0.0.1 "$PORT" <data >/dev/null
wait_for "$PATIENCE" "bytes arrive" file_has out 5000000
stop rx
wait_for "$PATIENCE" "the clock" grep -qE 'reconnecting, (2[0-9]|30) s left' screen
pkill -TERM -P "${PID[tx]}"
expect_exit tx 143
