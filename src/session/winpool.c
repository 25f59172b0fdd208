/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winpool.c - a stack of free blocks, and counts of those that are in use
 *
 * A block is on the stack of a pool, or a window has it: as its own (the block in which its stream
 * goes on) or as a shared one. Only shared blocks count against the limit.
 *
 *             winpool_get, next ----> own block ----.
 *   free  --<                                        >-- winpool_put --> free, or given back
 *             winpool_get ----------> shared block --'
 *
 * What always holds:
 * - Of a pool with a limit, n_shared is the sum of the n_shared of its parts and of its own
 *   windows.
 * - n_blocks = n_free + the blocks of all windows, and n_free <= keep.
 * - Blocks, scratch and limit are the whole's; a part only counts.
 *
 * size_of() of a part solves "what I may have = what is left when all others have theirs, and half
 * of it stays": with used blocks u of a part and f free ones it is (f + u) / 2. So one part takes
 * at most a half, two a third each, and n parts leave 1 / (n + 1) for the next one.
 */
#include "session/winpool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct winpool {
	struct winpool *whole; /* of this part; NULL: it is no part. A part uses n_shared alone. */
	size_t n_shared;       /* in use; of a whole at most limit */
	size_t limit;          /* of shared blocks; SIZE_MAX: none */
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
	p->limit = SIZE_MAX;
	p->scratch = malloc(WINPOOL_SCRATCH);
	if (!p->scratch) {
		free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

int winpool_new_part(struct winpool **out, struct winpool *whole)
{
	struct winpool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->whole = whole;
	*out = p;
	return 0;
}

static const struct winpool *whole_of(const struct winpool *p)
{
	return p->whole ? p->whole : p;
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
	assert(p->whole == NULL || p->n_shared == 0);
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

void winpool_limit(struct winpool *p, size_t n_shared)
{
	p->limit = n_shared;
}

static bool is_limited(const struct winpool *p)
{
	return whole_of(p)->limit != SIZE_MAX;
}

/* Shared blocks that the windows of a pool or part may have, all together. */
static size_t size_of(const struct winpool *p)
{
	const struct winpool *whole = whole_of(p);

	return p->whole ? (whole->limit - whole->n_shared + p->n_shared) / 2 : whole->limit;
}

static size_t share_of(const struct winpool *p)
{
	size_t size = size_of(p);

	return size > p->n_shared ? (size - p->n_shared) / WINPOOL_SHARE : 0;
}

uint64_t winpool_share(const struct winpool *p)
{
	return is_limited(p) ? (uint64_t)share_of(p) * WINBUF_BLOCK : UINT64_MAX;
}

uint64_t winpool_size(const struct winpool *p)
{
	return is_limited(p) ? (uint64_t)size_of(p) * WINBUF_BLOCK : UINT64_MAX;
}

bool winpool_short(const struct winpool *p)
{
	/* In a small pool shares get that small before seven eighths of it are in use. */
	return is_limited(p) && (share_of(p) < WINPOOL_LEAST ||
				 p->n_shared > size_of(p) - size_of(p) / WINPOOL_SHARE);
}

static struct winbuf_block *pop(struct winpool *p)
{
	struct winbuf_block *b = p->free;

	if (!b)
		return block_new(p);
	p->free = b->next_free;
	p->n_free--;
	return b;
}

int winpool_get(struct winpool *p, size_t n_held, bool next, struct winbuf_block **out)
{
	struct winbuf_block *b;

	/* A share of no blocks is for nobody, even if the window has none yet. */
	if (!next && is_limited(p) && (n_held > share_of(p) || !share_of(p)))
		return -EAGAIN;
	b = pop(p->whole ? p->whole : p);
	if (!b)
		return -ENOMEM;
	b->shared = !next;
	p->n_shared += b->shared;
	if (p->whole)
		p->whole->n_shared += b->shared;
	*out = b;
	return 0;
}

void winpool_put(struct winpool *p, struct winbuf_block *b)
{
	p->n_shared -= b->shared;
	if (p->whole) {
		p = p->whole;
		p->n_shared -= b->shared;
	}
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
	return whole_of(p)->scratch;
}

size_t winpool_n_blocks(const struct winpool *p)
{
	return p->n_blocks;
}

size_t winpool_n_used(const struct winpool *p)
{
	return p->n_blocks - p->n_free;
}
