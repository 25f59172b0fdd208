/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written to a connection and not yet read: both ends are in one memory. */
#include <stdlib.h>
#include <string.h>

#include "tcp.h"

#define SENDMSG_PART (64u << 10)

size_t tcp_room(const struct half *h)
{
	if (h->fin || h->written - h->sent >= h->notsent_lowat ||
	    h->written - h->una_offset >= TCP_WINDOW + h->notsent_lowat)
		return 0;
	return SENDMSG_PART;
}

static void make_room(struct half *h, size_t n)
{
	uint64_t from = h->taken;
	size_t len = h->ring_len ? h->ring_len : 4096;
	uint8_t *ring;

	while (h->written - from + n > len)
		len *= 2;
	if (len == h->ring_len)
		return;
	ring = clock_alloc(len);
	for (uint64_t at = from; at < h->written;) {
		size_t i = (size_t)(at & (h->ring_len - 1)), k = (size_t)(at & (len - 1));
		size_t part = h->ring_len - i < h->written - at ? h->ring_len - i
								: (size_t)(h->written - at);

		part = part < len - k ? part : len - k;
		memcpy(ring + k, h->ring + i, part);
		at += part;
	}
	free(h->ring);
	h->ring = ring;
	h->ring_len = len;
}

void tcp_write(struct half *h, const void *bytes, size_t n)
{
	size_t at, first;

	make_room(h, n);
	at = (size_t)(h->written & (h->ring_len - 1));
	first = h->ring_len - at < n ? h->ring_len - at : n;
	memcpy(h->ring + at, bytes, first);
	memcpy(h->ring, (const uint8_t *)bytes + first, n - first);
	h->written += n;
}

size_t tcp_readable(const struct half *h)
{
	return (size_t)(h->arrived - h->taken);
}

void tcp_read(struct half *h, void *out, size_t n)
{
	size_t at = (size_t)(h->taken & (h->ring_len - 1));
	size_t first = h->ring_len - at < n ? h->ring_len - at : n;

	memcpy(out, h->ring + at, first);
	memcpy((uint8_t *)out + first, h->ring, n - first);
	h->taken += n;
}
