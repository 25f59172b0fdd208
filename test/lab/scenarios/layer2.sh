#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The switch sends everything to the receiver over one link, whatever the ports: many connections
# must cost nothing there.
export SWHASH=layer2 SIZE=${SIZE:-60}
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
topology
make_input
by_nc
transfer
report
nc=$goodput
by_mpnc
transfer
report
expect_intact
at_least "$goodput" "0.95 * $nc" || fail "$goodput Mbit/s, but nc reaches $nc"
pass "$goodput Mbit/s; nc: $nc"
