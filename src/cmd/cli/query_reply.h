/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_reply.h - what a listener says to a peer that only wants to know what is there
 *
 * An answer names the links on the way to the peer. To look at all devices of a machine takes
 * milliseconds of the thread that moves data, and anybody may ask. So all peers that ask within
 * QUERY_REPLY_KEEP_NS are answered from one look; only their route and next hop are found anew.
 */
#pragma once

#include "cmd/cli/config.h"
#include "engine/engine.h"
#include "server/listener.h"

/* Ten looks a second are at most some 5 % of a processor on a machine with 1,000 devices. */
#define QUERY_REPLY_KEEP_NS 100000000ull

struct query_reply;

/* engine: of the sessions that the listener serves; copied. Returns 0 or -ENOMEM. */
int query_reply_new(struct query_reply **out, struct listener *l, const struct config *config,
		    const struct engine_config *engine);
struct query_reply *query_reply_free(struct query_reply *a);

/* Answers HELLO (query), which came on ch (consumed): no session comes of it. */
void query_reply_query(struct query_reply *a, struct channel ch, const struct wire_hello *hello,
		       uint64_t now_ns);

/* Answers HELLO (warm) in the same way, and keeps ch for the HELLO of a session. */
void query_reply_warm(struct query_reply *a, struct channel ch, const struct wire_hello *hello,
		      uint64_t now_ns);
