/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - virtual time: what happens when, in order, and random numbers from a seed
 *
 * Two events of one moment happen in the order in which they were added, so a run depends on its
 * seed alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_NEVER  UINT64_MAX
#define CLOCK_SECOND 1000000000ull
#define CLOCK_MS     1000000ull

struct happening {
	uint64_t at_ns;
	uint64_t order;
	void (*fn)(void *arg);
	void *arg;
	bool owned;
};

struct clock {
	uint64_t now_ns;
	uint64_t n_added, n_done;
	struct happening *heap;
	size_t n, room;
	uint64_t rng;
};

void clock_init(struct clock *c, uint64_t seed);
void clock_clear(struct clock *c);

/* fn(arg) happens then; what has happened already, now. arg is borrowed. */
void clock_add(struct clock *c, uint64_t at_ns, void (*fn)(void *arg), void *arg);

/* The same with memory of malloc that is fn's from then on, or freed if that moment never comes. */
void clock_give(struct clock *c, uint64_t at_ns, void (*fn)(void *arg), void *arg);

/* When the next happens; CLOCK_NEVER: nothing does. */
uint64_t clock_next(const struct clock *c);

/* Lets the next one happen. */
void clock_step(struct clock *c);

uint64_t clock_random(struct clock *c);
/* 0 .. n - 1; 0 if n is 0. */
uint64_t clock_below(struct clock *c, uint64_t n);
/* 0 <= x < 1 */
double clock_part(struct clock *c);

/* A number that depends on these two alone. */
uint64_t clock_mix(uint64_t a, uint64_t b);

/* Memory that is zero. Ends the program without it. */
void *clock_alloc(size_t size);
