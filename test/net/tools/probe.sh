#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -z: is an mpnc there? It tells, and its listener still waits for a session.
. "$(dirname "$0")/../lib.sh"
need python3

section "a listener that waits"
listen rx </dev/null >out
run 0 probe -z 127.0.0.1 "$PORT" </dev/null >told
expect_empty told
expect_empty probe.err
run 0 probe -zv 127.0.0.1 "$PORT" </dev/null >told
expect_empty told
expect_log probe "^mpnc: 127\.0\.0\.1 port $PORT: mpnc, protocol [0-9]+, links [^,]+$"

section "... and is served after it"
run 0 tx 127.0.0.1 "$PORT" < <(echo after)
expect_exit rx 0
expect_content out after

section "one that only receives, and one that only sends"
listen rx --recv-only </dev/null >out
run 0 probe -zv 127.0.0.1 "$PORT" </dev/null
expect_log probe 'it only receives$'
stop rx
listen rx --send-only </dev/null >out
run 0 probe -zv 127.0.0.1 "$PORT" </dev/null
expect_log probe 'it only sends$'
stop rx

section "one that serves a session"
mkfifo slow
exec 5<>slow
listen rx </dev/null >out 5>&-
start tx 127.0.0.1 "$PORT" <slow 5>&-
echo begin >&5
wait_for "$PATIENCE" "the session runs" file_has out 6
run 0 probe -z 127.0.0.1 "$PORT" </dev/null
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_content out begin

section "nobody, and a port of something else"
port=$(free_ports 1)
run 1 probe -z 127.0.0.1 "$port" </dev/null
expect_log probe "^mpnc: no mpnc listener at 127\.0\.0\.1 port $port: Connection refused$"
# other ANSWER: something that accepts, and says that or, if it is empty, nothing at all
other() {
	spawn other python3 -uc '
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1])
held = []
while True:
    held.append(s.accept()[0])
    if sys.argv[1] == "close":
        held.pop().close()
    else:
        held[-1].sendall(sys.argv[1].encode())' "$1" >port
	wait_for "$PATIENCE" "it listens" file_has port 2
	PORT=$(<port)
}
other 'SSH-2.0-OpenSSH'
run 1 probe -z 127.0.0.1 "$PORT" </dev/null
expect_log probe 'it is not mpnc: it sent "SSH-2\.0-OpenSSH"'
stop other
other ''
run 1 probe -z -w 300ms 127.0.0.1 "$PORT" </dev/null
expect_log probe 'the port is open, but nothing answered as mpnc does'
stop other
other close
run 1 probe -z 127.0.0.1 "$PORT" </dev/null
expect_log probe 'the port is open, but the connection was closed without an answer'
stop other

section "a name that is none"
run 2 probe -zn nowhere 1 </dev/null
