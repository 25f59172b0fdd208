/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model is one flag per unit of the stream; a unit is `scale` bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "session/reasm.h"

#define UNITS 1500

struct model {
	bool held[UNITS + 1]; /* the last one never is */
	uint64_t scale;
};

static enum reasm_held model_test(const struct model *m, size_t at, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += m->held[at + i];
	if (!n)
		return REASM_NEW;
	return n == len ? REASM_HELD : REASM_PARTLY;
}

static void assert_same(const struct model *m, const struct reasm *r)
{
	static struct wire_range ranges[REASM_RANGES];
	uint32_t n = reasm_ranges(r, ranges, REASM_RANGES), found = 0;
	size_t at = 0, highest;

	while (m->held[at])
		at++;
	highest = at;
	assert_int_equal(reasm_received(r), at * m->scale);
	while (at < UNITS) {
		size_t start = at;

		while (m->held[at])
			at++;
		if (at > start) {
			assert_true(found < n);
			assert_int_equal(ranges[found].start, start * m->scale);
			assert_int_equal(ranges[found].end, at * m->scale);
			found++;
			highest = at;
		}
		at++;
	}
	assert_int_equal(found, n);
	assert_int_equal(reasm_highest(r), highest * m->scale);
	/* Fewer than there are: the lowest. */
	if (n > 1) {
		struct wire_range low[1];

		assert_int_equal(reasm_ranges(r, low, 1), 1);
		assert_memory_equal(low, ranges, sizeof(low));
	}
}

static void test_random(void **state)
{
	struct rng r = rng_start();

	for (int round = 0; round < 60; round++) {
		struct model m = { .scale = 1 + (rng_any_size(&r) >> 12) };
		size_t max_len = 1 + rng_below(&r, 40);
		struct reasm *reasm;

		assert_int_equal(reasm_new(&reasm), 0);
		assert_same(&m, reasm);
		for (int i = 0; i < 1000; i++) {
			size_t len = 1 + rng_below(&r, max_len);
			size_t at = rng_below(&r, UNITS - len + 1);
			enum reasm_held held = model_test(&m, at, len);

			assert_int_equal(reasm_test(reasm, at * m.scale, len * m.scale), held);
			if (held != REASM_NEW)
				continue;
			assert_int_equal(reasm_add(reasm, at * m.scale, len * m.scale), 0);
			memset(m.held + at, true, len);
			assert_same(&m, reasm);
		}
		/* Fill every gap: the stream is whole. */
		for (size_t at = 0; at < UNITS; at++) {
			if (m.held[at])
				continue;
			assert_int_equal(reasm_add(reasm, at * m.scale, m.scale), 0);
			m.held[at] = true;
		}
		assert_same(&m, reasm);
		assert_int_equal(reasm_received(reasm), UNITS * m.scale);
		reasm_free(reasm);
	}
}

/* A byte more or less at either end decides what a chunk is. */
static void test_edges(void **state)
{
	struct reasm *r;

	assert_int_equal(reasm_new(&r), 0);
	assert_int_equal(reasm_add(r, 0, 10), 0);
	assert_int_equal(reasm_add(r, 20, 10), 0);
	assert_int_equal(reasm_test(r, 0, 10), REASM_HELD);
	assert_int_equal(reasm_test(r, 9, 1), REASM_HELD);
	assert_int_equal(reasm_test(r, 9, 2), REASM_PARTLY);
	assert_int_equal(reasm_test(r, 10, 10), REASM_NEW);
	assert_int_equal(reasm_test(r, 10, 11), REASM_PARTLY);
	assert_int_equal(reasm_test(r, 19, 2), REASM_PARTLY);
	assert_int_equal(reasm_test(r, 20, 10), REASM_HELD);
	assert_int_equal(reasm_test(r, 21, 8), REASM_HELD);
	assert_int_equal(reasm_test(r, 19, 12), REASM_PARTLY);
	assert_int_equal(reasm_test(r, 29, 2), REASM_PARTLY);
	assert_int_equal(reasm_test(r, 30, 1), REASM_NEW);
	assert_int_equal(reasm_test(r, 0, 100), REASM_PARTLY);
	assert_int_equal(reasm_received(r), 10);
	assert_int_equal(reasm_add(r, 10, 10), 0);
	assert_int_equal(reasm_received(r), 30);
	assert_int_equal(reasm_highest(r), 30);
	assert_null(reasm_free(r));
	assert_null(reasm_free(NULL));
}

static void test_end_of_offsets(void **state)
{
	struct wire_range range;
	struct reasm *r;

	assert_int_equal(reasm_new(&r), 0);
	assert_int_equal(reasm_add(r, UINT64_MAX - 1, 1), 0);
	assert_int_equal(reasm_add(r, UINT64_MAX - 3, 2), 0);
	assert_int_equal(reasm_ranges(r, &range, 1), 1);
	assert_int_equal(range.start, UINT64_MAX - 3);
	assert_int_equal(range.end, UINT64_MAX);
	assert_int_equal(reasm_add(r, 0, UINT64_MAX - 3), 0);
	assert_int_equal(reasm_received(r), UINT64_MAX);
	reasm_free(r);
}

/* The table is full: no new range, but what joins others still fits. */
static void test_limit(void **state)
{
	struct reasm *r;

	assert_int_equal(reasm_new(&r), 0);
	for (uint64_t i = 0; i < REASM_RANGES; i++)
		assert_int_equal(reasm_add(r, 10 + 10 * i, 2), 0);
	assert_int_equal(reasm_add(r, 5, 1), -ENOBUFS);
	assert_int_equal(reasm_add(r, 15, 1), -ENOBUFS);
	assert_int_equal(reasm_add(r, 100 + 10 * REASM_RANGES, 1), -ENOBUFS);
	assert_int_equal(reasm_test(r, 15, 1), REASM_NEW);
	assert_int_equal(reasm_add(r, 12, 1), 0);
	assert_int_equal(reasm_add(r, 19, 1), 0);
	assert_int_equal(reasm_add(r, 13, 6), 0);
	assert_int_equal(reasm_add(r, 35, 1), 0);
	assert_int_equal(reasm_add(r, 0, 10), 0);
	assert_int_equal(reasm_received(r), 22);
	assert_int_equal(reasm_highest(r), 10 * REASM_RANGES + 2);
	assert_int_equal(reasm_add(r, 45, 1), 0);
	assert_int_equal(reasm_add(r, 47, 1), -ENOBUFS);
	reasm_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_end_of_offsets),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
