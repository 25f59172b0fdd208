/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - asks a listener what it is and what its links are, without a session
 *
 * Blocks, for at most the time given.
 */
#pragma once

#include "io/sock.h"
#include "tls/tls.h"
#include "wire/frame.h"

#define QUERY_TEXT_LEN 200

struct query {
	const union sock_addr *addrs; /* tried in turn, each with all sources; borrowed */
	int n_addrs;
	const union sock_addr *sources; /* of its family; borrowed. 0: the kernel's choice */
	int n_sources;
	uint64_t limit_ns; /* for each attempt */
	struct sock_options socket;
	const struct tls_context *tls; /* borrowed; NULL: plain */
};

/* Returns the connected descriptor, which the caller closes when it has seen all it wants of it,
 * and the answer; or -1 and why, in words for people. */
int query_peer(const struct query *query, struct wire_welcome *out, char why[QUERY_TEXT_LEN]);
