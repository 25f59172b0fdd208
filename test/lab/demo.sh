#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The scenario of `make demo`: one stream by nc, then by mpnc without options, from a pipe into a pipe,
# and what each link carried at both ends. Fails only if a byte does not arrive.
#
#   SIZE 120   MiB
#
# shellcheck source=guest/lib.sh
SIZE=${SIZE:-120}
. /lab/lib.sh

# bars: of the last transfer; a full one is the link's rate.
bars() {
	paste <(tr ' ' '\n' <<<"$tx") <(tr ' ' '\n' <<<"$rx") |
		awk -v seconds="$seconds" -v rate="$RATE" '
		function bar(bytes, n, text, i) {
			n = bytes * 8 / seconds / 1e6 / rate * 24
			for (i = 0; i < 24; i++)
				text = text (i + 0.5 < n ? "█" : "·")
			return sprintf("%s %5.1f", text, bytes * 8 / seconds / 1e6)
		}
		BEGIN { printf "          %-30s   %s\n", "out of host A, Mbit/s", "into host B, Mbit/s" }
		{ printf "    eth%d  %s   %s\n", NR - 1, bar($1), bar($2) }'
}

show() {
	local intact_text="every byte as it was sent"
	transfer
	((intact)) || intact_text="NOT what was sent"
	printf '\n  A: ... | %s\n  B: %s | ...\n\n' "${send[*]}" "${receive[*]}"
	bars
	echo
	echo "    $SIZE MiB in $(calc "$seconds") s: $goodput Mbit/s, $intact_text"
	expect_intact
}

topology
make_input
echo
echo "One stream between two hosts, each with a bond of $LINKS_A links of $RATE Mbit/s ($MODE_A, $POLICY_A),"
echo "and a switch between. What the links can carry together: $(ideal) Mbit/s."
by_nc
show
nc=$goodput
by_mpnc
show
echo
pass "mpnc was $(calc "$goodput / $nc") times as fast as nc, at $(calc "100 * $ratio" %.0f) % of what the links can carry"
