/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seed.h - random numbers for tests: the seed is printed, SEED=N in the environment replays it
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "util/parse.h"

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* Every size of number is as likely as any other, so that small ones and large ones come. */
static inline uint64_t rng_any_size(struct rng *r)
{
	return rng_next(r) >> rng_below(r, 64);
}

static inline void rng_fill(struct rng *r, void *dst, size_t len)
{
	uint8_t *p = dst;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_next(r);
}

/* Each test of a program begins anew with the program's seed. */
static inline struct rng rng_start(void)
{
	const char *text = getenv("SEED");
	struct timespec now;
	struct rng r;

	clock_gettime(CLOCK_REALTIME, &now);
	r.state = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 +
		  (uint64_t)getpid() * 1000003;
	if (text && parse_u64(text, 0, UINT64_MAX, &r.state)) {
		fprintf(stderr, "SEED=%s is no number\n", text);
		exit(2);
	}
	printf("SEED=%llu\n", (unsigned long long)r.state);
	fflush(stdout);
	return r;
}
