/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

void *clock_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		fputs("networks: no memory\n", stderr);
		exit(2);
	}
	return p;
}

void clock_init(struct clock *c, uint64_t seed)
{
	*c = (struct clock){ .rng = seed, .now_ns = CLOCK_SECOND };
}

void clock_clear(struct clock *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->heap[i].owned)
			free(c->heap[i].arg);
	free(c->heap);
	*c = (struct clock){ 0 };
}

static bool before(const struct happening *a, const struct happening *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void add(struct clock *c, uint64_t at_ns, void (*fn)(void *arg), void *arg, bool owned)
{
	struct happening h = { at_ns > c->now_ns ? at_ns : c->now_ns, c->n_added++, fn, arg,
			       owned };
	size_t i;

	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 1024;
		c->heap = realloc(c->heap, c->room * sizeof(*c->heap));
		if (!c->heap)
			exit(2);
	}
	for (i = c->n++; i && before(&h, &c->heap[(i - 1) / 2]); i = (i - 1) / 2)
		c->heap[i] = c->heap[(i - 1) / 2];
	c->heap[i] = h;
}

void clock_add(struct clock *c, uint64_t at_ns, void (*fn)(void *arg), void *arg)
{
	add(c, at_ns, fn, arg, false);
}

void clock_give(struct clock *c, uint64_t at_ns, void (*fn)(void *arg), void *arg)
{
	add(c, at_ns, fn, arg, true);
}

uint64_t clock_next(const struct clock *c)
{
	return c->n ? c->heap[0].at_ns : CLOCK_NEVER;
}

static struct happening take_first(struct clock *c)
{
	struct happening first = c->heap[0], last = c->heap[--c->n];
	size_t i = 0, below;

	while ((below = 2 * i + 1) < c->n) {
		if (below + 1 < c->n && before(&c->heap[below + 1], &c->heap[below]))
			below++;
		if (!before(&c->heap[below], &last))
			break;
		c->heap[i] = c->heap[below];
		i = below;
	}
	c->heap[i] = last;
	return first;
}

void clock_step(struct clock *c)
{
	struct happening h = take_first(c);

	c->now_ns = h.at_ns;
	c->n_done++;
	h.fn(h.arg);
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t clock_mix(uint64_t a, uint64_t b)
{
	return mix(mix(a + 0x9e3779b97f4a7c15ull) ^ (b + 0x632be59bd9b4e019ull));
}

uint64_t clock_random(struct clock *c)
{
	return mix(c->rng += 0x9e3779b97f4a7c15ull);
}

uint64_t clock_below(struct clock *c, uint64_t n)
{
	return n ? clock_random(c) % n : 0;
}

double clock_part(struct clock *c)
{
	return (double)(clock_random(c) >> 11) / 9007199254740992.0;
}
