/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a running session, from its first connection to its outcome.
 *
 *   NEW
 *    | first connection
 *    v         lost all
 *   RUNNING ------------------> LOST   waits as long as the session does (--reconnect)
 *    |      <------------------  | ^
 *    |       connected again     | |
 *    | all is                    | | lost all
 *    | confirmed                 v |
 *    +----------------------> FINISHING   waits for the peer's DONE, at most ENGINE_DONE_NS
 *                                |
 *                                v
 *                              ENDED      everything is closed; the outcome is known
 *
 * and when the session has failed, from every state but ENDED:
 *
 *    -----> ABORTING ----> ENDED   if the peer must hear why; takes no input, output or connection,
 *                                  and stays until ABORT was delivered, at most ENGINE_ABORT_NS
 *    --------------------> ENDED   if not
 *
 * The session (session_state, session_lost, session_finished) decides; the engine follows after
 * each pump, so that what a state begins with is done once. Every state but ENDED can go to
 * ABORTING or ENDED. The caller can go to ENDED at once (engine_cut). In ENDED no callback comes
 * but the one that says so.
 */
#include <assert.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "engine/outcome.h"
#include "session/session_subflow.h"

bool engine_is_open(const struct engine *e)
{
	return e->state < ENGINE_ABORTING;
}

static void limit(struct engine *e, uint64_t ns)
{
	loop_set_timer(e->loop, &e->close_timer, loop_now(e->loop) + ns);
}

static void no_limit(struct engine *e)
{
	loop_set_timer(e->loop, &e->close_timer, LOOP_NEVER);
}

/* Entering a state ----------------------------------------------------------------------------- */

static void say_connected(struct engine *e)
{
	if (e->state == ENGINE_LOST)
		engine_note(e, 1, "connected again");
}

static void enter_running(struct engine *e)
{
	say_connected(e);
	no_limit(e);
}

/* DONE cannot come before somebody is there, so nothing limits the wait for it. */
static void enter_lost(struct engine *e)
{
	const char *why = engine_last_error(e);

	engine_note(e, 1, "lost all connections (%s); waiting to reconnect",
		    why ? why : "the peer closed them");
	no_limit(e);
}

static void enter_finishing(struct engine *e)
{
	say_connected(e);
	limit(e, ENGINE_DONE_NS);
}

static void enter_aborting(struct engine *e)
{
	limit(e, ENGINE_ABORT_NS);
	engine_wake(e);
}

static void enter_ended(struct engine *e)
{
	/* Before the connections close, as each changes what the last error was. */
	outcome_of(e->session, engine_last_error(e), e->signal, &e->outcome);
	e->end_ns = loop_now(e->loop);
	engine_stats_cost(e);
	endpoint_close_socket(e->endpoint, e->outcome.exit != OUTCOME_OK);
	engine_conns_close_all(e);
	link_watch_stop(e->links);
	engine_stop_timers(e);
}

void engine_enter(struct engine *e, enum engine_state state)
{
	static void (*const enter[])(struct engine * e) = {
		[ENGINE_RUNNING] = enter_running,     [ENGINE_LOST] = enter_lost,
		[ENGINE_FINISHING] = enter_finishing, [ENGINE_ABORTING] = enter_aborting,
		[ENGINE_ENDED] = enter_ended,
	};

	if (e->state == state || e->state == ENGINE_ENDED)
		return;
	assert(state != ENGINE_NEW && (state > e->state || e->state < ENGINE_ABORTING));
	enter[state](e);
	e->state = state;
	if (state == ENGINE_ENDED)
		e->events.ended(e->events.arg);
}

/* Which state it is now ------------------------------------------------------------------------ */

/* Closing at once, with bytes unread, would reset the connection and destroy what we said: so our
 * direction is shut down, and what still comes is thrown away until the peer closes. */
static void shut_when_written(struct engine *e, struct conn *c)
{
	if (!session_tx_flushed(e->session, c->slot) || !conn_settle(c, false) ||
	    channel_flush(conn_channel(c)))
		return;
	channel_shutdown(conn_channel(c));
	engine_conns_enter(e, c, CONN_SHUT);
}

/* Before WELCOME the peer has no session that it would have to end: what was written is enough.
 * Afterwards each connection stays until the peer has closed it. */
static bool abort_delivered(struct engine *e)
{
	bool known = session_subflows_ready(e->session), delivered = true;

	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (!c)
			continue;
		if (c->state != CONN_SHUT)
			shut_when_written(e, c);
		delivered &= c->state == CONN_SHUT && !known;
	}
	return delivered;
}

/* Only for a failure that happened here the peer must hear why. It knows about one that it reported
 * itself, and when all connections are lost nobody can hear anything. */
static enum engine_state after_failure(struct engine *e)
{
	switch (session_end(e->session)->kind) {
	case SESSION_END_LOCAL:
	case SESSION_END_PROTOCOL:
	case SESSION_END_DIGEST:
		break;
	default:
		return ENGINE_ENDED;
	}
	if (e->state == ENGINE_ABORTING && abort_delivered(e))
		return ENGINE_ENDED;
	return ENGINE_ABORTING;
}

static enum engine_state wanted_state(struct engine *e)
{
	switch (session_state(e->session)) {
	case SESSION_DONE:
		return ENGINE_ENDED;
	case SESSION_FAILED:
		return after_failure(e);
	default:
		break;
	}
	if (e->state == ENGINE_NEW)
		return ENGINE_NEW;
	if (session_lost(e->session))
		return ENGINE_LOST;
	return session_finished(e->session) ? ENGINE_FINISHING : ENGINE_RUNNING;
}

void engine_follow_session(struct engine *e)
{
	engine_enter(e, wanted_state(e));
}
