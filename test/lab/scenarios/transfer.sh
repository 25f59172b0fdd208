#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One stream by mpnc. MIN_RATIO=0.9: a run below that part of what the links can carry fails.
# shellcheck source=../guest/lib.sh
. /lab/lib.sh
topology
make_input
by_mpnc
transfer
report
expect_intact
at_least "$ratio" "${MIN_RATIO:=0}" || fail "$(figures); wanted: $MIN_RATIO"
pass "$(figures)"
