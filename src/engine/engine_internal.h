/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_internal.h - what the files of the engine share; nobody else includes it
 *
 *   engine.c         the pump, the timers, what others ask the engine to do
 *   engine_life.c    the engine's states, from the first connection to the outcome
 *   engine_attach.c  takes over a connection
 *   engine_conns.c   the table of connections, and each connection's states
 *   engine_stats.c   figures
 *
 * All of it runs in the loop's thread.
 */
#pragma once

#include "engine/conn.h"
#include "engine/cost.h"
#include "engine/engine.h"
#include "engine/link_watch.h"

/* The drawing is in engine_life.c. */
enum engine_state {
	ENGINE_NEW,       /* no connection yet */
	ENGINE_RUNNING,   /* bytes can move */
	ENGINE_LOST,      /* no connection is left; waiting to reconnect */
	ENGINE_FINISHING, /* all is confirmed both ways; only the peer's DONE is missing */
	ENGINE_ABORTING,  /* the session has failed; the peer hears why */
	ENGINE_ENDED,
};

/* The connections that stand, by the session's slot. */
struct engine_conns {
	struct conn *slot[SUBFLOWS_MAX];
	uint16_t n_slots;           /* all are below this slot */
	uint16_t first;             /* slot that was read last: its ACK leaves first */
	unsigned n_in[CONN_STATES]; /* how many are in each state */
	unsigned next_id;
	uint64_t dead_check_ns;        /* when the kernel is asked for dead ones again */
	char last_error[TLS_TEXT_LEN]; /* why the last one closed; "": in order */
};

/* Whom connections have come from. */
struct engine_peer {
	uint8_t proof[TLS_PEER_LEN]; /* of the first one, by TLS; zeros: plain */
	unsigned n_sources;
	uint8_t source[ENGINE_SOURCES][SOCK_SOURCE_LEN];
};

struct engine_stats {
	unsigned n_gone; /* connections that are gone come first */
	unsigned n_room; /* in subflow, which grows */
	struct subflow_stats *subflow;
	struct side_stats here, peer;
	char verdict[OUTCOME_REASON_LEN];
};

struct engine {
	struct loop *loop;
	struct engine_config config;
	struct engine_events events;
	struct session *session;
	struct endpoint *endpoint;
	struct link_watch *links;

	enum engine_state state;
	uint64_t start_ns; /* of the first connection */
	uint64_t end_ns;   /* valid in ENGINE_ENDED, as is: */
	struct outcome outcome;
	int signal; /* that made us end; 0: none */
	bool output_begun;

	struct loop_task pump;
	struct loop_timer session_timer; /* session_deadline() */
	struct loop_timer idle_timer;    /* -w */
	struct loop_timer quit_timer;    /* -q */
	struct loop_timer close_timer;   /* limit of ENGINE_FINISHING and ENGINE_ABORTING */
	uint64_t moved;                  /* sum of what shows progress, for idle_timer */
	uint64_t idle_heard;             /* bytes from the peer when that fired last */

	struct engine_conns conns;
	struct cost cost;
	struct engine_peer peer;
	struct engine_stats stats;
};

/* engine.c */

/* A line for people; level as engine_events' note has it. */
void engine_note(const struct engine *e, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Pumps once more in this turn of the loop. */
void engine_wake(struct engine *e);

/* Sets none of the timers any more. */
void engine_stop_timers(struct engine *e);

/* engine_life.c */

/* Does the engine still take connections, input and output? */
bool engine_is_open(const struct engine *e);

/* The only place that changes the state. */
void engine_enter(struct engine *e, enum engine_state state);

/* After each pump: goes to the state that the session asks for. */
void engine_follow_session(struct engine *e);

/* engine_conns.c */

/* The client's port of a connection. */
static inline uint16_t engine_port_of(const struct engine *e, const struct conn *c)
{
	return e->config.paths.client ? c->stats.local_port : c->stats.peer_port;
}

/* A connection that the session knows takes its place in the table, in CONN_GREETING. */
void engine_conns_add(struct engine *e, struct conn *c);

/* The only place that changes a connection's state. */
void engine_conns_enter(struct engine *e, struct conn *c, enum conn_state state);

/* Closes and frees it. */
void engine_conns_close(struct engine *e, struct conn *c);
void engine_conns_close_all(struct engine *e);

/* Those that are drained; those whose fault the session has found; those whose host is dead, when
 * it is time to look for them. */
void engine_conns_close_drained(struct engine *e);
void engine_conns_close_faulty(struct engine *e);
void engine_conns_close_dead(struct engine *e);

/* Those whose HELLO was answered become ready; says over which links they run. */
void engine_conns_greet(struct engine *e);

/* One call for each connection, beginning with the one that was read last. Returns whether
 * anything moved. */
typedef enum conn_result (*engine_move_fn)(struct conn *c, struct session *s, uint64_t now_ns);
bool engine_conns_move(struct engine *e, engine_move_fn fn, uint64_t now_ns);

/* The links have changed: fills in those of all connections, and says so. */
void engine_conns_links_changed(struct engine *e);

/* engine_stats.c */

/* Tells the session what it has cost, once. */
void engine_stats_cost(struct engine *e);

/* A connection that closes keeps a line in the statistics. */
void engine_stats_remember(struct engine *e, const struct subflow_stats *stats);
