#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Does each flow take the link that `mpnc explain` names? For every mode with a hash, number of links,
# policy and family, random flows are predicted, sent, and found by the links' counters; again after
# a link failed, when it is back, and after one was released and enslaved again, which changes the
# order. There is a host for each mode, and a team, beside each other:
#
#      .0.1  bond0 (bridge, when bridged)    eth0 --- s0
#      .5.1  bond0.5                       ..      ..   lag  .0.2
#      .6.1  bond0.6                      eth4 --- s4
#      .7.1  bond0.7 (bridge.7, when bridged)
#
# of 10.9.0.0/16 and fd09::/48. Each of the devices has destinations that are but a neighbour's entry,
# with MAC addresses of their own, one of them a router to 10.8.0.0/24 and fd08::/64.
#
#   COUNTS    2,3,4,5   numbers of links
#   MODES     balance-xor,802.3ad,balance-tlb; and team
#   POLICIES  layer2,layer2+3,layer3+4,vlan+srcmac
#   FLOWS     200       of each combination
#   AFTER     25        of each policy and family, after each change of a link
#   SEED      random    repeats a run's flows
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
IFS=', ' read -ra counts <<<"${COUNTS:-2,3,4,5}"
IFS=', ' read -ra modes <<<"${MODES:-balance-xor,802.3ad,balance-tlb}"
IFS=', ' read -ra policies <<<"${POLICIES:-layer2,layer2+3,layer3+4,vlan+srcmac}"
FLOWS=${FLOWS:-200} AFTER=${AFTER:-25} SEED=${SEED:-$RANDOM}
most=5 vlans=(5 6 7) eth=() tx_hash=ipv4,ipv6,l4
for ((i = 0; i < most; i++)); do
	eth+=("eth$i")
done

# A job runs in its host's namespace; this is its switch.
switch() { ip -n "S-$mode" "$@"; }

# draw COUNT: sets flows, words for mpnc explain: COUNT of each family.
draw() {
	SEED=$((SEED + 1))
	mapfile -t flows < <(awk -v n="$1" -v seed="$SEED" -v tags="0 ${vlans[*]}" -v team="${mode#team}" '
	function ends(family) {
		sport = 1024 + int(rand() * 64512)
		dport = 1 + int(rand() * 65535)
		host = int(rand() * 6)
		tag = host > 1 ? net[1 + int(rand() * n_nets)] : 0
		if (host == 0)
			printf(routed[family], sport, dport)
		else
			printf(direct[family], tag, sport, tag, host == 1 ? 2 : 14 + host, dport)
	}
	BEGIN {
		srand(seed)
		n_nets = split(tags, net, " ")
		direct[4] = "10.9.%s.1:%d\n10.9.%s.%d:%d\n"
		direct[6] = "[fd09:0:0:%s::1]:%d\n[fd09:0:0:%s::%x]:%d\n"
		routed[4] = "10.9.0.1:%d\n10.8.0.9:%d\n"
		routed[6] = "[fd09::1]:%d\n[fd08::9]:%d\n"
		while (n--) {
			ends(4)
			if (team) ends(6)
		}
	}')
}

# predict: by the program. What a team hashes is shown to root only, and the order of its links to
# nobody: it is learnt first.
predict() {
	local team=()
	[[ $mode != team ]] || team=(--mode team --policy "$tx_hash" --links "$order")
	"${nobody[@]}" mpnc explain --json "${team[@]}" "${flows[@]}"
}

# learn_order: of the team's links, by one flow for each place at least.
learn_order() {
	local up
	up=$(teamdctl bond0 state dump | grep -c '"up": true')
	order=$(seq -f place%g -s , 0 $((up / 3 - 1)))
	draw 40
	order=$({ predict | "${nobody[@]}" probe "${eth[@]}" || true; } |
		sed -nE 's/.*predicted (place[0-9]+), seen (eth[0-9]+).*/\1 \2/p' | sort -u | cut -d ' ' -f 2 | paste -sd ,)
}

# hold WHAT: each of the flows takes the link that is predicted.
hold() {
	local result
	result=$(predict | "${nobody[@]}" probe "${eth[@]}") ||
		broken "$1: ${result//$'\n'/$'\n'  }"
	((tried += ${#flows[@]} / 2)) || true
}

# The verdict is that of all jobs together.
broken() {
	verdict=wrong
	echo "WRONG $mode, ${n-} links, $*"
	exit 1
}

# hold_all WHAT COUNT: for each policy.
hold_all() {
	local policy
	[[ $mode != team ]] || learn_order
	draw "$2"
	if [[ $mode == team ]]; then
		hold "$1"
		return
	fi
	for policy in "${policies[@]}"; do
		ip link set bond0 type bond xmit_hash_policy "$policy"
		hold "$policy, $1"
	done
}

# shellcheck disable=SC2317 # called by wait_until
# settled COUNT: the bond sends over this many links.
settled() {
	local up
	if [[ $mode == team ]]; then
		up=$(teamdctl bond0 state dump | grep -c '"up": true')
		((up == 3 * $1)) # of a port: the link, its watch, all its watches
		return
	fi
	up=$(grep -h . /sys/class/net/*/bonding_slave/mii_status | grep -c up)
	((up == $1)) || return 1
	[[ $mode == 802.3ad ]] || return 0
	grep -q "Number of ports: $1$" /proc/net/bonding/bond0 &&
		(($(ip -d link show master bond0 | grep -c 'actor.*distributing.*partner.*distributing') >= $1))
}

# settle COUNT: the driver's array follows what can be seen, after its next turn.
settle() {
	wait_until "$1 links of $mode" settled "$1"
	sleep 0.3
}

# neighbours DEVICE NET
neighbours() {
	local host
	for host in 16 17 18 19; do
		echo "neigh replace 10.9.$2.$host lladdr 02:5e:00:00:0$2:$host dev $1"
		echo "neigh replace fd09:0:0:$2::$(printf %x $host) lladdr 02:5e:00:00:0$2:$host dev $1"
	done
}

# give DEVICE NET: addresses and neighbours.
give() {
	echo "addr add 10.9.$2.1/24 dev $1"
	echo "addr add fd09:0:0:$2::1/64 dev $1 nodad"
	neighbours "$1" "$2"
	(($2)) || echo "route replace 10.8.0.0/24 via 10.9.0.17
route replace fd08::/64 via fd09::11"
}

enslave() {
	ip link set "eth$1" down
	ip link set "eth$1" master bond0
}

build_switch() {
	local options=(type bond mode balance-xor miimon 100) i
	case $mode in
	802.3ad) options=(type bond mode 802.3ad miimon 100 lacp_rate fast) ;;
	balance-tlb) options=(type bridge) ;;
	esac
	switch link add lag "${options[@]}"
	for ((i = 0; i < n; i++)); do
		switch link set "s$i" down
		switch link set "s$i" master lag
		switch link set "s$i" up
	done
	switch link set lag up
	switch addr add 10.9.0.2/24 dev lag
	switch addr add fd09::2/64 dev lag nodad
}

build_team() {
	local i ports=
	for ((i = 0; i < n; i++)); do
		ip link set "eth$i" down
		ports+="${ports:+,}\"eth$i\":{}"
	done
	teamd -d -c '{"device":"bond0","runner":{"name":"loadbalance","tx_hash":["'"${tx_hash//,/\",\"}"'"]},
		"link_watch":{"name":"ethtool"},"ports":{'"$ports"'}}'
}

build_bond() {
	local options=() i
	case $mode in
	802.3ad) options=(lacp_rate fast) ;;
	balance-tlb) options=(tlb_dynamic_lb 0) ;;
	esac
	ip link add bond0 type bond mode "$mode" miimon 100 "${options[@]}"
	for ((i = 0; i < n; i++)); do
		enslave "$i"
	done
}

build() {
	local tag
	build_switch
	if [[ $mode == team ]]; then build_team; else build_bond; fi
	ip link set bond0 up
	give bond0 0 | ip -batch -
	for tag in "${vlans[@]}"; do
		ip link add link bond0 name "bond0.$tag" up type vlan id "$tag"
		give "bond0.$tag" "$tag" | ip -batch -
	done
	settle "$n"
	reachable
}

reachable() {
	wait_until "an answer to ping" ping -c 1 -W 1 10.9.0.2
	wait_until "an answer to ping" ping -c 1 -W 1 fd09::2
}

# The addresses move to bridges on the bond and on one of its VLANs.
bridges() {
	local device
	for device in bond0 bond0.7; do
		ip addr flush dev "$device"
		ip link add "bridge${device#bond0}" type bridge
		ip link set "bridge${device#bond0}" up
		ip link set "$device" master "bridge${device#bond0}"
	done
	give bridge 0 | ip -batch -
	give bridge.7 7 | ip -batch -
	reachable
}

clear_away() {
	local bridge
	for bridge in bridge bridge.7; do
		[[ ! -d /sys/class/net/$bridge ]] || ip link del "$bridge"
	done
	[[ $mode != team ]] || teamd -k -t bond0
	[[ ! -d /sys/class/net/bond0 ]] || ip link del bond0
	switch link del lag
}

# changes: a link fails and comes back, another is released and enslaved.
changes() {
	local link
	link=$((RANDOM % n))
	switch link set "s$link" down
	settle $((n - 1))
	hold_all "eth$link failed" "$AFTER"
	switch link set "s$link" up
	settle "$n"
	hold_all "eth$link is back" "$AFTER"
	[[ $mode != team ]] || return 0
	link=$((RANDOM % (n - 1)))
	ip link set "eth$link" nomaster
	enslave "$link"
	settle "$n"
	hold_all "eth$link was enslaved again" "$AFTER"
}

# What this scenario proves nothing without: a wrong prediction is seen.
swapped_policy() {
	ip link set bond0 type bond xmit_hash_policy layer3+4
	draw "$AFTER"
	predict >swapped
	ip link set bond0 type bond xmit_hash_policy layer2+3
	if probe "${eth[@]}" <swapped; then broken "a policy swapped after the prediction goes unnoticed"; fi
}

job() {
	local start tried
	for n in "${counts[@]}"; do
		start=$SECONDS tried=0
		build
		hold_all "all links" "$FLOWS"
		changes
		if [[ $mode == balance-xor ]]; then
			bridges
			hold_all bridged "$AFTER"
			swapped_policy >/dev/null
		fi
		clear_away
		echo "$mode, $n links: $tried flows as predicted, $((SECONDS - start)) s"
	done
}

host() {
	local i
	mode=$1
	ip netns add "$mode"
	ip netns add "S-$mode"
	for ((i = 0; i < most; i++)); do
		switch link add "s$i" type veth peer name "eth$i" netns "$mode"
	done
	ip -n "$mode" link set lo up
}

if [[ ${1-} == job ]]; then
	mode=$2
	mkdir -p "/tmp/$mode"
	cd "/tmp/$mode"
	RANDOM=$SEED
	# teamd's sockets are named after the device alone.
	mount -t tmpfs tmpfs /run/teamd
	# shellcheck disable=SC2317 # called by wait_until
	fail() { broken "$@"; }
	trap '[[ ${verdict-} ]] || echo "WRONG $mode: ended with status $? after: $BASH_COMMAND"' EXIT
	job
	verdict=right
	exit
fi
echo "SEED=$SEED"
export SEED
for mode in "${modes[@]}"; do
	host "$mode"
	ip netns exec "$mode" bash "$0" job "$mode" 2>&1 &
	jobs+=($!)
done
for job in "${jobs[@]}"; do
	wait "$job" || failed=1
done
((!${failed:-0})) || fail "not every flow took the link that was predicted, see WRONG above"
pass "every flow took the link that was predicted, in $SECONDS s"
