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
#define LINKS_COUNT_NS 250000000ull

/* After an event the links are looked at in so much time: one change makes several events. */
#define LINKS_SETTLE_NS 10000000ull

/* And once more, as a bond may tell before it acts. */
#define LINKS_AGAIN_NS 500000000ull

/* But not more often than this, however many events come, or changes that the peer tells of. */
#define LINKS_LOOK_NS 100000000ull

#define LINKS_TEXT_LEN (2 * SOCK_ADDR_LEN + 160)

struct links;

struct links_events {
	/* The session has something to send. */
	void (*told)(void *arg);
	/* The links of either end are others than before. plans: what was planned may be so no
	 * longer. */
	void (*changed)(void *arg, bool plans);
	void *arg;
};

/* session is borrowed. Returns 0 or -errno. */
int links_new(struct links **out, struct loop *loop, struct session *session,
	      const struct pathmgr_config *config, const struct links_events *events);
struct links *links_free(struct links *l);

/* The session's connections, by slot: from here on it is observed over which of our links each of
 * them runs. Both are borrowed. */
void links_observe(struct links *l, struct conn *const *conns, const uint16_t *n_slots);

/* A connection is about to be freed. */
void links_closed(struct links *l, const struct conn *c);

/* Nothing is counted or looked at any more. */
void links_stop(struct links *l);

struct pathmgr *links_paths(struct links *l);

/* The first connection: what is known of our links goes out with its HELLO or WELCOME. */
void links_learn(struct links *l, int fd);

/* So many payload bytes have moved in all: while that grows, links are counted. */
void links_moved(struct links *l, uint64_t moved);

/* Counts now: session_links_due. */
void links_count(struct links *l);

/* After bytes came: has the peer told that its links have changed? */
void links_heard(struct links *l);

/* Fills in the links of a connection by what is known now: seen, else told by a rule. */
void links_place(struct links *l, struct conn *c);

/* Finds the way of a connection whose HELLO was answered, and tells the peer if there are links on
 * it that are not known yet. Fills in its links, and says them in a line. Returns true if its
 * addresses or ports are translated on the way. */
bool links_of_conn(struct links *l, struct conn *c, char text[LINKS_TEXT_LEN]);
