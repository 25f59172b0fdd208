#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A switch that spreads connections in a way of its own: its links are found while the stream runs.
#
#   REPEAT     1  transfers, each with other ports
#   REVERSE    0  1: the listener sends, so that it is the client that has to find its own links
#   OTHER      0  Mbit/s of other traffic over one link meanwhile, which the links then have less
#   BY         3  seconds after which all links of the receiver carry data
#   MIN_RATIO  0  of what the links can carry
#   REFERENCE  none  iperf: as in the scenario transfer
export SWFOREIGN=${SWFOREIGN-1}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
REVERSE=${REVERSE:-0} OTHER=${OTHER:-0} BY=${BY:-3} MIN_RATIO=${MIN_RATIO:-0}

to=B
((!REVERSE)) || to=A

# look: waits until BY seconds of the transfer are over, and sets seen to the bytes of each link of the
# receiver in the second that follows.
# shellcheck disable=SC2317 # what happens during a transfer is called by name
look() {
	local before
	sleep "$BY"
	before=$(counters "$to" rx_bytes)
	sleep 1
	seen=$(deltas "$before" "$(counters "$to" rx_bytes)")
	echo "$seen" >seen
}

topology
make_input
if ((REVERSE)); then
	back=$input.back
	mv "$input" "$back"
	echo x >"$input"
fi
[[ ${REFERENCE-} != iperf ]] || refer
((!OTHER)) || disturb "$OTHER"
failed=0 ratios=
for ((run = 1; run <= ${REPEAT:-1}; run++)); do
	by_mpnc
	transfer_while look
	((!REVERSE)) || ratio=$back_ratio
	ratio=$(calc "$ratio * $(ideal) / ($(ideal) - $OTHER)" %.3f)
	seen=$(<seen)
	report
	expect_intact
	echo "  after $BY s, $to in: $(shares "$seen")"
	ratios+=" $ratio"
	if ! at_least "$ratio" "$MIN_RATIO" || ! within 5 100 "$seen"; then
		echo "  not as wanted: $MIN_RATIO, and all links in use after $BY s"
		failed=$((failed + 1))
	fi
done
((!failed)) || fail "$failed of $((run - 1)) not as wanted; ratios:$ratios"
pass "$((run - 1)) of $((run - 1)); ratios:$ratios"
