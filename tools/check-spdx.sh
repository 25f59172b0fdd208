#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every source file names its licence in one of its first lines: check-spdx.sh [TREE]
set -euo pipefail
cd "${1-$(dirname "$0")/..}"

status=0
while IFS= read -r file; do
	if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2\.0-or-later'; then
		echo "$file: no SPDX-License-Identifier: GPL-2.0-or-later in its first 3 lines"
		status=1
	fi
done < <(find . \( -path ./.git -o -path './build*' \) -prune -o -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name meson.build -o -name meson_options.txt \
	-o -name Makefile -o -path './.ci/*' \) -print | sort)
exit $status
