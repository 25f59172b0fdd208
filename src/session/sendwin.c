/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendwin.c - a ring of chunks, and what each subflow carries of them
 *
 * chunks[] is a ring of size slots, a power of two. The n slots from head on are in use:
 *
 *     acked                                              next
 *     | head      | head + 1  | ...       | head + n - 1 |
 *     +-----------+-----------+-----------+--------------+
 *     | not acked | acked     | requeued  | new          |
 *
 * What always holds:
 * - The chunks lie in the order of offsets without a gap: the first begins at acked, the last ends
 *   at next. The first one is never acknowledged, or it would have been dropped.
 * - carrier[] has the subflows of a chunk in the order in which they got it, without a gap, and no
 *   subflow twice. An acknowledged chunk has none.
 * - n_requeued is the number of chunks that are not acknowledged and have no carrier, new ones too.
 * - in_flight[slot] is the sum of the lengths of all chunks that slot carries.
 *
 * An acknowledgement costs one pass over the ring, at most SENDWIN_CHUNKS steps, since its ranges
 * ascend as the chunks do.
 */
#include "session/sendwin.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct sendwin {
	uint64_t acked;
	uint64_t next;
	size_t head; /* index of the lowest chunk */
	size_t n;
	size_t n_requeued;
	uint64_t in_flight[SUBFLOWS_MAX];
	size_t size; /* of chunks: SENDWIN_START or more */
	struct chunk *chunks;
	struct chunk start[SENDWIN_START];
};

int sendwin_new(struct sendwin **out)
{
	struct sendwin *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->size = SENDWIN_START;
	w->chunks = w->start;
	*out = w;
	return 0;
}

static void free_table(struct sendwin *w)
{
	if (w->chunks != w->start)
		free(w->chunks);
}

struct sendwin *sendwin_free(struct sendwin *w)
{
	if (!w)
		return NULL;
	free_table(w);
	free(w);
	return NULL;
}

uint64_t sendwin_acked(const struct sendwin *w)
{
	return w->acked;
}

uint64_t sendwin_next(const struct sendwin *w)
{
	return w->next;
}

bool sendwin_full(const struct sendwin *w)
{
	return w->n == SENDWIN_CHUNKS;
}

size_t sendwin_n_requeued(const struct sendwin *w)
{
	return w->n_requeued;
}

uint64_t sendwin_in_flight(const struct sendwin *w, uint16_t slot)
{
	return w->in_flight[slot];
}

static struct chunk *nth(struct sendwin *w, size_t i)
{
	return &w->chunks[(w->head + i) & (w->size - 1)];
}

/* Returns false if there is no memory. */
static bool grow(struct sendwin *w)
{
	struct chunk *chunks = malloc(2 * w->size * sizeof(*chunks));

	if (!chunks)
		return false;
	for (size_t i = 0; i < w->n; i++)
		chunks[i] = *nth(w, i);
	free_table(w);
	w->chunks = chunks;
	w->size *= 2;
	w->head = 0;
	return true;
}

/* No chunk is left: such a number may not come again for long. */
static void shrink(struct sendwin *w)
{
	free_table(w);
	w->chunks = w->start;
	w->size = SENDWIN_START;
	w->head = 0;
}

static int carrier_index(const struct chunk *c, uint16_t slot)
{
	for (int i = 0; i < SENDWIN_CARRIERS; i++)
		if (c->carrier[i] == slot)
			return i;
	return -1;
}

bool chunk_has_room(const struct chunk *c)
{
	return carrier_index(c, SENDWIN_NOBODY) >= 0;
}

bool chunk_carried_by(const struct chunk *c, uint16_t slot)
{
	return carrier_index(c, slot) >= 0;
}

static bool is_requeued(const struct chunk *c)
{
	if (c->acked)
		return false;
	for (int i = 0; i < SENDWIN_CARRIERS; i++)
		if (c->carrier[i] != SENDWIN_NOBODY)
			return false;
	return true;
}

struct chunk *sendwin_push(struct sendwin *w, uint32_t len)
{
	struct chunk *c;

	assert(!sendwin_full(w) && len);
	if (w->n == w->size && !grow(w))
		return NULL;
	c = nth(w, w->n++);
	*c = (struct chunk){ .offset = w->next, .len = len };
	for (int i = 0; i < SENDWIN_CARRIERS; i++)
		c->carrier[i] = SENDWIN_NOBODY;
	w->next += len;
	w->n_requeued++;
	return c;
}

static void drop_carrier(struct sendwin *w, struct chunk *c, int at)
{
	if (c->carrier[at] == SENDWIN_NOBODY)
		return;
	w->in_flight[c->carrier[at]] -= c->len;
	if (at == 0)
		c->first_ns = c->sent_ns;
	for (; at + 1 < SENDWIN_CARRIERS; at++)
		c->carrier[at] = c->carrier[at + 1];
	c->carrier[at] = SENDWIN_NOBODY;
}

void sendwin_assign(struct sendwin *w, struct chunk *c, uint16_t slot, uint64_t now_ns,
		    uint64_t due_ns)
{
	int at = carrier_index(c, SENDWIN_NOBODY);

	assert(!c->acked && !chunk_carried_by(c, slot));
	if (is_requeued(c))
		w->n_requeued--;
	if (at < 0) {
		drop_carrier(w, c, 0);
		at = SENDWIN_CARRIERS - 1;
	}
	c->carrier[at] = slot;
	if (at == 0)
		c->first_ns = now_ns;
	if (c->n_sent < UINT8_MAX)
		c->n_sent++;
	c->sent_ns = now_ns;
	c->due_ns = due_ns;
	w->in_flight[slot] += c->len;
}

static void mark_acked(struct sendwin *w, struct chunk *c, sendwin_acked_fn fn, void *arg)
{
	if (is_requeued(c))
		w->n_requeued--;
	c->acked = true;
	fn(arg, c);
	for (int i = SENDWIN_CARRIERS; i > 0; i--)
		drop_carrier(w, c, i - 1);
}

static bool ack_is_sane(const struct sendwin *w, const struct wire_ack *ack)
{
	uint64_t top = ack->n_ranges ? ack->ranges[ack->n_ranges - 1].end : ack->received;

	return top <= w->next;
}

bool sendwin_ack(struct sendwin *w, const struct wire_ack *ack, sendwin_acked_fn fn, void *arg)
{
	uint32_t r = 0;

	if (!ack_is_sane(w, ack))
		return false;
	/* Both lists ascend: one pass over them. Nothing is held beyond the last range. */
	for (size_t i = 0; i < w->n; i++) {
		struct chunk *c = nth(w, i);
		uint64_t end = c->offset + c->len;

		while (r < ack->n_ranges && ack->ranges[r].end < end)
			r++;
		if (end > ack->received && r == ack->n_ranges)
			break;
		if (c->acked)
			continue;
		if (end <= ack->received || ack->ranges[r].start <= c->offset)
			mark_acked(w, c, fn, arg);
	}
	while (w->n && nth(w, 0)->acked) {
		w->acked = nth(w, 0)->offset + nth(w, 0)->len;
		w->head = (w->head + 1) & (w->size - 1);
		w->n--;
	}
	if (!w->n)
		shrink(w);
	return true;
}

void sendwin_lost(struct sendwin *w, uint16_t slot)
{
	for (size_t i = 0; i < w->n; i++) {
		struct chunk *c = nth(w, i);
		int at = carrier_index(c, slot);

		if (at < 0)
			continue;
		drop_carrier(w, c, at);
		if (is_requeued(c))
			w->n_requeued++;
	}
	assert(w->in_flight[slot] == 0);
}

struct chunk *sendwin_requeued(struct sendwin *w)
{
	if (!w->n_requeued)
		return NULL;
	for (size_t i = 0; i < w->n; i++)
		if (is_requeued(nth(w, i)))
			return nth(w, i);
	return NULL;
}

struct chunk *sendwin_iterate(struct sendwin *w, size_t *iter)
{
	while (*iter < w->n) {
		struct chunk *c = nth(w, (*iter)++);

		if (!c->acked)
			return c;
	}
	return NULL;
}
