#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For scenarios, which source this, call topology, do something, and end with pass or fail.
#
#   SIZE  200     MiB of a transfer
#   ARGS  none    mpnc's options at the sender, with commas for spaces
#   KEY   0       1: both ends have the same key
#   LIMIT 120     seconds that a program may take
# shellcheck disable=SC2034 # scenarios use what is set here
set -euo pipefail
# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
trap '[[ ${verdict-} ]] || echo "FAIL: ended with status $? after: $BASH_COMMAND"' EXIT

SIZE=${SIZE:-200} ARGS=${ARGS-} KEY=${KEY:-0} LIMIT=${LIMIT:-120}
PORT=31337
input=/tmp/input
key=/tmp/nobody/key
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)

pass() {
	verdict=PASS
	echo "PASS: $*"
	exit 0
}

fail() {
	verdict=FAIL
	echo "FAIL: $*"
	exit 1
}

# calc EXPRESSION [FORMAT]
calc() { awk "BEGIN { printf \"${2:-%.1f}\", ($1) }"; }

# at_least X Y: whether X >= Y, of numbers with fractions.
at_least() { awk "BEGIN { exit !($1 >= $2) }"; }

# counters END NAME: of each link, eth0 first, on one line.
counters() {
	local i files=()
	for ((i = 0; i < $(of LINKS "$1"); i++)); do
		files+=("/sys/class/net/eth$i/statistics/$2")
	done
	ip netns exec "$1" cat "${files[@]}" | paste -sd ' '
}

# received: bytes that all of B's links have received.
received() {
	local links
	links=$(counters B rx_bytes)
	echo "$((${links// /+}))"
}

# deltas BEFORE AFTER: two lines of counters.
deltas() {
	paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") |
		awk '{ printf "%s%d", (NR > 1 ? " " : ""), $2 - $1 } END { print "" }'
}

# shares DELTAS: each in per cent of their sum.
shares() {
	tr ' ' '\n' <<<"$1" | awk '{ v[NR] = $1; sum += $1 }
		END { for (i = 1; i <= NR; i++) printf "%3.0f%%%s", 100 * v[i] / (sum ? sum : 1), (i < NR ? " " : "") }'
}

# within LEAST MOST DELTAS: whether each one's share, in per cent, is.
within() {
	tr ' ' '\n' <<<"$3" | awk -v least="$1" -v most="$2" '{ v[NR] = $1; sum += $1 }
		END { for (i = 1; i <= NR; i++) if (100 * v[i] < least * sum || 100 * v[i] > most * sum) exit 1 }'
}

# links_hit DELTAS: how many of them are above 1 MB.
links_hit() { tr ' ' '\n' <<<"$1" | awk '$1 > 1e6 { n++ } END { print n + 0 }'; }

# ideal: Mbit/s of payload that the links together can carry, 1448 bytes of payload in 1514; or, when
# refer has measured, as many times what one iperf3 stream gets as the end with fewer links has.
ideal() {
	local end i sum least=0
	if [[ ${reference-} ]]; then
		calc "$reference * $((LINKS_A < LINKS_B ? LINKS_A : LINKS_B))"
		return
	fi
	for end in A B; do
		sum=0
		for ((i = 0; i < $(of LINKS "$end"); i++)); do
			sum=$((sum + $(nth "$(of RATES "$end")" "$i")))
		done
		((least && least < sum)) || least=$sum
	done
	calc "$least * 1448 / 1514"
}

# refer: measures for ideal, for links that are all alike.
refer() {
	[[ $RATES_A$RATES_B != *,* ]] || fail "one link's rate says nothing about links of several"
	reference=$(iperf 1)
	echo "one stream of iperf3: $reference Mbit/s"
}

cpu_ticks() { awk '/^cpu / { for (i = 2; i <= 9; i++) sum += $i; print $5 + $6, sum }' /proc/stat; }

# make_file FILE
make_file() { head -c "$((SIZE << 20))" /dev/urandom >"$1"; }

# make_input: a file for the source and the sink.
make_input() { make_file "$input"; }

# transfer: $input from a pipe into "${send[@]}" in A, out of "${receive[@]}" in B and
# compared with what it was; both run as nobody. Sets
#
#   goodput          Mbit/s from the sender's start until the last byte came out
#   ratio            that in parts of the ideal
#   seconds          that time
#   pause pause_at   the longest pause of the output, and when it began, in seconds
#   intact           1: all bytes came, and were the right ones
#   sent received    exit statuses
#   tx rx            bytes of each link, out of A and into B
#   idle             per cent of the guest's processors
transfer() { transfer_while true; }

# transfer_while COMMAND...: the same, and COMMAND runs meanwhile. If $back is a file, that is B's input,
# and what A puts out is compared with it; back_ratio is then the other direction's, and intact both's.
transfer_while() {
	local start before before_rx ticks bytes last_ns pause_ns pause_at_ns ends
	rm -f sent received
	{
		run_in B "${receive[@]}" <"${back:-/dev/null}" 2>receive.err
		echo $? >received
	} | sink "$input" >sink.out &
	sink=$!
	ends=("$sink")
	wait_until "${receive[*]}" listening
	before=$(counters A tx_bytes)
	before_rx=$(counters B rx_bytes)
	ticks=$(cpu_ticks)
	# The clock starts with the program: what runs it, in a namespace and as nobody, takes as long as
	# a link needs for a megabyte.
	# shellcheck disable=SC2002,SC2016 # a pipe is what is wanted, and expanded as nobody
	cat "$input" 2>/dev/null | {
		run_in A bash -c 'echo "${EPOCHREALTIME/./}" >&3; exec "$@" 3>&-' - "${send[@]}" \
			2>send.err 3>started
		echo $? >sent
	} | sink_back >back.out &
	ends+=($!)
	"$@"
	# There may be other jobs, which go on.
	wait "${ends[@]}" || true
	tx=$(deltas "$before" "$(counters A tx_bytes)")
	rx=$(deltas "$before_rx" "$(counters B rx_bytes)")
	start=$(<started)
	idle=$(awk '{ printf "%d", 100 * ($3 - $1) / ($4 - $2) }' <<<"$ticks $(cpu_ticks)")
	bytes=0 intact=0 last_ns=0
	eval "$(<back.out)"
	back_ratio=$(part_of_ideal) back_intact=$intact
	bytes=0 intact=0
	eval "$(<sink.out)"
	[[ ! ${back-} ]] || intact=$((intact && back_intact))
	sent=$(<sent) received=$(<received)
	seconds=$(calc "($last_ns / 1000 - $start) / 1e6" %.2f)
	goodput=$(calc "$bytes * 8 / ($last_ns / 1000 - $start)")
	ratio=$(part_of_ideal)
	pause=$(calc "$pause_ns / 1e9" %.2f)
	pause_at=$(calc "$pause_ns ? ($pause_at_ns / 1000 - $start) / 1e6 : 0" %.2f)
	PORT=$((PORT + 1))
}

# part_of_ideal: of the direction that start, bytes and last_ns are of.
part_of_ideal() {
	calc "$(ideal) > 0 && $bytes ? $bytes * 8 / ($last_ns / 1000 - $start) / $(ideal) : 0" %.3f
}

sink_back() { if [[ ${back-} ]]; then sink "$back"; else cat >/dev/null; fi; }

# A program's failure is a finding, not the script's.
run_in() {
	set +e
	ip netns exec "$1" timeout "$LIMIT" "${nobody[@]}" "${@:2}"
}

listening() { in_b ss -Hltn "sport = :$PORT" | grep -q .; }

# until_arrived PERCENT: of the input has come out. Polls without making a process.
until_arrived() {
	local goal=$(($(stat -c %s "$input") * $1 / 100)) arrived=0
	while ((arrived < goal)); do
		read -r _ arrived <"/proc/$sink/io" || fail "the transfer ended before $1 % had come"
		sleep 0.05
	done 2>/dev/null
}

# make_key: one that those can read who use it, and no others.
make_key() {
	mkdir -m 777 "${key%/*}"
	"${nobody[@]}" mpnc genkey "$key"
}

# by_mpnc, by_nc: what the next transfer runs.
by_mpnc() {
	local args both=()
	IFS=', ' read -ra args <<<"$ARGS"
	[[ ! ${back-} ]] || both=(--duplex)
	if ((KEY)); then
		[[ -f $key ]] || make_key
		both+=(--key "$key")
	fi
	receive=(mpnc "${both[@]}" -l "$ADDR_B" "$PORT")
	send=(mpnc "${both[@]}" "${args[@]}" "$ADDR_B" "$PORT")
}

by_nc() {
	receive=(nc.openbsd -l "$ADDR_B" "$PORT")
	send=(nc.openbsd -N "$ADDR_B" "$PORT")
}

# report: what the last transfer did.
report() {
	echo "${send[*]}"
	echo "  $goodput Mbit/s in $seconds s, $ratio of $(ideal); longest pause $pause s at $pause_at s; guest $idle % idle"
	echo "  A out $(shares "$tx")   B in $(shares "$rx")"
	((idle >= 10)) || echo "  the processors were the limit: figures are too low"
	sed 's/^/  sender: /' send.err
	sed 's/^/  receiver: /' receive.err
}

# expect_intact: all bytes came, and both programs say so.
expect_intact() {
	((sent == 0 && received == 0)) || fail "exit statuses $sent and $received, intact=$intact"
	((intact)) || fail "exit statuses 0, but what came is not what was sent"
}

# figures: of the last transfer, in a line.
figures() { echo "$goodput Mbit/s, $ratio of the links, longest pause $pause s"; }

# disturb MBIT: other traffic from A to B until the end, over whichever link.
disturb() {
	in_b iperf3 -s -p 5999 -1 >/dev/null &
	wait_until "iperf3" in_b ss -Hltn "sport = :5999"
	in_a iperf3 -u -b "$1M" -t 3600 -c "$ADDR_B" -p 5999 >/dev/null &
}

# iperf N: Mbit/s of iperf3 with that many streams.
iperf() {
	local server
	in_b iperf3 -s -1 -p "$PORT" >/dev/null 2>&1 &
	server=$!
	wait_until "iperf3 to listen" listening
	in_a iperf3 -c "$ADDR_B" -p "$PORT" -P "$1" -t "${IPERF_SECONDS:-5}" -f m >iperf.out
	wait "$server"
	PORT=$((PORT + 1))
	awk '/receiver/ { for (i = 1; i <= NF; i++) if ($i == "Mbits/sec") v = $(i - 1) } END { print v }' iperf.out
}
