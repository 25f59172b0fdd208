/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bucket.h - a token bucket: no more than a number of bytes per second, over any longer time
 *
 * It is kept as the moment at which what was sent is paid for. While that lies ahead nothing more
 * goes; what was not used is kept for BUCKET_BURST_NS at most. So one chunk always fits, however
 * large it is, and is paid for afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Credit that is kept, and thus the largest burst: longer than a busy machine takes to come back to
 * us, or the rate would not be reached. */
#define BUCKET_BURST_NS 50000000ull

/* Between two wake-ups of a sender that waits: several small chunks go out with each. */
#define BUCKET_NAP_NS 1000000ull

/* Chunks are cut to what the rate gives in this time, so that a low rate is no pulse. */
#define BUCKET_CHUNK_NS 50000000ull

/* But not below: most of a packet's worth of header is too much. */
#define BUCKET_CHUNK_MIN 512u

/* Fastest rate; within it no arithmetic here overflows. */
#define BUCKET_RATE_MAX (1ull << 40)

struct bucket {
	uint64_t rate;    /* bytes per second; 0: no limit */
	uint64_t paid_ns; /* all that was taken is paid for then */
	uint64_t rest;    /* of the last division, in bytes * ns per second: below rate */
};

/* May something be taken? */
bool bucket_open(const struct bucket *b, uint64_t now_ns);

/* When to ask again, if not. */
uint64_t bucket_due(const struct bucket *b, uint64_t now_ns);

/* len: less than 1 GiB. */
void bucket_take(struct bucket *b, uint32_t len, uint64_t now_ns);

/* The largest chunk that is to be taken at once. */
uint64_t bucket_chunk_len(const struct bucket *b);
