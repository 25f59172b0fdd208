/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model keeps every chunk ever pushed in one array and computes everything from it anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "session/sendwin.h"

#define MODEL_CHUNKS 30000
#define SLOTS        6

struct model {
	struct sendwin *w;
	size_t n;
	size_t low; /* the first that is not acknowledged */
	struct chunk chunks[MODEL_CHUNKS];
	size_t n_told; /* chunks that sendwin_ack's callback spoke of */
};

static struct model *model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(sendwin_new(&m->w), 0);
	return m;
}

static void model_free(struct model *m)
{
	assert_null(sendwin_free(m->w));
	free(m);
}

static uint64_t model_next(const struct model *m)
{
	return m->n ? m->chunks[m->n - 1].offset + m->chunks[m->n - 1].len : 0;
}

static bool is_orphan(const struct chunk *c)
{
	return !c->acked && c->carrier[0] == SENDWIN_NOBODY && c->carrier[1] == SENDWIN_NOBODY;
}

static void assert_same_chunk(const struct chunk *got, const struct chunk *want)
{
	assert_int_equal(got->offset, want->offset);
	assert_int_equal(got->len, want->len);
	assert_int_equal(got->n_sent, want->n_sent);
	assert_int_equal(got->sent_ns, want->sent_ns);
	assert_int_equal(got->due_ns, want->due_ns);
	assert_false(got->acked);
	for (uint16_t slot = 0; slot < SLOTS; slot++)
		assert_int_equal(chunk_carried_by(got, slot), chunk_carried_by(want, slot));
	assert_int_equal(chunk_has_room(got),
			 want->carrier[0] == SENDWIN_NOBODY || want->carrier[1] == SENDWIN_NOBODY);
}

static void assert_same(struct model *m)
{
	uint64_t in_flight[SLOTS] = { 0 };
	const struct chunk *orphan = NULL;
	size_t n_orphans = 0, iter = 0;

	while (m->low < m->n && m->chunks[m->low].acked)
		m->low++;
	for (size_t i = m->low; i < m->n; i++) {
		const struct chunk *c = &m->chunks[i];

		if (c->acked)
			continue;
		assert_same_chunk(sendwin_iterate(m->w, &iter), c);
		for (uint16_t slot = 0; slot < SLOTS; slot++)
			in_flight[slot] += chunk_carried_by(c, slot) ? c->len : 0;
		n_orphans += is_orphan(c);
		if (!orphan && is_orphan(c))
			orphan = c;
	}
	assert_null(sendwin_iterate(m->w, &iter));
	for (uint16_t slot = 0; slot < SLOTS; slot++)
		assert_int_equal(sendwin_in_flight(m->w, slot), in_flight[slot]);
	assert_int_equal(sendwin_n_requeued(m->w), n_orphans);
	if (orphan)
		assert_same_chunk(sendwin_requeued(m->w), orphan);
	else
		assert_null(sendwin_requeued(m->w));
	assert_int_equal(sendwin_next(m->w), model_next(m));
	assert_int_equal(sendwin_acked(m->w),
			 m->low < m->n ? m->chunks[m->low].offset : model_next(m));
	assert_int_equal(sendwin_full(m->w), m->n - m->low == SENDWIN_CHUNKS);
}

static void model_push(struct model *m, uint32_t len)
{
	struct chunk *c = &m->chunks[m->n];

	if (sendwin_full(m->w) || m->n == MODEL_CHUNKS)
		return;
	*c = (struct chunk){ .offset = model_next(m), .len = len };
	c->carrier[0] = c->carrier[1] = SENDWIN_NOBODY;
	m->n++;
	assert_same_chunk(sendwin_push(m->w, len), c);
}

/* The i-th unacknowledged chunk, here and there. */
static struct chunk *nth(struct model *m, size_t n, struct chunk **theirs_out)
{
	size_t iter = 0;

	for (size_t i = m->low; i < m->n; i++) {
		if (m->chunks[i].acked)
			continue;
		*theirs_out = sendwin_iterate(m->w, &iter);
		if (!n--)
			return &m->chunks[i];
	}
	return NULL;
}

static void model_assign(struct model *m, struct rng *r)
{
	struct chunk *theirs = NULL;
	struct chunk *c = nth(m, rng_below(r, m->n - m->low + 1), &theirs);
	uint16_t slot = (uint16_t)rng_below(r, SLOTS);

	if (!c || chunk_carried_by(c, slot) || !chunk_has_room(c))
		return;
	c->carrier[c->carrier[0] == SENDWIN_NOBODY ? 0 : 1] = slot;
	c->n_sent = (uint8_t)(c->n_sent < 255 ? c->n_sent + 1 : 255);
	c->sent_ns = rng_next(r);
	c->due_ns = rng_next(r);
	sendwin_assign(m->w, theirs, slot, c->sent_ns, c->due_ns);
}

static void model_lost(struct model *m, uint16_t slot)
{
	for (size_t i = m->low; i < m->n; i++)
		for (int k = 0; k < SENDWIN_CARRIERS; k++)
			if (m->chunks[i].carrier[k] == slot)
				m->chunks[i].carrier[k] = SENDWIN_NOBODY;
	sendwin_lost(m->w, slot);
}

/* sendwin_ack reports each chunk once, while it still has its carriers. */
static void told(void *arg, const struct chunk *c)
{
	struct model *m = arg;

	for (size_t i = m->low; i < m->n; i++) {
		struct chunk *mine = &m->chunks[i];

		if (mine->offset != c->offset)
			continue;
		assert_true(mine->acked);
		assert_int_not_equal(mine->carrier[0], 12345);
		for (uint16_t slot = 0; slot < SLOTS; slot++)
			assert_int_equal(chunk_carried_by(c, slot), chunk_carried_by(mine, slot));
		/* Told. */
		mine->carrier[0] = 12345;
		m->n_told++;
		return;
	}
	fail_msg("a chunk that is not there was reported");
}

static bool covered(const struct wire_ack *ack, const struct chunk *c)
{
	uint64_t end = c->offset + c->len;

	if (end <= ack->received)
		return true;
	for (uint32_t i = 0; i < ack->n_ranges; i++)
		if (ack->ranges[i].start <= c->offset && end <= ack->ranges[i].end)
			return true;
	return false;
}

static void model_ack(struct model *m, const struct wire_ack *ack)
{
	size_t expected = 0;

	for (size_t i = m->low; i < m->n; i++) {
		if (m->chunks[i].acked || !covered(ack, &m->chunks[i]))
			continue;
		m->chunks[i].acked = true;
		expected++;
	}
	m->n_told = 0;
	assert_true(sendwin_ack(m->w, ack, told, m));
	assert_int_equal(m->n_told, expected);
}

/* An offset that mostly is one of a chunk's bounds. */
static uint64_t some_offset(const struct model *m, struct rng *r)
{
	uint64_t i = rng_below(r, m->n - m->low + 1) + m->low;
	uint64_t offset = i < m->n ? m->chunks[i].offset : model_next(m);

	if (!rng_below(r, 8) && offset < model_next(m))
		offset++;
	return offset;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Any ACK that the decoder lets through. */
static void random_ack(const struct model *m, struct rng *r, struct wire_ack *ack)
{
	uint64_t at[2 * 20];
	size_t n = 2 * rng_below(r, 20);

	ack->received = rng_below(r, 4) ? sendwin_acked(m->w) : some_offset(m, r);
	if (!rng_below(r, 8))
		ack->received /= 2;
	ack->n_ranges = 0;
	for (size_t i = 0; i < n; i++)
		at[i] = some_offset(m, r);
	qsort(at, n, sizeof(at[0]), by_value);
	for (size_t i = 0, low = ack->received; i + 1 < n; i += 2) {
		if (at[i] <= low || at[i + 1] <= at[i])
			continue;
		ack->ranges[ack->n_ranges++] =
			(struct wire_range){ .start = at[i], .end = at[i + 1] };
		low = at[i + 1];
	}
}

static void ignore(void *arg, const struct chunk *c)
{
	fail_msg("nothing was acknowledged");
}

static void random_step(struct model *m, struct rng *r)
{
	static struct wire_ack ack;

	switch (rng_below(r, 8)) {
	case 0:
	case 1:
		model_push(m, (uint32_t)(1 + rng_any_size(r) % (1 << 20)));
		break;
	case 2:
		for (uint64_t n = rng_below(r, 30); n; n--)
			model_push(m, (uint32_t)(1 + rng_below(r, 3)));
		break;
	case 3:
	case 4:
	case 5:
		model_assign(m, r);
		break;
	case 6:
		random_ack(m, r, &ack);
		model_ack(m, &ack);
		break;
	default:
		if (!rng_below(r, 4))
			model_lost(m, (uint16_t)rng_below(r, SLOTS));
		break;
	}
}

static void test_random(void **state)
{
	struct rng r = rng_start();

	for (int round = 0; round < 30; round++) {
		struct model *m = model_new();

		assert_same(m);
		for (int i = 0; i < 1500; i++) {
			random_step(m, &r);
			assert_same(m);
		}
		model_free(m);
	}
}

/* The ring goes round several times, and is full now and then. */
static void test_full_ring(void **state)
{
	struct rng r = rng_start();
	struct model *m = model_new();
	struct wire_ack ack = { 0 };

	while (m->n < MODEL_CHUNKS) {
		while (!sendwin_full(m->w) && m->n < MODEL_CHUNKS)
			model_push(m, (uint32_t)(1 + rng_below(&r, 5)));
		for (int i = 0; i < 20; i++)
			model_assign(m, &r);
		assert_same(m);
		ack.received = some_offset(m, &r);
		model_ack(m, &ack);
		assert_same(m);
	}
	ack.received = model_next(m);
	model_ack(m, &ack);
	assert_same(m);
	assert_false(sendwin_full(m->w));
	model_free(m);
}

/* An ACK of what was never sent is refused as a whole. */
static void test_insane_ack(void **state)
{
	static struct wire_ack ack;
	struct model *m = model_new();

	for (int i = 0; i < 5; i++)
		model_push(m, 10);
	ack.received = 51;
	assert_false(sendwin_ack(m->w, &ack, ignore, NULL));
	ack.received = 20;
	ack.n_ranges = 2;
	ack.ranges[0] = (struct wire_range){ .start = 30, .end = 40 };
	ack.ranges[1] = (struct wire_range){ .start = 41, .end = 51 };
	assert_false(sendwin_ack(m->w, &ack, ignore, NULL));
	assert_same(m);
	ack.ranges[1].end = 50;
	model_ack(m, &ack);
	assert_same(m);
	/* 41 .. 50 is no whole chunk. */
	assert_int_equal(sendwin_acked(m->w), 20);
	ack.n_ranges = 0;
	ack.received = 30;
	model_ack(m, &ack);
	assert_int_equal(sendwin_acked(m->w), 40);
	/* Older than what is known. */
	ack.received = 0;
	assert_true(sendwin_ack(m->w, &ack, ignore, NULL));
	assert_int_equal(sendwin_acked(m->w), 40);
	model_free(m);
}

static void test_carriers(void **state)
{
	struct sendwin *w;
	struct chunk *c;

	assert_int_equal(sendwin_new(&w), 0);
	c = sendwin_push(w, 100);
	assert_int_equal(sendwin_n_requeued(w), 1);
	assert_ptr_equal(sendwin_requeued(w), c);
	sendwin_assign(w, c, 3, 10, 20);
	assert_true(chunk_has_room(c));
	sendwin_assign(w, c, SUBFLOWS_MAX - 1, 11, 21);
	assert_false(chunk_has_room(c));
	assert_true(chunk_carried_by(c, 3));
	assert_int_equal(sendwin_in_flight(w, 3), 100);
	assert_int_equal(sendwin_in_flight(w, SUBFLOWS_MAX - 1), 100);
	assert_int_equal(c->n_sent, 2);
	assert_int_equal(c->sent_ns, 11);
	assert_int_equal(c->due_ns, 21);
	sendwin_lost(w, 3);
	assert_int_equal(sendwin_in_flight(w, 3), 0);
	assert_int_equal(sendwin_n_requeued(w), 0);
	sendwin_lost(w, SUBFLOWS_MAX - 1);
	assert_ptr_equal(sendwin_requeued(w), c);
	for (int i = 0; i < 300; i++) {
		sendwin_assign(w, c, 0, 1, 1);
		sendwin_lost(w, 0);
	}
	assert_int_equal(c->n_sent, 255);
	assert_null(sendwin_free(w));
	assert_null(sendwin_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carriers),
		cmocka_unit_test(test_insane_ack),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
