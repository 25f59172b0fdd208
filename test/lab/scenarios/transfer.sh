#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One stream by mpnc.
#
#   REPEAT     1     transfers in one boot; each has to meet what follows
#   MIN_RATIO  0     of what the links can carry
#   MIN_SHARE  0     per cent: of every link at either end
#   MAX_SHARE  100
#   REFERENCE  none  iperf: what links can carry is as much as one iperf3 stream gets, on each
#   DUPLEX     0     1: a stream in each direction at once; MIN_RATIO is for each
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
DUPLEX=${DUPLEX:-0} MIN_RATIO=${MIN_RATIO:-0} MIN_SHARE=${MIN_SHARE:-0} MAX_SHARE=${MAX_SHARE:-100}

# judge: sets wrong to what the last transfer misses, if it does.
judge() {
	wrong=
	at_least "$ratio" "$MIN_RATIO" || wrong="$ratio of the links; wanted: $MIN_RATIO"
	if ((DUPLEX)); then
		at_least "$back_ratio" "$MIN_RATIO" || wrong="$back_ratio of the links back; wanted: $MIN_RATIO"
	elif ! within "$MIN_SHARE" "$MAX_SHARE" "$tx" || ! within "$MIN_SHARE" "$MAX_SHARE" "$rx"; then
		wrong="A out $(shares "$tx"), B in $(shares "$rx"); wanted: $MIN_SHARE to $MAX_SHARE %"
	fi
}

failed=0
topology
make_input
if ((DUPLEX)); then
	back=$input.back
	make_file "$back"
fi
[[ ${REFERENCE-} != iperf ]] || refer
for ((run = 1; run <= ${REPEAT:-1}; run++)); do
	by_mpnc
	transfer
	report
	expect_intact
	judge
	ratios+=" $ratio"
	((!DUPLEX)) || ratios+="/$back_ratio"
	if [[ $wrong ]]; then
		echo "  $wrong"
		failed=$((failed + 1))
	fi
done
((!failed)) || fail "$failed of $((run - 1)) not as wanted; ratios:$ratios"
pass "$((run - 1)) of $((run - 1)), $(figures); ratios:$ratios"
