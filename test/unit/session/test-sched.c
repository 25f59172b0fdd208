/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seed.h"
#include "session/sched.h"

#define MS  1000000ull
#define SEC 1000000000ull
#define MB  1000000ull

/* A subflow that delivers chunks of its own choice one behind the other at a steady rate. */
static void deliver(struct sched_rate *r, uint64_t rate, uint64_t delay_ns, uint64_t *now,
		    uint64_t for_ns)
{
	uint64_t end = *now + for_ns;

	while (*now < end) {
		uint32_t len = sched_chunk_len(r);
		uint64_t sent = *now;

		*now += len * SEC / rate;
		sched_delivered(r, len, sent > delay_ns ? sent - delay_ns : 0, *now, false);
	}
}

static void assert_near(uint64_t got, uint64_t want, unsigned percent)
{
	assert_in_range(got, want - want * percent / 100, want + want * percent / 100);
}

static void test_rate_converges(void **state)
{
	const uint64_t rates[] = { 100000, MB, 12 * MB, 117 * MB, 1250 * MB };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct sched_rate r = { 0 };
		uint64_t now = SEC;

		deliver(&r, rates[i], 20 * MS, &now, 3 * SEC);
		assert_near(r.rate, rates[i], 10);
		/* The link becomes slower, and faster again. */
		deliver(&r, rates[i] / 4, 20 * MS, &now, 10 * SEC);
		assert_near(r.rate, rates[i] / 4, 10);
		deliver(&r, rates[i], 20 * MS, &now, 3 * SEC);
		assert_near(r.rate, rates[i], 10);
	}
}

/* What was delivered before a pause, and the pause, belong to no measurement. */
static void test_idle_is_not_slow(void **state)
{
	struct sched_rate r = { 0 };
	uint64_t now = SEC;

	deliver(&r, 100 * MB, 0, &now, SEC);
	sched_delivered(&r, 1000, now, now + 10000, true);
	now += 100 * SEC;
	sched_delivered(&r, 1000, now, now + 10000, false);
	now += 10000;
	deliver(&r, 100 * MB, 0, &now, 100 * MS);
	assert_near(r.rate, 100 * MB, 10);
}

static void test_first_sample(void **state)
{
	struct sched_rate r = { 0 };

	/* One chunk by itself: what it took with its path's delay. */
	sched_delivered(&r, 1000, 5 * MS, 15 * MS, true);
	assert_int_equal(r.rate, 100000);
	assert_int_equal(r.latency_ns, 10 * MS);
	sched_delivered(&r, 1000, 20 * MS, 22 * MS, true);
	assert_int_equal(r.latency_ns, 2 * MS);
	assert_int_equal(r.rate, 500000);
	/* A slower one by itself says nothing against the rate. */
	sched_delivered(&r, 1000, 30 * MS, 60 * MS, true);
	assert_int_equal(r.rate, 500000);
	assert_int_equal(r.latency_ns, 2 * MS);
	/* In no time at all, or in ages: the rate is known all the same. */
	r = (struct sched_rate){ 0 };
	sched_delivered(&r, 1, 5 * MS, 5 * MS, true);
	assert_true(r.rate > 0);
	r = (struct sched_rate){ 0 };
	sched_delivered(&r, 1, 0, 1000 * SEC, true);
	assert_true(r.rate > 0);
}

static void test_chunk_len(void **state)
{
	struct sched_rate r = { 0 };

	assert_int_equal(sched_chunk_len(&r), SCHED_CHUNK_START);
	r.rate = 1;
	assert_int_equal(sched_chunk_len(&r), SCHED_CHUNK_MIN);
	r.rate = 100 * SCHED_CHUNK_MIN - 1;
	assert_int_equal(sched_chunk_len(&r), SCHED_CHUNK_MIN);
	r.rate = 100 * 50000;
	assert_int_equal(sched_chunk_len(&r), 50000);
	r.rate = 100ull * SCHED_CHUNK_MAX;
	assert_int_equal(sched_chunk_len(&r), SCHED_CHUNK_MAX);
	r.rate = UINT64_MAX;
	assert_int_equal(sched_chunk_len(&r), SCHED_CHUNK_MAX);
}

static void test_due(void **state)
{
	struct sched_rate r = { 0 };

	/* Nothing is known: half a second, whatever is under way. */
	assert_int_equal(sched_due(&r, 0, 1000, SEC), SEC + 500 * MS);
	assert_int_equal(sched_due(&r, 1000000, 1000, SEC), SEC + 500 * MS);
	r.rate = MB;
	r.latency_ns = 7 * MS;
	assert_int_equal(sched_due(&r, 0, 1000, SEC), SEC + 8 * MS);
	assert_int_equal(sched_due(&r, 99000, 1000, SEC), SEC + 107 * MS);
	assert_int_equal(sched_due(&r, 3 * MB, 500000, SEC), SEC + 3507 * MS);
	/* The largest window on the slowest subflow does not overflow. */
	r.rate = 1;
	assert_true(sched_due(&r, 1ull << 30, 1 << 18, SEC) > (1ull << 30) * SEC);
}

static void test_may_pull(void **state)
{
	const uint64_t window = 64 << 20;
	struct sched_rate r = { 0 };

	/* Unknown, with little under way, or not much slower than the rest: always. */
	assert_true(sched_may_pull(&r, window, 100 * MB, window));
	r.rate = MB;
	assert_true(sched_may_pull(&r, (128 << 10) - 1, 1000 * MB, window));
	assert_true(sched_may_pull(&r, window, 8 * MB - 1, window));
	assert_true(sched_may_pull(&r, window, MB, window));
	/* 32 MiB at 100 MB/s last 335 ms, so 335 kB at 1 MB/s is what it may have. */
	assert_true(sched_may_pull(&r, 330000, 100 * MB, window));
	assert_false(sched_may_pull(&r, 340000, 100 * MB, window));
	assert_false(sched_may_pull(&r, 330000, 100 * MB, window / 2));
	assert_true(sched_may_pull(&r, 130 << 10, 100 * MB, window / 2));
	r.rate = 13 * MB;
	assert_true(sched_may_pull(&r, window, 100 * MB, window));
}

static void test_reinject(void **state)
{
	struct chunk c = { .offset = 0, .len = 1000, .sent_ns = SEC, .due_ns = 2 * SEC };
	uint64_t now = 1100 * MS;

	/* It is due in 900 ms: worth it only if that is more than twice as long as here. */
	assert_true(sched_reinject(&c, now, now + 400 * MS));
	assert_true(sched_reinject(&c, now, now + 444 * MS));
	assert_false(sched_reinject(&c, now, now + 446 * MS));
	assert_false(sched_reinject(&c, now, now + 800 * MS));
	/* Due in 9 ms: not even if it were here at once. */
	assert_false(sched_reinject(&c, 2 * SEC - 9 * MS, 2 * SEC - 9 * MS));
	assert_true(sched_reinject(&c, 2 * SEC - 11 * MS, 2 * SEC - 11 * MS));
	/* Overdue: by 10 ms and a quarter of the second it was given, however slow we are. */
	assert_false(sched_reinject(&c, 2 * SEC, 3 * SEC));
	assert_false(sched_reinject(&c, 2260 * MS, 9 * SEC));
	assert_true(sched_reinject(&c, 2260 * MS + 1, 9 * SEC));
}

/* Whatever the numbers of a session may be: no overflow (the sanitizer looks on), sane results. */
static void test_random(void **state)
{
	struct rng g = rng_start();

	for (int round = 0; round < 2000; round++) {
		struct sched_rate r = { 0 };
		uint64_t now = 1 + (rng_any_size(&g) >> 4);

		for (int i = 0; i < 50; i++) {
			uint32_t len = (uint32_t)(1 + rng_below(&g, SCHED_CHUNK_MAX));
			uint64_t took = rng_any_size(&g) >> 24;
			uint64_t sent = now > took ? now - took : 0;
			uint64_t in_flight = rng_any_size(&g) >> 34, due;

			sched_delivered(&r, len, sent, now, !rng_below(&g, 4));
			assert_true(r.rate > 0);
			assert_true(r.rate <= SCHED_CHUNK_MAX * SEC);
			assert_true(r.latency_ns > 0);
			assert_in_range(sched_chunk_len(&r), SCHED_CHUNK_MIN, SCHED_CHUNK_MAX);
			due = sched_due(&r, in_flight, len, now);
			assert_true(due >= now + r.latency_ns);
			assert_true(sched_due(&r, in_flight + 1, len, now) >= due);
			now += rng_any_size(&g) >> 28;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_converges),
		cmocka_unit_test(test_idle_is_not_slow),
		cmocka_unit_test(test_first_sample),
		cmocka_unit_test(test_chunk_len),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_may_pull),
		cmocka_unit_test(test_reinject),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
