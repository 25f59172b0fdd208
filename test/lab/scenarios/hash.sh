#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which link a flow takes, against what was predicted. PREDICT=@FILE has lines of "SPORT LINK", LINK
# counted from 0 in the bond's order, for flows from ADDR_A to port DPORT (9) of ADDR_B; without it
# FLOWS (200) random source ports are compared with the formula below. PROTO is udp or tcp.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
DPORT=${DPORT:-9} PROTO=${PROTO:-udp} PACKETS=20
mapfile -t order < <(links A)

# words ADDRESS: as the kernel has them on a little-endian machine.
words() {
	if [[ $1 == *:* ]]; then
		# Only for prefix::suffix of one group each.
		local high=$((16#${1%%::*})) low=$((16#${1##*::}))
		echo $((high >> 8 | (high & 255) << 8)) 0 0 $(((low >> 8 | (low & 255) << 8) << 16))
	else
		local o
		IFS=. read -ra o <<<"$1"
		echo $((o[0] | o[1] << 8 | o[2] << 16 | o[3] << 24))
	fi
}

# layer34 SPORT: the position that policy layer3+4 gives, by kernels since 4.15.
layer34() {
	local h word
	h=$(($1 >> 8 | ($1 & 255) << 8 | (DPORT >> 8 | (DPORT & 255) << 8) << 16))
	for word in $(words "$ADDR_A") $(words "$ADDR_B"); do
		h=$((h ^ word))
	done
	h=$((h ^ h >> 16))
	h=$((h ^ h >> 8))
	echo $(((h >> 1) % LINKS_A))
}

# observe SPORT: the position of the link that has sent all of the probe's packets. Runs in A.
# shellcheck disable=SC2317 # called in A
observe() {
	local counters=("${order[@]/#//sys/class/net/eth}") before=() now i
	counters=("${counters[@]/%//statistics/tx_packets}")
	for i in "${!order[@]}"; do
		before+=("$(<"${counters[i]}")")
	done
	probe "$PROTO" "$ADDR_A" "$1" "$ADDR_B" "$DPORT" "$PACKETS"
	for i in "${!order[@]}"; do
		now=$(<"${counters[i]}")
		if ((now - before[i] >= PACKETS)); then
			echo "$i"
			return
		fi
	done
	echo none
}

topology
if [[ ! ${PREDICT-} ]]; then
	PREDICT=/tmp/predict
	RANDOM=${SEED:-$$}
	for ((n = 0; n < ${FLOWS:-200}; n++)); do
		sport=$((32768 + RANDOM % 28232))
		echo "$sport $(layer34 "$sport")"
	done >"$PREDICT"
fi
export -f observe
export PROTO ADDR_A ADDR_B DPORT PACKETS
# shellcheck disable=SC2016 # expanded in A
in_a bash -c 'order=("$@"); while read -r sport _; do observe "$sport"; done' observe "${order[@]}" \
	<"$PREDICT" >seen
paste -d ' ' "$PREDICT" seen | awk '$2 != $3 { print "source port " $1 ": predicted " $2 ", seen " $3 }' >wrong
cat wrong
[[ -s seen && ! -s wrong ]] || fail "$(wc -l <wrong) of $(wc -l <seen) flows took another link"
pass "$(wc -l <seen) flows took the link that was predicted"
