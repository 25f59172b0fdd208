/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-lanes.c - milliseconds of processor time that a call of lanes_solve() and lanes_sample()
 * takes, by the number of subflows and links and by how hard the counters are to explain. Prints a
 * table; fails for nothing. doc/design/lanes.md quotes it.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/lanes.h"

#define CALLS 60u
#define DT_NS 200000000ull

enum traffic {
	PLAIN, /* subflows differ, links carry them alone */
	ALIKE, /* subflows have one rate within 3 % */
	NOISE, /* links carry what no assignment explains */
	PILED, /* all subflows on one link */
	N_TRAFFIC,
};

static const char *const names[N_TRAFFIC] = { "differ", "alike", "noise", "one link" };

static uint64_t rng = 88172645463325252ull;

static double uniform(double from, double to)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return from + (to - from) * (double)(rng >> 11) / 9007199254740992.0;
}

static double thread_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void draw(enum traffic what, unsigned n_flows, unsigned n_links, uint64_t *flow,
		 uint64_t *link)
{
	for (unsigned k = 0; k < n_links; k++)
		link[k] = what == NOISE ? (uint64_t)uniform(0, 2e6) : (uint64_t)uniform(0, 2e4);
	for (unsigned i = 0; i < n_flows; i++) {
		double rate = what == ALIKE ? uniform(0.97e6, 1.03e6) : uniform(0.1e6, 2e6);

		flow[i] = (uint64_t)rate;
		if (what != NOISE)
			link[what == PILED ? 0 : (i * 7) % n_links] += flow[i];
	}
}

static void measure(enum traffic what, unsigned n_flows, unsigned n_links)
{
	unsigned steps = 0;
	double most = 0, sum = 0, samples = 0;
	struct lane lane[LANES_FLOWS_MAX];
	struct lanes *l;

	if (lanes_new(&l, n_links, n_links < 32 ? (1u << n_links) - 1 : UINT32_MAX))
		exit(1);
	for (unsigned i = 0; i < n_flows; i++)
		lanes_open(l, i);
	for (unsigned n = 0; n < CALLS; n++) {
		uint64_t flow[LANES_FLOWS_MAX] = { 0 }, link[LANES_LINKS_MAX];
		double start, sampled, end;

		draw(what, n_flows, n_links, flow, link);
		start = thread_ms();
		lanes_sample(l, DT_NS, flow, link);
		sampled = thread_ms();
		lanes_solve(l, lane);
		end = thread_ms();
		samples += sampled - start;
		sum += end - sampled;
		if (lanes_steps(l) > steps)
			steps = lanes_steps(l);
		most = fmax(most, end - sampled);
	}
	lanes_free(l);
	printf("%2u subflows, %2u links, %-8s  solve %7.3f ms, at most %7.3f, %6u steps; sample "
	       "%.3f\n",
	       n_flows, n_links, names[what], sum / CALLS, most, steps, samples / CALLS);
	fflush(stdout);
}

int main(void)
{
	static const unsigned sizes[][2] = { { 4, 2 },  { 8, 4 },   { 16, 8 },
					     { 32, 4 }, { 32, 16 }, { 32, 32 } };

	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (int what = 0; what < N_TRAFFIC; what++)
			measure((enum traffic)what, sizes[s][0], sizes[s][1]);
	return 0;
}
