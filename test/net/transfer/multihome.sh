#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two machines with two interfaces each, an address on each of them, and policy routing: no bond, and yet
# both links are used (two_links in lib.sh): the packets between 10.1.0.1 and 10.2.0.2 go out on one of them
# and come back on the other.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
two_links

# serve ARG...: a listener on the server; sets PORT
serve() {
	start_there rx -l -v "$@" </dev/null >out
	wait_port rx
}

# ends SRC|DST: over which addresses the last transfer went
ends() {
	python3 -c '
import json, sys
end = [json.loads(line) for line in open("json")][-1]
print(*sorted({s[sys.argv[1]] for s in end["subflows"] if s["received"] + s["sent"]}))' "$1"
}

expect_ends() {
	[[ $(ends src) == "$1" ]] || fail "from $(ends src) instead of $1"
	[[ $(ends dst) == "$2" ]] || fail "to $(ends dst) instead of $2"
}

# expect_links FILE SIDE tx|rx: the report has both links of this side, once each, with more than a fifth of
# the stream on each of them.
expect_links() {
	python3 - "$@" <<-'PY' || fail "$1: the links of $2: $(tail -n 1 "$1")"
		import json, os, sys

		file, side, way = sys.argv[1:]
		end = [json.loads(line) for line in open(file)][-1]
		links = end[side]["links"]
		assert sorted(l["name"] for l in links) == ["left", "right"], links
		for l in links:
		    assert l[way + "_bytes"] * 5 > os.path.getsize("data"), links
	PY
}

# expect_senders FILE: each connection leaves by the link that has its address.
expect_senders() {
	python3 - "$1" <<-'PY' || fail "$1: the connections: $(tail -n 1 "$1")"
		import json, sys

		end = [json.loads(line) for line in open(sys.argv[1])][-1]
		for s in end["subflows"]:
		    link = "left" if s["src"].startswith("10.1.") else "right"
		    assert s["tx_link"] == link, s
	PY
}

# in_state NAME HERE PEER: what it has said last of the links of both ends.
in_state() {
	grep 'the links have changed: ' "$1.err" | tail -n 1 | grep -qE "changed: $2 -> peer $3: "
}

# expect_state CLIENT LISTENER: the links of both, as both ends come to know them.
expect_state() {
	wait_for "$PATIENCE" "the client knows: $1 and $2" in_state tx "$1" "$2"
	wait_for "$PATIENCE" "the listener knows: $1 and $2" in_state rx "$2" "$1"
}

# transfer ARG...: the data arrive, and both are content
transfer() {
	run 0 tx -v --json=json "$@" "$PORT" <data
	expect_exit rx 0
	expect_same data out
}

ours=(-s 10.1.0.1 -s 10.2.0.1)
both=10.1.0.2,10.2.0.2
random_file data 16M

section "both addresses at both ends: both links carry about half"
serve --json=rx.json -s 10.1.0.2 -s 10.2.0.2 0
expect_log rx 'listening on 10\.1\.0\.2 and 10\.2\.0\.2 port'
left=$(left_by left) right=$(left_by right)
transfer "${ours[@]}" "$both"
left=$(($(left_by left) - left)) right=$(($(left_by right) - right))
((left + right >= 16 << 20)) || fail "counted $left and $right bytes"
for n in "$left" "$right"; do
	((n * 100 / (left + right) >= 30)) || fail "left has carried $left bytes, right $right"
done
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2 10.2.0.2'
(($(grep -c '^mpnc: between 10\.[12]\.0\.1 and 10\.[12]\.0\.2: ' tx.err) == 4)) || fail "not four pairs"
for pair in '10\.1\.0\.1 to 10\.1\.0\.2' '10\.2\.0\.1 to 10\.1\.0\.2' '10\.1\.0\.1 to 10\.2\.0\.2' \
	'10\.2\.0\.1 to 10\.2\.0\.2'; do
	expect_log tx "^mpnc: 2 subflows from $pair"
done

section "... and both ends know the links of both"
expect_links json here tx
expect_links json peer rx
expect_links rx.json here rx
expect_links rx.json peer tx
expect_senders json
expect_senders rx.json
expect_log tx '^mpnc: here left\+right: tx left .* %, right .* %$'
expect_log tx '^mpnc: peer left\+right: rx left .* %, right .* %$'
expect_log rx '^mpnc: here left\+right: rx left .* %, right .* %$'
expect_log rx '^mpnc: peer left\+right: tx left .* %, right .* %$'
for end in tx rx; do
	expect_log "$end" 'the links have changed: left\+right .* -> peer .*: [2-8] subflows, tx [1-7]/[1-7], rx '
	! logged "$end" 'whatever the port' || fail "$end speaks of ports"
done

section "... but not of two addresses on one link"
ip addr add 10.1.0.11/24 dev left
ip rule add from 10.1.0.11 table 101
serve --json=rx.json -s 10.1.0.2 -s 10.2.0.2 0
transfer -s 10.1.0.11 "${ours[@]}" "$both"
expect_ends '10.1.0.1 10.1.0.11 10.2.0.1' '10.1.0.2 10.2.0.2'
expect_links json here tx
expect_links rx.json here rx
expect_senders json
serve --json=rx.json -s 10.1.0.2 0
transfer -s 10.1.0.1 -s 10.1.0.11 10.1.0.2
expect_ends '10.1.0.1 10.1.0.11' '10.1.0.2'
! logged tx 'the links have changed' || fail "one link was taken for several"

section "... with as many connections as there are pairs, each has one"
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer -P 4 "${ours[@]}" "$both"
expect_log tx '^mpnc: 1 subflow from 10\.2\.0\.1 to 10\.2\.0\.2'

section "... and from ports that are given"
base=$(free_ports 8)
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer -P 4 -p "$base" "${ours[@]}" "$both"
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2 10.2.0.2'
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer --ports "$base-$((base + 7))" "${ours[@]}" "$both"
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2 10.2.0.2'

section "--plan shows the pairs"
serve -s 10.1.0.2 -s 10.2.0.2 0
run 0 it --plan "${ours[@]}" "$both" "$PORT" >plan
grep -q '^8 subflows over 4 pairs of addresses$' plan || fail "$(<plan)"
grep -q '^4 pairs of addresses' plan || fail "$(<plan)"
grep -q '^10\.2\.0\.1 to 10\.2\.0\.2$' plan || fail "$(<plan)"
run 0 it --plan --json -s 10.1.0.1 -s 10.3.0.1 10.1.0.2 "$PORT" >plan
python3 -c '
import json
pairs = json.load(open("plan"))["pairs"]
assert [p["src"] for p in pairs] == ["10.1.0.1", "10.3.0.1"], pairs
assert [bool(p["error"]) for p in pairs] == [False, True], pairs' || fail "$(<plan)"

section "a client that knows one of the addresses"
transfer "${ours[@]}" 10.2.0.2
expect_ends '10.1.0.1 10.2.0.1' '10.2.0.2'

section "a name with both addresses"
printf '10.1.0.2 server\n10.2.0.2 server\n' >hosts
mount --bind hosts /etc/hosts
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer "${ours[@]}" server
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2 10.2.0.2'

section "--multihome: the client learns the other address"
serve --multihome 0
transfer --multihome "${ours[@]}" 10.1.0.2
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2 10.2.0.2'
serve --multihome 0
run 0 it --plan --multihome "${ours[@]}" 10.1.0.2 "$PORT" >plan
grep -q '^4 pairs of addresses' plan || fail "$(<plan)"

section "... and does not go there without the option"
transfer "${ours[@]}" 10.1.0.2
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2'
expect_log tx 'the peer has other addresses too: --multihome uses them'
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer --multihome "${ours[@]}" 10.1.0.2
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2'

section "... nor to an address of its own machine"
for where in '' '-n server'; do
	# shellcheck disable=SC2086 # two words or none
	ip $where addr add 10.9.0.1/32 dev lo
	# shellcheck disable=SC2086
	ip $where route add local 10.9.1.0/24 dev lo
done
ip -n server addr add 10.9.1.7/32 dev lo
serve --multihome 0
run 0 it --plan --multihome 10.1.0.2 "$PORT" >plan
! grep -q '10\.9\.' plan || fail "$(<plan)"
transfer -vv --multihome 10.1.0.2
! logged tx '10\.9\.' || fail "it connected to its own machine"
for address in 10.9.0.1 10.9.1.7; do
	ip -n server addr del "$address/32" dev lo
done
ip addr del 10.9.0.1/32 dev lo

section "... nor says the session's number to another machine that has one of the addresses"
ip -n server addr add 10.8.0.2/32 dev lo
ip netns add trap
ip link add trap type veth peer name eth0 netns trap
ip addr add 10.8.0.1/24 dev trap
ip link set trap up
ip -n trap addr add 10.8.0.2/24 dev eth0
ip -n trap link set eth0 up
serve --multihome 0
spawn trap ip netns exec trap python3 -c "
import socket
s = socket.create_server(('10.8.0.2', $PORT))
print('listens', flush=True)
with open('trapped', 'wb') as out:
    while True:
        c, _ = s.accept()
        c.settimeout(2)
        out.write(c.recv(1 << 16))
        out.flush()" >trap.out
wait_for "$PATIENCE" "the trap listens" test -s trap.out
mkfifo trickle
exec 5<>trickle
start tx -v --json=json --multihome 10.1.0.2 "$PORT" <trickle 5>&-
cat data >&5
wait_for "$PATIENCE" "it comes to the trap" test -s trapped
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_same data out
# It is the one whose name is in the report (PROTOCOL.md 3.1).
python3 - <<-'PY' || fail "the trap has the session's number"
	import hashlib, json, sys

	name = json.loads(open("json").readline())["session"]
	said = open("trapped", "rb").read()
	for i in range(len(said)):
	    if hashlib.sha256(b"mpnc session name 1" + said[i:i + 16]).hexdigest()[:32] == name:
	        sys.exit(1)
PY
stop trap
ip link del trap
ip -n server addr del 10.8.0.2/32 dev lo

section "a local address that is not there keeps no other waiting"
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer -s 10.3.0.1 -s 10.1.0.1 "$both"
expect_log tx '10\.3\.0\.1 to 10\.1\.0\.2.*: Cannot assign requested address'
expect_ends '10.1.0.1' '10.1.0.2 10.2.0.2'

section "another machine that has one of the addresses"
serve -s 10.1.0.2 0
spawn other ip netns exec server "$MPNC" -l -v -s 10.2.0.2 "$PORT" </dev/null >other.out
wait_log other 'listening on'
transfer "${ours[@]}" "$both"
expect_ends '10.1.0.1 10.2.0.1' '10.1.0.2'
expect_running other "it served a stranger's session"
stop other

section "nobody answers at the first pair"
ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:99 dev left
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer -w 5m "${ours[@]}" "$both"
expect_log tx 'subflow 0: 10\.2\.0\.1 port'
ip neigh del 10.1.0.2 dev left

section "a link that is down"
ip -n server link set right down
serve -s 10.1.0.2 -s 10.2.0.2 0
transfer "${ours[@]}" "$both"
[[ $(ends src) == 10.1.0.1 ]] || fail "from $(ends src) instead of 10.1.0.1"
ip -n server link set right up
ip -n server route replace default dev right table 102

section "... and one that goes down on the way"
serve -s 10.1.0.2 -s 10.2.0.2 0
spawn tx "$MPNC" -v "${ours[@]}" "$both" "$PORT" <data
wait_for "$PATIENCE" "data arrive" file_has out $((2 << 20))
ip -n server link set right down
expect_exit tx 0 $((2 * PATIENCE))
expect_exit rx 0 $((2 * PATIENCE))
expect_same data out

section "... and comes back: both ends see either"
ip -n server link set right up
ip -n server route replace default dev right table 102
mkfifo slow
serve -s 10.1.0.2 -s 10.2.0.2 0
# shellcheck disable=SC2016 # for the other shell, which may wait for us to open it
spawn tx bash -c 'exec "$0" "$@" <slow' "$MPNC" -v "${ours[@]}" "$both" "$PORT"
exec {INPUT}>slow
cat data >&"$INPUT"
one='left\+right (1 link|[0-9]+)'
two='left\+right 2(x[0-9]+| links)'
expect_state "$two" "$two"
ip -n server link set right down
expect_state "$one" "$one"
ip -n server link set right up
ip -n server route replace default dev right table 102
expect_state "$two" "$two"
exec {INPUT}>&-
expect_exit tx 0 $((2 * PATIENCE))
expect_exit rx 0 $((2 * PATIENCE))
expect_same data out

section "no local address is of the peer's family"
run 2 tx -s ::1 10.1.0.2 1 <data
expect_log tx '10\.1\.0\.2 has no address of the family of -s ::1'
run 2 tx 10.1.0.2,, 1 <data
expect_log tx 'a name in the list is missing'
