/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reasm.c - one edge and a sorted array of ranges
 *
 * The bytes [0, received) are held. Beyond that edge lie n ranges of chunks that came early:
 *
 *   0 ......... received ....  start---end ....  start---end .. start---end
 *   all is held          a gap  ranges[0]    a gap ranges[1]     ranges[n - 1]
 *
 * What always holds:
 * - Ranges ascend, are not empty, and neither touch each other nor the edge: what touches is merged
 *   at once. So each range stands for a gap, and n is the number of gaps.
 * - n <= REASM_RANGES, since a peer decides about it.
 * - ranges is start, inside of the struct, or an array on the heap with room for more. The array
 *   goes when the last range does: an idle session costs a fixed size.
 *
 * A test is a binary search. To add or remove a range moves those above it, at most 64 KiB of them,
 * and only where a chunk opens or closes a gap: chunks that arrive in order touch no array at all.
 */
#include "session/reasm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reasm {
	uint64_t received;
	uint32_t n;
	uint32_t size; /* of ranges: REASM_START or more */
	struct wire_range *ranges;
	struct wire_range start[REASM_START];
};

int reasm_new(struct reasm **out)
{
	struct reasm *r = malloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->received = 0;
	r->n = 0;
	r->size = REASM_START;
	r->ranges = r->start;
	*out = r;
	return 0;
}

static void free_ranges(struct reasm *r)
{
	if (r->ranges != r->start)
		free(r->ranges);
}

struct reasm *reasm_free(struct reasm *r)
{
	if (!r)
		return NULL;
	free_ranges(r);
	free(r);
	return NULL;
}

uint64_t reasm_received(const struct reasm *r)
{
	return r->received;
}

uint64_t reasm_highest(const struct reasm *r)
{
	return r->n ? r->ranges[r->n - 1].end : r->received;
}

/* Index of the first range that ends beyond offset; n when none does. */
static uint32_t first_beyond(const struct reasm *r, uint64_t offset)
{
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (r->ranges[mid].end > offset)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

enum reasm_held reasm_test(const struct reasm *r, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len;
	uint32_t i;

	if (end <= r->received)
		return REASM_HELD;
	if (offset < r->received)
		return REASM_PARTLY;
	i = first_beyond(r, offset);
	if (i == r->n || r->ranges[i].start >= end)
		return REASM_NEW;
	if (r->ranges[i].start <= offset && r->ranges[i].end >= end)
		return REASM_HELD;
	return REASM_PARTLY;
}

static void remove_ranges(struct reasm *r, uint32_t at, uint32_t count)
{
	memmove(&r->ranges[at], &r->ranges[at + count], (r->n - at - count) * sizeof(r->ranges[0]));
	r->n -= count;
}

static int grow(struct reasm *r)
{
	struct wire_range *ranges = malloc(2 * r->size * sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	memcpy(ranges, r->ranges, r->n * sizeof(*ranges));
	free_ranges(r);
	r->ranges = ranges;
	r->size *= 2;
	return 0;
}

/* No range is left: such a number may not come again for long. */
static void shrink(struct reasm *r)
{
	free_ranges(r);
	r->ranges = r->start;
	r->size = REASM_START;
}

static int insert_range(struct reasm *r, uint32_t at, uint64_t start, uint64_t end)
{
	if (r->n == REASM_RANGES)
		return -ENOBUFS;
	if (r->n == r->size && grow(r))
		return -ENOMEM;
	memmove(&r->ranges[at + 1], &r->ranges[at], (r->n - at) * sizeof(r->ranges[0]));
	r->ranges[at] = (struct wire_range){ .start = start, .end = end };
	r->n++;
	return 0;
}

/* The range at index i (if any) begins where the in-order part now ends. */
static void swallow_first(struct reasm *r)
{
	if (r->n && r->ranges[0].start == r->received) {
		r->received = r->ranges[0].end;
		remove_ranges(r, 0, 1);
		if (!r->n)
			shrink(r);
	}
}

int reasm_add(struct reasm *r, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len;
	uint32_t i;

	assert(reasm_test(r, offset, len) == REASM_NEW);
	if (offset == r->received) {
		r->received = end;
		swallow_first(r);
		return 0;
	}
	i = first_beyond(r, offset);
	/* ranges[i] lies behind the new one, ranges[i - 1] before it: either may touch it. */
	if (i > 0 && r->ranges[i - 1].end == offset) {
		r->ranges[i - 1].end = end;
		if (i < r->n && r->ranges[i].start == end) {
			r->ranges[i - 1].end = r->ranges[i].end;
			remove_ranges(r, i, 1);
		}
		return 0;
	}
	if (i < r->n && r->ranges[i].start == end) {
		r->ranges[i].start = offset;
		return 0;
	}
	return insert_range(r, i, offset, end);
}

uint32_t reasm_ranges(const struct reasm *r, struct wire_range *out, uint32_t max)
{
	uint32_t n = r->n < max ? r->n : max;

	memcpy(out, r->ranges, n * sizeof(out[0]));
	return n;
}
