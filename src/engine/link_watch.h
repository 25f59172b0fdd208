/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * links.h - what a running session knows and tells of the links of its two ends: learnt with its
 * first connection, counted at intervals, and looked at again when the kernel tells of an event
 */
#pragma once

#include "engine/conn.h"
#include "io/loop.h"
#include "path/pathmgr.h"
#include "session/session.h"

/* Our links are counted, and the counts told to the peer, this often. */
#define LINK_WATCH_COUNT_NS 250000000ull

/* After an event the links are looked at in so much time: one change makes several events. */
#define LINK_WATCH_SETTLE_NS 10000000ull

/* And once more, as a bond may tell before it acts. */
#define LINK_WATCH_AGAIN_NS 500000000ull

/* But not more often than this, however many events come, or changes that the peer tells of. */
#define LINK_WATCH_LOOK_NS 100000000ull

#define LINK_WATCH_TEXT_LEN (2 * SOCK_ADDR_LEN + 160)

struct link_watch;

struct link_watch_events {
	/* The session has something to send. */
	void (*told)(void *arg);
	/* The links of either end are others than before. plans: what was planned may be so no
	 * longer. */
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

/* A connection is about to be freed. */
void link_watch_closed(struct link_watch *l, const struct conn *c);

/* Nothing is counted or looked at any more. */
void link_watch_stop(struct link_watch *l);

struct pathmgr *link_watch_paths(struct link_watch *l);

/* The first connection: what is known of our links goes out with its HELLO or WELCOME. */
void link_watch_learn(struct link_watch *l, int fd);

/* So many payload bytes have moved in all: while that grows, links are counted. */
void link_watch_moved(struct link_watch *l, uint64_t moved);

/* Counts now: session_links_due. */
void link_watch_count(struct link_watch *l);

/* After bytes came: has the peer told that its links have changed? */
void link_watch_heard(struct link_watch *l);

/* Fills in the links of a connection by what is known now: seen, else told by a rule. */
void link_watch_place(struct link_watch *l, struct conn *c);

/* Finds the way of a connection whose HELLO was answered, and tells the peer if there are links on
 * it that are not known yet. Fills in its links, and says them in a line. Returns true if its
 * addresses or ports are translated on the way. */
bool link_watch_of_conn(struct link_watch *l, struct conn *c, char text[LINK_WATCH_TEXT_LEN]);
