/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trials: does the session move more with more connections?
 *
 * The search goes by what is believed of the links: their speeds, and the lanes of the connections.
 * Beliefs may be wrong in ways that no counter shows. A link may be shaped below its speed. Where
 * two connections run from a fast link to a slow one, and from a slow link to a fast one, each link
 * is in use, and only a third connection, from fast to fast, carries more. So when the search has
 * ended, and the links carry less than their speeds promise, more connections are tried:
 *
 *                the search has ended, the session's rate is steady,
 *                the links carry less than STEER_FULL_PERCENT of their speeds:
 *                open one connection for each link of the larger side
 *    +--> IDLE --------------------------------------------------------------> TRIAL
 *    |                                                                           |
 *    |   after STEER_TRIAL_NS the session moves STEER_GAIN_PERCENT more: all of  |
 *    |   them stay, and the next trial may follow                                |
 *    +---------------------------------------------------------------------------+
 *    |   it does not: they are closed, and the next pause is twice as long       |
 *    +---------------------------------------------------------------------------+
 *    |   it moves much less: the watch has closed them (steer.c)                 |
 *    +---------------------------------------------------------------------------+
 *
 * Progress alone counts: bytes of the stream that arrived in order. Always: kept connections have
 * proved a gain, all at once; those of a trial under way are not closed by others.
 */
#include "plan/steer_internal.h"

/* What the links of the narrower end of a direction can carry by their speeds, in bytes per second;
 * next to nothing where speeds are not known, as capacities count links then; 0: no link is seen.
 */
static uint64_t promised(const struct steer_view *v, unsigned dir)
{
	uint64_t least = 0;

	for (unsigned end = cover_sender(dir); end <= cover_receiver(dir); end++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < COVER_NODES_MAX; i++)
			sum += v->capacity[end][i];
		if (sum && (!least || sum < least))
			least = sum;
	}
	return least * 125000;
}

/* Does the switch seem to hash as assumed? */
static bool follows(const struct steer_view *v, unsigned dir)
{
	unsigned rx = cover_receiver(dir), n = steer_n_links(v, rx);
	uint64_t odds = 1;

	for (unsigned i = 0; i < v->n_flows; i++) {
		uint32_t possible = v->flows[i].possible[rx];

		if (!possible || possible & (possible - 1))
			continue;
		if (v->flows[i].assumed[dir] < 0 || possible != 1u << v->flows[i].assumed[dir])
			return false;
		if (odds < STEER_FOLLOWS_ODDS)
			odds *= n;
	}
	return odds >= STEER_FOLLOWS_ODDS;
}

/* Is there a pair of links that no connection runs over, and that another port may lead to? */
static bool has_new_lanes(const struct steer_view *v, unsigned dir)
{
	unsigned tx = cover_sender(dir), rx = cover_receiver(dir), n = 0;
	uint32_t used[COVER_NODES_MAX] = { 0 }, used_tx = 0, used_rx = 0;

	for (unsigned i = 0; i < v->n_flows; i++) {
		unsigned a = steer_matters(v, tx) ? v->flows[i].node[tx] : 0;
		unsigned b = steer_matters(v, rx) ? v->flows[i].node[rx] : 0;

		n += !(used[a] >> b & 1);
		used[a] |= 1u << b;
		used_tx |= 1u << a;
		used_rx |= 1u << b;
	}
	if (steer_matters(v, tx) && steer_links_of(v, tx) & ~used_tx)
		return true;
	if (steer_matters(v, rx) && steer_links_of(v, rx) & ~used_rx)
		return true;
	if (!steer_matters(v, tx) || !steer_matters(v, rx) || follows(v, dir))
		return false;
	return n < steer_n_links(v, tx) * steer_n_links(v, rx);
}

/* Packets are lost, for other reasons than a full queue: TCP takes that for a full link. */
static bool is_lossy(const struct steer_view *v, unsigned dir)
{
	for (unsigned i = 0; i < v->n_flows; i++)
		if (v->flows[i].lossy[dir])
			return true;
	return false;
}

/* Is there a direction in use whose links could carry more? And is none at its limit or at rest? */
static bool has_room(const struct steer_view *v)
{
	bool any = false;

	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		if (!v->busy[dir])
			continue;
		if (v->rested[dir] || !v->steady[dir])
			return false;
		any |= (has_new_lanes(v, dir) || is_lossy(v, dir)) &&
		       v->progress[dir] * 100 < promised(v, dir) * STEER_FULL_PERCENT;
	}
	return any;
}

static bool all_steady(const struct steer_view *v)
{
	for (unsigned i = 0; i < v->n_flows; i++)
		if (v->flows[i].age_ns < STEER_WATCH_NS)
			return false;
	return true;
}

static uint64_t progress_of(const struct steer_view *v)
{
	uint64_t sum = 0;

	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		sum += v->busy[dir] ? v->progress[dir] : 0;
	return sum;
}

unsigned steer_more_kept(const struct steer_more *t)
{
	return t->n_kept + (t->state == STEER_MORE_TRIAL ? t->n_tried : 0);
}

void steer_more_fail(struct steer_more *t, uint64_t now_ns)
{
	t->state = STEER_MORE_IDLE;
	t->pause_ns = t->pause_ns ? 2 * t->pause_ns : STEER_MORE_PAUSE_NS;
	if (t->pause_ns > STEER_PAUSE_MAX_NS)
		t->pause_ns = STEER_PAUSE_MAX_NS;
	t->next_ns = now_ns + t->pause_ns;
}

/* A stream that rested says nothing: the trial goes on until it can be judged. */
bool steer_more_review(struct steer_more *t, const struct steer_view *v, struct steer_action *out)
{
	if (t->state == STEER_MORE_IDLE)
		return false;
	if (v->now_ns < t->since_ns + STEER_TRIAL_NS)
		return true;
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		if (v->busy[dir] && v->rested[dir] && v->now_ns < t->since_ns + STEER_WATCH_MAX_NS)
			return true;
	if (progress_of(v) * 100 >= t->before * (100 + STEER_GAIN_PERCENT)) {
		t->state = STEER_MORE_IDLE;
		t->n_kept += t->n_tried;
		t->pause_ns = 0;
		return true;
	}
	for (unsigned i = 0; i < v->n_flows && out->n_close + 1 < v->n_flows; i++)
		if (v->flows[i].age_ns <= v->now_ns - t->since_ns)
			out->close[out->n_close++] = v->flows[i].port;
	steer_more_fail(t, v->now_ns);
	return true;
}

void steer_more_open(struct steer_more *t, const struct steer_view *v, unsigned limit,
		     struct steer_action *out)
{
	unsigned n = 0, room = limit > v->n_flows ? limit - v->n_flows : 0;

	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (steer_matters(v, end) && steer_n_links(v, end) > n)
			n = steer_n_links(v, end);
	if (v->now_ns < t->next_ns || v->crowded || !n || n > room || !all_steady(v) ||
	    !has_room(v))
		return;
	t->state = STEER_MORE_TRIAL;
	t->since_ns = v->now_ns;
	t->before = progress_of(v);
	t->n_tried = n;
	out->n_open = n;
}
