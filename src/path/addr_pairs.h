/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * routes.h - the pairs of addresses, one of ours and one of the peer's, between which a client
 * makes its connections, and which of them the next one gets
 *
 * Several pairs use several links where there is no bond: two interfaces with an address each, and
 * policy routing. Of two links the one that can carry twice as much gets twice the connections;
 * each pair gets one at least, as far as they go. A pair over which none can be made rests for a
 * while and keeps nobody else waiting. Plain values: no I/O, and the time is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/sock.h"
#include "wire/facts.h"

/* Pairs of one session: four addresses at each end. */
#define ROUTES_MAX 16

/* Between attempts over one pair: at first, and at most. */
#define ROUTES_REST_MIN_NS 100000000ull
#define ROUTES_REST_MAX_NS 2000000000ull

/* After so many failures in a row a pair is tried only once in a while: a link may come back, the
 * listener may have room again. The same goes for one that never answered a join: another machine
 * may have the address. */
#define ROUTES_FAILURES_MAX 16
#define ROUTES_REST_SLOW_NS 30000000000ull

/* One of the peer's choosing that has failed so often, and never answered, is not tried again: the
 * peer may say anything. */
#define ROUTES_TOLD_TRIES 3

struct route {
	union sock_addr remote; /* with its port */
	union sock_addr local;  /* port 0; family AF_UNSPEC: the kernel's choice */
	bool idle;              /* not for connections that join */
	bool told;              /* the peer named it */
	bool answered;          /* a HELLO over it was, in this session */
	uint32_t weight;        /* what its links carry, in any unit; at least 1 */
	unsigned n_live;        /* connections, as last seen */
	unsigned n_ready;       /* of them, those whose HELLO was answered */
	unsigned failures;      /* in a row */
	uint64_t delay_ns;      /* after the next failure */
	uint64_t due_ns;        /* it rests until then */
};

struct routes {
	unsigned n;
	unsigned first; /* the pair of the session's first connection */
	struct route route[ROUTES_MAX];
};

/* Adds the pairs of one of the peer's addresses: with each of ours of its family, or when none was
 * given at all with the kernel's choice. Those that are there already are not added again. Returns
 * how many are new. Beyond ROUTES_MAX they are left out. */
unsigned routes_add(struct routes *r, const union sock_addr *remote, const union sock_addr *sources,
		    int n_sources);

/* "10.0.0.1 to 10.0.1.2", or without ours as long as it is not known. */
#define ROUTES_TEXT_LEN (2 * SOCK_ADDR_LEN + 8)
void routes_text(const struct route *route, char buf[ROUTES_TEXT_LEN]);

/* Does a connection with these ends run between the addresses of this pair? */
bool routes_match(const struct route *route, const struct wire_names *names);

/* The pairs that connections may join over. */
unsigned routes_n_joining(const struct routes *r);

/* The pair for one more connection, when so many are there or being made over each; -1: all that
 * may join rest. */
int routes_next(const struct routes *r, const unsigned n_open[ROUTES_MAX], uint64_t now_ns);

/* A pair that has none and does not rest; -1: there is none. */
int routes_bare(const struct routes *r, const unsigned n_open[ROUTES_MAX], uint64_t now_ns);

/* The one after this that has been answered: when all connections were lost, others might lead to
 * who knows nothing of the session. */
unsigned routes_again(const struct routes *r, unsigned last);

/* A connection over it could not be made, or was lost: it rests. refused: the peer closed it and
 * has never answered one. */
void routes_failed(struct route *route, bool refused, uint64_t now_ns);

/* A HELLO over it was answered. */
void routes_answered(struct route *route);

/* It rests no longer, and what failed is forgotten. */
void routes_fresh(struct route *route);

/* When the first of those that rest may be tried again; UINT64_MAX: none rests. */
uint64_t routes_due(const struct routes *r, uint64_t now_ns);
