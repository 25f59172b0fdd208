#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a session cost, at both ends: each tells the other, and both name the same limit.
. "$(dirname "$0")/../lib.sh"
need python3

random_file data 12M

# cost FILE EXPRESSION: of the cost at the end of a report; "c" is it.
cost() {
	python3 - "$1" "$2" <<-'END'
		import json, sys
		c = [json.loads(line) for line in open(sys.argv[1])][-1]["cost"]
		sys.exit(0 if eval(sys.argv[2]) else f"{sys.argv[2]}: not of {c}")
	END
}

section "both ends say the same of both"
listen rx --json=rx.json -v </dev/null >out
run 0 tx --json=tx.json -v -P 4 127.0.0.1 "$PORT" <data
expect_exit rx 0
python3 - <<-'END' || fail "the two ends differ"
	import json
	tx, rx = ([json.loads(line) for line in open(f)][-1]["cost"] for f in ("tx.json", "rx.json"))
	for c in (tx, rx):
	    for side in (c["here"], c["there"]):
	        assert 0 < side["busiest_seconds"] <= side["cpu_seconds"] < 60, side
	    assert tx["here"]["busiest"] in ("input", "network"), tx
	    assert rx["here"]["busiest"] in ("output", "network"), rx
	assert tx["there"] == rx["here"] and rx["there"] == tx["here"], (tx, rx)
	assert tx["limit"]["stage"] == rx["limit"]["stage"], (tx, rx)
END
for side in tx rx; do
	expect_log "$side" 'cost: [0-9.]+ s/GB here \([a-z]+ [0-9.]+\), [0-9.]+ s/GB there'
done

section "an input that rests is the limit"
mkfifo slow
exec 5<>slow
listen rx --json=rx.json </dev/null >out 5>&-
start tx --json=tx.json 127.0.0.1 "$PORT" <slow 5>&-
cat data >&5
wait_for "$PATIENCE" "all has come" file_has out 12582912
sleep 1.5 # The rest is the test's subject: far longer than these bytes took.
exec 5>&-
expect_exit tx 0
expect_exit rx 0
cost tx.json 'c["limit"] == {"stage": "input", "side": "here"} and c["here"]["busy"]["input"] > 75'
cost rx.json 'c["limit"] == {"stage": "input", "side": "there"}'

section "an output that rests is the limit"
mkfifo full
exec 6<>full
listen rx --json=rx.json </dev/null >full 6>&-
start tx --json=tx.json 127.0.0.1 "$PORT" < <(cat data data data data) 6>&-
wait_for "$PATIENCE" "the output is full" has_written rx 65536
sleep 1.5
exec 7<full 6>&-
cat <&7 >out &
reader=$!
exec 7<&-
expect_exit tx 0
expect_exit rx 0
wait "$reader"
cost tx.json 'c["limit"] == {"stage": "output", "side": "there"}'
cost rx.json 'c["limit"] == {"stage": "output", "side": "here"}'
