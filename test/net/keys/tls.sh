#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With a key: whole streams, nothing readable on the way, and a clear line for whoever does not have it.
. "$(dirname "$0")/../lib.sh"
need python3 openssl

for name in a b; do
	run 0 it genkey "$name.key"
	[[ $(stat -c %a "$name.key") == 600 ]] || fail "genkey made a file that others can read"
done
random_file data 8M

section "genkey does not overwrite, and warns of a file that others can read"
run 2 it genkey a.key
expect_log it 'a.key: File exists'
(umask 022 && "$MPNC" genkey >open.key 2>it.err)
expect_log it 'chmod 600'
[[ $(wc -c <open.key) == 45 ]] || fail "no key: $(<open.key)"

section "a key file that others can read"
run 2 it --key open.key 127.0.0.1 1 <data
expect_log it 'chmod 600 open.key'
run 2 it -l --key open.key 0 <data
expect_log it 'chmod 600 open.key'
run 2 it --key nothing 127.0.0.1 1 <data
expect_log it 'nothing: No such file'

for n in 1 4 16; do
	section "both ways, $n subflows"
	listen rx --key a.key --duplex <data >out.rx
	run 0 tx -P "$n" --key a.key --duplex 127.0.0.1 "$PORT" <data >out.tx
	expect_exit rx 0
	expect_same data out.rx
	expect_same data out.tx
done
expect_log rx 'proved to be "a.key"'

for n in 1 4 16; do
	section "the same by three threads"
	listen rx --threads 3 --key a.key --duplex <data >out.rx
	run 0 tx --threads 3 -P "$n" --key a.key --duplex 127.0.0.1 "$PORT" <data >out.tx
	expect_exit rx 0
	expect_same data out.rx
	expect_same data out.tx
done

section "threads, and an end in the middle: the other side says so"
mkfifo slow
exec 5<>slow
listen rx --threads 2 --key a.key </dev/null >out 5>&-
start tx --threads 2 --key a.key 127.0.0.1 "$PORT" <slow 5>&-
cat data >&5
wait_for "$PATIENCE" "data arrive" file_has out 1000000
(($(awk '/^Threads:/ { print $2 }' "/proc/${PID[rx]}/status") >= 4)) || fail "there are no threads"
stop tx TERM
expect_exit rx 4
exec 5>&-
rm slow

section "a few bytes, and none"
for text in x ''; do
	listen rx --key a.key </dev/null >out
	run 0 tx --key a.key 127.0.0.1 "$PORT" < <(printf %s "$text")
	expect_exit rx 0
	expect_content out "$text"
done

section "a directory of keys: the client's is named"
mkdir -m 700 keys
cp -p a.key keys/alice
cp -p b.key keys/bob
listen rx --key-dir keys </dev/null >out
run 0 tx --key b.key 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_log rx 'proved to be "bob"'
expect_same data out

# refused STATUS PATTERN ARG...: a client that gets one line, at once
refused() {
	local wanted=$1 pattern=$2

	run "$wanted" tx "${@:3}" 127.0.0.1 "$PORT" <data >back
	expect_log tx "$pattern"
	[[ $(wc -l <tx.err) == 1 ]] || fail "more than one line: $(<tx.err)"
	((RUN_MS < 5000)) || fail "it took $RUN_MS ms"
	expect_empty back
}

section "another key, no key, another TLS; then the right one"
listen rx --key a.key </dev/null >out
refused 1 'the key files differ' --key b.key
refused 1 'the key files differ' --key b.key --retry 20
refused 1 'it wants a key \(--key\)'
run 1 plan --plan --key b.key 127.0.0.1 "$PORT" >back
expect_log plan 'the key files differ'
run 1 plan --plan 127.0.0.1 "$PORT" >back
expect_log plan 'it wants a key'
run 0 plan --plan --key a.key 127.0.0.1 "$PORT" >back
openssl s_client -tls1_2 -connect "127.0.0.1:$PORT" </dev/null >back 2>&1 && fail "TLS 1.2 is answered"
openssl s_client -connect "127.0.0.1:$PORT" </dev/null >back 2>&1 && fail "TLS without a key is answered"
printf 'GET / HTTP/1.0' >"/dev/tcp/127.0.0.1/$PORT"
for pattern in 'it has another key$' 'it connected without a key$' 'it does not speak TLS 1.3$' \
	'it speaks TLS without a key$' 'it is not mpnc, it sent: GET'; do
	wait_log rx "dropped connection from 127.0.0.1 port [0-9]+: $pattern"
done

section "openssl s_client with the key learns that this is not its protocol"
read -ra words <<<"$(psk a.key)"
mkfifo request
exec 5<>request
echo 'GET / HTTP/1.0' >&5
timeout "$PATIENCE" openssl s_client -quiet "${words[@]}" -ciphersuites TLS_AES_128_GCM_SHA256 \
	-connect "127.0.0.1:$PORT" <request >back 2>s_client.log 5>&- || true
exec 5>&-
grep -aq 'this is mpnc, and what arrived is not its protocol' back || fail "s_client got: $(tr -d '\0' <back) $(<s_client.log)"
expect_running rx "strangers came"
run 0 tx --key a.key 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "a key towards a listener that has none"
listen rx </dev/null >out
refused 1 'it was started without a key' --key a.key
wait_log rx 'it speaks TLS, and this listener has no key'
expect_running rx "it waits for a peer"
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "a key towards another program"
spawn peer "$TEST_DIR/fake-peer.py" say 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n' </dev/null >peer.out
wait_for "$PATIENCE" "the fake peer listens" grep -q . peer.out
PORT=$(<peer.out)
refused 1 'it does not speak TLS: it sent "SSH-2.0' --key a.key
stop peer

section "everything is cut in the middle, without TLS's word for it: that is no success"
for end in cut close; do
	mkfifo slow
	exec 5<>slow
	listen rx --key a.key --reconnect 0 </dev/null >out 5>&-
	start_proxy "$PORT" 5>&-
	start tx --key a.key --reconnect 0 127.0.0.1 "$PROXY" <slow 5>&-
	echo begin >&5
	wait_for "$PATIENCE" "a line arrives" file_has out 6
	proxy "$end 1000"
	expect_exit rx 3
	expect_exit tx '!0'
	stop_proxy
	exec 5>&-
	rm slow
done
expect_log rx 'it was cut off: there was no end of TLS'

section "with -k: one waits for the other, and one without the key changes nothing"
mkfifo slow
exec 5<>slow
listen rx -k --key a.key </dev/null >out 5>&-
start one --key a.key 127.0.0.1 "$PORT" <slow 5>&-
echo begin >&5
wait_for "$PATIENCE" "the first is served" file_has out 6
start two --key a.key 127.0.0.1 "$PORT" < <(echo "from the second") 5>&-
refused 1 'the key files differ' --key b.key
exec 5>&-
expect_exit one 0
expect_exit two 0
expect_content out $'begin\nfrom the second'
stop rx TERM

section "a flood of clients with another key"
cat >flood.py <<'PY'
import socket, struct, sys

port, n = int(sys.argv[1]), int(sys.argv[2])
hello = open("hello", "rb").read()
answers = 0
for i in range(n):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(hello)
    if i % 100 == 0:
        answers += s.recv(7)[:1] == b"\x15"
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
sys.exit(answers != (n + 99) // 100)
PY
# One client's first flight, from a listener that never answers.
spawn peer python3 -c '
import socket
l = socket.create_server(("127.0.0.1", 0))
print(l.getsockname()[1], flush=True)
open("hello", "wb").write(l.accept()[0].recv(4096))' </dev/null >peer.out
wait_for "$PATIENCE" "the fake peer listens" grep -q . peer.out
run 1 tx --key b.key 127.0.0.1 "$(<peer.out)" <data
expect_exit peer 0
# A sanitizer keeps what was freed; less of it here.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=8 listen rx --key a.key </dev/null >out
before=$(cpu_ticks rx)
python3 flood.py "$PORT" 10000 2>flood.err || fail "the flood was not answered: $(<flood.err)"
section "... took $(($(cpu_ticks rx) - before)) ticks, and $(peak_kib rx) KiB at most"
(($(peak_kib rx) < 65536 * ${MPNC_TEST_PATIENCE:-1})) || fail "a flood made it hold $(peak_kib rx) KiB"
(($(max_fds rx) <= 512)) || fail "a flood made it open $(max_fds rx) descriptors"
run 0 tx --key a.key 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "-z asks with the key, too"
listen rx --key a.key </dev/null >out
run 0 probe -z --key a.key 127.0.0.1 "$PORT" </dev/null
run 1 probe -z 127.0.0.1 "$PORT" </dev/null
expect_log probe 'it wants a key'
run 0 tx --key a.key 127.0.0.1 "$PORT" < <(echo after)
expect_exit rx 0
expect_content out after
