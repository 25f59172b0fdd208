/* SPDX-License-Identifier: GPL-2.0-or-later */
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

static void subflow_free(struct session *s, uint16_t slot)
{
	struct subflow *sf = s->subflows[slot];

	if (sf->tx.pin)
		winbuf_unpin(s->out.buf, sf->tx.pin);
	free(sf);
	s->subflows[slot] = NULL;
	s->n_open--;
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

const uint8_t *session_id(const struct session *s)
{
	return s->config.id;
}

void session_fail(struct session *s, enum session_end_kind kind, unsigned reason, uint64_t offset,
		  const char *text)
{
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

void session_check_done(struct session *s)
{
	if (s->state == SESSION_FAILED || !session_finished(s))
		return;
	if (s->peer_done || (!s->n_open && !s->config.reconnect_ns))
		s->state = SESSION_DONE;
}

/* With no subflow. */
static uint64_t patience(const struct session *s)
{
	bool server = s->config.role == SESSION_SERVER;
	uint64_t ns = s->config.reconnect_ns;

	if (ns)
		ns += server ? SESSION_LINGER_NS : SESSION_ANSWER_NS;
	return server && !s->heard_bytes ? min_u64(ns, SESSION_NEW_NS) : ns;
}

/* The part of it in which a client begins attempts. */
static uint64_t trying(const struct session *s)
{
	return min_u64(patience(s), s->config.reconnect_ns);
}

/* Of an empty stream nothing can be missing: its confirmation was only lost on the way. */
static bool nothing_missing(const struct session *s)
{
	return session_finished(s) || (s->in.confirmed && s->out.ended && !s->out.read);
}

void session_lose(struct session *s)
{
	char text[SESSION_TEXT_LEN], duration[32];

	if (s->state != SESSION_FAILED && nothing_missing(s)) {
		s->state = SESSION_DONE;
		return;
	}
	if (s->lost) {
		text_duration(duration, sizeof(duration), trying(s));
		text_printf(text, sizeof(text), "no connection for more than %s", duration);
		session_fail(s, SESSION_END_LOST, WIRE_R_TIMEOUT, reasm_received(s->in.reasm),
			     text);
	} else {
		session_fail(s, SESSION_END_LOST, WIRE_R_NONE, reasm_received(s->in.reasm),
			     "lost all connections");
	}
}

bool session_lost(const struct session *s)
{
	return s->state == SESSION_OPEN && s->lost;
}

bool session_seeks(const struct session *s, uint64_t now_ns)
{
	return session_lost(s) && now_ns - s->lost_ns < trying(s);
}

/* Subflows ------------------------------------------------------------------------------------- */

/*
 * A HELLO that asks for a new session. The first one says what the session is. A client that had no
 * WELCOME begins anew with another one for the same session, whose words may be older than what
 * came meanwhile: it can raise the edge, and nothing else.
 */
static void accept_hello(struct session *s, const struct wire_hello *hello)
{
	if (hello->edge > s->out.edge)
		s->out.edge = hello->edge;
	if (s->version)
		return;
	s->version = handshake_version(hello);
	s->features = hello->features & WIRE_FEATURES;
	s->peer_side = hello->side;
	session_put_peer_facts(s, &hello->items.facts);
	if (hello->n_subflows && hello->n_subflows < s->n_subflows_allowed)
		s->n_subflows_allowed = hello->n_subflows;
}

static int free_slot(const struct session *s, uint16_t *slot_out)
{
	if (s->n_open >= s->n_subflows_allowed)
		return SESSION_E_LIMIT;
	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++) {
		if (!s->subflows[i]) {
			*slot_out = i;
			return 0;
		}
	}
	return SESSION_E_LIMIT;
}

int session_subflow_open(struct session *s, const struct wire_hello *hello,
			 const struct wire_names *names, uint64_t now_ns, uint16_t *slot_out)
{
	struct subflow *sf;
	int r = free_slot(s, slot_out);

	if (r)
		return r;
	sf = calloc(1, sizeof(*sf));
	if (!sf)
		return -ENOMEM;
	sf->heard_ns = now_ns;
	sf->lane = sf->peer_lane = (struct wire_lane){ 0, 0, WIRE_LANE_NONE, WIRE_LANE_NONE, 0 };
	if (names)
		sf->names = *names;
	if (s->config.role == SESSION_CLIENT) {
		sf->join = s->welcomed;
		sf->rx.state = RX_PREFACE;
	} else {
		s->heard_ns = now_ns;
		sf->join = hello->kind == WIRE_HELLO_JOIN;
		sf->welcomed = true;
		sf->rx.state = RX_HEADER;
		sf->peer_names = hello->items.names;
		if (!sf->join)
			accept_hello(s, hello);
	}
	if (s->state == SESSION_CONNECTING)
		s->end = (struct session_end){ 0 };
	/* What was said last on the ones before may not have arrived, in either direction. */
	sf->ack_due = s->lost;
	/* A join says nothing of whether our words arrive: see session_rx. */
	s->lost &= sf->join || !sf->welcomed;
	s->subflows[*slot_out] = sf;
	s->n_open++;
	if (s->ping_check_ns == SESSION_NO_DEADLINE)
		s->ping_check_ns = now_ns + PING_NS;
	return 0;
}

void session_subflow_greeted(struct session *s, uint16_t slot)
{
	s->subflows[slot]->said |= SAID_PREFACE;
}

void session_subflow_sealed(struct session *s, uint16_t slot)
{
	s->subflows[slot]->sealed = true;
}

void session_subflow_close(struct session *s, uint16_t slot, uint64_t now_ns)
{
	uint64_t silent_ns;

	sendwin_lost(s->out.win, slot);
	subflow_free(s, slot);
	/* An ACK may have died with it. */
	if (s->in.ack_slot == slot && !s->in.confirmed) {
		s->in.ack_slot = SENDWIN_NOBODY;
		session_ack_by(s, now_ns);
	}
	if (s->state != SESSION_OPEN || session_subflows_ready(s))
		return;
	if (!s->config.reconnect_ns || s->peer_done) {
		if (!s->n_open)
			session_lose(s);
	} else if (!s->lost) {
		/* What died of silence has been lost since it fell silent. But a peer that was only
		 * stopped is given time to come. */
		silent_ns = min_u64(now_ns - s->heard_ns, trying(s) / 2);
		s->lost = true;
		s->lost_ns = now_ns - silent_ns;
	}
}

bool session_subflow_stale(const struct session *s, uint64_t now_ns, uint16_t *slot_out)
{
	uint64_t since_ns = now_ns;

	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++) {
		const struct subflow *sf = s->subflows[i];

		if (!sf || sf->heard_ns >= since_ns)
			continue;
		since_ns = sf->heard_ns;
		*slot_out = i;
	}
	return now_ns - since_ns >= SESSION_STALE_NS;
}

void session_give_up(struct session *s)
{
	/* Not for as long as it might have been. */
	s->lost = false;
	if (s->state == SESSION_OPEN)
		session_lose(s);
	else if (s->end.kind == SESSION_END_REFUSED)
		s->state = SESSION_FAILED;
	else
		session_fail(s, SESSION_END_LOST, WIRE_R_NONE, 0, "the connection is lost");
}

const char *session_subflow_text(const struct session *s, uint16_t slot)
{
	return s->subflows[slot]->fault;
}

unsigned session_subflows_ready(const struct session *s)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		n += s->subflows[i] && s->subflows[i]->welcomed;
	return n;
}

bool session_subflow_ready(const struct session *s, uint16_t slot)
{
	return s->subflows[slot]->welcomed;
}

const struct wire_names *session_subflow_peer_names(const struct session *s, uint16_t slot)
{
	return &s->subflows[slot]->peer_names;
}

bool session_subflow_set_lane(struct session *s, uint16_t slot, const struct wire_lane *lane)
{
	struct subflow *sf = s->subflows[slot];

	if (lane->tx == sf->lane.tx && lane->rx == sf->lane.rx &&
	    lane->tx_possible == sf->lane.tx_possible &&
	    lane->rx_possible == sf->lane.rx_possible && lane->flags == sf->lane.flags)
		return false;
	sf->lane = *lane;
	sf->lane_new = true;
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

void session_subflow_drain(struct session *s, uint16_t slot)
{
	s->subflows[slot]->draining = true;
	s->subflows[slot]->drain_asked = true;
}

bool session_subflow_drained(const struct session *s, uint16_t slot)
{
	const struct subflow *sf = s->subflows[slot];

	return sf->drain_said && sf->peer_drained && !sendwin_in_flight(s->out.win, slot);
}

uint64_t session_heard(const struct session *s)
{
	return s->heard_bytes;
}

uint32_t session_subflow_chunk_len(const struct session *s, uint16_t slot)
{
	return sched_chunk_len(&s->subflows[slot]->rate);
}

void session_subflow_bytes(const struct session *s, uint16_t slot, uint64_t *tx_out,
			   uint64_t *rx_out)
{
	*tx_out = s->subflows[slot]->tx_bytes;
	*rx_out = s->subflows[slot]->rx_bytes;
}

uint64_t session_total_rate(const struct session *s)
{
	uint64_t sum = 0;

	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		if (s->subflows[i]) {
			sum += s->subflows[i]->rate.rate;
			n++;
		}
	}
	return sum;
}

/* Links ---------------------------------------------------------------------------------------- */

void session_set_facts(struct session *s, const struct wire_facts *facts)
{
	if (s->facts_told && wire_facts_same(&s->facts, facts))
		return;
	s->facts = *facts;
	if (!s->facts_told)
		return;
	/* Any of the subflows may be the one that the change has cut off. */
	s->facts_serial++;
	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		if (s->subflows[i])
			s->subflows[i]->said &= ~(unsigned)SAID_FACTS;
}

const struct wire_facts *session_facts(const struct session *s)
{
	return &s->facts;
}

void session_put_peer_facts(struct session *s, const struct wire_facts *facts)
{
	s->peer_facts = *facts;
	s->peer_facts_new = true;
}

bool session_peer_facts_new(const struct session *s)
{
	return s->peer_facts_new;
}

const struct wire_facts *session_take_peer_facts(struct session *s)
{
	if (!s->peer_facts_new)
		return NULL;
	s->peer_facts_new = false;
	return &s->peer_facts;
}

uint32_t session_features(const struct session *s)
{
	return s->features;
}

const struct wire_addrs *session_peer_addrs(const struct session *s)
{
	return &s->peer_addrs;
}

void session_links(struct session *s, const struct wire_links *links)
{
	s->links = *links;
	s->counts = true;
	s->links_new = true;
	s->links_last = session_finished(s);
}

bool session_links_due(const struct session *s)
{
	return s->counts && !s->links_last && session_finished(s);
}

const struct wire_links *session_peer_links(const struct session *s)
{
	return &s->peer_links;
}

/* Input ---------------------------------------------------------------------------------------- */

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
	if (s->peer_side & WIRE_SIDE_SEND_ONLY)
		return true;
	if (s->peer_stopped)
		return !readable;
	if (no_input && (s->config.duplex || (s->peer_side & WIRE_SIDE_NO_INPUT)))
		return true;
	if (!s->in.confirmed || s->config.duplex)
		return false;
	return follows || (s->config.role == SESSION_SERVER && !s->config.send_only && !readable &&
			   s->in.total > 0 && !s->out.read);
}

bool session_peer_stopped(const struct session *s)
{
	return s->peer_stopped;
}

void session_stop(struct session *s)
{
	s->stop = true;
}

bool session_stopped(const struct session *s)
{
	return s->stop;
}

/* Output --------------------------------------------------------------------------------------- */

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

/* Time ----------------------------------------------------------------------------------------- */

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
	if (s->grown || s->config.frugal || !s->out.busy_since_ns || s->state != SESSION_OPEN)
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

static uint64_t lost_deadline(const struct session *s)
{
	if (!s->lost || patience(s) > SESSION_NO_DEADLINE - s->lost_ns)
		return SESSION_NO_DEADLINE;
	return s->lost_ns + patience(s);
}

uint64_t session_deadline(const struct session *s)
{
	const uint64_t due[] = { s->in.ack_due_ns,     ack_anywhere(s),          s->late_check_ns,
				 s->ping_check_ns,     grow_deadline(s),         lost_deadline(s),
				 s->out.bucket_due_ns, session_retry_deadline(s) };
	uint64_t first = SESSION_NO_DEADLINE;

	if (s->state != SESSION_OPEN)
		return SESSION_NO_DEADLINE;
	/* All else can wait until there is somebody to tell. */
	if (!s->n_open)
		return lost_deadline(s);
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] > s->tick_ns)
			first = min_u64(first, due[i]);
	return first;
}

static void check_silence(struct session *s, uint64_t now_ns)
{
	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		struct subflow *sf = s->subflows[i];

		if (!sf)
			continue;
		n++;
		if (!sf->ping_ns && now_ns - sf->heard_ns >= PING_NS) {
			sf->ping_due = true;
			sf->ping_ns = now_ns;
		}
		/* A PING may not even have left; but where bytes still leave, the peer takes them.
		 */
		if (sf->ping_ns && now_ns - sf->ping_ns >= SILENT_NS &&
		    now_ns - sf->moved_ns >= SILENT_NS && s->heard_ns > sf->ping_ns)
			sf->fault = "it is silent while others are not";
	}
}

/* The last ACK may be stuck: it goes out again on every subflow, so that it reaches one that lives.
 */
static void repeat_ack(struct session *s, uint64_t now_ns)
{
	struct incoming *in = &s->in;

	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		if (!s->subflows[i])
			continue;
		n++;
		s->subflows[i]->ack_due = s->n_open > 1;
	}
	in->ack_repeat_ns = min_u64(2 * in->ack_repeat_ns, ACK_REPEAT_MAX_NS);
	in->ack_due_ns = in->confirmed ? SESSION_NO_DEADLINE : now_ns + in->ack_repeat_ns;
}

/* Only the peer's word is missing, and it does not even answer PING: it is stopped, or what is
 * between fell silent and keeps the connections open. It is waited for as if they were lost. */
static bool waits_in_vain(const struct session *s, uint64_t now_ns)
{
	uint64_t limit_ns = patience(s) < SILENT_NS ? SILENT_NS : patience(s);

	return nothing_missing(s) && now_ns - s->heard_ns >= limit_ns;
}

void session_tick(struct session *s, uint64_t now_ns)
{
	s->tick_ns = now_ns;
	/* Who still finds no memory says so again. */
	s->starved = false;
	if (s->state != SESSION_OPEN)
		return;
	if (now_ns >= lost_deadline(s) || (s->n_open && waits_in_vain(s, now_ns)))
		session_lose(s);
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
		check_silence(s, now_ns);
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

void session_stats(const struct session *s, struct session_stats *out)
{
	out->tx_read = s->out.read;
	out->tx_ended = s->out.ended;
	out->tx_acked = sendwin_acked(s->out.win);
	out->tx_taken = s->out.taken;
	out->tx_edge = s->out.edge;
	out->tx_reinjected = s->out.reinjected;
	out->rx_received = reasm_received(s->in.reasm);
	out->rx_taken = s->in.taken;
	out->rx_total_known = s->in.ended;
	out->rx_total = s->in.total;
	out->n_live = s->n_open;
}
