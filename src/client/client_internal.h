/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_internal.h - what the files of the client share; nobody else includes it
 *
 * client.c has the states, and those with a session; client_first.c the states before one;
 * client_plan.c decides which connections there are to be, from which ports and over which pairs of
 * addresses.
 */
#pragma once

#include "client/client.h"
#include "client/dial.h"
#include "client/steering.h"
#include "path/addr_pairs.h"

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_PRECONNECTED,
	CLIENT_GREETING,
	CLIENT_JOINING,
	CLIENT_LOST,
	CLIENT_ENDED,
};
#define CLIENT_N_STATES (CLIENT_ENDED + 1)

/* Until the peer's WELCOME. */
struct client_greeting {
	unsigned n_spoilt;         /* first connections that ended without an answer */
	unsigned n_unproved;       /* of them: the peer was another than wanted, as it seems */
	char spoilt[TLS_TEXT_LEN]; /* why one of this round did; "": none has */
	uint64_t heard;            /* bytes from the peer, to see whether more came */
	bool id_said; /* on a connection that was lost: the peer may have the session */
};

/* The connections as last seen, to notice a loss. */
struct client_seen {
	unsigned n_live;
	unsigned n_ready;
};

enum client_plan_kind {
	CLIENT_PLAN_NONE,  /* the next look makes one */
	CLIENT_PLAN_LINKS, /* for the links of the first pair; each other pair has one connection */
	CLIENT_PLAN_SHARED, /* nothing is known of links: all pairs share the connections */
};

/* Which connections there are to be. */
struct client_plan {
	enum client_plan_kind kind;
	unsigned n_wanted; /* of CLIENT_PLAN_LINKS and SHARED: the plan's connections, and
			      steering's */
	unsigned n_kept;   /* those of the plan before steering, which keeps them */
	struct plan plan;  /* as made last, for an attempt of CLIENT_LOST too */
};

struct client {
	struct loop *loop;
	struct engine *engine;
	struct client_config config;
	struct engine_events events;
	enum client_state state;
	struct addr_pairs pairs;
	bool weighed;  /* the pairs have their weights */
	unsigned pair; /* that was tried last, for the first connection or again */
	struct dials dials;
	uint64_t took_ns;     /* the first connection, to connect */
	uint64_t retry_until; /* no round of attempts begins after this; of loop_now */
	uint64_t delay_ns;    /* before the next attempt for an only connection */
	struct client_greeting greeting;
	struct client_seen seen;
	uint64_t found_ns; /* when CLIENT_LOST was over last */
	/* One for each meaning. A state that ends clears its own. */
	struct loop_timer attempt_timer; /* CONNECTING: the next attempt */
	struct loop_timer welcome_timer; /* PRECONNECTED, GREETING: no answer */
	struct loop_timer join_timer;    /* JOINING: a pair has rested, a dial is late */
	struct loop_timer redial_timer;  /* LOST: the pause before the next attempt */
	struct loop_timer steer_timer;   /* JOINING, LOST: the next look of steering */
	struct steering steering;
	unsigned next_port; /* of the block: where the search for a free one goes on */
	struct client_plan plan;
	char failure[OUTCOME_REASON_LEN]; /* "": none */
};

/* client.c ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) void client_note(const struct client *c, int level,
						       const char *fmt, ...);

/* Goes to a state that may follow (client.c has the drawing), and clears the timers of this one. */
void client_enter(struct client *c, enum client_state next);

/* Sets a timer of the state that is, this long from now. */
void client_wait(struct client *c, struct loop_timer *timer, uint64_t delay_ns);

/* The pause before the next attempt, when no connection works; each is twice as long. */
uint64_t client_next_delay(struct client *c);

/* Nothing is left to do: the engine ends the session, well if all is confirmed. */
void client_give_up(struct client *c);

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

/* client_first.c ------------------------------------------------------------------------------- */

bool client_may_retry(const struct client *c);

/* An attempt over this pair failed, before or (stood) after it was connected; error: an errno. */
void client_first_failed(struct client *c, unsigned pair, bool stood, int error, const char *why);

/* Another attempt has become late: the next pair is tried as well. */
void client_first_late(struct client *c);

/* A first connection is the engine's: next is PRECONNECTED or GREETING. */
void client_first_stands(struct client *c, unsigned pair, enum client_state next);

/* PRECONNECTED and GREETING: the connection closed before WELCOME. */
void client_preconnected_lost(struct client *c);
void client_greeting_lost(struct client *c);

void client_welcome_fired(struct loop_timer *timer);

/* WELCOME came. */
void client_establish(struct client *c);

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
