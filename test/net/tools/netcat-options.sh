#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# doc/netcat.md tells the truth: about the program, about both netcats, and about the tests.
. "$(dirname "$0")/../lib.sh"

test_root=$(dirname "$TEST_DIR")
doc=$(dirname "$test_root")/doc/netcat.md
[[ -e $doc ]] || skip "there is no doc/netcat.md here"

# One line for each option: which table, option, what mpnc does, test, all options of its row.
awk -F ' *[|] *' '
	/^## / { table = $2 = substr($0, 4) }
	/^[|] `/ {
		gsub("`", "", $2)
		n = split($2, options, ", ")
		for (i = 1; i <= n; i++)
			printf "%s\t%s\t%s\t%s\t%s\n", table, options[i], $4, $5, $2
	}' "$doc" >rows
(($(wc -l <rows) > 100)) || fail "only $(wc -l <rows) options were found in doc/netcat.md"

# The options of a table, sorted.
options_of() {
	awk -F '\t' -v "table=$1" '$1 == table { print $2 }' rows | sort -u
}

"$MPNC" --help >help.txt
{
	sed -nE 's/^  (-[a-zA-Z0-9]).*/\1/p' help.txt
	sed -nE 's/^  (-[a-zA-Z0-9],|   ) (--[a-z-]+).*/\2/p' help.txt
} | sort -u >ours
[[ -s ours ]] || fail "--help shows no options"

# is_used FILE OPTION...: one of them, by itself or as a letter among others
is_used() {
	local file=$1 option

	for option in "${@:2}"; do
		case $option in
		--*) grep -qE -- "$option([^a-z-]|\$)" "$file" && return ;;
		*) grep -qE -- "(^|[^[:alnum:]-])-[[:alnum:]]*${option#-}" "$file" && return ;;
		esac
	done
	return 1
}

section "what it says of the program, and of the tests"
while IFS=$'\t' read -r table option what test row; do
	[[ -e $test_root/$test ]] || fail "$table: $option: there is no test/$test"
	IFS=', ' read -ra options <<<"$row"
	is_used "$test_root/$test" "${options[@]}" || fail "$table: test/$test does not use $row"
	case $what in
	refused*)
		run 2 it "$option" </dev/null >out
		expect_log it "^mpnc: $option is not supported: "
		;;
	same* | differs*)
		grep -qxF -e "$option" ours || fail "$table: $option is \"$what\", but not in --help"
		;;
	*)
		[[ $table == "Only mpnc" ]] || fail "$table: $option: neither same, differs nor refused"
		grep -qxF -e "$option" ours || fail "$table: $option is not in --help"
		;;
	esac
done <rows

section "every option of the program"
cut -f 2 rows | sort -u >told
comm -13 told ours >missing
expect_empty missing "options that doc/netcat.md does not name"

section "every option of the netcats"
# compare TABLE: the options on standard input are those of the table
compare() {
	sort -u >theirs
	[[ -s theirs ]] || fail "$1 shows no options"
	diff <(options_of "$1") theirs >differences || fail "$1: $(<differences)"
}

for peer in nc.openbsd ncat; do
	if ! command -v "$peer" >/dev/null; then
		[[ ${CI-} != true ]] || fail "$peer is not installed"
		section "... but $peer's, which is not installed"
	elif [[ $peer == ncat ]]; then
		ncat --help | sed -nE 's/^ {2,6}(-[^ ]|--[a-z-]+)(, (--[a-z-]+))? .*/\1 \3/p' |
			tr ' ' '\n' | sed '/^$/d' | compare "ncat"
	else
		{ nc.openbsd -h 2>&1 || true; } | sed -nE 's/^\t\t(-.)[ \t].*/\1/p' |
			compare "OpenBSD netcat"
	fi
done
