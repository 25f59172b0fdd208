#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --plain-ok: a listener serves clients that do not speak mpnc, and does not mistake those that are.
. "$(dirname "$0")/../lib.sh"
need socat

random_file data 5M
mkfifo silent
exec 5<>silent

# A client that does not speak mpnc, and passes the end of its input on; and one that only listens.
plain() {
	socat -t "$PATIENCE" - "TCP:127.0.0.1:$PORT" 5>&-
}

mute() {
	exec socat -u "TCP:127.0.0.1:$PORT" - 5>&- 6>&-
}

section "one that sends"
listen rx --plain-ok </dev/null >out
plain <data >back
expect_exit rx 0
expect_same data out
expect_empty back
expect_log rx '127.0.0.1 port [0-9]+ does not speak mpnc: serving it over one plain connection'
expect_log rx 'received 5.00 MiB over one plain connection'

section "... bytes that begin as mpnc's do, and fewer than those"
for words in 'mpnc/1 is not the whole of it' $'mpnc/1\nx'; do
	listen rx --plain-ok </dev/null >out
	plain < <(echo "$words")
	expect_exit rx 0
	expect_content out "$words"
done

section "... bytes that begin as those of TLS do"
for words in $'\x16' $'\x16 and no TLS' $'\x16\x03\x01 and no TLS'; do
	listen rx --plain-ok </dev/null >out
	plain < <(printf %s "$words")
	expect_exit rx 0
	expect_content out "$words"
done

section "... while the listener's input never ends"
listen rx --plain-ok <silent >out 5>&-
plain <data >back
expect_exit rx 0
expect_same data out

section "one that says nothing, and is sent a file"
listen tx --plain-ok <data >back
(mute >out)
expect_exit tx 0
expect_same data out
expect_empty back

section "one that asks, and is answered"
mkfifo answer
exec 6<>answer
listen rx --plain-ok --duplex <answer >out 5>&- 6>&-
spawn client socat -t "$PATIENCE" - "TCP:127.0.0.1:$PORT" < <(echo question) >back 5>&- 6>&-
wait_for "$PATIENCE" "the question arrives" file_has out 9
cat data >&6
exec 6>&-
expect_exit client 0
expect_exit rx 0
expect_same data back

section "an mpnc is served as ever"
listen rx --plain-ok </dev/null >out
run 0 tx -v -P 4 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
expect_log tx 'over 4 subflows'
listen tx --plain-ok <data
run 0 rx 127.0.0.1 "$PORT" </dev/null >out
expect_exit tx 0
expect_same data out

section "a port scan does not end it"
listen rx --plain-ok </dev/null >out
socat -u /dev/null TCP:127.0.0.1:"$PORT"
wait_log rx 'dropped connection .*closed without sending a byte'
expect_running rx "a port scan"
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0

section "-k: a file for each of both kinds, one after another"
listen tx --plain-ok -k <data >/dev/null
for i in 1 2; do
	(mute >"out.$i")
	expect_same data "out.$i"
	run 0 rx 127.0.0.1 "$PORT" </dev/null >out
	expect_same data out
done

section "... they wait for their turn"
mkfifo hold
exec 6<>hold
start first --duplex 127.0.0.1 "$PORT" <hold >out.1 5>&- 6>&-
wait_for "$PATIENCE" "the first is served" file_has out.1 5242880
spawn second mute >out.2
wait_log tx 'a plain client waits for its turn'
start third 127.0.0.1 "$PORT" </dev/null >out.3 5>&- 6>&-
wait_log tx 'a peer waits for its turn'
expect_empty out.2 "the first is still being served"
exec 6>&-
for name in first third second; do
	expect_exit "$name" 0
done
for i in 1 2 3; do
	expect_same data "out.$i"
done
stop tx TERM

section "-m: no more than these"
listen tx --plain-ok -k -m 1 <silent >out 5>&-
spawn first mute >/dev/null
wait_log tx 'does not speak mpnc'
plain < <(echo second) >back
expect_empty back
expect_log tx 'too many others wait'
stop first
stop tx

section "one that is gone: the listener says so, and -k goes on"
listen tx --plain-ok -k </dev/zero >out
spawn first mute >/dev/null
wait_log tx 'does not speak mpnc'
stop first
wait_log tx 'plain client: the connection is lost'
expect_exit tx 1
expect_log tx 'bytes read from standard input are lost'

section "-w: a pause; a signal"
listen rx --plain-ok -w 500ms </dev/null >out
spawn client socat -t "$PATIENCE" - "TCP:127.0.0.1:$PORT" <silent >/dev/null 5>&-
echo word >&5
expect_exit rx 1
expect_log rx 'nothing moved for 0.5'
listen rx --plain-ok <silent >out 5>&-
spawn client mute >/dev/null
wait_log rx 'does not speak mpnc'
kill -TERM "${PID[rx]}"
expect_exit rx 143

section "mpnc with a key finds none here"
"$MPNC" genkey key
listen rx --plain-ok </dev/null >out
run 1 tx --key key 127.0.0.1 "$PORT" <data
expect_running rx "a client with a key"
expect_log rx 'it speaks TLS, and this listener has no key'
stop rx

section "with a key it is refused"
run 2 it -l --plain-ok --key key 0
expect_log it 'plain connection is not encrypted'
