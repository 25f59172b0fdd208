#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iperf3 through a relay: one connection of it, each way, and many at once.
#
#   TIME       15   seconds of each run
#   PARALLEL   100  connections at once; 0: not tried
#   MIN_RATIO  0    of what the links can carry, by one connection, each way
#   MIN_FAIR   0    Jain's index of the rates of many: 1 if all are the same, 1/n if one has all
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
TIME=${TIME:-15} PARALLEL=${PARALLEL:-100} MIN_RATIO=${MIN_RATIO:-0} MIN_FAIR=${MIN_FAIR:-0}
service=5201

# listens END PORT
# shellcheck disable=SC2317 # called by wait_until
listens() { ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .; }

# relays: both sides, each as a process of this shell's. Sets near and far to their numbers.
relays() {
	local args both=()
	IFS=', ' read -ra args <<<"$ARGS"
	if ((KEY)); then
		make_key
		both=(--key "$key")
	fi
	ip netns exec B "${nobody[@]}" mpnc relay "${both[@]}" -l "$ADDR_B" "$PORT" --to "127.0.0.1:$service" 2>far.err &
	far=$!
	wait_until "the far side" listens B "$PORT"
	ip netns exec A "${nobody[@]}" mpnc relay "${both[@]}" "${args[@]}" "$service" "$ADDR_B" "$PORT" \
		2>near.err &
	near=$!
	wait_until "the near side" listens A "$service"
}

# through ARG...: iperf3 through the relay, into iperf.out. Sets tx and back to the bytes of A's links, and
# idle as transfer does.
through() {
	local server before before_back ticks
	in_b iperf3 -s -1 -B 127.0.0.1 -p "$service" >server.out 2>&1 &
	server=$!
	wait_until "iperf3 to listen" listens B "$service"
	before=$(counters A tx_bytes)
	before_back=$(counters A rx_bytes)
	ticks=$(cpu_ticks)
	in_a timeout "$LIMIT" iperf3 -c 127.0.0.1 -p "$service" -t "$TIME" -f k "$@" >iperf.out 2>&1 ||
		fail "iperf3 $*: $(tail -n 3 iperf.out)"
	wait "$server" || fail "iperf3 -s: $(tail -n 3 server.out)"
	tx=$(deltas "$before" "$(counters A tx_bytes)")
	back=$(deltas "$before_back" "$(counters A rx_bytes)")
	idle=$(awk '{ printf "%d", 100 * ($3 - $1) / ($4 - $2) }' <<<"$ticks $(cpu_ticks)")
}

# rates: kbit/s of each of iperf3's connections, as received.
rates() {
	awk '/receiver/ && !/SUM/ { for (i = 1; i <= NF; i++) if ($i == "Kbits/sec") print $(i - 1) }' iperf.out
}

# one WHAT ARG...: a single connection.
one() {
	through "${@:2}"
	ratio=$(calc "$(rates) / 1000 / $(ideal)" %.3f)
	echo "$1: $ratio of $(ideal) Mbit/s; A out $(shares "$tx"), in $(shares "$back"); guest $idle % idle"
	((idle >= 10)) || echo "  the processors were the limit: figures are too low"
	at_least "$ratio" "$MIN_RATIO" || wrong+=" $1 has $ratio of the links;"
	results+="$1 $ratio of the links, "
}

many() {
	local n
	through -P "$PARALLEL"
	n=$(rates | wc -l)
	((n == PARALLEL)) || fail "$n of $PARALLEL connections were complete: $(tail -n 3 iperf.out)"
	fair=$(rates | awk '{ sum += $1; squares += $1 * $1 } END { printf "%.3f", squares ? sum * sum / NR / squares : 0 }')
	ratio=$(rates | awk -v ideal="$(ideal)" '{ sum += $1 } END { printf "%.3f", sum / 1000 / ideal }')
	echo "$n connections: $ratio of $(ideal) Mbit/s, Jain's index $fair; A out $(shares "$tx"); guest $idle % idle"
	echo "  kbit/s of each: $(rates | sort -n | paste -sd ' ')"
	at_least "$fair" "$MIN_FAIR" || wrong+=" Jain's index of $n connections is $fair;"
	results+="$n connections: $ratio, Jain's index $fair"
}

# stop SIDE PID: it ends well, and no session has failed but by iperf3, which breaks its connections off
# with bytes on their way.
stop() {
	kill -TERM "$2"
	wait "$2" || fail "the $1 side's exit status is $?: $(tail -n 3 "$1.err")"
	sed "s/^mpnc:/  $1:/" "$1.err"
	(($(wc -l <"$1.err") == 1)) || fail "the $1 side has more to tell than its totals"
	grep -qE ' sessions: 0 running, .* 0 refused' "$1.err" || fail "the $1 side has refused some"
}

wrong='' results=''
topology
relays
one forth
one back -R
((!PARALLEL)) || many
stop near "$near"
stop far "$far"
[[ ! $wrong ]] || fail "$wrong wanted: $MIN_RATIO, $MIN_FAIR"
pass "$results"
