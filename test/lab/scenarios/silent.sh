#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A link loses all that the sender gives it, while its carrier stays.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
# shellcheck disable=SC2317 # called by transfer_while
fall_silent() {
	until_arrived 30
	tc -n A qdisc replace dev eth1 root netem loss 100%
}

topology
make_input
by_mpnc
transfer_while fall_silent
report
expect_intact
pass "$(figures)"
