#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What standard input and output may be: pipe, file, terminal, null device, block device, socket.
. "$(dirname "$0")/../lib.sh"
need script socat python3

random_file data 5M

section "file to file, pipe to pipe, pipe to file, file to pipe"
listen rx </dev/null >out
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_same data out

mkfifo pipe
spawn check cmp data pipe
listen rx </dev/null >pipe
run 0 tx 127.0.0.1 "$PORT" < <(cat data)
expect_exit rx 0
expect_exit check 0

listen rx </dev/null >out
run 0 tx 127.0.0.1 "$PORT" < <(cat data)
expect_exit rx 0
expect_same data out

spawn check cmp data pipe
listen rx </dev/null >pipe
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_exit check 0

section "a file that is appended to, and one that is read from its middle"
printf 'before\n' >out
listen rx </dev/null >>out
{
	head -c 1000 >/dev/null
	run 0 tx 127.0.0.1 "$PORT"
} <data
expect_exit rx 0
expect_same <(printf 'before\n' && tail -c +1001 data) out "the file's rest was not appended"

section "to the null device"
listen rx </dev/null >/dev/null
run 0 tx 127.0.0.1 "$PORT" <data
expect_exit rx 0
expect_log rx 'received 5.00 MiB'

# Another user's pipe cannot be opened anew to be non-blocking for us alone.
if ((EUID == 0)); then
	section "into a pipe that belongs to another user, whose reader stalls"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	cp "$MPNC" mpnc # the program's own directory may be closed to others
	chmod 755 . mpnc
	mkfifo -m 600 theirs
	exec 6<>theirs
	spawn rx "${nobody[@]}" "$WORK/mpnc" -l -v 127.0.0.1 0 </dev/null >&6 6>&-
	wait_port rx
	start tx 127.0.0.1 "$PORT" <data
	head -c 1000000 <&6 >out
	(($(stat -c %s out) == 1000000)) || fail "the reader got $(stat -c %s out) bytes"
	kill -TERM "${PID[rx]}"
	expect_exit rx 143
	expect_exit tx 4
	exec 6>&-
	spawn check cmp data theirs
	exec 6>theirs
	spawn rx "${nobody[@]}" "$WORK/mpnc" -l -v 127.0.0.1 0 </dev/null >&6 6>&-
	exec 6>&-
	wait_port rx
	run 0 tx 127.0.0.1 "$PORT" <data
	expect_exit rx 0
	expect_exit check 0
fi

section "a slow pipe of tiny writes arrives as it is written"
mkfifo slow
exec 5<>slow
listen rx </dev/null >out 5>&-
start tx 127.0.0.1 "$PORT" <slow 5>&-
for word in one two three; do
	echo "$word" >&5
	wait_for "$PATIENCE" "\"$word\" arrives while the input is open" grep -qx "$word" out
done
for ((i = 0; i < 3000; i++)); do
	printf '%d,' "$i" >&5
	((i % 300)) || sleep 0.05
done
exec 5>&-
expect_exit tx 0
expect_exit rx 0
expect_same <(printf 'one\ntwo\nthree\n' && printf '%d,' {0..2999}) out

section "from a terminal"
listen rx </dev/null >out
exec 5<>slow
spawn tx script -qec "'$MPNC' 127.0.0.1 $PORT" /dev/null <slow >/dev/null 5>&-
printf 'typed 1\ntyped 2\n' >&5
wait_for "$PATIENCE" "what was typed arrives" file_has out 16
expect_running rx "nobody has typed ^D"
printf '\004' >&5
expect_exit rx 0
expect_exit tx 0
exec 5>&-
expect_content out $'typed 1\ntyped 2'

section "in the background on a terminal it stops when it is typed to, and goes on in the foreground"
listen rx </dev/null >out
spawn tx python3 - "$MPNC" 127.0.0.1 "$PORT" <<'END'
import os, pty, signal, sys

err = os.dup(2)
shell, terminal = pty.fork()
if shell:
    os.write(terminal, b"typed\n\004")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1]))
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.dup2(err, 2)
    os.execv(sys.argv[1], sys.argv[1:])
status = os.waitpid(job, os.WUNTRACED)[1]
if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != signal.SIGTTIN:
    os.write(err, b"it did not stop: wait status %d\n" % status)
    os._exit(99)
os.tcsetpgrp(0, job)
os.killpg(job, signal.SIGCONT)
os._exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
END
expect_exit tx 0
expect_exit rx 0
expect_content out typed

section "to a terminal"
text=$(seq 1 2000)
start_tty() { # NAME ARG...: the program on a terminal that changes nothing; its errors to tty.err
	rm -f tty.err
	spawn "$1" script -qec "stty raw -echo; exec '$MPNC' ${*:2} 2>'$WORK/tty.err'" /dev/null
}
start_tty rx -l -v 0 </dev/null >out
wait_port tty
run 0 tx 127.0.0.1 "$PORT" < <(echo "$text")
expect_exit rx 0
expect_content out "$text"

section "to and from a socket"
listen rx </dev/null >out
spawn tx socat -u OPEN:data "EXEC:'$MPNC' 127.0.0.1 $PORT"
expect_exit tx 0
expect_exit rx 0
expect_same data out

section "to a block device"
if loop=$(losetup -f 2>/dev/null) && truncate -s 16M image && losetup "$loop" image 2>/dev/null; then
	at_exit losetup -d "$loop"
	random_file device 16M
	listen rx </dev/null >"$loop"
	run 0 tx 127.0.0.1 "$PORT" <device
	expect_exit rx 0
	expect_same device image "what was confirmed is not on the device"

	section "from a block device"
	listen rx </dev/null >out
	run 0 tx 127.0.0.1 "$PORT" <"$loop"
	expect_exit rx 0
	expect_same device out

	section "one byte more than fits on a block device"
	listen rx </dev/null >"$loop"
	run 4 tx 127.0.0.1 "$PORT" < <(cat device && echo)
	expect_exit rx 3
	expect_log rx 'No space left on device.*16777216'
	expect_log tx 'No space left on device; 16777216 bytes had arrived at the peer'
else
	echo "no loop device can be had: block devices are not tried"
fi
