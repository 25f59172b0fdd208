#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The network, as namespaces: two hosts with a bond each, and a switch between.
#
#         A                       S                       B
#        eth0 --- a0 \                           / b0 --- eth0
#   bond0 ..      ..  lagA --- bridge br0 --- lagB ..      .. bond0
#        eth3 --- a3 /                           \ b3 --- eth3
#
# Every --- is a veth pair, shaped at both of its ends. A list gives the links' values in turn; its
# last holds for the rest. X is A or B:
#
#   LINKS_X   4           links
#   RATE      50          Mbit/s of a link and direction; 0: not shaped
#   RATES_X   RATE        list: those of each link
#   ORDER_X   0,1,2,3     the links' order in the bond
#   MODE_X    802.3ad     bonding mode, or team
#   POLICY_X  layer3+4    the host's xmit_hash_policy
#   LACP_RATE fast        how soon a host notices that its partner is silent: fast 3 s, slow 90 s
#   SWHASH    layer3+4    the switch's
#   SWMODE    balance-xor the switch's mode towards a host that does not speak LACP
#   SWFOREIGN 0           1: the switch picks links by bits of the client's port instead
#   FAMILY    4           4 or 6: of ADDR_A and ADDR_B
#   SECOND    0           1: both hosts have a second address there, 10.9.0.11 and 10.9.0.12
#   VLAN      0           1: a VLAN on the bond carries the addresses
#   BRIDGE    0           1: a bridge on that carries them
#   TEAM      0           1: both hosts have a team, not a bond
#   NAPI      0           1: the hosts' links have NAPI, as cards do
#   KERNEL    (Debian's)  the newest of this version, as 6.12, that apt has
#
# Hosts that neither speak LACP nor hash over one MAC address (active-backup, balance-tlb,
# balance-alb) have their links in the switch's bridge one by one, as such hosts need.
# shellcheck disable=SC2034 # scenarios use what is set here

[[ ${TEAM:-0} != 1 ]] || MODE_A=team MODE_B=team
LINKS_A=${LINKS_A:-4} LINKS_B=${LINKS_B:-4}
RATE=${RATE:-50}
RATES_A=${RATES_A:-$RATE} RATES_B=${RATES_B:-$RATE}
MODE_A=${MODE_A:-802.3ad} MODE_B=${MODE_B:-802.3ad}
POLICY_A=${POLICY_A:-layer3+4} POLICY_B=${POLICY_B:-layer3+4}
LACP_RATE=${LACP_RATE:-fast}
SWHASH=${SWHASH:-layer3+4} SWMODE=${SWMODE:-balance-xor} SWFOREIGN=${SWFOREIGN:-0}
NAPI=${NAPI:-0} SECOND=${SECOND:-0}
FAMILY=${FAMILY:-4} VLAN=${VLAN:-0} BRIDGE=${BRIDGE:-0}
ADDR_A=10.9.0.1 ADDR_B=10.9.0.2
[[ $FAMILY == 4 ]] || ADDR_A=fd09::1 ADDR_B=fd09::2

in_a() { ip netns exec A "$@"; }
in_b() { ip netns exec B "$@"; }

# of NAME END: the parameter's value for that end.
of() {
	local name=$1_$2
	echo "${!name}"
}

# nth LIST I
nth() {
	local list
	IFS=', ' read -ra list <<<"$1"
	echo "${list[$2 < ${#list[@]} ? $2 : ${#list[@]} - 1]}"
}

# shape NAMESPACE DEVICE MBIT
shape() {
	(($3 == 0)) || tc -n "$1" qdisc replace dev "$2" root tbf rate "$3mbit" burst 64k latency 20ms
}

# links END: in the order in which its bond has them.
links() {
	local n order i
	n=$(of LINKS "$1")
	order=ORDER_$1
	for ((i = 0; i < n; i++)); do
		if [[ ${!order-} ]]; then nth "${!order}" "$i"; else echo "$i"; fi
	done
}

# A veth pair does so only where something is left to be put together.
receive_by_napi() {
	ip netns exec "$1" ethtool -K "$2" gro on
	ip netns exec S ethtool -K "$3" tso off
}

cable() {
	local end=$1 i rate
	for ((i = 0; i < $(of LINKS "$end"); i++)); do
		rate=$(nth "$(of RATES "$end")" "$i")
		ip -n S link add "${end,}$i" type veth peer name "eth$i" netns "$end"
		shape S "${end,}$i" "$rate"
		shape "$end" "eth$i" "$rate"
		((!NAPI)) || receive_by_napi "$end" "eth$i" "${end,}$i"
	done
}

host_team() {
	local end=$1 i ports=
	for i in $(links "$end"); do
		ports+="${ports:+,}\"eth$i\":{}"
	done
	# Its socket is named after the device alone, so each end gets its own directory for that.
	# shellcheck disable=SC2016 # $0 is the inner shell's
	ip netns exec "$end" bash -c 'mount -t tmpfs tmpfs /run/teamd && teamd -d -c "$0"' \
		'{"device":"bond0","runner":{"name":"loadbalance","tx_hash":["eth","ipv4","ipv6","l4"]},
		"link_watch":{"name":"ethtool"},"ports":{'"$ports"'}}' 2>teamd.err || fail "teamd: $(<teamd.err)"
}

host_bond() {
	local end=$1 mode=$2 options=() i
	case $mode in
	802.3ad) options=(lacp_rate "$LACP_RATE") ;;
	balance-tlb | balance-alb) options=(tlb_dynamic_lb 0) ;;
	esac
	ip -n "$end" link add bond0 type bond mode "$mode" miimon 100 "${options[@]}" \
		xmit_hash_policy "$(of POLICY "$end")"
	for i in $(links "$end"); do
		ip -n "$end" link set "eth$i" master bond0
	done
}

switch_ports() {
	local end=$1 mode=$2 lag=br0 options i
	case $mode in
	802.3ad) options=(mode 802.3ad lacp_rate fast) lag=lag$end ;;
	balance-xor | balance-rr | broadcast | team) options=(mode "$SWMODE") lag=lag$end ;;
	esac
	if [[ $lag != br0 ]]; then
		ip -n S link add "$lag" type bond miimon 100 "${options[@]}" xmit_hash_policy "$SWHASH"
		ip -n S link set "$lag" master br0 up
	fi
	for i in $(links "$end"); do
		ip -n S link set "${end,}$i" master "$lag"
		ip -n S link set "${end,}$i" up
	done
}

# addresses END NUMBER: on the bond, or on what is stacked upon it.
addresses() {
	local end=$1 number=$2 top=bond0
	ip -n "$end" link set bond0 up
	if ((VLAN)); then
		ip -n "$end" link add link bond0 name bond0.7 up type vlan id 7
		top=bond0.7
	fi
	if ((BRIDGE)); then
		ip -n "$end" link add br0 type bridge
		ip -n "$end" link set "$top" master br0
		ip -n "$end" link set br0 up
		top=br0
	fi
	ip -n "$end" addr add "10.9.0.$number/24" dev "$top"
	ip -n "$end" addr add "fd09::$number/64" dev "$top" nodad
	((!SECOND)) || ip -n "$end" addr add "10.9.0.1$number/24" dev "$top"
}

# foreign FROM TO OFFSET SHIFT: three bits of the TCP port there choose the link, unlike any policy. A mask
# is hexadecimal with or without 0x.
foreign() {
	local from=$1 to=$2 offset=$3 shift=$4 protocol=ip header=20 i value
	[[ $FAMILY == 4 ]] || protocol=ipv6 header=40
	((VLAN == 0)) || protocol=802.1q
	for i in $(links "$from"); do
		tc -n S qdisc add dev "${from,}$i" clsact
		for ((value = 0; value < 8; value++)); do
			tc -n S filter add dev "${from,}$i" ingress protocol "$protocol" prio 1 u32 \
				match u8 6 0xff at "$((header == 20 ? 9 : 6))" \
				match u16 "$((value << shift))" "$(printf '%x' $((7 << shift)))" at "$((header + offset))" \
				action mirred egress redirect dev "${to,}$(((value * 3 + 1) % 8 % $(of LINKS "$to")))"
		done
	done
}

# soon COMMAND...: polls for a minute until it succeeds.
soon() {
	local end=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# wait_until WHAT COMMAND...
wait_until() { soon "${@:2}" || fail "waited a minute for $1"; }

# distributing NAMESPACE BOND LINKS: both sides of each link say that they do.
distributing() {
	(($(ip -n "$1" -d link show master "$2" | grep -o distributing | wc -l) == 2 * $3))
}

topology() {
	local end
	for end in A B S; do
		ip netns add "$end"
		ip -n "$end" link set lo up
	done
	ip -n S link add br0 up type bridge
	for end in A B; do
		cable "$end"
		switch_ports "$end" "$(of MODE "$end")"
		if [[ $(of MODE "$end") == team ]]; then host_team "$end"; else host_bond "$end" "$(of MODE "$end")"; fi
	done
	addresses A 1
	addresses B 2
	if ((SWFOREIGN)); then
		foreign A B 0 3
		foreign B A 2 5
	fi
	for end in A B; do
		[[ $(of MODE "$end") == 802.3ad ]] || continue
		wait_until "LACP on $end" distributing "$end" bond0 "$(of LINKS "$end")"
		wait_until "LACP towards $end" distributing S "lag$end" "$(of LINKS "$end")"
	done
	wait_until "an answer to ping" in_a ping -c 1 -W 1 "$ADDR_B"
}
