#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every byte arrives once and in order: sizes around the edges of buffers, numbers of subflows, both
# families, both directions.
. "$(dirname "$0")/../lib.sh"

random_file all 1048577
sizes=(0 1 65535 65536 1048577)
for size in "${sizes[@]}"; do
	head -c "$size" all >"in.$size"
done

families=(127.0.0.1)
if [[ -e /proc/net/if_inet6 ]] && grep -q ' lo$' /proc/net/if_inet6; then
	families+=(::1)
else
	echo "no IPv6 here: only IPv4 is tried"
fi

# one SIZE HOST P
client_sends() {
	listen rx -P "$3" "$2" </dev/null >out
	run 0 tx -P "$3" "$2" "$PORT" <"in.$1" >back
	expect_exit rx 0
	expect_same "in.$1" out "$1 bytes over $3 to $2 arrived differently"
	expect_empty back
	expect_empty tx.err "a success without -v is silent"
}

listener_sends() {
	listen tx -P "$3" "$2" <"in.$1" >back
	run 0 rx -P "$3" "$2" "$PORT" </dev/null >out
	expect_exit tx 0
	expect_same "in.$1" out "$1 bytes over $3 from $2 arrived differently"
	expect_empty back
	expect_empty rx.err "a success without -v is silent"
}

for host in "${families[@]}"; do
	for n in 1 2 4 16 64; do
		section "$host, $n subflows"
		for size in "${sizes[@]}"; do
			client_sends "$size" "$host" "$n"
			listener_sends "$size" "$host" "$n"
		done
	done
done
