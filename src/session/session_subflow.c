/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_subflow.c - the subflows of a session: from the first word to the last
 *
 * enum subflow_state, from left to right only:
 *
 *              WELCOME           session_subflow_drain        DRAIN sent
 *   GREETING ----------> READY -----------------> DRAIN_DUE -----------> DRAIN_SENT
 *   (client)             ^  |                         |                      |
 *                server -+  | the peer's DRAIN        | the peer's DRAIN     | the peer's DRAIN
 *                           v                         v                      v
 *                       DRAIN_HEARD <-----------------+                   DRAINED
 *                           |                                                ^
 *                           +------- nothing is in flight, DRAIN sent -------+
 *
 * - DATA goes over READY subflows. From DRAIN_DUE on a subflow takes part in that only if no READY
 *   one is left. A client's first subflow carries DATA before WELCOME as well.
 * - The side that wants a subflow closed sends DRAIN at once, the other one when the peer has
 *   acknowledged all that was sent there. Once both have gone and nothing is in flight, the client
 *   can close the connection and loses nothing by it (session_subflow_drained).
 * - A subflow may be closed in any state. Its chunks then go elsewhere: sendwin_lost.
 * - A fault (sf->fault) is no state: the caller closes the subflow as soon as it sees one.
 *
 * Invariants: n_open is the number of subflows[] that are not NULL, and at most n_subflows_allowed.
 * subflow_enter() alone changes the state, and only forward.
 */
#include "session/session_subflow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "session/handshake.h"
#include "session/internal.h"

/* Life */

void subflow_enter(struct subflow *sf, enum subflow_state state)
{
	assert(state > sf->state);
	sf->state = state;
}

/*
 * A HELLO that asks for a new session. The first one says what the session is. A client that had no
 * WELCOME begins anew with another one for the same session, whose words may be older than what
 * came meanwhile: it can raise the edge, and nothing else.
 */
static void accept_hello(struct session *s, const struct wire_hello *hello)
{
	session_lost_greeted(s);
	if (hello->edge > s->out.edge)
		s->out.edge = hello->edge;
	if (s->version)
		return;
	s->version = handshake_version(hello);
	s->features = hello->features & WIRE_FEATURES;
	s->peer.side = hello->side;
	session_put_peer_facts(s, &hello->items.facts);
	s->peer.expected = hello->items.size;
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

static void begin_as_client(struct session *s, struct subflow *sf)
{
	sf->join = s->welcomed;
	sf->rx.state = RX_PREFACE;
	if (s->state == SESSION_CONNECTING)
		s->end = (struct session_end){ 0 };
}

static void begin_as_server(struct session *s, struct subflow *sf, const struct wire_hello *hello)
{
	s->contact.heard_ns = sf->heard_ns;
	sf->join = hello->kind == WIRE_HELLO_JOIN;
	sf->rx.state = RX_HEADER;
	sf->peer_names = hello->items.names;
	/* HELLO was read by the listener, and WELCOME need not be answered. */
	subflow_enter(sf, SUBFLOW_READY);
	if (!sf->join)
		accept_hello(s, hello);
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
	/* The last words on the lost ones may not have arrived, in either direction. */
	if (session_lost(s))
		sf->due |= DUE_ACK;
	if (s->config.role == SESSION_CLIENT)
		begin_as_client(s, sf);
	else
		begin_as_server(s, sf, hello);
	s->subflows[*slot_out] = sf;
	s->n_open++;
	if (s->ping_check_ns == SESSION_NO_DEADLINE)
		s->ping_check_ns = now_ns + PING_NS;
	return 0;
}

void subflow_free(struct session *s, uint16_t slot)
{
	struct subflow *sf = s->subflows[slot];

	assert(sf && s->n_open);
	if (sf->tx.pin)
		winbuf_unpin(s->out.buf, sf->tx.pin);
	s->in.n_lent -= sf->rx.loan == LOAN_OUT;
	free(sf);
	s->subflows[slot] = NULL;
	s->n_open--;
}

void session_subflow_greeted(struct session *s, uint16_t slot)
{
	s->subflows[slot]->said |= SAID_PREFACE;
}

void session_subflow_sealed(struct session *s, uint16_t slot)
{
	s->subflows[slot]->sealed = true;
}

void session_subflow_lends(struct session *s, uint16_t slot)
{
	s->subflows[slot]->lends = true;
}

void session_subflow_close(struct session *s, uint16_t slot, uint64_t now_ns)
{
	sendwin_lost(s->out.win, slot);
	subflow_free(s, slot);
	/* An ACK may have died with it. */
	if (s->in.ack_slot == slot && !s->in.confirmed) {
		s->in.ack_slot = SENDWIN_NOBODY;
		session_ack_by(s, now_ns);
	}
	if (s->state != SESSION_OPEN || session_subflows_ready(s))
		return;
	if (s->config.reconnect_ns && !s->peer.done)
		session_lost_begin(s, now_ns);
	else if (!s->n_open)
		session_lose(s, WIRE_R_NONE);
}

const char *session_subflow_text(const struct session *s, uint16_t slot)
{
	return s->subflows[slot]->fault;
}

bool session_subflow_ready(const struct session *s, uint16_t slot)
{
	return subflow_ready(s->subflows[slot]);
}

unsigned session_subflows_ready(const struct session *s)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		n += s->subflows[i] && subflow_ready(s->subflows[i]);
	return n;
}

void session_subflow_drain(struct session *s, uint16_t slot)
{
	struct subflow *sf = s->subflows[slot];

	assert(subflow_ready(sf));
	if (sf->state == SUBFLOW_READY)
		subflow_enter(sf, SUBFLOW_DRAIN_DUE);
}

bool session_subflow_drained(const struct session *s, uint16_t slot)
{
	return s->subflows[slot]->state == SUBFLOW_DRAINED && !sendwin_in_flight(s->out.win, slot);
}

/* Silence */

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

static void check_silence(const struct session *s, struct subflow *sf, uint64_t now_ns)
{
	if (!sf->ping_ns && now_ns - sf->heard_ns >= PING_NS) {
		sf->due |= DUE_PING;
		sf->ping_ns = now_ns;
	}
	/* A PING may not even have left; but where bytes still leave, the peer takes them. */
	if (sf->ping_ns && now_ns - sf->ping_ns >= SILENT_NS &&
	    now_ns - sf->moved_ns >= SILENT_NS && s->contact.heard_ns > sf->ping_ns)
		sf->fault = "it is silent while others are not";
}

void session_check_silence(struct session *s, uint64_t now_ns)
{
	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++)
		if (s->subflows[i])
			check_silence(s, s->subflows[i], now_ns);
}

/* Figures */

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
