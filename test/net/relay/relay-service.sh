#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay as a service: sockets that are passed to it, and what it tells the manager.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3

# What systemd does: sockets from descriptor 3 on, and one for notes, which go to notes.out.
cat >manager.py <<'PYTHON'
import os, socket, sys

program, n, kind, args = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
path = os.path.abspath("notes." + kind)
notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notes.bind(path if kind == "path" else "\0" + path)
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
print("ports", *(s.getsockname()[1] for s in sockets), flush=True)
pid = os.fork()
if pid == 0:
    for i, s in enumerate(sockets):
        os.dup2(s.fileno(), 100 + i)
    for i in range(n):
        os.dup2(100 + i, 3 + i)
    env = dict(os.environ, LISTEN_FDS=str(n), LISTEN_PID=str(os.getpid()),
               NOTIFY_SOCKET=path if kind == "path" else "@" + path)
    os.execve(program, [program] + args, env)
note = None
while note != "STOPPING=1":
    note = notes.recv(1000).decode()
    print(note, "of", pid, flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON

# managed NAME N KIND ARG...: sets PORTS and SERVICE, the program's process.
managed() {
	spawn "$1" python3 manager.py "$MPNC" "$2" "$3" relay -v "${@:4}" >"$1.out"
	wait_for "$PATIENCE" "$1 is ready" grep -q '^READY=1 ' "$1.out"
	read -ra PORTS < <(sed -n 's/^ports //p' "$1.out")
	SERVICE=$(sed -n 's/^READY=1 of //p' "$1.out")
}

TARGET=$(free_ports 1)
section "the far side gets one socket, the near side two"
managed far 1 path -l 1 --to "127.0.0.1:$TARGET"
FAR_PID=$SERVICE
managed near 2 abstract 1 127.0.0.1 "${PORTS[0]}"
expect_log near "listening on 127.0.0.1 port ${PORTS[1]}"
for port in "${PORTS[@]}"; do
	spawn ends python3 "$TEST_DIR/plain-ends.py" both_ways "$port" "$TARGET"
	expect_exit ends 0
done

section "it says when it stops, and ends well"
kill -TERM "$SERVICE" "$FAR_PID"
expect_exit near 0
expect_exit far 0
grep -q '^STOPPING=1 ' near.out || fail "it did not say that it stops"

section "sockets for another process are not taken"
LISTEN_PID=1 LISTEN_FDS=1 start near relay -v 127.0.0.1:0 127.0.0.1 1
wait_port near
stop near TERM

section "the unit is one that systemd takes"
if command -v systemd-analyze >/dev/null; then
	sed "s|@bindir@/mpnc|$MPNC|" "$TEST_DIR/../../systemd/mpnc-relay@.service.in" >"mpnc-relay@x.service"
	systemd-analyze --man=no verify "$PWD/mpnc-relay@x.service" 2>it.err || fail "systemd does not take it"
	expect_empty it.err
else
	section "... not tested: systemd-analyze is not installed"
fi
