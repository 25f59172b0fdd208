/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/winbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct winbuf_block {
	unsigned refs; /* 1 while it stands in the window, 1 for each pin */
	struct winbuf_block *next_free;
	uint8_t *bytes;
};

struct winbuf {
	uint64_t window;
	uint64_t released; /* number of the first block that still stands in the window */
	size_t n_slots;
	size_t n_blocks;
	struct winbuf_block *free;
	struct winbuf_block *slots[]; /* by block number modulo n_slots; NULL: no memory */
};

int winbuf_new(struct winbuf **out, uint64_t window)
{
	size_t n_slots = (size_t)(window / WINBUF_BLOCK) + 2;
	struct winbuf *w = calloc(1, sizeof(*w) + n_slots * sizeof(w->slots[0]));

	if (!w)
		return -ENOMEM;
	w->window = window;
	w->n_slots = n_slots;
	*out = w;
	return 0;
}

static void block_free(struct winbuf *w, struct winbuf_block *b)
{
	w->n_blocks--;
	free(b->bytes);
	free(b);
}

struct winbuf *winbuf_free(struct winbuf *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n_slots; i++)
		if (w->slots[i])
			winbuf_unpin(w, w->slots[i]);
	while (w->free) {
		struct winbuf_block *b = w->free;

		w->free = b->next_free;
		block_free(w, b);
	}
	assert(w->n_blocks == 0);
	free(w);
	return NULL;
}

static struct winbuf_block *block_get(struct winbuf *w)
{
	struct winbuf_block *b = w->free;

	if (b) {
		w->free = b->next_free;
	} else {
		b = malloc(sizeof(*b));
		if (!b)
			return NULL;
		b->bytes = malloc(WINBUF_BLOCK);
		if (!b->bytes) {
			free(b);
			return NULL;
		}
		w->n_blocks++;
	}
	b->refs = 1;
	return b;
}

static size_t slot_of(const struct winbuf *w, uint64_t offset)
{
	return (size_t)(offset / WINBUF_BLOCK % w->n_slots);
}

int winbuf_ensure(struct winbuf *w, uint64_t offset, uint64_t len)
{
	if (!len)
		return 0;
	assert(offset / WINBUF_BLOCK >= w->released);
	assert((offset + len - 1) / WINBUF_BLOCK < w->released + w->n_slots);
	for (uint64_t n = offset / WINBUF_BLOCK; n <= (offset + len - 1) / WINBUF_BLOCK; n++) {
		struct winbuf_block **slot = &w->slots[slot_of(w, n * WINBUF_BLOCK)];

		if (!*slot)
			*slot = block_get(w);
		if (!*slot)
			return -ENOMEM;
	}
	return 0;
}

void winbuf_release(struct winbuf *w, uint64_t offset)
{
	for (; w->released < offset / WINBUF_BLOCK; w->released++) {
		struct winbuf_block **slot = &w->slots[slot_of(w, w->released * WINBUF_BLOCK)];

		if (*slot)
			winbuf_unpin(w, *slot);
		*slot = NULL;
	}
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
	b->next_free = w->free;
	w->free = b;
}

size_t winbuf_n_blocks(const struct winbuf *w)
{
	return w->n_blocks;
}
