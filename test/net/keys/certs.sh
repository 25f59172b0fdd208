#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Certificates, both ways: a peer with a good one is served, and all others learn what is wrong.
. "$(dirname "$0")/../lib.sh"
need openssl

random_file data 3M

# authority NAME; certificate AUTHORITY NAME [DAYS]
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj "/CN=$1" \
		-keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$2.key" -out csr 2>/dev/null
	openssl x509 -req -in csr -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days "${3:-10}" \
		-extfile <(echo "subjectAltName=DNS:$2,IP:127.0.0.1") -out "$2.pem" 2>/dev/null
}
authority ours
authority theirs
# With a name in its subject, and without subjectAltName.
nameless() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout nameless.key -out csr 2>/dev/null
	openssl x509 -req -in csr -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 10 -out nameless.pem 2>/dev/null
}
nameless ours localhost
certificate ours server
certificate ours client
certificate theirs foreign
certificate ours old -1
run 0 it genkey key

# serve NAME ARG...: a listener with the certificate NAME
serve() {
	listen rx --cert "$1.pem" --private-key "$1.key" --ca ours.pem "${@:2}" </dev/null >out
}

# refused NAME CA CLIENT-SAYS LISTENER-SAYS ARG...
refused() {
	run 1 tx --cert "$1.pem" --private-key "$1.key" --ca "$2.pem" "${@:5}" 127.0.0.1 "$PORT" <data
	expect_log tx "$3"
	[[ $(wc -l <tx.err) == 1 ]] || fail "more than one line: $(<tx.err)"
	((RUN_MS < 5000)) || fail "it took $RUN_MS ms"
	wait_log rx "dropped connection from 127.0.0.1 port [0-9]+: $4"
	expect_running rx "it waits for a good one"
}

section "both are good"
for n in 1 4; do
	serve server
	run 0 tx -P "$n" --cert client.pem --private-key client.key --ca ours.pem 127.0.0.1 "$PORT" <data
	expect_exit rx 0
	expect_same data out
	expect_log rx 'the peer proved to be "client"'
done

section "the client is at fault"
serve server
refused foreign ours 'it does not accept our certificate: it knows another authority' \
	'its certificate is not good: unable to get local issuer'
refused old ours 'it does not accept our certificate: expired' 'its certificate is not good: .*expired'
run 1 tx --key key 127.0.0.1 "$PORT" <data
expect_log tx 'it has a certificate instead of a key'
run 1 tx 127.0.0.1 "$PORT" <data
expect_log tx 'it wants .* a certificate'

section "the client does not accept the listener"
refused client theirs 'its certificate is not good: self-signed' 'it does not accept our certificate: it knows'
refused client ours 'its certificate is not good: hostname mismatch' 'it does not accept our certificate$' \
	--name elsewhere
run 0 tx --cert client.pem --private-key client.key --ca ours.pem --name server 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "a name in the subject is no name of a host"
serve nameless
for name in localhost 127.0.0.1; do
	refused client ours 'its certificate .* has no subjectAltName.* -addext subjectAltName=DNS:' \
		'it does not accept our certificate$' --name "$name"
done
stop rx
serve server --name localhost
refused nameless ours 'it does not accept our certificate' 'its certificate .* has no subjectAltName'
stop rx
# Where no name is asked for, none is needed.
serve server
run 0 tx --cert nameless.pem --private-key nameless.key --ca ours.pem 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "the listener's has expired"
serve old
refused client ours 'its certificate is not good: .*expired' 'it does not accept our certificate: expired'
stop rx

section "the listener wants one name"
serve server --name someone
refused client ours 'it does not accept our certificate' 'its certificate is not good: hostname mismatch'
stop rx
serve server --name client
run 0 tx --cert client.pem --private-key client.key --ca ours.pem 127.0.0.1 "$PORT" <data
expect_exit rx 0

section "the listener has a key instead"
listen rx --key key </dev/null >out
refused client ours 'something else than a certificate' 'it speaks TLS without a key'
stop rx

section "neither a stranger nor a listener can choose a costly group"
# group NAME: a client that knows this one alone for the key exchange
group() {
	openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -groups "$1" -cert client.pem -key client.key \
		-CAfile ours.pem </dev/null >group.out 2>&1 || true
}
serve server
for name in X25519 P-256 P-384; do
	group "$name"
	grep -q 'Cipher is TLS_' group.out || fail "$name is refused: $(<group.out)"
done
for name in P-521 X448 ffdhe2048 ffdhe8192; do
	group "$name"
	! grep -q 'Cipher is TLS_' group.out || fail "a stranger chooses $name"
done
expect_running rx "it waits for a good one"
stop rx
port=$(free_ports 1)
spawn server openssl s_server -quiet -tls1_3 -groups ffdhe8192 -cert server.pem -key server.key -accept "$port" \
	</dev/null >hello
wait_listener "$port"
run 1 tx --cert client.pem --private-key client.key --ca ours.pem 127.0.0.1 "$port" <data
stop server
[[ ! -s hello ]] || fail "a client takes ffdhe8192"

section "files that cannot be used"
run 2 tx --cert client.pem --private-key server.key --ca ours.pem 127.0.0.1 1 <data
expect_log tx 'cannot use server.key'
run 2 tx --cert client.key --private-key client.key --ca ours.pem 127.0.0.1 1 <data
expect_log tx 'cannot use client.key'
run 2 tx --cert client.pem --private-key client.key --ca nothing.pem 127.0.0.1 1 <data
expect_log tx 'cannot use nothing.pem'
chmod 644 client.key
run 2 tx --cert client.pem --private-key client.key --ca ours.pem 127.0.0.1 1 <data
expect_log tx 'chmod 640 client.key'
