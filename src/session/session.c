/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.c - the life of a session: its two streams, its announcements, its deadlines
 *
 *                  WELCOME                  both streams confirmed, DONE came
 *   CONNECTING -----------------> OPEN -----------------------------------------> DONE
 *   (client)                  ^    |
 *       |             server -+    |  ABORT sent or received, a broken protocol, a wrong digest,
 *       |  REFUSE, not mpnc,       v  no connection for too long
 *       +-----------------------> FAILED    (end says why; the first reason stays)
 *          given up
 *
 * Two streams, each with an offset for every stage. All only grow (but room: session_memory.c):
 *
 *   out   acked (by the peer) <= next (for a subflow) <= read (from the input) <= room (memory)
 *         next <= edge (what the peer allows)
 *   in    taken (by the output) <= received (in order) <= highest (with gaps) <= edge (allowed)
 *
 * A stream is confirmed when its receiver's output took all of it and the digest is right. The
 * session is finished once both are. It is DONE when the peer has said DONE: until then the peer
 * may lack our CONFIRM. If no peer comes back, it is DONE as well when no byte can be missing.
 *
 * Time: each concern has a deadline of its own; session_deadline() is the first of them, and
 * session_tick() acts on all that are due. A deadline at or before the last tick does not count: it
 * was acted on, and what it made due leaves when a connection can take bytes.
 *
 * Only session_fail(), session_done() and on_welcome() change s->state.
 */
#include "session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/handshake.h"
#include "session/internal.h"
#include "util/text.h"
#include "util/units.h"

static int new_buffers(struct session *s)
{
	int r = s->config.pool ? 0 : winpool_new(&s->own_pool, SIZE_MAX);

	s->pool = s->config.pool ? s->config.pool : s->own_pool;
	if (!r)
		r = winbuf_new(&s->out.buf, s->config.window, s->pool);
	if (!r)
		r = winbuf_new(&s->in.buf, s->config.window, s->pool);
	if (!r)
		r = sendwin_new(&s->out.win);
	if (!r)
		r = reasm_new(&s->in.reasm);
	if (!r)
		r = digest_new(&s->check);
	return r;
}

uint8_t session_side(const struct session_config *config)
{
	unsigned side = 0;

	if (config->input == SESSION_INPUT_NONE || config->recv_only)
		side |= WIRE_SIDE_NO_INPUT;
	if (config->send_only)
		side |= WIRE_SIDE_SEND_ONLY;
	if (config->recv_only)
		side |= WIRE_SIDE_RECV_ONLY;
	return (uint8_t)side;
}

int session_new(struct session **out, const struct session_config *config)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	assert(config->window >= WIRE_INITIAL_WINDOW);
	assert(config->n_subflows >= 1 && config->n_subflows <= SUBFLOWS_MAX);
	if (!s)
		return -ENOMEM;
	s->config = *config;
	r = new_buffers(s);
	if (r) {
		session_free(s);
		return r;
	}
	s->state = config->role == SESSION_CLIENT ? SESSION_CONNECTING : SESSION_OPEN;
	s->welcomed = config->role == SESSION_SERVER;
	s->n_subflows_allowed = config->n_subflows;
	session_raise_edge(s);
	s->in.ack_due_ns = SESSION_NO_DEADLINE;
	s->in.ack_slot = SENDWIN_NOBODY;
	s->out.edge = WIRE_INITIAL_WINDOW;
	s->out.bucket.rate = config->rate;
	s->out.bucket_due_ns = SESSION_NO_DEADLINE;
	s->late_check_ns = SESSION_NO_DEADLINE;
	s->ping_check_ns = SESSION_NO_DEADLINE;
	*out = s;
	return 0;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		if (s->subflows[i])
			subflow_free(s, i);
	winbuf_free(s->out.buf);
	winbuf_free(s->in.buf);
	winpool_free(s->own_pool);
	sendwin_free(s->out.win);
	reasm_free(s->in.reasm);
	digest_free(s->check);
	free(s);
	return NULL;
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}

const struct session_end *session_end(const struct session *s)
{
	return &s->end;
}

uint16_t session_version(const struct session *s)
{
	return s->version;
}

uint32_t session_features(const struct session *s)
{
	return s->features;
}

const uint8_t *session_id(const struct session *s)
{
	return s->config.id;
}

void session_fail(struct session *s, enum session_end_kind kind, unsigned reason, uint64_t offset,
		  const char *text)
{
	/* The first reason stays: what follows is mostly its consequence. */
	if (s->state == SESSION_FAILED || s->state == SESSION_DONE)
		return;
	s->state = SESSION_FAILED;
	s->end.kind = kind;
	s->end.reason = (uint16_t)reason;
	s->end.offset = offset;
	text_printf(s->end.text, sizeof(s->end.text), "%s", text);
}

bool session_finished(const struct session *s)
{
	return s->out.confirmed && s->in.confirmed;
}

void session_done(struct session *s)
{
	if (s->state != SESSION_FAILED)
		s->state = SESSION_DONE;
}

void session_check_done(struct session *s)
{
	/* Where no connection can come back, nobody is left to say DONE. */
	if (session_finished(s) && (s->peer.done || (!s->n_open && !s->config.reconnect_ns)))
		session_done(s);
}

/* Links */

void session_set_facts(struct session *s, const struct wire_facts *facts)
{
	struct own_links *own = &s->links;

	if (own->facts_said && wire_facts_same(&own->facts, facts))
		return;
	own->facts = *facts;
	if (!own->facts_said)
		return;
	/* Any of the subflows may be the one that the change has cut off. */
	own->facts_serial++;
	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		if (s->subflows[i])
			s->subflows[i]->said &= ~(unsigned)SAID_FACTS;
}

const struct wire_facts *session_facts(const struct session *s)
{
	return &s->links.facts;
}

void session_put_peer_facts(struct session *s, const struct wire_facts *facts)
{
	s->peer.facts = *facts;
	s->peer.facts_new = true;
}

bool session_peer_facts_new(const struct session *s)
{
	return s->peer.facts_new;
}

const struct wire_facts *session_take_peer_facts(struct session *s)
{
	if (!s->peer.facts_new)
		return NULL;
	s->peer.facts_new = false;
	return &s->peer.facts;
}

const struct wire_addrs *session_peer_addrs(const struct session *s)
{
	return &s->peer.addrs;
}

void session_links(struct session *s, const struct wire_links *links)
{
	s->links.counters = *links;
	s->links.count = session_finished(s) ? COUNT_LAST : COUNT_NEW;
}

bool session_links_due(const struct session *s)
{
	return (s->links.count == COUNT_SENT || s->links.count == COUNT_NEW) && session_finished(s);
}

const struct wire_links *session_peer_links(const struct session *s)
{
	return &s->peer.counters;
}

void session_set_cost(struct session *s, const struct wire_cost *cost)
{
	s->links.cost = *cost;
}

bool session_cost_due(const struct session *s)
{
	return session_finished(s) && !s->links.cost.cpu_ns;
}

const struct wire_cost *session_peer_cost(const struct session *s)
{
	return &s->peer.cost;
}

bool session_subflow_set_lane(struct session *s, uint16_t slot, const struct wire_lane *lane)
{
	struct subflow *sf = s->subflows[slot];

	if (lane->tx == sf->lane.tx && lane->rx == sf->lane.rx &&
	    lane->tx_possible == sf->lane.tx_possible &&
	    lane->rx_possible == sf->lane.rx_possible && lane->flags == sf->lane.flags)
		return false;
	sf->lane = *lane;
	sf->due |= DUE_LANE;
	return true;
}

const struct wire_lane *session_subflow_lane(const struct session *s, uint16_t slot)
{
	return &s->subflows[slot]->lane;
}

const struct wire_lane *session_subflow_peer_lane(const struct session *s, uint16_t slot)
{
	return &s->subflows[slot]->peer_lane;
}

const struct wire_names *session_subflow_peer_names(const struct session *s, uint16_t slot)
{
	return &s->subflows[slot]->peer_names;
}

/* Input */

struct winbuf *session_tx_buf(struct session *s)
{
	return s->out.buf;
}

void session_input_advance(struct session *s, uint64_t offset, uint64_t now_ns)
{
	assert(offset >= s->out.read && offset <= s->out.room && !s->out.ended);
	if (offset > s->out.read && !s->out.busy_since_ns)
		s->out.busy_since_ns = now_ns;
	if (sendwin_acked(s->out.win) == s->out.read)
		s->out.acked_ns = now_ns;
	s->out.read = offset;
	session_consider_growth(s, now_ns);
}

void session_input_end(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns)
{
	assert(!s->out.ended);
	s->out.ended = true;
	memcpy(s->out.digest, digest, DIGEST_LEN);
}

bool session_input_should_end(const struct session *s, bool readable)
{
	bool no_input = s->config.input == SESSION_INPUT_NONE || s->config.recv_only;
	bool follows = no_input || s->config.input == SESSION_INPUT_TERMINAL;

	if (s->out.ended || !s->welcomed)
		return false;
	if (s->peer.side & WIRE_SIDE_SEND_ONLY)
		return true;
	/* With something to read this is no end in order: the endpoint fails the session. */
	if (s->peer.stopped)
		return !readable;
	if (no_input && (s->config.duplex || (s->peer.side & WIRE_SIDE_NO_INPUT)))
		return true;
	if (!s->in.confirmed || s->config.duplex)
		return false;
	/* As netcat's users expect: a listener that got a stream and was given nothing to send
	 * must not wait for a terminal or an open pipe. */
	return follows || (s->config.role == SESSION_SERVER && !s->config.send_only && !readable &&
			   s->in.total > 0 && !s->out.read);
}

bool session_peer_stopped(const struct session *s)
{
	return s->peer.stopped;
}

void session_stop(struct session *s)
{
	s->stop = true;
}

bool session_stopped(const struct session *s)
{
	return s->stop;
}

/* Output */

struct winbuf *session_rx_buf(struct session *s)
{
	return s->in.buf;
}

uint64_t session_output_end(const struct session *s)
{
	return reasm_received(s->in.reasm);
}

/* Is a chunk being received into the window? */
static bool receives_data(const struct session *s)
{
	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		if (!s->subflows[i])
			continue;
		n++;
		if (s->subflows[i]->rx.state == RX_DATA)
			return true;
	}
	return false;
}

void session_output_taken(struct session *s, uint64_t offset, uint64_t now_ns)
{
	struct incoming *in = &s->in;

	assert(offset >= in->taken && offset <= reasm_received(in->reasm));
	if (offset == in->taken)
		return;
	in->taken = offset;
	in->taken_ns = now_ns;
	winbuf_release(in->buf, offset);
	/* Nothing is held: an idle session keeps no block that is half used. */
	if (offset == reasm_highest(in->reasm) && !receives_data(s))
		winbuf_clear(in->buf);
	if (offset - in->acked_taken >= ACK_BYTES)
		session_ack_by(s, now_ns);
	else
		session_ack_by(s, now_ns + ACK_NS);
}

bool session_output_complete(const struct session *s)
{
	return s->state == SESSION_OPEN && s->in.ended && !s->in.confirmed &&
	       s->in.taken == s->in.total;
}

void session_output_finish(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns)
{
	if (memcmp(digest, s->in.digest, DIGEST_LEN)) {
		session_fail(s, SESSION_END_DIGEST, WIRE_R_DIGEST, s->in.total,
			     "the stream does not match its digest");
		return;
	}
	s->in.confirmed = true;
	session_check_done(s);
}

/* Time */

void session_abort(struct session *s, enum wire_reason reason, uint64_t offset, const char *text)
{
	session_fail(s, SESSION_END_LOCAL, reason, offset, text);
}

void session_ack_by(struct session *s, uint64_t due_ns)
{
	struct incoming *in = &s->in;

	if (in->ack_is_repeat || due_ns < in->ack_due_ns)
		in->ack_due_ns = due_ns;
	in->ack_is_repeat = false;
}

static uint64_t grow_deadline(const struct session *s)
{
	if (s->growth.grown || s->config.frugal || !s->out.busy_since_ns ||
	    s->state != SESSION_OPEN)
		return SESSION_NO_DEADLINE;
	return s->out.busy_since_ns + SESSION_GROW_NS;
}

/* When an ACK may leave on any subflow: the one that it is meant for takes nothing. */
static uint64_t ack_anywhere(const struct session *s)
{
	if (s->in.ack_is_repeat || s->in.ack_due_ns == SESSION_NO_DEADLINE)
		return SESSION_NO_DEADLINE;
	return s->in.ack_due_ns + ACK_NS;
}

uint64_t session_deadline(const struct session *s)
{
	const uint64_t due[] = { s->in.ack_due_ns,     ack_anywhere(s),
				 s->late_check_ns,     s->ping_check_ns,
				 grow_deadline(s),     session_lost_deadline(s),
				 s->out.bucket_due_ns, session_retry_deadline(s) };
	uint64_t first = SESSION_NO_DEADLINE;

	if (s->state != SESSION_OPEN)
		return SESSION_NO_DEADLINE;
	/* All else can wait for a connection. */
	if (!s->n_open)
		return session_lost_deadline(s);
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] > s->tick_ns)
			first = min_u64(first, due[i]);
	return first;
}

/* The last ACK may be stuck: it goes out again on every subflow, so that one of them delivers it.
 */
static void repeat_ack(struct session *s, uint64_t now_ns)
{
	struct incoming *in = &s->in;

	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		if (!s->subflows[i])
			continue;
		n++;
		if (s->n_open > 1)
			s->subflows[i]->due |= DUE_ACK;
	}
	in->ack_repeat_ns = min_u64(2 * in->ack_repeat_ns, ACK_REPEAT_MAX_NS);
	in->ack_due_ns = in->confirmed ? SESSION_NO_DEADLINE : now_ns + in->ack_repeat_ns;
}

void session_tick(struct session *s, uint64_t now_ns)
{
	s->tick_ns = now_ns;
	/* A window that still finds no memory sets this again. */
	s->starved = false;
	if (s->state != SESSION_OPEN)
		return;
	session_lost_tick(s, now_ns);
	if (!s->n_open)
		return;
	session_consider_growth(s, now_ns);
	if (s->in.ack_is_repeat && now_ns >= s->in.ack_due_ns)
		repeat_ack(s, now_ns);
	if (now_ns >= s->late_check_ns)
		s->late_check_ns = sendwin_acked(s->out.win) < sendwin_next(s->out.win)
					   ? now_ns + LATE_CHECK_NS
					   : SESSION_NO_DEADLINE;
	if (now_ns >= s->ping_check_ns) {
		session_check_silence(s, now_ns);
		session_check_stuck(s, now_ns);
		s->ping_check_ns = now_ns + PING_NS / 5;
	}
}

bool session_sent_confirmed(const struct session *s)
{
	return s->out.confirmed;
}

bool session_received_confirmed(const struct session *s)
{
	return s->in.confirmed;
}

uint64_t session_heard(const struct session *s)
{
	return s->contact.heard_bytes;
}

void session_stats(const struct session *s, struct session_stats *out)
{
	out->tx_expected = s->config.expected;
	out->tx_read = s->out.read;
	out->tx_ended = s->out.ended;
	out->tx_sent = sendwin_next(s->out.win);
	out->tx_acked = sendwin_acked(s->out.win);
	out->tx_taken = s->out.taken;
	out->tx_edge = s->out.edge;
	out->tx_reinjected = s->out.reinjected;
	out->rx_expected = s->peer.expected;
	out->rx_received = reasm_received(s->in.reasm);
	out->rx_highest = reasm_highest(s->in.reasm);
	out->rx_taken = s->in.taken;
	out->rx_total_known = s->in.ended;
	out->rx_total = s->in.total;
	out->n_live = s->n_open;
	out->cost = s->links.cost;
	out->peer_cost = s->peer.cost;
}
