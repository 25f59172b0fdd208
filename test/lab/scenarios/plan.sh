#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc --plan for every pair of 1 to LINKS_A links against 1 to LINKS_B: it reaches what the links can
# carry, both ways, with at most twice as many connections as the larger end has links.
# shellcheck disable=SC2034 # lib.sh uses what is set here
LINKS_A=${LINKS_A:-8} LINKS_B=${LINKS_B:-8} RATE=0 LIMIT=${LIMIT:-600}
MODE_A=${MODE_A:-balance-xor} MODE_B=${MODE_B:-balance-xor}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh

# usable END: links that its bond sends over.
# shellcheck disable=SC2317 # called by wait_until
usable() { ip netns exec "$1" "${nobody[@]}" mpnc status --json | grep -o '"usable":true' | wc -l; }

# shellcheck disable=SC2317 # called by wait_until
has_usable() { (($(usable "$1") == $2)); }

# use END N: the first N links only. A veth that is set down takes its other end's carrier along.
use() {
	local i
	for ((i = 0; i < $(of LINKS "$1"); i++)); do
		ip -n "$1" link set "eth$i" "$( ((i < $2)) && echo up || echo down)"
	done
	wait_until "$2 usable links at $1" has_usable "$1" "$2"
}

# field NAME: of the plan's JSON, each value on a line.
field() { grep -o "\"$1\":[0-9]*" plan | cut -d : -f 2; }

# check A B: the plan for A and B links.
check() {
	local least=$(($1 < $2 ? $1 : $2)) larger=$(($1 > $2 ? $1 : $2)) flows reached most
	run_in A mpnc --plan --json "$ADDR_B" "$PORT" >plan 2>plan.err || fail "--plan: $(<plan.err)"
	flows=$(field port | wc -l)
	reached=$(field reach | sort -u) most=$(field most | sort -u)
	printf '%s x %s links: %2s connections, %s of %s Mbit/s\n' "$1" "$2" "$flows" "$reached" "$most"
	((flows <= 2 * larger)) || fail "$flows connections for $1 x $2 links"
	[[ $reached == "$most" && $most == $((least * 10000)) ]] || fail "$(<plan)"
}

topology
run_in B mpnc -l "$ADDR_B" "$PORT" </dev/null >/dev/null &
wait_until "the listener" listening
for ((a = LINKS_A; a >= 1; a--)); do
	use A "$a"
	for ((b = LINKS_B; b >= 1; b--)); do
		use B "$b"
		check "$a" "$b"
	done
	use B "$LINKS_B"
done
pass "$((LINKS_A * LINKS_B)) pairs"
