#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every .c file of src over 150 lines begins with its model and what always holds: check-heads.sh [TREE]
# A head is a comment of three lines or more, after the licence and before all else. That it says
# something true is for the reader to see.
set -euo pipefail
cd "${1-$(dirname "$0")/..}"

find src -name '*.c' -print0 | sort -z | xargs -0 -r awk '
	function judge() {
		if (n_lines > 150 && n_head < 3) {
			print file ": " n_lines " lines, and no head"
			bad = 1
		}
	}

	FNR == 1 {
		judge()
		file = FILENAME
		n_head = 0
		inside = ended = 0
	}

	{ n_lines = FNR }

	FNR > 1 && !ended {
		if (!inside && /^\/\*/)
			inside = 1
		if (inside)
			n_head++
		else if (NF && !/^#include/)
			ended = 1
		if (inside && /\*\//) {
			inside = 0
			ended = n_head >= 3
		}
	}

	END {
		judge()
		exit bad
	}'
