#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits for strangers count the source of a connection: one source, or many that have no session, keep no
# real peer out, and a source cannot get more by using other addresses of its network.
. "$(dirname "$0")/../lib.sh"
need python3 openssl ip
[[ $TEST_NETWORK == own ]] || skip "this machine allows no namespaces"

N=1000
(($(ulimit -Hn) >= N + 100)) || skip "too few descriptors are allowed: $(ulimit -Hn)"

# record FILE ARG...: the HELLO that the program says with these arguments
record() {
	spawn ear python3 "$TEST_DIR/fake-peer.py" hear >ear.out
	wait_for "$PATIENCE" "somebody listens" test -s ear.out
	start mouth "${@:2}" 127.0.0.1 "$(<ear.out)" </dev/null
	expect_exit ear 0
	expect_exit mouth '!0'
	mv heard "$1"
}

# expect_answered WHY ARG...: fake-peer.py pushed
expect_answered() {
	spawn pushed python3 "$TEST_DIR/fake-peer.py" pushed "$PORT" "$N" "${@:2}" >pushed.out
	expect_exit pushed 0 $((4 * PATIENCE))
	expect_content pushed.out answered "$1"
}

record question -z

section "one source takes all places: a peer that is slow to say HELLO is served"
listen rx -k </dev/null >out
expect_answered "of one that says nothing" one '' question
expect_answered "of one that says a little" one m question
stop rx

section "of one source, connections that say nothing go first"
listen rx -k </dev/null >out
expect_answered "one that has begun its HELLO" same '' question
stop rx

section "many sources take all places: a running session gets its next connection"
mkfifo slow
exec 5<>slow
listen rx -k </dev/null >out 5>&-
start tx -s 127.0.0.2 -P 1 127.0.0.1 "$PORT" <slow 5>&-
echo first >&5
wait_for "$PATIENCE" "the first line arrives" file_has out 6
expect_answered "a source that has a session" many m question
exec 5>&-
expect_exit tx 0
stop rx

section "a peer that proved to hold a certificate keeps the place"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj /CN=ca \
	-keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=it -keyout it.key -out csr 2>/dev/null
openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 10 \
	-extfile <(echo subjectAltName=DNS:it) -out it.pem 2>/dev/null
listen rx -k --cert it.pem --private-key it.key --ca ca.pem </dev/null >out
expect_answered "with others of the same source" same m question it.pem it.key ca.pem
expect_answered "with many sources" many m question it.pem it.key ca.pem
stop rx

section "addresses of one IPv6 network share --per-source"
for address in 1 2 3; do
	ip addr add "2001:db8::$address/64" dev lo nodad
done
ip addr add 2001:db8:0:1::1/64 dev lo nodad
TARGET=$(free_ports 1)
spawn target python3 -c "
import socket
s = socket.create_server(('127.0.0.1', $TARGET))
held = []
while True:
    held.append(s.accept())
    print('came', flush=True)" >target.out
wait_listener "$TARGET"
start far relay -v --per-source 1 -l 2001:db8::1 0 --to "127.0.0.1:$TARGET"
wait_port far
FAR=$PORT
# came N: has the target N connections?
came() {
	[[ $(wc -l <target.out) == "$1" ]]
}
n=0
for end in 2 3 0:1::1; do
	[[ $end == *:* ]] && address=2001:db8:$end || address=2001:db8::$end
	start "near$end" relay -v -s "$address" 127.0.0.1:0 2001:db8::1 "$FAR"
	wait_port "near$end"
	spawn "program$end" bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT; cat <&3"
	case $end in
	3) wait_log far "refused a peer, 2001:db8::3 port [0-9]+: this address has reached the limit" ;;
	*) wait_for "$PATIENCE" "$address is served" came $((n += 1)) ;;
	esac
done
stop far

section "a peer that has reset its connection still counts for its address"
record begin
start far relay -vv -l 127.0.0.1 0 --to 127.0.0.1:1
wait_port far
kill -STOP "${PID[far]}"
python3 "$TEST_DIR/fake-peer.py" reset "$PORT" begin
kill -CONT "${PID[far]}"
wait_log far 'session 1 of 127.0.0.1 port [1-9]'
