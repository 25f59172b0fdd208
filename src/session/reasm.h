/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reasm.h - reassembly: which offsets of the peer's stream are held
 *
 * Everything below `received` is held, and beyond it a sorted list of disjoint ranges. A chunk is
 * held as a whole or not at all: it counts only once its check was right. A sender sends a chunk
 * again with the same bounds, so a chunk that is held in part contradicts what came before.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

/* Gaps that the peer may leave. Our sender has at most SENDWIN_CHUNKS chunks in flight, and n
 * chunks make at most n ranges; a peer that leaves more breaks the protocol. */
#define REASM_RANGES 4096

enum reasm_held { REASM_NEW, REASM_HELD, REASM_PARTLY };

struct reasm;

/* Room for this many ranges, as long as that is enough. A power of two. */
#define REASM_START 16

/* Returns 0 or -ENOMEM. */
int reasm_new(struct reasm **out);
struct reasm *reasm_free(struct reasm *r);

/* All below is held: the number of bytes that can be delivered in order. */
uint64_t reasm_received(const struct reasm *r);

/* End of the highest range held. */
uint64_t reasm_highest(const struct reasm *r);

/* len > 0 */
enum reasm_held reasm_test(const struct reasm *r, uint64_t offset, uint64_t len);

/* Adds a range that reasm_test called REASM_NEW. Returns 0, -ENOBUFS when it would be range
 * number REASM_RANGES + 1, or -ENOMEM. */
int reasm_add(struct reasm *r, uint64_t offset, uint64_t len);

/* Copies the lowest ranges beyond `received`, at most max; returns how many. */
uint32_t reasm_ranges(const struct reasm *r, struct wire_range *out, uint32_t max);
