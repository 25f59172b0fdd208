#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What doctor says of a route with several next hops: how the kernel chooses one of them, as the kernel has it.
. "$(dirname "$0")/../lib.sh"
[[ $TEST_NETWORK == own ]] || skip "this machine allows no namespaces"
need python3

for i in 1 2; do
	ip link add "eth$i" type veth peer name "far$i"
	ip link set "eth$i" up
	ip link set "far$i" up
	ip addr add "10.0.$i.1/24" dev "eth$i"
	ip -6 addr add "fd00:$i::1/64" dev "eth$i" nodad
	ip nexthop add id "$i" via "10.0.$i.2" dev "eth$i"
done
ip nexthop add id 10 group 1/2
ip route add 192.0.2.0/24 nexthop via 10.0.1.2 nexthop via 10.0.2.2
ip route add 198.51.100.0/24 nhid 10
ip -6 route add 2001:db8::/32 nexthop via fd00:1::2 nexthop via fd00:2::2

# finds ADDRESS ID...: doctor has these findings about it
finds() {
	local found

	"$MPNC" doctor --json "$1" >found.json || true
	found=$(python3 -c 'import json, sys
print(*(f["id"] for f in json.load(sys.stdin)["findings"]))' <found.json)
	[[ $found == "${*:2}" ]] || fail "of $1: $found, not ${*:2}"
}

section "by addresses: policy 0, and policy 3 without ports"
for policy in 0 3; do
	sysctl -qw net.ipv4.fib_multipath_hash_policy="$policy"
	finds 192.0.2.1 ecmp-addresses no-bond
	finds 198.51.100.1 ecmp-addresses no-bond
done

section "by ports: policy 1, policy 3 with ports, and the flow label of IPv6"
sysctl -qw net.ipv4.fib_multipath_hash_fields=0x37
finds 192.0.2.1 no-bond ecmp
sysctl -qw net.ipv4.fib_multipath_hash_policy=1
finds 192.0.2.1 no-bond ecmp
finds 198.51.100.1 no-bond ecmp
sysctl -qw net.ipv4.fib_multipath_hash_policy=0
finds 2001:db8::1 no-bond ecmp

section "a route with one next hop"
finds 10.0.1.2 no-bond route-no-bond
