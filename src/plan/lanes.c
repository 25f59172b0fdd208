/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/lanes.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1e9

/* Lags of the counters that are considered, in seconds. Drivers that read their counters from the
 * card once in a while do so every second or two. */
static const double lags[] = { 0, 0.5, 1, 2 };
#define VIEWS (sizeof(lags) / sizeof(lags[0]))

/* Samples that are remembered for the lags: at the rate of 20 per second more than the longest. */
#define HISTORY 64

/* What is older than this counts for a third. */
#define FADE_S 6.0

/* Traffic varies more slowly than samples may be taken: closer ones are not worth more. */
#define INDEPENDENT_S 0.25

/* The noise that is always expected in a sample: packets that one counter has and the other has not
 * yet, and headers that are not known to the byte. */
#define NOISE_BYTES 4000.0
#define NOISE_PART  0.01

/* Part of the subflows' bytes that the links have to show: when counters are late, they do not yet.
 */
#define CREDIBLE 0.8

/* Part of the subflows' bytes that a lag must leave to be compared: the rest is younger than it. */
#define OBSERVED 0.5

/* A subflow of which a link's counter does not show even this part is not on it, if all counters
 * together show what they should: none of up to 16 is late. */
#define SHOWN      0.25
#define ALL_SHOWN  0.95
#define SHOWN_FROM 32768.0 /* bytes */
#define SHOWN_FOR  0.15    /* seconds: one short sample is not believed */

/* So many times as much noise is allowed for where a search begins. */
#define TOLERANCE 256.0

/* Subflows of two links that are divided anew in all ways: 1024 of them. */
#define REGROUP_MAX    10
#define REGROUP_ROUNDS 4

/* Joined samples are no longer than this; counters are renewed more often. */
#define JOIN_S 2.0

/* Closed gaps between two renewals of a counter that are remembered: the shortest counts. */
#define GAPS 4

/* What was seen of one link: sums over its samples, of products divided by the sample's length. */
struct tally {
	double length; /* of the samples */
	double n;      /* independent ones */
	double l;      /* the link's bytes */
	double ll;
	double x[LANES_FLOWS_MAX]; /* the subflows' */
	double xl[LANES_FLOWS_MAX];
	double xx[LANES_FLOWS_MAX][LANES_FLOWS_MAX];
	/* What is left by the assignment that is being looked at. */
	double rest;
	double rest2;
	double rx[LANES_FLOWS_MAX]; /* times x */
};

/* All of it for one lag. */
struct view {
	int8_t at[LANES_FLOWS_MAX]; /* the best assignment; -1: not open */
	double score;
	struct tally *links;
};

struct moment {
	double t; /* seconds since the beginning */
	double x[LANES_FLOWS_MAX];
};

/* One counter: when it moves, and what it has counted since its last sample. */
struct meter {
	double seen; /* time of that sample */
	double pending;
	double moved;
	double gap[GAPS]; /* between two moves */
	unsigned n_gaps;
};

struct lanes {
	unsigned n_links;
	uint32_t allowed;
	uint32_t open;
	unsigned top; /* the highest number that is open, plus 1 */
	double now;
	unsigned turn;    /* view that was searched last */
	double tolerance; /* 1, but while searching */
	unsigned n_moments;
	struct moment moments[HISTORY]; /* cumulative, the newest last */
	struct meter meters[LANES_LINKS_MAX];
	struct view views[VIEWS];
	struct tally tallies[]; /* of all views */
};

int lanes_new(struct lanes **out, unsigned n_links, uint32_t allowed)
{
	struct lanes *l = calloc(1, sizeof(*l) + VIEWS * n_links * sizeof(l->tallies[0]));

	if (!l)
		return -ENOMEM;
	l->n_links = n_links;
	l->allowed = allowed;
	l->n_moments = 1;
	l->tolerance = 1;
	for (unsigned v = 0; v < VIEWS; v++) {
		memset(l->views[v].at, -1, sizeof(l->views[v].at));
		l->views[v].links = l->tallies + v * n_links;
	}
	*out = l;
	return 0;
}

struct lanes *lanes_free(struct lanes *l)
{
	free(l);
	return NULL;
}

static bool is_open(const struct lanes *l, unsigned i)
{
	return l->open >> i & 1;
}

/* What a subflow that has ended had on its link counts as the link's other traffic no more. */
static void fold(struct view *v, unsigned i, unsigned n_links)
{
	for (unsigned k = 0; k < n_links; k++) {
		struct tally *t = &v->links[k];

		if (v->at[i] == (int)k) {
			t->l -= t->x[i];
			t->ll += t->xx[i][i] - 2 * t->xl[i];
			for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
				t->xl[j] -= t->xx[i][j];
		}
		t->x[i] = t->xl[i] = 0;
		for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
			t->xx[i][j] = t->xx[j][i] = 0;
	}
	v->at[i] = -1;
}

static void set_top(struct lanes *l)
{
	l->top = l->open ? 32 - (unsigned)__builtin_clz(l->open) : 0;
}

void lanes_open(struct lanes *l, unsigned flow)
{
	lanes_close(l, flow);
	l->open |= 1u << flow;
	set_top(l);
	for (unsigned i = 0; i < l->n_moments; i++)
		l->moments[i].x[flow] = 0;
}

void lanes_close(struct lanes *l, unsigned flow)
{
	if (!is_open(l, flow))
		return;
	for (unsigned v = 0; v < VIEWS; v++)
		fold(&l->views[v], flow, l->n_links);
	l->open &= ~(1u << flow);
	set_top(l);
}

/* Samples -------------------------------------------------------------------------------------- */

static void remember(struct lanes *l, const uint64_t *flow)
{
	struct moment *m;

	if (l->n_moments == HISTORY) {
		memmove(l->moments, l->moments + 1, (HISTORY - 1) * sizeof(l->moments[0]));
		l->n_moments--;
	}
	m = &l->moments[l->n_moments++];
	*m = m[-1];
	m->t = l->now;
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (is_open(l, i))
			m->x[i] += (double)flow[i];
}

/* The subflows' bytes from the beginning to a moment. */
static void bytes_at(const struct lanes *l, double t, double out[LANES_FLOWS_MAX])
{
	unsigned i = l->n_moments - 1;
	const struct moment *a, *b;
	double part;

	while (i > 0 && l->moments[i - 1].t >= t)
		i--;
	b = &l->moments[i];
	a = i ? b - 1 : b;
	part = b->t > a->t && t < b->t ? (t - a->t) / (b->t - a->t) : 1;
	if (t < a->t)
		part = 0;
	for (unsigned f = 0; f < LANES_FLOWS_MAX; f++)
		out[f] = a->x[f] + part * (b->x[f] - a->x[f]);
}

static void fade(struct tally *t, double w, unsigned top)
{
	t->length *= w;
	t->n *= w;
	t->l *= w;
	t->ll *= w;
	for (unsigned i = 0; i < top; i++) {
		t->x[i] *= w;
		t->xl[i] *= w;
		for (unsigned j = 0; j < top; j++)
			t->xx[i][j] *= w;
	}
}

static void add_sample(const struct lanes *l, const struct meter *m, struct tally *t, double lag)
{
	double from[LANES_FLOWS_MAX], x[LANES_FLOWS_MAX];
	double dt = l->now - m->seen;

	fade(t, exp(-dt / FADE_S), l->top);
	t->length += dt;
	t->n += dt < INDEPENDENT_S ? dt / INDEPENDENT_S : 1;
	t->l += m->pending;
	t->ll += m->pending * m->pending / dt;
	bytes_at(l, m->seen - lag, from);
	bytes_at(l, l->now - lag, x);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		x[i] = is_open(l, i) ? x[i] - from[i] : 0;
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		if (x[i] <= 0)
			continue;
		t->x[i] += x[i];
		t->xl[i] += x[i] * m->pending / dt;
		for (unsigned j = 0; j < LANES_FLOWS_MAX; j++)
			t->xx[i][j] += x[i] * x[j] / dt;
	}
}

static double shortest_gap(const struct meter *m)
{
	double gap = m->n_gaps ? m->gap[0] : 0;

	for (unsigned i = 1; i < m->n_gaps && i < GAPS; i++)
		if (m->gap[i] < gap)
			gap = m->gap[i];
	return gap;
}

/* Counts, and returns whether that makes a sample: a counter that stands still may only not have
 * been renewed yet. */
static bool meter_count(struct meter *m, double bytes, double now)
{
	m->pending += bytes;
	if (bytes > 0) {
		if (m->moved > 0)
			m->gap[m->n_gaps++ % GAPS] = now - m->moved;
		m->moved = now;
		return true;
	}
	return now - m->moved > 1.5 * shortest_gap(m) || now - m->seen >= JOIN_S;
}

void lanes_sample(struct lanes *l, uint64_t dt_ns, const uint64_t flow[LANES_FLOWS_MAX],
		  const uint64_t *link)
{
	if (!dt_ns)
		return;
	l->now += (double)dt_ns / SECOND_NS;
	remember(l, flow);
	for (unsigned k = 0; k < l->n_links; k++) {
		struct meter *m = &l->meters[k];

		if (!meter_count(m, (double)link[k], l->now))
			continue;
		for (unsigned v = 0; v < VIEWS; v++)
			add_sample(l, m, &l->views[v].links[k], lags[v]);
		m->seen = l->now;
		m->pending = 0;
	}
}

/* Assignments ---------------------------------------------------------------------------------- */

/* How unlikely a link's rest is, for a rest and its square summed up. */
static double score_of(const struct lanes *l, const struct tally *t, double rest, double rest2)
{
	double even = rest > 0 ? rest * rest / t->length : 0;
	double rate = t->l / t->length;
	double noise = NOISE_BYTES * NOISE_BYTES / INDEPENDENT_S +
		       NOISE_PART * NOISE_PART * rate * rate * INDEPENDENT_S;
	double cost = rest2 - even;

	if (t->n <= 0)
		return 0;
	return t->n / 2 * log((cost > 0 ? cost / t->n : 0) + l->tolerance * noise);
}

/* One subflow leaves a link and another joins it: what that makes of its score. */
struct change {
	int off; /* -1: none */
	int on;
};

static double score_after(const struct lanes *l, const struct view *v, unsigned k, struct change c)
{
	const struct tally *t = &v->links[k];
	double rest = t->rest, rest2 = t->rest2;

	if (c.off >= 0) {
		rest += t->x[c.off];
		rest2 += 2 * t->rx[c.off] + t->xx[c.off][c.off];
	}
	if (c.on >= 0) {
		rest -= t->x[c.on];
		rest2 += t->xx[c.on][c.on] - 2 * t->rx[c.on];
	}
	if (c.off >= 0 && c.on >= 0)
		rest2 -= 2 * t->xx[c.off][c.on];
	return score_of(l, t, rest, rest2);
}

static double score_now(const struct lanes *l, const struct view *v, unsigned k)
{
	return score_of(l, &v->links[k], v->links[k].rest, v->links[k].rest2);
}

static void put_on(struct tally *t, unsigned i, double sign, unsigned top)
{
	t->rest -= sign * t->x[i];
	t->rest2 += t->xx[i][i] - 2 * sign * t->rx[i];
	for (unsigned j = 0; j < top; j++)
		t->rx[j] -= sign * t->xx[i][j];
}

/* Puts a subflow on a link, and takes it from the one where it was. */
static void put(const struct lanes *l, struct view *v, unsigned i, int to)
{
	if (v->at[i] >= 0)
		put_on(&v->links[v->at[i]], i, -1, l->top);
	if (to >= 0)
		put_on(&v->links[to], i, 1, l->top);
	v->at[i] = (int8_t)to;
}

/* What a move of i to k costs: by itself, or when another subflow j of k goes on to m (where i was,
 * or elsewhere). Returns the change of the score; *other and *other_to say what moves besides. */
struct move {
	double cost;
	int other; /* -1: none */
	int other_to;
};

static void consider(struct move *best, double cost, int other, int to)
{
	if (cost < best->cost)
		*best = (struct move){ cost, other, to };
}

static bool is_allowed(const struct lanes *l, unsigned k)
{
	return l->allowed >> k & 1;
}

static struct move best_move(const struct lanes *l, const struct view *v, unsigned i, unsigned k)
{
	unsigned from = (unsigned)v->at[i];
	double left =
		score_after(l, v, from, (struct change){ (int)i, -1 }) - score_now(l, v, from);
	double now = score_now(l, v, k);
	struct move best = { left + score_after(l, v, k, (struct change){ -1, (int)i }) - now, -1,
			     -1 };

	for (int j = 0; j < (int)l->top; j++) {
		double joined;

		if (!is_open(l, (unsigned)j) || v->at[j] != (int)k)
			continue;
		joined = score_after(l, v, k, (struct change){ j, (int)i }) - now;
		for (unsigned m = 0; m < l->n_links; m++) {
			if (m == k || !is_allowed(l, m))
				continue;
			if (m == from)
				consider(
					&best,
					joined +
						score_after(l, v, m, (struct change){ (int)i, j }) -
						score_now(l, v, m),
					j, (int)m);
			else
				consider(&best,
					 left + joined +
						 score_after(l, v, m, (struct change){ -1, j }) -
						 score_now(l, v, m),
					 j, (int)m);
		}
	}
	return best;
}

static void begin(const struct lanes *l, struct view *v, bool afresh)
{
	for (unsigned k = 0; k < l->n_links; k++) {
		struct tally *t = &v->links[k];

		t->rest = t->l;
		t->rest2 = t->ll;
		memcpy(t->rx, t->xl, sizeof(t->rx));
	}
	for (unsigned i = 0; i < l->top; i++) {
		int at = v->at[i];

		v->at[i] = -1;
		if (is_open(l, i) && at >= 0 && !afresh)
			put(l, v, i, at);
	}
}

/* New ones go where they fit best. */
static void place(const struct lanes *l, struct view *v)
{
	for (unsigned i = 0; i < l->top; i++) {
		double best = HUGE_VAL;
		int to = -1;

		if (!is_open(l, i) || v->at[i] >= 0)
			continue;
		for (unsigned k = 0; k < l->n_links; k++) {
			double cost;

			if (!is_allowed(l, k))
				continue;
			cost = score_after(l, v, k, (struct change){ -1, (int)i }) -
			       score_now(l, v, k);
			if (cost < best) {
				best = cost;
				to = (int)k;
			}
		}
		put(l, v, i, to);
	}
}

static void set_score(const struct lanes *l, struct view *v)
{
	v->score = 0;
	for (unsigned k = 0; k < l->n_links; k++)
		v->score += score_now(l, v, k);
}

/* Moves one after the other until none is better. Each step makes the score less by something that
 * is worth it, so it ends; the limit is for arithmetic that does not. */
static void improve(const struct lanes *l, struct view *v)
{
	bool better = true;

	for (unsigned round = 0; round < 2 * LANES_FLOWS_MAX && better; round++) {
		better = false;
		for (unsigned i = 0; i < l->top; i++) {
			for (unsigned k = 0; k < l->n_links && is_open(l, i); k++) {
				struct move m;

				if (!is_allowed(l, k) || v->at[i] == (int)k)
					continue;
				m = best_move(l, v, i, k);
				if (m.cost > -1e-9)
					continue;
				if (m.other >= 0)
					put(l, v, (unsigned)m.other, m.other_to);
				put(l, v, i, (int)k);
				better = true;
			}
		}
	}
	set_score(l, v);
}

/* All ways to divide the subflows of two links between them, if they are not too many: several may
 * have to change places at once, a fast one for two slow ones. Returns whether one was better. */
static bool regroup(const struct lanes *l, struct view *v, unsigned a, unsigned b)
{
	unsigned flows[REGROUP_MAX], n = 0, best_set = 0, set = 0;
	double first = score_now(l, v, a) + score_now(l, v, b), best = first - 1e-9;

	for (unsigned i = 0; i < l->top; i++) {
		if (!is_open(l, i) || (v->at[i] != (int)a && v->at[i] != (int)b))
			continue;
		if (n == REGROUP_MAX)
			return false;
		flows[n++] = i;
	}
	for (unsigned i = 0; i < n; i++)
		best_set |= (unsigned)(v->at[flows[i]] == (int)b) << i;
	set = best_set;
	/* In Gray's order each is one step from the one before. */
	for (unsigned step = 1; step < 1u << n; step++) {
		unsigned i = (unsigned)__builtin_ctz(step);
		double score;

		set ^= 1u << i;
		put(l, v, flows[i], (int)(set >> i & 1 ? b : a));
		score = score_now(l, v, a) + score_now(l, v, b);
		if (score < best) {
			best = score;
			best_set = set;
		}
	}
	for (unsigned i = 0; i < n; i++)
		put(l, v, flows[i], (int)(best_set >> i & 1 ? b : a));
	return best < first - 1e-9;
}

static void regroup_all(const struct lanes *l, struct view *v)
{
	bool better = true;

	for (unsigned round = 0; round < REGROUP_ROUNDS && better; round++) {
		better = false;
		for (unsigned a = 0; a < l->n_links; a++)
			for (unsigned b = a + 1; b < l->n_links; b++)
				if (is_allowed(l, a) && is_allowed(l, b))
					better |= regroup(l, v, a, b);
	}
	improve(l, v);
}

/* The last answer, with new subflows where they fit best. */
static void resume(const struct lanes *l, struct view *v)
{
	begin(l, v, false);
	place(l, v);
	set_score(l, v);
}

/* From the last answer, and afresh: a search by single steps may end where no step is better and
 * yet all is wrong. Afresh it begins with much noise allowed for, which evens out small ups and
 * downs. */
static void search(struct lanes *l, struct view *v)
{
	int8_t last[LANES_FLOWS_MAX];
	double score;

	improve(l, v);
	memcpy(last, v->at, sizeof(last));
	score = v->score;
	begin(l, v, true);
	for (l->tolerance = TOLERANCE; l->tolerance >= 1; l->tolerance /= 16) {
		place(l, v);
		improve(l, v);
	}
	l->tolerance = 1;
	if (v->score > score) {
		memcpy(v->at, last, sizeof(last));
		resume(l, v);
	}
	regroup_all(l, v);
}

/* Bytes per second of all subflows, and of all links. */
static void rates(const struct lanes *l, const struct view *v, double *flows, double *links)
{
	*flows = *links = 0;
	for (unsigned k = 0; k < l->n_links; k++) {
		const struct tally *t = &v->links[k];

		if (t->length > 0)
			*links += t->l / t->length;
		for (unsigned i = 0; i < l->top && t->length > 0; i++)
			if (v->at[i] == (int)k)
				*flows += t->x[i] / t->length;
	}
}

/* Do the links' counters show what the subflows have carried, by this lag? And have the subflows
 * been there for long enough to say so? */
static bool is_credible(const struct lanes *l, const struct view *v)
{
	double flows, links, at_once, same;

	rates(l, v, &flows, &links);
	rates(l, &l->views[0], &at_once, &same);
	return flows > 0 && flows > OBSERVED * at_once && links > CREDIBLE * flows;
}

static bool all_shown(const struct lanes *l, const struct view *v)
{
	double flows, links;

	rates(l, v, &flows, &links);
	return links > ALL_SHOWN * flows;
}

/* An idle link tells at once what takes the likelihood of many samples else. */
static bool is_idle_for(const struct tally *t, unsigned i)
{
	return t->length > SHOWN_FOR && t->x[i] > SHOWN_FROM && t->l < SHOWN * t->x[i];
}

static uint32_t possible_links(const struct lanes *l, const struct view *v, unsigned i,
			       double behind)
{
	uint32_t possible = 1u << v->at[i];
	bool shown = all_shown(l, v);

	for (unsigned k = 0; k < l->n_links; k++) {
		if (!is_allowed(l, k) || v->at[i] == (int)k)
			continue;
		if (shown && is_idle_for(&v->links[k], i))
			continue;
		if (behind + best_move(l, v, i, k).cost < LANES_SURE)
			possible |= 1u << k;
	}
	return possible;
}

static struct view *likeliest(struct lanes *l)
{
	struct view *best = NULL;

	for (unsigned v = 0; v < VIEWS; v++)
		if (is_credible(l, &l->views[v]) && (!best || l->views[v].score < best->score))
			best = &l->views[v];
	return best;
}

void lanes_solve(struct lanes *l, struct lane out[LANES_FLOWS_MAX])
{
	struct view *best;

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		out[i] = (struct lane){ -1, 0 };
	if (!l->allowed)
		return;
	for (unsigned v = 0; v < VIEWS; v++)
		resume(l, &l->views[v]);
	/* The likeliest lag is looked at thoroughly, and one of the others each time. */
	l->turn = (l->turn + 1) % VIEWS;
	search(l, &l->views[l->turn]);
	best = likeliest(l);
	if (!best)
		return;
	if (best != &l->views[l->turn])
		search(l, best);
	for (unsigned v = 0; v < VIEWS; v++) {
		double behind = l->views[v].score - best->score;

		if (behind >= LANES_SURE || !is_credible(l, &l->views[v]))
			continue;
		for (unsigned i = 0; i < l->top; i++)
			if (is_open(l, i))
				out[i].possible |= possible_links(l, &l->views[v], i, behind);
	}
	for (unsigned i = 0; i < l->top; i++)
		if (is_open(l, i))
			out[i].link = best->at[i];
}
