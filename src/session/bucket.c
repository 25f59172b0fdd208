/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/bucket.h"

#include "util/units.h"

bool bucket_open(const struct bucket *b, uint64_t now_ns)
{
	return !b->rate || b->paid_ns <= now_ns;
}

uint64_t bucket_due(const struct bucket *b, uint64_t now_ns)
{
	return b->paid_ns > now_ns + BUCKET_NAP_NS ? b->paid_ns : now_ns + BUCKET_NAP_NS;
}

void bucket_take(struct bucket *b, uint32_t len, uint64_t now_ns)
{
	uint64_t cost;

	if (!b->rate)
		return;
	if (now_ns > BUCKET_BURST_NS && b->paid_ns < now_ns - BUCKET_BURST_NS)
		b->paid_ns = now_ns - BUCKET_BURST_NS;
	/* What a division leaves is carried on: thousands of them a second would add up. */
	cost = len * NS_PER_S + b->rest;
	b->paid_ns += cost / b->rate;
	b->rest = cost % b->rate;
}

uint64_t bucket_chunk_len(const struct bucket *b)
{
	uint64_t len;

	if (!b->rate)
		return UINT64_MAX;
	len = b->rate / (NS_PER_S / BUCKET_CHUNK_NS);
	return len > BUCKET_CHUNK_MIN ? len : BUCKET_CHUNK_MIN;
}
