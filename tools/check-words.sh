#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Phrases that are no plain English: check-words.sh [TREE | FILE...] says where they stand, then how many
# each file has.
set -euo pipefail

# What a blank may be, in a text that is broken into lines, is any white space: an underscore here, so that
# this list does not find itself. "who" and "which" without a noun before them, passives that English does
# not have, and words that are taken for others (behind: after; beside: besides).
phrases=(
	'so_(many|often)'
	'so_much_(more|less|of|so)'
	'no_mpnc'
	'(is|are|was|were|be|been|being)_told'
	'(tell|tells|telling|told)_of'
	'of_(ours|theirs)'
	'who_(has|have|had|does|do|asks|waits|reads|writes)'
	'(go|goes|going|went)_on_waiting'
	'(is|are|was|were|be|being)_waited_for'
	'of_which'
	'there_(is|are|was|were)_none'
	'(behind|beside)_(it|that|them)'
	'to_be_had'
)

if (($# == 0)) || [[ -d $1 ]]; then
	cd "${1-$(dirname "$0")/..}"
	mapfile -t files < <(find . \( -name '.?*' -o -name 'build*' \) -prune -o -type f \
		\( -name '*.[ch1]' -o -name '*.sh' -o -name '*.md' -o -name '*.py' \) -printf '%P\n' | sort)
else
	files=("$@")
fi
((${#files[@]})) || exit 0

# A phrase may begin in one line and end in the next, in a comment or a string that goes on there: each
# line is searched together with the beginning of its successor. A phrase counts where it begins.
LC_ALL=C awk -v "phrases=$(IFS='|' && echo "${phrases[*]}")" '
	BEGIN {
		gsub(/_/, "[[:space:]]+", phrases)
		phrases = "(^|[^a-z_])(" phrases ")($|[^a-z_])"
	}

	function search(successor,   rest, at) {
		rest = tolower(line) " " tolower(substr(successor, 1, 40)) " "
		# These are plain English.
		gsub(/told apart/, "kept apart", rest)
		gsub(/mpnc listener/, "MPNC listener", rest)
		for (at = 0; match(rest, phrases) && at + RSTART <= length(line); ) {
			printf "%s:%d: %s\n", file, number, plain(substr(rest, RSTART, RLENGTH))
			count[file]++
			at += RSTART + RLENGTH - 2
			rest = substr(rest, RSTART + RLENGTH - 1)
		}
	}

	function plain(text) {
		gsub(/^[^a-z]+|[^a-z]+$/, "", text)
		return text
	}

	{
		text = $0
		sub(/^[[:space:]]*(\/?\*+|\/\/|#+|")?[[:space:]]*/, "", text)
		sub(/"?[[:space:]]*$/, "", text)
		search(FNR == 1 ? "" : text)
		file = FILENAME
		number = FNR
		line = text
	}

	END {
		search("")
		for (file in count) {
			printf "%5d %s\n", count[file], file | "sort -n"
			total += count[file]
		}
		close("sort -n")
		if (total)
			printf "%5d in all\n", total
		exit total > 0
	}' "${files[@]}"
