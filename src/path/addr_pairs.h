/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr_pairs.h - the pairs of addresses, a local one and one of the peer's, between which a client
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
#define ADDR_PAIRS_MAX 16

/* Between attempts over one pair: at first, and at most. */
#define ADDR_PAIRS_REST_MIN_NS 100000000ull
#define ADDR_PAIRS_REST_MAX_NS 2000000000ull

/* After this many failures in a row a pair is tried only once in a while: a link may come back, the
 * listener may have room again. The same goes for one that never answered a join: another machine
 * may have the address. */
#define ADDR_PAIRS_FAILURES_MAX 16
#define ADDR_PAIRS_REST_SLOW_NS 30000000000ull

/* One of the peer's choosing that has failed this often, and never answered, is not tried again:
 * the peer may say anything. */
#define ADDR_PAIRS_ANNOUNCED_TRIES 3

struct addr_pair {
	union sock_addr remote; /* with its port */
	union sock_addr local;  /* port 0; family AF_UNSPEC: the kernel's choice */
	bool no_joins;          /* no connection may join over it */
	bool announced;         /* by the peer, in WELCOME */
	bool answered;          /* a HELLO over it was, in this session */
	uint32_t weight;        /* what its links carry, in any unit; at least 1 */
	unsigned n_live;        /* connections, as last seen */
	unsigned n_ready;       /* of them, those whose HELLO was answered */
	unsigned failures;      /* in a row */
	uint64_t delay_ns;      /* after the next failure */
	uint64_t due_ns;        /* it rests until then */
};

struct addr_pairs {
	unsigned n;
	unsigned first; /* the pair of the session's first connection */
	struct addr_pair pair[ADDR_PAIRS_MAX];
};

/* Adds the pairs of one of the peer's addresses: with each local one of its family, or when none
 * was given at all with the kernel's choice. Those that are there already are not added again.
 * Returns how many are new. Beyond ADDR_PAIRS_MAX they are left out. */
unsigned addr_pairs_add(struct addr_pairs *r, const union sock_addr *remote,
			const union sock_addr *sources, int n_sources);

/* "10.0.0.1 to 10.0.1.2", or without ours as long as it is not known. */
#define ADDR_PAIRS_TEXT_LEN (2 * SOCK_ADDR_LEN + 8)
void addr_pairs_text(const struct addr_pair *pair, char buf[ADDR_PAIRS_TEXT_LEN]);

/* Does a connection with these ends run between the addresses of this pair? */
bool addr_pairs_match(const struct addr_pair *pair, const struct wire_names *names);

/* The pairs that connections may join over. */
unsigned addr_pairs_n_joining(const struct addr_pairs *r);

/* The pair for one more connection, when n_open are there or being made over each; -1: all that
 * may join rest. */
int addr_pairs_next(const struct addr_pairs *r, const unsigned n_open[ADDR_PAIRS_MAX],
		    uint64_t now_ns);

/* A pair without a connection that does not rest; -1: none. */
int addr_pairs_bare(const struct addr_pairs *r, const unsigned n_open[ADDR_PAIRS_MAX],
		    uint64_t now_ns);

/* The one after this that has been answered: when all connections were lost, others might lead to
 * who knows nothing of the session. */
unsigned addr_pairs_again(const struct addr_pairs *r, unsigned last);

/* A connection over it could not be made, or was lost: it rests. refused: the peer closed it and
 * has never answered one. */
void addr_pairs_failed(struct addr_pair *pair, bool refused, uint64_t now_ns);

/* A HELLO over it was answered. */
void addr_pairs_answered(struct addr_pair *pair);

/* It rests no longer, and what failed is forgotten. */
void addr_pairs_fresh(struct addr_pair *pair);

/* When the first of those that rest may be tried again; UINT64_MAX: none rests. */
uint64_t addr_pairs_due(const struct addr_pairs *r, uint64_t now_ns);
