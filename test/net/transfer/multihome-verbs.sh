#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench, doctor and relay between machines with two addresses each: what multihome.sh shows of a stream.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
two_links

ours=(-s 10.1.0.1 -s 10.2.0.1)
theirs=(-s 10.1.0.2 -s 10.2.0.2)
both=10.1.0.2,10.2.0.2
all_pairs='10.1.0.1>10.1.0.2 10.1.0.1>10.2.0.2 10.2.0.1>10.1.0.2 10.2.0.1>10.2.0.2'

# pairs RUN: over which pairs of addresses this run (0: the first one) of the last bench went
pairs() {
	python3 -c '
import json, sys
runs = [json.loads(line) for line in open("json")]
streams = runs[int(sys.argv[1])]["end"]["streams"]
print(*sorted({s["local_host"] + ">" + s["remote_host"] for s in streams if s["bytes"]}))' "$1"
}

expect_pairs() {
	[[ $(pairs "$1") == "$2" ]] || fail "run $1 went over $(pairs "$1") instead of $2"
}

bench() {
	run 0 tx bench -v -t 1 --json=json "$@" "$PORT" >text
}

section "bench: several connections go over all pairs"
start_there rx bench -v -l "${theirs[@]}" 0 </dev/null >served
wait_port rx
expect_both_links 2000000 bench "${ours[@]}" "$both"
expect_pairs 0 "$all_pairs"
for pair in ${all_pairs}; do
	grep -q "^    between ${pair%>*} and ${pair#*>}: .* over 2 subflows" text || fail "$(<text)"
done
bench -R -P 4 "${ours[@]}" "$both"
expect_pairs 0 "$all_pairs"

section "... and one over the first"
bench --compare --rounds 1 -P 4 "${ours[@]}" "$both"
expect_pairs 0 '10.1.0.1>10.1.0.2'
expect_pairs 1 "$all_pairs"
stop rx

section "bench --multihome: the client learns the other address"
start_there rx bench -v -l --multihome 0 </dev/null >served
wait_port rx
bench --multihome "${ours[@]}" 10.1.0.2
expect_pairs 0 "$all_pairs"
run 0 it --plan --multihome "${ours[@]}" 10.1.0.2 "$PORT" >plan
grep -q '^4 pairs of addresses' plan || fail "$(<plan)"
bench "${ours[@]}" 10.1.0.2
expect_pairs 0 '10.1.0.1>10.1.0.2 10.2.0.1>10.1.0.2'
expect_log tx 'the peer has other addresses too: --multihome uses them'
stop rx

section "doctor: one pair after the other"
# ways FILE: from where to where, and by which device
ways() {
	python3 -c '
import json, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    print(d["route"]["source"], d["route"]["peer"], *d["route"]["devices"], len((d["peer"] or {"flows": []})["flows"]))' "$1"
}
run 0 it doctor --json "${ours[@]}" "$both" >json
[[ $(ways json) == '10.1.0.1 10.1.0.2 left 0
10.2.0.1 10.1.0.2 right 0
10.1.0.1 10.2.0.2 left 0
10.2.0.1 10.2.0.2 right 0' ]] || fail "$(ways json)"
run 0 it doctor --json "$both" >json
[[ $(ways json) == 'None 10.1.0.2 left 0
None 10.2.0.2 right 0' ]] || fail "$(ways json)"
start_there rx -l -v "${theirs[@]}" 0 </dev/null >out
wait_port rx
run 0 it doctor -s 10.2.0.1 "$both" "$PORT" >text
(($(grep -c '^  one connection: ' text) == 2)) || fail "$(<text)"
grep -A 1 '^10\.2\.0\.1 to 10\.1\.0\.2:$' text | grep -q '^10\.1\.0\.2: by right$' || fail "$(<text)"
grep -A 1 '^10\.2\.0\.1 to 10\.2\.0\.2:$' text | grep -q '^10\.2\.0\.2: by right$' || fail "$(<text)"

section "... and one of them does not work"
run 2 it doctor --json -s 10.1.0.1 -s 10.3.0.1 10.1.0.2 "$PORT" >json
[[ $(ways json | head -n 1) == '10.1.0.1 10.1.0.2 left 16' ]] || fail "$(ways json)"
stop rx

section "... and what it does not do"
run 2 it doctor --multihome 10.1.0.2
expect_log it '--multihome is not accepted: name the addresses, HOST,HOST2'
run 2 it doctor --report "$both"
expect_log it '--report is about one pair of addresses'
run 2 it doctor 10.1.0.2,, 1 >text
expect_empty text
expect_log it 'a name in the list is missing'
run 2 it doctor -s ::1 10.1.0.2
expect_log it '10\.1\.0\.2 has no address of the family of -s ::1'

# far_side ARG...: to a program on the server; sets FAR
far_side() {
	start_there far relay -v -l "$@" 0 --to 127.0.0.1:5000
	wait_port far
	FAR=$PORT
}

# near_side ARG... HOST: sets NEAR
near_side() {
	start near relay -vv "${@:1:$# - 1}" 127.0.0.1:0 "${*: -1}" "$FAR"
	wait_port near
	NEAR=$PORT
}

# send FILE: through the relay
send() {
	start_there target --plain -v -l 127.0.0.1 5000 </dev/null >out
	wait_log target 'listening on'
	run 0 it --plain -N 127.0.0.1 "$NEAR" <"$1"
	expect_exit target 0
	expect_same "$1" out
}

# kept: the connections to the far side that stand, by their addresses
kept() {
	ss -Htn state established "dport = :$FAR" | awk '{ print $3 ">" $4 }' | sed -E 's/:[0-9]+//g' | sort
}

# keeps N PAIR...: there are N, and all of them over these pairs and N over each
keeps() {
	local pair

	(($(kept | wc -l) == $1 * ($# - 1))) || return 1
	for pair in "${@:2}"; do
		(($(kept | grep -cx "$pair") == $1)) || return 1
	done
}

wait_kept() {
	wait_for "$PATIENCE" "$1 connections are kept over each of ${*:2}" keeps "$@"
}

random_file data 16M
echo hello >small

section "relay: a session that moves much uses all pairs"
far_side "${theirs[@]}"
near_side --warm 0 "${ours[@]}" "$both"
expect_both_links $((16 << 20)) send data
stop near

section "... and warm connections are kept over all of them in turn"
near_side --warm 8 "${ours[@]}" "$both"
# shellcheck disable=SC2086 # words
wait_kept 2 ${all_pairs}
for ((i = 0; i < 4; i++)); do
	send small
	# shellcheck disable=SC2086
	wait_kept 2 ${all_pairs}
done
kill -USR1 "${PID[near]}"
wait_log near '4 sessions: 0 running, 0 failed, 0 refused; .*; 4 began on preconnections'
expect_both_links $((16 << 20)) send data
stop near

section "... from ports that are given"
near_side --warm 4 --ports 20000-29999 "${ours[@]}" "$both"
# shellcheck disable=SC2086
wait_kept 1 ${all_pairs}
ss -Htn state established "dport = :$FAR" | awk '{ sub(/.*:/, "", $3); print $3 }' >ports
while read -r port; do
	((port >= 20000 && port <= 29999)) || fail "port $port is none of --ports"
done <ports
stop near

section "... except over one that does not work, until it does"
ip -n server addr del 10.2.0.2/24 dev right
near_side --warm 4 -s 10.1.0.1 "$both"
wait_kept 4 '10.1.0.1>10.1.0.2'
expect_log near 'no connection can be kept ready \(10\.1\.0\.1 to 10\.2\.0\.2\): '
ip -n server addr add 10.2.0.2/24 dev right
ip -n server route replace default dev right table 102
works_again() {
	send small
	kept | grep -qx '10.1.0.1>10.2.0.2'
}
wait_for "$PATIENCE" "the other one is tried again" works_again
stop near

section "... and of a name's addresses over the first only: the other may be another machine's"
printf '10.1.0.2 server\n10.2.0.2 server\n' >hosts
mount --bind hosts /etc/hosts
near_side --warm 4 "${ours[@]}" server
wait_kept 2 '10.1.0.1>10.1.0.2' '10.2.0.1>10.1.0.2'
stop near
stop far

section "relay --multihome: sessions learn the other address"
far_side --multihome
near_side --warm 2 --multihome "${ours[@]}" 10.1.0.2
wait_kept 1 '10.1.0.1>10.1.0.2' '10.2.0.1>10.1.0.2'
expect_both_links $((16 << 20)) send data
expect_log near 'subflow [0-9]+: 10\.[12]\.0\.1 port [0-9]+ to 10\.2\.0\.2 port'
stop near
near_side --warm 2 "${ours[@]}" 10.1.0.2
send data
expect_log near 'the peer has other addresses too: --multihome uses them'
! logged near 'to 10\.2\.0\.2 port' || fail "it went there without the option"

section "doctor -s, about a name whose first address is of the other family"
printf '::1 both\n10.1.0.2 both\n' >hosts
run 0 it doctor -s 10.1.0.1 both >text
grep -q '^note: ' text || fail "$(<text)"
