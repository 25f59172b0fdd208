/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
/* The library's run-time choice of SSE2, AVX2 or AVX-512: this header redirects the plain names. */
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

struct digest {
	XXH3_state_t *state;
};

uint64_t digest_check(const void *p, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, len, seed);
}

int digest_new(struct digest **out)
{
	struct digest *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->state = XXH3_createState();
	if (!d->state) {
		free(d);
		return -ENOMEM;
	}
	digest_begin_stream(d);
	*out = d;
	return 0;
}

struct digest *digest_free(struct digest *d)
{
	if (d) {
		XXH3_freeState(d->state);
		free(d);
	}
	return NULL;
}

void digest_begin_check(struct digest *d, uint64_t seed)
{
	XXH3_64bits_reset_withSeed(d->state, seed);
}

void digest_feed_check(struct digest *d, const void *p, size_t len)
{
	XXH3_64bits_update(d->state, p, len);
}

uint64_t digest_end_check(const struct digest *d)
{
	return XXH3_64bits_digest(d->state);
}

void digest_begin_stream(struct digest *d)
{
	XXH3_128bits_reset(d->state);
}

void digest_feed_stream(struct digest *d, const void *p, size_t len)
{
	XXH3_128bits_update(d->state, p, len);
}

void digest_stream_value(const struct digest *d, uint8_t out[DIGEST_LEN])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(d->state));
	memcpy(out, canonical.digest, DIGEST_LEN);
}
