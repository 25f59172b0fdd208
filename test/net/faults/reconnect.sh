#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All connections are cut. The session waits for new ones and goes on where it stood, or both ends say
# how far it came.
. "$(dirname "$0")/../lib.sh"

need python3

# begin LISTENER_OPTIONS CLIENT_OPTIONS: an endless stream through a proxy, from tx to rx.
begin() {
	: >out
	# shellcheck disable=SC2086 # options
	listen rx $1 </dev/null >out
	start_proxy "$PORT"
	# shellcheck disable=SC2086
	start tx -v $2 127.0.0.1 "$PROXY" < <(stream x "${3:-1000}")
	wait_for "$PATIENCE" "data flows" file_has out "${4:-20000000}"
}

make_block

for how in cut close; do
	section "all connections are cut for 4 s ($how)"
	begin '' '' 6
	proxy "$how 4"
	cut=$(now_ms)
	wait_log tx 'lost all connections'
	wait_log rx 'lost all connections'
	start other 127.0.0.1 "$PORT" </dev/null
	expect_exit other 1
	expect_log other 'another session is running'
	wait_for "$PATIENCE" "the client is connected again" logged tx 'connected again'
	took=$(($(now_ms) - cut))
	echo "$how: connected again after $took ms"
	((took >= 3900)) || fail "connected again after $took ms"
	expect_exit tx 0 $((2 * PATIENCE))
	expect_exit rx 0
	cmp out <(stream x 6) || fail "the stream was changed by the cut"
	stop_proxy
done

for n in 1 4; do
	section "cut for longer than --reconnect ($n subflows)"
	begin '--reconnect 3' "--reconnect 3 -P $n"
	proxy "cut 1000"
	cut=$(now_ms)
	expect_exit tx 1
	took=$(($(now_ms) - cut))
	echo "the client ended after $took ms"
	((took >= 3900)) || fail "the client ended after $took ms"
	expect_exit rx 1
	took=$(($(now_ms) - cut))
	echo "the listener ended after $took ms"
	((took >= 4900)) || fail "the listener ended after $took ms"
	expect_log tx 'no connection for more than 3[.0]* s .*; [1-9][0-9]+ bytes had arrived at the peer'
	expect_log rx "no connection for more than 3[.0]* s .*; $(stat -c %s out) bytes had arrived$"
	cmp -n "$(stat -c %s out)" out <(stream x 1000) || fail "what had arrived was wrong"
	stop_proxy
done

section "--reconnect 0 waits for nothing"
begin '--reconnect 0' '--reconnect 0'
proxy "cut 1000"
expect_exit tx 1 15
expect_exit rx 3 15
stop_proxy

section "another process listens there now: it does not know the session"
port=$(free_ports 1)
start rx -l -v "$port" </dev/null >out
wait_port rx
start_proxy "$PORT"
start tx -v 127.0.0.1 "$PROXY" < <(stream x 1000)
wait_for "$PATIENCE" "data flows" file_has out 20000000
proxy "cut 2"
stop rx
start rx -l -v "$port" </dev/null >/dev/null
wait_port rx
expect_exit tx 1 15
expect_log tx 'no longer knows the session; [1-9][0-9]* bytes had arrived at the peer'
expect_running rx "it waits for a new session"
stop rx
stop_proxy

section "a cut at the very end costs nobody more than the cut"
for i in {1..10}; do
	# A side that lost the other's DONE with the cut waits for it to come again: nobody comes.
	listen rx --reconnect 5 </dev/null >out
	start_proxy "$PORT"
	start tx --reconnect 5 127.0.0.1 "$PROXY" <<<"number $i"
	sleep "0.00$i"
	proxy "cut 1"
	begin=$(now_ms) limit=20000
	while running tx || running rx; do
		# The listener has heard it within SESSION_NEW_NS, or never.
		running tx || ! logged tx 'cannot connect|closed the connection' || limit=7000
		(($(now_ms) - begin < limit)) || break
		sleep 0.02
	done
	# Before WELCOME the client has nothing to resume. The listener waits for it in vain, or has
	# heard nothing of it and waits on, or has the whole stream: it was sent before WELCOME.
	if ! running tx && logged tx 'cannot connect|closed the connection'; then
		expect_exit tx 1
		if running rx; then
			stop rx
		elif logged rx 'complete$'; then
			expect_exit rx 0
			expect_content out "number $i"
		else
			expect_exit rx 1
		fi
	else
		if running tx || running rx; then fail "cut at $i ms: still running after 20 s"; fi
		expect_exit tx 0
		expect_exit rx 0
		expect_content out "number $i"
	fi
	stop_proxy
done
