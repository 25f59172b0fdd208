/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_internal.h - what the files of the client share; nobody else includes it
 *
 * client.c makes connections and sees what becomes of them; client_plan.c decides which there are
 * to be, from which ports and over which pairs of addresses.
 */
#pragma once

#include "client/client.h"
#include "client/dial.h"
#include "client/steering.h"
#include "path/addr_pairs.h"

/* Attempts to make the first connection, or another one when all are lost. */
struct client_retry {
	uint64_t until_ns;
	uint64_t delay_ns; /* before the next one */
	struct loop_timer timer;
};

/* Until the peer's WELCOME. */
struct client_greeting {
	unsigned n_spoilt;         /* first connections that ended without an answer */
	unsigned n_unproved;       /* of them: the peer was another than wanted, as it seems */
	char spoilt[TLS_TEXT_LEN]; /* why one of this round did; "": none has */
	uint64_t heard;            /* bytes from the peer, to see whether more came */
};

/* The connections as last seen, to notice a loss. */
struct client_loss {
	unsigned n_live;
	unsigned n_ready;
	bool lost;        /* none is left that works */
	uint64_t over_ns; /* when that was over last */
};

struct client {
	struct loop *loop;
	struct engine *engine;
	struct client_config config;
	struct engine_events events;
	bool established; /* WELCOME came: from here on connections join */
	bool warm;        /* the first connection was there before us */
	bool again;       /* the session's id was said already, on a connection that was lost */
	struct addr_pairs pairs;
	bool weighed;  /* the pairs have their weights */
	unsigned pair; /* that was tried last, for the first connection or again */
	struct client_retry retry;
	struct client_greeting greeting;
	struct client_loss loss;
	struct loop_timer hello_timer;
	struct loop_timer steer_timer;
	struct steering steering;
	unsigned next_port; /* of the block: where the search for a free one goes on */
	struct plan plan;
	unsigned n_planned; /* connections; 0: there is no plan yet */
	unsigned n_kept;    /* those of the plan before steering, which keeps them */
	bool follows;       /* the plan is one for the addresses of pairs.first */
	uint64_t took_ns;   /* the first one, to connect */
	struct dials dials;
	bool failed;
	char failure[OUTCOME_REASON_LEN];
};

/* client.c ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) void client_note(const struct client *c, int level,
						       const char *fmt, ...);

/* Connections that are there, and those that are being made and not late. */
unsigned client_n_open(const struct client *c);

/* Goes on with a socket that is connecting over this pair from this port, or takes note of why (fd
 * is -errno) it has none. */
void client_dial(struct client *c, unsigned pair, int fd, uint16_t port);

/* One more connection over this pair could not be made, or was lost; refused: as in
 * addr_pairs_failed.
 */
void client_join_failed(struct client *c, unsigned pair, const char *why, bool refused);

/* Takes the number of connections over each pair as it is: none was lost. */
void client_recount(struct client *c);

/* client_plan.c -------------------------------------------------------------------------------- */

/* The first connection, over c->pair. */
void client_dial_first(struct client *c);

/* One in place of all that were lost. */
void client_dial_again(struct client *c);

/* Opens what is lacking, within what the session allows. */
void client_open_missing(struct client *c, unsigned allowed);

/* Begins to steer when there is something to steer. */
void client_start_steering(struct client *c);
void client_steer_fired(struct loop_timer *timer);
