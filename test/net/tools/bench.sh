#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mpnc bench: what is reported, that every byte counts, and who is served. No figure is judged.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

# json FILE EXPRESSION: is it true of the lines of JSON in FILE, runs?
json() {
	python3 -c '
import json, sys
runs = [json.loads(line) for line in open(sys.argv[1])]
assert eval(sys.argv[2]), json.dumps(runs[-1]["end"] if "end" in runs[-1] else runs[-1])' "$1" "$2" ||
		fail "$1: not so: $2"
}

# bench NAME ARG...: a client that is to end well; its JSON goes to NAME.json
bench() {
	run 0 "$1" bench --json="$1.json" "${@:2}" 127.0.0.1 "$PORT" >"$1.out"
}

section "the client sends; both sides have counted the same bytes"
start rx bench -v -l -i 100ms --json=rx.json 0 >rx.out
wait_port rx
bench tx -t 500ms -i 100ms -P 3
json tx.json 'len(runs) == 1 and runs[0]["schema"] == 1'
json tx.json 'runs[0]["end"]["sum_sent"]["bytes"] > 0 and runs[0]["end"]["sum_sent"]["sender"]'
json tx.json 'len(runs[0]["end"]["streams"]) == 3'
json tx.json 'all(s["bytes"] > 0 and s["rtt"] > 0 and s["retransmits"] >= 0 for s in runs[0]["end"]["streams"])'
json tx.json 'sum(s["bytes"] for s in runs[0]["end"]["streams"]) >= runs[0]["end"]["sum_sent"]["bytes"]'
json tx.json 'len(runs[0]["intervals"]) >= 2'
json tx.json 'sum(i["sum"]["bytes"] for i in runs[0]["intervals"]) <= runs[0]["end"]["sum_sent"]["bytes"]'
json tx.json '"here" in runs[0]["end"]["links"] and "peer" in runs[0]["end"]["links"]'
json tx.json 'runs[0]["end"]["limit_out"]["text"] and runs[0]["end"]["limit_in"] is None'
wait_for "$PATIENCE" "the listener has written its line" grep -q . rx.json
json rx.json 'not runs[0]["end"]["sum_received"]["sender"] and runs[0]["end"]["limit_in"]["text"]'
[[ $(python3 -c '
import json
print(*{json.loads(open(f).readline())["end"]["sum_received"]["bytes"] for f in ("tx.json", "rx.json")})') != *' '* ]] ||
	fail "the two sides differ"
grep -q '^limit: ' tx.out || fail "no limit is named: $(<tx.out)"
grep -Eq '^ *#0 +port [0-9]+ +out .*bit/s +[0-9]+ retr +[0-9.]+ ms' tx.out || fail "$(<tx.out)"
grep -q '^client 127\.0\.0\.1 port' rx.out || fail "$(<rx.out)"

section "... the next one has it the other way round"
bench tx -R -t 300ms
json tx.json 'runs[0]["end"]["sum_received"]["bytes"] > 0 and not runs[0]["start"]["sends"]'

section "... and both ways at once"
bench tx --bidir -t 300ms -P 2
json tx.json 'runs[0]["end"]["sum_sent"]["bytes"] > 0'
json tx.json 'runs[0]["end"]["sum_sent_bidir_reverse"]["bytes"] > 0'
json tx.json 'runs[0]["end"]["limit_out"] and runs[0]["end"]["limit_in"]'
json tx.json 'len(runs[0]["end"]["streams"]) == 4'

section "--json alone: standard output has nothing else"
run 0 tx bench --json -t 200ms 127.0.0.1 "$PORT" >tx.json
json tx.json 'len(runs) == 1'

section "--compare"
bench tx --compare --rounds 2 -t 200ms -P 4
json tx.json '[r["start"]["num_streams"] for r in runs[:-1]] == [1, 4, 1, 4]'
json tx.json 'runs[-1]["compare"]["rounds"] == 2 and runs[-1]["compare"]["ratio"] > 0'
grep -q '^compared: 4 connections .* times as fast (medians of 2 rounds)' tx.out || fail "$(<tx.out)"

section "--sweep names the knee"
bench tx --sweep -t 200ms
json tx.json '[p["num_streams"] for p in runs[-1]["sweep"]["points"]] == [2 ** i for i in range(len(runs) - 1)]'
json tx.json 'runs[-1]["sweep"]["knee"] in [p["num_streams"] for p in runs[-1]["sweep"]["points"]]'
(($(grep -c 'the knee' tx.out) == 1)) || fail "$(<tx.out)"

section "one client at a time, the others wait"
start first bench -t 2 -i 0 127.0.0.1 "$PORT" >first.out
served() {
	(($(grep -c ^client rx.out) == $(grep -c ^total rx.out) + 1))
}
wait_for "$PATIENCE" "it is served" served
bench second -t 100ms
expect_log rx 'a client waits for its turn'
expect_exit first 0

section "a stream is refused, and the bench goes on"
run 1 cat 127.0.0.1 "$PORT" </dev/null
expect_log cat 'refused the session: it is there for mpnc bench only'
run 0 query -z -v 127.0.0.1 "$PORT"
run 0 tx bench -t 100ms 127.0.0.1 "$PORT" >tx.out
stop rx TERM

section "a listener for streams lets itself be measured within limits, and still serves a client"
listen cat </dev/null >cat.out
run 4 tx bench -t 1m -i 0 127.0.0.1 "$PORT" >tx.out
expect_log tx 'a measurement here has a limit of 64\.0 MiB'
run 0 tx -N 127.0.0.1 "$PORT" <<<stream
expect_exit cat 0
expect_content cat.out stream

section "--disk: read here, and written there"
random_file disk 20M
start rx bench -v -1 -l --disk copy --json=rx.json 0 >rx.out
wait_port rx
bench tx --disk disk -t 10m
expect_exit rx 0
json tx.json 'runs[0]["end"]["sum_sent"]["bytes"] == 20 << 20'
json rx.json 'runs[0]["end"]["sum_received"]["bytes"] == 20 << 20'
[[ ! -e copy ]] || fail "the file was left behind"

section "... but no file of somebody's is written"
random_file copy 1K
cp copy kept
start rx bench -v -l --disk copy 0 >rx.out
wait_port rx
run 1 tx bench -t 100ms 127.0.0.1 "$PORT" >tx.out
expect_log tx 'it exists, and what is measured would replace it'
expect_same kept copy
# Read is what it can be.
bench tx -R -t 10m
json tx.json 'runs[0]["end"]["sum_received"]["bytes"] == 1024'
stop rx TERM

section "a client that has waited hears why it is refused"
rm copy
start rx bench -v -l --disk copy 0 >rx.out
wait_port rx
start first bench -t 60 -i 0 127.0.0.1 "$PORT" >first.out
wait_for "$PATIENCE" "it is served" grep -q ^client rx.out
start second bench -t 100ms --bidir 127.0.0.1 "$PORT" >second.out
wait_log rx 'a client waits for its turn'
stop first TERM
expect_exit second 1
expect_log second 'refused the session: --disk is for one direction, and the client wants both'
n=$(grep -c 'the client wants both' rx.err)
((n == 1)) || fail "the client came back: $n refusals"
stop rx TERM

section "with a key"
"$MPNC" genkey key
"$MPNC" genkey other
start rx bench -v -l --key key 0 >rx.out
wait_port rx
run 1 tx bench -t 100ms 127.0.0.1 "$PORT" >tx.out
run 1 tx bench -t 100ms --key other 127.0.0.1 "$PORT" >tx.out
bench tx -t 200ms --key key
json tx.json 'runs[0]["end"]["sum_sent"]["bytes"] > 0'
stop rx TERM

section "--allow"
start rx bench -v -l --allow 10.0.0.0/8 0 >rx.out
wait_port rx
run 1 tx bench -t 100ms 127.0.0.1 "$PORT" >tx.out
stop rx TERM

section "a client that is interrupted says so at both ends, and the next one is served"
start rx bench -v -l 0 >rx.out
wait_port rx
start tx bench -t 1h -i 100ms 127.0.0.1 "$PORT" >tx.out
wait_for "$PATIENCE" "data flows" grep -q '^0\.' tx.out
kill -TERM "${PID[tx]}"
expect_exit tx 143
wait_log rx 'the peer gave up: .*signal'
bench tx -t 100ms

section "one that has lost all connections is not waited for when there is another: doctor ends so"
start tx bench -t 1h -i 100ms 127.0.0.1 "$PORT" >tx.out
wait_for "$PATIENCE" "data flows" grep -q '^0\.' tx.out
stop tx KILL
bench tx -t 100ms
((RUN_MS < 15000)) || fail "it was served after $RUN_MS ms"
expect_log rx 'the client has lost all connections, and another one waits'
stop rx TERM

section "nobody there"
run 1 tx bench -t 100ms 127.0.0.1 "$(free_ports 1)" >tx.out
expect_log tx 'Connection refused'
expect_empty tx.out
