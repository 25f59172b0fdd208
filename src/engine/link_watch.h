/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_watch.h - keeps what a running session knows of the links at both sides up to date
 *
 * It learns our links with the first connection, counts them at intervals, and looks again when the
 * kernel reports an event; it announces all of that to the peer, and takes in what the peer
 * announces. The path manager (link_watch_paths) has the knowledge itself.
 */
#pragma once

#include "engine/conn.h"
#include "io/loop.h"
#include "path/pathmgr.h"
#include "session/session.h"

/* Our links are counted, and the counts announced to the peer, this often. */
#define LINK_WATCH_COUNT_NS 250000000ull

/* This long after an event the links are looked at: one change makes several events. */
#define LINK_WATCH_SETTLE_NS 10000000ull

/* And once more, as a bond may report before it acts. */
#define LINK_WATCH_AGAIN_NS 500000000ull

/* But no more often than this, however many events come, or changes that the peer announces. */
#define LINK_WATCH_LOOK_NS 100000000ull

#define LINK_WATCH_TEXT_LEN (2 * SOCK_ADDR_LEN + 160)

struct link_watch;

struct link_watch_events {
	/* The session has something to send. */
	void (*news)(void *arg);
	/* The links of either side have changed. plans: plans made from now on can differ. */
	void (*changed)(void *arg, bool plans);
	void *arg;
};

/* session is borrowed. Returns 0 or -errno. */
int link_watch_new(struct link_watch **out, struct loop *loop, struct session *session,
		   const struct pathmgr_config *config, const struct link_watch_events *events);
struct link_watch *link_watch_free(struct link_watch *l);

/* The session's connections, by slot: from here on it is observed over which of our links each of
 * them runs. Both are borrowed. */
void link_watch_observe(struct link_watch *l, struct conn *const *conns, const uint16_t *n_slots);

/* Counts and looks at nothing any more. */
void link_watch_stop(struct link_watch *l);

struct pathmgr *link_watch_paths(struct link_watch *l);

/* The session's first connection stands, on fd: what is known of our links goes out with its HELLO
 * or WELCOME. What was learnt before is forgotten. */
void link_watch_learn(struct link_watch *l, int fd);

/* This many payload bytes have moved in all: while that grows, links are counted. */
void link_watch_moved(struct link_watch *l, uint64_t moved);

/* Counts now: session_links_due. */
void link_watch_count(struct link_watch *l);

/* After bytes came: has the peer announced other links? */
void link_watch_heard(struct link_watch *l);

/* A connection's HELLO was answered: finds its egress, announces links that it is the first to use,
 * fills in its links, and says them in a line. Returns true if somebody translates its addresses or
 * ports. */
bool link_watch_greeted(struct link_watch *l, struct conn *c, char text[LINK_WATCH_TEXT_LEN]);

/* Fills in the links of a connection by what is known now: observed, else predicted by a rule. */
void link_watch_fill(struct link_watch *l, struct conn *c);

/* A connection is about to be freed. */
void link_watch_closed(struct link_watch *l, const struct conn *c);
