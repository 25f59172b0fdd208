/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathmgr_plan.h - the path manager's plans: which source ports to connect from, so that
 * connections use all links, and what to say about it
 */
#pragma once

#include "path/pathmgr.h"

/* How many connections, and from where. */
struct pathmgr_wish {
	const uint16_t *open; /* ports of connections that are there, or being made */
	unsigned n_open;
	unsigned min_flows; /* 0: as few as reach the most */
	unsigned max_flows;
};

/* Client: makes the plan. Successive plans try other ports. Returns as plan_make. */
int pathmgr_plan(struct pathmgr *p, const struct pathmgr_wish *wish, struct plan *out);

/* For a port of the last plan that is taken: the next one that does the same; 0: none is left. */
uint16_t pathmgr_alternate(const struct pathmgr *p, const struct plan *plan, unsigned flow,
			   uint16_t after);

/* A port that turned out to be taken: later plans do without it, until PATHMGR_AVOID_MAX others
 * were. */
void pathmgr_avoid(struct pathmgr *p, uint16_t port);

/* One line about a plan: both ends, and how many of the connections from these ports run over each
 * link: "bond0 802.3ad layer3+4 4x10000 -> peer bond0 802.3ad layer3+4 4x10000: 4 subflows, tx
 * 1/1/1/1, rx 1/1/1/1". First our data: over our links, over the peer's; then the peer's, if that
 * differs. Only their number where nothing is known. Returns the length. */
size_t pathmgr_verdict(const struct pathmgr *p, const uint16_t *ports, unsigned n, char *buf,
		       size_t size);

/* A connection that is there. */
struct pathmgr_flow {
	int way;
	uint16_t port; /* the client's */
};

/* The same about connections that are there, over any of the ways: "left+right 2x1000 -> peer
 * bond0 802.3ad layer3+4 2x1000: 4 subflows, tx 2/2, rx 2/2". */
size_t pathmgr_state(const struct pathmgr *p, const struct pathmgr_flow *flows, unsigned n,
		     char *buf, size_t size);

/* Client: a port to try, beside those of the connections that are open. As plan_candidate. */
uint16_t pathmgr_candidate(struct pathmgr *p, const uint16_t *open, unsigned n_open,
			   const uint32_t want[COVER_ENDS]);

/* What there is to say about a plan, in one line; "": nothing. Returns the length. */
size_t pathmgr_explain(const struct pathmgr *p, const struct plan *plan, char *buf, size_t size);
