/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winpool.h - free blocks of window memory, for the windows (winbuf.h) of one thread
 *
 * Free blocks lie on a stack: the one that was used last is the next to be used again, so that as
 * long as little is in flight little memory is touched and it stays in the processor's cache. (A
 * ring of the window's size would walk through all of it.)
 *
 * A pool of many sessions has a limit. Each window may have one block at any time, the one in which
 * its stream goes on: the pool's owner keeps that many blocks apart, so every session can go on.
 * All other blocks are shared. A window takes one of these while it has less than its share, which
 * is a part of those that are free: the more blocks are in use, the less each window may have, and
 * some are left for the next one.
 *
 * A pool may have parts, one for all windows that have one owner or come from one place. A part has
 * no blocks of its own, but a limit that moves: its windows may have as many shared blocks as are
 * free for the windows of all other parts. So one greedy owner leaves half of the pool to others,
 * two leave a third.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Large enough that a frame's cost vanishes, small enough that a chunk stays in the L2 cache
 * between the checksum and the copy to the socket. */
#define WINBUF_BLOCK (256u << 10)

/* Memory for bytes that nobody needs. */
#define WINPOOL_SCRATCH (64u << 10)

/* The share of one window is one part in this many of the free blocks. A window that is alone gets
 * a ninth of all, and of 56 windows that take all they can the last ones find an eighth still free.
 */
#define WINPOOL_SHARE 8

/* A share of fewer blocks than this keeps a window of next to nothing waiting. */
#define WINPOOL_LEAST 2

struct winpool;

struct winbuf_block {
	unsigned refs; /* the user's */
	bool shared;   /* it counts among the shared blocks */
	struct winbuf_block *next_free;
	uint8_t *bytes; /* WINBUF_BLOCK of them, uninitialised */
};

/* keep: free blocks that are kept, at most; others are given back. Returns 0 or -ENOMEM. */
int winpool_new(struct winpool **out, size_t keep);

/* A part of a pool (borrowed), which has no parts itself. Returns 0 or -ENOMEM. */
int winpool_new_part(struct winpool **out, struct winpool *whole);

/* When every block has been put back. Parts go first. */
struct winpool *winpool_free(struct winpool *p);

/* From now on all windows together have at most this many shared blocks. Without a call there is no
 * limit. */
void winpool_limit(struct winpool *p, size_t n_shared);

/* Bytes that one window may have now besides its one block; UINT64_MAX: there is no limit. */
uint64_t winpool_share(const struct winpool *p);

/* Bytes that all windows of this pool or part may have now in shared blocks, with those that they
 * have. */
uint64_t winpool_size(const struct winpool *p);

/* Do they have more than seven eighths of that, or is the share of one window below WINPOOL_LEAST?
 */
bool winpool_short(const struct winpool *p);

/* A block for a window that has n_held. next: the window's stream goes on in this block, and the
 * window has no other block of this kind. Returns 0, -ENOMEM, or -EAGAIN: the window has its
 * share. */
int winpool_get(struct winpool *p, size_t n_held, bool next, struct winbuf_block **out);
void winpool_put(struct winpool *p, struct winbuf_block *b);

/* WINPOOL_SCRATCH bytes, that anybody may write at any time. */
uint8_t *winpool_scratch(struct winpool *p);

/* Blocks that exist now, free ones included: for tests. */
size_t winpool_n_blocks(const struct winpool *p);

/* Blocks that windows have now. */
size_t winpool_n_used(const struct winpool *p);
