/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes.h - infers which link of a bond each subflow uses, from byte counters of both
 *
 * The owner of the links reads their counters and those of each subflow at the same moments:
 * nothing else comes in here. A link carries its subflows and other traffic, which is never
 * negative. The module looks for the assignment of subflows to links that leaves the steadiest rest
 * on every link, and says which other links remain possible. A subflow with one possible link is
 * sure: in simulations with other traffic of 30 % and counters that lag by 1 s, fewer than 1 % of
 * the sure answers are wrong.
 *
 * doc/design/lanes.md derives the likelihood, the search, the constants and the bound on run time.
 *
 * No clock, no I/O. Bytes are those on the wire as far as the caller knows them.
 */
#pragma once

#include <stdint.h>

/* Subflows that are observed: twice the links of the largest bond that switches bundle. A further
 * one has no lane. */
#define LANES_FLOWS_MAX 32

#define LANES_LINKS_MAX 32

/* A link is ruled out if the best assignment with the subflow on that link is less likely than the
 * best one of all by this much, as a logarithm. */
#define LANES_SURE 9.0

struct lanes;

struct lane {
	int8_t link;       /* the likeliest; -1: nothing is known */
	uint32_t possible; /* bit i: it may be link i; one bit: sure; 0: nothing is known */
};

/* The link of a set that has no other; -1: none, or several. */
static inline int lanes_only(uint32_t possible)
{
	return possible && !(possible & (possible - 1)) ? __builtin_ctz(possible) : -1;
}

/* Links outside of `allowed` are counted, but no subflow is on them. n_links: at most
 * LANES_LINKS_MAX. Returns 0 or -ENOMEM. */
int lanes_new(struct lanes **out, unsigned n_links, uint32_t allowed);
struct lanes *lanes_free(struct lanes *l);

/* A subflow begins, or has ended: its number is free again. */
void lanes_open(struct lanes *l, unsigned flow);
void lanes_close(struct lanes *l, unsigned flow);

/* Bytes since the last sample, which was dt_ns ago. flow[] of those that are not open is ignored.
 */
void lanes_sample(struct lanes *l, uint64_t dt_ns, const uint64_t flow[LANES_FLOWS_MAX],
		  const uint64_t *link);

/* Two searches of 24,000 + 16,000 steps; in each 6,000 more to make the last move and to begin, and
 * 4,100 for the last pair of links; and 17,500 to resume all views and to say what is possible. */
#define LANES_STEPS_MAX 120000u

/* Fills out[] for all that are open. Takes at most LANES_STEPS_MAX steps of 20 to 30 ns each (score
 * of a link): 3 ms. A search that needs more goes on with the next call. */
void lanes_solve(struct lanes *l, struct lane out[LANES_FLOWS_MAX]);

/* Steps of the last call of lanes_solve(). For tests. */
unsigned lanes_steps(const struct lanes *l);
