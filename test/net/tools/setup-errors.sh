#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot begin: exit status and one line that names the cause.
. "$(dirname "$0")/../lib.sh"
need ss

# refused_with STATUS PATTERN ARG...: nothing on stdout, one line on stderr
refused_with() {
	run "$1" it "${@:3}" </dev/null >out
	expect_empty out
	expect_log it "$2"
	[[ $(wc -l <it.err) == 1 ]] || fail "more than one line: $(<it.err)"
	grep -q '^mpnc: ' it.err || fail "the line does not begin with the name: $(<it.err)"
}

closed=$(free_ports 1)

section "network"
refused_with 1 "127.0.0.1 port $closed: Connection refused" 127.0.0.1 "$closed"
refused_with 1 'no peer came within 1(\.00)? s' -l -w 1 0
((RUN_MS >= 1000 && RUN_MS < 8000)) || fail "-w 1 took $RUN_MS ms"
refused_with 1 "Connection refused" --retry 1 127.0.0.1 "$closed"
((RUN_MS >= 1000 && RUN_MS < 10000)) || fail "--retry 1 took $RUN_MS ms"

section "names"
refused_with 2 'cannot resolve no-such-host.invalid' no-such-host.invalid 9
refused_with 2 'cannot resolve localhost' -n localhost 9
refused_with 2 'cannot resolve' -4 ::1 9
refused_with 2 'no-such-service' 127.0.0.1 no-such-service
refused_with 2 'cannot resolve no-such-host.invalid' relay -l no-such-host.invalid 9 --to 127.0.0.1:9
refused_with 2 'cannot resolve no-such-host.invalid' relay -l 127.0.0.1 0 --to no-such-host.invalid:9
refused_with 2 'cannot resolve no-such-host.invalid' relay 0 no-such-host.invalid 9

section "listening"
listen busy </dev/null >out
refused_with 2 "cannot listen on \\* port $PORT: Address already in use" -l "$PORT"
refused_with 2 "cannot listen on 127.0.0.1 port $PORT: Address already in use" -l 127.0.0.1 "$PORT"
expect_running busy "another one wanted its port"
refused_with 2 'cannot listen on 192.0.2.77 port' -l 192.0.2.77 0
stop busy

section "options"
refused_with 2 'unknown option' --no-such-option
refused_with 2 'unknown option' -Y 127.0.0.1 9
refused_with 2 'did you mean --send-only' --sendonly 127.0.0.1 9
refused_with 2 'not supported' -u 127.0.0.1 9
refused_with 2 'missing host and port'
refused_with 2 'missing port' 127.0.0.1
refused_with 2 'missing port' -l
refused_with 2 'unexpected argument "2"' 127.0.0.1 1 2
refused_with 2 'is not a number of subflows' -P 0 127.0.0.1 9
refused_with 2 'is not a number of subflows' -P 257 127.0.0.1 9
refused_with 2 'is not a window' --window 1K 127.0.0.1 9
refused_with 2 'is not a port' 127.0.0.1 65536
refused_with 2 'needs -l' -k 127.0.0.1 9
refused_with 2 'needs an argument' 127.0.0.1 9 -w
refused_with 2 'above 65535' -P 4 -p 65533 127.0.0.1 9
refused_with 2 'cannot write /no/such/file' --json=/no/such/file 127.0.0.1 9

section "a report that would get into the data"
refused_with 2 'cannot write /dev/stdout: it is the standard output' --json=/dev/stdout 127.0.0.1 "$closed"
echo kept >file
run 2 it --json=file 127.0.0.1 "$closed" </dev/null 1<>file
expect_log it 'cannot write file: it is the standard output'
expect_content file kept
listen rx --json=/dev/null </dev/null >/dev/null
run 0 it --json=/dev/null 127.0.0.1 "$PORT" </dev/null >/dev/null
expect_exit rx 0
