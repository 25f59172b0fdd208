#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Transfers one after another while links fail at random, two at a time: they go down, at a host or at the switch,
# fall silent, lose packets, are slow or far, and come back. Each transfer has to be exact and to end well.
# It may need a LAB_TIMEOUT beyond FOR.
#
#   FOR   300     seconds
#   SEED  random  repeats faults and their order, if not their moments
#   SIZE  100     MiB of each
#
# shellcheck disable=SC2317 # what happens during a transfer is called by name
export SIZE=${SIZE:-100} LIMIT=${LIMIT:-300}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}

# emulate NAMESPACE DEVICE OPTION...: in place of the link's shape, for the seconds in $for.
emulate() {
	tc -n "$1" qdisc replace dev "$2" root netem "${@:3}"
	sleep "$for"
	shape "$1" "$2" "$RATE"
}

# down NAMESPACE DEVICE
down() {
	ip -n "$1" link set "$2" down
	sleep "$for"
	ip -n "$1" link set "$2" up
}

# strike LINK: one fault of the pair of ends of a link, at a random host.
strike() {
	local hosts=(A B) faults=(down port silent lossy slow far) host fault for
	host=${hosts[RANDOM % 2]} fault=${faults[RANDOM % 6]} for=$((RANDOM % 9)).$((RANDOM % 10))
	echo "$fault of $host's eth$1 for $for s" >>faults
	case $fault in
	down) down "$host" "eth$1" ;;
	port) down S "${host,}$1" ;;
	silent) emulate S "${host,}$1" loss 100% ;;
	lossy) emulate "$host" "eth$1" rate "${RATE}mbit" loss "$((1 + RANDOM % 20))%" limit 100 ;;
	slow) emulate "$host" "eth$1" rate "$((1 + RANDOM % 5))mbit" limit 100 ;;
	far) emulate "$host" "eth$1" rate "${RATE}mbit" delay "$((RANDOM % 200))ms" limit 1000 ;;
	esac
}

# trouble SEED LINK...: faults of these links, one after another, for ever.
trouble() {
	local links=("${@:2}")
	RANDOM=$1
	while :; do
		strike "${links[RANDOM % ${#links[@]}]}"
		sleep $((RANDOM % 4)).$((RANDOM % 10))
	done
}

topology
make_input
: >faults
echo "SEED=$SEED"
trouble "$SEED" 0 1 &
trouble "$((SEED + 1))" 2 3 &
runs=0 longest=0
end=$((SECONDS + ${FOR:-300}))
while ((SECONDS < end)); do
	by_mpnc
	transfer
	runs=$((runs + 1))
	if ((sent || received || !intact)); then
		report
		tail -n 20 faults
		fail "transfer $runs: exit statuses $sent and $received, intact=$intact; SEED=$SEED"
	fi
	echo "$runs: $goodput Mbit/s, longest pause $pause s; $(wc -l <faults) faults so far"
	longest=$(awk -v a="$longest" -v b="$pause" 'BEGIN { print (a > b ? a : b) }')
done
pass "$runs transfers of $SIZE MiB, all exact, through $(wc -l <faults) faults; longest pause $longest s"
