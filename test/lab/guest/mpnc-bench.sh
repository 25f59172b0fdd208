#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For scenarios that run mpnc bench; to be sourced behind lib.sh.
#
#   SECONDS_EACH 3  of each run
each=${SECONDS_EACH:-3}

# bench ARG...: from A, as nobody; what it says is in bench.out and bench.json
bench() {
	run_in A mpnc bench -t "$each" -i 0 --json=bench.json "$@" "$ADDR_B" "$PORT" >bench.out 2>bench.err
	set -e
	sed 's/^/    /' bench.err
	[[ -s bench.json ]] || fail "bench $*: nothing came"
}

# limit WAY: the id of what limits the last run.
limit() { grep -o "\"limit_$1\":{\"id\":\"[a-z-]*\"" bench.json | tail -n 1 | cut -d '"' -f 6; }

# figure NAME: of --compare or --sweep.
figure() { grep -o "\"$1\":[0-9.]*" bench.json | cut -d : -f 2; }

serve_bench() {
	LIMIT=900 run_in B mpnc bench -l "$ADDR_B" "$PORT" >listener.out 2>receive.err &
	wait_until "the listener" listening
}
