/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * networks.h - networks to simulate: some that are known, by name, and as many as one likes by
 * number, each drawn from its number alone
 *
 * What is drawn, and how often:
 *
 *   sender           the client: 75 %
 *   links            2 at an end: 25 %, 4: 35 %, 8: 20 %, 16: 8 %, else 3 to 12; as many at the
 *                    other end: 60 %
 *   rate of an end   20 to 200 Mbit/s, on a logarithmic scale
 *   of its links     alike: 55 %; of two kinds, 1:2 to 1:10: 25 %; anything up to 1:100: 20 %.
 *                    Where they differ, the speeds are known: 60 %, or said to be alike
 *   round trip       0.1 to 200 ms, on a logarithmic scale; 20 %: some links are farther
 *   queues           virtual (what the kernel takes for one packet is one; tbf at both ends): 30 %;
 *                    else the switch's: drop tail of 1 to 200 ms: 65 %, CoDel: 20 %, none but a
 *                    bucket (a policer): 15 %
 *   loss             none: 60 %; 0.01 to 3 % everywhere: 15 %; 1 to 5 % on one link: 12 %; in
 * bursts: 13 % TCP              cubic: 75 %, BBR: 25 % switch           hashes as planned: 40 %,
 * otherwise: 45 %, puts all on one link: 15 % sender's bond    layer3+4: 75 %, encap3+4, which
 * nobody can follow: 15 %, layer2: 10 % counters         read at once: 60 %, renewed each second:
 * 20 %, 0.2 to 2 s late: 20 % other traffic    35 %: up to four, TCP or 20 to 60 % of a link, for 2
 * to 20 s a link fails     15 %: with or without a sign, for ever or for 3 to 8 s
 *
 * The stream takes 20 s if all links that it can use are full.
 */
#pragma once

#include "world.h"

/* How many there are with `make networks`, the known ones first. */
#define NETWORKS 200

void network_numbered(unsigned n, struct network *out);

/* By name, or by number. Returns false: not found. */
bool network_named(const char *name, struct network *out);

/* "8+4 80M 12.0ms foreign cubic loss": the sender's links and the receiver's; "back": the server
 * sends. */
void network_text(const struct network *net, char *buf, size_t size);

/* What the links of the narrower end carry together, in bytes per second. */
double network_rate(const struct network *net);
