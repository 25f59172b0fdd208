/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hello.h - what becomes of a peer that has said HELLO: a table with a row for each kind
 *
 * The version is checked here, the proof of a session is given here (prove_reply.h), and a HELLO
 * for a session that runs is a join, whatever its kind: the client lost its first connection before
 * WELCOME came, and begins anew.
 */
#pragma once

#include "server/listener.h"

struct hello_peer {
	struct listener *listener;
	struct channel channel;
	const union sock_addr *from; /* its address when it was accepted; NULL: it has waited */
	const struct wire_hello *hello;
	bool greeted; /* it has the preface: it has waited in a queue */
};

struct hello_table {
	/* By enum wire_hello_kind; the channel is the callee's. NULL: this listener does not serve
	 * the kind, and `refusal` (NULL: the reason's own words) says so to the peer. */
	void (*take[WIRE_HELLO_KINDS])(void *arg, const struct hello_peer *peer);
	const char *refusal[WIRE_HELLO_KINDS];
	/* Does a session with the HELLO's number run here? */
	bool (*runs)(void *arg, const struct wire_hello *hello);
	/* The number of the session for which the HELLO wants a proof; NULL: no session has it.
	 * Borrowed. */
	const uint8_t *(*named)(void *arg, const struct wire_hello *hello);
	/* Tells the user, and ends with hello_refuse. why NULL: the reason's own words. */
	void (*refuse)(void *arg, const struct hello_peer *peer, enum wire_reason reason,
		       const char *why);
};

void hello_dispatch(const struct hello_table *table, void *arg, const struct hello_peer *peer);

/* As listener_refuse_because, for a peer in either state. */
void hello_refuse(const struct hello_peer *peer, enum wire_reason reason, const char *why);
