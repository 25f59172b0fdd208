/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats.h - what is known about a session and its subflows: plain values
 *
 * The engine fills them, the user interface prints them. Bytes are stream bytes (no frame headers),
 * times are nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/cost.h"

/* The protocol's limit too: a HELLO that would be number 257 is refused. */
#define SUBFLOWS_MAX 256

/* An address as text: an IPv6 address with a scope name fits. */
#define STATS_ADDR_LEN 64

/* The name of a device, as the kernel's IFNAMSIZ, with the NUL. */
#define STATS_NAME_LEN 16

/* Links of one side; further links of a bond are left out. */
#define STATS_LINKS_MAX 32

/* One link of a bond, or the only device of a side that has none. Bytes are its counters' growth
 * since the session began: headers, retransmissions and all other traffic are in them. */
struct link_stats {
	char name[STATS_NAME_LEN];
	uint32_t speed; /* Mbit/s; 0: not known */
	bool usable;    /* its bond sends over it, or the device is up */
	uint64_t tx_bytes;
	uint64_t rx_bytes;
};

/* What is known of the links at one end. */
struct side_stats {
	char name[STATS_NAME_LEN]; /* of the bond or device, or made of several; "": nothing is
				      known */
	char kind[40];             /* "802.3ad layer3+4"; "": no bond */
	bool counted;              /* the bytes were measured */
	unsigned n_links;
	struct link_stats link[STATS_LINKS_MAX]; /* in the order of the facts */
};

/* Bits of subflow_stats.observed. */
enum subflow_end {
	SUBFLOW_TX = 1,
	SUBFLOW_RX = 2,
	SUBFLOW_PEER_TX = 4,
	SUBFLOW_PEER_RX = 8,
};

/* Returns the name of a link by its index, or NULL; borrowed. */
static inline const char *side_link_name(const struct side_stats *side, int link)
{
	return link >= 0 && (unsigned)link < side->n_links ? side->link[link].name : NULL;
}

struct subflow_stats {
	unsigned id; /* number of the connection in this session, from 0, never reused */
	bool live;   /* false: closed or died */
	char local[STATS_ADDR_LEN]; /* numeric address without port */
	char peer[STATS_ADDR_LEN];
	uint16_t local_port;
	uint16_t peer_port;
	uint64_t tx_bytes;    /* payload that the socket took, reinjected chunks included */
	uint64_t rx_bytes;    /* payload read from it, duplicates included */
	uint64_t retransmits; /* TCP_INFO tcpi_total_retrans: segments */
	uint64_t rtt_us;      /* TCP_INFO tcpi_rtt */

	/* Index of the link in its side's list, -1: not known. Predicted by a hash rule or, where
	 * `observed` has the bit, inferred from the links' counters. */
	uint8_t observed;    /* enum subflow_end, or-ed */
	int8_t tx_link;      /* ours, for what we send */
	int8_t peer_rx_link; /* the peer's, on which that arrives */
	int8_t peer_tx_link; /* the peer's, for what it sends */
	int8_t rx_link;      /* ours, on which that arrives */
};

struct session_stats {
	uint64_t elapsed_ns;    /* since the first connection stood */
	bool lost;              /* no connection is left, and the session waits for one: */
	uint64_t lost_left_ns;  /* so much longer */
	uint64_t tx_expected;   /* so long our stream will be, as far as is known; 0: it is not */
	uint64_t tx_read;       /* taken from our input */
	bool tx_ended;          /* our input has ended: tx_read is the stream's length */
	uint64_t tx_sent;       /* given to a connection */
	uint64_t tx_acked;      /* the peer holds them */
	uint64_t tx_taken;      /* the peer's output took them */
	uint64_t tx_edge;       /* the peer has memory for all below */
	uint64_t tx_reinjected; /* bytes sent again on another subflow */
	uint64_t rx_expected;   /* so long the peer's stream will be, says the peer; 0: not known */
	uint64_t rx_received;   /* in order, from the peer */
	uint64_t rx_highest;    /* the end of the farthest byte that has come, in order or not */
	uint64_t rx_taken;      /* our output took them */
	bool rx_total_known;
	uint64_t rx_total;                   /* the peer's stream length, once its END came */
	unsigned n_live;                     /* subflows that carry data now */
	unsigned n_subflows;                 /* entries of subflow[], live or not */
	const struct subflow_stats *subflow; /* borrowed until the next engine call */
	const struct side_stats *here;       /* the same; NULL: not known */
	const struct side_stats *peer;
	struct wire_cost cost, peer_cost; /* once the session has ended; cpu_ns 0: not known */
	const char *verdict; /* what there is to say of the links after it was tried, or NULL */
};
