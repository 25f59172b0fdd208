#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One stream while a link fails, and what it took beside what the links that were up could carry.
#
#   FAULTS      all   list of
#                     sender    eth1 of A goes down at 3 s and up again at 8 s
#                     receiver  the same of B
#                     silent    from 3 s on, the switch's port towards eth1 of A drops all; LACP is slow to see it
#                     loss      eth1 of A loses 5 % of its packets
#                     slow      eth1 of A has 2 Mbit/s
#                     delay     eth1 of A delays by 40 ms
#   MAX_TIME    1.15  in parts of what the links needed, by their rates and the times at which they were up
#   MAX_PAUSE   1.5   s without a byte that came out, in the first three
#   MIN_RETURN  15    per cent of the bytes that the link carries 2 s after it has come back
#
# A link is up again when both LACP partners say so.
# shellcheck disable=SC2317 # what happens during a transfer is called by name
export SIZE=${SIZE:-300} LACP_RATE=${LACP_RATE:-slow}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
[[ ${FAULTS:=all} != all ]] || FAULTS=sender,receiver,silent,loss,slow,delay
MAX_TIME=${MAX_TIME:-1.15} MAX_PAUSE=${MAX_PAUSE:-1.5} MIN_RETURN=${MIN_RETURN:-15}

# carry MBIT: the links carry so much from now on.
carry() { echo "${EPOCHREALTIME/./} $1" >>carry; }

# needed: seconds that the input takes over what the links could carry.
needed() {
	awk -v start="$(<started)" -v bits="$((SIZE << 23))" '
		{ at[NR] = ($1 > start ? $1 : start); rate[NR] = $2 * 1448 / 1514 }
		END {
			for (i = 1; i < NR && bits > (at[i + 1] - at[i]) * rate[i]; i++)
				bits -= (at[i + 1] - at[i]) * rate[i]
			printf "%.2f", (at[i] - start + bits / rate[i]) / 1e6
		}' carry
}

# at SECONDS: waits until this much of the transfer's time has gone.
at() {
	wait_until "the sender's start" test -s started
	sleep "$(calc "($(<started) + $1 * 1000000 - ${EPOCHREALTIME/./}) / 1e6" %.2f)"
}

distribute() {
	distributing "$1" bond0 4 && distributing S "lag$1" 4
}

# down_and_up END COUNTER
down_and_up() {
	local before
	at 3
	ip -n "$1" link set eth1 down
	carry $((3 * RATE))
	at 8
	ip -n "$1" link set eth1 up
	wait_until "the link's return" distribute "$1"
	carry $((4 * RATE))
	sleep 2
	before=$(counters "$1" "$2")
	sleep 1
	shares "$(deltas "$before" "$(counters "$1" "$2")")" | awk '{ print $2 + 0 }' >returned
}

# emulate DEVICE OPTION...: in place of the link's shape.
emulate() {
	tc -n "${1%% *}" qdisc replace dev "${1##* }" root netem "${@:2}"
}

# The fault NAME while the transfer runs: during_NAME; before it: before_NAME.
during_sender() { down_and_up A tx_bytes; }
during_receiver() { down_and_up B rx_bytes; }
during_silent() {
	at 3
	emulate "A eth1" loss 100%
	emulate "S a1" loss 100%
	carry $((3 * RATE))
}
before_loss() {
	emulate "A eth1" rate "${RATE}mbit" loss 5% limit 100
	carry "$(calc "3.95 * $RATE")"
}
before_slow() {
	shape A eth1 2
	carry $((3 * RATE + 2))
}
before_delay() { emulate "A eth1" rate "${RATE}mbit" delay 40ms limit 1000; }

heal() {
	shape A eth1 "$RATE"
	shape S a1 "$RATE"
	wait_until "all links" distribute A
	wait_until "all links" distribute B
}

# limited WHAT FIGURE MOST
limited() {
	at_least "$3" "$2" || wrong+="${wrong:+; }$name: $1 $2 instead of at most $3"
}

try() {
	local name=$1 during=true needs
	rm -f carry started returned
	carry $((4 * RATE))
	[[ ! $(declare -F "during_$name") ]] || during=during_$name
	if [[ $during == true ]]; then
		[[ $(declare -F "before_$name") ]] || fail "no fault named $name"
		"before_$name"
	fi
	by_mpnc
	transfer_while "$during"
	heal
	needs=$(needed)
	echo "== $name"
	report
	part=$(calc "$seconds / $needs" %.3f)
	echo "  $seconds s, $part of the $needs s that the links needed; longest pause $pause s"
	((sent == 0 && received == 0 && intact)) || wrong+="${wrong:+; }$name: exit statuses $sent and $received, intact=$intact"
	limited "time" "$part" "$MAX_TIME"
	[[ $during == true ]] || limited "pause" "$pause" "$MAX_PAUSE"
	figures+=" $name $part, $pause s"
	if [[ -s returned ]]; then
		echo "  2 s after its return the link carried $(<returned) %"
		limited "share missing on return" "$((100 - $(<returned)))" "$((100 - MIN_RETURN))"
		figures+=", $(<returned) %"
	fi
	figures+=";"
}

wrong='' figures=''
topology
make_input
IFS=', ' read -ra names <<<"$FAULTS"
for name in "${names[@]}"; do
	try "$name"
done
[[ ! $wrong ]] || fail "$wrong"
pass "$figures"
