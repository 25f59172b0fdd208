/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * links.h - what a running session knows and tells of the links of its two ends: learnt with its
 * first connection, counted at intervals
 */
#pragma once

#include "net/conn.h"
#include "net/loop.h"
#include "net/pathmgr.h"
#include "session/session.h"

/* Our links are counted, and the counts told to the peer, this often. */
#define LINKS_COUNT_NS 250000000ull

#define LINKS_TEXT_LEN (2 * STATS_ADDR_LEN + 160)

struct links;

/* told is called when the session has something to send. session is borrowed. Returns 0 or -errno.
 */
int links_new(struct links **out, struct loop *loop, struct session *session,
	      const struct pathmgr_config *config, void (*told)(void *arg), void *arg);
struct links *links_free(struct links *l);

/* Nothing is counted any more. */
void links_stop(struct links *l);

struct pathmgr *links_paths(struct links *l);

/* The first connection: what is known of our links goes out with its HELLO or WELCOME. */
void links_learn(struct links *l, int fd);

/* Counts now: session_links_due. */
void links_count(struct links *l);

/* Fills in the links of a connection whose HELLO was answered, and says them in a line. Returns
 * true if its addresses or ports are translated on the way. */
bool links_of_conn(struct links *l, struct conn *c, char text[LINKS_TEXT_LEN]);
