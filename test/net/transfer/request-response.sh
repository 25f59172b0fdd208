#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An answer goes the other way on the same session.
. "$(dirname "$0")/../lib.sh"

random_file data 3M
mkfifo request response silent
exec 5<>silent

# Servers open the pipes themselves, in the order in which the listener does it: opening one end
# of a pipe waits for the other.

section "line by line"
cat >lines <<'END'
exec >response <request
while read -r line; do
	echo "answer to $line"
done
END
spawn server bash lines 5>&-
listen rx <response >request 5>&-
start tx 127.0.0.1 "$PORT" <silent >out 5>&-
for i in 1 2 3; do
	echo "question $i" >&5
	wait_for "$PATIENCE" "answer $i" grep -qx "answer to question $i" out
done
exec 5>&-

section "... to the end of the questions, which the server sees as the end of its input"
expect_exit server 0
expect_exit tx 0
expect_exit rx 0
expect_content out $'answer to question 1\nanswer to question 2\nanswer to question 3'

section "an answer that is begun when the whole request has been read (--duplex)"
cat >whole <<'END'
exec >response <request
read -r line
cat >/dev/null
echo "answer to $line"
END
spawn server bash whole
listen rx --duplex <response >request
run 0 tx 127.0.0.1 "$PORT" < <(echo question && cat data) >out
expect_exit rx 0
expect_exit server 0
expect_content out "answer to question"

section "the same, and the client is the one that answers"
spawn server bash whole
listen tx --duplex < <(echo question && cat data) >out
start rx 127.0.0.1 "$PORT" <response >request
expect_exit rx 0
expect_exit tx 0
expect_exit server 0
expect_content out "answer to question"
