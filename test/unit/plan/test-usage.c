/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of links from their counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "plan/usage.h"

#define S  1000000000ull
#define MS 1000000ull

static const uint32_t alike[COVER_NODES_MAX] = { 1, 1, 1, 1 };

/* Reads counters that grow by rate[i] bytes per second, every step_ns for so long. */
static void read_for(struct usage *u, uint64_t *now_ns, uint64_t bytes[4], const uint64_t rate[4],
		     uint64_t ns, uint64_t step_ns)
{
	for (uint64_t t = 0; t < ns; t += step_ns) {
		*now_ns += step_ns;
		for (unsigned i = 0; i < 4; i++)
			bytes[i] += rate[i] * (step_ns / MS) / 1000;
		usage_add(u, *now_ns, bytes, 4);
	}
}

/* However often counters are read, rates come out, and the best second stays. */
static void test_rates(void **state)
{
	static const uint64_t steps[] = { 50 * MS, 100 * MS, 250 * MS, 330 * MS, 1000 * MS };
	static const uint64_t fast[4] = { 1000, 2000, 0, 4000 }, slow[4] = { 500, 2000, 100, 0 };

	for (unsigned k = 0; k < 5; k++) {
		struct usage u = { 0 };
		uint64_t now_ns = 0, bytes[4] = { 0 }, rate;

		usage_add(&u, now_ns, bytes, 4);
		assert_false(usage_rate(&u, 0, S, &rate));
		assert_int_equal(usage_best(&u, 0), 0);
		read_for(&u, &now_ns, bytes, fast, 10 * S, steps[k]);
		for (unsigned i = 0; i < 4; i++) {
			assert_true(usage_rate(&u, i, S, &rate));
			assert_in_range(rate, fast[i] * 97 / 100, fast[i] * 103 / 100);
		}
		read_for(&u, &now_ns, bytes, slow, 6 * S, steps[k]);
		for (unsigned i = 0; i < 4; i++) {
			uint64_t best = fast[i] > slow[i] ? fast[i] : slow[i];

			assert_true(usage_rate(&u, i, USAGE_LATELY_NS, &rate));
			assert_in_range(rate, slow[i] * 97 / 100, slow[i] * 103 / 100);
			assert_in_range(usage_best(&u, i), best * 97 / 100, best * 103 / 100);
		}
		assert_false(usage_rate(&u, 4, S, &rate));
	}
}

/* A link that carries little of its share is idle; so is one that has stopped for 3 s. */
static void test_active(void **state)
{
	static const uint64_t rate[4] = { 1000, 1000, 1000, 50 }, one[4] = { 1000, 0, 0, 0 };
	static const uint32_t unlike[COVER_NODES_MAX] = { 10, 10, 10, 1 };
	static const uint32_t some[COVER_NODES_MAX] = { 0, 1, 1, 1 };
	uint64_t now_ns = 0, bytes[4] = { 0 };
	struct usage u = { 0 };

	assert_int_equal(usage_active(&u, alike), 0);
	read_for(&u, &now_ns, bytes, rate, S, 250 * MS);
	assert_int_equal(usage_active(&u, alike), 7);
	/* Of a slow link it is its share. */
	assert_int_equal(usage_active(&u, unlike), 15);
	/* What cannot be used has no share, and is not active. */
	assert_int_equal(usage_active(&u, some), 6);
	read_for(&u, &now_ns, bytes, one, 2 * S, 250 * MS);
	assert_int_equal(usage_active(&u, alike), 7);
	read_for(&u, &now_ns, bytes, one, 2 * S, 250 * MS);
	assert_int_equal(usage_active(&u, alike), 1);
}

/* Other links, a counter that was reset, a clock that begins anew. */
static void test_beginnings(void **state)
{
	static const uint64_t rate[4] = { 1000, 1000, 1000, 1000 };
	uint64_t now_ns = 0, bytes[4] = { 0 }, none[4] = { 0 }, got;
	struct usage u = { 0 };

	read_for(&u, &now_ns, bytes, rate, 5 * S, 250 * MS);
	usage_add(&u, now_ns += 250 * MS, none, 4);
	assert_true(usage_rate(&u, 0, S, &got));
	assert_int_equal(got, 0);
	usage_add(&u, now_ns += 250 * MS, bytes, 3);
	assert_false(usage_rate(&u, 0, S, &got));
	assert_int_equal(usage_best(&u, 0), 0);
	read_for(&u, &now_ns, bytes, rate, 5 * S, 250 * MS);
	assert_true(usage_rate(&u, 0, S, &got));
	usage_add(&u, 0, none, 4);
	assert_false(usage_rate(&u, 0, S, &got));
	/* More links than there is room for. */
	usage_add(&u, S, (uint64_t[COVER_NODES_MAX + 1]){ 0 }, COVER_NODES_MAX + 1);
	assert_int_equal(u.n_links, COVER_NODES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_active),
		cmocka_unit_test(test_beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
