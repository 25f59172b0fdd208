#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `mpnc status --check`, `mpnc explain` and, if there is one, `mpnc doctor` say to a user without
# privilege about bonds with one fault each, and about healthy ones. Every situation is a host with its
# switch, all in one boot:
#
#      10.9.0.1  bond0   eth0 --- s0   lag0, lag1 or none   br0  10.9.0.2
#                         ..      ..
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
situations=()

# situation NAME MODE POLICY LINKS SWITCH [OPTION...]
#
# SWITCH: "lacp" or "static" for one group of all ports, "lacp:2" for one of that many and one of the
# rest, "plain" for no group. The options are the bond's.
#
# The next lines say what is to be found there, each as an array of that name:
#
#   status   patterns, one for each line; none: nothing is wrong, and the exit status is 0
#   links    over how many links explain spreads 40 connections to one peer; -: not predictable
#   reason   a pattern in each reason that explain gives
#   doctor   the ids of its errors and warnings, in any order
situation() {
	local name=$1 n=$4
	shift
	situations+=("$name")
	ip netns add "$name"
	ip netns add "S-$name"
	ip -n "$name" link add bond0 type bond mode "$1" miimon 100 xmit_hash_policy "$2" "${@:5}"
	switch "$name" "$n" "$4"
	for ((i = 0; i < n; i++)); do
		ip -n "$name" link set "eth$i" master bond0
	done
	ip -n "$name" link set bond0 up
	ip -n "$name" addr add 10.9.0.1/24 dev bond0
}

# switch NAME LINKS SWITCH
switch() {
	local first=$2 ns=S-$1 how=${3%:*} i lag
	[[ $3 != *:* ]] || first=${3#*:}
	ip -n "$ns" link add br0 type bridge
	ip -n "$ns" link set br0 up
	ip -n "$ns" addr add 10.9.0.2/24 dev br0
	for lag in lag0 lag1; do
		case $how in
		lacp) ip -n "$ns" link add "$lag" type bond mode 802.3ad miimon 100 lacp_rate fast ;;
		static) ip -n "$ns" link add "$lag" type bond mode balance-xor miimon 100 ;;
		*) continue ;;
		esac
		ip -n "$ns" link set "$lag" master br0
		ip -n "$ns" link set "$lag" up
	done
	for ((i = 0; i < $2; i++)); do
		lag=lag$((i >= first))
		[[ $how != plain ]] || lag=br0
		ip -n "$ns" link add "s$i" type veth peer name "eth$i" netns "$1"
		ip -n "$ns" link set "s$i" master "$lag"
		ip -n "$ns" link set "s$i" up
	done
}

# expect WHAT VALUE...: of the last situation.
expect() {
	local -n list=${1}_of
	# shellcheck disable=SC2034 # it is a reference
	list[${situations[-1]}]=$(printf '%s\n' "${@:2}")
}
declare -A status_of links_of reason_of doctor_of

run() { ip netns exec "$name" "${nobody[@]}" mpnc "$@"; }

# mismatch WHAT FOUND: remembered, to be shown if it stays.
mismatch() {
	wrong+="$name: $1: ${2:-nothing}"$'\n'
}

check_status() {
	local found pattern exit=0 wanted=0
	found=$(run status --check 2>&1) || exit=$?
	[[ -z ${status_of[$name]} ]] || wanted=1
	while IFS= read -r pattern; do
		if [[ -z $pattern ]] || ! grep -qE -- "$pattern" <<<"$found"; then
			[[ -z $pattern && -z $found ]] || mismatch "status --check" "$found"
		fi
	done <<<"${status_of[$name]}"
	((exit == wanted)) || mismatch "exit status of status --check" "$exit"
}

check_explain() {
	local ends=() i found
	for ((i = 0; i < 40; i++)); do
		ends+=("10.9.0.1:$((40000 + i))" 10.9.0.2:9)
	done
	found=$(run explain --json "${ends[@]}" |
		sed -E 's/.*"predictable":([a-z]+),"reason":"([^"]*)".*"tx_link":"?([a-z0-9]*).*/\3 \1 \2/')
	if grep -vqE -- "${reason_of[$name]}" <<<"$found"; then
		mismatch "explain's reasons" "$(cut -d ' ' -f 2- <<<"$found" | head -n 1)"
	fi
	if [[ ${links_of[$name]} == - ]]; then
		! grep -q ' true ' <<<"$found" || mismatch "explain predicts" "$(head -n 1 <<<"$found")"
	elif grep -q ' false ' <<<"$found" ||
		(($(cut -d ' ' -f 1 <<<"$found" | sort -u | wc -l) != links_of[$name])); then
		mismatch "explain" "$(sort <<<"$found" | uniq -c | sort -rn | head -n 3)"
	fi
}

check_doctor() {
	local found exit=0 wanted=0
	found=$(run doctor 2>&1) || exit=$?
	[[ -z ${doctor_of[$name]} ]] || wanted=1
	((exit == wanted)) || mismatch "exit status of doctor" "$exit"
	found=$(sed -nE 's/^(error|warning): ([^ ]+)$/\2/p' <<<"$found" | sort)
	[[ $found == "$(sort <<<"${doctor_of[$name]}")" ]] || mismatch doctor "$found"
}

# as_expected NAME
as_expected() {
	local name=$1
	wrong=
	check_status
	check_explain
	((!with_doctor)) || check_doctor
	[[ -z $wrong ]]
}

for n in 3 4; do
	situation "lacp$n" 802.3ad layer3+4 "$n" lacp lacp_rate fast
	expect status
	expect links "$n"
	expect reason "the layer3\\+4 hash is .* $n of $n links"
	expect doctor
done

situation xor balance-xor layer3+4 4 static
expect status
expect links 4
expect reason 'the layer3\+4 hash is .* 4 of 4 links'
expect doctor

situation layer2 802.3ad layer2 4 lacp lacp_rate fast
expect status
expect links 1
expect reason 'the layer2 hash is .* 4 of 4 links'
expect doctor policy-layer2

situation layer23 balance-xor layer2+3 4 static
expect status
expect links 1
expect reason 'the layer2\+3 hash is .* 4 of 4 links'
expect doctor policy-layer2+3

situation encap34 balance-xor encap3+4 4 static
expect status
expect links -
expect reason 'false .*random number'
expect doctor

situation no-partner 802.3ad layer3+4 4 plain lacp_rate fast
expect status 'the LACP partner is zero' 'is in aggregator .*active'
expect links 1
expect reason 'only usable link of 4'
expect doctor lacp-no-partner

situation other-group 802.3ad layer3+4 3 lacp:2 lacp_rate fast ad_select bandwidth
expect status 'eth2 is in aggregator .*active'
expect links 2
expect reason '2 of 3 links are usable'
expect doctor lacp-other-group

situation mtu balance-xor layer3+4 4 static
ip -n mtu link set eth1 mtu 1400
expect status 'MTUs differ: bond0 1500, eth1 1400'
expect links 4
expect reason '4 of 4 links'
expect doctor mtu-differs

situation backup active-backup layer3+4 4 plain
expect status
expect links 1
expect reason 'it is the active link'
expect doctor active-backup

situation rr balance-rr layer3+4 4 static
expect status
expect links -
expect reason 'false balance-rr sends the packets of one connection over all links'
expect doctor balance-rr

situation tlb balance-tlb layer3+4 4 plain
expect status
expect links -
expect reason 'false the driver chooses links by their load'
expect doctor balance-tlb

with_doctor=0
! mpnc doctor --help 2>&1 | grep -q 'mpnc doctor' || with_doctor=1
for name in "${situations[@]}"; do
	wait_until "$name's peer" ip netns exec "$name" ping -c 1 -W 1 10.9.0.2
done
# LACP takes its time; what has come has to stay.
for name in "${situations[@]}"; do
	soon as_expected "$name" || true
done
for name in "${situations[@]}"; do
	as_expected "$name" || {
		echo "$wrong"
		failed+=" $name"
	}
done
[[ -z ${failed-} ]] || fail "not as expected:$failed"
with=$( ((with_doctor)) && echo "status, explain and doctor" || echo "status and explain; there is no doctor")
pass "${#situations[@]} situations, $with"
