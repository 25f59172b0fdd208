#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A FIFO in place of a key or certificate: whoever waits for its writer can be interrupted. And what a shell makes
# of <(...), which is a pipe too, is read as a file is.
. "$(dirname "$0")/../lib.sh"
need python3 openssl

run 0 it genkey key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pem.key -out pem -days 1 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
chmod 600 pem.key
random_file data 100K
mkfifo -m 600 fifo

# Opens the FIFO as soon as the program waits for that, and then writes nothing.
cat >writer.py <<'PY'
import os, sys, time
while True:
    try:
        os.open("fifo", os.O_WRONLY | os.O_NONBLOCK)
        break
    except OSError:
        time.sleep(0.01)
print("open", flush=True)
time.sleep(1000)
PY

# interrupted ARG...: the program, which names the FIFO
interrupted() {
	section "$*"
	start it "$@" </dev/null
	spawn writer python3 writer.py >writer.out
	wait_for "$PATIENCE" "the FIFO is opened" grep -q open writer.out
	kill -TERM "${PID[it]}"
	expect_exit it 143
	stop writer
}

interrupted --key fifo 127.0.0.1 9
interrupted -l --key fifo 127.0.0.1 0
interrupted -l --cert fifo --private-key pem.key --ca pem 127.0.0.1 0
interrupted -l --cert pem --private-key fifo --ca pem 127.0.0.1 0
interrupted -l --cert pem --private-key pem.key --ca fifo 127.0.0.1 0
interrupted bench -l --key fifo 127.0.0.1 0
interrupted relay -l --key fifo 127.0.0.1 0 --to 127.0.0.1:9
interrupted recv -l --key fifo 127.0.0.1 0 -- cat

section "a report into a FIFO that nobody reads"
sleeps() {
	[[ $(awk '{ print $3 }' "/proc/${PID[it]}/stat") == S ]]
}
start it -l --json=fifo 127.0.0.1 0 </dev/null
wait_for "$PATIENCE" "it sleeps" sleeps
kill -TERM "${PID[it]}"
expect_exit it 143

section "a FIFO among the files of --key-dir is passed over"
mkdir -m 700 keys
cp key keys/
mv fifo keys/
listen rx --key-dir keys </dev/null >out
run 0 tx --key key 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "--key <(cat key)"
listen rx --key <(cat key) </dev/null >out
run 0 tx --key <(cat key) 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

section "certificates in the same way"
listen rx --cert <(cat pem) --private-key <(cat pem.key) --ca <(cat pem) </dev/null >out
run 0 tx --cert <(cat pem) --private-key <(cat pem.key) --ca <(cat pem) --name localhost 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out
