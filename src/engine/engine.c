/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint/endpoint.h"
#include "engine/conn.h"
#include "engine/engine_internal.h"
#include "engine/outcome.h"
#include "io/sock.h"
#include "path/sock_wire.h"
#include "util/text.h"

/* Rounds of one pump: each moves up to one frame per connection each way. Then other events have
 * their turn. Busy sessions of one loop share this, so that a quiet one need not wait for long. */
#define PUMP_ROUNDS 16

/* Connections that are gone and still have a line in the statistics; the oldest ones lose theirs.
 */
#define GONE_MAX 256

/* The kernel is asked this often whether the peer's host still answers. */
#define DEAD_CHECK_NS 1000000000ull

/* A peer whose confirmation is waited for says something at least this often: it is asked by PING
 * when it has been silent for half of that. */
#define CONFIRM_NS 10000000000ull

static void note(const struct engine *e, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(const struct engine *e, int level, const char *fmt, ...)
{
	char text[OUTCOME_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->events.note(e->events.arg, level, text);
}

/* Connections ---------------------------------------------------------------------------------- */

static void conn_event(struct loop_io *io, uint32_t events)
{
	struct engine *e = io->arg;
	struct conn *c = (struct conn *)io; /* its first member */

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->ending = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->writable = true;
	loop_queue(e->loop, &e->pump);
}

/* Links ---------------------------------------------------------------------------------------- */

/* Says which way a connection runs, once that can be told. */
static void announce(struct engine *e, struct conn *c)
{
	char text[LINK_WATCH_TEXT_LEN];

	c->announced = true;
	c->ready_ns = loop_now(e->loop);
	e->n_unannounced--;
	if (link_watch_of_conn(e->links, c, text))
		note(e, 1,
		     "addresses or ports are translated on the way to %s: nothing can be told of "
		     "the peer's links",
		     c->stats.peer);
	note(e, 1, "%s", text);
}

static void announce_all(struct engine *e)
{
	for (uint16_t i = 0; i < e->n_slots && e->n_unannounced; i++)
		if (e->conns[i] && !e->conns[i]->announced && session_subflow_ready(e->session, i))
			announce(e, e->conns[i]);
}

static void links_changed(void *arg, bool plans)
{
	struct engine *e = arg;
	struct pathmgr_flow flows[SUBFLOWS_MAX];
	unsigned n_flows = 0;
	char text[OUTCOME_REASON_LEN];

	for (uint16_t i = 0; i < e->n_slots; i++) {
		struct conn *c = e->conns[i];

		if (c && c->announced)
			link_watch_place(e->links, c);
		if (c && !c->draining && c->way >= 0)
			flows[n_flows++] = (struct pathmgr_flow){ c->way, engine_port_of(e, c) };
	}
	pathmgr_state(link_watch_paths(e->links), flows, n_flows, text, sizeof(text));
	note(e, 1, "the links have changed: %s", text);
	if (plans && e->events.replan)
		e->events.replan(e->events.arg);
	loop_queue(e->loop, &e->pump);
}

/* From links and streams. */
static void on_news(void *arg)
{
	struct engine *e = arg;

	loop_queue(e->loop, &e->pump);
}

static void start_streams(struct engine *e, struct channel ch);
static void conn_close(struct engine *e, struct conn *c);

static int open_subflow(struct engine *e, const struct wire_hello *hello,
			const struct wire_names *names, uint16_t *slot_out)
{
	uint64_t now_ns = loop_now(e->loop);
	int r = session_subflow_open(e->session, hello, names, now_ns, slot_out);
	uint16_t stale;

	if (r != SESSION_E_LIMIT || !hello || !session_subflow_stale(e->session, now_ns, &stale))
		return r;
	e->conns[stale]->error = ETIMEDOUT;
	conn_close(e, e->conns[stale]);
	return session_subflow_open(e->session, hello, names, now_ns, slot_out);
}

bool engine_knows(const struct engine *e, const uint8_t source[SOCK_SOURCE_LEN])
{
	for (unsigned i = 0; i < e->n_sources; i++)
		if (memcmp(e->sources[i], source, SOCK_SOURCE_LEN) == 0)
			return true;
	return false;
}

static void remember_source(struct engine *e, int fd)
{
	uint8_t source[SOCK_SOURCE_LEN];
	union sock_addr peer;

	if (e->n_sources == ENGINE_SOURCES || sock_peer(fd, &peer))
		return;
	sock_addr_source(source, &peer);
	if (!engine_knows(e, source))
		memcpy(e->sources[e->n_sources++], source, SOCK_SOURCE_LEN);
}

int engine_attach(struct engine *e, struct channel ch, const struct wire_hello *hello, bool greeted)
{
	uint32_t ifindex;
	struct conn *c;
	int r;

	if (e->phase != PHASE_RUNNING)
		return -ESHUTDOWN;
	/* To know a session's number is not enough to join it: it takes the proof that began it. */
	if (ch.tls && e->start_ns && memcmp(e->proof, tls_peer(ch.tls), TLS_PEER_LEN))
		return -EACCES;
	c = conn_new(ch, conn_event, e);
	if (!c)
		return -ENOMEM;
	r = ch.tls && e->config.crew ? conn_use_crew(c, e->config.crew, on_news, e) : 0;
	if (r)
		goto free_conn;
	if (!e->next_id || session_state(e->session) == SESSION_CONNECTING)
		link_watch_learn(e->links, ch.fd);
	r = sock_wire_names(ch.fd, &c->names, &ifindex);
	c->way = r ? 0 : pathmgr_way(link_watch_paths(e->links), &c->names);
	r = open_subflow(e, hello, r ? NULL : &c->names, &c->slot);
	if (r)
		goto free_conn;
	r = loop_add(e->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r)
		goto close_subflow;
	if (greeted)
		session_subflow_greeted(e->session, c->slot);
	if (c->tls)
		session_subflow_sealed(e->session, c->slot);
	c->stats.id = e->next_id++;
	e->n_unannounced++;
	e->conns[c->slot] = c;
	remember_source(e, ch.fd);
	if (c->slot >= e->n_slots)
		e->n_slots = (uint16_t)(c->slot + 1);
	if (!e->start_ns) {
		e->start_ns = loop_now(e->loop);
		if (ch.tls)
			memcpy(e->proof, tls_peer(ch.tls), TLS_PEER_LEN);
		start_streams(e, ch);
	}
	loop_queue(e->loop, &e->pump);
	return 0;
close_subflow:
	session_subflow_close(e->session, c->slot, loop_now(e->loop));
free_conn:
	conn_free(c);
	return r;
}

static void remember(struct engine *e, const struct subflow_stats *stats)
{
	if (e->n_gone == GONE_MAX)
		memmove(e->stats, e->stats + 1, --e->n_gone * sizeof(e->stats[0]));
	if (engine_stats_room(e, e->n_gone + 1))
		e->stats[e->n_gone++] = *stats;
}

/* Why it closes, for people; NULL: in order. */
static const char *close_reason(const struct engine *e, const struct conn *c)
{
	const char *fault = session_subflow_text(e->session, c->slot);
	const char *text = fault ? fault : channel_text(conn_channel(c));

	return text || !c->error ? text : strerror(c->error);
}

static void say_closed(const struct engine *e, const struct conn *c, const char *why)
{
	int level = why ? 1 : 2;

	if (e->phase != PHASE_RUNNING || session_finished(e->session))
		return;
	if (!why)
		why = c->draining ? "it is not needed" : "the peer closed it";
	note(e, level, "subflow %u (port %u to %s) closed: %s", c->stats.id, c->stats.local_port,
	     c->stats.peer, why);
}

static void conn_close(struct engine *e, struct conn *c)
{
	const char *why;

	conn_settle(c, true);
	why = close_reason(e, c);
	text_printf(e->last_error, sizeof(e->last_error), "%s", why ? why : "");
	say_closed(e, c, why);
	conn_update_stats(c, e->session);
	c->stats.live = false;
	e->n_unannounced -= !c->announced;
	e->n_draining -= c->draining;
	link_watch_closed(e->links, c);
	link_watch_place(e->links, c);
	remember(e, &c->stats);
	session_subflow_close(e->session, c->slot, loop_now(e->loop));
	e->conns[c->slot] = NULL;
	loop_remove(e->loop, &c->io);
	channel_close(conn_channel(c));
	conn_free(c);
}

static void close_drained(struct engine *e)
{
	for (uint16_t i = 0; i < e->n_slots && e->n_draining; i++)
		if (e->conns[i] && e->conns[i]->draining && session_subflow_drained(e->session, i))
			conn_close(e, e->conns[i]);
}

static void close_all(struct engine *e)
{
	for (uint16_t i = 0; i < e->n_slots; i++)
		if (e->conns[i])
			conn_close(e, e->conns[i]);
}

/* Streams -------------------------------------------------------------------------------------- */

static void start_streams(struct engine *e, struct channel ch)
{
	char why[SESSION_TEXT_LEN];

	if (e->events.started && e->events.started(e->events.arg, ch, why))
		session_abort(e->session, WIRE_R_INPUT, 0, why);
	else
		endpoint_start(e->streams);
}

static bool give_output(struct engine *e, uint64_t now_ns)
{
	bool moved = endpoint_give_output(e->streams, now_ns);

	if (endpoint_consumer_gone(e->streams))
		e->config.quit_ns = 0;
	return moved;
}

int engine_plug(struct engine *e, int fd)
{
	int r = e->phase == PHASE_RUNNING ? endpoint_plug(e->streams, fd) : -ESHUTDOWN;

	if (!r)
		loop_queue(e->loop, &e->pump);
	return r;
}

void engine_plug_failed(struct engine *e, const char *why)
{
	session_abort(e->session, WIRE_R_TARGET, 0, why);
	loop_queue(e->loop, &e->pump);
}

/* The end ------------------------------------------------------------------------------------- */

static void finish(struct engine *e)
{
	if (e->phase == PHASE_ENDED)
		return;
	outcome_of(e->session, engine_last_error(e), e->signal, &e->end);
	e->end_ns = loop_now(e->loop);
	endpoint_unplug(e->streams, e->end.exit != OUTCOME_OK);
	close_all(e);
	e->phase = PHASE_ENDED;
	loop_set_timer(e->loop, &e->session_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->idle_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->quit_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->close_timer, LOOP_NEVER);
	link_watch_stop(e->links);
	loop_unqueue(e->loop, &e->pump);
	e->events.ended(e->events.arg);
}

/* Before WELCOME nobody knows of the session: what was written is enough. */
static bool all_told(struct engine *e)
{
	bool known = session_subflows_ready(e->session), told = true;

	for (uint16_t i = 0; i < e->n_slots; i++) {
		struct conn *c = e->conns[i];

		if (!c)
			continue;
		if (!c->shut && session_tx_flushed(e->session, i) && conn_settle(c, false) &&
		    !channel_flush(conn_channel(c))) {
			/* The rest is read and thrown away until the peer closes: closing now, with
			 * bytes unread, would reset the connection and lose what we said. */
			channel_shutdown(conn_channel(c));
			c->shut = true;
		}
		told &= c->shut && !known;
	}
	return told;
}

/* The session has failed. Those who do not know yet are told, within limits. */
static void close_failed(struct engine *e)
{
	enum session_end_kind kind = session_end(e->session)->kind;
	bool tell = kind == SESSION_END_LOCAL || kind == SESSION_END_PROTOCOL ||
		    kind == SESSION_END_DIGEST;

	if (!tell) {
		finish(e);
		return;
	}
	if (e->phase == PHASE_RUNNING) {
		e->phase = PHASE_CLOSING;
		loop_set_timer(e->loop, &e->close_timer, loop_now(e->loop) + ENGINE_ABORT_NS);
		loop_queue(e->loop, &e->pump);
		return;
	}
	if (all_told(e))
		finish(e);
}

/* Nobody is there: DONE cannot come, and is not waited for before somebody is. */
static void check_lost(struct engine *e)
{
	bool lost = session_lost(e->session);

	if (lost != e->lost)
		note(e, 1,
		     lost ? "lost all connections (%s); waiting to reconnect" : "connected again",
		     e->last_error[0] ? e->last_error : "the peer closed them");
	e->lost = lost;
	if (lost || !session_finished(e->session))
		loop_set_timer(e->loop, &e->close_timer, LOOP_NEVER);
	else if (e->close_timer.due_ns == LOOP_NEVER)
		loop_set_timer(e->loop, &e->close_timer, loop_now(e->loop) + ENGINE_DONE_NS);
}

static void check_end(struct engine *e)
{
	switch (session_state(e->session)) {
	case SESSION_DONE:
		finish(e);
		break;
	case SESSION_FAILED:
		close_failed(e);
		break;
	default:
		check_lost(e);
		break;
	}
}

static void close_fired(struct loop_timer *timer)
{
	finish(timer->arg);
}

/* Timers -------------------------------------------------------------------------------------- */

static void close_dead(struct engine *e)
{
	e->dead_check_ns = loop_now(e->loop) + DEAD_CHECK_NS;
	for (uint16_t i = 0; i < e->n_slots; i++) {
		if (!e->conns[i] || !conn_dead(e->conns[i]))
			continue;
		e->conns[i]->error = ETIMEDOUT;
		conn_close(e, e->conns[i]);
	}
}

static void session_fired(struct loop_timer *timer)
{
	struct engine *e = timer->arg;

	session_tick(e->session, loop_now(e->loop));
	for (uint16_t i = 0; i < e->n_slots; i++)
		if (e->conns[i] && session_subflow_text(e->session, i))
			conn_close(e, e->conns[i]);
	/* PINGs see to it that a tick is never far. */
	if (loop_now(e->loop) >= e->dead_check_ns)
		close_dead(e);
	loop_queue(e->loop, &e->pump);
}

/* Waiting for that is not idleness while PING is answered: the peer may be syncing its disk. */
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
	loop_queue(e->loop, &e->pump);
}

static void quit_fired(struct loop_timer *timer)
{
	struct engine *e = timer->arg;

	session_stop(e->session);
	loop_queue(e->loop, &e->pump);
}

static void set_timers(struct engine *e)
{
	struct session_stats stats;
	uint64_t moved;
	uint64_t now_ns = loop_now(e->loop);

	if (e->phase == PHASE_ENDED)
		return;
	loop_set_timer(e->loop, &e->session_timer, session_deadline(e->session));
	if (e->phase != PHASE_RUNNING)
		return;
	session_stats(e->session, &stats);
	moved = stats.tx_read + stats.tx_acked + stats.tx_taken + stats.rx_received +
		stats.rx_taken;
	if (e->config.idle_ns != LOOP_NEVER &&
	    (moved != e->moved || e->idle_timer.due_ns == LOOP_NEVER))
		loop_set_timer(e->loop, &e->idle_timer, now_ns + e->config.idle_ns);
	e->moved = moved;
	link_watch_moved(e->links, moved);
	if (e->config.quit_ns != LOOP_NEVER && e->quit_timer.due_ns == LOOP_NEVER &&
	    !session_stopped(e->session) && session_sent_confirmed(e->session) &&
	    !session_received_confirmed(e->session))
		loop_set_timer(e->loop, &e->quit_timer, now_ns + e->config.quit_ns);
}

/* Pump ---------------------------------------------------------------------------------------- */

typedef enum conn_result (*move_fn)(struct conn *c, struct session *s, uint64_t now_ns);

/* One call for each connection, beginning with the one that was read last. */
static bool move_all(struct engine *e, move_fn fn, uint64_t now_ns)
{
	bool moved = false;

	for (uint16_t i = 0; i < e->n_slots; i++) {
		uint16_t slot = (uint16_t)((e->first + i) % e->n_slots);
		struct conn *c = e->conns[slot];
		enum conn_result r = c ? fn(c, e->session, now_ns) : CONN_IDLE;

		if (r == CONN_IDLE)
			continue;
		moved = true;
		if (r == CONN_CLOSED)
			conn_close(e, c);
		else if (fn == conn_read)
			e->first = slot;
	}
	return moved;
}

static void pump(struct loop_task *task)
{
	struct engine *e = task->arg;
	unsigned rounds = PUMP_ROUNDS / loop_n_running(e->loop);
	bool moved = true;

	for (unsigned i = 0; (i < rounds || !i) && moved; i++) {
		uint64_t now_ns = loop_update(e->loop);

		moved = e->phase == PHASE_RUNNING && endpoint_take_input(e->streams, now_ns);
		moved |= move_all(e, conn_read, now_ns);
		/* Before they carry anything: what their links carry is counted from here. */
		announce_all(e);
		moved |= e->phase == PHASE_RUNNING && give_output(e, now_ns);
		if (session_links_due(e->session))
			link_watch_count(e->links);
		moved |= move_all(e, conn_write, now_ns);
	}
	if (moved)
		loop_queue(e->loop, &e->pump);
	announce_all(e);
	close_drained(e);
	link_watch_heard(e->links);
	check_end(e);
	set_timers(e);
	if (e->phase == PHASE_RUNNING)
		e->events.pumped(e->events.arg);
}

/* Life ---------------------------------------------------------------------------------------- */

static void init_timer(struct engine *e, struct loop_timer *timer,
		       void (*fn)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){ .fn = fn, .arg = e, .due_ns = LOOP_NEVER };
}

int engine_new(struct engine **out, struct loop *loop, const struct engine_config *config,
	       const struct engine_events *events)
{
	struct engine *e = calloc(1, sizeof(*e));
	const struct link_watch_events on_links = { .told = on_news,
						    .changed = links_changed,
						    .arg = e };
	int r;

	if (!e)
		return -ENOMEM;
	e->loop = loop;
	e->config = *config;
	e->events = *events;
	e->config.streams.no_output = config->session.send_only;
	e->config.session.input = endpoint_input_kind(&config->streams);
	init_timer(e, &e->session_timer, session_fired);
	init_timer(e, &e->idle_timer, idle_fired);
	init_timer(e, &e->quit_timer, quit_fired);
	init_timer(e, &e->close_timer, close_fired);
	e->pump = (struct loop_task){ .fn = pump, .arg = e };
	r = session_new(&e->session, &e->config.session);
	if (r)
		goto free_engine;
	r = link_watch_new(&e->links, loop, e->session, &config->paths, &on_links);
	if (r)
		goto free_session;
	r = endpoint_new(&e->streams, loop, e->session, &e->config.streams, on_news, e);
	if (r)
		goto free_links;
	link_watch_observe(e->links, e->conns, &e->n_slots);
	*out = e;
	return 0;
free_links:
	link_watch_free(e->links);
free_session:
	session_free(e->session);
free_engine:
	free(e);
	return r;
}

bool engine_free(struct engine *e)
{
	if (!e)
		return true;
	close_all(e);
	loop_unqueue(e->loop, &e->pump);
	loop_set_timer(e->loop, &e->session_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->idle_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->quit_timer, LOOP_NEVER);
	loop_set_timer(e->loop, &e->close_timer, LOOP_NEVER);
	e->links = link_watch_free(e->links);
	if (!endpoint_free(e->streams))
		return false;
	session_free(e->session);
	free(e->stats);
	free(e);
	return true;
}

static void drain(struct engine *e, struct conn *c)
{
	c->draining = true;
	e->n_draining++;
	session_subflow_drain(e->session, c->slot);
	loop_queue(e->loop, &e->pump);
}

void engine_drain(struct engine *e, uint16_t port)
{
	for (uint16_t i = 0; i < e->n_slots; i++) {
		struct conn *c = e->conns[i];

		if (!c || c->draining || engine_port_of(e, c) != port)
			continue;
		drain(e, c);
	}
}

void engine_drain_surplus(struct engine *e)
{
	bool kept = false;

	/* One that is not answered yet may never be. */
	for (uint16_t i = 0; i < e->n_slots; i++) {
		struct conn *c = e->conns[i];

		if (!c || c->draining || !session_subflow_ready(e->session, i))
			continue;
		if (kept)
			drain(e, c);
		kept = true;
	}
}

void engine_set_verdict(struct engine *e, const char *text)
{
	text_printf(e->verdict, sizeof(e->verdict), "%s", text);
}

void engine_give_up(struct engine *e)
{
	session_give_up(e->session);
	loop_queue(e->loop, &e->pump);
}

void engine_fail(struct engine *e, enum wire_reason reason, const char *text)
{
	struct session_stats stats;

	session_stats(e->session, &stats);
	session_abort(e->session, reason, stats.rx_taken ? stats.rx_taken : stats.tx_taken, text);
	loop_queue(e->loop, &e->pump);
}

void engine_command_ended(struct engine *e, const char *failure)
{
	/* Before any thread goes on. */
	if (failure)
		engine_fail(e,
			    e->config.session.input == SESSION_INPUT_NONE ? WIRE_R_OUTPUT
									  : WIRE_R_INPUT,
			    failure);
	endpoint_release(e->streams);
	loop_queue(e->loop, &e->pump);
}

void engine_end_input(struct engine *e)
{
	endpoint_end_input(e->streams, loop_now(e->loop));
	loop_queue(e->loop, &e->pump);
}

void engine_stop_peer(struct engine *e)
{
	session_stop(e->session);
	loop_queue(e->loop, &e->pump);
}

void engine_drop(struct engine *e)
{
	close_all(e);
	loop_queue(e->loop, &e->pump);
}

void engine_cut(struct engine *e)
{
	for (uint16_t i = 0; i < e->n_slots; i++)
		if (e->conns[i])
			sock_set_abrupt(e->conns[i]->io.fd);
	session_abort(e->session, WIRE_R_TIMEOUT, 0, "cut off");
	finish(e);
}

void engine_signal(struct engine *e, int number)
{
	e->signal = number;
	engine_fail(e, WIRE_R_SIGNAL, wire_reason_text(WIRE_R_SIGNAL));
}
