#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What mpnc bench, as nobody, says that several connections gain over one, and how many it takes.
#
#   RATE         10    Mbit/s of a link: with more, emulated processors may be what limits it
#   SECONDS_EACH 10    of each run: the first two or three of them are for finding the links
#   REVERSE      0     1: the listener sends
#   OTHER        0     Mbit/s of other traffic over one link meanwhile
#   MIN_RATIO    none  of --compare,
#   MAX_RATIO    none  and no more
#   LIMIT_IS     none  pattern: the id of what limits the striped run
#
# shellcheck source=../guest/lib.sh
RATE=${RATE:-10} SECONDS_EACH=${SECONDS_EACH:-10}
. /lab/lib.sh
# shellcheck source=../guest/mpnc-bench.sh
. /lab/mpnc-bench.sh
REVERSE=${REVERSE:-0} OTHER=${OTHER:-0}

way=out options=()
((!REVERSE)) || way=in options=(-R)

topology
serve_bench
((!OTHER)) || disturb "$OTHER"
bench "${options[@]}" --compare
grep ^compared bench.out
sed -n 's/^limit/    limit/p' bench.out | tail -n 1
ratio=$(figure ratio)
id=$(limit "$way")
bench "${options[@]}" --sweep
grep ^swept bench.out
at_least "$ratio" "${MIN_RATIO:-0}" || fail "only $ratio times one connection"
at_least "${MAX_RATIO:-1000}" "$ratio" || fail "$ratio times one connection, where nothing can be gained"
[[ $id =~ ^(${LIMIT_IS:-.*})$ ]] || fail "the limit is said to be $id, not $LIMIT_IS"
pass "$ratio times one connection; limit $id; the knee at $(figure knee)"
