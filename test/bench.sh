#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What it costs to move bytes from a pipe over loopback into a pipe: mpnc beside the tools that Debian
# has, in turns, so that other work on the machine meets them all. Prints medians and ratios to nc; no
# absolute number means anything on another machine.
#
#   head -c SIZE /dev/zero | SENDER ==loopback==> LISTENER | wc -c
#
# BENCH_GIB (4) per run, BENCH_ROUNDS (5), BENCH_TOOLS (all). CPU seconds are those of sender and
# listener, user and system, per GiB; head and wc are not counted.
set -euo pipefail

MPNC=${MPNC:-build/mpnc}
GIB=${BENCH_GIB:-4}
ROUNDS=${BENCH_ROUNDS:-5}
TOOLS=${BENCH_TOOLS:-pipe mpnc-P1 mpnc-P4 mpnc-key-P1 mpnc-key-P4 nc ncat ncat-ssl socat socat-256k mbuffer}
BYTES=$((GIB << 30))

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[[ $TOOLS != *-key-* ]] || "$MPNC" genkey "$tmp/key"

# listener_of TOOL PORT, sender_of TOOL PORT: the command lines.
listener_of() {
	case $1 in
	mpnc-key-*) echo "$MPNC -l --key $tmp/key 127.0.0.1 $2" ;;
	mpnc-*) echo "$MPNC -l 127.0.0.1 $2" ;;
	nc) echo "nc.openbsd -l 127.0.0.1 $2" ;;
	ncat) echo "ncat -l 127.0.0.1 $2" ;;
	ncat-ssl) echo "ncat --ssl -l 127.0.0.1 $2" ;;
	socat) echo "socat -u TCP-LISTEN:$2,bind=127.0.0.1,reuseaddr STDOUT" ;;
	socat-256k) echo "socat -u -b262144 TCP-LISTEN:$2,bind=127.0.0.1,reuseaddr STDOUT" ;;
	mbuffer) echo "mbuffer -q -m 16M -I 127.0.0.1:$2" ;;
	esac
}

sender_of() {
	case $1 in
	mpnc-P1) echo "$MPNC -P 1 127.0.0.1 $2" ;;
	mpnc-P4) echo "$MPNC -P 4 127.0.0.1 $2" ;;
	mpnc-key-P1) echo "$MPNC --key $tmp/key -P 1 127.0.0.1 $2" ;;
	mpnc-key-P4) echo "$MPNC --key $tmp/key -P 4 127.0.0.1 $2" ;;
	nc) echo "nc.openbsd -N 127.0.0.1 $2" ;;
	ncat) echo "ncat --send-only 127.0.0.1 $2" ;;
	ncat-ssl) echo "ncat --ssl --send-only 127.0.0.1 $2" ;;
	socat) echo "socat -u STDIN TCP:127.0.0.1:$2" ;;
	socat-256k) echo "socat -u -b262144 STDIN TCP:127.0.0.1:$2" ;;
	mbuffer) echo "mbuffer -q -m 16M -O 127.0.0.1:$2" ;;
	esac
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		[ -n "$(ss -Htan "sport = :$port")" ] || break
	done
	echo "$port"
}

wait_for_listener() {
	until [ -n "$(ss -Hltn "sport = :$1")" ]; do
		sleep 0.01
	done
}

# timed FILE COMMAND...: runs it, user and system seconds to FILE.
timed() {
	local file=$1
	shift
	TIMEFORMAT='%U %S'
	{ time "$@" 2>"$tmp/err"; } 2>"$file"
}

# One run; prints "GB/s CPU-seconds-per-GiB".
measure() {
	local tool=$1 start end got port failed=0
	echo "0 0" >"$tmp/rx"
	echo "0 0" >"$tmp/tx"
	if [ "$tool" = pipe ]; then
		start=$(date +%s%N)
		got=$(head -c $BYTES /dev/zero | wc -c)
	else
		port=$(free_port)
		read -ra listener <<<"$(listener_of "$tool" "$port")"
		read -ra sender <<<"$(sender_of "$tool" "$port")"
		timed "$tmp/rx" "${listener[@]}" </dev/null | wc -c >"$tmp/count" &
		wait_for_listener "$port"
		start=$(date +%s%N)
		head -c $BYTES /dev/zero | timed "$tmp/tx" "${sender[@]}" >/dev/null || failed=$?
		wait $! || failed=$?
		got=$(cat "$tmp/count")
	fi
	end=$(date +%s%N)
	# ncat ends with 1 although all is well, when its peer is quicker to close.
	if [ "$got" != $BYTES ] || { [ $failed != 0 ] && [[ $tool != ncat* ]]; }; then
		echo "bench: $tool delivered $got of $BYTES bytes, exit $failed: $(cat "$tmp/err")" >&2
		return 1
	fi
	awk -v bytes=$BYTES -v ns=$((end - start)) -v gib="$GIB" '{ cpu += $1 + $2 }
		END { printf "%.3f %.3f\n", bytes / ns, cpu / gib }' "$tmp/rx" "$tmp/tx"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print 0 + v[int((NR + 1) / 2)] }'; }

for ((round = 1; round <= ROUNDS; round++)); do
	for tool in $TOOLS; do
		# It loses the end of the stream now and then, and says so: the other rounds count.
		measure "$tool" >>"$tmp/result.$tool" || [[ $tool == ncat-ssl ]]
		[ -t 2 ] && printf '\rround %d of %d: %-12s' "$round" "$ROUNDS" "$tool" >&2
	done
done
[ -t 2 ] && printf '\r\033[K' >&2

touch "$tmp/result.nc"
nc_rate=$(cut -d' ' -f1 "$tmp/result.nc" | median)
fastest=0
for tool in $TOOLS; do
	case $tool in pipe | mpnc-*) continue ;; esac
	fastest=$(printf '%s\n' "$fastest" "$(cut -d' ' -f1 "$tmp/result.$tool" | median)" | sort -n | tail -1)
done
nc_cpu=$(cut -d' ' -f2 "$tmp/result.nc" | median)
printf '%s GiB per run, median of %s [least to most]; "x nc" and "x best": ratio to nc, to the fastest peer\n\n' "$GIB" "$ROUNDS"
printf '%-12s %6s %15s %6s %6s   %9s %6s\n' tool GB/s "" "x nc" "x best" CPU-s/GiB "x nc"
for tool in $TOOLS; do
	rates=$(cut -d' ' -f1 "$tmp/result.$tool" | sort -n)
	awk -v tool="$tool" -v rate="$(median <<<"$rates")" -v min="$(head -1 <<<"$rates")" \
		-v max="$(tail -1 <<<"$rates")" -v cpu="$(cut -d' ' -f2 "$tmp/result.$tool" | median)" \
		-v nc_rate="$nc_rate" -v nc_cpu="$nc_cpu" -v best="$fastest" 'BEGIN {
			printf "%-12s %6.2f [%5.2f - %5.2f] %6s %6s   %9.2f %6s\n", tool, rate, min, max,
			       (nc_rate ? sprintf("%.2f", rate / nc_rate) : "-"),
			       (best ? sprintf("%.2f", rate / best) : "-"), cpu,
			       (nc_cpu ? sprintf("%.2f", cpu / nc_cpu) : "-")
		}'
done

# Encryption beside encryption: ncat's single connection of TLS, and our own without.
[[ -s $tmp/result.ncat-ssl ]] || exit 0
echo
for tool in $TOOLS; do
	[[ $tool == mpnc-key-* ]] || continue
	plain=mpnc-${tool#mpnc-key-}
	[[ -f $tmp/result.$plain ]] || continue
	awk -v tool="$tool" -v plain="$plain" -v rate="$(cut -d' ' -f1 "$tmp/result.$tool" | median)" \
		-v cpu="$(cut -d' ' -f2 "$tmp/result.$tool" | median)" \
		-v ssl_rate="$(cut -d' ' -f1 "$tmp/result.ncat-ssl" | median)" \
		-v ssl_cpu="$(cut -d' ' -f2 "$tmp/result.ncat-ssl" | median)" \
		-v plain_rate="$(cut -d' ' -f1 "$tmp/result.$plain" | median)" 'BEGIN {
			printf "%s: %.2f x ncat --ssl in rate, %.2f x in CPU; %.2f x %s in rate\n", tool,
			       rate / ssl_rate, cpu / ssl_cpu, rate / plain_rate, plain
		}'
done
