/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observer.h - sees over which of our links each connection of a session runs, and which of them
 * lose what they send
 *
 * Reads what the kernel has counted of each connection beside what the links have, and lets
 * plan/lanes.h tell the rest. It answers for our links only: who owns them can count both at the
 * same moment. The peer's come by LANE.
 */
#pragma once

#include <stdbool.h>

#include "engine/conn.h"
#include "path/pathmgr.h"
#include "session/session.h"
#include "wire/facts.h"

/* This often at first, and for a while after connections have come or gone: enough for a bond's
 * links to tell themselves apart in half a second. Later on only what changes is of interest. */
#define OBSERVER_FAST_NS 100000000ull
#define OBSERVER_SLOW_NS 1000000000ull

/* For so long after connections have come or gone. */
#define OBSERVER_NEWS_NS 2000000000ull

/* What connections carry in one direction is worth a look when it is so much. */
#define OBSERVER_SAMPLE_BYTES (64u << 10)

/* For so long a connection that has ended is remembered if it is not known where it was: what is
 * older than this counts little. */
#define OBSERVER_GONE_NS 6000000000ull

/* Answers are worked out not more often than this. */
#define OBSERVER_SOLVE_NS 190000000ull

/* And those for what we send only each so many-th time, where a rule tells them. */
#define OBSERVER_TX_TURN 4

struct observer;

/* Both are borrowed as long as it lives. Returns 0 or -ENOMEM. */
int observer_new(struct observer **out, struct session *session, struct pathmgr *paths);
struct observer *observer_free(struct observer *o);

/* The links are others: what was seen does not hold any more. */
void observer_forget(struct observer *o);

/* A connection is gone; before it is freed. */
void observer_closed(struct observer *o, const struct conn *c, uint64_t now_ns);

/* To be called before our links are counted for observer_sample, as that takes milliseconds. */
void observer_before(struct observer *o);

/* Our links have counted so much by now, in the order of the path manager's facts. conns: by slot,
 * NULL where none is. Takes in connections that are new, and tells the session of each one's lane.
 * Returns whether there was news. */
bool observer_sample(struct observer *o, const struct wire_links *counted,
		     struct conn *const *conns, unsigned n_conns, uint64_t now_ns);

/* When the next sample is wanted, after one at now_ns. */
uint64_t observer_next(const struct observer *o, uint64_t now_ns);
