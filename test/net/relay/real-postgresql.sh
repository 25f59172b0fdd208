#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay before PostgreSQL: a table is loaded through it, and dumped as it would be without it.
# shellcheck source=test/net/lib.sh
. "$(dirname "$0")/../lib.sh"
need ss unshare
# Debian has the server's programs outside of PATH.
for dir in /usr/lib/postgresql/*/bin; do
	PATH=$dir:$PATH
done
need initdb postgres psql pg_dump

# The server refuses to be run by root: it sees another user, to whom this one's files belong.
as=(unshare --map-user=1000 --map-group=1000)
"${as[@]}" true 2>/dev/null || skip "no user namespaces"

"${as[@]}" initdb -D data -A trust -U mpnc -E UTF8 --locale=C --no-sync >initdb.err 2>&1 ||
	fail "initdb: exit status $?"
TARGET=$(free_ports 1)
spawn server "${as[@]}" postgres -D data -p "$TARGET" -c listen_addresses=127.0.0.1 \
	-c unix_socket_directories= -c fsync=off </dev/null >&2
wait_log server 'ready to accept connections'
relay_pair 127.0.0.1:0

# sql PORT ARG...
sql() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U mpnc -d postgres "${@:2}" 2>sql.err ||
		fail "psql: exit status $?"
}
# dump PORT FILE
dump() {
	pg_dump -h 127.0.0.1 -p "$1" -U mpnc postgres >"$2.raw" 2>pg_dump.err || fail "pg_dump: exit status $?"
	# It begins and ends with a word that is another one each time.
	sed -E '/^\\(un)?restrict /d' "$2.raw" >"$2"
}

section "a table is loaded"
sql "$NEAR" -c 'CREATE TABLE t (id int PRIMARY KEY, word text, bytes bytea)'
for ((i = 0; i < 100000; i++)); do
	printf '%d\tnumber %d\t\\\\x%032x\n' "$i" "$i" "$((i * 7919))"
done >rows
sql "$NEAR" -c '\copy t FROM rows'
[[ $(sql "$TARGET" -c 'SELECT count(*), sum(id) FROM t') == '100000|4999950000' ]] || fail "not what was loaded"

section "it is dumped through the relay as it is without"
dump "$TARGET" direct
dump "$NEAR" relayed
(($(stat -c %s direct) > 5000000)) || fail "nothing much was dumped"
expect_same direct relayed

section "transactions, a thousand on one connection"
for ((i = 0; i < 1000; i++)); do
	echo "UPDATE t SET word = 'changed $i' WHERE id = $i RETURNING word;"
done >updates
sql "$NEAR" -f updates >told
expect_same <(printf 'changed %d\n' {0..999}) told
dump "$TARGET" direct
dump "$NEAR" relayed
expect_same direct relayed

# sleeper: psql, in a query that lasts
sleeper() {
	spawn psql env --default-signal=INT psql -X -h 127.0.0.1 -p "$NEAR" -U mpnc -d postgres \
		-c 'SELECT pg_sleep(600)' </dev/null >&2
	wait_for "$PATIENCE" "the query runs" sleeps
}
sleeps() {
	[[ $(sql "$TARGET" -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == 1 ]]
}

section "a query is cancelled: that comes over a connection of its own"
sleeper
kill -INT "${PID[psql]}"
expect_exit psql '!0'
expect_log psql 'canceling statement due to user request'

section "the server ends, and says so to who is connected"
sleeper
kill -INT "${PID[server]}"
expect_exit server 0
expect_exit psql '!0'
expect_log psql 'terminating connection due to administrator command'
stop_pair
