#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The switch sends everything to the receiver over one link, whatever the ports: trying others must cost
# nothing, and the reason has to be said.
#
#   SWHASH     layer2  or layer2+3
#   REPEAT     1       rounds, each with nc
#   MIN_RATIO  0.95    of what nc reaches, at the median
export SWHASH=${SWHASH:-layer2} SIZE=${SIZE:-60}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
MIN_RATIO=${MIN_RATIO:-0.95} ARGS=${ARGS:--v}
verdict_text='everything arrives on eth[0-9] at the peer, whatever the port'

topology
make_input
ratios=
for ((run = 1; run <= ${REPEAT:-1}; run++)); do
	by_nc
	transfer
	report
	nc=$goodput
	by_mpnc
	transfer
	report
	expect_intact
	ratios+=" $(calc "$goodput / $nc" %.3f)"
	grep -q "$verdict_text" send.err || fail "the sender does not say that the switch ignores ports"
done
median=$(tr ' ' '\n' <<<"$ratios" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
at_least "$median" "$MIN_RATIO" || fail "$median of what nc reaches; wanted: $MIN_RATIO; ratios:$ratios"
pass "$median of what nc reaches; ratios:$ratios"
