/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes.h - over which link of a bond each subflow runs, told from what both have counted
 *
 * Who owns the links counts them and the bytes of each subflow at the same moments: that is all
 * that comes in here. A link's bytes are those of its subflows and of others' traffic, which is
 * never negative. So the assignment of subflows to links is looked for that leaves the steadiest
 * rest on every link, and none below zero: with S the subflows of a link, L its bytes and x a
 * subflow's in a sample of length t,
 *
 *   rest = L - sum(x of S),   cost = sum(rest^2 / t) - max(0, sum rest)^2 / sum t
 *
 * and the sum of log(cost) over the links is the smaller the likelier the assignment is (normal
 * noise of unknown strength on each link). But the strength has a limit: other traffic is what all
 * links have beyond all subflows, and that is known without any assignment. Where there is hardly
 * any, a rest that is larger has to be chance, and half a second tells. How much worse the best
 * assignment is that has a subflow elsewhere says how sure its link is.
 *
 * Counters may lag: the same is done for several lags at once, and a lane is sure only if all lags
 * that are likely agree. Counters may be renewed once a second only: then samples are joined until
 * each link that moves has moved. What is old fades.
 *
 * No clock, no I/O. Bytes are of the wire as far as the caller can tell.
 */
#pragma once

#include <stdint.h>

/* Subflows that are told apart: twice the links of the largest bond that switches bundle. Those
 * beyond have no lane. */
#define LANES_FLOWS_MAX 32

#define LANES_LINKS_MAX 32

/* How much likelier, as the logarithm, the best assignment has to be than any other that has the
 * subflow on another link. In simulations with other traffic of 30 % and counters that lag by 1 s
 * it is wrong in less than one of a hundred. */
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

/* Steps of the last call of lanes_solve(): of tests. */
unsigned lanes_steps(const struct lanes *l);
