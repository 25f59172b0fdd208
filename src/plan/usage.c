/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last USAGE_KEPT readings lie in a ring. A rate is the difference of the newest reading and
 * the youngest one that is old enough. Two things always hold: the times in the ring grow by
 * USAGE_STEP_NS at least, and all readings of the ring have n_links counters.
 */
#include "plan/usage.h"

#include <string.h>

#include "util/units.h"

void usage_reset(struct usage *u)
{
	*u = (struct usage){ 0 };
}

/* The reading that is `back` before the newest. */
static unsigned index_of(const struct usage *u, unsigned back)
{
	return (u->last + USAGE_KEPT - back) % USAGE_KEPT;
}

/* Counters that go back were reset by their driver. */
static uint64_t rate_between(const struct usage *u, unsigned link, unsigned from, unsigned to)
{
	uint64_t before = u->bytes[from][link], now = u->bytes[to][link];
	double s = (double)(u->time_ns[to] - u->time_ns[from]) / NS_PER_S;

	return now > before && s > 0 ? (uint64_t)((double)(now - before) / s) : 0;
}

/* The youngest reading that lies span_ns or more before the newest. Returns -1 if none is so old.
 */
static int find_before(const struct usage *u, uint64_t span_ns)
{
	for (unsigned back = 1; back < u->n_kept; back++) {
		unsigned i = index_of(u, back);

		if (u->time_ns[u->last] - u->time_ns[i] >= span_ns)
			return (int)i;
	}
	return -1;
}

static void note_best(struct usage *u)
{
	int from = find_before(u, USAGE_NOW_NS);

	for (unsigned i = 0; from >= 0 && i < u->n_links; i++) {
		uint64_t rate = rate_between(u, i, (unsigned)from, u->last);

		if (rate > u->best[i])
			u->best[i] = rate;
	}
}

void usage_add(struct usage *u, uint64_t time_ns, const uint64_t *bytes, unsigned n_links)
{
	if (n_links > COVER_NODES_MAX)
		n_links = COVER_NODES_MAX;
	if (n_links != u->n_links || (u->n_kept && time_ns < u->time_ns[u->last]))
		usage_reset(u);
	if (u->n_kept && time_ns - u->time_ns[u->last] < USAGE_STEP_NS)
		return;
	u->n_links = n_links;
	u->last = (u->last + 1) % USAGE_KEPT;
	u->n_kept += u->n_kept < USAGE_KEPT;
	u->time_ns[u->last] = time_ns;
	memcpy(u->bytes[u->last], bytes, n_links * sizeof(bytes[0]));
	note_best(u);
}

bool usage_rate(const struct usage *u, unsigned link, uint64_t span_ns, uint64_t *rate_out)
{
	int from = find_before(u, span_ns);

	*rate_out = 0;
	if (from < 0 || link >= u->n_links)
		return false;
	*rate_out = rate_between(u, link, (unsigned)from, u->last);
	return true;
}

uint64_t usage_best(const struct usage *u, unsigned link)
{
	return link < u->n_links ? u->best[link] : 0;
}

uint32_t usage_active(const struct usage *u, const uint32_t capacity[COVER_NODES_MAX])
{
	int before = find_before(u, USAGE_LATELY_NS);
	unsigned from = before < 0 ? index_of(u, u->n_kept ? u->n_kept - 1 : 0) : (unsigned)before;
	double carried[COVER_NODES_MAX] = { 0 }, all = 0, capacities = 0;
	uint32_t active = 0;

	for (unsigned i = 0; i < u->n_links; i++) {
		carried[i] = capacity[i] ? (double)rate_between(u, i, from, u->last) : 0;
		all += carried[i];
		capacities += capacity[i];
	}
	for (unsigned i = 0; i < u->n_links; i++) {
		double share = capacities > 0 ? all * capacity[i] / capacities : 0;

		if (carried[i] > 0 && carried[i] * 100 > share * USAGE_ACTIVE_PERCENT)
			active |= 1u << i;
	}
	return active;
}
