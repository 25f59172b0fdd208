/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - makes a client's connections: the first one, with every pair of addresses in turn and
 * --retry, then those that the path manager plans, over all pairs, and new ones for those that
 * died, or when all did
 */
#pragma once

#include "engine/engine.h"
#include "io/resolve.h"

/* An address that does not answer costs this long when there are others to try. */
#define CLIENT_CONNECT_NS 10000000000ull

/* A peer that accepts and then says nothing does not speak mpnc. */
#define CLIENT_HELLO_NS 10000000000ull

/* A first connection that stood and then ended without an answer is followed by another one, up to
 * this many: a bit may have flipped in what one side said first, which looks like another key. A
 * peer with another key, or one that does not speak mpnc, fails each time. */
#define CLIENT_GREETINGS 3

/* Ports that are tried for one planned connection before it counts as failed. Each costs three
 * system calls; a machine with this many ports taken will fare better later. */
#define CLIENT_PORT_TRIES 64

/* Plans that are made at once because ports of the one before are taken. */
#define CLIENT_PLAN_TRIES 8

/* Between attempts: at first, and at most. */
#define CLIENT_RETRY_MIN_NS 100000000ull
#define CLIENT_RETRY_MAX_NS 2000000000ull

/* All connections were lost: an attempt that is not answered in this time is followed by another
 * one from another port, which may take another way. */
#define CLIENT_REDIAL_NS 3000000000ull

/* This many may stand unanswered meanwhile: what accepts them may not be the peer but a proxy. */
#define CLIENT_REDIALS_MAX 4

/* A first connection that was there already has this long to be answered. */
#define CLIENT_PRECONNECTED_NS CLIENT_REDIAL_NS

/* The first attempt is made at once, but not more often than this. */
#define CLIENT_REDIAL_PAUSE_NS 1000000000ull

/* If a join has not connected within this plus twice the first connect time, another one starts as
 * well; if the first connection has not within this time, one over another pair of addresses. */
#define CLIENT_LATE_NS 250000000ull

struct client_config {
	const char *host; /* as given, for messages; borrowed */
	const char *port;
	const union sock_addr *addrs; /* borrowed */
	int n_addrs;
	const union sock_addr *sources; /* -s, resolved; borrowed. 0: the kernel's choice */
	int n_sources;
	bool all_pairs;     /* each address with each local one: connections over all of them; else
			       over the first that works */
	bool multihome;     /* and with those that the peer announces in WELCOME */
	bool listed;        /* the user named the addresses, as those of one machine; those that
			       a name has need not be */
	bool both_families; /* and not only over those of the first one's family */
	uint16_t source_port; /* -p: first port of a block of n_flows; 0: as planned */
	bool ports_given;     /* --ports: the first connection is from these too */
	bool follow_plan;     /* as many connections as the plan has, whatever n_flows says */
	bool steer;           /* --steer: what the counters show may change the connections */
	unsigned n_flows;     /* -P */
	uint64_t connect_ns;  /* -w; LOOP_NEVER: the kernel's, or CLIENT_CONNECT_NS */
	uint64_t retry_ns;    /* --retry; 0: one round */
	struct sock_options socket;
	const struct tls_context *tls; /* how each side proves itself; NULL: plain; borrowed */
};

/* A connection that waited for a session (preconnect.h). */
struct client_first {
	struct channel ch;
	unsigned pair;    /* the pair of addresses, in the order of addr_pairs_add */
	uint64_t took_ns; /* to connect */
};

struct client;

/* Begins to connect for the engine (borrowed). events.pumped of the engine has to call
 * client_pumped; note is used as the engine's. config is copied. Returns 0 or -errno;
 * -EAFNOSUPPORT: no source is of the family of an address. */
int client_new(struct client **out, struct loop *loop, struct engine *engine,
	       const struct client_config *config, const struct engine_events *events);
struct client *client_free(struct client *c);

/* Begins on a connection that was there before (its channel is consumed), instead of making one. If
 * nothing comes of it, one is made as ever. To be called right after client_new. */
void client_begin_preconnected(struct client *c, const struct client_first *first);

/* Looks whether connections are missing. */
void client_pumped(struct client *c);

/* The links of either end have changed (engine_events.replan): what is lacking by a new plan is
 * opened, and what is not needed any more closed once that was seen. */
void client_replan(struct client *c);

/* Set when no connection could be made at all: the line for the user. NULL otherwise. The engine
 * then has ended with a loss whose reason this replaces. */
const char *client_failure(const struct client *c);
