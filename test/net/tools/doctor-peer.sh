#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc doctor HOST PORT: what a listener lets itself be measured for, and that it loses nothing by it.
# Which causes are found is for the lab: here is no bond.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

# json FILE EXPRESSION: is it true of the JSON in FILE, d?
json() {
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert eval(sys.argv[2]), json.dumps(d["peer"])' "$1" "$2" || fail "$1: not so: $2"
}

section "a listener is measured, and still serves a client"
listen rx </dev/null >out
run 0 doctor doctor --json 127.0.0.1 "$PORT" >json
json json 'd["peer"]["unmeasured"] is None'
json json 'd["peer"]["one_out"] > 0 and d["peer"]["one_back"] > 0'
json json 'd["peer"]["several_out"] > 0 and d["peer"]["several_back"] > 0 and d["peer"]["connections"] == 8'
json json 'len(d["peer"]["flows"]) == 16'
json json 'all(f[w]["bits_per_second"] > 0 and not f[w]["stuck"] for f in d["peer"]["flows"] for w in ("out", "back"))'
json json '0 < d["peer"]["bytes"] <= 64 << 20'
wait_log rx 'a peer ran a measurement against this listener'
run 0 doctor doctor 127.0.0.1 "$PORT" >text
grep -q '^  one connection: ' text || fail "$(<text)"
expect_empty out "what was measured came out"
run 0 tx -N 127.0.0.1 "$PORT" <<<stream
expect_exit rx 0
expect_content out stream

section "a stranger that measures and leaves a gap holds little, and its memory goes back to the system"
rss_kib() {
	awk '/^VmRSS:/ { print $2 }' "/proc/${PID[rx]}/status"
}
little_is_held() {
	(($(rss_kib) < before + 4096))
}
hold() {
	spawn hold python3 "$TEST_DIR/hold-memory.py" sessions "$PORT" 1 0 measure </dev/null >hold.out
	wait_for "$PATIENCE" "memory is held" grep -q holding hold.out
}
listen rx </dev/null >out
before=$(rss_kib)
# What is freed first teaches malloc to keep such memory, and what comes later lies above it.
hold
stop hold
wait_log rx 'a peer ran a measurement'
hold
mkfifo later
exec 5<>later
start tx 127.0.0.1 "$PORT" <later 5>&-
echo data >&5
wait_for "$PATIENCE" "a session runs" file_has out 1
stop hold
# A sanitizer's own memory is not ours.
if ! grep -q __asan_init "$MPNC"; then
	wait_for "$PATIENCE" "little is held" little_is_held
	(($(peak_kib rx) < before + 24576)) || fail "rx has had $(peak_kib rx) KiB"
fi
exec 5>&-
expect_exit tx 0
expect_exit rx 0

section "a report has no address in it"
listen rx </dev/null >out
run 0 doctor doctor --report 127.0.0.1 "$PORT" >text
grep -q '^mpnc ' text || fail "$(<text)"
grep -q '<address-1>' text || fail "$(<text)"
! grep -q '127\.0\.0\.1' text || fail "$(<text)"
run 0 doctor doctor --report --json 127.0.0.1 "$PORT" >json
json json 'd["route"]["peer"] == "<address-1>"'

section "while a session runs, nothing is measured, and it goes on"
mkfifo slow
exec 5<>slow
start tx 127.0.0.1 "$PORT" <slow 5>&-
echo data >&5
wait_for "$PATIENCE" "the session runs" file_has out 1
run 2 doctor doctor --json 127.0.0.1 "$PORT" >json
expect_log doctor 'a session runs there'
json json 'd["peer"]["flows"] == []'
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_content out data

section "with a key"
"$MPNC" genkey key
listen rx --key key </dev/null >out
run 2 doctor doctor 127.0.0.1 "$PORT" >text
run 0 doctor doctor --key key --json 127.0.0.1 "$PORT" >json
json json 'len(d["peer"]["flows"]) == 16'
stop rx

section "a bench is measured as well"
start rx bench -l -v 0 >out
wait_port rx
run 0 doctor doctor --json 127.0.0.1 "$PORT" >json
json json 'len(d["peer"]["flows"]) == 16'
stop rx

section "strangers cannot measure without end"
listen rx </dev/null >out
run 4 long bench -t 1m 127.0.0.1 "$PORT" >bench.out
expect_log long 'a measurement here has a limit of 64\.0 MiB'
# What a listener reads before others have their turn comes on top.
offset=$(sed -nE 's/.*gave up: .*; ([0-9]+) bytes had arrived at the peer.*/\1/p' long.err)
((offset <= 128 << 20)) || fail "it let itself be sent $offset bytes"
for ((i = 0; i < 20; i++)); do
	"$MPNC" bench -t 200ms 127.0.0.1 "$PORT" >bench.out 2>more.err || true
	! grep -q 'quota of measurements is used up' more.err || break
done
((i > 1 && i < 20)) || fail "$i measurements were allowed; the last said: $(<more.err)"
run 0 tx -N 127.0.0.1 "$PORT" <<<stream
expect_exit rx 0
expect_content out stream

section "a peer that says nothing, or something else, and none"
port=$(free_ports 1)
run 2 doctor doctor 127.0.0.1 "$port" >text
expect_log doctor 'Connection refused'
grep -q 'no-bond' text || fail "this machine was not looked at: $(<text)"
