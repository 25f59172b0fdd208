/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cover.h - the fewest flows that together reach the most: plan.c's combinatorial core
 *
 * One direction is a bipartite graph: from the sender's links (TX) to the receiver's (RX), each
 * with a capacity. A flow is an edge of no limit between two of them, as the scheduler gives every
 * flow as much as it takes. The rate of a set of flows is the maximum flow over their edges. A flow
 * has an edge in both directions at once, out and in; flows with the same two edges form a class,
 * and are as good as each other.
 *
 * The choice is the best of some greedy ones less what turned out not to be needed, and, if a
 * simple lower bound leaves doubt, that of an exhaustive search of bounded effort. So no flow can
 * be spared; that there is no smaller set is sure for few links or classes, and nearly so for many.
 * The result depends on nothing but the input.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Nodes of one side: sets of them are bits of 32. */
#define COVER_NODES_MAX 32
#define COVER_FLOWS_MAX 256

/* OUT: from here to the peer. Each direction has two ends: where its data are sent, then where they
 * are received. */
enum cover_direction { COVER_OUT, COVER_IN, COVER_DIRECTIONS };
enum cover_end { COVER_OUT_TX, COVER_OUT_RX, COVER_IN_TX, COVER_IN_RX, COVER_ENDS };

static inline enum cover_end cover_sender(enum cover_direction dir)
{
	return dir == COVER_OUT ? COVER_OUT_TX : COVER_IN_TX;
}

static inline enum cover_end cover_receiver(enum cover_direction dir)
{
	return dir == COVER_OUT ? COVER_OUT_RX : COVER_IN_RX;
}

static inline enum cover_direction cover_direction(enum cover_end end)
{
	return end == COVER_OUT_TX || end == COVER_OUT_RX ? COVER_OUT : COVER_IN;
}

static inline bool cover_sends(enum cover_end end)
{
	return end == COVER_OUT_TX || end == COVER_IN_TX;
}

/* Is this end's machine ours? */
static inline bool cover_is_here(enum cover_end end)
{
	return end == COVER_OUT_TX || end == COVER_IN_RX;
}

/* The other end of the same direction. */
static inline enum cover_end cover_facing(enum cover_end end)
{
	enum cover_direction dir = cover_direction(end);

	return cover_sends(end) ? cover_receiver(dir) : cover_sender(dir);
}

struct cover_class {
	uint8_t node[COVER_ENDS];
	uint16_t port; /* the caller's */
};

struct cover_task {
	uint32_t capacity[COVER_ENDS][COVER_NODES_MAX];
	const struct cover_class *classes;
	unsigned n_classes;
	const struct cover_class *open; /* flows that are there already; not dropped */
	unsigned n_open;
	unsigned limit; /* flows in all; at most COVER_FLOWS_MAX, at least n_open */
};

struct cover {
	unsigned n; /* beside the open ones, in the order in which they gain most */
	uint16_t chosen[COVER_FLOWS_MAX]; /* index into classes */
	uint64_t reach[COVER_DIRECTIONS]; /* rate with these and the open ones */
	uint64_t most[COVER_DIRECTIONS];  /* rate with all classes */
};

/* Reaches the most in both directions if the limit lets it; else out comes first.
 * Returns 0 or -ENOMEM. */
int cover_choose(const struct cover_task *task, struct cover *out);
