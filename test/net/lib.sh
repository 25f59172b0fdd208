# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# lib.sh - what the end-to-end tests share. A test sources it first and is then in a temporary directory
# of its own, which goes away at its end together with every process that the test still has. It is also
# in a network of its own that has a loopback device and nothing else: no other process, be it a test that
# runs at the same time, takes a port, or a name of a unix socket, that this one wants.
#
# Processes have names. NAME's standard error goes to the file NAME.err. Nothing here waits for a time:
# wait_for and expect_exit poll for a state and fail at a deadline.

set -euo pipefail
export LC_ALL=C

TEST_NAME=$(basename "$0" .sh)
TEST_SCRIPT=$(realpath "$0")
# shellcheck disable=SC2034 # for the tests
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Without namespaces, tests share the machine's network, and free_ports makes it unlikely that they meet.
if [[ ! ${TEST_NETWORK-} ]]; then
	export TEST_NETWORK=shared
	how=-n
	((EUID == 0)) || how=-rn
	if unshare "$how" ip link set lo up 2>/dev/null; then
		# shellcheck disable=SC2016 # for the other shell
		TEST_NETWORK=own exec unshare "$how" bash -c 'ip link set lo up && exec bash "$@"' bash "$0" "$@"
	fi
fi

# A slow machine, or one under a sanitizer, is given more time: MPNC_TEST_PATIENCE=4.
PATIENCE=$((30 * ${MPNC_TEST_PATIENCE:-1}))

skip() {
	echo "$TEST_NAME: skipped: $*" >&2
	exit 77
}

fail() {
	local log

	echo "$TEST_NAME: FAILED: $*" >&2
	for log in *.err; do
		if [[ -s $log ]]; then
			echo "--- the end of $log:" >&2
			tail -n 10 "$log" >&2
		fi
	done
	exit 1
}

# need PROGRAM...: the test is skipped without them.
need() {
	local program

	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

[[ ${MPNC:-} ]] || skip "\$MPNC does not name the program"
[[ $MPNC == */* ]] || MPNC=$(command -v "$MPNC")
MPNC=$(realpath "$MPNC")
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mpnc-$TEST_NAME-XXXXXX")
cd "$WORK"
shopt -s nullglob

declare -A PID=()
AT_EXIT=()

# at_exit COMMAND ARG...: runs before the temporary directory is removed.
at_exit() {
	AT_EXIT+=("$(printf '%q ' "$@")")
}

cleanup() {
	local status=$? pid i

	trap - EXIT INT TERM HUP
	set +e
	for pid in $(jobs -rp); do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for ((i = ${#AT_EXIT[@]}; i-- > 0;)); do
		eval "${AT_EXIT[i]}"
	done
	cd / && rm -rf "$WORK"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Milliseconds of a clock.
now_ms() {
	local us=${EPOCHREALTIME/./}

	echo $((us / 1000))
}

# wait_for SECONDS WHAT COMMAND ARG...: until the command succeeds.
wait_for() {
	local deadline=$(($(now_ms) + $1 * 1000)) what=$2

	shift 2
	until "$@"; do
		(($(now_ms) < deadline)) || fail "not within the time given: $what"
		sleep 0.02
	done
}

# section TITLE: says in the log what is being shown.
section() {
	echo "$TEST_NAME: $*"
}

# aside NAME FUNCTION ARG...: runs beside the others, in a directory of its own, NAME. together: waits for
# all of them, and fails if one has failed. For tests that mostly wait.
declare -A ASIDE=()

aside() {
	local TEST_NAME="$TEST_NAME ($1)"

	mkdir "$1"
	(
		cd "$1"
		PID=()
		# shellcheck disable=SC2154 # pid is the trap's
		trap 'for pid in $(jobs -rp); do kill -KILL "$pid"; done' EXIT
		"${@:2}"
	) &
	ASIDE[$1]=$!
}

together() {
	local name failed=

	for name in "${!ASIDE[@]}"; do
		wait "${ASIDE[$name]}" || failed+=" $name"
	done
	ASIDE=()
	[[ ! $failed ]] || fail "these have failed:$failed"
}

# Processes ---------------------------------------------------------------------------------------

# spawn NAME COMMAND ARG...: in the background, with the standard input and output of this function.
spawn() {
	local name=$1

	shift
	# Not left to the background: what an earlier process of this name said must be gone.
	: >"$name.err"
	# Without <&0 the shell would put /dev/null in place of the input.
	"$@" <&0 2>>"$name.err" &
	PID[$name]=$!
}

# start NAME ARG...: the program.
start() {
	spawn "$1" "$MPNC" "${@:2}"
}

# start_closed NAME REDIRECTION ARG...: the program with a descriptor closed, as in '<&-'.
start_closed() {
	spawn "$1" bash -c "exec \"\$0\" \"\$@\" $2" "$MPNC" "${@:3}"
}

# logged NAME PATTERN: is there a line like that (extended regular expression) in NAME.err?
logged() {
	grep -sqE -e "$2" "$1.err"
}

expect_log() {
	logged "$1" "$2" || fail "$1 did not say: $2"
}

wait_log() {
	wait_for "$PATIENCE" "$1 says: $2" logged "$1" "$2"
}

# Sets PORT to the one that NAME, a listener with -v, says that it listens on.
PORT=
wait_port() {
	wait_for "$PATIENCE" "$1 listens" logged "$1" 'listening on .* port [0-9]+'
	# shellcheck disable=SC2034 # for the tests
	PORT=$(sed -nE 's/.*listening on .* port ([0-9]+).*/\1/p' "$1.err" | head -n 1)
}

# listen NAME ARG...: the program as a listener on a port of the kernel's choice; sets PORT.
listen() {
	start "$1" -l -v "${@:2}" 0
	wait_port "$1"
}

# wait_listener PORT: until any program listens there.
wait_listener() {
	wait_for "$PATIENCE" "a program listens on port $1" eval "[[ \$(ss -Hltn 'sport = :$1') ]]"
}

# listens_on NAME: a program listens on a unix socket of this name, which is a path or begins with "@". One
# that is only bound, as it is for a moment, refuses clients: the kernel's flag SO_ACCEPTCON tells.
listens_on() {
	awk -v name="$1" '$4 == "00010000" && $8 == name { found = 1 } END { exit !found }' /proc/net/unix
}

# wait_unix_listener NAME
wait_unix_listener() {
	wait_for "$PATIENCE" "a program listens on $1" listens_on "$1"
}

running() {
	kill -0 "${PID[$1]}" 2>/dev/null
}

ended() {
	! running "$1"
}

# expect_running NAME WHY
expect_running() {
	running "$1" || fail "$1 has ended: $2"
}

# expect_exit NAME STATUS [SECONDS]: NAME ends by itself, with this status ("!0": any but 0).
expect_exit() {
	local name=$1 wanted=$2 status=0

	wait_for "${3:-$PATIENCE}" "$name ends" ended "$name"
	wait "${PID[$name]}" 2>/dev/null || status=$?
	unset "PID[$name]"
	if [[ $wanted == '!0' ]]; then
		((status != 0)) || fail "$name: exit status 0, but it should have failed"
	else
		((status == wanted)) || fail "$name: exit status $status instead of $wanted"
	fi
}

# run STATUS NAME ARG...: the program in the foreground; RUN_MS is how long it took.
RUN_MS=0
run() {
	local wanted=$1 name=$2 begin

	begin=$(now_ms)
	start "$name" "${@:3}"
	expect_exit "$name" "$wanted"
	# shellcheck disable=SC2034 # for the tests
	RUN_MS=$(($(now_ms) - begin))
}

# stop NAME [SIGNAL]: ends a process whose exit status does not matter.
stop() {
	kill -"${2:-KILL}" "${PID[$1]}" 2>/dev/null || true
	wait "${PID[$1]}" 2>/dev/null || true
	unset "PID[$1]"
}

# start_proxy PORT ARG...: test/net/proxy.py before this port; sets PROXY to the one to connect to. What
# it says is in proxy.out.
PROXY=
start_proxy() {
	mkfifo proxy.in
	exec {PROXY_FD}<>proxy.in
	: >proxy.out
	spawn proxy python3 "$TEST_DIR/proxy.py" "$@" <proxy.in >proxy.out
	wait_for "$PATIENCE" "the proxy listens" grep -q '^port' proxy.out
	# shellcheck disable=SC2034 # for the tests
	PROXY=$(sed -n 's/^port //p' proxy.out)
}

# proxy COMMAND
proxy() {
	echo "$1" >&"$PROXY_FD"
}

stop_proxy() {
	exec {PROXY_FD}>&-
	stop proxy
	rm proxy.in
}

# relay_pair LOCAL ARG...: both sides of a relay to TARGET, a port or a path; the arguments are for both. Sets
# FAR to the port between them, and NEAR to the port or path that programs connect to.
FAR=
NEAR=
relay_pair() {
	local to=$TARGET

	[[ $TARGET == */* ]] || to=127.0.0.1:$TARGET
	start far relay -v "${@:2}" -l 127.0.0.1 0 --to "$to"
	wait_port far
	FAR=$PORT
	start near relay -v "${@:2}" "$1" 127.0.0.1 "$FAR"
	wait_for "$PATIENCE" "the near side listens" logged near 'listening on'
	NEAR=$1
	if [[ $NEAR == *:0 ]]; then
		wait_port near
		NEAR=$PORT
	fi
}

# ends SCENARIO [ARG...]: the programs at both ends of a relay, which are to find what they would without it.
ends() {
	spawn ends python3 "$TEST_DIR/plain-ends.py" "$1" "$NEAR" "$TARGET" "${@:2}"
	expect_exit ends 0 $((4 * PATIENCE))
}

# stop_pair: gracefully, and with the summary.
stop_pair() {
	local side

	for side in near far; do
		kill -TERM "${PID[$side]}"
		expect_exit "$side" 0
		expect_log "$side" '[0-9]+ sessions: 0 running'
	done
}

# Most memory that NAME has had, in KiB.
peak_kib() {
	awk '/^VmHWM:/ { print $2 }' "/proc/${PID[$1]}/status"
}

# max_fds NAME: it never had as many descriptors as this, a power of two. (Who holds a key does not show
# its descriptors.)
max_fds() {
	awk '/^FDSize:/ { print $2 }' "/proc/${PID[$1]}/status"
}

# cpu_ticks NAME: processor time that it has used.
cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/${PID[$1]}/stat"
}

# bytes_read NAME, bytes_written NAME: by its system calls so far.
bytes_read() {
	awk '/^rchar:/ { print $2 }' "/proc/${PID[$1]}/io"
}

bytes_written() {
	awk '/^wchar:/ { print $2 }' "/proc/${PID[$1]}/io"
}

has_read() {
	(($(bytes_read "$1") > $2))
}

has_written() {
	(($(bytes_written "$1") > $2))
}

# Two links ---------------------------------------------------------------------------------------

# on_both_links ADDRESS_BYTE IP_OPTION...: one end of them.
on_both_links() {
	local end=$1 i=0 name

	shift
	ip "$@" link set lo up
	for name in left right; do
		((i += 1))
		ip "$@" addr add "10.$i.0.$end/24" dev "$name"
		ip "$@" link set "$name" up
		ip "$@" rule add from "10.$i.0.$end" table "10$i"
		ip "$@" route add default dev "$name" table "10$i"
		tc "$@" qdisc add dev "$name" root tbf rate 100mbit burst 64k latency 50ms 2>/dev/null ||
			skip "this kernel has no tbf"
	done
}

# two_links: before anything else, as the test begins anew in a namespace of mounts. Then there is a second
# namespace, "server", and to it lead two links, with policy routing: what comes from an address leaves by
# its interface.
#
#   this namespace     10.1.0.1 "left"  --- veth, 100 Mbit/s --- "left"  10.1.0.2   namespace server
#                      10.2.0.1 "right" --- veth, 100 Mbit/s --- "right" 10.2.0.2
two_links() {
	local name

	need ip tc python3
	[[ $TEST_NETWORK == own ]] || skip "this machine allows no namespaces"
	if [[ ! ${TEST_MOUNTS-} ]]; then
		cd / && rm -rf "$WORK"
		TEST_MOUNTS=own exec unshare -m bash "$TEST_SCRIPT"
	fi
	mount -t tmpfs none /run
	ip netns add server
	for name in left right; do
		ip link add "$name" type veth peer name "$name" netns server
	done
	on_both_links 1
	on_both_links 2 -n server
}

# start_there NAME ARG...: the program, on the server.
start_there() {
	spawn "$1" ip netns exec server "$MPNC" "${@:2}"
}

# left_by NAME: bytes that have left by this interface.
left_by() {
	ip -s -j link show dev "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["tx"]["bytes"])'
}

# expect_both_links BYTES COMMAND ARG...: it sends BYTES at least, and each link carries its part.
expect_both_links() {
	local least=$1 left right n

	shift
	left=$(left_by left) right=$(left_by right)
	"$@"
	left=$(($(left_by left) - left)) right=$(($(left_by right) - right))
	((left + right >= least)) || fail "counted $left and $right bytes"
	for n in "$left" "$right"; do
		((n * 100 / (left + right) >= 30)) || fail "left has carried $left bytes, right $right"
	done
}

# Data --------------------------------------------------------------------------------------------

# file_has FILE SIZE: is it that long by now?
file_has() {
	(($(stat -c %s "$1") >= $2))
}

expect_same() {
	cmp "$1" "$2" >&2 || fail "${3:-$2 is not the same as $1}"
}

expect_content() {
	[[ $(<"$1") == "$2" ]] || fail "$1 has \"$(head -c 200 "$1")\" instead of \"$2\""
}

# expect_empty FILE [WHY]
expect_empty() {
	[[ ! -s $1 ]] || fail "$1 should be empty${2:+: $2}; it has: $(head -c 200 "$1" | tr -d '\0')"
}

# random_file FILE SIZE: as head -c takes it, such as 64M.
random_file() {
	head -c "$2" /dev/urandom >"$1"
}

# stream TAG COUNT: COUNT times 64 MiB and a little, different everywhere and for each TAG.
stream() {
	local i

	for ((i = 0; i < $2; i++)); do
		printf '%-12s%08d' "$1" "$i"
		cat "$WORK/block"
	done
}

make_block() {
	random_file "$WORK/block" 64M
}

# psk FILE: the words by which openssl is given the key in FILE. The identity is the one of PROTOCOL.md.
psk() {
	local hex id

	hex=$(base64 -d "$1" | od -An -v -tx1 | tr -d ' \n')
	id=$(openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt "hexkey:$hex" \
		-kdfopt 'info:mpnc key id 1' HKDF | tr -d ':\n' | tr A-F a-f)
	echo "-psk $hex -psk_identity mpnc-$id"
}

# shows_key FILE KEY: is the key of this file in FILE, as text, in hexadecimal or as it is?
shows_key() {
	python3 - "$@" <<-'PY'
		import base64, sys

		text = open(sys.argv[1], "rb").read()
		key = base64.b64decode(open(sys.argv[2]).read())
		forms = (key, base64.b64encode(key)[:40], key.hex().encode(), key.hex().upper().encode())
		sys.exit(not any(form in text for form in forms))
	PY
}

# free_ports N: prints the first of N neighbouring ports that nothing uses, outside of the range that
# the kernel picks from.
free_ports() {
	local low first port used

	read -r low _ </proc/sys/net/ipv4/ip_local_port_range
	((low > 12000)) || low=32768
	while :; do
		first=$((10000 + (RANDOM * 32768 + RANDOM) % (low - 10000 - $1)))
		used=$(ss -Htan | awk '{ sub(/.*:/, "", $4); print $4 }' | sort -un)
		for ((port = first; port < first + $1; port++)); do
			grep -qx "$port" <<<"$used" && continue 2
		done
		echo "$first"
		return
	done
}
