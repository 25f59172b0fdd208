#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every long option that --help prints, of the program and its tools, is in the manual page:
# check-manpage.sh PROGRAM PAGE
set -euo pipefail
(($# == 2)) || {
	echo "usage: $0 PROGRAM PAGE" >&2
	exit 2
}

long_options() {
	grep -oE -- '(^|[^[:alnum:]-])--[[:alnum:]][[:alnum:]-]*' | sed 's/^[^-]//' | sort -u
}

help=$({ "$1" --help && "$1" bench --help && "$1" relay --help && "$1" doctor --help && "$1" status --help && "$1" explain --help; } |
	long_options) || {
	echo "$1 --help fails or names no long option"
	exit 1
}
# As HTML, because there no line breaks at an option's hyphen.
page=$(mandoc -T html -O fragment "$2" | sed 's/<[^>]*>//g' | long_options) || {
	echo "$2 cannot be read or names no long option"
	exit 1
}

missing=$(comm -23 <(echo "$help") <(echo "$page"))
for option in $missing; do
	echo "$option is in --help, but not in $2"
done
[[ -z $missing ]]
