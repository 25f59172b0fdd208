#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything is small: check-complexity.sh [TREE]
#
#   function   60 lines, complexity 25, 6 parameters
#   file       800 lines
#   folder     15 .c files, of src and of test/unit
#   header     30 prototypes
#   state      25 fields: of a struct that other modules do not see, or that has a timer or descriptor in
#              it. Plain values, which are filled once, may have as many as there are.
set -euo pipefail
cd "${1-$(dirname "$0")/..}"

status=0
mapfile -t sources < <(find src test -name '*.c' | sort)
mapfile -t headers < <(find src test -name '*.h' | sort)
((${#sources[@]})) || exit 0

# pmccabe exits 0 even when it cannot parse a file, so what it says on stderr counts as well.
pmccabe "${sources[@]}" 2>&1 | awk -F '\t' '
	NF < 6 { print; bad = 1; next }
	$5 > 60 { print $6 ": " $5 " lines, at most 60"; bad = 1 }
	$1 > 25 { print $6 ": complexity " $1 ", at most 25"; bad = 1 }
	END { exit bad }' || status=1

find src -name '*.[ch]' -print0 | sort -z | xargs -0 -r wc -l | awk '
	$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, at most 800"; bad = 1 }
	END { exit bad }' || status=1

find src test/unit -name '*.c' -printf '%h\n' | sort | uniq -c | awk '
	$1 > 15 { print $2 ": " $1 " .c files, at most 15"; bad = 1 }
	END { exit bad }' || status=1

# Members of a struct or union within a struct belong to the outer one: its scope begins with that name.
ctags -x --languages=C --langmap=C:.c.h --c-kinds=fpm --_xformat='%K	%F	%n	%N	%s	%t	%S' \
	"${sources[@]}" "${headers[@]}" | awk -F '\t' '
	function n_params(signature,   n, depth, i, c) {
		for (i = 1; i <= length(signature); i++) {
			c = substr(signature, i, 1)
			depth += (c == "(") - (c == ")")
			n += c == "," && depth == 1
		}
		return n + 1
	}

	$1 == "member" {
		outer = $2 ": struct " $5
		sub(/::.*/, "", outer)
		fields[outer]++
		if ($2 ~ /(\.c|internal\.h)$/ || $6 ~ /^struct:loop_(io|task|timer)(\[\])?$/)
			is_state[outer] = $2 ~ /^src\//
		next
	}

	$1 == "prototype" && $2 ~ /\.h$/ { prototypes[$2]++ }

	n_params($7) > 6 { print $2 "(" $3 "): " $4 ": " n_params($7) " parameters, at most 6"; bad = 1 }

	END {
		for (file in prototypes)
			if (prototypes[file] > 30) {
				print file ": " prototypes[file] " prototypes, at most 30"
				bad = 1
			}
		for (outer in is_state)
			if (is_state[outer] && fields[outer] > 25) {
				print outer ": " fields[outer] " fields, at most 25"
				bad = 1
			}
		exit bad
	}' || status=1

exit $status
