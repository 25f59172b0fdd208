/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cover.h - the fewest flows that together reach the most: plan.c's combinatorial core
 *
 * One direction is a bipartite graph: its left nodes are the sender's links, its right nodes the
 * receiver's, each with a capacity. A flow is an edge of no limit between two of them, as the
 * scheduler gives every flow as much as it takes. The rate of a set of flows is the maximum flow
 * over their edges. A flow has an edge in both directions at once, out and in; flows with the same
 * two edges form a class, and are as good as each other.
 *
 * The choice is the best of some greedy ones less what turned out not to be needed, and, if a
 * simple lower bound leaves doubt, that of an exhaustive search of bounded effort. So no flow can
 * be spared; that there is no smaller set is sure for few links or classes, and nearly so for many.
 * The result depends on nothing but the input.
 */
#pragma once

#include <stdint.h>

/* Nodes of one side: sets of them are bits of 32. */
#define COVER_NODES_MAX 32
#define COVER_FLOWS_MAX 256

enum cover_end { COVER_OUT_LEFT, COVER_OUT_RIGHT, COVER_IN_LEFT, COVER_IN_RIGHT, COVER_ENDS };
enum cover_way { COVER_OUT, COVER_IN, COVER_WAYS };

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
	uint64_t reach[COVER_WAYS];       /* rate with these and the open ones */
	uint64_t most[COVER_WAYS];        /* rate with all classes */
};

/* Reaches the most in both directions if the limit lets it; else out comes first.
 * Returns 0 or -ENOMEM. */
int cover_choose(const struct cover_task *task, struct cover *out);
