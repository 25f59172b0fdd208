/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winbuf.c - a window onto a stream: blocks by number, in a ring of slots
 *
 *   block number   0    1    2    3    4    5    6
 *                  released  ^              ^ ensured
 *                            | stands       | not touched yet
 *
 * Block n stands in slots[n % n_slots]. A window of w bytes touches at most w / WINBUF_BLOCK + 2
 * blocks, since it need not begin where a block does.
 *
 * What always holds:
 * - Slots of numbers outside of [released, ensured) are NULL; within it a block may be missing.
 * - A block goes back to the pool when its last reference does: that of the slot, or of a frame
 *   that is being written (pin). n_blocks counts those that have not gone back.
 * - At most one block is the one that no pool refuses (n_next): the lowest, in which the stream
 *   goes on. Without it a full pool could stop a session for ever.
 */
#include "session/winbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct winbuf {
	struct winpool *pool;
	uint64_t released; /* number of the first block that still stands in the window */
	uint64_t ensured;  /* and of the first one that has had no memory yet */
	size_t n_slots;
	size_t n_blocks;
	size_t n_next;                /* 0 or 1 of these is the block that no pool refuses */
	struct winbuf_block *slots[]; /* by block number modulo n_slots; NULL: no memory */
};

int winbuf_new(struct winbuf **out, uint64_t window, struct winpool *pool)
{
	size_t n_slots = (size_t)(window / WINBUF_BLOCK) + 2;
	struct winbuf *w = calloc(1, sizeof(*w) + n_slots * sizeof(w->slots[0]));

	if (!w)
		return -ENOMEM;
	w->pool = pool;
	w->n_slots = n_slots;
	*out = w;
	return 0;
}

static size_t slot_of(const struct winbuf *w, uint64_t offset)
{
	return (size_t)(offset / WINBUF_BLOCK % w->n_slots);
}

/* The blocks from released to before the one of this number. */
static void take_out(struct winbuf *w, uint64_t end)
{
	for (uint64_t n = w->released; n < end; n++) {
		struct winbuf_block **slot = &w->slots[slot_of(w, n * WINBUF_BLOCK)];

		if (*slot)
			winbuf_unpin(w, *slot);
		*slot = NULL;
	}
}

struct winbuf *winbuf_free(struct winbuf *w)
{
	if (!w)
		return NULL;
	take_out(w, w->ensured);
	assert(w->n_blocks == 0);
	free(w);
	return NULL;
}

/* Block number n. Returns 0, -ENOMEM or -EAGAIN. */
static int block_get(struct winbuf *w, uint64_t n, struct winbuf_block **out)
{
	bool next = n == w->released && !w->n_next;
	int r = winpool_get(w->pool, w->n_blocks, next, out);

	if (r)
		return r;
	(*out)->refs = 1;
	w->n_blocks++;
	w->n_next += next;
	return 0;
}

int winbuf_ensure(struct winbuf *w, uint64_t offset, uint64_t len)
{
	if (!len)
		return 0;
	assert(offset / WINBUF_BLOCK >= w->released);
	assert((offset + len - 1) / WINBUF_BLOCK < w->released + w->n_slots);
	for (uint64_t n = offset / WINBUF_BLOCK; n <= (offset + len - 1) / WINBUF_BLOCK; n++) {
		struct winbuf_block **slot = &w->slots[slot_of(w, n * WINBUF_BLOCK)];

		int r = *slot ? 0 : block_get(w, n, slot);

		if (r)
			return r;
		if (n >= w->ensured)
			w->ensured = n + 1;
	}
	return 0;
}

void winbuf_release(struct winbuf *w, uint64_t offset)
{
	uint64_t first = offset / WINBUF_BLOCK;

	take_out(w, first < w->ensured ? first : w->ensured);
	if (first > w->released)
		w->released = first;
}

void winbuf_clear(struct winbuf *w)
{
	take_out(w, w->ensured);
	w->ensured = w->released;
}

uint8_t *winbuf_at(const struct winbuf *w, uint64_t offset, size_t *contiguous_out)
{
	struct winbuf_block *b = w->slots[slot_of(w, offset)];
	size_t within = (size_t)(offset % WINBUF_BLOCK);

	assert(b);
	*contiguous_out = WINBUF_BLOCK - within;
	return b->bytes + within;
}

struct winbuf_block *winbuf_pin(struct winbuf *w, uint64_t offset)
{
	struct winbuf_block *b = w->slots[slot_of(w, offset)];

	assert(b);
	b->refs++;
	return b;
}

void winbuf_unpin(struct winbuf *w, struct winbuf_block *b)
{
	assert(b->refs > 0);
	if (--b->refs)
		return;
	w->n_blocks--;
	w->n_next -= !b->shared;
	winpool_put(w->pool, b);
}

size_t winbuf_n_blocks(const struct winbuf *w)
{
	return w->n_blocks;
}
