/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preconnect.h - connections to a peer that wait for sessions
 *
 * They are connected, have proved who they are if there is a key, and the listener keeps them
 * (HELLO of kind warm). A session that takes one sends its HELLO and its first bytes at once, where
 * it would wait for two round trips, or one without a key. The listener has sent its links with its
 * answer, so the ports are planned as those of a session are: the sessions' first connections are
 * spread over the links.
 *
 * One that is taken or lost is replaced. While that fails, sessions connect as if this were not
 * there.
 */
#pragma once

#include "client/client.h"
#include "server/listener.h"

/* Kept ready unless something else is asked for: as many as a client opens at once, or as there are
 * links. */
#define PRECONNECT_DEFAULT 4

/* And at most: the listener keeps no more of one source. */
#define PRECONNECT_MAX LISTENER_PRECONNECTIONS_PER_SOURCE

/* For one to be connected, and to be answered. */
#define PRECONNECT_LIMIT_NS 10000000000ull

/* When one could not be made, or was lost, the next is made after this, then twice as much, and at
 * most: */
#define PRECONNECT_RETRY_MIN_NS 1000000000ull
#define PRECONNECT_RETRY_MAX_NS 60000000000ull

/* Those that are taken within this time are replaced together, by one plan. */
#define PRECONNECT_PAUSE_NS 10000000ull

/* The links of both ends are looked at with a new one, but not more often than this. */
#define PRECONNECT_LOOK_NS 1000000000ull

struct preconnect_config {
	struct client_config client;
	struct pathmgr_config paths;
	unsigned n; /* to keep ready, 1 .. PRECONNECT_MAX */
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	void *arg;
};

struct preconnect;

/* config is copied. Returns 0 or -ENOMEM. */
int preconnect_new(struct preconnect **out, struct loop *loop,
		   const struct preconnect_config *config);
struct preconnect *preconnect_free(struct preconnect *w);

/* Gives away one that is ready. Returns false without one. */
bool preconnect_take(struct preconnect *w, struct client_first *out);
