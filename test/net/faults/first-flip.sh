#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A bit flips in what either side says first, before there is a session: the client tries once more, and
# the transfer is exact. Whether the other key, or another program, is to blame is not known at once;
# tls.sh and not-mpnc.sh have those.
. "$(dirname "$0")/../lib.sh"

need python3

random_file data 300K
run 0 it genkey key

# flip WAY BYTE OPTION...
flip() {
	listen rx "${@:3}" </dev/null >out
	start_proxy "$PORT" --flip "$1" "$2"
	start tx -v "${@:3}" 127.0.0.1 "$PROXY" <data
	expect_exit tx 0
	expect_exit rx 0
	expect_same data out "way $1 byte $2: what arrived is not the same"
	grep -q '^fault flip link 0 ' proxy.out || fail "no bit has flipped: way $1 byte $2"
	! logged tx '; once more' || repeated=$((repeated + 1))
	stop_proxy
}

# each WAY BYTES OPTION...: one transfer for each of the bytes
each() {
	local byte n=0

	repeated=0
	for byte in $2; do
		flip "$1" "$byte" "${@:3}"
		n=$((n + 1))
	done
	echo "$TEST_NAME: of $n clients $repeated tried once more"
	((repeated)) || fail "no bit has spoilt anything"
}

# Preface, type, value, check, body. Not the length: a receiver waits for the rest of a frame that
# seems to be longer.
section "HELLO"
each 0 '3 8 20 28 40 60 80'
section "WELCOME"
each 1 '3 8 20 28 40 60 80'

# A hello of each side, what is encrypted after it, and the first frames.
section "TLS with a key, from the client"
each 0 '0 1 20 50 90 130 180 210 230 250 280 330 400' --key key
section "TLS with a key, from the listener"
each 1 '0 1 20 50 90 130 150 180 200 220 250 330' --key key
