/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Company: further connections on the lane of one that loses packets
 *
 * TCP takes each loss for a full link. Where the loss has another cause, a second connection on
 * the same lane carries what the first one leaves free. Where the link is full, the second
 * connection only adds losses. Losses alone do not tell these two apart: a short queue, a policer
 * and a bad cable look alike. So company is an experiment, one at a time:
 *
 *          a needed connection loses packets, its lane has room,
 *          and no pause runs: one connection is opened
 *    IDLE ------------------------------------------------------> TRIAL
 *     ^                                                             |
 *     |  after STEER_TRIAL_NS the link carries STEER_GAIN_PERCENT   |
 *     |  more and the other links lose nothing: the company stays   |
 *     +-------------------------------------------------------------+
 *     |  the connection came to other links: it is closed           |
 *     +-------------------------------------------------------------+
 *     |  no gain: the company is closed, and the next pause is      |
 *     |  twice as long                                              |
 *     +-------------------------------------------------------------+
 *
 * A lane has room while neither of its two links carries STEER_FULL_PERCENT of its speed, or of the
 * most that it has carried in any second. Company is counted by one link of the lane: the
 * receiver's where receivers' links are told apart, else the sender's. The gain is measured by the
 * counter of that link.
 *
 * Always: extra[dir][link] connections besides the needed one may stay on that link, at most
 * STEER_COMPANY - 1; all but the last of them, or all if no trial runs there, have proved a gain.
 */
#include "plan/steer_internal.h"

/* The end by whose links company is counted. */
static unsigned end_of(const struct steer_view *v, unsigned dir)
{
	unsigned receiver = cover_receiver(dir);

	return steer_matters(v, receiver) ? receiver : cover_sender(dir);
}

/* Does g run over the links of f in that direction, as far as links are told apart? While g is
 * young, it may. */
static bool shares_lane(const struct steer_view *v, const struct steer_flow *f,
			const struct steer_flow *g, unsigned dir)
{
	for (unsigned end = cover_sender(dir); end <= cover_receiver(dir); end++) {
		bool may = g->age_ns < STEER_SETTLE_NS && g->possible[end] >> f->node[end] & 1;

		if (steer_matters(v, end) && g->node[end] != f->node[end] && !may)
			return false;
	}
	return true;
}

/* Is a packet lost on the lane of f, by f or by its company? */
static bool loses(const struct steer_view *v, const struct steer_flow *f, unsigned dir)
{
	for (unsigned i = 0; i < v->n_flows && v->busy[dir]; i++)
		if (v->flows[i].lossy[dir] && shares_lane(v, f, &v->flows[i], dir))
			return true;
	return false;
}

static bool has_room(const struct steer_view *v, const struct steer_flow *f, unsigned dir)
{
	for (unsigned end = cover_sender(dir); end <= cover_receiver(dir); end++)
		if (steer_matters(v, end) && v->full[end] >> f->node[end] & 1)
			return false;
	return true;
}

static uint64_t sum_of(const uint64_t *rates)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COVER_NODES_MAX; i++)
		sum += rates[i];
	return sum;
}

/* The trial ------------------------------------------------------------------------------------ */

static void end_trial(struct steer_company *c)
{
	c->state = STEER_COMPANY_IDLE;
}

static void fail_trial(struct steer_company *c, uint64_t now_ns)
{
	c->extra[c->dir][c->link]--;
	c->pause_ns = c->pause_ns ? 2 * c->pause_ns : STEER_PAUSE_NS;
	if (c->pause_ns > STEER_PAUSE_MAX_NS)
		c->pause_ns = STEER_PAUSE_MAX_NS;
	c->next_ns = now_ns + c->pause_ns;
	end_trial(c);
}

static unsigned n_on_link(const struct steer_view *v, unsigned end, unsigned link)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n_flows; i++)
		n += v->flows[i].node[end] == link;
	return n;
}

/* The company is there, and has had its time. Nothing is concluded from chance: what the link
 * carries has to grow by the stated part, and what all links carry must not shrink by it. */
static bool has_gained(const struct steer_company *c, const struct steer_view *v, unsigned end)
{
	uint64_t now = v->rate[end][c->link], all = sum_of(v->rate[end]);

	return now * 100 >= c->before * (100 + STEER_GAIN_PERCENT) &&
	       all * 100 >= c->all_before * (100 - STEER_GAIN_PERCENT);
}

static void review_trial(struct steer_company *c, const struct steer_view *v)
{
	unsigned end = end_of(v, c->dir);

	if (v->now_ns < c->since_ns + STEER_TRIAL_NS)
		return;
	if (n_on_link(v, end, c->link) <= c->extra[c->dir][c->link]) {
		/* It came to another link, which proves nothing. */
		c->extra[c->dir][c->link]--;
		end_trial(c);
	} else if (has_gained(c, v, end)) {
		c->pause_ns = 0;
		end_trial(c);
	} else {
		fail_trial(c, v->now_ns);
	}
}

static bool link_loses(const struct steer_view *v, unsigned dir, unsigned link)
{
	unsigned end = end_of(v, dir);

	for (unsigned i = 0; i < v->n_flows; i++)
		if (v->flows[i].lossy[dir] && v->flows[i].node[end] == link)
			return true;
	return false;
}

void steer_company_review(struct steer_company *c, const struct steer_view *v)
{
	if (c->state == STEER_COMPANY_TRIAL && v->busy[c->dir])
		review_trial(c, v);
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		for (unsigned link = 0; link < COVER_NODES_MAX; link++) {
			if (!c->extra[dir][link] || link_loses(v, dir, link))
				continue;
			c->extra[dir][link] = 0;
			if (c->state == STEER_COMPANY_TRIAL && c->dir == dir && c->link == link)
				end_trial(c);
		}
	}
}

void steer_company_keep(const struct steer_company *c, const struct steer_view *v, unsigned needed,
			struct steer_staying *st)
{
	const struct steer_flow *f = &v->flows[needed];

	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		unsigned extra = c->extra[dir][f->node[end_of(v, dir)]], n = 0;

		if (!loses(v, f, dir))
			continue;
		for (unsigned i = 0; i < v->n_flows && n < extra; i++) {
			if (i == needed || !shares_lane(v, f, &v->flows[i], dir))
				continue;
			steer_stay(st, i);
			n++;
		}
		if (!st->lossy && extra < STEER_COMPANY - 1 && has_room(v, f, dir)) {
			st->lossy = f;
			st->dir = dir;
		}
	}
}

static bool may_begin(struct steer_company *c, const struct steer_view *v)
{
	if (v->now_ns >= c->minute_ns) {
		c->minute_ns = v->now_ns + STEER_REST_NS;
		c->n_opened = 0;
	}
	return c->state == STEER_COMPANY_IDLE && v->now_ns >= c->next_ns &&
	       c->n_opened < STEER_COMPANY_TRIES;
}

void steer_company_open(struct steer_company *c, const struct steer_view *v,
			const struct steer_staying *st, unsigned limit, struct steer_action *out)
{
	unsigned end = end_of(v, st->dir);
	uint32_t *want = out->want[0];

	if (!st->lossy || !v->measured[end] || v->n_flows >= limit || !may_begin(c, v))
		return;
	c->state = STEER_COMPANY_TRIAL;
	c->dir = st->dir;
	c->link = st->lossy->node[end];
	c->since_ns = v->now_ns;
	c->before = v->rate[end][c->link];
	c->all_before = sum_of(v->rate[end]);
	c->extra[c->dir][c->link]++;
	c->n_opened++;
	out->n_open = 1;
	for (unsigned e = cover_sender(st->dir); e <= cover_receiver(st->dir); e++)
		want[e] = steer_matters(v, e) ? 1u << st->lossy->node[e] : 0;
}
