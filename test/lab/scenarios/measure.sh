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
each=${SECONDS_EACH:-3}

bench() {
	run_in A mpnc bench -t "$each" -i 0 --json=bench.json "$@" "$ADDR_B" "$PORT" >bench.out 2>bench.err
	set -e
	sed 's/^/    /' bench.err
	[[ -s bench.json ]] || fail "bench $*: nothing came"
}

# limit WAY: the id of what limits the last run.
limit() { grep -o "\"limit_$1\":{\"id\":\"[a-z-]*\"" bench.json | tail -n 1 | cut -d '"' -f 6; }

# expect_limit WAY PATTERN WHAT
expect_limit() {
	echo "$3: $(limit "$1"): $(sed -n 's/^limit[a-z ]*: //p' bench.out | tail -n 1)"
	[[ $(limit "$1") =~ ^($2)$ ]] || {
		cat bench.out
		fail "$3: $(limit "$1"), not $2"
	}
}

topology
LIMIT=900 run_in B mpnc bench -l "$ADDR_B" "$PORT" >listener.out 2>receive.err &
wait_until "the listener" listening

bench
expect_limit out 'links|behind-links' "nothing wrong"
bench -R
expect_limit in 'links|behind-links' "nothing wrong, reverse"
bench --bidir
(($(grep -c '^limit' bench.out) == 2)) || fail "$(<bench.out)"

bench --compare
ratio=$(grep -o '"ratio":[0-9.]*' bench.json | cut -d : -f 2)
grep ^compared bench.out
at_least "$ratio" "${MIN_RATIO:=0}" || fail "only $ratio times one connection"

bench --sweep
grep ^swept bench.out
knee=$(grep -o '"knee":[0-9]*' bench.json | cut -d : -f 2)
((knee >= LINKS_A)) || fail "the knee is $knee, but there are $LINKS_A links"

ip -n S link set lagB type bond xmit_hash_policy layer2
bench
expect_limit out one-lane "layer2 on the switch"
bench --compare
grep ^compared bench.out
pass "the ratio was $ratio, the knee $knee"
