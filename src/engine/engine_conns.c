/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of a session.
 *
 * A connection has the session's slot while it stands. Its states are drawn in conn.h;
 * engine_conns_enter() counts how many there are in each, so that a pump without news looks at
 * none of them. A connection closes here and nowhere else: with a line for people, a line in the
 * statistics, and its slot given back to the session.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "path/pathmgr_plan.h"
#include "session/session_links.h"
#include "session/session_subflow.h"
#include "util/text.h"

/* The kernel is asked this often whether the peer's host still answers. */
#define DEAD_CHECK_NS 1000000000ull

void engine_conns_add(struct engine *e, struct conn *c)
{
	struct engine_conns *t = &e->conns;

	assert(c->slot < SUBFLOWS_MAX && !t->slot[c->slot] && c->state == CONN_GREETING);
	t->slot[c->slot] = c;
	t->n_in[c->state]++;
	c->stats.id = t->next_id++;
	if (c->slot >= t->n_slots)
		t->n_slots = (uint16_t)(c->slot + 1);
}

void engine_conns_enter(struct engine *e, struct conn *c, enum conn_state state)
{
	assert(state > c->state);
	e->conns.n_in[c->state]--;
	e->conns.n_in[state]++;
	c->state = state;
}

/* Closing -------------------------------------------------------------------------------------- */

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

	if (!engine_is_open(e) || session_finished(e->session))
		return;
	if (!why)
		why = c->state == CONN_DRAINING ? "it is not needed" : "the peer closed it";
	engine_note(e, level, "subflow %u (port %u to %s) closed: %s", c->stats.id,
		    c->stats.local_port, c->stats.peer, why);
}

static void take_out(struct engine *e, struct conn *c)
{
	struct engine_conns *t = &e->conns;

	assert(t->slot[c->slot] == c && t->n_in[c->state]);
	t->slot[c->slot] = NULL;
	t->n_in[c->state]--;
	session_subflow_close(e->session, c->slot, loop_now(e->loop));
	loop_remove(e->loop, &c->io);
}

void engine_conns_close(struct engine *e, struct conn *c)
{
	const char *why;

	conn_settle(c, true);
	why = close_reason(e, c);
	text_printf(e->conns.last_error, sizeof(e->conns.last_error), "%s", why ? why : "");
	say_closed(e, c, why);
	conn_update_stats(c, e->session);
	c->stats.live = false;
	link_watch_closed(e->links, c);
	link_watch_fill(e->links, c);
	engine_stats_remember(e, &c->stats);
	take_out(e, c);
	channel_close(conn_channel(c));
	conn_free(c);
}

void engine_conns_close_all(struct engine *e)
{
	for (uint16_t i = 0; i < e->conns.n_slots; i++)
		if (e->conns.slot[i])
			engine_conns_close(e, e->conns.slot[i]);
}

void engine_conns_close_drained(struct engine *e)
{
	for (uint16_t i = 0; i < e->conns.n_slots && e->conns.n_in[CONN_DRAINING]; i++) {
		struct conn *c = e->conns.slot[i];

		if (c && c->state == CONN_DRAINING && session_subflow_drained(e->session, i))
			engine_conns_close(e, c);
	}
}

void engine_conns_close_faulty(struct engine *e)
{
	for (uint16_t i = 0; i < e->conns.n_slots; i++)
		if (e->conns.slot[i] && session_subflow_text(e->session, i))
			engine_conns_close(e, e->conns.slot[i]);
}

void engine_conns_close_dead(struct engine *e)
{
	if (loop_now(e->loop) < e->conns.dead_check_ns)
		return;
	e->conns.dead_check_ns = loop_now(e->loop) + DEAD_CHECK_NS;
	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (!c || !conn_dead(c))
			continue;
		c->error = ETIMEDOUT;
		engine_conns_close(e, c);
	}
}

/* States --------------------------------------------------------------------------------------- */

/* Says over which links a connection runs. */
static void greet(struct engine *e, struct conn *c)
{
	char text[LINK_WATCH_TEXT_LEN];

	engine_conns_enter(e, c, CONN_READY);
	c->ready_ns = loop_now(e->loop);
	if (link_watch_greeted(e->links, c, text))
		engine_note(e, 1,
			    "addresses or ports are translated on the way to %s: nothing can be "
			    "predicted of the peer's links",
			    c->stats.peer);
	engine_note(e, 1, "%s", text);
}

void engine_conns_greet(struct engine *e)
{
	for (uint16_t i = 0; i < e->conns.n_slots && e->conns.n_in[CONN_GREETING]; i++) {
		struct conn *c = e->conns.slot[i];

		if (c && c->state == CONN_GREETING && session_subflow_ready(e->session, i))
			greet(e, c);
	}
}

static void drain(struct engine *e, struct conn *c)
{
	engine_conns_enter(e, c, CONN_DRAINING);
	session_subflow_drain(e->session, c->slot);
	engine_wake(e);
}

void engine_drain(struct engine *e, uint16_t port)
{
	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (c && c->state == CONN_READY && engine_port_of(e, c) == port)
			drain(e, c);
	}
}

void engine_drain_surplus(struct engine *e)
{
	bool kept = false;

	/* One that is not answered yet may never be. */
	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (!c || c->state != CONN_READY)
			continue;
		if (kept)
			drain(e, c);
		kept = true;
	}
}

void engine_conns_links_changed(struct engine *e)
{
	struct pathmgr_flow flows[SUBFLOWS_MAX];
	unsigned n_flows = 0;
	char text[OUTCOME_REASON_LEN];

	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (c && c->state != CONN_GREETING)
			link_watch_fill(e->links, c);
		if (c && c->state != CONN_DRAINING && c->way >= 0)
			flows[n_flows++] = (struct pathmgr_flow){ c->way, engine_port_of(e, c) };
	}
	pathmgr_state(link_watch_paths(e->links), flows, n_flows, text, sizeof(text));
	engine_note(e, 1, "the links have changed: %s", text);
}

/* Moving --------------------------------------------------------------------------------------- */

bool engine_conns_move(struct engine *e, engine_move_fn fn, uint64_t now_ns)
{
	struct engine_conns *t = &e->conns;
	bool moved = false;

	for (uint16_t i = 0; i < t->n_slots; i++) {
		uint16_t slot = (uint16_t)((t->first + i) % t->n_slots);
		struct conn *c = t->slot[slot];
		enum conn_result r = c ? fn(c, e->session, now_ns) : CONN_IDLE;

		if (r == CONN_IDLE)
			continue;
		moved = true;
		if (r == CONN_CLOSED)
			engine_conns_close(e, c);
		else if (fn == conn_read)
			t->first = slot;
	}
	return moved;
}

/* Questions ------------------------------------------------------------------------------------ */

unsigned engine_n_live(const struct engine *e)
{
	const unsigned *n_in = e->conns.n_in;

	return n_in[CONN_GREETING] + n_in[CONN_READY] + n_in[CONN_SHUT];
}

/* Does it live, is it to stay, and is it between these addresses? */
static bool is_counted(const struct conn *c, const struct addr_pair *pair)
{
	return c && c->state != CONN_DRAINING && (!pair || addr_pairs_match(pair, &c->names));
}

unsigned engine_ports(const struct engine *e, const struct addr_pair *pair,
		      uint16_t out[SUBFLOWS_MAX])
{
	unsigned n = 0;

	for (uint16_t i = 0; i < e->conns.n_slots; i++)
		if (is_counted(e->conns.slot[i], pair))
			out[n++] = engine_port_of(e, e->conns.slot[i]);
	return n;
}

void engine_count(const struct engine *e, const struct addr_pair *pair, unsigned *n_live_out,
		  unsigned *n_ready_out)
{
	*n_live_out = *n_ready_out = 0;
	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		if (!is_counted(e->conns.slot[i], pair))
			continue;
		++*n_live_out;
		*n_ready_out += session_subflow_ready(e->session, i);
	}
}

unsigned engine_subflows(const struct engine *e, struct engine_subflow *out, unsigned size)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < e->conns.n_slots && n < size; i++) {
		const struct conn *c = e->conns.slot[i];
		uint64_t tx_bytes, rx_bytes;

		if (!c || c->state != CONN_READY)
			continue;
		session_subflow_bytes(e->session, i, &tx_bytes, &rx_bytes);
		out[n++] = (struct engine_subflow){
			.port = engine_port_of(e, c),
			.age_ns = loop_now(e->loop) - c->ready_ns,
			.rx_bytes = rx_bytes,
			.here = *session_subflow_lane(e->session, i),
			.peer = *session_subflow_peer_lane(e->session, i),
		};
	}
	return n;
}

const char *engine_last_error(const struct engine *e)
{
	return e->conns.last_error[0] ? e->conns.last_error : NULL;
}
