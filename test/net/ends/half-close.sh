#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who ends first, and what still comes through then: a table of both sides' options and inputs.
. "$(dirname "$0")/../lib.sh"

random_file file.l 300K
random_file file.c 300K
"$MPNC" genkey key

# A row: the listener's options and input, the client's, what happens, both exit statuses.
#
# Inputs: a pipe that is open until the row closes it; a file; null, the null device; none, closed.
# file- is a file; nothing of it may arrive. A client that sends before it knows that nobody takes it
# fails, as does the listener; all others end well, and so do these if the client hears of it first.
#
# What happens, in order: l> and c> write into the side's pipe, and that has to arrive at the other
# side before the row goes on, so it shows what is still open; L and C close the side's pipe. After
# all that both have to end by themselves, with these statuses, and if they are 0, to have got that and
# no more.
sessions='
	|pipe ||pipe |c> l> C l> l> L|0 0
	|pipe ||pipe |c> l> L c> c> C|0 0
	|pipe ||pipe |l> L c> C|0 0
	-N|pipe |-N|pipe |c> l> C l> L|0 0
	-N|pipe |-N|pipe |c> l> L c> C|0 0
	--duplex|pipe |--duplex|pipe |c> C l> L|0 0
	--duplex|pipe |--duplex|pipe |l> L c> C|0 0
	--duplex|pipe |--duplex|pipe |C L|0 0
	--duplex|pipe |--duplex|pipe |L C|0 0
	--duplex|pipe ||file |l> L|0 0
	|file ||pipe |c> C|0 0
	|file ||file ||0 0
	|null ||null ||0 0
	|null ||pipe |c> c> C|0 0
	|pipe ||null |l> l> L|0 0
	|file ||null ||0 0
	|null ||file ||0 0
	|none ||file ||0 0
	|file ||none ||0 0
	--duplex|null |--duplex|null ||0 0
	--duplex|null |--duplex|file ||0 0

	|pipe ||pipe |c> C|0 0
	|pipe ||file ||0 0
	-d|pipe ||pipe |c> C|0 0
	-d|pipe ||file ||0 0
	-d|file- ||file ||0 0
	|pipe |-d|pipe |l> L|0 0
	|file |-d|pipe ||0 0
	-d|pipe |-d|pipe ||0 0

	--recv-only|pipe ||pipe |c> c> C|0 0
	--recv-only|file- ||file ||0 0
	--recv-only|file- |--send-only|file ||0 0
	--recv-only|pipe |--send-only|pipe |c> C|0 0
	|pipe |--send-only|file ||0 0
	|file- |--send-only|file ||0 0
	--duplex|pipe |--send-only|pipe |c> c> C|0 0
	|pipe |--recv-only|pipe |l> l> L|0 0
	|file |--recv-only|file- ||0 0
	--send-only|file |--recv-only|file- ||0 0
	--send-only|pipe |--recv-only|pipe |l> L|0 0
	--send-only|file ||pipe ||0 0
	--send-only|file |--json=tx.json|file- ||1 4
	--send-only|pipe |--duplex|pipe |l> l> L|0 0

	--duplex|pipe |-q 0|file ||0 0
	--duplex|pipe |-q 0|pipe |l> c> l> C|0 0
	-q 0|file |--duplex|pipe ||0 0
	-q 0|pipe |--duplex|pipe |c> l> c> L|0 0
	-q 20|file |-q 20|file ||0 0
	-q -1|pipe |-q -1|pipe |c> l> C l> L|0 0
	-q 0|pipe |-d|pipe |l> L|0 0
	-d|pipe |-q 0|pipe |c> C|0 0
'

# An ordinary connection, whose end the peer sees only with -N or when it closes.
plain='
	--duplex -N|pipe |--duplex -N|pipe |c> l> C l> L|0 0
	--duplex -N|pipe |--duplex -N|pipe |c> l> L c> C|0 0
	-N|pipe |-N|pipe |c> l> c> C|0 0
	-N|pipe |-N|pipe |c> l> l> L|0 0
	|pipe |-N|pipe |c> l> C|0 0
	-N|pipe ||pipe |c> l> L|0 0
	|pipe |--send-only|file ||0 0
	|pipe |-N|file ||0 0
	-N|file ||pipe ||0 0
	-d|file- |-N|file ||0 0
	-N|file |-d|file- ||0 0
	--recv-only|file- |-N|file ||0 0
	--send-only|file |-d|pipe ||0 0
	|pipe |-q 0|file ||0 0
	|pipe |-q 0|pipe |c> l> C|0 0
	-q 0|file ||pipe ||0 0
	|null |-N|null ||0 0
'

# side KIND: the input of a side whose pipe is in.SIDE
open_input() {
	case $2 in
	pipe) input=in.$1 ;;
	file | file-) input=file.$1 ;;
	*) input=/dev/null ;;
	esac
}

# start_side NAME SIDE KIND ARG...
start_side() {
	local name=$1 side=$2 kind=$3 input

	open_input "$side" "$kind"
	if [[ $kind == none ]]; then
		start_closed "$name" '<&-' "${@:4}" >"out.$side" 5>&- 6>&-
	else
		start "$name" "${@:4}" <"$input" >"out.$side" 5>&- 6>&-
	fi
}

# say SIDE FD: a piece of its own, which has to arrive
say() {
	local other=c

	[[ $1 == l ]] || other=l
	n=$((n + 1))
	printf '%s %d %01000d\n' "$1" "$n" 0 | tee -a "want.$other" >&"$2"
	wait_for "$PATIENCE" "$row: piece $n arrives" file_has "out.$other" "$(stat -c %s "want.$other")"
}

# act ACTION
act() {
	case $1 in
	'l>') say l 5 ;;
	'c>') say c 6 ;;
	L) exec 5>&- ;;
	C) exec 6>&- ;;
	*) fail "$row: no such action: $1" ;;
	esac
}

# play ROW ARG...: with these options at both sides
play() {
	local row=$1 l_options l_kind c_options c_kind actions exits action n=0

	IFS='|' read -r l_options l_kind c_options c_kind actions exits <<<"$row"
	read -ra l_options <<<"$l_options"
	read -ra c_options <<<"$c_options"
	l_kind=${l_kind% } c_kind=${c_kind% }
	rm -f in.* out.* want.*
	echo "$row ${*:2}" >row.err
	mkfifo in.l in.c
	exec 5<>in.l 6<>in.c
	: >want.l
	: >want.c
	[[ $c_kind != file ]] || cp file.c want.l
	[[ $l_kind != file ]] || cp file.l want.c

	start_side rx l "$l_kind" -l -v "${@:2}" "${l_options[@]}" 127.0.0.1 0
	wait_port rx
	start_side tx c "$c_kind" "${@:2}" "${c_options[@]}" 127.0.0.1 "$PORT"
	for action in $actions; do
		act "$action"
	done
	if [[ $exits == '1 4' ]]; then
		wait_for "$PATIENCE" "$row: the client ends" ended tx
		grep -q '"sent":[1-9]' tx.json || exits='0 0'
	fi
	expect_exit rx "${exits% *}"
	expect_exit tx "${exits#* }"
	exec 5>&- 6>&-
	[[ $exits == '0 0' ]] || return 0
	expect_same want.l out.l "$row: the listener did not get what it should"
	expect_same want.c out.c "$row: the client did not get what it should"
}

# play_all TABLE ARG...
play_all() {
	local row rows=0

	while read -r row; do
		[[ $row ]] || continue
		play "$row" "${@:2}"
		rows=$((rows + 1))
	done <<<"$1"
	section "... $rows rows"
}

section "sessions"
play_all "$sessions"
section "sessions, encrypted"
play_all "$sessions" --key key
section "--plain"
play_all "$plain" --plain
