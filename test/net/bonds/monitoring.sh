#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# status as monitoring systems run it: exit status and line of the plugin, the metrics that the alert rules name, and
# the exit status of wrong options.
. "$(dirname "$0")/../lib.sh"
doc=$TEST_DIR/../../doc
bonds=$TEST_DIR/../fixtures/bonding

# plugin STATUS PATTERN ARG...: one line like that, and this exit status
plugin() {
	run "$1" status status --plugin "${@:3}" >line
	(($(wc -l <line) == 1)) || fail "$(wc -l <line) lines: $(<line)"
	grep -qE "$2" line || fail "not $2, but: $(<line)"
}

section "states"
plugin 0 "^BOND OK - bond 2 of 2 links 20 Gbit/s \| 'bond.usable'=2;2:;1:;0;2" \
	--from "$bonds/lacp-switch-slow"
plugin 1 '^BOND WARNING - bond: eth0 is down ' --from "$bonds/broadcast-one-down"
plugin 2 '^BOND CRITICAL - bond: no link can be used' --from "$bonds/lacp-unheard-all"
plugin 3 '^BOND UNKNOWN - --from missing: No such file' --from missing

section "what is expected"
cp "$bonds/lacp-switch-slow" bond0
plugin 0 '^BOND OK - ' --from bond0 --expect bond0:2:layer3+4
plugin 1 '^BOND WARNING - bond0: 2 usable links, although 3 are expected \|' --from bond0 --expect bond0:3
plugin 1 'policy layer3\+4, although layer2 is expected' --from bond0 --expect bond0:2:layer2
plugin 2 '^BOND CRITICAL - bond1: not here' --from bond0 --expect bond0 --expect bond1
run 1 status status --check --from bond0 --expect bond1:2 >lines
expect_content lines 'bond1: not here, although it is expected'

section "failures since"
"$MPNC" status --json --from bond0 >log
sed -i 's/^Link Failure Count: 0/Link Failure Count: 3/' bond0
plugin 1 '^BOND WARNING - bond0: eth0: 3 new failures, 3 in all; ' --from bond0 --since log

section "wrong options: the line is there, too"
plugin 3 '^BOND UNKNOWN - unknown option --frob' --frob
plugin 3 '^BOND UNKNOWN - --expect "bond0:x" is not NAME' --expect bond0:x
plugin 3 '^BOND UNKNOWN - give --plugin without --json' --json
run 2 status status --expect bond0
expect_log status 'give --check or --plugin too with --expect'

section "the metrics of the alert rules are those of --prom"
"$MPNC" status --prom --from bond0 | sed -nE 's/^# TYPE (mpnc_[a-z_]+) .*/\1/p' | sort -u >known
grep -oE 'mpnc_(bonds?|link)_?[a-z_]*' "$doc/mpnc-alerts.yml" | sort -u >named
(($(wc -l <named) >= 8)) || fail "the rules name $(wc -l <named) metrics only"
comm -23 named known >unknown
expect_empty unknown "metrics of the rules that --prom does not write"
