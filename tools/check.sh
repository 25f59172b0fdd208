#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run every gate, or those named: check.sh [STEP...]. Each step's output is kept in
# build/check/STEP.log; all steps run even if one fails. With CI=true a skipped test has failed.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
logs=build/check
passed=0 failed=0 skipped=0

sources() { find src test -name '*.[ch]' -print0 | sort -z; }
scripts() { find .ci/run tools test \( -name '*.sh' -o -path .ci/run -o -path test/lab/run \) -print0 | sort -z; }

# configure DIR OPTION...: the compiler is CC's when DIR is new.
configure() {
	local again=()
	[[ ! -f $1/build.ninja ]] || again=(--reconfigure)
	meson setup "${again[@]}" -Db_colorout=auto "$@"
}

# tests DIR SUITE...: meson leaves one line of JSON per test in the log named after the step. Half of the
# tests only wait at any time.
tests() {
	local dir=$1 suites=("${@:2}")
	meson test -C "$dir" --no-rebuild --print-errorlogs --logbase "$step" \
		--num-processes $((2 * $(nproc))) "${suites[@]/#/--suite=}"
}

step_format() { sources | xargs -0 -r clang-format-14 --dry-run -Werror; }
step_includes() { tools/check-includes.sh; }
step_complexity() { tools/check-complexity.sh; }
step_heads() { tools/check-heads.sh; }
step_words() { tools/check-words.sh; }
step_spdx() { tools/check-spdx.sh; }
step_shellcheck() { scripts | xargs -0 -n 8 -P "$(nproc)" shellcheck -x -P SCRIPTDIR:SCRIPTDIR/..; }
# Debian's checker of Python; the scripts without .py name their interpreter in the first line.
step_python() {
	{
		find test tools -name '*.py' -print
		grep -rlIm 1 '^#!/usr/bin/env python3' test tools
	} | sort -u | xargs pyflakes3
}
step_selftest() { tools/check-gates-selftest.sh; }

# Whether a page that ours refers to is installed says nothing about ours.
step_manpage() {
	local lint
	lint=$(mandoc -T lint -W style doc/mpnc.1 2>&1 |
		grep -v -e 'referenced manual not found' -e 'outdated mandoc.db') || true
	echo "$lint"
	[[ -z $lint ]]
}

step_gcc() {
	CC=gcc configure build-check-gcc -Dwerror=true -Dtests=enabled
	meson compile -C build-check-gcc
	tests build-check-gcc unit sim net
}

step_help-in-man() { tools/check-manpage.sh build-check-gcc/mpnc doc/mpnc.1; }

step_asan() {
	CC=gcc configure build-asan -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fno-sanitize-recover=all -Dtests=enabled
	meson compile -C build-asan
	ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
		UBSAN_OPTIONS=print_stacktrace=1 tests build-asan unit sim hostile
}

# What has threads. Everything else would only take ten times as long.
step_tsan() {
	CC=gcc configure build-tsan -Db_sanitize=thread -Db_lundef=false -Dtests=enabled
	meson compile -C build-tsan mpnc:executable test-engine test-input test-loop test-output test-tls \
		test-worker-pool test-worker
	meson test -C build-tsan --no-rebuild --print-errorlogs --logbase "$step" \
		engine input loop output threads tls worker-pool worker
}

step_clang() {
	CC=clang-14 configure build-clang -Dwerror=true -Dtests=enabled
	meson compile -C build-clang
	tests build-clang unit
}

step_fuzz-corpus() {
	CC=clang-14 configure build-fuzz -Dfuzz=true
	meson compile -C build-fuzz
	tests build-fuzz fuzz
}

# Skipped where no machine can be booted.
step_lab() {
	CC=gcc configure build-check-gcc -Dwerror=true -Dtests=enabled
	meson compile -C build-check-gcc
	MPNC=$PWD/build-check-gcc/mpnc test/lab/run -f test/lab/check.list
}

# results RESULT...: the names of the step's tests that ended so.
results() {
	local pattern
	pattern=$(IFS='|' && echo "$*")
	sed -nE "s/^\{\"name\": \"([^\"]*)\".*\"result\": \"($pattern)\".*/\1/p" \
		build-*/meson-logs/"$step".json 2>/dev/null || true
}

# A step whose tests failed counts these, not itself.
run() {
	local log=$logs/$step.log begin=${EPOCHREALTIME/./} rc word=ok broken missed
	rm -f build-*/meson-logs/"$step".json
	printf '%-12s ' "$step"

	set +e
	(
		set -e
		"step_$step"
	) >"$log" 2>&1 </dev/null
	rc=$?
	set -e

	mapfile -t broken < <(results FAIL TIMEOUT ERROR INTERRUPT UNEXPECTEDPASS)
	mapfile -t missed < <(results SKIP)
	((rc != 77)) || missed+=("$(tail -n 1 "$log")")
	if [[ ${CI-} == true ]]; then
		broken+=("${missed[@]/%/ (skipped)}")
		missed=()
	fi
	passed=$((passed + $(results OK EXPECTEDFAIL | wc -l)))
	skipped=$((skipped + ${#missed[@]}))
	failed=$((failed + ${#broken[@]}))
	if ((${#broken[@]})); then
		word=FAILED
	elif ((rc == 77)); then
		word=skip
	elif ((rc != 0)); then
		word=FAILED
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi

	printf '%6s  %6.1f s\n' "$word" "$(((${EPOCHREALTIME/./} - begin) / 100000))e-1"
	((${#missed[@]} == 0)) || printf '  skipped: %s\n' "${missed[@]}"
	if [[ $word == FAILED ]]; then
		((${#broken[@]} == 0)) || printf '  failed: %s\n' "${broken[@]}"
		tail -n 60 "$log" | sed 's/^/  | /'
	fi
}

all=(format includes complexity heads words spdx shellcheck python selftest manpage gcc help-in-man asan tsan
	clang fuzz-corpus lab)
steps=("$@")
(($#)) || steps=("${all[@]}")
for step in "${steps[@]}"; do
	declare -F "step_$step" >/dev/null || {
		echo "$0: no step named $step; there are: ${all[*]}" >&2
		exit 2
	}
done

mkdir -p "$logs"
for step in "${steps[@]}"; do
	run
done

summary="$passed passed, $failed failed"
((skipped == 0)) || summary+=", $skipped skipped"
echo "$summary"
((failed == 0))
