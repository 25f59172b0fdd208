#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Long outages, beside each other as each mostly waits: all connections are cut, the network falls silent,
# a side is stopped, a consumer or producer is slow. What can go on does, and is exact; what cannot ends at
# both sides in time, and both say how far it came. MPNC_STOP_SECONDS (25): how long a side is stopped.
. "$(dirname "$0")/../lib.sh"

need python3
STOP=${MPNC_STOP_SECONDS:-25}

# expect_offset NAME SECONDS: it gave up after that and says how much had arrived, which is what is in out.
expect_offset() {
	expect_log "$1" "no connection for more than $2[.0]* s .*; $(stat -c %s out) bytes had arrived$"
}

# within LEAST MOST MS WHAT
within() {
	echo "$TEST_NAME: $4 after $3 ms"
	(($3 >= $1 && $3 <= $2)) || fail "$4 after $3 ms, not $1 to $2"
}

# through_proxy COUNT: a stream of COUNT blocks through a proxy; some of it has arrived.
through_proxy() {
	listen rx </dev/null >out
	start_proxy "$PORT"
	start tx -v 127.0.0.1 "$PROXY" < <(stream x "$1")
	wait_for "$PATIENCE" "data flows" file_has out 20000000
}

expect_exact() { # COUNT
	expect_exit tx 0 $((2 * PATIENCE + STOP))
	expect_exit rx 0
	cmp out <(stream x "$1") || fail "the stream was changed"
}

# Neither side has given up a connection: that is said with -v, unlike one that closes in order.
expect_none_given_up() {
	local name

	for name in tx rx; do
		! logged "$name" 'closed:' || fail "$name gave up a connection"
	done
}

cut_for_10_s() {
	through_proxy 4
	proxy "cut 10"
	expect_exact 4
	expect_log tx 'connected again'
	expect_log rx 'connected again'
}

cut_for_40_s() {
	local cut

	through_proxy 1000
	proxy "cut 40"
	cut=$(now_ms)
	expect_exit tx 1 $((PATIENCE + 35))
	within 31000 35000 $(($(now_ms) - cut)) "the sender ended"
	expect_exit rx 1
	within 31000 35000 $(($(now_ms) - cut)) "the receiver ended"
	expect_offset rx 30
	expect_log tx 'no connection for more than 30[.0]* s .*; [1-9][0-9]+ bytes had arrived at the peer'
	cmp -n "$(stat -c %s out)" out <(stream x 1000) || fail "what had arrived was wrong"
}

# The far end vanishes without a word, as with a cable that is pulled behind a switch: in a network of its
# own, the loopback device goes down, for some seconds; the receiver may be stopped before, until the
# windows of its four connections are closed. Writes "NAME STATUS MS" to ended.
down() { # SECONDS BLOCKS [stopped]
	cat >down.sh <<-'EOF'
		ip link set lo up
		"$MPNC" -l -v ${2:+--window 512M} 31337 </dev/null >out 2>rx.err &
		rx=$!
		until grep -sq listening rx.err; do sleep 0.1; done
		"$MPNC" -v ${2:+-P 4 --window 512M} 127.0.0.1 31337 <in 2>tx.err &
		tx=$!
		until (($(stat -c %s out) > 20000000)); do sleep 0.02; done
		if [[ ${2-} ]]; then
			kill -STOP $rx
			for ((n = 0; n < 20;)); do
				(($(ss -Hnot dst 127.0.0.1:31337 | grep -c persist) == 4)) && ((n += 1)) || n=0
				sleep 0.05
			done
		fi
		ip link set lo down
		begin=$EPOCHREALTIME
		(sleep "$1"; ip link set lo up) &
		for name in tx rx; do
			wait "${!name}"
			echo "$name $? $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))"
			[[ $name == rx || ! ${2-} ]] || kill -KILL $rx
		done >ended
	EOF
	mkfifo in
	stream x "$2" >in 2>/dev/null &
	timeout $((PATIENCE + 100)) unshare -rn bash down.sh "$1" "${@:3}"
}

down_for_14_s() {
	down 14 4
	[[ $(sed 's/ [0-9]*$//' ended) == $'tx 0\nrx 0' ]] || fail "not both ended well: $(<ended)"
	cmp out <(stream x 4) || fail "the stream was changed"
}

down_for_40_s() {
	local name status ms

	down 40 1000
	while read -r name status ms; do
		((status == 1)) || fail "$name: exit status $status instead of 1"
		# It counts from when the peer was heard last, which is a little earlier.
		within 31000 35000 "$ms" "$name ended"
	done <ended
	expect_offset rx 30
	expect_log tx 'no connection for more than 30[.0]* s .*; [1-9][0-9]+ bytes had arrived at the peer'
}

# Where the peer's window is closed nothing is sent again that could show it.
down_with_closed_windows() {
	local name status ms

	down 40 1000 stopped
	read -r name status ms <ended
	((status == 1)) || fail "$name: exit status $status instead of 1"
	# What was heard last was heard before the windows were closed.
	within 25000 35000 "$ms" "$name ended"
}

# The kernel goes on acknowledging: a side that is stopped is no dead one.
stopped() { # NAME
	listen rx </dev/null >out
	start tx -v 127.0.0.1 "$PORT" < <(stream x 4)
	wait_for "$PATIENCE" "data flows" file_has out 20000000
	kill -STOP "${PID[$1]}"
	sleep "$STOP" # this is the stop that is tested
	kill -CONT "${PID[$1]}"
	expect_exact 4
	expect_none_given_up
}

# Both are stopped while they have no connection: they have not waited meanwhile.
both_stopped() {
	listen rx --reconnect 5 </dev/null >out
	start_proxy "$PORT"
	start tx -v --reconnect 5 127.0.0.1 "$PROXY" < <(stream x 4)
	wait_for "$PATIENCE" "data flows" file_has out 20000000
	proxy "cut 2"
	wait_log tx 'lost all connections'
	wait_log rx 'lost all connections'
	kill -STOP "${PID[tx]}" "${PID[rx]}"
	sleep 8 # this is the stop that is tested
	kill -CONT "${PID[tx]}" "${PID[rx]}"
	expect_exact 4
}

# One that limits how long nothing may move was stopped itself.
stopped_with_a_limit() {
	listen rx </dev/null >out
	start tx -v -w 4 127.0.0.1 "$PORT" < <(stream x 4)
	wait_for "$PATIENCE" "data flows" file_has out 20000000
	kill -STOP "${PID[tx]}"
	sleep 8 # this is the stop that is tested
	kill -CONT "${PID[tx]}"
	expect_exact 4
}

# The client is stopped when all is there but its confirmation of the listener's stream, which is TEXT and
# ends only then.
stopped_at_the_end() { # TEXT LISTENER_OPTION...
	mkfifo held taken
	(cat taken >out && : >complete) &
	exec 6<>held
	listen rx --duplex "${@:2}" <held >taken 6>&-
	start tx --duplex 127.0.0.1 "$PORT" < <(exec 6>&- && until [[ -e go ]]; do sleep 0.02; done) >back 6>&-
	printf %s "$1" >&6
	wait_for "$PATIENCE" "the listener's bytes have arrived" file_has back ${#1}
	: >go
	wait_for "$PATIENCE" "the client's stream is complete" test -e complete
	kill -STOP "${PID[tx]}"
	exec 6>&-
}

# Nothing is missing: it ends well, soon after --reconnect. And so does the client when it goes on.
silent_at_the_end() {
	stopped_at_the_end '' --reconnect 3
	expect_exit rx 0 $((PATIENCE + 15))
	kill -CONT "${PID[tx]}"
	expect_exit tx 0
}

# What the listener sent may be lost: that it waits for a confirmation is no excuse for ever.
unconfirmed_with_a_limit() {
	stopped_at_the_end 'an answer' -w 2
	expect_exit rx 1 $((PATIENCE + 12))
	expect_log rx 'nothing moved for 2[.0]* s'
	# The client may still find all of it in its socket, or hear first that the listener gave up.
	stop tx
}

# A byte a second for as long, then the rest.
slow_consumer() {
	spawn consumer python3 -c "
import sys, time
out = open('out', 'wb')
for i in range($STOP):
    out.write(sys.stdin.buffer.read(1))
    time.sleep(1)
while data := sys.stdin.buffer.read(1 << 20):
    out.write(data)" < <(exec "$MPNC" -l -v 0 </dev/null 2>rx.err)
	wait_port rx
	start tx -v 127.0.0.1 "$PORT" < <(stream x 4)
	expect_exit tx 0 $((2 * PATIENCE + STOP))
	expect_exit consumer 0
	cmp out <(stream x 4) || fail "the stream was changed"
	expect_none_given_up
}

slow_producer() {
	listen rx </dev/null >out
	start tx -v 127.0.0.1 "$PORT" < <(stream x 1 && sleep "$STOP" && echo behind the pause)
	expect_exit tx 0 $((2 * PATIENCE + STOP))
	expect_exit rx 0
	cmp out <(stream x 1 && echo behind the pause) || fail "the stream was changed"
	expect_none_given_up
}

make_block
aside cut-10 cut_for_10_s
aside cut-40 cut_for_40_s
if command -v ip >/dev/null && unshare -rn true 2>/dev/null; then
	aside down-14 down_for_14_s
	aside down-40 down_for_40_s
	aside down-closed down_with_closed_windows
fi
aside stopped-tx stopped tx
aside stopped-rx stopped rx
aside stopped-both both_stopped
aside stopped-limit stopped_with_a_limit
aside silent-end silent_at_the_end
aside unconfirmed unconfirmed_with_a_limit
aside slow-consumer slow_consumer
aside slow-producer slow_producer
together
