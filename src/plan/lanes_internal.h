/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lanes_internal.h - what was counted (lanes.c), from which lanes_solve.c tells the lanes; nobody
 * else includes it
 */
#pragma once

#include <stdbool.h>

#include "plan/lanes.h"

/* Lags of the counters that are considered. */
#define LANES_VIEWS 4

/* Traffic varies more slowly than samples may be taken: closer ones are not worth more. */
#define LANES_INDEPENDENT_S 0.4

/* Samples that are remembered for the lags: at the rate of 10 per second more than the longest. */
#define LANES_HISTORY 64

/* Readings that a window may begin with. */
#define LANES_READINGS 8

/* Closed gaps between two renewals of a counter that are remembered: the shortest counts. */
#define LANES_GAPS 4

/* What was seen of one link: sums over its samples, of products divided by the sample's length. */
struct tally {
	double length; /* of the samples */
	double n;      /* independent ones */
	double l;      /* the link's bytes */
	double ll;
	double x[LANES_FLOWS_MAX]; /* the subflows' */
	double xl[LANES_FLOWS_MAX];
	double xx[LANES_FLOWS_MAX][LANES_FLOWS_MAX];
	double windows; /* sum of 1 / length of those that were summed up */
	double noise;   /* expected variance per independent sample */
	/* What is left by the assignment that is being looked at. */
	double rest;
	double rest2;
	double rx[LANES_FLOWS_MAX]; /* times x */
};

/* The same of all links and all subflows together: other traffic, and what the links lack of what
 * the subflows have sent or received. A counter may be late; and TCP counts what it sends before a
 * queue of this machine keeps or drops some of it, as it does when connections begin. */
struct total {
	double length;
	double n;
	double rest;
	double rest2;
	double lack2;
};

/* A counter, or several together, as they are read. */
struct reading {
	double t;
	double bytes; /* since the beginning */
};

struct window {
	unsigned n;
	struct reading last[LANES_READINGS]; /* the newest last */
};

/* All of it for one lag. */
struct view {
	struct total total;
	double others; /* most variance of other traffic on one link, per independent sample */
	int8_t at[LANES_FLOWS_MAX]; /* the best assignment; -1: not open */
	double score;
	unsigned next_pair; /* of links, to be regrouped */
	struct tally *links;
};

/* How the score of single links changes by what may move, in one view as it is assigned now. */
struct gains {
	double now[LANES_LINKS_MAX];                   /* scores */
	double off[LANES_FLOWS_MAX];                   /* of its link, when a subflow leaves */
	double on[LANES_FLOWS_MAX][LANES_LINKS_MAX];   /* of a link that it joins */
	double swap[LANES_FLOWS_MAX][LANES_FLOWS_MAX]; /* of [a]'s link: a leaves, [b] joins */
	int8_t first[LANES_FLOWS_MAX];  /* the link that a subflow joins best; -1: none */
	int8_t second[LANES_FLOWS_MAX]; /* and the next one */
};

struct moment {
	double t; /* seconds since the beginning */
	double x[LANES_FLOWS_MAX];
};

/* One counter: when it moves, and what it has counted since its last sample. */
struct meter {
	struct window window; /* of its samples */
	double pending;
	double moved;
	double gap[LANES_GAPS]; /* between two moves */
	unsigned n_gaps;
};

struct lanes {
	unsigned n_links;
	uint32_t allowed;
	uint32_t open;
	unsigned top; /* the highest number that is open, plus 1 */
	double now;
	unsigned turn;    /* view that was searched last */
	double tolerance; /* 1, but while searching */
	unsigned steps;   /* of this call of lanes_solve() */
	unsigned steps_limit;
	struct gains gains; /* of the view that is being searched */
	unsigned n_moments;
	struct moment moments[LANES_HISTORY]; /* cumulative, the newest last */
	struct meter meters[LANES_LINKS_MAX];
	struct window all; /* of all links */
	struct view views[LANES_VIEWS];
	struct tally tallies[]; /* of all views */
};

static inline bool lanes_is_open(const struct lanes *l, unsigned i)
{
	return l->open >> i & 1;
}
