#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Under a limit of memory a side says so at its start, or the transfer is complete; it never breaks off in
# the middle for want of memory that was missing from the beginning.
. "$(dirname "$0")/../lib.sh"

# Sanitizers need an address space of terabytes.
(ulimit -v 300000 && "$MPNC" --version >version) 2>/dev/null || skip "the program itself needs more than 300 MB"
random_file data 24M

# start_limited NAME KIB ARG...: the program under that limit.
start_limited() {
	# shellcheck disable=SC2016 # for the other shell
	spawn "$1" bash -c 'ulimit -v "$0"; exec "$@"' "$2" "$MPNC" "${@:3}"
}

section "too little for the default window: an error at the start, that says what to do"
for name in rx tx; do
	args=(-l 0)
	[[ $name == rx ]] || args=(127.0.0.1 1)
	start_limited "$name" 100000 "${args[@]}" </dev/null >out
	expect_exit "$name" 2
	expect_log "$name" 'the limit of memory \(ulimit -v\) is 100000 KiB, .* \(--window\)$'
done

section "enough for a smaller one: complete, though the consumer lets the window fill"
mkfifo pipe
for ((kib = 10000; kib <= 60000; kib += 5000)); do
	spawn consumer bash -c 'exec <pipe; head -c 1; until [[ -e go ]]; do sleep 0.02; done; cat' >out
	start_limited rx "$kib" -l -v --window 8M 0 </dev/null >pipe
	wait_for "$PATIENCE" "rx listens or ends" eval "logged rx 'listening on' || ended rx"
	if ended rx; then
		expect_exit rx 2
		expect_log rx 'the limit of memory'
		stop consumer
		continue
	fi
	wait_port rx
	start_limited tx "$kib" --window 8M 127.0.0.1 "$PORT" <data
	wait_for "$PATIENCE" "the windows are full" has_read tx 10000000
	: >go
	expect_exit tx 0
	expect_exit rx 0
	expect_exit consumer 0
	expect_same data out
	rm go
	enough=${enough-$kib}
done
echo "$TEST_NAME: a window of 8 MiB needs $enough KiB"
((enough < 45000)) || fail "more is asked for than is needed"
