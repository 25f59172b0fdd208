#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -U: the streams are those of a connection to a unix socket.
. "$(dirname "$0")/../lib.sh"
need socat sha256sum

random_file data 5M

# serve ADDRESS COMMAND: a program that listens on a unix socket
serve() {
	spawn app socat "$1" SYSTEM:"$2"
	wait_unix_listener "${3:-$WORK/sock}"
}

section "with -l: a request and its answer, half-closed in between"
serve UNIX-LISTEN:"$WORK/sock" sha256sum "$WORK/sock"
listen rx -U "$WORK/sock" </dev/null >out
run 0 tx 127.0.0.1 "$PORT" <data >back
expect_exit rx 0
expect_exit app 0
expect_empty out
expect_same <(sha256sum <data) back

section "as the client, and an abstract name"
serve ABSTRACT-LISTEN:"mpnc-$$" 'cat >back; echo taken' "@mpnc-$$"
listen rx --duplex <data >reply
start tx -U "@mpnc-$$" 127.0.0.1 "$PORT" </dev/null
expect_exit app 0
expect_exit tx 0
expect_exit rx 0
expect_same data back
expect_content reply taken

section "-k: a connection for each session"
rm -f sock
serve UNIX-LISTEN:"$WORK/sock",fork 'cat' "$WORK/sock"
listen rx -k -U "$WORK/sock" </dev/null
for i in 1 2 3; do
	run 0 tx 127.0.0.1 "$PORT" < <(echo "session $i") >back
	expect_content back "session $i"
done
stop app

section "nobody there: both say so, and -k goes on"
run 4 tx 127.0.0.1 "$PORT" <data
expect_log tx 'cannot connect to the unix socket: Connection refused'
! logged tx /sock || fail "the peer learns the path"
wait_log rx 'cannot connect to .*/sock: Connection refused'
expect_running rx "-k was given"
stop rx
