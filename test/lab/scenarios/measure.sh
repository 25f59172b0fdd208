#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc bench, as nobody: over all links it is several times one connection, the knee is where each link has
# one, and it names what limits the result, also when the switch puts everything on one link.
#
#   RATE         10     Mbit/s of a link: with more, emulated processors may be what limits it
#   SECONDS_EACH 3      of each run
#   MIN_RATIO    none   of --compare with nothing wrong
#
# shellcheck source=../guest/lib.sh
RATE=${RATE:-10}
. /lab/lib.sh
# shellcheck source=../guest/mpnc-bench.sh
. /lab/mpnc-bench.sh

# expect_limit WAY PATTERN WHAT
expect_limit() {
	echo "$3: $(limit "$1"): $(sed -n 's/^limit[a-z ]*: //p' bench.out | tail -n 1)"
	[[ $(limit "$1") =~ ^($2)$ ]] || {
		cat bench.out
		fail "$3: $(limit "$1"), not $2"
	}
}

topology
serve_bench

bench
expect_limit out 'links|behind-links' "nothing wrong"
bench -R
expect_limit in 'links|behind-links' "nothing wrong, reverse"
bench --bidir
(($(grep -c '^limit' bench.out) == 2)) || fail "$(<bench.out)"

bench --compare
ratio=$(figure ratio)
grep ^compared bench.out
at_least "$ratio" "${MIN_RATIO:=0}" || fail "only $ratio times one connection"

bench --sweep
grep ^swept bench.out
knee=$(figure knee)
((knee >= LINKS_A)) || fail "the knee is $knee, but there are $LINKS_A links"

ip -n S link set lagB type bond xmit_hash_policy layer2
bench
expect_limit out one-lane "layer2 on the switch"
bench --compare
grep ^compared bench.out
pass "the ratio was $ratio, the knee $knee"
