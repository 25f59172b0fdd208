#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the unit tests and the simulation run of src/wire and src/session, by llvm-cov: coverage.sh [LEAST].
# Fails below LEAST per cent of lines (90) of either. Lines that never ran are in build-coverage/missed.
set -euo pipefail
cd "$(dirname "$0")/.."

least=${1-90}
[[ $least =~ ^[0-9]+$ ]] || {
	echo "usage: $0 [LEAST]" >&2
	exit 2
}
dir=build-coverage
flags='-fprofile-instr-generate -fcoverage-mapping'

programs=()
for name in frame facts digest winbuf sendwin reasm sched bucket handshake session session-life session-links \
	session-lost memory; do
	programs+=("test/unit/test-$name")
done

# What the compiler's checks and the build run says nothing.
export LLVM_PROFILE_FILE=/dev/null
[[ -f $dir/build.ninja ]] || CC=clang-14 meson setup "$dir" -Dtests=enabled -Dbuildtype=debugoptimized \
	-Dc_args="$flags" -Dc_link_args="$flags" >/dev/null
ninja --quiet -C "$dir" "${programs[@]}" test/sim/sim
rm -f "$dir"/*.profraw
export LLVM_PROFILE_FILE=$PWD/$dir/%p.profraw
objects=("$dir/test/sim/sim")

# run PROGRAM ARG...
run() {
	"$dir/$1" "${@:2}" >"$dir/log" 2>&1 || {
		cat "$dir/log"
		exit 1
	}
}

for program in "${programs[@]}"; do
	run "$program"
	objects+=(-object "$dir/$program")
done
# Thousands of random runs would reach what the first ones reach.
for seed in {1..40}; do
	run test/sim/sim --seed "$seed"
done
llvm-profdata-14 merge -sparse -o "$dir/profile" "$dir"/*.profraw
rm -f "$dir"/*.profraw

# "FILE LINES MISSED PER-CENT" of each file, then of both folders.
llvm-cov-14 report "${objects[@]}" -instr-profile="$dir/profile" |
	awk 'function line(name, n, gone) { printf "%-28s %6d %6d %7.1f\n", name, n, gone, 100 - 100 * gone / n }
		$1 ~ /^src\/(wire|session)\/.*\.c$/ {
			line($1, $8, $9)
			folder = $1 ~ /wire/ ? "src/wire" : "src/session"
			n[folder] += $8
			gone[folder] += $9
		}
		END { for (folder in n) line(folder, n[folder], gone[folder]) }' >"$dir/report"
llvm-cov-14 show "${objects[@]}" -instr-profile="$dir/profile" |
	awk -F '|' '/^\/.*:$/ { file = $0 } file ~ /\/src\/(wire|session)\// && $2 ~ /^ *0$/ { print file $1 $3 }' >"$dir/missed"
echo "file                          lines missed covered"
cat "$dir/report"
awk -v least="$least" '$1 ~ /^src\/[a-z]*$/ && $4 < least {
	print $1 ": less than " least " % of the lines"
	bad = 1
} END { exit bad }' "$dir/report"
