/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - how much each link of one end carries in one direction, from its counter
 *
 * Steering asks three things of a link: what it carries now, the most that it has carried in any
 * second, and whether it has carried its part lately. Counters are read every 100 to 1000 ms, at
 * the times of the machine that reads them; what comes more often than USAGE_STEP_NS is skipped.
 *
 * No clock, no I/O, no allocation but the struct's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plan/cover.h"

/* Readings that are kept, at least this far apart: they reach back 3 s. */
#define USAGE_STEP_NS 200000000ull
#define USAGE_KEPT    18

/* "Now" is the last second, and so is the best second of usage_best. */
#define USAGE_NOW_NS 1000000000ull

/* A link is active when it has carried more than this part of its share within this time. */
#define USAGE_LATELY_NS      3000000000ull
#define USAGE_ACTIVE_PERCENT 10

struct usage {
	unsigned n_links; /* 0: nothing was read yet */
	unsigned n_kept;  /* readings, at most USAGE_KEPT */
	unsigned last;    /* index of the newest */
	uint64_t time_ns[USAGE_KEPT];
	uint64_t bytes[USAGE_KEPT][COVER_NODES_MAX];
	uint64_t best[COVER_NODES_MAX]; /* bytes per second */
};

/* Forgets everything: the links are others. */
void usage_reset(struct usage *u);

/* A reading: bytes[i] is the counter of link i at time_ns of the reader's clock. Another n_links,
 * or a clock that goes back, begins anew. n_links: at most COVER_NODES_MAX. */
void usage_add(struct usage *u, uint64_t time_ns, const uint64_t *bytes, unsigned n_links);

/* Bytes per second over the last span_ns (at most USAGE_LATELY_NS), up to the newest reading.
 * Returns false while less than span_ns was watched. */
bool usage_rate(const struct usage *u, unsigned link, uint64_t span_ns, uint64_t *rate_out);

/* The most bytes per second that the link has carried in a second; 0: no second was watched. */
uint64_t usage_best(const struct usage *u, unsigned link);

/* Bit i: link i has carried more than USAGE_ACTIVE_PERCENT of its share of what all links carried
 * in the last USAGE_LATELY_NS, or since the first reading if that is shorter. A link's share
 * follows its capacity, in any unit; links of capacity 0 are left out. */
uint32_t usage_active(const struct usage *u, const uint32_t capacity[COVER_NODES_MAX]);
