#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every attack of test/hostile at its full length; those on memory against the program with sanitizers.
# attack.sh [OPTION OF test/hostile/run...]
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -f build-check-gcc/build.ninja ]] || CC=gcc meson setup build-check-gcc -Dwerror=true -Dtests=enabled >/dev/null
[[ -f build-asan/build.ninja ]] || CC=gcc meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false \
	-Dc_args=-fno-sanitize-recover=all -Dtests=enabled >/dev/null
for dir in build-check-gcc build-asan; do
	meson compile -C "$dir" mpnc:executable failing-calls failing-malloc >/dev/null
done
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
MPNC=$PWD/build-check-gcc/mpnc exec test/hostile/run --asan-mpnc build-asan/mpnc "$@"
