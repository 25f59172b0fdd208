#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -e, -c: the streams are a command's, and its failure is theirs.
. "$(dirname "$0")/../lib.sh"
need tar sha256sum

random_file data 5M

section "-c: an answer to what was asked"
listen rx -c 'sha256sum' </dev/null >out
run 0 tx 127.0.0.1 "$PORT" <data >back
expect_exit rx 0
expect_empty out
expect_same <(sha256sum <data) back

section "-e: split at spaces, and no shell"
# shellcheck disable=SC2016 # as it is
listen rx -e 'printf %s|%s $HOME a\ b' </dev/null
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
# shellcheck disable=SC2016 # as it is
expect_content back '$HOME|a b'

section "-c at the client: a command that ends its output, and then reads the answer"
listen rx -e cat </dev/null
run 0 tx -c 'cat data; exec >&-; cat >back' 127.0.0.1 "$PORT" </dev/null
expect_exit rx 0
expect_same data back

section "a consumer"
mkdir tree to
cp data tree/
listen rx --recv-only -e 'tar -x -C to' </dev/null
run 0 tx --send-only -e 'tar -c tree' 127.0.0.1 "$PORT" </dev/null
expect_exit rx 0
diff -r tree to/tree || fail "the trees differ"

section "what a command learns"
listen rx -P 3 -c 'env | grep ^MPNC_ | sort' </dev/null
run 0 tx --json=json -s 127.0.0.5 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
grep -qx 'MPNC_LOCAL_ADDR=127.0.0.1' back || fail "$(<back)"
grep -qx "MPNC_LOCAL_PORT=$PORT" back || fail "$(<back)"
grep -qx 'MPNC_REMOTE_ADDR=127.0.0.5' back || fail "$(<back)"
grep -qxE 'MPNC_REMOTE_PORT=[0-9]+' back || fail "$(<back)"
grep -qxE 'MPNC_SESSION=[0-9a-f]{32}' back || fail "$(<back)"
grep -qx 'MPNC_SUBFLOWS=3' back || fail "$(<back)"
grep -qx 'MPNC_PEER_NAME=' back || fail "$(<back)"

# json_session: the session by the report
json_session() {
	python3 -c 'import json; print(json.loads(open("json").readline())["session"])'
}
grep -qx "MPNC_SESSION=$(json_session)" back || fail "the client calls it $(json_session), the command $(<back)"

section "a session's name does not tell its number, by which anybody may join"
spawn ear python3 "$TEST_DIR/fake-peer.py" hear >ear.out
wait_for "$PATIENCE" "somebody listens" test -s ear.out
run 1 tx --json=json 127.0.0.1 "$(<ear.out)" </dev/null
expect_exit ear 0
# The number is in HELLO's body at 12 (PROTOCOL.md 3.1), behind the preface and the header.
number() {
	dd if=heard bs=1 skip=$((8 + 24 + 12)) count=16 status=none
}
hex=$(number | od -An -v -tx1 | tr -d ' \n')
! grep -q "$hex" json || fail "the report has the number $hex"
name=$(cat <(printf 'mpnc session name 1') <(number) | sha256sum | head -c 32)
[[ $(json_session) == "$name" ]] || fail "$(json_session) instead of $name"

section "it has three descriptors, no blocked signal, and dies of SIGPIPE"
exec 9<data
listen rx -c 'ls /proc/self/fd | wc -l; grep -E "^Sig(Blk|Ign)" /proc/self/status' </dev/null
exec 9<&-
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
# Three, and the directory that ls reads.
[[ $(head -n 1 back) -le 4 ]] || fail "descriptors: $(head -n 1 back)"
grep -qE 'SigBlk:.0{16}$' back || fail "$(<back)"
awk '/^SigIgn/ { exit substr($2, 13) ~ /[1357bdf]...$/ }' back || fail "SIGPIPE is ignored: $(<back)"

section "it has the limit of descriptors that we were started with"
limit=$(($(ulimit -Sn) - 24))
limited() { # ARG...: the program, where fewer are allowed than could be
	spawn rx bash -c "ulimit -Sn $limit; exec \"\$0\" \"\$@\"" "$MPNC" "$@" </dev/null
	wait_port rx
}
((limit < $(ulimit -Hn))) || fail "the limit cannot be raised here, so nothing would be shown"
limited -l -v -c 'ulimit -Sn' 0
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
expect_content back "$limit"
limited -l -v -e 'sh -c ulimit\ -Sn' 0
run 0 tx 127.0.0.1 "$PORT" </dev/null >back
expect_exit rx 0
expect_content back "$limit"
limited recv -l -v 0 -- sh -c 'ulimit -Sn >limit; cat >got'
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_content limit "$limit"
expect_same data got
limited -l -v -k 0
grep -qE "^Max open files +$(ulimit -Hn) " "/proc/${PID[rx]}/limits" || fail "without a command the limit is not raised"
stop rx

section "the end of a command that was asked to stop is not more to send"
for _ in {1..20}; do
	listen rx -c 'cat >got' </dev/null
	run 0 tx -c 'cat data' 127.0.0.1 "$PORT" </dev/null
	expect_exit rx 0
	expect_same data got
done

section "... but a file of more than 2 GiB is"
truncate -s 3G many
listen rx <many >/dev/null
run 0 tx -c 'head -c 100 >/dev/null' 127.0.0.1 "$PORT" </dev/null
expect_exit rx 3
expect_log rx 'it was asked to stop and had more to send'
rm many

section "a failure of the listener's command reaches both"
listen rx -c 'cat >got; exit 3' </dev/null
run 4 tx 127.0.0.1 "$PORT" <data
expect_exit rx 3
expect_log rx 'the command exited with status 3'
expect_log tx 'the peer gave up: .*the command exited with status 3'
expect_same data got

section "... of the client's, a producer that breaks off"
listen rx </dev/null >out
run 3 tx -c 'head -c 1000000 data; exit 7' 127.0.0.1 "$PORT" </dev/null
expect_exit rx 4
expect_log rx 'the command exited with status 7'

section "... one that is killed"
listen rx </dev/null >out
# shellcheck disable=SC2016 # the command's own $$
run 3 tx -c 'kill -KILL $$' 127.0.0.1 "$PORT" </dev/null
expect_exit rx 4
expect_log rx 'the command was ended by signal 9'

section "one that cannot be run"
listen rx -e /nowhere/command </dev/null
run 4 tx 127.0.0.1 "$PORT" <data
expect_exit rx 3
expect_log rx 'cannot run /nowhere/command: No such file or directory'
expect_log tx 'the peer gave up: cannot run the command: No such file or directory'
! logged tx nowhere || fail "the peer learns what the command is"

section "one that reads only what it wants"
# All that there is was sent when it stops: it is at hand when the session begins.
head -c 100 data >few
listen rx -c 'head -c 10 >got' </dev/null
run 0 tx 127.0.0.1 "$PORT" <few
expect_exit rx 0
expect_same <(head -c 10 data) got
listen rx -c 'head -c 1 >/dev/null; echo hello' </dev/null
run 0 tx 127.0.0.1 "$PORT" <few >back
expect_exit rx 0
expect_content back hello

section "... and is not sent the rest of a stream without end"
listen rx -c 'head -c 10 >got' </dev/null
run 3 tx 127.0.0.1 "$PORT" </dev/zero
expect_log tx 'it was asked to stop and had more to send'
expect_exit rx 0

section "a sender that dies: the consumer is ended, and does not see an end of file"
listen rx --reconnect 0 --recv-only -c 'cat >/dev/null; echo complete >verdict' </dev/null
start tx 127.0.0.1 "$PORT" </dev/zero
wait_for "$PATIENCE" "data flows" has_written tx 1
wait_log rx 'subflow'
stop tx KILL
expect_exit rx 3
[[ ! -e verdict ]] || fail "the consumer took it for complete"

section "-k: a command for each, one after another, and no zombies"
# shellcheck disable=SC2016 # the command's own word
listen rx -k -c 'read -r word; [ "$word" = good ] && echo "served $word"' </dev/null
for word in good bad good; do
	wanted=$([[ $word == good ]] && echo 0 || echo 4)
	run "$wanted" tx 127.0.0.1 "$PORT" < <(echo "$word") >back
	[[ $word == bad ]] || expect_content back "served good"
done
expect_running rx "-k was given"
zombies=$(ps -o stat= --ppid "${PID[rx]}" | awk '/Z/ { n++ } END { print n + 0 }') || true
((zombies == 0)) || fail "$zombies zombies"
stop rx TERM

section "a signal ends the command too"
listen rx -c 'echo $$ >pid; exec sleep 1000' </dev/null
start tx 127.0.0.1 "$PORT" </dev/null
wait_for "$PATIENCE" "it runs" test -s pid
kill -TERM "${PID[rx]}"
expect_exit rx 143
expect_exit tx 4
! kill -0 "$(<pid)" 2>/dev/null || fail "the command still runs"

section "mpnc send, mpnc recv"
rm -rf to
mkdir to
start rx recv -l -v 0 -- tar -x -C to
wait_port rx
run 0 tx send 127.0.0.1 "$PORT" -- tar -c tree
expect_exit rx 0
diff -r tree to/tree || fail "the trees differ"

section "... and a failure of either is seen at both ends"
start rx recv -l -v 0 -- cat >out
wait_port rx
run 3 tx send 127.0.0.1 "$PORT" -- tar -c missing
expect_exit rx 4
expect_log rx 'the command exited with status 2'
start rx recv -l -v 0 -- tar -x -C /nowhere
wait_port rx
run 4 tx send 127.0.0.1 "$PORT" -- cat data
expect_exit rx 3
expect_log tx 'the command exited with status 2'

section "... which take no other"
for words in "send 127.0.0.1 1" "send 127.0.0.1 1 --" "send -e cat 127.0.0.1 1 -- cat" \
	"recv -l --plain-ok 0 -- cat" "send --plain 127.0.0.1 1 -- cat" \
	"recv --send-only 127.0.0.1 1 -- cat" "send --duplex 127.0.0.1 1 -- cat" "send -- cat"; do
	read -ra words <<<"$words"
	run 2 it "${words[@]}" </dev/null
done
