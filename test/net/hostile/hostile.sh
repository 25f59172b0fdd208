#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Thousands of connections that are up to no good, against a listener that waits and against one that has
# a transfer running: real peers are served, and neither memory nor descriptors grow beyond a limit.
# MPNC_HOSTILE (10000): how many each time.
. "$(dirname "$0")/../lib.sh"
need python3

(($(ulimit -Hn) >= 1024)) || skip "too few descriptors are allowed: $(ulimit -Hn)"
N=${MPNC_HOSTILE:-10000}
# A sanitizer keeps what was freed.
SANITIZED=$(($(grep -c __asan_init "$MPNC" || true) > 0))
random_file data 96M

attack() {
	spawn attacker python3 "$TEST_DIR/fake-peer.py" hostile "$PORT" "$N" heard </dev/null
}

fds() {
	local list=("/proc/${PID[rx]}/fd/"*)

	echo "${#list[@]}"
}

# bounded MIB: the listener's memory and descriptors while it is attacked, and after it.
bounded() {
	local most=0 n kib

	while running attacker; do
		n=$(fds)
		((n <= most)) || most=$n
		sleep 0.05
	done
	expect_exit attacker 0
	kib=$(peak_kib rx)
	echo "$TEST_NAME: $N connections: at most $most descriptors and $kib KiB"
	# Strangers, as many of a source that has a session, those that wait for their turn, and its own.
	((most <= 256 + 256 + 64 + 40)) || fail "$most descriptors"
	((SANITIZED || kib <= $1 * 1024)) || fail "$kib KiB"
}

section "what a client says first"
spawn ear python3 "$TEST_DIR/fake-peer.py" hear </dev/null >port
wait_for "$PATIENCE" "somebody listens" test -s port
start tx --reconnect 0 127.0.0.1 "$(<port)" < <(head -c 1000 /dev/zero)
expect_exit ear 0
expect_exit tx '!0'
[[ $(head -c 6 heard) == mpnc/1 ]] || fail "that is no HELLO"

# Each transfer is held to a rate that leaves the machine some time, so that what the attack costs can be seen.
transfer() {
	run 0 tx --rate 24M --retry 20 127.0.0.1 "$PORT" <data
}

section "without an attack"
listen rx </dev/null >out
transfer
expect_exit rx 0
calm=$RUN_MS

section "a listener that waits"
listen rx -k --reconnect 1 </dev/null >out
attack
bounded 48
transfer
[[ $(tail -c 96M out | cmp - data && echo same) == same ]] || fail "the transfer was changed"
stop rx

section "a listener with a transfer"
listen rx </dev/null >out
start tx --rate 24M 127.0.0.1 "$PORT" <data
begin=$(now_ms)
wait_for "$PATIENCE" "data flows" file_has out 1000000
attack
bounded 112
expect_exit tx 0
took=$(($(now_ms) - begin))
expect_exit rx 0
expect_same data out
echo "$TEST_NAME: $took ms beside $calm ms without an attack: $((calm * 100 / took)) % of the rate"
