#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The main job, shown: one stream by netcat, then by mpnc, between two hosts that four links join.
#
#      host a                          host b
#   10.9.0.1  --- link1 200 Mbit/s ---  10.9.0.2
#             --- link2 -------------
#             --- link3 -------------
#             --- link4 -------------
#
# The hosts are network namespaces; each host spreads flows over the links by a hash of addresses and
# ports, as a bond with layer3+4 does, so one connection uses one link. No privilege is needed.
set -euo pipefail

MPNC=${MPNC:-build/mpnc}
MIB=${DEMO_MIB:-256}
LINKS=4
RATE=200 # Mbit/s per link
SUBFLOWS=16

if [ -z "${DEMO_INSIDE:-}" ]; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	export DEMO_INSIDE=1 TMP_DIR=$tmp
	for how in -rmn -mn; do
		unshare $how true 2>/dev/null && exec_in="unshare $how" && break
	done
	if [ -z "${exec_in:-}" ]; then
		echo "demo: needs network namespaces (unshare -mn), which this machine does not allow" >&2
		exit 1
	fi
	$exec_in "$0" "$@"
	exit
fi

in_b() { ip netns exec b "$@"; }

build_links() {
	local to_a="" to_b="" i ns
	mount -t tmpfs none /run
	ip netns add b
	ip addr add 10.9.0.1/32 dev lo
	in_b ip addr add 10.9.0.2/32 dev lo
	for i in $(seq $LINKS); do
		ip link add "link$i" type veth peer name "link$i" netns b
		ip addr add "10.9.$i.1/30" dev "link$i"
		in_b ip addr add "10.9.$i.2/30" dev "link$i"
		to_b+=" nexthop via 10.9.$i.2"
		to_a+=" nexthop via 10.9.$i.1"
	done
	for ns in "" in_b; do
		$ns ip link set lo up
		$ns sysctl -qw net.ipv4.fib_multipath_hash_policy=1
		for i in $(seq $LINKS); do
			$ns ip link set "link$i" up
			$ns tc qdisc add dev "link$i" root tbf rate ${RATE}mbit burst 64k latency 20ms
		done
	done
	# shellcheck disable=SC2086 # one word per next hop
	ip route add 10.9.0.2/32 src 10.9.0.1 $to_b
	# shellcheck disable=SC2086
	in_b ip route add 10.9.0.1/32 src 10.9.0.2 $to_a
}

wait_for_listener() {
	local i
	for i in $(seq 200); do
		[ -n "$(in_b ss -Hltn "sport = :$1")" ] && return
		sleep 0.02
	done
	echo "demo: nobody listens on port $1 after $i tries" >&2
	return 1
}

# Bytes that each link of a has sent, one per line.
sent_bytes() {
	for i in $(seq $LINKS); do
		ip -j -s link show "link$i" | sed 's/.*"tx":{"bytes":\([0-9]*\).*/\1/'
	done
}

# transfer NAME LISTENER-COMMAND SENDER-COMMAND
transfer() {
	local name=$1 before after start end i verdict
	before=$(sent_bytes)
	in_b bash -c "exec $2" </dev/null >"$TMP_DIR/out" 2>"$TMP_DIR/listener.log" &
	wait_for_listener 31337
	start=$(date +%s%N)
	bash -c "exec $3" <"$TMP_DIR/in" 2>"$TMP_DIR/sender.log"
	wait $!
	end=$(date +%s%N)
	after=$(sent_bytes)
	verdict="arrived intact"
	cmp -s "$TMP_DIR/in" "$TMP_DIR/out" || verdict="DIFFERS"
	printf '\n%s\n' "$name"
	paste <(echo "$before") <(echo "$after") | awk -v ns=$((end - start)) -v rate=$RATE '
		{
			mbit = ($2 - $1) * 8000 / ns
			bar = ""
			for (i = 0; i + 0.5 < mbit / rate * 40 && i < 40; i++) bar = bar "#"
			printf "  link%d  %-40s %5.0f Mbit/s\n", NR, bar, mbit
		}'
	awk -v mib="$MIB" -v ns=$((end - start)) -v v="$verdict" \
		'BEGIN { printf "  %d MiB in %.2f s: %.1f MiB/s, %s\n", mib, ns / 1e9, mib * 1e9 / ns, v }'
	rm -f "$TMP_DIR/out"
	[ "$verdict" = "arrived intact" ]
	elapsed=$((end - start))
}

build_links
head -c "${MIB}M" /dev/urandom >"$TMP_DIR/in"
echo "One stream of $MIB MiB between two hosts joined by $LINKS links of $RATE Mbit/s each."

transfer "nc -l 31337 > out     nc -N 10.9.0.2 31337 < in" \
	"nc.openbsd -l 31337" "nc.openbsd -N 10.9.0.2 31337"
nc_ns=$elapsed
transfer "mpnc -l 31337 > out   mpnc -P $SUBFLOWS 10.9.0.2 31337 < in" \
	"$MPNC -l 31337" "$MPNC -P $SUBFLOWS --json=$TMP_DIR/json 10.9.0.2 31337"

echo
echo "  What each subflow of mpnc carried (--json):"
python3 - "$TMP_DIR/json" <<'PY'
import json, sys
end = [o for o in map(json.loads, open(sys.argv[1])) if o["event"] == "end"][0]
for f in end["subflows"]:
    print("    port %5d  %6.1f MiB  %6.1f MiB/s" % (f["sport"], f["sent"] / 2**20,
          f["sent"] / 2**20 / end["seconds"]))
PY
awk -v a="$nc_ns" -v b="$elapsed" 'BEGIN { printf "\nmpnc was %.1f times as fast as nc.\n", a / b }'
