#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Links go down while a stream runs, first one at the sender, then one at the receiver.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
# shellcheck disable=SC2317 # called by transfer_while
fall() {
	until_arrived 25
	ip -n A link set eth1 down
	until_arrived 60
	ip -n B link set eth2 down
}

topology
make_input
by_mpnc
transfer_while fall
report
expect_intact
at_least "${MAX_PAUSE:-3}" "$pause" || fail "$(figures); wanted: at most ${MAX_PAUSE:-3} s"
pass "$(figures)"
