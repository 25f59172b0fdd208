/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes_solve.c - the likeliest assignment of subflows to links, and how sure it is
 *
 * doc/design/lanes.md derives the score and has the reason for each constant. Each view (a lag of
 * the counters) has one assignment, at[], which lives from call to call. lanes_solve() resumes all
 * views, searches two of them (one in turn, and the likeliest), and takes the answer from the
 * likeliest one and the possible links from all views that are nearly as likely.
 *
 * What always holds:
 * - After resume(), and after each search, at[] of every open subflow is an allowed link, and -1 of
 * all other numbers. A search that stops early leaves a whole assignment.
 * - rest, rest2 and rx of a tally belong to at[]. begin() sets them, then only put() changes
 * either.
 * - gains belong to the view and assignment of the last set_gains(). make_move() keeps them right;
 *   regroup() and assign_new() do not, and improve() fills them in anew.
 * - tolerance is 1 outside of search(). Scores of different tolerance are never compared.
 * - One call makes at most LANES_STEPS_MAX steps.
 */
#include <assert.h>
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

/* A score has to become less by this much: less is rounding. */
#define WORTH 1e-9

/* A search makes this many steps before it makes no more moves, and then regroups for this many. A
 * step is one score of a link, or one change of its rest. See LANES_STEPS_MAX. */
#define SEARCH_STEPS  24000u
#define REGROUP_STEPS 16000u

/* Sums of gains that take as long as a step. */
#define LOOKS_PER_STEP 4

/* Assignments ---------------------------------------------------------------------------------- */

/* Of a rest and its square, summed up over a time: a steady rest has none. */
static double variance(double rest, double rest2, double length, double n)
{
	double cost = rest2 - (rest > 0 ? rest * rest / length : 0);

	return cost > 0 ? cost / n : 0;
}

/* How unlikely a link's rest is. That of other traffic has any variance up to a limit: the
 * likeliest is assumed, which makes it a logarithm. What is beyond has to be chance. */
static double score_of(struct lanes *l, const struct view *v, const struct tally *t, double rest,
		       double rest2)
{
	double most = l->tolerance * v->others, noise = l->tolerance * t->noise, var;

	l->steps++;
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

static double score_after(struct lanes *l, const struct view *v, unsigned k, struct change c)
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

static double score_now(struct lanes *l, const struct view *v, unsigned k)
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
static void put(struct lanes *l, struct view *v, unsigned i, int to)
{
	l->steps++;
	if (v->at[i] >= 0)
		put_on(&v->links[v->at[i]], i, -1, l->top);
	if (to >= 0)
		put_on(&v->links[to], i, 1, l->top);
	v->at[i] = (int8_t)to;
}

static bool is_allowed(const struct lanes *l, unsigned k)
{
	return l->allowed >> k & 1;
}

static bool is_spent(const struct lanes *l)
{
	return l->steps >= l->steps_limit;
}

/* Moves ---------------------------------------------------------------------------------------- */

static double gain(struct lanes *l, const struct view *v, unsigned k, struct change c)
{
	return score_after(l, v, k, c) - l->gains.now[k];
}

/* All links where subflow j is not, by what they gain: the best, and the best but for that one. */
static void rank(struct lanes *l, const struct view *v, unsigned j)
{
	int8_t first = -1, second = -1;

	for (unsigned k = 0; k < l->n_links; k++) {
		double on = l->gains.on[j][k];

		if (!is_allowed(l, k) || v->at[j] == (int)k)
			continue;
		if (first < 0 || on < l->gains.on[j][first]) {
			second = first;
			first = (int8_t)k;
		} else if (second < 0 || on < l->gains.on[j][second]) {
			second = (int8_t)k;
		}
	}
	l->gains.first[j] = first;
	l->gains.second[j] = second;
}

/* Fills in what depends on the links of a set. */
static void set_gains(struct lanes *l, const struct view *v, uint32_t links)
{
	struct gains *g = &l->gains;

	for (unsigned k = 0; k < l->n_links; k++)
		if (links >> k & 1)
			g->now[k] = score_now(l, v, k);
	for (unsigned j = 0; j < l->top; j++) {
		unsigned at = (unsigned)v->at[j];

		if (!lanes_is_open(l, j))
			continue;
		for (unsigned k = 0; k < l->n_links; k++)
			if (links >> k & 1 && is_allowed(l, k) && k != at)
				g->on[j][k] = gain(l, v, k, (struct change){ -1, (int)j });
		rank(l, v, j);
		if (!(links >> at & 1))
			continue;
		g->off[j] = gain(l, v, at, (struct change){ (int)j, -1 });
		for (unsigned i = 0; i < l->top; i++)
			if (lanes_is_open(l, i) && v->at[i] != v->at[j])
				g->swap[j][i] = gain(l, v, at, (struct change){ (int)j, (int)i });
	}
}

/* A move of i to k, by itself, or while another subflow of k goes on elsewhere. */
struct move {
	double cost; /* change of the score */
	int other;   /* -1: none */
	int other_to;
};

static void consider(struct move *best, double cost, int other, int to)
{
	if (cost < best->cost)
		*best = (struct move){ cost, other, to };
}

/* From the gains alone: no step. */
static struct move best_move(const struct lanes *l, const struct view *v, unsigned i, unsigned k)
{
	const struct gains *g = &l->gains;
	int from = v->at[i];
	struct move best = { g->off[i] + g->on[i][k], -1, -1 };

	assert(from >= 0 && from != (int)k);
	for (unsigned j = 0; j < l->top; j++) {
		int to = g->first[j];

		if (!lanes_is_open(l, j) || v->at[j] != (int)k)
			continue;
		if (is_allowed(l, (unsigned)from))
			consider(&best, g->swap[j][i] + g->swap[i][j], (int)j, from);
		if (to == from)
			to = g->second[j];
		if (to >= 0)
			consider(&best, g->off[i] + g->swap[j][i] + g->on[j][to], (int)j, to);
	}
	return best;
}

/* Expectations --------------------------------------------------------------------------------- */

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

static void begin(struct lanes *l, struct view *v, bool afresh)
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
static void assign_new(struct lanes *l, struct view *v)
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

static void set_score(struct lanes *l, struct view *v)
{
	v->score = 0;
	for (unsigned k = 0; k < l->n_links; k++)
		v->score += score_now(l, v, k);
}

static void make_move(struct lanes *l, struct view *v, unsigned i, unsigned k, struct move m)
{
	uint32_t changed = 1u << k | 1u << v->at[i];

	if (m.other >= 0) {
		put(l, v, (unsigned)m.other, m.other_to);
		changed |= 1u << m.other_to;
	}
	put(l, v, i, (int)k);
	set_gains(l, v, changed);
}

/* Makes moves until none is better, or the steps are spent: what is reached then is an assignment
 * like any other, and the next call goes on from it. Each move makes the score less by something
 * that is worth it, so this ends; the limit of rounds is for arithmetic that does not. */
static void improve(struct lanes *l, struct view *v)
{
	bool better = !is_spent(l);

	if (better)
		set_gains(l, v, UINT32_MAX);
	for (unsigned round = 0; round < 2 * LANES_FLOWS_MAX && better; round++) {
		better = false;
		l->steps += l->top * l->n_links / LOOKS_PER_STEP;
		for (unsigned i = 0; i < l->top; i++) {
			for (unsigned k = 0; k < l->n_links && lanes_is_open(l, i); k++) {
				struct move m;

				if (!is_allowed(l, k) || v->at[i] == (int)k || is_spent(l))
					continue;
				m = best_move(l, v, i, k);
				if (m.cost > -WORTH)
					continue;
				make_move(l, v, i, k, m);
				better = true;
			}
		}
	}
	set_score(l, v);
}

/* All ways to divide the subflows of two links between them, if they are not too many: several may
 * have to change places at once, a fast one for two slow ones. Returns whether one was better. */
static bool regroup(struct lanes *l, struct view *v, unsigned a, unsigned b)
{
	unsigned flows[REGROUP_MAX], n = 0, best_set = 0, set = 0;
	double first = score_now(l, v, a) + score_now(l, v, b), best = first - WORTH;

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
	return best < first - WORTH;
}

/* Goes on with the pair of links after the last one of the call before, until a turn over all pairs
 * finds nothing. */
static void regroup_all(struct lanes *l, struct view *v)
{
	unsigned pairs = l->n_links * l->n_links, idle = 0;

	for (unsigned n = 0; n < REGROUP_ROUNDS * pairs && idle < pairs && !is_spent(l); n++) {
		unsigned a = v->next_pair / l->n_links, b = v->next_pair % l->n_links;

		v->next_pair = (v->next_pair + 1) % pairs;
		idle++;
		if (a < b && is_allowed(l, a) && is_allowed(l, b) && regroup(l, v, a, b))
			idle = 0;
	}
	improve(l, v);
}

/* The last answer, with new subflows where they fit best. */
static void resume(struct lanes *l, struct view *v)
{
	begin(l, v, false);
	assign_new(l, v);
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

	l->steps_limit = l->steps + SEARCH_STEPS;
	improve(l, v);
	if (fits(l, v))
		return;
	memcpy(last, v->at, sizeof(last));
	score = v->score;
	begin(l, v, true);
	for (l->tolerance = TOLERANCE; l->tolerance >= 1; l->tolerance /= 16) {
		assign_new(l, v);
		improve(l, v);
	}
	l->tolerance = 1;
	if (v->score > score) {
		memcpy(v->at, last, sizeof(last));
		resume(l, v);
	}
	l->steps_limit = l->steps + REGROUP_STEPS;
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
	double flows, links, flows_at_once, links_at_once;

	rates(l, v, &flows, &links);
	rates(l, &l->views[0], &flows_at_once, &links_at_once);
	return flows > 0 && flows > OBSERVED * flows_at_once && links > CREDIBLE * flows;
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

static uint32_t possible_links(struct lanes *l, const struct view *v, unsigned i, double behind)
{
	uint32_t possible = 1u << v->at[i];
	bool shown = all_shown(l, v);

	assert(v->at[i] >= 0);
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
	l->steps = 0;
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
		set_gains(l, &l->views[v], UINT32_MAX);
		for (unsigned i = 0; i < l->top; i++)
			if (lanes_is_open(l, i))
				out[i].possible |= possible_links(l, &l->views[v], i, behind);
	}
	for (unsigned i = 0; i < l->top; i++)
		if (lanes_is_open(l, i))
			out[i].link = best->at[i];
	assert(l->steps <= LANES_STEPS_MAX);
}

unsigned lanes_steps(const struct lanes *l)
{
	return l->steps;
}
