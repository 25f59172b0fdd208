/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * winbuf.h - the memory behind one direction's window
 *
 * The window is cut into blocks of WINBUF_BLOCK bytes at multiples of that size in the stream.
 * A block exists only while it holds bytes that somebody needs; a released one goes to the top of a
 * stack and is the next to be used again, so that as long as little is in flight little memory is
 * touched and it stays in the processor's cache. (A ring of the window's size would walk through
 * all of it.) Blocks are allocated when first needed, at most window / WINBUF_BLOCK + 2 of them
 * (a window may begin and end within a block), and one more for each pin.
 *
 * Threads: all functions belong to the engine's thread, but for winbuf_at(), which another thread
 * may call for offsets that the engine has published to it (input.h, output.h say how): those
 * blocks neither move nor go until that thread has said that it is through with them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Large enough that a frame's cost vanishes, small enough that a chunk stays in the L2 cache
 * between the checksum and the copy to the socket. */
#define WINBUF_BLOCK (256u << 10)

struct winbuf;
struct winbuf_block;

/* window: bytes. Returns 0 or -ENOMEM. */
int winbuf_new(struct winbuf **out, uint64_t window);
struct winbuf *winbuf_free(struct winbuf *w);

/* Makes sure that [offset, offset + len) has memory; what is new is uninitialised. The range must
 * lie within window bytes from the released offset. Returns 0 or -ENOMEM. */
int winbuf_ensure(struct winbuf *w, uint64_t offset, uint64_t len);

/* The bytes below this offset are needed no more. Never goes back. */
void winbuf_release(struct winbuf *w, uint64_t offset);

/* Memory of one offset, which winbuf_ensure has covered; *contiguous_out: bytes to its block's end.
 */
uint8_t *winbuf_at(const struct winbuf *w, uint64_t offset, size_t *contiguous_out);

/* Keeps the block of this offset alive beyond its release, for a frame that is half written. */
struct winbuf_block *winbuf_pin(struct winbuf *w, uint64_t offset);
void winbuf_unpin(struct winbuf *w, struct winbuf_block *block);

/* Blocks that exist now, free ones included: for tests of the bound. */
size_t winbuf_n_blocks(const struct winbuf *w);
