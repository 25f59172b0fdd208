/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small cases by hand, and a simulation: flows like TCP's that share links with other traffic, and
 * counters that lag. MPNC_LANES_RUNS and MPNC_LANES_SEED choose others; MPNC_LANES_SHOW=1 names the
 * seeds that went wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/lanes.h"

#define MS 1000000ull

/* Simulation ----------------------------------------------------------------------------------- */

#define STEP_S    0.01
#define STEPS     1200
#define CAPACITY  6.25e6 /* bytes per second of a link: 50 Mbit/s */
#define FLOWS_MAX 12
#define LINKS_MAX 5

enum lag { LAG_NONE, LAG_LATE, LAG_RENEWED, LAGS };

static const char *const lag_names[] = { "none", "1 s late", "renewed each 1 s" };

struct other {
	int kind; /* 0: steady, 1: on and off, 2: noise */
	double rate;
	double on_s, off_s, until;
	bool on;
	double level;
};

struct world {
	uint64_t rng;
	unsigned n_flows, n_links;
	int at[FLOWS_MAX];
	int tx[FLOWS_MAX];
	int begin[FLOWS_MAX]; /* step */
	double weight[FLOWS_MAX];
	struct other other[LINKS_MAX];
	enum lag lag;
	double skew; /* seconds by which a counter is read too early or too late */
	double phase[LINKS_MAX];
	double sum_flow[STEPS + 1][FLOWS_MAX];
	double sum_link[STEPS + 1][LINKS_MAX];
};

static uint64_t next_random(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

static double uniform(struct world *w, double from, double to)
{
	return from + (to - from) * (double)(next_random(w) >> 11) / 9007199254740992.0;
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)(next_random(w) >> 33) % n;
}

static double normal(struct world *w)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += uniform(w, 0, 1);
	return sum - 6;
}

static void make_world(struct world *w, uint64_t seed, enum lag lag, double noise, double skew)
{
	memset(w, 0, sizeof(*w));
	w->rng = seed * 0x9e3779b97f4a7c15ull + 1;
	for (int i = 0; i < 8; i++)
		next_random(w);
	w->lag = lag;
	w->skew = skew;
	w->n_links = 2 + below(w, LINKS_MAX - 1);
	w->n_flows = 1 + below(w, 2 * w->n_links);
	for (unsigned i = 0; i < w->n_flows; i++) {
		w->at[i] = (int)below(w, w->n_links);
		w->tx[i] = (int)(i % w->n_links);
		w->begin[i] = i ? (below(w, 3) ? (int)below(w, 20) : (int)below(w, 500)) : 0;
		w->weight[i] = 1;
	}
	for (unsigned k = 0; k < w->n_links; k++) {
		struct other *o = &w->other[k];

		w->phase[k] = uniform(w, 0, 1);
		if (below(w, 2))
			continue;
		o->kind = (int)below(w, 3);
		o->rate = noise * CAPACITY;
		o->on_s = uniform(w, 0.1, 2);
		o->off_s = uniform(w, 0.1, 2);
	}
}

static double other_rate(struct world *w, struct other *o, double t)
{
	switch (o->kind) {
	case 0:
		return o->rate;
	case 1:
		if (t >= o->until) {
			o->on = !o->on;
			o->until = t + (o->on ? o->on_s : o->off_s) * uniform(w, 0.5, 1.5);
		}
		return o->on ? o->rate : 0;
	default:
		o->level = 0.95 * o->level + 0.3 * normal(w);
		return o->rate * fmin(2, fmax(0, 1 + o->level));
	}
}

static void step(struct world *w, int n)
{
	double others[LINKS_MAX], rx[LINKS_MAX] = { 0 }, tx[LINKS_MAX] = { 0 };

	for (unsigned k = 0; k < w->n_links; k++)
		others[k] = other_rate(w, &w->other[k], n * STEP_S);
	for (unsigned i = 0; i < w->n_flows; i++) {
		double slow = fmin(1, (n - w->begin[i]) * STEP_S / 0.15);

		w->weight[i] = fmin(
			4, fmax(0.2, w->weight[i] + 0.03 * (1 - w->weight[i]) + 0.05 * normal(w)));
		if (n < w->begin[i])
			continue;
		rx[w->at[i]] += w->weight[i] * slow;
		tx[w->tx[i]] += w->weight[i] * slow;
	}
	for (unsigned k = 0; k < w->n_links; k++)
		w->sum_link[n + 1][k] = w->sum_link[n][k] + others[k] * STEP_S;
	for (unsigned i = 0; i < w->n_flows; i++) {
		double slow = fmin(1, (n - w->begin[i]) * STEP_S / 0.15);
		double a, b, bytes;

		w->sum_flow[n + 1][i] = w->sum_flow[n][i];
		if (n < w->begin[i] || slow <= 0)
			continue;
		a = (CAPACITY - others[w->at[i]]) * w->weight[i] * slow / fmax(1, rx[w->at[i]]);
		b = CAPACITY * w->weight[i] * slow / fmax(1, tx[w->tx[i]]);
		bytes = fmin(a, b) * STEP_S;
		w->sum_flow[n + 1][i] += bytes;
		w->sum_link[n + 1][w->at[i]] += bytes;
	}
}

/* What the counter of a link shows at a step. */
static double counter(struct world *w, int n, unsigned k)
{
	double t = n * STEP_S - uniform(w, 0, w->skew), shown = t, part;
	int at;

	if (w->lag == LAG_LATE)
		shown = t - 1;
	else if (w->lag == LAG_RENEWED)
		shown = floor(t - w->phase[k]) + w->phase[k];
	if (shown <= 0)
		return 0;
	at = (int)(shown / STEP_S);
	if (at >= n)
		return w->sum_link[n][k];
	part = shown / STEP_S - at;
	return (1 - part) * w->sum_link[at][k] + part * w->sum_link[at + 1][k];
}

struct score {
	unsigned long sure, wrong, unsure;
	unsigned long late; /* not sure at the end */
	unsigned long idle; /* perhaps, at the end, on a link that has no subflow at all */
	unsigned long flows;
};

static void judge(const struct world *w, int n, const struct lane *lane, struct score *score)
{
	for (unsigned i = 0; i < w->n_flows; i++) {
		uint32_t possible = lane[i].possible;

		if (n < w->begin[i])
			continue;
		if (!possible || possible & (possible - 1))
			score->unsure++;
		else if (possible != 1u << w->at[i])
			score->wrong++;
		else
			score->sure++;
	}
}

static void run_world(struct world *w, struct score *score)
{
	struct lane lane[LANES_FLOWS_MAX];
	double shown[LINKS_MAX] = { 0 };
	uint32_t used = 0;
	struct lanes *l;
	int last = 0;

	assert_int_equal(lanes_new(&l, w->n_links, (1u << w->n_links) - 1), 0);
	for (int n = 0; n < STEPS; n++) {
		int every = n < 200 ? 5 : 10;

		step(w, n);
		for (unsigned i = 0; i < w->n_flows; i++)
			if (n == w->begin[i])
				lanes_open(l, i);
		if ((n + 1) % every == 0) {
			uint64_t flow[LANES_FLOWS_MAX] = { 0 }, link[LINKS_MAX];

			for (unsigned i = 0; i < w->n_flows; i++)
				flow[i] = (uint64_t)(w->sum_flow[n + 1][i] - w->sum_flow[last][i]);
			for (unsigned k = 0; k < w->n_links; k++) {
				double now = fmax(shown[k], counter(w, n + 1, k));

				link[k] = (uint64_t)(now - shown[k]);
				shown[k] = now;
			}
			lanes_sample(l, (uint64_t)((n + 1 - last) * STEP_S * 1e9), flow, link);
			last = n + 1;
		}
		if ((n + 1) % 20 == 0) {
			lanes_solve(l, lane);
			judge(w, n, lane, score);
		}
	}
	for (unsigned i = 0; i < w->n_flows; i++)
		used |= 1u << w->at[i];
	for (unsigned i = 0; i < w->n_flows; i++) {
		score->flows++;
		score->late += lane[i].possible != 1u << w->at[i];
		score->idle += (lane[i].possible & ~used) != 0;
	}
	lanes_free(l);
}

static unsigned long env_or(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static void simulate(enum lag lag, double noise, double skew)
{
	static struct world w;
	unsigned long runs = env_or("MPNC_LANES_RUNS", 150), seed = env_or("MPNC_LANES_SEED", 1);
	struct score score = { 0 };

	for (unsigned long i = 0; i < runs; i++) {
		struct score before = score;

		make_world(&w, seed + i, lag, noise, skew);
		run_world(&w, &score);
		if (getenv("MPNC_LANES_SHOW") && score.wrong > before.wrong)
			printf("seed %lu: %u flows, %u links: %lu wrong\n", seed + i, w.n_flows,
			       w.n_links, score.wrong - before.wrong);
	}
	printf("counters %s, read within %.0f ms, others %.0f %%: %.2f %% wrong of the sure, %.0f "
	       "%% sure, at the end "
	       "%.0f %%, %.1f %% perhaps on an idle link\n",
	       lag_names[lag], 1000 * skew, 100 * noise,
	       100.0 * (double)score.wrong / (double)(score.sure + score.wrong),
	       100.0 * (double)(score.sure + score.wrong) /
		       (double)(score.sure + score.wrong + score.unsure),
	       100.0 * (double)(score.flows - score.late) / (double)score.flows,
	       100.0 * (double)score.idle / (double)score.flows);
	assert_true(score.wrong * 100 <= score.sure + score.wrong);
	/* What is read a little late is no other traffic. */
	if (lag == LAG_NONE && noise <= 0)
		assert_true(score.unsure * 20 <= score.sure);
	/* Averages of a second tell subflows of like rates apart no more, but what is idle is seen.
	 */
	if (lag != LAG_RENEWED)
		assert_true(score.late * 3 <= score.flows);
	if (lag != LAG_RENEWED || noise <= 0)
		assert_true(score.idle * 10 <= score.flows);
}

static void test_simulated(void **state)
{
	for (enum lag lag = 0; lag < LAGS; lag++) {
		simulate(lag, 0, 0);
		simulate(lag, 0, 0.01);
		simulate(lag, 0.3, 0);
		simulate(lag, 0.3, 0.01);
	}
}

/* By hand -------------------------------------------------------------------------------------- */

static struct lanes *two_links(unsigned flows)
{
	struct lanes *l;

	assert_int_equal(lanes_new(&l, 2, 3), 0);
	for (unsigned i = 0; i < flows; i++)
		lanes_open(l, i);
	return l;
}

static void sample(struct lanes *l, uint64_t a, uint64_t b, uint64_t link0, uint64_t link1)
{
	const uint64_t flow[LANES_FLOWS_MAX] = { a, b }, link[2] = { link0, link1 };

	lanes_sample(l, 100 * MS, flow, link);
}

/* What nothing was counted of may be anywhere; nothing is said before the first sample. */
static void test_nothing_known(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l = two_links(1);

	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 0);
	assert_int_equal(lane[0].link, -1);
	for (int i = 0; i < 20; i++)
		sample(l, 0, 0, 0, 0);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 0);
	lanes_free(l);
}

/* A link that shows nothing of a subflow is not its link: two samples tell, not ten. But not while
 * the counters lack some of what was carried, as one that is late may be that link's. */
static void test_idle_link(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l = two_links(2);

	sample(l, 500000, 500000, 0, 1000000);
	sample(l, 500000, 500000, 0, 1000000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 2);
	assert_int_equal(lane[1].possible, 2);
	lanes_free(l);
	l = two_links(2);
	sample(l, 500000, 500000, 0, 900000);
	sample(l, 500000, 500000, 0, 900000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 3);
	lanes_free(l);
}

/* One subflow, one link that moves. One short sample is not believed. */
static void test_one_flow(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l = two_links(1);

	sample(l, 1000000, 0, 0, 1000000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 3);
	for (int i = 0; i < 10; i++)
		sample(l, 1000000, 0, 0, 1000000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].link, 1);
	assert_int_equal(lane[0].possible, 2);
	lanes_free(l);
}

/* A link may carry others' bytes, but not fewer than its subflow's. */
static void test_other_traffic(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l = two_links(2);

	for (int i = 0; i < 20; i++)
		sample(l, 1000000, 400000, 1300000, 500000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 1);
	assert_int_equal(lane[1].link, 1);
	lanes_free(l);
}

/* A number that was given to another subflow knows nothing of the one before, and what that one
 * has carried is no riddle any more. */
static void test_a_number_is_used_again(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l = two_links(2);

	for (int i = 0; i < 20; i++)
		sample(l, 1000000, 500000, 1000000, 500000);
	lanes_solve(l, lane);
	assert_int_equal(lane[1].possible, 2);
	lanes_close(l, 1);
	lanes_open(l, 1);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 1);
	assert_int_equal(lane[1].possible, 3);
	for (int i = 0; i < 20; i++)
		sample(l, 600000, 400000, 1000000, 0);
	lanes_solve(l, lane);
	assert_int_equal(lane[1].possible, 1);
	lanes_free(l);
}

/* Links that the bond does not use carry no subflow. */
static void test_links_that_are_not_used(void **state)
{
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l;

	assert_int_equal(lanes_new(&l, 2, 1), 0);
	lanes_open(l, 0);
	for (int i = 0; i < 20; i++)
		sample(l, 1000000, 0, 1000000, 1000000);
	lanes_solve(l, lane);
	assert_int_equal(lane[0].possible, 1);
	lanes_free(l);
}

/* Eight links that are all full carry alike and steadily, while TCP hands over in bursts and begins
 * with more than the links take at once. Each link by itself then looks as if it carried a steady
 * traffic of others, and one link could be left with all subflows and a rest far below zero: lanes
 * said so, as sure, and steering looked for links that were never idle. */
static void test_full_links_are_not_others_traffic(void **state)
{
	enum { N = 8 };
	const double rate = 1.25e6;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct world w = { .rng = seed * 0x9e3779b97f4a7c15ull + 1 };
		struct lane lane[LANES_FLOWS_MAX];
		struct lanes *l;

		assert_int_equal(lanes_new(&l, N, (1u << N) - 1), 0);
		for (unsigned i = 0; i < N; i++)
			lanes_open(l, i);
		for (unsigned n = 0; n < 40; n++) {
			uint64_t dt_ns = n < 20 ? 100 * MS : 250 * MS, link[N];
			uint64_t flow[LANES_FLOWS_MAX] = { 0 };
			double mean = rate * (double)dt_ns / 1e9, burst = n < 2 ? 2.2 : 1;
			uint32_t seen = 0;

			for (unsigned i = 0; i < N; i++) {
				flow[i] = (uint64_t)(burst * mean + uniform(&w, -3e4, 3e4));
				link[i] = (uint64_t)(mean + uniform(&w, -2e4, 2e4));
			}
			lanes_sample(l, dt_ns, flow, link);
			lanes_solve(l, lane);
			for (unsigned i = 0; i < N && lane[i].link >= 0; i++)
				seen |= 1u << lane[i].link;
			/* They are alike: nobody can say which is where, but all links are used. */
			assert_true(!seen || __builtin_popcount(seen) >= N - 1);
		}
		lanes_free(l);
	}
}

/* Bound ---------------------------------------------------------------------------------------- */

enum hard { HARD_DIFFER, HARD_ALIKE, HARD_NOISE, HARD_ONE_LINK, N_HARD };

/* Links that carry the subflows and little else; in HARD_NOISE what no assignment explains. */
static void draw(struct world *w, enum hard hard, unsigned n_links, uint64_t *flow, uint64_t *link)
{
	for (unsigned k = 0; k < n_links; k++)
		link[k] = (uint64_t)uniform(w, 0, hard == HARD_NOISE ? 2e6 : 2e4);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		flow[i] = (uint64_t)(hard == HARD_ALIKE ? uniform(w, 0.97e6, 1.03e6)
							: uniform(w, 0.1e6, 2e6));
		if (hard != HARD_NOISE)
			link[hard == HARD_ONE_LINK ? 0 : i * 7 % n_links] += flow[i];
	}
}

/* Steps that the longest of 60 calls takes. Where links carry hardly anything else, the answer is
 * right at the end although no call could search to its own end. */
static unsigned longest_call(enum hard hard, unsigned n_links)
{
	struct world w = { .rng = 88172645463325252ull };
	struct lane lane[LANES_FLOWS_MAX];
	unsigned longest = 0, right = 0;
	struct lanes *l;

	assert_int_equal(lanes_new(&l, n_links, UINT32_MAX >> (32 - n_links)), 0);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		lanes_open(l, i);
	for (unsigned n = 0; n < 60; n++) {
		uint64_t flow[LANES_FLOWS_MAX], link[LANES_LINKS_MAX];

		draw(&w, hard, n_links, flow, link);
		lanes_sample(l, 200 * MS, flow, link);
		lanes_solve(l, lane);
		if (lanes_steps(l) > longest)
			longest = lanes_steps(l);
	}
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		right += lane[i].link == (int)(i * 7 % n_links);
	if (hard == HARD_DIFFER)
		assert_int_equal(right, LANES_FLOWS_MAX);
	lanes_free(l);
	return longest;
}

/* lanes_solve() runs in the thread that moves data. */
static void test_a_call_is_bounded(void **state)
{
	static const unsigned n_links[] = { 1, 2, 4, 6, 8, 12, 16, 24, 32 };
	unsigned longest = 0;

	for (unsigned i = 0; i < sizeof(n_links) / sizeof(n_links[0]); i++) {
		for (int hard = 0; hard < N_HARD; hard++) {
			unsigned steps = longest_call((enum hard)hard, n_links[i]);

			if (steps > longest)
				longest = steps;
		}
	}
	printf("at most %u steps a call, of %u\n", longest, LANES_STEPS_MAX);
	assert_true(longest > 0 && longest <= LANES_STEPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_one_flow),
		cmocka_unit_test(test_idle_link),
		cmocka_unit_test(test_other_traffic),
		cmocka_unit_test(test_a_number_is_used_again),
		cmocka_unit_test(test_links_that_are_not_used),
		cmocka_unit_test(test_full_links_are_not_others_traffic),
		cmocka_unit_test(test_a_call_is_bounded),
		cmocka_unit_test(test_simulated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
