#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# From Linux 6.8 on the kernel tells by which link a connection's bytes arrive: whatever the switch does,
# each link has received what mpnc says of the connections on it.
export SWFOREIGN=${SWFOREIGN-1} NAPI=1
# shellcheck source=../guest/lib.sh
. /lab/lib.sh

# said: eth0's bytes first, as the sender's last line has them.
said() {
	local i
	for ((i = 0; i < LINKS_B; i++)); do
		grep -o '{[^{]*"peer_rx_link": *"eth'"$i"'"[^}]*}' send.err | tail -n 64 |
			sed -nE 's/.*"sent": *([0-9]+).*/\1/p' | awk '{ sum += $1 } END { printf "%d ", sum }'
	done
}

topology
make_input
ARGS=--json by_mpnc
transfer
expect_intact
said=$(said)
echo "B in: $rx, of that by connections: $said"
for ((i = 0; i < LINKS_B; i++)); do
	# What is more is headers, and what was sent again.
	part=$(calc "$(nth "${said// /,}" "$i") / $(nth "${rx// /,}" "$i")" %.3f)
	parts+=" $part"
	at_least "$part" 0.9 && at_least 1 "$part" || wrong=1
done
((!${wrong-0})) || fail "what connections brought is not what the links counted:$parts"
pass "of what the links counted connections brought$parts"
