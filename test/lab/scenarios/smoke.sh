#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab itself: the bonds come up, hosts reach each other, one stream takes one link, several more.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
topology
[[ $MODE_A != 802.3ad ]] || in_a grep -E 'Bonding Mode|Transmit Hash|Number of ports' /proc/net/bonding/bond0
in_a ping -q -c 3 -i 0.2 "$ADDR_B" | tail -n 2
for streams in $(tr , " " <<<"${STREAMS:-1,4}"); do
	before=$(counters A tx_bytes)
	rate=$(iperf "$streams")
	tx=$(deltas "$before" "$(counters A tx_bytes)")
	echo "iperf3 -P $streams: $rate Mbit/s of $(ideal); A out $(shares "$tx")"
	results+=("-P $streams: $rate")
	((streams > 1)) || at_least "$(ideal)" "0.98 * $rate" || fail "one stream is faster than all links"
done
pass "iperf3 ${results[*]} Mbit/s of $(ideal)"
