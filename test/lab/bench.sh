#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc beside what else Debian has, in turns in one boot: so all meet the same noise. A run moves SIZE
# MiB from a pipe into a pipe; every run has new random ports, as the kernel or the program chooses.
#
#   SIZE 60   ROUNDS 5   TOOLS all of the list below (mpnc: without options)
#   FAULT none   of eth1 when a quarter has arrived: down_a, down_b (its carrier goes, at that host), or
#                silent (A's packets get lost, the carrier stays)
#
# shellcheck source=guest/lib.sh
SIZE=${SIZE:-60}
. /lab/lib.sh
ROUNDS=${ROUNDS:-5} FAULT=${FAULT:-none}
IPERF_SECONDS=${IPERF_SECONDS:-5}
tools=(nc ncat socat mbuffer nuttcp-4 nuttcp-8 mptcp-1 mptcp-4 mptcp-8 mpnc mpnc-4 mpnc-8 mpnc-16
	iperf3-1 iperf3-4 iperf3-8)
[[ ! ${TOOLS-} ]] || IFS=', ' read -ra tools <<<"$TOOLS"

# mptcp_ports N: the receiver announces N ports besides the one that it listens on.
mptcp_ports() {
	local end i
	for end in A B; do
		ip -n "$end" mptcp endpoint flush
		ip -n "$end" mptcp limits set subflows 8 add_addr_accepted 8
	done
	for ((i = 1; i <= $1; i++)); do
		ip -n B mptcp endpoint add "$ADDR_B" port "$((6000 + i))" signal
	done
}

# prepare TOOL: sets receive and send.
prepare() {
	local n=${1##*-}
	case $1 in
	nc) by_nc ;;
	ncat)
		receive=(ncat --recv-only -l "$ADDR_B" "$PORT")
		send=(ncat --send-only "$ADDR_B" "$PORT")
		;;
	socat)
		receive=(socat -u "TCP${FAMILY}-LISTEN:$PORT" STDOUT)
		send=(socat -u STDIN "TCP$FAMILY:$ADDR_B:$PORT")
		;;
	mbuffer)
		receive=(mbuffer "-$FAMILY" -q -m 16M -I "$PORT")
		send=(mbuffer "-$FAMILY" -q -m 16M -O "$ADDR_B:$PORT")
		;;
	nuttcp-*)
		receive=(nuttcp "-$FAMILY" -1 -s "-P$PORT")
		send=(nuttcp "-$FAMILY" -t -s "-N$n" "-P$PORT" "-p$((PORT + 1))" "$ADDR_B")
		;;
	mptcp-*)
		mptcp_ports $((n - 1))
		by_nc
		receive=(mptcpize run "${receive[@]}")
		send=(mptcpize run "${send[@]}")
		;;
	mpnc) ARGS='' by_mpnc ;;
	mpnc-*) ARGS=-P,$n by_mpnc ;;
	*) fail "no tool named $1" ;;
	esac
}

# strike: the fault, while a transfer runs. heal: it is gone, and LACP back.
# shellcheck disable=SC2317 # called by transfer_while
strike() {
	[[ $FAULT != none ]] || return 0
	until_arrived 25
	case $FAULT in
	down_a) ip -n A link set eth1 down ;;
	down_b) ip -n B link set eth1 down ;;
	silent) tc -n A qdisc replace dev eth1 root netem loss 100% ;;
	*) fail "no fault named $FAULT" ;;
	esac
}

heal() {
	local end
	case $FAULT in
	down_a) ip -n A link set eth1 up ;;
	down_b) ip -n B link set eth1 up ;;
	silent)
		tc -n A qdisc del dev eth1 root
		shape A eth1 "$(nth "$RATES_A" 1)"
		;;
	none) return ;;
	esac
	for end in A B; do
		[[ $(of MODE "$end") != 802.3ad ]] ||
			wait_until "LACP on $end" distributing "$end" bond0 "$(of LINKS "$end")"
	done
}

# measure TOOL: appends "goodput intact links-hit idle pause" to its results.
measure() {
	local before
	if [[ $1 == iperf3-* ]]; then
		before=$(counters B rx_bytes)
		goodput=$(iperf "${1#*-}")
		rx=$(deltas "$before" "$(counters B rx_bytes)")
		intact=- idle=- pause=-
	else
		prepare "$1"
		transfer_while strike
		heal
		((sent == 0 && received == 0)) || intact=0
	fi
	PORT=$((PORT + 16))
	echo "$goodput $intact $(links_hit "$rx") $idle $pause" >>"results.$1"
}

# row TOOL
row() {
	sort -n "results.$1" | awk -v tool="$1" -v ideal="$(ideal)" '
		{ rate[NR] = $1; intact += $2; counted += ($2 != "-"); hit = hit " " $3; sum += $4; if ($5 > pause) pause = $5 }
		END {
			median = NR % 2 ? rate[(NR + 1) / 2] : (rate[NR / 2] + rate[NR / 2 + 1]) / 2
			printf "| %-9s | %d | %6.1f | %6.1f | %6.1f | %.2f | %s | %s | %s | %s |\n", tool, NR, median,
			       rate[1], rate[NR], (ideal ? median / ideal : 0),
			       (counted ? intact "/" NR : "-"), substr(hit, 2), (counted ? int(sum / NR) " %" : "-"),
			       (counted ? pause " s" : "-")
		}'
}

topology
make_input
for ((round = 1; round <= ROUNDS; round++)); do
	for tool in "${tools[@]}"; do
		measure "$tool"
	done
done
echo "$SIZE MiB, Mbit/s; the links could carry $(ideal); fault: $FAULT"
echo
echo '| tool | n | median | min | max | of the links | intact | links hit | idle | longest pause |'
echo '|---|---|---|---|---|---|---|---|---|---|'
for tool in "${tools[@]}"; do
	row "$tool"
done
pass "${#tools[@]} tools, $ROUNDS rounds"
