#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a relay adds to a synchronous write: 4 KiB there and a byte back between two hosts, directly and through
# both sides of a relay, in turns. Prints the medians and what the relay adds; that is made of wake-ups, so it
# depends on the machine and on what else it does.
#
#   namespace of this script --- veth "wire" --- namespace peer
#      10.9.0.1, writer, near side                  10.9.0.2, far side, disk
#
# BENCH_WRITES (5000) per run, BENCH_ROUNDS (5).
set -euo pipefail

MPNC=$(realpath "${MPNC:-build/mpnc}")
if [[ ! ${BENCH_INSIDE-} ]]; then
	unshare -rmn true 2>/dev/null || {
		echo "bench-relay: this machine has no namespaces (unshare -rmn)" >&2
		exit 77
	}
	BENCH_INSIDE=1 exec unshare -rmn --kill-child --fork bash "$0"
fi
writes=$(dirname "$0")/net/writes.py
tmp=$(mktemp -d)
trap 'kill $(jobs -rp) || true; wait; rm -rf "$tmp"' EXIT

mount -t tmpfs none /run
ip netns add peer
ip link add wire type veth peer name wire netns peer
for at in '' '-n peer'; do
	# shellcheck disable=SC2086 # words
	ip $at link set lo up
	# shellcheck disable=SC2086
	ip $at link set wire up
done
ip addr add 10.9.0.1/24 dev wire
ip -n peer addr add 10.9.0.2/24 dev wire

# wait_for_listener PORT [IP NETNS EXEC...]
wait_for_listener() {
	until [[ $("${@:2}" ss -Hltn "sport = :$1") ]]; do
		sleep 0.01
	done
}

peer=(ip netns exec peer)
"${peer[@]}" python3 "$writes" serve 10.9.0.2 7789 &
"${peer[@]}" "$MPNC" relay -l 10.9.0.2 31337 --to 10.9.0.2:7789 &
"$MPNC" relay 127.0.0.1:7790 10.9.0.2 31337 &
wait_for_listener 7789 "${peer[@]}"
wait_for_listener 31337 "${peer[@]}"
wait_for_listener 7790

for ((round = 0; round < ${BENCH_ROUNDS:-5}; round++)); do
	python3 "$writes" write 10.9.0.2 7789 "${BENCH_WRITES:-5000}" >>"$tmp/direct"
	python3 "$writes" write 127.0.0.1 7790 "${BENCH_WRITES:-5000}" >>"$tmp/relay"
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
direct=$(median "$tmp/direct")
relay=$(median "$tmp/relay")
printf '\na write of 4 KiB on a veth, median: %d us directly, %d us through a relay: %d us more\n' \
	"$direct" "$relay" $((relay - direct))
