/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/winpool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct winpool {
	size_t keep;
	size_t n_free;
	size_t n_blocks;
	struct winbuf_block *free;
	uint8_t *scratch;
};

int winpool_new(struct winpool **out, size_t keep)
{
	struct winpool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->keep = keep;
	p->scratch = malloc(WINPOOL_SCRATCH);
	if (!p->scratch) {
		free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

static void block_free(struct winpool *p, struct winbuf_block *b)
{
	p->n_blocks--;
	free(b->bytes);
	free(b);
}

struct winpool *winpool_free(struct winpool *p)
{
	if (!p)
		return NULL;
	while (p->free) {
		struct winbuf_block *b = p->free;

		p->free = b->next_free;
		block_free(p, b);
	}
	assert(p->n_blocks == 0);
	free(p->scratch);
	free(p);
	return NULL;
}

static struct winbuf_block *block_new(struct winpool *p)
{
	struct winbuf_block *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	b->bytes = malloc(WINBUF_BLOCK);
	if (!b->bytes) {
		free(b);
		return NULL;
	}
	p->n_blocks++;
	return b;
}

struct winbuf_block *winpool_get(struct winpool *p)
{
	struct winbuf_block *b = p->free;

	if (!b)
		return block_new(p);
	p->free = b->next_free;
	p->n_free--;
	return b;
}

void winpool_put(struct winpool *p, struct winbuf_block *b)
{
	if (p->n_free >= p->keep) {
		block_free(p, b);
		return;
	}
	b->next_free = p->free;
	p->free = b;
	p->n_free++;
}

uint8_t *winpool_scratch(struct winpool *p)
{
	return p->scratch;
}

size_t winpool_n_blocks(const struct winpool *p)
{
	return p->n_blocks;
}
