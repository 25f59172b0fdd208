#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A consumer that stops for 20 s holds the sender up: neither end grows by more than its window. Then
# the transfer goes on and is complete.
. "$(dirname "$0")/../lib.sh"

make_block

start_one() { # NAME ARG...
	local name=$1

	mkfifo "pipe-$name"
	# Takes a little, then waits until go-NAME is there.
	# shellcheck disable=SC2016 # for the other shell
	spawn "consumer-$name" bash -c '
		exec <"pipe-$0"
		head -c 1000 >"out-$0"
		until [[ -e go-$0 ]]; do sleep 0.1; done
		cat >>"out-$0"' "$name"
	listen "rx-$name" "${@:2}" </dev/null >"pipe-$name"
	start "tx-$name" "${@:2}" 127.0.0.1 "$PORT" < <(stream "$name" 4)
}

# expect_bounded NAME WINDOW_MIB
expect_bounded() {
	local side kib most=$((($2 + 32) * 1024))

	for side in rx tx; do
		expect_running "$side-$1" "its consumer only waits"
		kib=$(peak_kib "$side-$1")
		echo "$side-$1: $kib KiB at most"
		((kib <= most)) || fail "$side-$1 has grown to $kib KiB; its window is $2 MiB"
	done
}

# expect_idle NAME TICKS_BEFORE: has it used no more than a tenth of the time?
expect_idle() {
	local used=$(($(cpu_ticks "$1") - $2))

	((used < 20 * $(getconf CLK_TCK) / 10)) || fail "$1 is busy while nothing can move: $used ticks"
}

finish_one() { # NAME
	expect_bounded "$1" "$2"
	: >"go-$1"
	expect_exit "tx-$1" 0
	expect_exit "rx-$1" 0
	expect_exit "consumer-$1" 0
	cmp "out-$1" <(stream "$1" 4) || fail "$1: the stream was changed by the pause"
}

section "the output's consumer does not read"
start_one default
start_one small --window 4M
start_one many --window 4M -P 32

section "the receiver itself is stopped"
listen rx </dev/null >out
start tx 127.0.0.1 "$PORT" < <(stream stop 4)
wait_for "$PATIENCE" "data flows" file_has out 1000000
kill -STOP "${PID[rx]}"

wait_for "$PATIENCE" "the window is used up" has_read tx-default 60000000
declare -A ticks
for name in {rx,tx}-{default,small,many} tx; do
	ticks[$name]=$(cpu_ticks "$name")
done
sleep 20 # this is the pause that is tested
for name in {rx,tx}-{default,small,many} tx; do
	expect_idle "$name" "${ticks[$name]}"
done
finish_one default 64
finish_one small 4
finish_one many 4

kill -CONT "${PID[rx]}"
expect_exit tx 0
expect_exit rx 0
cmp out <(stream stop 4) || fail "the stream was changed by the pause"
