/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched.c - what is estimated of each subflow, and what the scheduler derives from it
 *
 * Two values are estimated from acknowledgements alone:
 * - latency_ns: the least time from giving a chunk to its acknowledgement.
 * - rate: bytes acknowledged in a time of at least SAMPLE_NS in which the subflow was never idle,
 *   averaged with the value before (half of each). A single chunk's length by its time is a lower
 *   bound, as that time includes the delay of the path: it raises the rate, and never lowers it.
 *
 * From these follow the size of a chunk (SCHED_CHUNK_NS of the rate) and the time when a chunk is
 * due (latency + all bytes in flight at the rate). A chunk that is late by a part of its expected
 * time may be sent again on another subflow.
 *
 * What always holds:
 * - rate is 0 until the first acknowledgement, then 1 to RATE_MAX, and never 0 again.
 * - drained_ns moves only while the rate is known, rested_ns only before; an acknowledgement clears
 *   both, since bytes of one subflow arrive in order.
 * - A measurement runs (mark_ns) only while the subflow has something under way.
 */
#include "session/sched.h"

#include "util/units.h"

/* Shorter measurements say more about the scheduling of processes than about the path. */
#define SAMPLE_NS (20 * NS_PER_MS)

/* When a chunk on a subflow of unknown rate is expected: generous, as slow start and a long path
 * are more likely than a dead link. */
#define GUESS_NS (500 * NS_PER_MS)

/* A subflow that is overtaken before its rate is known rests: this long at first, doubled this
 * often.
 */
#define REST_NS      (100 * NS_PER_MS)
#define REST_DOUBLED 4

/* A chunk is late only when it is overdue by this and a quarter of its expected time. */
#define GRACE_NS (10 * NS_PER_MS)

/* A chunk is stuck when it is overdue by this and its expected time once more. TCP's own repair of
 * a lost segment takes about as long. */
#define STUCK_NS (200 * NS_PER_MS)

/* What the slowest subflow may always have under way: two small chunks and TCP's own minimum. */
#define IN_FLIGHT_MIN (128u << 10)

/* Only a subflow slower than this part of all together is held back. */
#define SLOW_PART 8

/* One chunk that is acknowledged at once is no proof of more. With it, no product below overflows.
 */
#define RATE_MAX (1ull << 34)

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
	/* Bytes in one measurement stay far below 2^34, so that this cannot overflow. */
	return ns ? bytes * NS_PER_S / ns : 0;
}

static uint64_t time_for(uint64_t bytes, uint64_t rate)
{
	return bytes / rate * NS_PER_S + bytes % rate * NS_PER_S / rate;
}

void sched_delivered(struct sched_rate *r, uint32_t len, uint64_t sent_ns, uint64_t now_ns,
		     bool idle)
{
	uint64_t took_ns = now_ns > sent_ns ? now_ns - sent_ns : 1;
	uint64_t alone = per_second(len, took_ns);

	/* Bytes arrive in the order in which they left: what was before them is through. */
	r->drained_ns = 0;
	r->rested_ns = 0;
	r->n_orphaned = 0;

	if (!r->latency_ns || took_ns < r->latency_ns)
		r->latency_ns = took_ns;
	/* One chunk by itself: includes the path's delay, so it is a lower bound. */
	if (alone > r->rate)
		r->rate = alone;
	if (r->mark_ns)
		r->mark_bytes += len;
	if (r->mark_ns && now_ns - r->mark_ns >= SAMPLE_NS) {
		r->rate = (r->rate + per_second(r->mark_bytes, now_ns - r->mark_ns)) / 2;
		r->mark_ns = 0;
	}
	if (idle) {
		r->mark_ns = 0;
	} else if (!r->mark_ns) {
		r->mark_ns = now_ns;
		r->mark_bytes = 0;
	}
	if (!r->rate)
		r->rate = 1;
	if (r->rate > RATE_MAX)
		r->rate = RATE_MAX;
}

void sched_orphaned(struct sched_rate *r, uint32_t len, uint64_t now_ns)
{
	if (r->rate)
		r->drained_ns =
			(r->drained_ns > now_ns ? r->drained_ns : now_ns) + time_for(len, r->rate);
	else
		r->rested_ns = now_ns + (REST_NS << r->n_orphaned);
	if (r->n_orphaned < REST_DOUBLED)
		r->n_orphaned++;
}

bool sched_resting(const struct sched_rate *r, uint64_t now_ns)
{
	return !r->rate && now_ns < r->rested_ns;
}

uint64_t sched_orphans(const struct sched_rate *r, uint64_t now_ns)
{
	uint64_t left_ns = r->drained_ns > now_ns ? r->drained_ns - now_ns : 0;

	return left_ns / NS_PER_S * r->rate + left_ns % NS_PER_S * r->rate / NS_PER_S;
}

uint32_t sched_chunk_len(const struct sched_rate *r)
{
	uint64_t len = r->rate / (NS_PER_S / SCHED_CHUNK_NS);

	if (!r->rate)
		return SCHED_CHUNK_START;
	if (len < SCHED_CHUNK_MIN)
		return SCHED_CHUNK_MIN;
	return len > SCHED_CHUNK_MAX ? SCHED_CHUNK_MAX : (uint32_t)len;
}

uint64_t sched_due(const struct sched_rate *r, uint64_t in_flight, uint32_t len, uint64_t now_ns)
{
	if (!r->rate)
		return now_ns + GUESS_NS;
	return now_ns + r->latency_ns + time_for(in_flight + len, r->rate);
}

bool sched_may_pull(const struct sched_rate *r, uint64_t in_flight, uint64_t total_rate,
		    uint64_t window)
{
	if (!r->rate || in_flight < IN_FLIGHT_MIN || r->rate > total_rate / SLOW_PART)
		return true;
	/* Half the window, as the others' bytes in flight need their part of it too. */
	return time_for(in_flight, r->rate) < time_for(window / 2, total_rate);
}

bool sched_reinject(const struct chunk *c, uint64_t now_ns, uint64_t my_due_ns)
{
	if (c->due_ns > now_ns)
		return c->due_ns - now_ns > 2 * (my_due_ns - now_ns) + GRACE_NS;
	return now_ns - c->due_ns > GRACE_NS + (c->due_ns - c->sent_ns) / 4;
}

bool sched_stuck(const struct chunk *c, uint64_t now_ns)
{
	return now_ns > c->due_ns && now_ns - c->due_ns > STUCK_NS + (c->due_ns - c->sent_ns);
}
