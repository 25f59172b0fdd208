#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run every fuzz target for a while: fuzz.sh [SECONDS-PER-TARGET]. New inputs stay under
# build-fuzz/corpus; an input that fails is left in build-fuzz with its kind and target in its name.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=${1-60}
[[ $limit =~ ^[1-9][0-9]*$ ]] || {
	echo "usage: $0 [SECONDS]" >&2
	exit 2
}

[[ -f build-fuzz/build.ninja ]] && again=--reconfigure || again=
CC=clang-14 meson setup ${again:+"$again"} build-fuzz -Dfuzz=true >/dev/null
meson compile -C build-fuzz

shopt -s nullglob
status=0
for source in test/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	target=${name#fuzz_}
	args=(-max_total_time="$limit" -print_final_stats=1 -artifact_prefix="build-fuzz/$target-")
	[[ -f test/fuzz/$target.dict ]] && args+=(-dict="test/fuzz/$target.dict")
	mkdir -p "build-fuzz/corpus/$target"
	corpora=("build-fuzz/corpus/$target")
	[[ -d test/fuzz/corpus/$target ]] && corpora+=("test/fuzz/corpus/$target")
	echo "== $target: $limit s"
	"build-fuzz/test/fuzz/$name" "${args[@]}" "${corpora[@]}" || status=1
done
exit $status
