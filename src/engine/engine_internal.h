/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_internal.h - what the files of the engine share; nobody else includes it
 *
 * engine.c runs the session, engine_view.c answers who asks about it.
 */
#pragma once

#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/link_watch.h"

enum phase {
	PHASE_RUNNING,
	PHASE_CLOSING, /* the session is over, the peer is being told */
	PHASE_ENDED,
};

struct engine {
	struct loop *loop;
	struct engine_config config;
	struct engine_events events;
	struct session *session;
	enum phase phase;
	struct outcome end;
	int signal;                    /* that ended the session */
	char last_error[TLS_TEXT_LEN]; /* of the connection that closed last; "": it closed in order
					*/
	bool lost;                     /* as last told */

	struct loop_task pump;
	struct loop_timer session_timer;
	struct loop_timer idle_timer;
	struct loop_timer quit_timer;
	struct loop_timer close_timer;
	struct link_watch *links;
	unsigned n_unannounced;
	unsigned n_draining;
	struct side_stats here, peer;
	char verdict[OUTCOME_REASON_LEN];
	uint64_t moved;      /* sum of what shows progress, for idle_timer */
	uint64_t idle_heard; /* bytes from the peer when that fired last */

	struct endpoint *streams;

	uint64_t dead_check_ns;
	uint64_t start_ns;           /* first connection; 0: none yet */
	uint8_t proof[TLS_PEER_LEN]; /* whose it was, by TLS; zeros: plain */
	unsigned n_sources;          /* of connections so far, up to ENGINE_SOURCES */
	uint8_t sources[ENGINE_SOURCES][SOCK_SOURCE_LEN];
	uint64_t end_ns;
	unsigned next_id;
	uint16_t first; /* slot that was read last: its ACK leaves first */
	uint16_t n_slots;
	struct conn *conns[SUBFLOWS_MAX]; /* by the session's slot */
	unsigned n_gone;
	unsigned n_stats;
	struct subflow_stats *stats; /* n_stats: the gone ones, then the living; grows */
};

/* The client's port of a connection. */
static inline uint16_t engine_port_of(const struct engine *e, const struct conn *c)
{
	return e->config.paths.client ? c->stats.local_port : c->stats.peer_port;
}

/* Is there room for so many entries in stats, or can it be had? */
bool engine_stats_room(struct engine *e, unsigned n);
