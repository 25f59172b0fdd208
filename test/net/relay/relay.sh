#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay: what two programs see of each other through it is what they would see over one connection.
#
#  plain-ends.py --> near --(sessions)--> far --> plain-ends.py
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 ss

# ss_listens PORT
ss_listens() {
	ss -Htln "sport = :$1" | grep -q .
}

all_scenarios() {
	local scenario

	for scenario in both_ways half_close nothing small "${@:2}" pressure several refused; do
		section "$1: $scenario"
		ends "$scenario"
	done
}

TARGET=$(free_ports 1)
relay_pair 127.0.0.1:0 --window 1M
all_scenarios "TCP to TCP" resets
section "a target that refuses: the far side names it, the near side, which may be a stranger, hears why"
wait_log far "cannot connect to 127.0.0.1 port $TARGET: Connection refused"
wait_log near "session .*: the peer gave up: cannot connect to the target: Connection refused"
! logged near "port $TARGET\b" || fail "the near side learns where the target is"

section "SIGUSR1: what runs, and what has been"
kill -USR1 "${PID[near]}"
wait_log near '[0-9]+ sessions: 0 running, [0-9]+ failed, 0 refused; sent .* MiB'
stop_pair

section "a far side that is not there resets the connection, and is named"
start near relay -v 127.0.0.1:"$NEAR" 127.0.0.1 "$FAR"
wait_log near "listening on"
ends refused
wait_log near "cannot connect to 127.0.0.1 port $FAR: Connection refused"
stop near TERM

TARGET=$WORK/target.sock
relay_pair "$WORK/near.sock" --window 1M
all_scenarios "unix to unix"
section "a unix socket's file goes away with the relay, and one that was left behind is replaced"
stop_pair
[[ ! -e near.sock ]] || fail "near.sock is still there"
rm -f target.sock
relay_pair "$WORK/near.sock"
stop near
[[ -e near.sock ]] || fail "near.sock is not there"
start near relay -v "$WORK/near.sock" 127.0.0.1 "$FAR"
wait_for "$PATIENCE" "the near side listens" logged near 'listening on'
ends both_ways

section "... and not taken from one that listens, which does not notice"
run 2 second relay "$WORK/near.sock" 127.0.0.1 "$FAR"
expect_log second 'Address already in use'
kill -TERM "${PID[near]}"
expect_exit near 0
expect_log near '1 sessions: 0 running'
stop far

section "with a key"
"$MPNC" genkey key
TARGET=$(free_ports 1)
relay_pair 127.0.0.1:0 --key key --threads 2
ends both_ways
# A thread that had the connection just then kept the far side from hearing of it, once in a hundred times.
section "... a reset before WELCOME, again and again"
for ((i = 0; i < 30; i++)); do
	ends resets
done
(($(awk '/^Threads:/ { print $2 }' "/proc/${PID[near]}/status") >= 3)) || fail "there are no threads"
stop_pair
relay_pair 127.0.0.1:0 --key key
ends both_ways
ends half_close
ends resets
section "... and not without it"
start other relay -v 127.0.0.1:0 127.0.0.1 "$FAR"
wait_port other
NEAR=$PORT
ends refused
wait_log other 'refused the session: .*key|wants TLS|key'
stop other TERM
stop_pair

section "-m: one more is refused, and learns why"
TARGET=$(free_ports 1)
relay_pair 127.0.0.1:0 -m 2
spawn target python3 -c "
import socket
s = socket.create_server(('127.0.0.1', $TARGET))
print(flush=True)
c = [s.accept() for _ in range(3)]" >target.out
wait_for "$PATIENCE" "the target listens" file_has target.out 1
exec 5<>"/dev/tcp/127.0.0.1/$NEAR" 6<>"/dev/tcp/127.0.0.1/$NEAR" 7<>"/dev/tcp/127.0.0.1/$NEAR"
wait_log near 'refused a connection from 127.0.0.1: the limit of sessions is reached'
kill -USR1 "${PID[near]}"
wait_log near '2 sessions: 2 running, 0 failed, 1 refused'

section "SIGTERM: what runs goes on, nothing new; a second one ends it"
kill -TERM "${PID[near]}"
wait_log near 'stopping'
wait_for "$PATIENCE" "nobody listens any more" eval "! (: <>/dev/tcp/127.0.0.1/$NEAR) 2>it.err"
kill -USR1 "${PID[near]}"
wait_log near 'session 1 of 127.0.0.1 port [0-9]+: sent'
kill -TERM "${PID[near]}"
expect_exit near 143
wait_log far 'session 1 of .*: the peer gave up'
exec 5>&- 6>&- 7>&-
stop target
stop far

section "several targets: the near side gets the one that it names, and no other"
read -r unnamed db < <(first=$(free_ports 2) && echo "$first $((first + 1))")
start far relay -v -l 127.0.0.1 0 --to "127.0.0.1:$unnamed" --to "db=127.0.0.1:$db"
wait_port far
FAR=$PORT
# near_for NAME ARG...: sets NEAR
near_for() {
	start "$1" relay -v "${@:2}" 127.0.0.1:0 127.0.0.1 "$FAR"
	wait_port "$1"
	NEAR=$PORT
}
near_for near --target db
TARGET=$db ends both_ways
near_for other
TARGET=$unnamed ends both_ways
expect_log far 'session 1 of 127.0.0.1 port [0-9]+ to db: complete'
expect_log far 'session 2 of 127.0.0.1 port [0-9]+: complete'
stop other
near_for other --target dbs
TARGET=$unnamed ends refused
wait_log other 'session 1 of .*: the peer refused the session: this relay has no target named "dbs"'
expect_log far 'refused a peer, 127.0.0.1 port [0-9]+: this relay has no target named "dbs"'
section "... from a netcat too"
start sink --plain -v -l 127.0.0.1 "$db" >sink.out
wait_port sink
echo hello >hello
run 0 it --target db 127.0.0.1 "$FAR" <hello
expect_exit sink 0
expect_same hello sink.out
run 1 it --target mail 127.0.0.1 "$FAR" <hello
expect_log it 'the peer refused the session: this relay has no target named "mail"'
stop other
stop near
stop far
section "... names are not made up, and mean something to relays only"
start far relay -v -l 127.0.0.1 0 --to "db=127.0.0.1:$db"
wait_port far
run 1 it 127.0.0.1 "$PORT" <hello
expect_log it "the peer refused the session: this relay's targets have names, and none was given"
stop far
listen rx >rx.out
run 1 it --target db 127.0.0.1 "$PORT" <hello
expect_log it 'the peer refused the session: this listener is not a relay and has no targets'
expect_running rx "somebody asked for a relay"
stop rx
expect_empty rx.out
run 2 it relay -l 0 --to db=127.0.0.1:1 --to db=127.0.0.1:2
expect_log it 'there are two targets named db'
run 2 it relay -l 0 --to 127.0.0.1:1 --to 127.0.0.1:2
expect_log it 'there are two targets without a name'
run 2 it relay -l 0 --to 'd b=127.0.0.1:1'
expect_log it 'is not NAME=PLACE, with a name of at most 63 letters'
run 2 it relay -l 0 --to db=
expect_log it 'is not a place'

# start_target N: accepts N connections, says so in target.out, and waits for another
start_target() {
	spawn target python3 -c "
import socket
s = socket.create_server(('127.0.0.1', $TARGET))
c = [s.accept() for _ in range($1)]
print(len(c), flush=True)
s.accept()" >target.out
	wait_for "$PATIENCE" "the target listens" ss_listens "$TARGET"
}
section "--per-source: one more of an address is refused, and others are served"
TARGET=$(free_ports 1)
start far relay -v -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far
FAR=$PORT
near_for near --per-source 2
start_target 3
spawn programs python3 -c "
import socket
to = ('127.0.0.1', $NEAR)
c = [socket.create_connection(to) for _ in range(3)]
print('open', flush=True)
c.append(socket.create_connection(to, source_address=('127.0.0.2', 0)))
c[3].recv(1)" >programs.out
wait_log near 'refused a connection from 127.0.0.1: this address has reached the limit of sessions'
wait_for "$PATIENCE" "three are served" grep -q 3 target.out
kill -USR1 "${PID[near]}"
wait_log near '3 sessions: 3 running, 0 failed, 1 refused'
stop programs
stop target
stop near
stop far
section "... at the far side, of a near side's"
start far relay -v --per-source 1 -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far
FAR=$PORT
start_target 2
near_for near
exec 5<>"/dev/tcp/127.0.0.1/$NEAR" 6<>"/dev/tcp/127.0.0.1/$NEAR"
wait_log near 'session 2 of .*: the peer refused the session: too many connections'
expect_log far 'refused a peer, 127.0.0.1 port [0-9]+: this address has reached the limit of sessions'
near_for other -s 127.0.0.2
exec 7<>"/dev/tcp/127.0.0.1/$NEAR"
wait_for "$PATIENCE" "another near side is served" grep -q 2 target.out
exec 5>&- 6>&- 7>&-
stop target
stop other
stop near
stop far

section "--allow"
relay_pair 127.0.0.1:0 --allow 127.0.0.2
[[ -z $(cat <"/dev/tcp/127.0.0.1/$NEAR" 2>it.err) ]] || fail "it was let in"
wait_log near 'dropped connection from 127.0.0.1 port [0-9]+: --allow'
stop near
stop far
