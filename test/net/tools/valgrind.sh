#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A transfer under valgrind, plain and with TLS: no error, no leak, at either end.
. "$(dirname "$0")/../lib.sh"
need valgrind

if grep -q __asan_init "$MPNC"; then
	skip "a sanitizer and valgrind do not go together"
fi

# checked NAME ARG...: the program under valgrind, which fails with 99.
checked() {
	spawn "$1" valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
		--errors-for-leak-kinds=definite,indirect "$MPNC" "${@:2}"
}

random_file data 6M
"$MPNC" genkey key
for args in '' '--key key'; do
	section "a transfer each way ${args:-without a key}"
	# shellcheck disable=SC2086 # options
	checked rx -l -v --duplex $args 0 <data >out
	wait_port rx
	# shellcheck disable=SC2086
	checked tx -v --duplex -P 4 $args 127.0.0.1 "$PORT" <data >back
	expect_exit tx 0 $((4 * PATIENCE))
	expect_exit rx 0
	expect_same data out
	expect_same data back
done
