#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay's warm connections: a session begins on one that was there before, and nothing is lost when that
# turns out to be dead.
#
#  plain-ends.py --> near --(proxy.py)--> far --> plain-ends.py
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 ss

# far_side ARG...: sets FAR
far_side() {
	start far relay -v "$@" -l 127.0.0.1 "${FAR:-0}" --to "127.0.0.1:$TARGET"
	wait_port far
	FAR=$PORT
}

# near_side PORT ARG...: a near side for a far one at PORT; sets NEAR
near_side() {
	start near relay -vv "${@:2}" 127.0.0.1:0 127.0.0.1 "$1"
	wait_port near
	NEAR=$PORT
}

# n_ready N: N connections have become ready since the start
n_ready() {
	(($(grep -c 'port [0-9]* is ready' near.err) >= $1))
}

wait_ready() {
	wait_for "$PATIENCE" "$1 connections are ready" n_ready "$1"
}

# warm_ports: of the connections that are ready, or were
warm_ports() {
	sed -nE 's/.*the preconnection from port ([0-9]+) is ready/\1/p' near.err
}

# totals PATTERN: of the near side
totals() {
	kill -USR1 "${PID[near]}"
	wait_log near "$1"
}

TARGET=$(free_ports 1)
FAR=
for key in no yes; do
	args=()
	if [[ $key == yes ]]; then
		"$MPNC" genkey key
		args=(--key key)
	fi

	section "with a key: $key: sessions begin on connections that were there before"
	far_side "${args[@]}"
	near_side "$FAR" "${args[@]}" --ports 20000-29999
	wait_ready 4
	warm_ports >before
	while read -r port; do
		((port >= 20000 && port <= 29999)) || fail "port $port is none of --ports"
	done <before
	(($(ss -Htn "dport = :$FAR" | wc -l) == 4)) || fail "there are not four: $(ss -Htn "dport = :$FAR")"
	ends small
	used=$(sed -nE 's/.*session 1 of 127.0.0.1 port ([0-9]+):.*/\1/p' far.err | head -n 1)
	grep -qx "$used" before || fail "session 1 came from port $used, not from one of: $(tr '\n' ' ' <before)"
	section "... which are replaced"
	wait_ready 5
	ends several
	ends both_ways
	ends half_close
	ends resets
	totals '[0-9]+ sessions: 0 running, .*; [1-9][0-9]* began on preconnections'
	section "... also when the far side is started anew"
	n=$(warm_ports | wc -l)
	stop far
	wait_log near 'the preconnection from port [0-9]+ is gone'
	far_side "${args[@]}"
	wait_ready $((n + 4))
	ends both_ways

	section "... and end with it"
	kill -TERM "${PID[near]}"
	expect_exit near 0
	[[ ! $(ss -Htn state established "dport = :$FAR") ]] || fail "connections are left"
	kill -TERM "${PID[far]}"
	expect_exit far 0
done

section "a connection that is closed just as it is used: another one is made, nothing is lost"
far_side
start_proxy "$FAR"
near_side "$PROXY"
wait_ready 4
proxy "trap reset"
wait_for "$PATIENCE" "the trap is set" grep -q trapped proxy.out
ends both_ways
expect_log near 'the connection that was ready is gone: another one is made'
totals '1 sessions: 0 running, 0 failed, .*; 1 began on preconnections'
stop near

section "... and one that has fallen silent"
: >proxy.out
near_side "$PROXY"
wait_ready 4
proxy "trap silent"
wait_for "$PATIENCE" "the trap is set" grep -q trapped proxy.out
ends both_ways
expect_log near 'the connection that was ready is gone: another one is made'
totals '1 sessions: 0 running, 0 failed, .*; 1 began on preconnections'
stop near
stop_proxy

section "--warm 0: none"
near_side "$FAR" --warm 0
ends small
[[ ! $(warm_ports) ]] || fail "there was one that was ready"
kill -USR1 "${PID[near]}"
wait_log near '1 sessions: 0 running, 0 failed, 0 refused; sent [^;]*; windows [^;]*$'
stop near

section "one source gets as many as the far side keeps for it, which keeps no other out"
near_side "$FAR" --warm 64
wait_ready 64
start other relay -vv 127.0.0.1:0 127.0.0.1 "$FAR"
wait_log other 'no connection can be kept ready: the limit of preconnections is reached'
start third relay -vv -s 127.0.0.2 127.0.0.1:0 127.0.0.1 "$FAR"
wait_log third 'the preconnection from port [0-9]+ is ready'
ends small
section "... and who finds no place is served"
wait_port other
NEAR=$PORT
ends both_ways
stop third
stop other
stop near
section "... nor for longer, by asking again"
spawn ear python3 "$TEST_DIR/fake-peer.py" hear </dev/null >port
wait_for "$PATIENCE" "the ear's port" test -s port
start third relay --warm 1 127.0.0.1:0 127.0.0.1 "$(<port)"
expect_exit ear 0
python3 "$TEST_DIR/fake-peer.py" twice "$FAR" heard >twice.out
expect_content twice.out closed
stop third
stop far

section "who keeps none says so, and serves as before"
listen rx </dev/null >rx.out
near_side "$PORT"
wait_log near 'no connection can be kept ready: this listener is not a relay and keeps no connections'
echo hello >"/dev/tcp/127.0.0.1/$NEAR"
expect_exit rx 0
expect_content rx.out hello
stop near

section "what cannot be"
run 2 it relay --warm 65 1 127.0.0.1 1
expect_log it '"65" is not a number of connections \(0 to 64\)'
run 2 it relay --warm 1 -l 1 --to 127.0.0.1:1
expect_log it '--warm is for the near side'
