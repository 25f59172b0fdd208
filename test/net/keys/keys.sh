#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys: whose a session is, what of a key can be seen from outside of a process, and what peers
# without one can make a listener hold.
. "$(dirname "$0")/../lib.sh"
need python3 openssl

mkdir -m 700 keys
for name in alice bob; do
	run 0 it genkey "keys/$name"
done
random_file data 3M
mkfifo slow

section "a directory to which others can add keys is refused"
for mode in 777 1777 770; do
	chmod "$mode" keys
	run 2 it -l --key-dir keys 0
	expect_log it 'others can add keys to keys'
done
chmod 700 keys
mkdir -m 777 open
cp -r keys open
run 2 it -l --key-dir open/keys 0
expect_log it 'others can write to .*/open'

section "a join proves what the session began with"
# What a client says within TLS, to be said again by others.
port=$(free_ports 1)
exec 5<>slow
read -ra words <<<"$(psk keys/alice)"
spawn server openssl s_server -quiet -tls1_3 -nocert "${words[@]}" -accept "$port" <slow >hello
start tx --retry 10 --key keys/alice 127.0.0.1 "$port" <slow
wait_for "$PATIENCE" "the client says HELLO" file_has hello 60
stop tx
stop server

# say NAME KEY: what that client said, by the holder of another key or the same
say() {
	mkfifo "$1.in"
	exec 6<>"$1.in"
	read -ra words <<<"$(psk "$2")"
	spawn "$1" openssl s_client -quiet -tls1_3 "${words[@]}" -connect "127.0.0.1:$PORT" \
		<"$1.in" >"$1.out"
	cat hello >&6
	wait_for "$PATIENCE" "$1 is answered" file_has "$1.out" 32
	exec 6>&-
}
# answer NAME: the first frame's type: 2 is WELCOME, 3 is REFUSE
answer() {
	od -An -t u1 -j 8 -N 1 "$1.out" | tr -d ' '
}
listen rx --key-dir keys --reconnect 0 </dev/null >out
say first keys/alice
[[ $(answer first) == 2 ]] || fail "a client is not welcome"
wait_log rx 'the peer proved to be "alice"'
say foreign keys/bob
[[ $(answer foreign) == 3 ]] || fail "another key joins the session"
[[ $(od -An -t u1 -j 33 -N 1 foreign.out) -eq 2 ]] || fail "another key learns that the session is here"
wait_log rx '"bob" tried to join .*'
expect_running rx "another key came"
say second keys/alice
[[ $(answer second) == 2 ]] || fail "the same key does not join the session"
stop first
stop second
expect_exit rx 3

section "... at a relay as well, where another key's session is none"
start sink --plain -l -k -v 127.0.0.1 0 </dev/null >/dev/null
wait_port sink
start far relay -v --key-dir keys -l 127.0.0.1 0 --to "127.0.0.1:$PORT"
wait_port far
say near keys/alice
[[ $(answer near) == 2 ]] || fail "a client is not welcome"
say foreign-near keys/bob
[[ $(answer foreign-near) == 3 ]] || fail "another key joins the session"
[[ $(od -An -t u1 -j 33 -N 1 foreign-near.out) -eq 2 ]] || fail "another key learns that the session is here"
wait_log far 'refused a peer, .*: another key or certificate began the session'
say second-near keys/alice
[[ $(answer second-near) == 2 ]] || fail "the same key does not join the session"
for name in near second-near far sink; do
	stop "$name"
done
exec 5>&-

section "a command learns the name of its client's key"
listen rx --key-dir keys -c 'printenv MPNC_PEER_NAME; cat' </dev/null
run 0 tx --key keys/bob 127.0.0.1 "$PORT" <data >back
expect_exit rx 0
expect_same <(echo bob && cat data) back

section "nothing of the key can be seen"
# seen NAME: its arguments and, if that is allowed, its environment and descriptors
seen() {
	cat "/proc/${PID[$1]}/cmdline" "/proc/${PID[$1]}/environ" 2>/dev/null || true
	ls -l "/proc/${PID[$1]}/fd" 2>/dev/null || true
}
exec 5<>slow
listen rx -vv --key-dir keys --json=rx.json -c 'cat /proc/self/environ; ls -l /proc/self/fd; cat' </dev/null 5>&-
start tx -vv --key keys/alice --json=tx.json --progress 127.0.0.1 "$PORT" <slow >back 5>&-
echo line >&5
wait_for "$PATIENCE" "the line comes back" grep -aqx line back
seen rx >visible
seen tx >>visible
exec 5>&-
expect_exit tx 0
expect_exit rx 0
grep -aq MPNC_PEER_NAME=alice back || fail "the command's environment is missing"
for file in visible back rx.err tx.err rx.json tx.json; do
	[[ -s $file ]] || fail "nothing is in $file"
	! shows_key "$file" keys/alice || fail "$file shows the key"
done
shows_key keys/alice keys/alice || fail "this test cannot find a key"

section "no core is dumped while a key is held"
cat >abort.py <<'PY'
import os, resource, signal, subprocess, sys

# Ends a listener by SIGABRT; status 0: it dumped a core, 1: it did not.
limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
p = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
p.stderr.readline()
os.kill(p.pid, signal.SIGABRT)
sys.exit(not os.WCOREDUMP(os.waitpid(p.pid, 0)[1]))
PY
if python3 abort.py "$MPNC" -l -v 0; then
	python3 abort.py "$MPNC" -l -v --key keys/alice 0 && fail "a core was dumped"
else
	section "... and none without a key, here: nothing was shown"
fi

section "a thousand that begin a handshake and do not go on"
spawn peer python3 -c '
import socket
l = socket.create_server(("127.0.0.1", 0))
print(l.getsockname()[1], flush=True)
hello = l.accept()[0].recv(4096)
open("half", "wb").write(hello[:len(hello) // 2])' </dev/null >peer.out
wait_for "$PATIENCE" "the fake peer listens" grep -q . peer.out
run 1 tx --reconnect 0 --key keys/bob 127.0.0.1 "$(<peer.out)" <data
expect_exit peer 0
(($(ulimit -Hn) >= 1200)) || skip "too few descriptors are allowed: $(ulimit -Hn)"
listen rx -k --key keys/alice </dev/null >out
spawn crowd "$TEST_DIR/fake-peer.py" crowd "$PORT" 1000 half </dev/null >crowd.out
wait_for "$PATIENCE" "the crowd is connected" grep -q ready crowd.out
run 0 tx --key keys/alice 127.0.0.1 "$PORT" <data
expect_running crowd "it should have been there all the time"
expect_same data out
echo "fewer than $(max_fds rx) descriptors, $(peak_kib rx) KiB at most"
(($(max_fds rx) <= 512)) || fail "a crowd made it open $(max_fds rx) descriptors"
(($(peak_kib rx) < 65536 * ${MPNC_TEST_PATIENCE:-1})) || fail "a crowd made it hold $(peak_kib rx) KiB"
all_dropped() {
	(($(grep -c 'dropped connection' rx.err) == 1000))
}
wait_for 15 "all of the crowd are dropped" all_dropped
stop rx TERM
