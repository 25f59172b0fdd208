#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A waiting listener is neither ended, nor used up, nor blocked by connections that are not mpnc's; each
# is dropped within five seconds and gets one line.
. "$(dirname "$0")/../lib.sh"
need nc python3

random_file data 3M
listen rx </dev/null >out

dropped() {
	(($(grep -c 'dropped connection from 127.0.0.1 port' rx.err) >= $1))
}

count=0
# expect_dropped PATTERN: one more than before, for this reason
expect_dropped() {
	count=$((count + 1))
	wait_for 15 "$count strangers are dropped" dropped "$count"
	[[ $(grep -c 'dropped connection' rx.err) == "$count" ]] || fail "more than one line for a stranger"
	tail -n 1 rx.err | grep -qE -e "$1" || fail "not the reason expected: $1"
	expect_running rx "a stranger came"
	expect_empty out
}

# knock: sends its input to the listener and stays until that closes the connection
knock() {
	local begin

	begin=$(now_ms)
	exec 3<>"/dev/tcp/127.0.0.1/$PORT"
	cat >&3
	# Bytes that nobody has read make the close a reset.
	timeout 15 cat <&3 >answer 2>/dev/null || true
	exec 3>&-
	(($(now_ms) - begin < 9000)) || fail "a stranger was kept for $(($(now_ms) - begin)) ms"
}

section "a port scan"
nc -z -w 5 127.0.0.1 "$PORT" || fail "the port should look open"
expect_dropped 'it closed without sending a byte'

section "HTTP"
printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' | knock
expect_dropped 'not mpnc, it sent: GET / HT'
expect_empty answer
if command -v curl >/dev/null; then
	curl -s --noproxy '*' -m 10 "http://127.0.0.1:$PORT/" >answer && fail "curl was answered"
	expect_dropped 'not mpnc, it sent: GET / HT'
fi

section "TLS"
printf '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' | knock
expect_dropped 'it speaks TLS, and this listener has no key'
if command -v openssl >/dev/null; then
	timeout 15 openssl s_client -connect "127.0.0.1:$PORT" </dev/null >answer 2>&1 &&
		fail "openssl found TLS"
	expect_dropped 'it speaks TLS, and this listener has no key'
fi

section "random bytes"
head -c 100000 /dev/urandom >noise
printf 'x' | cat - noise | knock 2>/dev/null || true
expect_dropped 'not mpnc, it sent|it closed'

section "a HELLO that breaks off: at first silent, then closed"
printf 'mpnc/1\r\n\x01\x00\x00\x00' | knock
expect_dropped 'did not say HELLO in time'
printf 'mpnc/1\r\n\x01\x00\x00\x00' | nc -N 127.0.0.1 "$PORT" >answer
expect_dropped 'it closed before its HELLO was complete'

section "a HELLO of nonsense"
{
	printf 'mpnc/1\r\n'
	head -c 64 /dev/zero
} | knock
expect_dropped 'not mpnc, it sent'

section "nothing at all"
knock </dev/null
expect_dropped 'did not say HELLO in time'

section "then mpnc comes"
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "strangers during a transfer"
mkfifo slow
exec 5<>slow
listen rx </dev/null >out 5>&-
start tx 127.0.0.1 "$PORT" <slow 5>&-
echo first >&5
wait_for "$PATIENCE" "the first line arrives" file_has out 6
count=0
for ((i = 0; i < 5; i++)); do
	nc -z 127.0.0.1 "$PORT"
	echo 'GET / HTTP/1.0' | knock
done
wait_for 15 "the strangers are dropped" dropped 10
cat data >&5
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_same <(echo first && cat data) out

section "nobody reads what the listener says of strangers, and its stderr is full"
mkfifo full
exec 6<>full
start_closed rx '2>full' -l -v 0 </dev/null >out
read -r -t "$PATIENCE" line <&6 || fail "the listener says nothing"
PORT=$(sed -nE 's/.*listening on .* port ([0-9]+).*/\1/p' <<<"$line")
dd if=/dev/zero of=full oflag=nonblock bs=4096 count=1000 status=none 2>/dev/null && fail "the pipe has no end"
nc -z 127.0.0.1 "$PORT"
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
