/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendwin.h - the chunks that were sent and are not yet acknowledged
 *
 * A chunk is a run of stream bytes with fixed bounds. It has up to SENDWIN_CARRIERS carriers: the
 * subflows on which it is under way. A chunk without carrier is requeued: its subflow died. The
 * table is in the order of offsets and has no gaps. It doubles when it is full, and becomes small
 * again when it is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/stats.h"
#include "wire/frame.h"

/* Chunks in flight. The default window of 64 MiB in the smallest bulk chunks of 16 KiB. A stream of
 * tiny writes is held back by this before the window holds it back. */
#define SENDWIN_CHUNKS 4096

/* The table's size as long as that is enough: one page for an idle session. A power of two. */
#define SENDWIN_START 16

/* Subflows that are known to carry the same chunk: the one that is late and the one that helps.
 * When the helper is late too, the next one takes the place of the first. */
#define SENDWIN_CARRIERS 2

#define SENDWIN_NOBODY UINT16_MAX

struct chunk {
	uint64_t offset;
	uint32_t len;
	bool acked;
	uint8_t n_sent;                     /* times given to a subflow (saturates at 255) */
	uint16_t carrier[SENDWIN_CARRIERS]; /* subflow slots, oldest first, then SENDWIN_NOBODY */
	uint64_t first_ns;                  /* when it was given to its oldest carrier */
	uint64_t sent_ns;                   /* when it was last given to a subflow */
	uint64_t due_ns; /* when the last of its carriers is expected to have delivered it */
};

/* What sendwin_ack tells about each chunk that is newly acknowledged. */
typedef void (*sendwin_acked_fn)(void *arg, const struct chunk *c);

struct sendwin;

int sendwin_new(struct sendwin **out);
struct sendwin *sendwin_free(struct sendwin *w);

/* All below is acknowledged. */
uint64_t sendwin_acked(const struct sendwin *w);

/* End of the last chunk: offset of the next new one. */
uint64_t sendwin_next(const struct sendwin *w);

bool sendwin_full(const struct sendwin *w);
size_t sendwin_n_requeued(const struct sendwin *w);

/* Bytes that a subflow carries, chunks with two carriers counted for each. */
uint64_t sendwin_in_flight(const struct sendwin *w, uint16_t slot);

/* Appends a chunk of len bytes at sendwin_next(), without carrier. Not when full. NULL: there is no
 * memory for one more, before others are acknowledged. The pointers given out before are void. */
struct chunk *sendwin_push(struct sendwin *w, uint32_t len);

/* Gives the chunk one more carrier, instead of the oldest when it has no room. It must not be
 * carried by slot already. */
void sendwin_assign(struct sendwin *w, struct chunk *c, uint16_t slot, uint64_t now_ns,
		    uint64_t due_ns);

/* Marks chunks that lie within the acknowledged ranges, calls fn for each that is new, and drops
 * those below the cumulative offset. Returns false, with nothing changed, when the ACK speaks of
 * offsets that were never sent. An ACK older than others is harmless. */
bool sendwin_ack(struct sendwin *w, const struct wire_ack *ack, sendwin_acked_fn fn, void *arg);

/* The subflow is gone: its chunks lose it as a carrier. */
void sendwin_lost(struct sendwin *w, uint16_t slot);

/* The lowest chunk without carrier, NULL without one. */
struct chunk *sendwin_requeued(struct sendwin *w);

/* The i-th unacknowledged chunk from the low end, NULL when there are fewer. For i = 0, 1, 2 ... in
 * turn *iter starts as 0 and is the function's own. */
struct chunk *sendwin_iterate(struct sendwin *w, size_t *iter);

bool chunk_has_room(const struct chunk *c);
bool chunk_carried_by(const struct chunk *c, uint16_t slot);
