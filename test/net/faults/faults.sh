#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Transfers through a proxy that resets, ends, stalls and spoils random connections: each is exact and
# ends with status 0, or it ends with another one. MPNC_FAULT_RUNS and MPNC_FAULT_SEED: how many, and
# the first one's seed. MPNC_FAULT_KEY=1: all of that with a key.
. "$(dirname "$0")/../lib.sh"

need python3

runs=${MPNC_FAULT_RUNS:-50}
first=${MPNC_FAULT_SEED:-1}
declare -A faults=()
complete=0 failed=0 condemned=0

random_file data 20M
key=()
[[ ! ${MPNC_FAULT_KEY:-} ]] || run 0 it genkey key

# Both ends have ended; their statuses go to RX and TX.
finish() {
	wait_for 90 "both ends of run $1 end" eval 'ended rx && ended tx'
	RX=0 TX=0
	wait "${PID[rx]}" || RX=$?
	wait "${PID[tx]}" || TX=$?
	unset 'PID[rx]' 'PID[tx]'
}

for ((seed = first; seed < first + runs; seed++)); do
	key=(--threads $((seed % 3)))
	[[ ! -f key ]] || key+=(--key key)
	listen rx "${key[@]}" --reconnect 10 -w 20 </dev/null >out
	start_proxy "$PORT" --seed "$seed"
	start tx -v "${key[@]}" --retry 10 --reconnect 10 -w 20 -P 4 127.0.0.1 "$PROXY" <data
	finish "$seed"
	stop_proxy
	while read -r _ kind _; do
		faults[$kind]=$((${faults[$kind]:-0} + 1))
	done < <(grep '^fault' proxy.out)
	condemned=$((condemned + $(cat rx.err tx.err | grep -cE 'closed: (it |its |a control|DATA|what came)' || true)))
	if ((RX == 0 || TX == 0)); then
		cmp out data || fail "seed $seed: status $TX at the sender, $RX at the receiver, but not exact"
	fi
	if ((RX == 0 && TX == 0)); then
		complete=$((complete + 1))
	else
		failed=$((failed + 1))
		echo "seed $seed: sender $TX: $(tail -n 1 tx.err); receiver $RX: $(tail -n 1 rx.err)"
	fi
done
for kind in "${!faults[@]}"; do
	echo "$kind: ${faults[$kind]}"
done
echo "$runs transfers: $complete exact and complete, $failed failed honestly; $condemned connections condemned"
((condemned || ${faults[flip]:-0} < 5)) || fail "no bit that flipped was noticed"
((complete >= runs * 9 / 10)) || fail "too many of the transfers failed"
