/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observer.h - observes on which local link each connection sends and receives, and which
 * connections lose what they send
 *
 * The observer reads the kernel's counters of each connection, and the caller those of the local
 * links; plan/lanes.h infers the lanes from both. It answers for local links only: only their owner
 * can read both counters at the same moment. The peer announces its links (LANE).
 */
#pragma once

#include <stdbool.h>

#include "engine/conn.h"
#include "path/pathmgr.h"
#include "session/session.h"
#include "wire/facts.h"

/* Between two samples: at first and after connections have come or gone, when half a second has to
 * tell a bond's links apart; and later, when only changes matter. */
#define OBSERVER_FAST_NS 100000000ull
#define OBSERVER_SLOW_NS 1000000000ull

/* How long OBSERVER_FAST_NS holds after connections have come or gone. */
#define OBSERVER_NEWS_NS 2000000000ull

/* Least sum of all connections in one direction that makes a sample. */
#define OBSERVER_SAMPLE_BYTES (64u << 10)

/* How long a connection that has ended is kept if its link is unsure: older bytes have faded to a
 * third. */
#define OBSERVER_GONE_NS 6000000000ull

/* Least time between two answers. */
#define OBSERVER_SOLVE_NS 190000000ull

/* Where a rule already predicts the links that this side sends on, these are solved once in this
 * many times. */
#define OBSERVER_TX_TURN 4

struct observer;

/* session and paths are borrowed until observer_free(). Returns 0 or -ENOMEM. */
int observer_new(struct observer **out, struct session *session, struct pathmgr *paths);
struct observer *observer_free(struct observer *o);

/* The links have changed: forgets all observations. */
void observer_forget(struct observer *o);

/* A connection has ended. To be called before it is freed. */
void observer_closed(struct observer *o, const struct conn *c, uint64_t now_ns);

/* To be called just before the links' counters are read for observer_sample(): that takes
 * milliseconds. */
void observer_snapshot(struct observer *o);

/* links_now: the local links' counters, in the order of the path manager's facts. conns: by slot,
 * NULL for an empty one. Takes in new connections, and gives the session each one's lane to
 * announce. Returns whether a lane changed. */
bool observer_sample(struct observer *o, const struct wire_links *links_now,
		     struct conn *const *conns, unsigned n_conns, uint64_t now_ns);

/* Time of the next sample after one at now_ns. */
uint64_t observer_next(const struct observer *o, uint64_t now_ns);
