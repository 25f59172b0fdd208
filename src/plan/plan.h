/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - the path manager's arithmetic: from which source ports to connect, so that the
 * connections together use every link at both ends
 *
 * The one who connects plans for both directions: a port decides at once the lane of our data (our
 * link by our own hash, the peer's by the switch in front of it) and the lane of the peer's data
 * (the peer's link by its hash of the flow reversed, ours by the switch in front of us). The rate
 * that a set of ports can reach is a maximum flow between the links of both ends, see cover.h; the
 * plan is the fewest that reach the most, in both directions at once where that can be had.
 *
 * What a switch does is known to nobody. As long as nothing was measured it is taken to spread
 * flows over its links to a host as that host would by layer3+4, in the host's order of links; that
 * is an assumption, marked as one, and wrong at the cost of some flows too many or a lane shared.
 *
 * Links are indices into the order of hash_bond, -1 where none can be predicted. Speeds and rates
 * are in Mbit/s; if no speed at all is known, in links. Nothing here keeps pointers to the input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/xmit_hash.h"

/* Connections of one plan: as many as a session may have. Twice the links of the largest bond would
 * be enough; a user may ask for more. */
#define PLAN_FLOWS_MAX 256

/* With nothing to go by: as many consecutive ports, from a multiple of this number. Bonds of 2 and
 * 4 links get the same number of flows on each, whatever the rule of their kernel and the rest of
 * the addresses; larger ones use 4 links or more. */
#define PLAN_BLIND_FLOWS 8

struct plan_range {
	uint16_t first;
	uint16_t last;
};

struct plan_side {
	bool known; /* with a plain interface: known, one link */
	struct hash_bond bond;
	uint32_t speed[HASH_LINKS_MAX]; /* of each link; 0: not known */

	/* As in struct flow: of the frames that this side sends. */
	bool macs_known;
	uint8_t mac[6];
	uint8_t next_hop[6];
	uint16_t vlan_tci;
	bool double_tagged;

	/* What was learnt of the switch in front: it behaves like this bond. Not set: assumed. */
	bool rx_known;
	struct hash_bond rx;
};

struct plan_input {
	enum flow_family family;
	uint8_t local[16];
	uint8_t remote[16];
	uint16_t remote_port;
	struct plan_side here;
	struct plan_side peer;

	const struct plan_range *ranges; /* to choose from; port 0 is never chosen */
	unsigned n_ranges;
	const struct plan_range *except; /* not these: reserved, or known to be taken */
	unsigned n_except;
	const uint16_t *open; /* local ports of connections that are there: the plan begins with
			       * them and adds what is lacking */
	unsigned n_open;

	unsigned min_flows; /* even if fewer do: the planned ones are repeated in turn */
	unsigned max_flows; /* in all; 0: no limit but twice the larger number of links */
	uint64_t seed;      /* where to begin among the ports: the same seed makes the same plan */
};

struct plan_lane {
	int8_t tx; /* link of the sender */
	int8_t rx; /* link of the receiver */
};

struct plan_flow {
	uint16_t port;
	struct plan_lane out; /* our data */
	struct plan_lane in;  /* the peer's */
};

struct plan_rate {
	uint64_t reach; /* with these flows */
	uint64_t most;  /* with all ports that there are */
};

/* What there is to say about a plan, or-ed. */
enum plan_note {
	PLAN_BLIND = 1,        /* no bond to be seen: a block of consecutive ports */
	PLAN_HERE_FIXED = 2,   /* our bond sends all flows to this peer through one link */
	PLAN_PEER_FIXED = 4,   /* the peer's does, to us */
	PLAN_HERE_RANDOM = 8,  /* our bond spreads flows, but not by a rule that can be followed */
	PLAN_PEER_RANDOM = 16, /* the peer's does */
	PLAN_ASSUMED = 32,     /* a receiver's links are what they are if the assumption holds */
	PLAN_LIMITED = 64,     /* more flows, or other ports, would do better */
};

struct plan {
	unsigned n_flows;
	struct plan_flow flows[PLAN_FLOWS_MAX]; /* the open ones, then those that gain most */
	struct plan_rate out;
	struct plan_rate in;
	unsigned notes;
	int here_reason; /* enum hash_reason: why our sending cannot be predicted */
	int peer_reason;
	uint16_t block; /* of a block of ports: its alignment; else 0 */
};

/* Returns 0, -EADDRNOTAVAIL (no port to choose from and none open), -EINVAL (more open than
 * PLAN_FLOWS_MAX, or a family without ports) or -ENOMEM. */
int plan_make(const struct plan_input *in, struct plan *out);

/* Over which links a connection from this port runs. */
struct plan_flow plan_flow_from(const struct plan_input *in, uint16_t port);

/* For a port that turns out to be taken: the next one behind `after` that does the same for the
 * plan as the flow's port, and that no flow of the plan has. Begin with the flow's port; 0 when
 * all were had. `in` has to be what the plan was made from. */
uint16_t plan_alternate(const struct plan_input *in, const struct plan *p, unsigned flow,
			uint16_t after);

/* The links of one end (enum cover_end of cover.h): what each can carry, 0 for those that carry
 * nothing; where no port makes a difference one entry stands for all. Returns what ports can do
 * there, as far as the end itself is concerned. */
enum hash_spread plan_links(const struct plan_input *in, unsigned end,
			    uint32_t capacity[HASH_LINKS_MAX]);

/* A port that no connection has, to see where it leads; by the seed. Its links are among those
 * wanted, bit by bit for each enum cover_end, 0 for any, at the ends where a rule tells them.
 * 0: none was found. */
uint16_t plan_candidate(const struct plan_input *in, const uint32_t *want);

/* What the notes mean here, in one line, for messages: "here: layer2 sends all connections to one
 * peer through one link". Empty if there is nothing to say. Returns the length. */
size_t plan_explain(const struct plan_input *in, const struct plan *p, char *buf, size_t size);
