#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc doctor HOST PORT, as nobody, against an mpnc that waits: with nothing wrong, and with one thing wrong
# after another, it names just that.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh

# ids: of errors and warnings in doctor.out.
ids() { sed -nE 's/^(error|warning): //p' doctor.out | sort | paste -sd ' '; }

# expect WHAT PATTERN [ID...]: these and no others; PATTERN is in what people see.
expect() {
	local what=$1 pattern=$2 start=${EPOCHREALTIME/./}
	shift 2
	run_in A mpnc doctor "$ADDR_B" "$PORT" >doctor.out 2>doctor.err
	set -e
	echo "$what: $(ids); $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	sed 's/^/    /' doctor.err
	[[ $(ids) == "$*" ]] || {
		cat doctor.out
		fail "$what: $(ids) instead of $*"
	}
	tr -s ' \n' ' ' <doctor.out | grep -Eq "$pattern" || {
		cat doctor.out
		fail "$what: not said: $pattern"
	}
}

topology
# The peer never stops waiting: nothing of what it is there for is used up.
LIMIT=900 run_in B mpnc -l -k "$ADDR_B" "$PORT" </dev/null >/dev/null 2>receive.err &
wait_until "the listener" listening

expect "nothing" 'port [0-9]+ +eth[0-9] > eth[0-9]'

ip -n A link set bond0 type bond xmit_hash_policy layer2
expect "layer2 at the sender" 'ip link set dev bond0 type bond xmit_hash_policy layer3\+4' policy-layer2
ip -n A link set bond0 type bond xmit_hash_policy layer3+4

ip -n B link set bond0 type bond xmit_hash_policy layer2
expect "layer2 at the peer" 'the peer.s bond0 chooses the link by MAC' peer-policy-mac
ip -n B link set bond0 type bond xmit_hash_policy layer3+4

ip -n S link set lagB type bond xmit_hash_policy layer2
expect "layer2 on the switch, towards the peer" 'src-dst-mixed-ip-port' switch-there
ip -n S link set lagB type bond xmit_hash_policy layer3+4

ip -n S link set lagA type bond xmit_hash_policy layer2
expect "layer2 on the switch, towards here" 'arrived by eth[0-9] of bond0' switch-here
ip -n S link set lagA type bond xmit_hash_policy layer3+4

shape A eth1 $((RATE / 10))
shape S a1 $((RATE / 10))
expect "a tenth of the speed" 'eth1 here > eth[0-9] of the peer carries' lane-slow
shape A eth1 "$RATE"
shape S a1 "$RATE"

# A port of the switch takes smaller frames than the rest. Segments that are joined would pass it.
ip -n S link set a1 mtu 1400
ip -n A link set bond0 gso_max_segs 1
expect "a smaller MTU" 'eth1 here > eth[0-9] of the peer passes segments of 13' lane-mtu
ip -n A link set bond0 gso_max_segs 65535
ip -n S link set a1 mtu 1500

# usable N: links of A's bond.
# shellcheck disable=SC2317 # called by wait_until
usable() { (($(in_a mpnc status --json | grep -o '"usable":true' | wc -l) == $1)); }
for ((i = 0; i < LINKS_A; i++)); do
	ip -n S link set "a$i" nomaster
	ip -n S link set "a$i" master br0 up
done
ip -n S link set lagA down
wait_until "no LACP" usable 1
wait_until "an answer to ping" in_a ping -c 1 -W 1 "$ADDR_B"
expect "no LACP partner" 'does not answer|no LACP|partner' lacp-no-partner
pass "every cause was named, and no other"
