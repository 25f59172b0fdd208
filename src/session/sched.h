/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched.h - the scheduler's arithmetic: how fast a subflow delivers, how large its next chunk is,
 * and when a late chunk is worth sending again on another subflow
 *
 * The scheduler pulls: a subflow whose socket can take bytes asks for a chunk. So no weights are
 * needed, and rates matter only for the size of chunks, for not burying a slow subflow under more
 * than it can deliver in time, and for judging lateness. Rates are in bytes per second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "session/sendwin.h"
#include "session/winbuf.h"

#define SCHED_CHUNK_MIN (16u << 10)
#define SCHED_CHUNK_MAX WINBUF_BLOCK
/* As long as nothing is known. */
#define SCHED_CHUNK_START (64u << 10)
/* A chunk is what a subflow delivers in this time. */
#define SCHED_CHUNK_NS 10000000ull

struct sched_rate {
	uint64_t rate;       /* 0: not known yet */
	uint64_t latency_ns; /* least time from giving a chunk to its acknowledgement; 0: not known
			      */
	uint64_t mark_ns;    /* begin of the running measurement; 0: none runs */
	uint64_t mark_bytes; /* delivered since then */
	uint64_t drained_ns; /* when orphaned bytes have left its queue; while the rate is known */
	uint64_t rested_ns;  /* until when it takes no chunk; while the rate is not known */
	unsigned n_orphaned; /* chunks in a row, while the rate is not known */
};

/* A chunk was acknowledged. idle: the subflow has nothing under way now. */
void sched_delivered(struct sched_rate *r, uint32_t len, uint64_t sent_ns, uint64_t now_ns,
		     bool idle);

/* A chunk that is under way here arrived on another subflow, or is left to others. Its bytes are no
 * longer in flight, but still have to leave this subflow's queue. */
void sched_orphaned(struct sched_rate *r, uint32_t len, uint64_t now_ns);

/* Orphaned bytes that are still in the queue now. */
uint64_t sched_orphans(const struct sched_rate *r, uint64_t now_ns);

/* Should the subflow take no chunk for a while? True after other subflows overtook it before its
 * rate was known. */
bool sched_resting(const struct sched_rate *r, uint64_t now_ns);

uint32_t sched_chunk_len(const struct sched_rate *r);

/* When a chunk given now to a subflow that has in_flight bytes under way should be acknowledged. */
uint64_t sched_due(const struct sched_rate *r, uint64_t in_flight, uint32_t len, uint64_t now_ns);

/* May a subflow take new data? Not when it is much slower than the others together and so much is
 * under way on it that the window would be used up before it delivers. total_rate: sum over all. */
bool sched_may_pull(const struct sched_rate *r, uint64_t in_flight, uint64_t total_rate,
		    uint64_t window);

/* Is it worth sending c, which others carry, on a subflow where it would arrive at my_due_ns? */
bool sched_reinject(const struct chunk *c, uint64_t now_ns, uint64_t my_due_ns);

/* Is c so late that what carries it has probably died? Then others should not wait until they are
 * idle. */
bool sched_stuck(const struct chunk *c, uint64_t now_ns);
