/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes_solve.c - the assignment of subflows to links that is likeliest by what was counted, and
 * how sure it is
 */
#include <math.h>
#include <string.h>

#include "plan/lanes_internal.h"

/* The noise that is always expected between two readings: packets that one counter has and the
 * other has not yet, and the time that it takes to read them all. */
#define NOISE_BYTES 4000.0
#define NOISE_S     0.002

/* Other traffic cannot be more on one link than on all together, and what that is needs no
 * assignment. So its variance on one link is taken to be at most this many times that of all, or
 * that of this part of its rate: flows of others may come and go between links. */
#define OTHERS_VARIANCE 2.0
#define OTHERS_PART     0.3

/* Part of the subflows' bytes that the links have to show: when counters are late, they do not yet.
 */
#define CREDIBLE 0.8

/* Part of the subflows' bytes that a lag must leave to be compared: the rest is younger than it. */
#define OBSERVED 0.5

/* A subflow is not on a link whose counter shows less than this part of it, if all counters
 * together show what they should: none of up to 16 is late. */
#define SHOWN      0.25
#define ALL_SHOWN  0.95
#define SHOWN_FROM 32768.0 /* bytes */
#define SHOWN_FOR  0.15    /* seconds: one short sample is not believed */

/* A search begins with this many times the expected noise. */
#define TOLERANCE 256.0

/* An assignment that leaves this many times the expected noise is as good as any. */
#define FITTING 1.0

/* Subflows of two links that are divided anew in all ways: 1024 of them. */
#define REGROUP_MAX    10
#define REGROUP_ROUNDS 4

/* Assignments ---------------------------------------------------------------------------------- */

/* Of a rest and its square, summed up over a time: a steady rest has none. */
static double variance(double rest, double rest2, double length, double n)
{
	double cost = rest2 - (rest > 0 ? rest * rest / length : 0);

	return cost > 0 ? cost / n : 0;
}

/* How unlikely a link's rest is. That of other traffic has any variance up to a limit: the
 * likeliest is assumed, which makes it a logarithm. What is beyond has to be chance. */
static double score_of(const struct lanes *l, const struct view *v, const struct tally *t,
		       double rest, double rest2)
{
	double most = l->tolerance * v->others, noise = l->tolerance * t->noise, var;

	if (t->n <= 0)
		return 0;
	var = variance(rest, rest2, t->length, t->n);
	if (var <= most)
		return t->n / 2 * log(var + noise);
	return t->n / 2 * (log(most + noise) + (var - most) / (most + noise));
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
	return score_of(l, v, t, rest, rest2);
}

static double score_now(const struct lanes *l, const struct view *v, unsigned k)
{
	return score_of(l, v, &v->links[k], v->links[k].rest, v->links[k].rest2);
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

		if (!lanes_is_open(l, (unsigned)j) || v->at[j] != (int)k)
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

/* What links lack may be missing on any of them. */
static void set_noise(const struct total *all, struct tally *t)
{
	double late = t->length > 0 ? NOISE_S * t->l / t->length : 0;

	t->noise = NOISE_BYTES * NOISE_BYTES / LANES_INDEPENDENT_S;
	if (t->n > 0)
		t->noise += late * late * t->windows / t->n;
	if (all->n > 0)
		t->noise += all->lack2 / all->n;
}

/* Of all lags the one that leaves least is nearest to the truth: with another one the subflows' own
 * ups and downs look like other traffic, and the time before the first subflow began most of all.
 * Were each lag to allow for what it leaves itself, a lag that is wrong could explain anything: all
 * subflows on one link, and as much other traffic on each of the others. */
static double others_of(const struct lanes *l)
{
	double least = HUGE_VAL;

	for (unsigned i = 0; i < LANES_VIEWS; i++) {
		const struct total *t = &l->views[i].total;
		double rate, others;

		if (t->n <= 0)
			continue;
		rate = t->rest > 0 ? OTHERS_PART * t->rest / t->length : 0;
		others = OTHERS_VARIANCE * variance(t->rest, t->rest2, t->length, t->n) +
			 rate * rate * LANES_INDEPENDENT_S;
		if (others < least)
			least = others;
	}
	return least < HUGE_VAL ? least : 0;
}

static void begin(const struct lanes *l, struct view *v, bool afresh)
{
	v->others = others_of(l);
	for (unsigned k = 0; k < l->n_links; k++) {
		struct tally *t = &v->links[k];

		set_noise(&v->total, t);
		t->rest = t->l;
		t->rest2 = t->ll;
		memcpy(t->rx, t->xl, sizeof(t->rx));
	}
	for (unsigned i = 0; i < l->top; i++) {
		int at = v->at[i];

		v->at[i] = -1;
		if (lanes_is_open(l, i) && at >= 0 && !afresh)
			put(l, v, i, at);
	}
}

/* New ones go where they fit best. */
static void place(const struct lanes *l, struct view *v)
{
	for (unsigned i = 0; i < l->top; i++) {
		double best = HUGE_VAL;
		int to = -1;

		if (!lanes_is_open(l, i) || v->at[i] >= 0)
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
			for (unsigned k = 0; k < l->n_links && lanes_is_open(l, i); k++) {
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
		if (!lanes_is_open(l, i) || (v->at[i] != (int)a && v->at[i] != (int)b))
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

/* Is what is left no more than the counters' noise? Then nothing better is to be found. */
static bool fits(const struct lanes *l, const struct view *v)
{
	for (unsigned k = 0; k < l->n_links; k++) {
		const struct tally *t = &v->links[k];

		if (t->n > 0 && variance(t->rest, t->rest2, t->length, t->n) > FITTING * t->noise)
			return false;
	}
	return true;
}

/* From the last answer, and afresh: a search by single steps may end where no step is better and
 * yet all is wrong. Afresh it begins with much noise allowed for, which evens out small ups and
 * downs. */
static void search(struct lanes *l, struct view *v)
{
	int8_t last[LANES_FLOWS_MAX];
	double score;

	improve(l, v);
	if (fits(l, v))
		return;
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

/* Have the counters been looked at for long enough to believe them? */
static bool is_new(const struct view *v)
{
	return v->total.length <= SHOWN_FOR;
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
		if (is_new(v) || behind + best_move(l, v, i, k).cost < LANES_SURE)
			possible |= 1u << k;
	}
	return possible;
}

static struct view *likeliest(struct lanes *l)
{
	struct view *best = NULL;

	for (unsigned v = 0; v < LANES_VIEWS; v++)
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
	for (unsigned v = 0; v < LANES_VIEWS; v++)
		resume(l, &l->views[v]);
	/* The likeliest lag is looked at thoroughly, and one of the others each time. */
	l->turn = (l->turn + 1) % LANES_VIEWS;
	search(l, &l->views[l->turn]);
	best = likeliest(l);
	if (!best)
		return;
	if (best != &l->views[l->turn])
		search(l, best);
	for (unsigned v = 0; v < LANES_VIEWS; v++) {
		double behind = l->views[v].score - best->score;

		if (behind >= LANES_SURE || !is_credible(l, &l->views[v]))
			continue;
		for (unsigned i = 0; i < l->top; i++)
			if (lanes_is_open(l, i))
				out[i].possible |= possible_links(l, &l->views[v], i, behind);
	}
	for (unsigned i = 0; i < l->top; i++)
		if (lanes_is_open(l, i))
			out[i].link = best->at[i];
}
