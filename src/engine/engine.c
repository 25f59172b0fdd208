/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One running session: joins the session, which only computes, to its connections, its endpoint and
 * the links.
 *
 *    endpoint --(input)--> session <==> connections      the pump moves bytes, in rounds
 *             <-(output)--    ^
 *                             |
 *                        link_watch                      what is known of the links
 *
 * Nothing here happens by itself. An event (a socket, a thread of the endpoint, a timer, a caller)
 * changes a flag or the session, and queues the pump, which runs once after the events at hand:
 * it moves bytes until nothing moves or others have their turn, closes connections that are
 * drained, brings the engine's state after the session's (engine_life.c), and sets the timers. So
 * there is one place where a change has its effects, whatever it was.
 *
 * Always: a connection in the table has a slot in the session and the other way round; the endpoint
 * starts with the first connection; no timer is set and the pump is not queued in ENGINE_ENDED.
 * All of this runs in the loop's thread.
 */
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/engine_internal.h"
#include "io/sock.h"
#include "session/session_links.h"
#include "session/session_stream.h"
#include "util/text.h"

/* Rounds of one pump: each moves up to one frame per connection each way. Then other events have
 * their turn. Busy sessions of one loop share this, so that a quiet one need not wait for long. */
#define PUMP_ROUNDS 16

/* A peer that has only to confirm says something at least this often: PING asks it when it has been
 * silent for half of that. */
#define CONFIRM_NS 10000000000ull

void engine_note(const struct engine *e, int level, const char *fmt, ...)
{
	char text[OUTCOME_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->events.note(e->events.arg, level, text);
}

void engine_wake(struct engine *e)
{
	loop_queue(e->loop, &e->pump);
}

/* From link_watch and endpoint. */
static void on_news(void *arg)
{
	engine_wake(arg);
}

static void on_links_changed(void *arg, bool plans)
{
	struct engine *e = arg;

	engine_conns_links_changed(e);
	if (plans && e->events.replan)
		e->events.replan(e->events.arg);
	engine_wake(e);
}

/* Timers --------------------------------------------------------------------------------------- */

static void session_fired(struct loop_timer *timer)
{
	struct engine *e = timer->arg;

	session_tick(e->session, loop_now(e->loop));
	engine_conns_close_faulty(e);
	/* PINGs see to it that a tick is never far. */
	engine_conns_close_dead(e);
	engine_wake(e);
}

/* That is no idleness while the peer answers PING: it may be syncing its disk. */
static bool only_confirmation_missing(const struct session_stats *stats)
{
	return stats->tx_ended && stats->rx_total_known && stats->tx_taken == stats->tx_read &&
	       stats->rx_taken == stats->rx_total;
}

static void idle_fired(struct loop_timer *timer)
{
	struct engine *e = timer->arg;
	struct session_stats stats;
	char text[SESSION_TEXT_LEN], duration[32];
	uint64_t heard = session_heard(e->session);
	uint64_t wait_ns = e->config.idle_ns < CONFIRM_NS ? CONFIRM_NS : e->config.idle_ns;

	session_stats(e->session, &stats);
	if (only_confirmation_missing(&stats) &&
	    (heard != e->idle_heard || session_lost(e->session))) {
		e->idle_heard = heard;
		loop_set_timer(e->loop, timer, loop_now(e->loop) + wait_ns);
		return;
	}
	text_duration(duration, sizeof(duration), e->config.idle_ns);
	text_printf(text, sizeof(text), "nothing moved for %s", duration);
	session_abort(e->session, WIRE_R_TIMEOUT, stats.rx_taken, text);
	engine_wake(e);
}

static void quit_fired(struct loop_timer *timer)
{
	engine_stop_peer(timer->arg);
}

static void close_fired(struct loop_timer *timer)
{
	engine_enter(timer->arg, ENGINE_ENDED);
}

/* How long the peer may still send after our stream was confirmed. */
static uint64_t quit_after(const struct engine *e)
{
	return endpoint_consumer_gone(e->endpoint) ? 0 : e->config.quit_ns;
}

static void set_idle_timer(struct engine *e)
{
	struct session_stats stats;
	uint64_t moved;

	session_stats(e->session, &stats);
	moved = stats.tx_read + stats.tx_acked + stats.tx_taken + stats.rx_received +
		stats.rx_taken;
	if (e->config.idle_ns != LOOP_NEVER &&
	    (moved != e->moved || e->idle_timer.due_ns == LOOP_NEVER))
		loop_set_timer(e->loop, &e->idle_timer, loop_now(e->loop) + e->config.idle_ns);
	e->moved = moved;
	link_watch_moved(e->links, moved);
}

static void set_quit_timer(struct engine *e)
{
	if (quit_after(e) == LOOP_NEVER || e->quit_timer.due_ns != LOOP_NEVER ||
	    session_stopped(e->session))
		return;
	if (session_sent_confirmed(e->session) && !session_received_confirmed(e->session))
		loop_set_timer(e->loop, &e->quit_timer, loop_now(e->loop) + quit_after(e));
}

static void set_timers(struct engine *e)
{
	if (e->state == ENGINE_ENDED)
		return;
	loop_set_timer(e->loop, &e->session_timer, session_deadline(e->session));
	if (!engine_is_open(e))
		return;
	set_idle_timer(e);
	set_quit_timer(e);
}

void engine_stop_timers(struct engine *e)
{
	loop_unqueue(e->loop, &e->pump);
	loop_set_timer(e->loop, &e->session_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->idle_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->quit_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->close_timer, LOOP_NEVER);
}

/* Pump ----------------------------------------------------------------------------------------- */

static void begin_output(struct engine *e)
{
	if (e->output_begun || !session_output_end(e->session))
		return;
	e->output_begun = true;
	if (e->events.output)
		e->events.output(e->events.arg);
}

static bool pump_round(struct engine *e)
{
	uint64_t now_ns = loop_update(e->loop);
	bool moved = engine_is_open(e) && endpoint_take_input(e->endpoint, now_ns);

	moved |= engine_conns_move(e, conn_read, now_ns);
	/* Before they carry anything: what their links carry is counted from here. */
	engine_conns_greet(e);
	begin_output(e);
	moved |= engine_is_open(e) && endpoint_give_output(e->endpoint, now_ns);
	if (session_links_due(e->session))
		link_watch_count(e->links);
	if (session_cost_due(e->session))
		engine_stats_cost(e);
	moved |= engine_conns_move(e, conn_write, now_ns);
	return moved;
}

static void pump(struct loop_task *task)
{
	struct engine *e = task->arg;
	unsigned rounds = PUMP_ROUNDS / loop_n_running(e->loop);
	bool moved = true;

	for (unsigned i = 0; (i < rounds || !i) && moved; i++)
		moved = pump_round(e);
	if (moved)
		engine_wake(e);
	engine_conns_greet(e);
	engine_conns_close_drained(e);
	link_watch_heard(e->links);
	engine_follow_session(e);
	set_timers(e);
	if (engine_is_open(e))
		e->events.pumped(e->events.arg);
}

/* Life ----------------------------------------------------------------------------------------- */

static void init_timer(struct engine *e, struct loop_timer *timer,
		       void (*fn)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){ .fn = fn, .arg = e, .due_ns = LOOP_NEVER };
}

static int make_parts(struct engine *e)
{
	const struct link_watch_events on_links = { .news = on_news,
						    .changed = on_links_changed,
						    .arg = e };
	int r = session_new(&e->session, &e->config.session);

	if (r)
		return r;
	r = link_watch_new(&e->links, e->loop, e->session, &e->config.paths, &on_links);
	if (r)
		goto free_session;
	r = endpoint_new(&e->endpoint, e->loop, e->session, &e->config.endpoint, on_news, e);
	if (r)
		goto free_links;
	link_watch_observe(e->links, e->conns.slot, &e->conns.n_slots);
	return 0;
free_links:
	link_watch_free(e->links);
free_session:
	session_free(e->session);
	return r;
}

int engine_new(struct engine **out, struct loop *loop, const struct engine_config *config,
	       const struct engine_events *events)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->loop = loop;
	e->config = *config;
	e->events = *events;
	e->config.endpoint.no_output = config->session.send_only;
	e->config.session.input = endpoint_input_kind(&config->endpoint);
	init_timer(e, &e->session_timer, session_fired);
	init_timer(e, &e->idle_timer, idle_fired);
	init_timer(e, &e->quit_timer, quit_fired);
	init_timer(e, &e->close_timer, close_fired);
	e->pump = (struct loop_task){ .fn = pump, .arg = e };
	r = make_parts(e);
	if (r) {
		free(e);
		return r;
	}
	*out = e;
	return 0;
}

bool engine_free(struct engine *e)
{
	if (!e)
		return true;
	engine_conns_close_all(e);
	engine_stop_timers(e);
	e->links = link_watch_free(e->links);
	if (!endpoint_free(e->endpoint))
		return false;
	session_free(e->session);
	free(e->stats.subflow);
	free(e);
	return true;
}

struct session *engine_session(struct engine *e)
{
	return e->session;
}

struct pathmgr *engine_paths(struct engine *e)
{
	return link_watch_paths(e->links);
}

const struct outcome *engine_outcome(const struct engine *e)
{
	return &e->outcome;
}

/* Requests ------------------------------------------------------------------------------------- */

int engine_set_socket(struct engine *e, int fd)
{
	int r = engine_is_open(e) ? endpoint_set_socket(e->endpoint, fd) : -ESHUTDOWN;

	if (!r)
		engine_wake(e);
	return r;
}

void engine_target_failed(struct engine *e, const char *why)
{
	session_abort(e->session, WIRE_R_TARGET, 0, why);
	engine_wake(e);
}

void engine_give_up(struct engine *e)
{
	session_give_up(e->session);
	engine_wake(e);
}

void engine_fail(struct engine *e, enum wire_reason reason, const char *text)
{
	struct session_stats stats;

	session_stats(e->session, &stats);
	session_abort(e->session, reason, stats.rx_taken, text);
	engine_wake(e);
}

void engine_signal(struct engine *e, int number)
{
	e->signal = number;
	engine_fail(e, WIRE_R_SIGNAL, wire_reason_text(WIRE_R_SIGNAL));
}

void engine_command_ended(struct engine *e, const char *failure)
{
	/* Before any thread goes on. */
	if (failure)
		engine_fail(e,
			    e->config.session.input == SESSION_INPUT_NONE ? WIRE_R_OUTPUT
									  : WIRE_R_INPUT,
			    failure);
	endpoint_command_ended(e->endpoint);
	engine_wake(e);
}

void engine_end_input(struct engine *e)
{
	endpoint_end_input(e->endpoint, loop_now(e->loop));
	engine_wake(e);
}

void engine_stop_peer(struct engine *e)
{
	session_stop(e->session);
	engine_wake(e);
}

void engine_drop(struct engine *e)
{
	engine_conns_close_all(e);
	engine_wake(e);
}

void engine_cut(struct engine *e)
{
	for (uint16_t i = 0; i < e->conns.n_slots; i++)
		if (e->conns.slot[i])
			sock_set_abrupt(e->conns.slot[i]->io.fd);
	session_abort(e->session, WIRE_R_TIMEOUT, 0, "cut off");
	engine_enter(e, ENGINE_ENDED);
}
