#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client that reaches something else says what that is.
. "$(dirname "$0")/../lib.sh"
need python3

serve() { # KIND [TEXT]; sets PORT
	[[ ! ${PID[peer]:-} ]] || stop peer
	: >peer.out
	spawn peer "$TEST_DIR/fake-peer.py" "$@" </dev/null >peer.out
	wait_for "$PATIENCE" "the fake peer listens" grep -q . peer.out
	PORT=$(<peer.out)
}

expect_one_line() {
	[[ $(wc -l <tx.err) == 1 ]] || fail "more than one line: $(<tx.err)"
}

section "it speaks first"
serve say 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'
for input in /dev/null "$MPNC"; do
	run 1 tx 127.0.0.1 "$PORT" <"$input" >out
	expect_log tx 'peer is not mpnc: it sent "SSH-2.0-OpenSSH'
	expect_one_line
	expect_empty out
	((RUN_MS < 5000)) || fail "it took $RUN_MS ms"
done

section "it answers with HTTP"
serve say 'HTTP/1.0 400 Bad Request\r\n\r\n'
run 1 tx 127.0.0.1 "$PORT" </dev/zero >out
expect_log tx 'peer is not mpnc: it sent "HTTP/1.0 400'
expect_one_line
expect_empty out

section "it answers with control characters"
serve say '\x1b]0;title\x07\x00\xff\r\n'
run 1 tx 127.0.0.1 "$PORT" </dev/null >out
expect_log tx 'peer is not mpnc'
if LC_ALL=C grep -q '[^ -~]' tx.err; then
	fail "the message has unprintable characters"
fi
expect_empty out

section "it closes at once"
serve close
run 1 tx 127.0.0.1 "$PORT" </dev/null >out
expect_one_line
expect_empty out

section "it says nothing"
serve silent
run 1 tx 127.0.0.1 "$PORT" < <(echo data) >out
expect_log tx "127.0.0.1 port $PORT accepts connections but says nothing: is it mpnc"
expect_one_line
expect_empty out
((RUN_MS > 8000 && RUN_MS < 18000)) || fail "it took $RUN_MS ms"

section "it says nothing, and -w 2 is shorter"
run 1 tx -w 2 127.0.0.1 "$PORT" < <(echo data) >out
# Two seconds more are for telling the peer.
((RUN_MS < 8000)) || fail "-w 2 took $RUN_MS ms"
