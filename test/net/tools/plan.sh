#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Source ports and what is said about them. Which links they lead to is for the lab: here is no bond.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 socat

# ports_of FILE: of a --plan --json, or of the last line of a transfer's --json.
ports_of() {
	python3 -c '
import json, sys
text = open(sys.argv[1]).read()
try:
    print(*sorted(f["port"] for f in json.loads(text)["flows"]))
except json.JSONDecodeError:
    print(*sorted(s["sport"] for s in json.loads(text.splitlines()[-1])["subflows"]))' "$1"
}

# transfer ARG...: data from the client to the listener rx
transfer() {
	run 0 tx --json=json "$@" "$PORT" <data
	expect_exit rx 0
	expect_same data out
}

random_file data $((64 << 20))

section "no bond: an aligned block of 8 ports"
listen rx </dev/null >out
transfer -v 127.0.0.1
read -ra ports < <(ports_of json)
((${#ports[@]} == 8 && ports[0] % 8 == 0 && ports[7] == ports[0] + 7)) || fail "ports: ${ports[*]}"
expect_log tx '^mpnc: no bond is visible'

section "--plan: the listener is asked, and still serves a client"
listen rx -vv </dev/null >out
run 0 asked --plan 127.0.0.1 "$PORT" >plan
(($(grep -c '^ *[0-9]*$' plan) == 8)) || fail "$(<plan)"
run 0 asked --plan --json -P 3 127.0.0.1 "$PORT" >plan
read -ra ports < <(ports_of plan)
((${#ports[@]} == 3)) || fail "$(<plan)"
expect_log rx 'answered a query'
transfer 127.0.0.1

section "... while a session runs too"
mkfifo slow
exec 5<>slow
listen rx </dev/null >out 5>&-
start tx 127.0.0.1 "$PORT" <slow 5>&-
cat data >&5
wait_for "$PATIENCE" "the session runs" file_has out 1
run 0 asked --plan 127.0.0.1 "$PORT" >plan
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_same data out

section "... and a plan of this end only, where nobody answers"
port=$(free_ports 1)
run 1 asked --plan 127.0.0.1 "$port" >plan
expect_log asked "the links of 127.0.0.1 port $port are not known: Connection refused"
(($(grep -c '^ *[0-9]*$' plan) == 8)) || fail "$(<plan)"
spawn other socat "TCP-LISTEN:$port,bind=127.0.0.1" SYSTEM:'echo SSH-2.0; cat >/dev/null'
wait_listener "$port"
run 1 asked --plan 127.0.0.1 "$port" >plan
expect_log asked 'it is not mpnc: it sent "SSH-2\.0'
run 2 asked --plan -l 1234 >plan

section "--ports: no others are used"
base=$(free_ports 12)
listen rx </dev/null >out
transfer --ports "$base-$((base + 11))" 127.0.0.1
for port in $(ports_of json); do
	((port >= base && port < base + 12)) || fail "port $port is not in $base-$((base + 11))"
done
run 1 asked --plan --ports "$base" --json 127.0.0.1 "$(free_ports 1)" >plan
[[ $(ports_of plan) == "$base" ]] || fail "$(<plan)"

section "... and one that is taken is passed over"
base=$(free_ports 6)
start taken -l -v "$((base + 1))" </dev/null >taken.out
wait_port taken
listen rx </dev/null >out
transfer -P 5 --ports "$base-$((base + 5))" 127.0.0.1
[[ $(ports_of json) == "$base $((base + 2)) $((base + 3)) $((base + 4)) $((base + 5))" ]] ||
	fail "ports: $(ports_of json)"
stop taken

section "addresses that are translated on the way are noticed, at both ends"
port=$(free_ports 1)
listen rx -v </dev/null >out
spawn relay socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:$PORT"
wait_listener "$port"
run 0 tx -v -P 2 127.0.0.1 "$port" <data
expect_exit rx 0
expect_same data out
for name in tx rx; do
	expect_log "$name" 'are translated on the way to 127\.0\.0\.1'
done
stop relay
