#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A listener on a unix socket removes the file that it made, as soon as it takes no more connections, and no
# other file that has the name by then.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

TARGET=$(free_ports 1)
start far relay -v -l 127.0.0.1 0 --to "127.0.0.1:$TARGET"
wait_port far

# near NAME: a near side on the path "sock".
near() {
	start "$1" relay -v ./sock 127.0.0.1 "$PORT"
	wait_for "$PATIENCE" "$1 listens" logged "$1" 'listening on .*sock'
}

gone() {
	[[ ! -e $1 ]]
}

section "a relay that drains leaves its path to the next one"
near first
mkfifo go
exec 4<>go
spawn programs python3 -c "
import socket
server = socket.create_server(('127.0.0.1', $TARGET))
old = socket.socket(socket.AF_UNIX)
old.connect('sock')
end, _ = server.accept()
print('open', flush=True)
input()
new = socket.socket(socket.AF_UNIX)
new.connect('sock')
other, _ = server.accept()
new.sendall(b'new')
assert other.recv(3) == b'new'
print('both', flush=True)
input()
old.sendall(b'old')
assert end.recv(3) == b'old'
" <go >programs.out
wait_for "$PATIENCE" "a session runs" grep -q open programs.out
kill -TERM "${PID[first]}"
wait_for "$PATIENCE" "the socket is gone" gone sock
expect_running first "a session of it runs"
near second
echo >&4
wait_for "$PATIENCE" "both are served" grep -q both programs.out
echo >&4
expect_exit programs 0
expect_exit first 0
section "... and its end does not take the next one's"
[[ -S sock ]] || fail "the second one's socket is gone"
stop second TERM
gone sock || fail "the second one's socket is still there"

section "another file that has the name stays: a relay's"
near third
mv sock moved
echo mine >sock
kill -TERM "${PID[third]}"
expect_exit third 0
expect_content sock mine
stop far

section "... and a plain listener's"
rm sock
start plain --plain -N -l -v -U sock </dev/null >/dev/null
wait_log plain 'listening on'
mv sock moved
echo mine >sock
run 0 tx --plain -N -U moved </dev/null
expect_exit plain 0
expect_content sock mine

section "a plain listener for one removes its socket when it has one"
rm sock
mkfifo in
exec 5<>in
start plain --plain -l -v -U sock <in >/dev/null
wait_log plain 'listening on'
start tx --plain -U sock <in >/dev/null
wait_for "$PATIENCE" "the socket is gone" gone sock
expect_running plain "its client is there"
stop tx
stop plain
