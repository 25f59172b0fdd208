/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool with a limit: which windows get blocks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seed.h"
#include "session/winpool.h"

#define WINDOWS_MAX 256
#define BLOCKS_MAX  1024

struct window {
	struct winpool *pool;
	struct winbuf_block *next;
	struct winbuf_block *shared[BLOCKS_MAX];
	size_t n;
};

static struct window windows[WINDOWS_MAX];

static struct winpool *start(size_t limit, unsigned n_windows)
{
	struct winpool *pool;

	assert_int_equal(winpool_new(&pool, 0), 0);
	winpool_limit(pool, limit);
	for (unsigned i = 0; i < n_windows; i++)
		windows[i] = (struct window){ .pool = pool };
	return pool;
}

static bool take(struct window *w)
{
	size_t held = w->n + (w->next != NULL);
	int r;

	assert_true(w->n < BLOCKS_MAX);
	r = winpool_get(w->pool, held, false, &w->shared[w->n]);
	assert_true(r == 0 || r == -EAGAIN);
	w->n += !r;
	return !r;
}

static void take_next(struct window *w)
{
	assert_int_equal(winpool_get(w->pool, w->n, true, &w->next), 0);
}

static void give_back(struct window *w)
{
	if (w->next)
		winpool_put(w->pool, w->next);
	w->next = NULL;
	while (w->n)
		winpool_put(w->pool, w->shared[--w->n]);
}

static void end(struct winpool *pool, unsigned n_windows)
{
	for (unsigned i = 0; i < n_windows; i++)
		give_back(&windows[i]);
	assert_int_equal(winpool_n_blocks(pool), 0);
	assert_null(winpool_free(pool));
}

static void without_a_limit_all_is_to_be_had(void **state)
{
	struct winpool *pool;

	assert_int_equal(winpool_new(&pool, 0), 0);
	windows[0] = (struct window){ .pool = pool };
	assert_int_equal(winpool_share(pool), UINT64_MAX);
	for (int i = 0; i < BLOCKS_MAX; i++)
		assert_true(take(&windows[0]));
	assert_false(winpool_short(pool));
	end(pool, 1);
}

/* However many there are, and whatever each takes. */
static void the_next_block_is_never_refused(void **state)
{
	struct winpool *pool = start(100, WINDOWS_MAX);

	for (unsigned i = 0; i < WINDOWS_MAX; i++) {
		take_next(&windows[i]);
		while (take(&windows[i]))
			;
	}
	assert_true(winpool_n_used(pool) <= 100 + WINDOWS_MAX);
	assert_true(winpool_short(pool));
	end(pool, WINDOWS_MAX);
}

static void one_alone_gets_a_ninth(void **state)
{
	struct winpool *pool = start(900, 1);

	while (take(&windows[0]))
		;
	assert_in_range(windows[0].n, 99, 101);
	assert_false(winpool_short(pool));
	end(pool, 1);
}

/* A greedy window leaves more than it has to the next one. */
static void what_is_left_is_shared(void **state)
{
	struct winpool *pool = start(1000, 17);

	for (unsigned i = 0; i < 16; i++)
		while (take(&windows[i]))
			;
	take_next(&windows[16]);
	while (take(&windows[16]))
		;
	assert_true(windows[16].n >= 10);
	/* What one gives back, others may have. */
	give_back(&windows[0]);
	assert_true(take(&windows[16]));
	end(pool, 17);
}

/* Else a relay with little memory would refuse each window, and end no session that holds it. */
static void a_small_pool_that_refuses_is_short(void **state)
{
	static const size_t sizes[] = { 1, 8, 16, 32, 64, 100 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct winpool *pool = start(sizes[i], WINDOWS_MAX);

		for (unsigned w = 0; w < WINDOWS_MAX; w++)
			while (take(&windows[w]))
				;
		assert_true(winpool_short(pool));
		end(pool, WINDOWS_MAX);
	}
}

static void a_part_leaves_half_to_others(void **state)
{
	struct winpool *pool = start(1000, 65), *greedy, *other;

	assert_int_equal(winpool_new_part(&greedy, pool), 0);
	assert_int_equal(winpool_new_part(&other, pool), 0);
	for (unsigned i = 0; i < 64; i++) {
		windows[i].pool = greedy;
		while (take(&windows[i]))
			;
	}
	assert_true(winpool_short(greedy));
	assert_false(winpool_short(pool));
	assert_in_range(winpool_n_used(pool), 450, 500);
	windows[64].pool = other;
	while (take(&windows[64]))
		;
	assert_true(windows[64].n >= 25);
	for (unsigned i = 0; i < 65; i++)
		give_back(&windows[i]);
	winpool_free(greedy);
	winpool_free(other);
	end(pool, 0);
}

/* In any order: the shared blocks never exceed the limit, and all come back. */
static void the_limit_holds(void **state)
{
	struct rng r = rng_start();
	struct winpool *parts[4], *pool = start(300, 40);

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(winpool_new_part(&parts[i], pool), 0);
	for (unsigned i = 0; i < 40; i++)
		if (i % 5)
			windows[i].pool = parts[i % 5 - 1];
	for (int i = 0; i < 100000; i++) {
		struct window *w = &windows[rng_below(&r, 40)];
		size_t n = 0, n_next = 0;

		switch (rng_below(&r, 8)) {
		case 0:
			give_back(w);
			break;
		case 1:
			if (!w->next)
				take_next(w);
			break;
		default:
			take(w);
		}
		for (unsigned k = 0; k < 40; k++) {
			n += windows[k].n;
			n_next += windows[k].next != NULL;
		}
		assert_true(n <= 300);
		assert_int_equal(winpool_n_used(pool), n + n_next);
	}
	for (unsigned i = 0; i < 40; i++)
		give_back(&windows[i]);
	for (unsigned i = 0; i < 4; i++)
		winpool_free(parts[i]);
	assert_int_equal(winpool_size(pool), 300ull * WINBUF_BLOCK);
	end(pool, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_all_is_to_be_had),
		cmocka_unit_test(the_next_block_is_never_refused),
		cmocka_unit_test(one_alone_gets_a_ninth),
		cmocka_unit_test(what_is_left_is_shared),
		cmocka_unit_test(a_small_pool_that_refuses_is_short),
		cmocka_unit_test(a_part_leaves_half_to_others),
		cmocka_unit_test(the_limit_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
