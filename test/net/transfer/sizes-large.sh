#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# More than 4 GiB, where a 32-bit offset would wrap, and 512 MiB for other numbers of subflows; both
# directions. As many subflows as were asked for are used.
. "$(dirname "$0")/../lib.sh"

make_block

# transfer N COUNT HOST client|listener: who of them sends
transfer() {
	local n=$1 count=$2 host=$3 sender=$4

	section "$((count * 64)) MiB, $n subflows, $host, the $sender sends"
	rm -f out && mkfifo out
	spawn check cmp out <(stream "$n" "$count") </dev/null
	if [[ $sender == client ]]; then
		listen rx "$host" </dev/null >out
		start tx -v -P "$n" "$host" "$PORT" < <(stream "$n" "$count") >back
	else
		listen tx "$host" < <(stream "$n" "$count") >back
		start rx -v -P "$n" "$host" "$PORT" </dev/null >out
	fi
	expect_exit tx 0 $((4 * PATIENCE))
	expect_exit rx 0
	expect_exit check 0
	expect_empty back
	expect_log tx "sent .* over $n subflows?\$"
	expect_log rx "received .* over $n subflows?\$"
}

transfer 4 80 127.0.0.1 client
transfer 1 8 127.0.0.1 listener
transfer 2 8 127.0.0.1 client
transfer 16 8 127.0.0.1 listener
transfer 64 8 127.0.0.1 client
if grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
	transfer 4 8 ::1 listener
fi
