#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the options do to sockets and messages.
. "$(dirname "$0")/../lib.sh"
need ss python3
python3 -c 'import json' 2>/dev/null || skip "python3 has no json"

random_file data 8M

# transfer ARG...: to rx, which was started by the caller
transfer() {
	run 0 tx "$@" "$PORT" <data >back
	expect_exit rx 0
	expect_same data out
	expect_empty back
}

section "--help and --version"
for option in -h --help; do
	run 0 it "$option" </dev/null >out
	expect_empty it.err
	grep -q '^Usage: mpnc' out || fail "$option prints no usage"
done
run 0 it --version </dev/null >out
expect_empty it.err
grep -qE '^mpnc .' out || fail "--version prints: $(<out)"

section "help VERB"
run 0 it help </dev/null >out
grep -q '^Usage: mpnc \[options\] HOST PORT' out || fail "help prints: $(<out)"
for verb in doctor explain recv send status; do
	run 0 it help "$verb" </dev/null >out
	expect_empty it.err
	grep -q "mpnc $verb" out || fail "help $verb prints: $(<out)"
done
run 2 it help nothing </dev/null >out

section "ways to say where to listen"
port=$(free_ports 1)
for words in "-l $port" "-l 127.0.0.1 $port" "-l -p $port" "-lp $port" "-l -p $port 127.0.0.1" \
	"-l -s 127.0.0.1 $port" "-l -n 127.0.0.1 $port" "-lv4 $port"; do
	read -ra words <<<"$words"
	start rx -v "${words[@]}" </dev/null >out
	wait_port rx
	[[ $PORT == "$port" ]] || fail "${words[*]}: it listens on $PORT"
	transfer -n 127.0.0.1
done

section "several addresses to listen on"
for address in 127.0.0.2 127.0.0.3; do
	listen rx -s 127.0.0.2 -s 127.0.0.3 </dev/null >out
	expect_log rx 'listening on 127\.0\.0\.2 and 127\.0\.0\.3 port'
	run 1 tx 127.0.0.1 "$PORT" <data
	transfer "$address"
done
run 2 rx -l -s 127.0.0.2 -s 192.0.2.1 0 </dev/null
expect_log rx 'cannot listen on 192\.0\.2\.1 port 0: Cannot assign requested address'

section "-4 and -6"
listen rx -4 </dev/null >out
run 1 tx ::1 "$PORT" <data
transfer -4 localhost
if grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
	listen rx -6 </dev/null >out
	run 1 tx 127.0.0.1 "$PORT" <data
	transfer -6 ::1
fi

section "-s and -p: the address and the ports of the subflows"
base=$(free_ports 6)
# json_is FILE EXPRESSION: holds for lines, a list of what the lines say, and end, the last of them
json_is() {
	python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
end = lines[-1]
ports = sorted(s["sport"] for s in end.get("subflows", []))
sys.exit(not eval(sys.argv[2]))' "$@" || fail "$1: not $2: $(tail -n 1 "$1")"
}
listen rx </dev/null >out
transfer -P 4 -p "$base" -s 127.0.0.2 --json=json 127.0.0.1
json_is json "ports == list(range($base, $base + 4))"
json_is json 'all(s["src"] == "127.0.0.2" and s["dst"] == "127.0.0.1" for s in end["subflows"])'
json_is json "all(s['dport'] == $PORT for s in end['subflows'])"

section "... and a port that is taken is passed over"
base=$(free_ports 6)
start taken -l -v "$((base + 1))" </dev/null >taken.out
wait_port taken
listen rx </dev/null >out
transfer -v -P 4 -p "$base" --json=json 127.0.0.1
expect_log tx "source port $((base + 1)): Address already in use"
json_is json "len(ports) == 4 and $base in ports and $base + 1 not in ports"
stop taken

section "... and can be used again at once"
listen rx </dev/null >out
transfer -P 4 -p "$base" 127.0.0.1
listen rx </dev/null >out
transfer -P 4 -p "$base" --json=json 127.0.0.1
json_is json 'len(ports) == 4'

section "--json"
listen rx --json </dev/null >out
transfer --json=json -P 4 127.0.0.1
grep '^{' rx.err >rx.json || fail "the listener's JSON is not on standard error"
for file in json rx.json; do
	json_is "$file" 'lines[0]["event"] == "start" and end["event"] == "end"'
	json_is "$file" 'all(l["schema"] == lines[0]["schema"] for l in lines)'
	json_is "$file" 'end["exit"] == 0 and end["bytes_sent"] + end["bytes_received"] == 8 << 20'
	json_is "$file" 'sum(s["sent"] + s["received"] for s in end["subflows"]) >= 8 << 20'
	json_is "$file" 'len(end["subflows"]) == 4'
done
json_is json 'lines[0]["role"] == "client" and lines[0]["host"] == "127.0.0.1"'
json_is rx.json 'lines[0]["role"] == "listener"'

section "--json of a failure"
listen rx </dev/null >/dev/full
run 4 tx --json=json 127.0.0.1 "$PORT" <data
expect_exit rx 3
json_is json 'end["exit"] == 4 and "No space left" in end["reason"]'
run 1 tx --json=json 127.0.0.1 "$(free_ports 1)" <data
json_is json 'end["event"] == "end" and end["exit"] == 1 and "refused" in end["reason"]'

section "--progress"
mkfifo slow
exec 5<>slow
start rx -l -v --progress=always 0 </dev/null >out 5>&-
wait_port rx
start tx --progress=always 127.0.0.1 "$PORT" <slow 5>&-
cat data >&5
for name in rx tx; do
	wait_log "$name" '8\.00 MiB .*B/s .*8 subflows'
done
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_same data out
listen rx --progress=never </dev/null >out
transfer --progress=never 127.0.0.1
expect_empty tx.err

section "-v: the subflows and a summary"
listen rx </dev/null >out
transfer -v -P 2 127.0.0.1
expect_log tx '^mpnc: sent 8(\.00)? MiB, received 0 B in .* over 2 subflows$'
expect_log tx '^mpnc: complete$'
expect_log tx '^mpnc: subflow 1: '

section "many subflows and a small window"
listen rx --window 1M </dev/null >out
transfer -v -P 256 --window 1M 127.0.0.1

section "socket options"
# sockets: those of the connections to PORT, with their options
sockets() {
	ss -Htniem state established "( dport = :$PORT or sport = :$PORT )"
}
exec 5<>slow
listen rx -I 64K -T af11 </dev/null >out 5>&-
start tx -O 128K -T 0x28 127.0.0.1 "$PORT" <slow 5>&-
echo begin >&5
wait_for "$PATIENCE" "the connection is in use" file_has out 6
sockets >sockets.txt
# The kernel doubles both, for its own needs.
grep -q 'tb262144,' sockets.txt || fail "-O 128K: $(<sockets.txt)"
grep -q 'rb131072,' sockets.txt || fail "-I 64K: $(<sockets.txt)"
if grep -q 'tos:' sockets.txt; then
	[[ $(grep -o 'tos:0x28' sockets.txt | wc -l) == 2 ]] || fail "-T: $(<sockets.txt)"
fi
exec 5>&-
expect_exit tx 0
expect_exit rx 0

section "-M and --minttl: hop limits"
# Who takes packets with the highest hop limit only hears nobody else.
listen rx --minttl 255 127.0.0.1 </dev/null >out
run 1 tx -w 500ms 127.0.0.1 "$PORT" <data
transfer -M 255 127.0.0.1
listen rx -M 254 127.0.0.1 </dev/null >out
run 1 tx -w 500ms --minttl 255 127.0.0.1 "$PORT" <data
transfer --minttl 254 127.0.0.1

section "--retry: the client comes first"
port=$(free_ports 1)
start tx -v --retry 20 127.0.0.1 "$port" <data
wait_log tx 'Connection refused'
start rx -l -v "$port" </dev/null >out
expect_exit tx 0
expect_exit rx 0
expect_same data out

section "-w: a pause that is too long"
listen rx </dev/null >out
exec 5<>slow
begin=$(now_ms)
start tx -w 1 127.0.0.1 "$PORT" <slow
echo begin >&5
expect_exit tx 1
expect_exit rx 4
(($(now_ms) - begin < 10000)) || fail "-w 1 took $(($(now_ms) - begin)) ms"
expect_log tx 'nothing moved for 1.*; 6 bytes had arrived at the peer$'
expect_log rx 'gave up: nothing moved for 1.*; 6 bytes had arrived$'

section "--idle-timeout: only the pause; -w: not the pause"
listen rx </dev/null >out
start tx --idle-timeout 500ms -w 1h 127.0.0.1 "$PORT" <slow
echo begin >&5
expect_exit tx 1
expect_exit rx 4
expect_log tx 'nothing moved for 0.5'
listen rx </dev/null >out 5>&-
start tx -w 300ms --idle-timeout never 127.0.0.1 "$PORT" <slow 5>&-
echo begin >&5
wait_for "$PATIENCE" "the session runs" file_has out 6
sleep 1 # longer than -w
echo end >&5
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_content out $'begin\nend'

section "--rate"
# 1 MiB at 512 KiB/s, less what may leave at once: no machine is too slow for this bound.
listen rx </dev/null >out
run 0 tx -P 4 --rate 512K 127.0.0.1 "$PORT" < <(head -c 1M data)
expect_exit rx 0
expect_same <(head -c 1M data) out
((RUN_MS >= 1700)) || fail "1 MiB at 512 KiB/s took only $RUN_MS ms"
listen tx --rate 512K < <(head -c 512K data) >back
run 0 rx 127.0.0.1 "$PORT" </dev/null >out
expect_exit tx 0
((RUN_MS >= 700)) || fail "512 KiB at 512 KiB/s took only $RUN_MS ms"
