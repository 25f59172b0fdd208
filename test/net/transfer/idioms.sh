#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What scripts do with OpenBSD's netcat, with another program in its place. The first run, with
# netcat itself, shows that these are valid netcat scripts.
. "$(dirname "$0")/../lib.sh"
need ss tar gzip dd sha256sum

# The programs that listen and that connect.
L=() C=()

random_file data 3M
mkdir tree
cp data tree/big
echo small >tree/small

# A port that nobody uses, for the next idiom.
next_port() {
	p=$(free_ports 1)
	rm -f out back
}

# served PORT: somebody listens there
served() {
	[[ $(ss -Htln "( sport = :$1 )") ]]
}

# listener COMMAND ARG...: in the background, and it listens
listener() {
	spawn rx "$@"
	wait_for "$PATIENCE" "it listens on $p" served "$p"
}

# client COMMAND ARG...: ends with 0
client() {
	spawn tx "$@"
	expect_exit tx 0
}

got() {
	expect_exit rx 0
	expect_same data out "$idiom: what arrived is not what was sent"
}

# The idioms --------------------------------------------------------------------------------------

push_a_file() {
	listener "${L[@]}" -l "$p" </dev/null >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	got
}

pull_a_file() {
	listener "${L[@]}" -N -l "$p" <data
	client "${C[@]}" 127.0.0.1 "$p" </dev/null >out
	got
}

a_tree_by_tar() {
	rm -rf to && mkdir to
	mkfifo pipe
	spawn untar tar -x -B -C to -f pipe
	listener "${L[@]}" -l "$p" </dev/null >pipe
	client "${C[@]}" -N 127.0.0.1 "$p" < <(tar -c tree)
	expect_exit rx 0
	expect_exit untar 0
	rm pipe
	diff -r tree to/tree || fail "$idiom: the trees differ"
}

dd_to_dd() {
	mkfifo pipe
	spawn dd dd if=pipe of=out bs=64k iflag=fullblock status=none
	listener "${L[@]}" -l "$p" </dev/null >pipe
	client "${C[@]}" -N 127.0.0.1 "$p" < <(dd if=data bs=64k status=none)
	expect_exit dd 0
	rm pipe
	got
}

compressed() {
	mkfifo pipe
	spawn gunzip sh -c 'exec gzip -dc <pipe >out'
	listener "${L[@]}" -l "$p" </dev/null >pipe
	client "${C[@]}" -N 127.0.0.1 "$p" < <(gzip -1c data)
	expect_exit gunzip 0
	rm pipe
	got
}

with_a_checksum_on_the_way() {
	listener "${L[@]}" -l "$p" </dev/null > >(tee out | sha256sum >sum.out)
	client "${C[@]}" -N 127.0.0.1 "$p" < <(tee >(sha256sum >sum.in) <data)
	expect_exit rx 0
	wait_for "$PATIENCE" "both sums" eval '[[ -s sum.in && -s sum.out ]]'
	expect_same data out
	expect_same sum.in sum.out
	rm sum.in sum.out
}

zeros_by_head() {
	listener "${L[@]}" -l "$p" </dev/null > >(wc -c >out)
	client "${C[@]}" -N 127.0.0.1 "$p" < <(head -c 20000000 /dev/zero)
	expect_exit rx 0
	wait_for "$PATIENCE" "the count" test -s out
	expect_content out 20000000
}

a_line_for_read() {
	listener "${L[@]}" -l "$p" </dev/null > >(read -r line && echo "got $line" >out)
	client "${C[@]}" -N localhost "$p" < <(echo hello)
	expect_exit rx 0
	wait_for "$PATIENCE" "the line" test -s out
	expect_content out 'got hello'
}

port_by_p() {
	listener "${L[@]}" -l -p "$p" </dev/null >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	got
}

port_by_lp() {
	listener "${L[@]}" -lp "$p" </dev/null >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	got
}

on_one_address() {
	listener "${L[@]}" -l 127.0.0.1 "$p" </dev/null >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	got
}

on_one_address_by_s() {
	listener "${L[@]}" -l -s 127.0.0.1 -p "$p" </dev/null >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	got
}

from_an_address_and_a_port() {
	local source

	source=$(free_ports 8)
	listener "${L[@]}" -l "$p" </dev/null >out
	client "${C[@]}" -N -s 127.0.0.2 -p "$source" 127.0.0.1 "$p" <data
	got
}

ipv4_numeric_verbose() {
	listener "${L[@]}" -4nvl "$p" </dev/null >out
	client "${C[@]}" -4nvN 127.0.0.1 "$p" <data >back
	got
	expect_empty back
	[[ -s tx.err ]] || fail "$idiom: -v says nothing"
}

ipv6() {
	grep -qs ' lo$' /proc/net/if_inet6 || return 0
	listener "${L[@]}" -6l "$p" </dev/null >out
	client "${C[@]}" -6N ::1 "$p" <data
	got
}

quit_at_the_end_of_input() {
	listener "${L[@]}" -l "$p" </dev/null >out
	client "${C[@]}" -q 1 127.0.0.1 "$p" <data
	got
}

with_a_time_limit() {
	listener "${L[@]}" -l "$p" </dev/null >out
	client timeout "$PATIENCE" "${C[@]}" -w 20 -N 127.0.0.1 "$p" <data
	got
}

input_is_not_read() {
	listener "${L[@]}" -d -l "$p" <tree/small >out
	client "${C[@]}" -N 127.0.0.1 "$p" <data >back
	got
	expect_empty back "$idiom: -d"
}

an_input_that_never_ends() {
	exec 5<>silent
	listener "${L[@]}" -l "$p" <silent >out 5>&-
	client "${C[@]}" -N 127.0.0.1 "$p" <data 5>&-
	got
	exec 5>&-
}

several_clients_by_k() {
	local i

	listener "${L[@]}" -k -l "$p" </dev/null >out
	for i in 1 2 3; do
		client "${C[@]}" -N 127.0.0.1 "$p" < <(echo "$i")
	done
	wait_for "$PATIENCE" "all three came" file_has out 6
	expect_content out $'1\n2\n3'
	stop rx TERM
}

# await_round I: the listener before has gone, and this one is there
await_round() {
	wait_for "$PATIENCE" "round $1" test -e "round.$1"
	wait_for "$PATIENCE" "it listens on $p" served "$p"
}

# receive_three COMMAND ARG...: a file for each
receive_three() {
	local i

	for i in 1 2 3; do
		"$@" </dev/null >"round.$i"
	done
}

a_loop_of_listeners() {
	local i

	rm -f round.*
	spawn rx receive_three "${L[@]}" -l "$p"
	for i in 1 2 3; do
		await_round "$i"
		client "${C[@]}" -N 127.0.0.1 "$p" < <(echo "round $i")
	done
	expect_exit rx 0
	cat round.? >out
	expect_content out $'round 1\nround 2\nround 3'
}

# serve_three COMMAND ARG...: the same file to each
serve_three() {
	local i

	for i in 1 2 3; do
		: >"round.$i"
		"$@" <data
	done
}

a_loop_that_serves_a_file() {
	local i

	rm -f round.*
	spawn rx serve_three "${L[@]}" -N -l "$p"
	for i in 1 2 3; do
		await_round "$i"
		client "${C[@]}" 127.0.0.1 "$p" </dev/null >out
		expect_same data out
	done
	expect_exit rx 0
}

is_it_there() {
	local other

	other=$(free_ports 1)
	listener "${L[@]}" -k -l "$p" </dev/null >out
	client "${C[@]}" -z 127.0.0.1 "$p" </dev/null
	spawn tx "${C[@]}" -z 127.0.0.1 "$other" </dev/null
	expect_exit tx 1
	client "${C[@]}" -N 127.0.0.1 "$p" <data
	wait_for "$PATIENCE" "the file came" file_has out 3145728
	expect_same data out
	stop rx TERM
}

a_chat() {
	mkfifo say.l say.c
	exec 5<>say.l 6<>say.c
	listener "${L[@]}" -l "$p" <say.l >heard.l 5>&- 6>&-
	spawn tx "${C[@]}" -N 127.0.0.1 "$p" <say.c >heard.c 5>&- 6>&-
	echo hello >&6
	wait_for "$PATIENCE" "the listener hears" grep -q hello heard.l
	echo 'hello too' >&5
	wait_for "$PATIENCE" "the client hears" grep -q too heard.c
	echo bye >&6
	wait_for "$PATIENCE" "the listener hears" grep -q bye heard.l
	exec 5>&- 6>&-
	expect_exit tx 0
	expect_exit rx 0
	expect_content heard.c 'hello too'
	expect_content heard.l $'hello\nbye'
	rm say.l say.c heard.l heard.c
}

# The manual's remote shell: its output goes back by way of a fifo.
a_shell_by_a_fifo() {
	mkfifo loop ask
	exec 5<>ask
	spawn sh bash -c 'cat loop | sh 2>&1 | "$@" >loop' bash "${L[@]}" -l "$p" 5>&-
	wait_for "$PATIENCE" "it listens on $p" served "$p"
	spawn tx "${C[@]}" -N 127.0.0.1 "$p" <ask >back 5>&-
	echo 'expr 6 "*" 7' >&5
	wait_for "$PATIENCE" "the answer" grep -q 42 back
	exec 5>&-
	expect_exit tx 0
	expect_exit sh 0
	expect_content back 42
	rm loop ask
}

a_unix_socket() {
	rm -f sock
	spawn rx "${L[@]}" -lU "$WORK/sock" </dev/null >out
	wait_unix_listener "$WORK/sock"
	client "${C[@]}" -NU "$WORK/sock" <data
	got
}

type_of_service_and_buffers() {
	listener "${L[@]}" -I 65536 -l "$p" </dev/null >out
	client "${C[@]}" -T lowdelay -O 65536 -N 127.0.0.1 "$p" <data
	got
}

hop_limit() {
	listener "${L[@]}" -l "$p" </dev/null >out
	client "${C[@]}" -M 5 -N 127.0.0.1 "$p" <data
	got
}

idioms=(push_a_file pull_a_file a_tree_by_tar dd_to_dd compressed with_a_checksum_on_the_way
	zeros_by_head a_line_for_read port_by_p port_by_lp on_one_address on_one_address_by_s
	from_an_address_and_a_port ipv4_numeric_verbose ipv6 quit_at_the_end_of_input
	with_a_time_limit input_is_not_read an_input_that_never_ends several_clients_by_k
	a_loop_of_listeners a_loop_that_serves_a_file is_it_there a_chat a_shell_by_a_fifo
	a_unix_socket type_of_service_and_buffers hop_limit)

# -------------------------------------------------------------------------------------------------

mkfifo silent

all_idioms() {
	section "${#idioms[@]} idioms: $1"
	for idiom in "${idioms[@]}"; do
		echo "$1: $idiom" >idiom.err
		next_port
		"$idiom"
	done
}

mpnc=("$MPNC") plain=("$MPNC" --plain) nc=(nc.openbsd)

if command -v nc.openbsd >/dev/null; then
	L=("${nc[@]}") C=("${nc[@]}")
	all_idioms "netcat to netcat"
	L=("${nc[@]}") C=("${plain[@]}")
	all_idioms "mpnc --plain to netcat"
	L=("${plain[@]}") C=("${nc[@]}")
	all_idioms "netcat to mpnc --plain"
elif [[ ${CI-} == true ]]; then
	fail "nc.openbsd is not installed"
fi
L=("${mpnc[@]}") C=("${mpnc[@]}")
all_idioms "mpnc to mpnc"
L=("${plain[@]}") C=("${plain[@]}")
all_idioms "mpnc --plain to mpnc --plain"
