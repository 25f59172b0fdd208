#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Transfers with random faults, one after another, for so long: soak.sh [SECONDS]. In a network of their own,
# through a proxy: all connections are cut or closed, the network falls silent, a side is stopped, or both
# are while they have no connection. Each transfer has to be exact and to end well on both sides. The seed is
# printed and may be given: SOAK_SEED. What happens to single connections is for net/faults.sh.
if [[ ! ${SOAK_INSIDE-} ]]; then
	export SOAK_INSIDE=1
	unshare -rn true 2>/dev/null || {
		echo "soak: this machine has no network namespaces (unshare -rn)" >&2
		exit 77
	}
	exec unshare -rn "$BASH" "$0" "$@"
fi
limit=${1-600}
# shellcheck source=net/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/net/lib.sh"
need python3 ip
ip link set lo up

RANDOM=${SOAK_SEED:=$((RANDOM * 32768 + RANDOM))}
echo "soak: $limit s, SOAK_SEED=$SOAK_SEED"
declare -A count=()
"$MPNC" genkey key

# pick WORD...: one of them.
pick() {
	local words=("$@")

	picked=${words[RANDOM % $#]}
}

# flows PERCENT: until so much has arrived, or it is over.
flows() {
	local goal=$(($(stat -c %s data) * $1 / 100))

	wait_for 120 "$1 % arrive" eval "file_has out $goal || ended tx || ended rx"
}

# One fault. What it does ends by itself, in less time than --reconnect.
strike() { # FAULT
	case $1 in
	cut | close) proxy "$1 $((RANDOM % 8)).$((RANDOM % 10))" ;;
	silence)
		ip link set lo down
		sleep $((1 + RANDOM % 13))
		ip link set lo up
		;;
	stop-*)
		kill -STOP "${PID[${1#stop-}]}"
		sleep $((1 + RANDOM % 20))
		kill -CONT "${PID[${1#stop-}]}"
		;;
	freeze)
		proxy "cut 1"
		kill -STOP "${PID[tx]}" "${PID[rx]}"
		sleep $((1 + RANDOM % 40))
		kill -CONT "${PID[tx]}" "${PID[rx]}"
		;;
	none) ;;
	esac
	count[$1]=$((${count[$1]:-0} + 1))
}

# One transfer, one way or the other or both ways, and up to three faults.
transfer() {
	local args=() both=() i fault

	random_file data "$((1 + RANDOM % 96))M"
	pick 1M 4M 64M && args+=(--window "$picked")
	((RANDOM % 3)) || both=(--duplex)
	((RANDOM % 3)) || both+=(--key key)
	pick 1 2 4 8 32
	args+=(-P "$picked")
	what="${args[*]} ${both[*]}"
	TEST_NAME="soak ($what)"
	if [[ ${both[*]} == *--duplex* ]]; then
		listen rx "${both[@]}" <data >out
	else
		listen rx "${both[@]}" </dev/null >out
	fi
	start_proxy "$PORT"
	start tx -v --retry 30 "${args[@]}" "${both[@]}" 127.0.0.1 "$PROXY" <data >back
	for ((i = RANDOM % 4; i > 0; i--)); do
		pick cut close silence stop-tx stop-rx freeze none
		fault=$picked
		flows $((RANDOM % 90))
		if running tx && running rx; then
			what+=" $fault"
			TEST_NAME="soak ($what)"
			strike "$fault"
		fi
	done
	expect_exit tx 0 180
	expect_exit rx 0 60
	expect_same data out
	[[ ${both[*]} != *--duplex* ]] || expect_same data back
	stop_proxy
}

begin=$SECONDS n=0 bytes=0
while ((SECONDS - begin < limit)); do
	what=
	transfer
	n=$((n + 1))
	bytes=$((bytes + $(stat -c %s data)))
	echo "soak: $((SECONDS - begin)) s: $what"
done
for fault in "${!count[@]}"; do
	echo "$fault: ${count[$fault]}"
done
echo "soak: $n transfers of $((bytes >> 20)) MiB in $((SECONDS - begin)) s, every one exact and ended well"
