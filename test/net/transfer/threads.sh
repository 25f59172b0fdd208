#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Transfers in which all threads take part: input, output, guest, and workers. A thread sanitizer
# looks at how they share things (tools/check.sh tsan); a race need not spoil a byte to be seen.
. "$(dirname "$0")/../lib.sh"
need python3

random_file data 6M
run 0 it genkey key
sealed=(--key key --threads 2)

for options in '--key key' '--key key -P 1' '--key key -P 8' '--key key -P 8 --window 1M' \
	'' '-P 1' '-P 8' '-P 8 --window 1M'; do
	section "from the client ${options:-as planned}"
	# shellcheck disable=SC2086 # options
	listen rx --threads 2 $options </dev/null >out
	# shellcheck disable=SC2086
	run 0 tx --threads 2 $options 127.0.0.1 "$PORT" <data >back
	expect_exit rx 0
	expect_same data out
done

section "cut twice, without a key"
make_block
listen rx --threads 4 </dev/null >out
start_proxy "$PORT"
start tx --threads 4 -v -P 8 127.0.0.1 "$PROXY" < <(stream x 1)
for at in 4000000 20000000; do
	wait_for "$PATIENCE" "data flow" file_has out "$at"
	proxy "cut 0.2"
done
expect_exit tx 0 $((2 * PATIENCE))
expect_exit rx 0
expect_log tx 'connected again'
cmp out <(stream x 1) || fail "the stream was changed"
stop_proxy

section "from the listener"
listen tx "${sealed[@]}" <data >back
run 0 rx "${sealed[@]}" -P 4 127.0.0.1 "$PORT" </dev/null >out
expect_exit tx 0
expect_same data out

section "both ways at once, through pipes"
listen rx "${sealed[@]}" --duplex < <(cat data) > >(cat >out.rx)
run 0 tx "${sealed[@]}" -P 8 --duplex 127.0.0.1 "$PORT" < <(cat data) > >(cat >out.tx)
expect_exit rx 0
wait_for "$PATIENCE" "the pipes are empty" cmp -s data out.rx
wait_for "$PATIENCE" "the pipes are empty" cmp -s data out.tx

section "threads at one end only, then none at all"
listen rx --key key --threads 0 </dev/null >out
run 0 tx "${sealed[@]}" -P 4 127.0.0.1 "$PORT" <data >back
expect_exit rx 0
expect_same data out
listen rx --duplex <data >out.rx
run 0 tx -P 4 --duplex 127.0.0.1 "$PORT" <data >out.tx
expect_exit rx 0
expect_same data out.rx
expect_same data out.tx

section "one session after another"
listen rx -k "${sealed[@]}" </dev/null >out
for _ in 1 2 3; do
	run 0 tx "${sealed[@]}" -P 2 127.0.0.1 "$PORT" <data >back
done
kill -TERM "${PID[rx]}"
expect_exit rx 143
expect_same <(cat data data data) out

section "cut twice, in the middle"
make_block
listen rx "${sealed[@]}" </dev/null >out
start_proxy "$PORT"
start tx "${sealed[@]}" -v -P 4 127.0.0.1 "$PROXY" < <(stream x 1)
for at in 4000000 20000000; do
	wait_for "$PATIENCE" "data flow" file_has out "$at"
	proxy "cut 0.2"
done
expect_exit tx 0 $((2 * PATIENCE))
expect_exit rx 0
expect_log tx 'connected again'
cmp out <(stream x 1) || fail "the stream was changed"
stop_proxy

section "an end in the middle: nobody waits for a thread"
mkfifo slow
exec 5<>slow
listen rx "${sealed[@]}" </dev/null >out 5>&-
start tx "${sealed[@]}" -P 4 127.0.0.1 "$PORT" <slow 5>&-
cat data >&5
wait_for "$PATIENCE" "data arrive" file_has out 1000000
kill -TERM "${PID[tx]}"
expect_exit tx 143
expect_exit rx 4
exec 5>&-

section "a client that does not speak mpnc"
listen rx --plain-ok </dev/null >out
cat data >"/dev/tcp/127.0.0.1/$PORT"
expect_exit rx 0
expect_same data out

section "relays"
TARGET=$(free_ports 1)
start far relay -v "${sealed[@]}" -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far
start near relay -v "${sealed[@]}" 127.0.0.1:0 127.0.0.1 "$PORT"
wait_port near
for scenario in both_ways several; do
	spawn ends python3 "$TEST_DIR/plain-ends.py" "$scenario" "$PORT" "$TARGET"
	expect_exit ends 0 $((4 * PATIENCE))
done
for side in near far; do
	kill -TERM "${PID[$side]}"
	expect_exit "$side" 0
done
