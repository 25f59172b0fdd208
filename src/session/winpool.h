/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winpool.h - free blocks of window memory, for the windows (winbuf.h) of one thread
 *
 * Free blocks lie on a stack: the one that was used last is the next to be used again, so that as
 * long as little is in flight little memory is touched and it stays in the processor's cache. (A
 * ring of the window's size would walk through all of it.)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Large enough that a frame's cost vanishes, small enough that a chunk stays in the L2 cache
 * between the checksum and the copy to the socket. */
#define WINBUF_BLOCK (256u << 10)

/* Memory for bytes that nobody needs. */
#define WINPOOL_SCRATCH (64u << 10)

struct winpool;

struct winbuf_block {
	unsigned refs; /* the user's */
	struct winbuf_block *next_free;
	uint8_t *bytes; /* WINBUF_BLOCK of them, uninitialised */
};

/* keep: free blocks that are kept, at most; others are given back. Returns 0 or -ENOMEM. */
int winpool_new(struct winpool **out, size_t keep);

/* When every block has been put back. */
struct winpool *winpool_free(struct winpool *p);

/* NULL: no memory. */
struct winbuf_block *winpool_get(struct winpool *p);
void winpool_put(struct winpool *p, struct winbuf_block *b);

/* WINPOOL_SCRATCH bytes, that anybody may write at any time. */
uint8_t *winpool_scratch(struct winpool *p);

/* Blocks that exist now, free ones included: for tests. */
size_t winpool_n_blocks(const struct winpool *p);
