/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model is a stream whose byte at each offset is known: every block that has memory holds the
 * stream's bytes of its place, and a pinned one still does after its release.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "session/winbuf.h"

#define MAX_PINS 8

/* Free blocks that the pool keeps. */
#define KEEP 3

static struct winpool *pool;

static struct winbuf *open_window(uint64_t window)
{
	struct winbuf *w;

	assert_int_equal(winpool_new(&pool, KEEP), 0);
	assert_int_equal(winbuf_new(&w, window, pool), 0);
	return w;
}

static void close_window(struct winbuf *w)
{
	assert_null(winbuf_free(w));
	assert_null(winpool_free(pool));
}

static uint64_t stamp(uint64_t offset)
{
	return (offset + 1) * 0x9e3779b97f4a7c15;
}

/* A few stamps in each block tell it from all others. */
static void write_block(struct winbuf *w, uint64_t block)
{
	for (uint64_t at = 0; at < WINBUF_BLOCK; at += WINBUF_BLOCK / 4) {
		uint64_t value = stamp(block * WINBUF_BLOCK + at);
		size_t contiguous;

		memcpy(winbuf_at(w, block * WINBUF_BLOCK + at, &contiguous), &value, sizeof(value));
	}
}

static void assert_holds(const uint8_t *bytes, uint64_t block)
{
	for (uint64_t at = 0; at < WINBUF_BLOCK; at += WINBUF_BLOCK / 4) {
		uint64_t value = stamp(block * WINBUF_BLOCK + at);

		assert_memory_equal(bytes + at, &value, sizeof(value));
	}
}

static void test_at_and_contiguous(void **state)
{
	struct winbuf *w;
	size_t contiguous;
	uint8_t *p, *q;

	w = open_window(WINBUF_BLOCK);
	assert_int_equal(winbuf_n_blocks(w), 0);
	assert_int_equal(winbuf_ensure(w, 5, 0), 0);
	assert_int_equal(winbuf_n_blocks(w), 0);
	assert_int_equal(winbuf_ensure(w, 0, 1), 0);
	assert_int_equal(winbuf_n_blocks(w), 1);
	p = winbuf_at(w, 0, &contiguous);
	assert_int_equal(contiguous, WINBUF_BLOCK);
	q = winbuf_at(w, WINBUF_BLOCK - 1, &contiguous);
	assert_int_equal(contiguous, 1);
	assert_ptr_equal(q, p + WINBUF_BLOCK - 1);
	/* The last byte of one block and the first of the next. */
	assert_int_equal(winbuf_ensure(w, WINBUF_BLOCK - 1, 2), 0);
	assert_int_equal(winbuf_n_blocks(w), 2);
	assert_ptr_equal(winbuf_at(w, 0, &contiguous), p);
	assert_ptr_not_equal(winbuf_at(w, WINBUF_BLOCK, &contiguous), p);
	close_window(w);
	assert_null(winbuf_free(NULL));
	assert_null(winpool_free(NULL));
}

/* As long as little is in flight, the same few blocks are used over and over. */
static void test_reuses_blocks(void **state)
{
	struct winbuf *w;
	uint64_t offset = 0;

	w = open_window(64 * WINBUF_BLOCK);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(winbuf_ensure(w, offset, 100000), 0);
		offset += 100000;
		winbuf_release(w, offset);
	}
	assert_true(winpool_n_blocks(pool) <= 2);
	close_window(w);
}

/* A block that is released within is kept: the rest of it is needed. */
static void test_release_keeps_the_rest(void **state)
{
	struct winbuf *w;
	size_t contiguous;
	uint8_t *p;

	w = open_window(2 * WINBUF_BLOCK);
	assert_int_equal(winbuf_ensure(w, 0, 2 * WINBUF_BLOCK), 0);
	p = winbuf_at(w, WINBUF_BLOCK, &contiguous);
	write_block(w, 1);
	winbuf_release(w, 2 * WINBUF_BLOCK - 1);
	assert_ptr_equal(winbuf_at(w, WINBUF_BLOCK, &contiguous), p);
	assert_holds(p, 1);
	assert_int_equal(winbuf_ensure(w, 2 * WINBUF_BLOCK, WINBUF_BLOCK), 0);
	assert_int_equal(winbuf_n_blocks(w), 2);
	close_window(w);
}

/* An idle window has no memory, whatever was read ahead; a frame that is half written keeps its. */
static void test_clear(void **state)
{
	struct winbuf *w = open_window(8 * WINBUF_BLOCK);
	struct winbuf_block *pin;
	const uint8_t *p;
	size_t contiguous;

	assert_int_equal(winbuf_ensure(w, 0, 5 * WINBUF_BLOCK), 0);
	winbuf_release(w, WINBUF_BLOCK + 1);
	write_block(w, 1);
	p = winbuf_at(w, WINBUF_BLOCK, &contiguous);
	pin = winbuf_pin(w, WINBUF_BLOCK);
	winbuf_clear(w);
	assert_int_equal(winbuf_n_blocks(w), 1);
	assert_int_equal(winpool_n_blocks(pool), 1 + KEEP);
	assert_int_equal(winbuf_ensure(w, WINBUF_BLOCK + 1, 1), 0);
	assert_ptr_not_equal(winbuf_at(w, WINBUF_BLOCK, &contiguous), p);
	assert_holds(p, 1);
	winbuf_unpin(w, pin);
	assert_int_equal(winbuf_n_blocks(w), 1);
	winbuf_clear(w);
	winbuf_clear(w);
	assert_int_equal(winbuf_n_blocks(w), 0);
	assert_int_equal(winpool_n_blocks(pool), KEEP);
	winbuf_release(w, 7 * WINBUF_BLOCK);
	assert_int_equal(winbuf_ensure(w, 7 * WINBUF_BLOCK, 1), 0);
	assert_int_equal(winbuf_n_blocks(w), 1);
	close_window(w);
}

struct model {
	struct winbuf *w;
	uint64_t window;
	uint64_t released; /* offset */
	uint64_t next;     /* block that has no memory yet */
	unsigned n_pins;
	struct {
		struct winbuf_block *block;
		const uint8_t *bytes;
		uint64_t number;
	} pins[MAX_PINS];
};

static void model_grow(struct model *m, struct rng *r)
{
	uint64_t from = m->next * WINBUF_BLOCK > m->released ? m->next * WINBUF_BLOCK : m->released;
	uint64_t end = m->released + m->window;
	uint64_t len;

	if (from >= end)
		return;
	len = 1 + rng_below(r, end - from);
	assert_int_equal(winbuf_ensure(m->w, from, len), 0);
	while (m->next * WINBUF_BLOCK < from + len)
		write_block(m->w, m->next++);
}

static void model_release(struct model *m, struct rng *r)
{
	uint64_t end = m->next * WINBUF_BLOCK;

	if (end > m->released)
		m->released += rng_below(r, end - m->released + 1);
	winbuf_release(m->w, m->released);
}

static void model_clear(struct model *m)
{
	winbuf_clear(m->w);
	m->released = m->next * WINBUF_BLOCK > m->released ? m->next * WINBUF_BLOCK : m->released;
	winbuf_release(m->w, m->released);
}

static void model_pin(struct model *m, struct rng *r)
{
	uint64_t first = m->released / WINBUF_BLOCK;
	size_t contiguous;

	if (m->n_pins == MAX_PINS || first >= m->next)
		return;
	first += rng_below(r, m->next - first);
	m->pins[m->n_pins].number = first;
	m->pins[m->n_pins].bytes = winbuf_at(m->w, first * WINBUF_BLOCK, &contiguous);
	m->pins[m->n_pins].block =
		winbuf_pin(m->w, first * WINBUF_BLOCK + rng_below(r, WINBUF_BLOCK));
	m->n_pins++;
}

static void model_unpin(struct model *m, struct rng *r)
{
	uint64_t i;

	if (!m->n_pins)
		return;
	i = rng_below(r, m->n_pins);
	assert_holds(m->pins[i].bytes, m->pins[i].number);
	winbuf_unpin(m->w, m->pins[i].block);
	m->pins[i] = m->pins[--m->n_pins];
}

static void model_check(const struct model *m)
{
	size_t contiguous;

	for (uint64_t b = m->released / WINBUF_BLOCK; b < m->next; b++)
		assert_holds(winbuf_at(m->w, b * WINBUF_BLOCK, &contiguous), b);
	for (unsigned i = 0; i < m->n_pins; i++)
		assert_holds(m->pins[i].bytes, m->pins[i].number);
	assert_true(winbuf_n_blocks(m->w) <= m->window / WINBUF_BLOCK + 2 + MAX_PINS);
}

static void test_random(void **state)
{
	struct rng r = rng_start();

	for (int round = 0; round < 40; round++) {
		struct model m = { .window = 1 + rng_below(&r, 8 * WINBUF_BLOCK) };

		m.w = open_window(m.window);
		for (int i = 0; i < 400; i++) {
			switch (rng_below(&r, 6)) {
			case 0:
			case 1:
				model_grow(&m, &r);
				break;
			case 2:
				model_release(&m, &r);
				break;
			case 3:
				model_pin(&m, &r);
				break;
			case 4:
				model_clear(&m);
				break;
			default:
				model_unpin(&m, &r);
				break;
			}
			model_check(&m);
		}
		while (m.n_pins)
			model_unpin(&m, &r);
		close_window(m.w);
	}
}

/* Without pins the bound has no extra. */
static void test_bound_without_pins(void **state)
{
	struct rng r = rng_start();
	struct model m = { .window = 4 * WINBUF_BLOCK };

	m.w = open_window(m.window);
	for (int i = 0; i < 5000; i++) {
		if (rng_below(&r, 2))
			model_grow(&m, &r);
		else
			model_release(&m, &r);
		assert_true(winbuf_n_blocks(m.w) <= m.window / WINBUF_BLOCK + 2);
	}
	model_check(&m);
	close_window(m.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_and_contiguous),      cmocka_unit_test(test_reuses_blocks),
		cmocka_unit_test(test_release_keeps_the_rest), cmocka_unit_test(test_random),
		cmocka_unit_test(test_bound_without_pins),     cmocka_unit_test(test_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
