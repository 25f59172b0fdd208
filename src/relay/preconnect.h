/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * warm.h - connections to a peer that wait for sessions
 *
 * They are connected, have proved who they are if there is a key, and the listener keeps them
 * (HELLO of kind warm). A session that takes one sends its HELLO and its first bytes at once, where
 * it would wait for two round trips, or one without a key. The listener has told its links with its
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
#define WARM_DEFAULT 4

/* And at most: the listener keeps no more of one source. */
#define WARM_MAX LISTENER_WARM_PER_SOURCE

/* For one to be connected, and to be answered. */
#define WARM_LIMIT_NS 10000000000ull

/* When one could not be had, or was lost, the next is made after this, then twice as much, and at
 * most: */
#define WARM_RETRY_MIN_NS 1000000000ull
#define WARM_RETRY_MAX_NS 60000000000ull

/* Those that are taken within this time are replaced together, by one plan. */
#define WARM_PAUSE_NS 10000000ull

/* The links of both ends are looked at with a new one, but not more often than this. */
#define WARM_LOOK_NS 1000000000ull

struct warm_config {
	struct client_config client;
	struct pathmgr_config paths;
	unsigned n; /* to keep ready, 1 .. WARM_MAX */
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	void *arg;
};

struct warm;

/* config is copied. Returns 0 or -ENOMEM. */
int warm_new(struct warm **out, struct loop *loop, const struct warm_config *config);
struct warm *warm_free(struct warm *w);

/* Gives away one that is ready. Returns false if there is none. */
bool warm_take(struct warm *w, struct client_first *out);
