/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "single.h"

#include <stdio.h>
#include <stdlib.h>

#include "tcp.h"

#define SECONDS 20
#define RUNS    5
#define BURST   3000

static double rate_of_flow(enum tcp_kind kind, double mbit, double rtt_ms, double loss,
			   uint64_t seed)
{
	const struct hop_config wide = { .rate = 1.25e9, .limit = 1e9, .loss = loss };
	const struct hop_config narrow = { .rate = mbit * 1e6 / 8,
					   .burst = BURST,
					   .limit = mbit * 1e6 / 8 * 0.05 + BURST };
	const struct hop_config back = { .rate = 1.25e9, .limit = 1e9 };
	struct clock clock;
	struct hop hop[3];
	struct tcp tcp;
	double bytes;

	clock_init(&clock, seed);
	hop_init(&hop[0], &clock, &wide);
	hop_init(&hop[1], &clock, &narrow);
	hop_init(&hop[2], &clock, &back);
	tcp_init(&tcp, &clock, kind, false);
	tcp.half[0].hop[0] = &hop[0];
	tcp.half[0].hop[1] = &hop[1];
	tcp.half[1].hop[0] = tcp.half[1].hop[1] = &hop[2];
	tcp.half[1].delay_ns = (uint64_t)(rtt_ms * 1e6);
	tcp_stands(&tcp, tcp.half[1].delay_ns + 100000);
	tcp_send_endless(&tcp.half[0]);
	while (clock_next(&clock) < (SECONDS + 1) * CLOCK_SECOND)
		clock_step(&clock);
	bytes = (double)tcp.half[0].arrived;
	tcp_clear(&tcp);
	clock_clear(&clock);
	for (unsigned i = 0; i < 3; i++)
		hop_clear(&hop[i]);
	return bytes * 8 / 1e6 / SECONDS;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_rate(enum tcp_kind kind, double mbit, double rtt_ms, double loss)
{
	double rate[RUNS];

	for (uint64_t i = 0; i < RUNS; i++)
		rate[i] = rate_of_flow(kind, mbit, rtt_ms, loss, i + 1);
	qsort(rate, RUNS, sizeof(rate[0]), ascending);
	return rate[RUNS / 2];
}

void single_table(void)
{
	static const double mbit[] = { 1, 3, 10, 20, 40 };
	static const double rtt_ms[] = { 1, 10, 40, 100 };
	static const double percent[] = { 0, 0.1, 1, 3 };

	printf("mbit rtt loss cubic bbr\n");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			for (unsigned k = 0; k < 5; k++)
				printf("%g %g %g %.2f %.2f\n", mbit[k], rtt_ms[i], percent[j],
				       median_rate(TCP_CUBIC, mbit[k], rtt_ms[i], percent[j] / 100),
				       median_rate(TCP_BBR, mbit[k], rtt_ms[i], percent[j] / 100));
}
