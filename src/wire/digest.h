/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.h - the checksums of the protocol: XXH3 of the xxHash library
 *
 * They find broken hardware, broken middleboxes and our own bugs; they are no protection against
 * somebody who wants to deceive.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 16

/* XXH3-64 of len bytes with a seed. */
uint64_t digest_check(const void *p, size_t len, uint64_t seed);

/* The same over memory that is not contiguous: begin, feed each piece, end. */
struct digest;

/* Running XXH3, 64 or 128 bits wide. Returns 0 or -ENOMEM. */
int digest_new(struct digest **out);
struct digest *digest_free(struct digest *d);

/* Restarts d for a check of 64 bits with a seed; digest_end_check gives its value. */
void digest_begin_check(struct digest *d, uint64_t seed);
void digest_feed_check(struct digest *d, const void *p, size_t len);
uint64_t digest_end_check(const struct digest *d);

/* Restarts d for a stream's digest: XXH3-128 without seed, in its canonical (big-endian) form.
 * digest_stream_value does not disturb a running digest. */
void digest_begin_stream(struct digest *d);
void digest_feed_stream(struct digest *d, const void *p, size_t len);
void digest_stream_value(const struct digest *d, uint8_t out[DIGEST_LEN]);
