/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winbuf.h - the memory behind one direction's window
 *
 * The window is cut into blocks of WINBUF_BLOCK bytes at multiples of that size in the stream.
 * A block is here only while it holds bytes that somebody needs; it comes from a pool (winpool.h)
 * when it is first needed, and goes back there: at most window / WINBUF_BLOCK + 2 of them (a window
 * may begin and end within a block), and one more for each pin. A pool with a limit may refuse a
 * block for now; it never refuses the one of the released offset, unless a pin still holds the one
 * before.
 *
 * Threads: all functions belong to the engine's thread, but for winbuf_at(), which another thread
 * may call for offsets that the engine has published to it (input.h, output.h say how): those
 * blocks neither move nor go until that thread has said that it is through with them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "session/winpool.h"

struct winbuf;

/* window: bytes. pool is borrowed. Returns 0 or -ENOMEM. */
int winbuf_new(struct winbuf **out, uint64_t window, struct winpool *pool);
struct winbuf *winbuf_free(struct winbuf *w);

/* Makes sure that [offset, offset + len) has memory; what is new is uninitialised. The range must
 * lie within window bytes from the released offset. Returns 0, -ENOMEM, or -EAGAIN: the pool's
 * other windows have the memory now. Then a part of the range may have memory. */
int winbuf_ensure(struct winbuf *w, uint64_t offset, uint64_t len);

/* The bytes below this offset are needed no more. Never goes back. */
void winbuf_release(struct winbuf *w, uint64_t offset);

/* No byte is needed at all for now: gives all memory back, that of what is yet to come too. */
void winbuf_clear(struct winbuf *w);

/* Memory of one offset, which winbuf_ensure has covered; *contiguous_out: bytes to its block's end.
 */
uint8_t *winbuf_at(const struct winbuf *w, uint64_t offset, size_t *contiguous_out);

/* Keeps the block of this offset alive beyond its release, for a frame that is half written. */
struct winbuf_block *winbuf_pin(struct winbuf *w, uint64_t offset);
void winbuf_unpin(struct winbuf *w, struct winbuf_block *block);

/* Blocks that are here now: for tests of the bound. */
size_t winbuf_n_blocks(const struct winbuf *w);
