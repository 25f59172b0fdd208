#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One of the sender's links is much slower than the others: a fifth.
export RATES_A=${RATES_A:-$((${RATE:-50} / 5)),${RATE:-50}}
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
