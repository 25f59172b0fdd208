/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathmgr_internal.h - what the files of the path manager share; no other file includes it
 *
 * pathmgr.c finds what is known of both ends, pathmgr_plan.c makes plans of that and puts them into
 * words, pathmgr_count.c reads counters and receive queues.
 */
#pragma once

#include "path/egress.h"
#include "path/pathmgr.h"
#include "path/pathmgr_plan.h"
#include "topo/ports.h"

/* Receive queues whose link is asked for; a connection beyond is observed by counters. Each is a
 * question to the kernel. */
#define PATHMGR_NAPIS 64

struct pathmgr {
	struct topo_source *source;     /* NULL: no netlink */
	struct topo_source *own_source; /* NULL: it is borrowed */
	char release[TOPO_RELEASE_LEN];
	bool client;
	bool translated;
	struct egresses ways;
	struct wire_facts peer_facts; /* as it announces them */
	struct wire_facts peer_first; /* of its first way */
	int watch;                    /* descriptor; -1: none */

	/* As the client sees it, between the addresses of the first connection. */
	struct plan_input in;
	struct plan_range ranges[PATHMGR_RANGES_MAX];
	struct plan_range except[PATHMGR_AVOID_MAX + TOPO_RESERVED_MAX]; /* taken, then reserved */
	unsigned n_avoided;

	/* NAPI instances whose link was asked for. */
	struct napi {
		uint32_t id;
		int link;
	} napis[PATHMGR_NAPIS];
	unsigned n_napis;
	bool no_napis; /* the kernel does not tell */

	/* Counting. */
	uint64_t start_ns;
	unsigned n_counts; /* links of all ways; those that are announced are the first of them */
	struct count {
		uint32_t ifindex;
		struct topo_counters base, last;
	} counts[WIRE_LINKS_MAX];
	struct wire_links counted;
};

/* The links of the egresses are others: those that stay go on, new ones are counted from here. */
void pathmgr_count_links(struct pathmgr *p);
