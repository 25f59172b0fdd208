/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_tx.c - bytes to the peer: what goes out next on a subflow that can take something
 *
 * A subflow pulls: session_tx() is asked when a socket can take bytes, and decides then. Up to one
 * batch is under way on a subflow: control frames, then at most one DATA frame. A batch that was
 * begun is written to its end before the next one is decided.
 *
 *   control   to_say() & ~said: once on each subflow (HELLO, END, CONFIRM, ABORT, DONE ...), in an
 *             order that the peer can follow; then ACK and counters for the session; then what is
 *             `due` on this subflow, and DRAIN
 *   chunk     1. requeued: its subflow died
 *             2. stuck on another subflow, which has probably died
 *             3. new
 *             4. late on another subflow, and sooner here; only if there is nothing new
 *
 * Invariants: all control frames of a batch fit into tx.control (CONTROL_OUT_LEN); the block under
 * tx.payload is pinned until the last byte of the frame was written; DATA never goes beyond
 * out.edge or over a subflow that drains while another is ready.
 */
#include <assert.h>
#include <string.h>

#include "session/internal.h"
#include "util/text.h"
#include "util/units.h"

/* Control */

static uint8_t *control_end(struct tx *tx, size_t *left_out)
{
	*left_out = sizeof(tx->control) - tx->control_len;
	return tx->control + tx->control_len;
}

/* Every frame that may be due at the same time fits together: see CONTROL_OUT_LEN. */
static void control_wrote(struct tx *tx, size_t n)
{
	assert(n);
	tx->control_len += n;
}

static void put_plain(struct tx *tx, enum wire_type type, uint64_t value)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	control_wrote(tx, wire_put_plain(p, left, type, value));
}

static void put_preface(struct tx *tx)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	assert(left >= WIRE_PREFACE_LEN);
	memcpy(p, WIRE_PREFACE, WIRE_PREFACE_LEN);
	control_wrote(tx, WIRE_PREFACE_LEN);
}

static void say_hello(struct session *s, struct subflow *sf)
{
	const uint8_t first = s->config.measure ? WIRE_HELLO_MEASURE : WIRE_HELLO_NEW;
	struct wire_hello m = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION_MAX,
		.features = WIRE_FEATURES,
		.kind = sf->join ? WIRE_HELLO_JOIN : first,
		.side = session_side(&s->config),
		.n_subflows = (uint16_t)s->config.n_subflows,
		.edge = s->in.edge,
		.items = { .names = sf->names },
	};
	size_t left;
	uint8_t *p;

	/* A join belongs to a session whose facts the peer has, or gets by FACTS. */
	if (!sf->join) {
		m.items.facts = s->links.facts;
		m.items.wanted = s->config.wanted;
		m.items.size = s->config.expected;
		if (s->config.target)
			text_printf(m.items.target, sizeof(m.items.target), "%s", s->config.target);
		s->links.facts_said = true;
	}
	memcpy(m.session, s->config.id, sizeof(m.session));
	p = control_end(&sf->tx, &left);
	control_wrote(&sf->tx, wire_put_hello(p, left, &m));
}

static void say_welcome(struct session *s, struct subflow *sf)
{
	struct wire_welcome m = {
		.version = s->version,
		.features = s->features,
		.side = session_side(&s->config),
		.n_subflows = (uint16_t)s->n_subflows_allowed,
		.edge = s->in.edge,
		.items = { .names = sf->names },
	};
	size_t left;
	uint8_t *p;

	if (!sf->join) {
		m.items.facts = s->links.facts;
		m.items.addrs = s->config.addrs;
		m.items.size = s->config.expected;
		s->links.facts_said = true;
	}
	p = control_end(&sf->tx, &left);
	control_wrote(&sf->tx, wire_put_welcome(p, left, &m));
}

static void say_end(struct session *s, struct tx *tx)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	control_wrote(tx, wire_put_end(p, left, s->out.read, s->out.digest));
}

static void say_abort(struct session *s, struct tx *tx)
{
	struct wire_notice m = { .reason = s->end.reason, .offset = s->end.offset };
	size_t left;
	uint8_t *p = control_end(tx, &left);

	text_printf(m.text, sizeof(m.text), "%s", s->end.text);
	control_wrote(tx, wire_put_notice(p, left, WIRE_ABORT, &m));
}

static void say_links(struct session *s, struct tx *tx)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	control_wrote(tx, wire_put_links(p, left, &s->links.counters));
	if (s->links.count == COUNT_NEW)
		s->links.count = COUNT_SENT;
}

static void say_cost(struct session *s, struct tx *tx)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	control_wrote(tx, wire_put_cost(p, left, &s->links.cost));
}

static void say_facts(struct session *s, struct tx *tx)
{
	size_t left;
	uint8_t *p = control_end(tx, &left);

	control_wrote(tx, wire_put_facts(p, left, s->links.facts_serial, &s->links.facts));
}

/* Is an ACK to go out on this subflow? On the one that brought something last, as others may have
 * fallen silent, or on any if that one takes no bytes. */
static bool ack_due(const struct session *s, uint16_t slot, uint64_t now_ns)
{
	const struct incoming *in = &s->in;

	if (!s->welcomed || s->subflows[slot]->due & DUE_ACK)
		return s->welcomed;
	if (in->ack_is_repeat || now_ns < in->ack_due_ns)
		return false;
	return slot == s->contact.heard_slot || now_ns - in->ack_due_ns >= ACK_NS;
}

static void say_ack(struct session *s, struct tx *tx, uint16_t slot, uint64_t now_ns)
{
	struct incoming *in = &s->in;
	struct wire_ack m = { .received = reasm_received(in->reasm), .taken = in->taken };
	size_t left;
	uint8_t *p = control_end(tx, &left);

	/* As late as possible: the consumer may have taken more since the ACK became due. */
	session_raise_edge(s);
	m.edge = in->edge;
	m.n_ranges = reasm_ranges(in->reasm, m.ranges, WIRE_ACK_RANGES);
	control_wrote(tx, wire_put_ack(p, left, &m));
	s->subflows[slot]->due &= ~(unsigned)DUE_ACK;
	if (in->ack_is_repeat)
		return;
	in->ack_repeat_ns = ACK_REPEAT_NS;
	in->acked_taken = m.taken;
	in->bytes_since_ack = 0;
	in->ack_slot = slot;
	in->ack_is_repeat = true;
	in->ack_due_ns = in->confirmed ? SESSION_NO_DEADLINE : now_ns + in->ack_repeat_ns;
}

/* Is this an outcome that the peer does not know yet? */
static bool unknown_to_peer(enum session_end_kind kind)
{
	return kind == SESSION_END_LOCAL || kind == SESSION_END_PROTOCOL ||
	       kind == SESSION_END_DIGEST;
}

/* Does the peer know, or expect, a session here? A server's peer has sent HELLO. */
static bool knows_us(const struct session *s, const struct subflow *sf)
{
	return s->config.role == SESSION_SERVER || sf->said & SAID_HELLO;
}

/* What has to be said once on each subflow. say() has the order in which it must arrive. */
static unsigned to_say(const struct session *s, const struct subflow *sf)
{
	unsigned say = SAID_PREFACE | SAID_HELLO;

	if (s->state == SESSION_FAILED)
		return knows_us(s, sf) && unknown_to_peer(s->end.kind) ? say | SAID_ABORT
								       : sf->said;
	/* Until the peer has taken the join, the connection does not belong to the session. */
	if (!subflow_ready(sf) && sf->join)
		return say;
	if (s->links.facts_serial && subflow_ready(sf) && !session_finished(s))
		say |= SAID_FACTS;
	if (s->out.ended)
		say |= SAID_END;
	if (s->in.confirmed)
		say |= SAID_CONFIRM;
	if (s->stop)
		say |= SAID_STOP;
	if (session_finished(s) && !session_links_due(s)) {
		say |= SAID_DONE;
		say |= s->links.count ? SAID_LINKS : 0;
		say |= s->links.cost.cpu_ns ? SAID_COST : 0;
	}
	return say;
}

static void say(struct session *s, struct subflow *sf, unsigned what)
{
	if (what & SAID_PREFACE)
		put_preface(&sf->tx);
	if (what & SAID_HELLO) {
		if (s->config.role == SESSION_CLIENT)
			say_hello(s, sf);
		else
			say_welcome(s, sf);
	}
	if (what & SAID_FACTS)
		say_facts(s, &sf->tx);
	if (what & SAID_END)
		say_end(s, &sf->tx);
	if (what & SAID_CONFIRM)
		put_plain(&sf->tx, WIRE_CONFIRM, s->in.total);
	if (what & SAID_STOP)
		put_plain(&sf->tx, WIRE_STOP, s->in.taken);
	if (what & SAID_ABORT)
		say_abort(s, &sf->tx);
	if (what & SAID_LINKS)
		say_links(s, &sf->tx);
	if (what & SAID_COST)
		say_cost(s, &sf->tx);
	if (what & SAID_DONE)
		put_plain(&sf->tx, WIRE_DONE, 0);
	sf->said |= what;
}

static void say_lane(struct subflow *sf)
{
	size_t left;
	uint8_t *p = control_end(&sf->tx, &left);

	control_wrote(&sf->tx, wire_put_lane(p, left, &sf->lane));
	sf->due &= ~(unsigned)DUE_LANE;
}

static bool drain_due(const struct session *s, const struct subflow *sf, uint16_t slot)
{
	return sf->state == SUBFLOW_DRAIN_DUE ||
	       (sf->state == SUBFLOW_DRAIN_HEARD && !sendwin_in_flight(s->out.win, slot));
}

static void say_drain(struct subflow *sf)
{
	put_plain(&sf->tx, WIRE_DRAIN, 0);
	subflow_enter(sf, sf->state == SUBFLOW_DRAIN_DUE ? SUBFLOW_DRAIN_SENT : SUBFLOW_DRAINED);
}

static void build_control(struct session *s, struct subflow *sf, uint16_t slot, uint64_t now_ns)
{
	unsigned what = to_say(s, sf) & ~sf->said;

	sf->tx.control_len = 0;
	sf->tx.control_done = 0;
	if (what)
		say(s, sf, what);
	if (s->state == SESSION_FAILED || !subflow_ready(sf))
		return;
	if (ack_due(s, slot, now_ns))
		say_ack(s, &sf->tx, slot, now_ns);
	if (s->links.count == COUNT_NEW && s->welcomed)
		say_links(s, &sf->tx);
	if (sf->due & DUE_PONG)
		put_plain(&sf->tx, WIRE_PONG, sf->pong_value);
	if (sf->due & DUE_PING)
		put_plain(&sf->tx, WIRE_PING, now_ns);
	sf->due &= ~(unsigned)(DUE_PONG | DUE_PING);
	if (sf->due & DUE_LANE)
		say_lane(sf);
	if (drain_due(s, sf, slot))
		say_drain(sf);
}

/* Chunks */

/* Length of the next new chunk for a subflow, 0: nothing new. */
static uint32_t new_chunk_len(const struct session *s, const struct subflow *sf)
{
	const struct outgoing *out = &s->out;
	uint64_t next = sendwin_next(out->win);
	uint64_t len = sched_chunk_len(&sf->rate);
	uint64_t credit = out->edge > next ? out->edge - next : 0;
	size_t contiguous;

	if (sendwin_full(out->win) || next == out->read)
		return 0;
	len = min_u64(len, bucket_chunk_len(&out->bucket));
	len = min_u64(len, out->read - next);
	/* A window that opens by a few bytes at a time must not be used a few bytes at a time. */
	if (credit < len && credit < SCHED_CHUNK_MIN && sendwin_acked(out->win) < next)
		return 0;
	len = min_u64(len, credit);
	if (!len)
		return 0;
	/* A chunk lies in one block, so that its payload is one piece of memory. */
	winbuf_at(out->buf, next, &contiguous);
	return (uint32_t)min_u64(len, contiguous);
}

/* Bytes that have to leave the subflow before the next one can. */
static uint64_t under_way(const struct session *s, uint16_t slot, uint64_t now_ns)
{
	return sendwin_in_flight(s->out.win, slot) +
	       sched_orphans(&s->subflows[slot]->rate, now_ns);
}

/* A chunk that is stuck on another subflow or, for a subflow that has nothing else to send, one
 * that is late on another subflow and would arrive sooner on this one. */
static struct chunk *late_chunk(struct session *s, const struct subflow *sf, uint16_t slot,
				uint64_t in_flight, bool idle, uint64_t now_ns)
{
	struct chunk *c;
	size_t iter = 0;

	for (int i = 0; i < LATE_SCAN; i++) {
		c = sendwin_iterate(s->out.win, &iter);
		if (!c)
			return NULL;
		if (chunk_carried_by(c, slot))
			continue;
		/* If nothing was heard since, the peer is stopped rather than a path dead. */
		if (sched_stuck(c, now_ns) && (idle || s->contact.heard_ns > c->due_ns))
			return c;
		if (idle && chunk_has_room(c) &&
		    sched_reinject(c, now_ns, sched_due(&sf->rate, in_flight, c->len, now_ns)))
			return c;
	}
	return NULL;
}

static struct chunk *pick_chunk(struct session *s, struct subflow *sf, uint16_t slot,
				uint64_t now_ns)
{
	uint64_t in_flight = under_way(s, slot, now_ns);
	struct chunk *c;
	uint32_t len;

	if (s->n_open > 1 &&
	    !sched_may_pull(&sf->rate, in_flight, session_total_rate(s), s->config.window))
		return NULL;
	c = sendwin_requeued(s->out.win);
	if (!c && s->n_open > 1)
		c = late_chunk(s, sf, slot, in_flight, false, now_ns);
	if (c)
		return c;
	if (s->n_open > 1 && sched_resting(&sf->rate, now_ns))
		return NULL;
	len = new_chunk_len(s, sf);
	/* A table that cannot grow is as good as a full one. */
	if (len)
		return sendwin_push(s->out.win, len);
	if (s->n_open == 1)
		return NULL;
	return late_chunk(s, sf, slot, in_flight, true, now_ns);
}

/* Is there a subflow that need not drain? */
static bool others_ready(const struct session *s)
{
	for (uint16_t i = 0, n = 0; n < s->n_open; i++) {
		const struct subflow *sf = s->subflows[i];

		if (!sf)
			continue;
		if (sf->state == SUBFLOW_READY)
			return true;
		n++;
	}
	return false;
}

static bool may_send_data(const struct session *s, const struct subflow *sf)
{
	if (s->state == SESSION_FAILED || s->out.confirmed)
		return false;
	if (subflow_drains(sf) && others_ready(s))
		return false;
	return subflow_ready(sf) || (!sf->join && !s->welcomed);
}

/* A limit of the rate holds back data only: control frames keep the session alive. */
static bool held_back(struct session *s, uint64_t now_ns)
{
	struct outgoing *out = &s->out;
	bool held = !bucket_open(&out->bucket, now_ns);

	out->bucket_due_ns = held && sendwin_acked(out->win) < out->read
				     ? bucket_due(&out->bucket, now_ns)
				     : SESSION_NO_DEADLINE;
	return held;
}

static void build_data(struct session *s, struct subflow *sf, uint16_t slot, uint64_t now_ns)
{
	struct tx *tx = &sf->tx;
	struct chunk *c;
	size_t contiguous;

	if (held_back(s, now_ns))
		return;
	c = pick_chunk(s, sf, slot, now_ns);
	if (!c)
		return;
	bucket_take(&s->out.bucket, c->len, now_ns);
	if (c->n_sent)
		s->out.reinjected += c->len;
	if (!chunk_has_room(c))
		sched_orphaned(&s->subflows[c->carrier[0]]->rate, c->len, now_ns);
	sendwin_assign(s->out.win, c, slot, now_ns,
		       sched_due(&sf->rate, under_way(s, slot, now_ns), c->len, now_ns));
	if (s->late_check_ns == SESSION_NO_DEADLINE)
		s->late_check_ns = now_ns + LATE_CHECK_NS;
	tx->payload = winbuf_at(s->out.buf, c->offset, &contiguous);
	tx->payload_len = c->len;
	tx->pin = winbuf_pin(s->out.buf, c->offset);
	tx->unsigned_yet = sf->lends && !sf->sealed && c->len >= SESSION_LOAN_MIN;
	if (sf->sealed)
		wire_put_sealed_header(tx->header, c->offset, c->len);
	else if (!tx->unsigned_yet)
		wire_put_header(tx->header, WIRE_DATA, c->offset, tx->payload, c->len);
	tx->offset = c->offset;
	tx->data_len = WIRE_HEADER_LEN + c->len;
	tx->data_done = 0;
}

/* Bytes */

static bool nothing_begun(const struct tx *tx)
{
	return tx->control_done == tx->control_len && !tx->data_len;
}

static size_t payload_done(const struct tx *tx)
{
	return tx->data_done > WIRE_HEADER_LEN ? tx->data_done - WIRE_HEADER_LEN : 0;
}

int session_tx(struct session *s, uint16_t slot, uint64_t now_ns, struct iovec iov[SESSION_IOV])
{
	struct subflow *sf = s->subflows[slot];
	struct tx *tx = &sf->tx;
	int n = 0;

	if (nothing_begun(tx)) {
		build_control(s, sf, slot, now_ns);
		if (may_send_data(s, sf))
			build_data(s, sf, slot, now_ns);
	}
	if (tx->control_done < tx->control_len)
		iov[n++] = (struct iovec){ .iov_base = tx->control + tx->control_done,
					   .iov_len = tx->control_len - tx->control_done };
	if (tx->data_len && tx->data_done < WIRE_HEADER_LEN)
		iov[n++] = (struct iovec){ .iov_base = tx->header + tx->data_done,
					   .iov_len = WIRE_HEADER_LEN - tx->data_done };
	if (tx->data_len) {
		size_t done = payload_done(tx);

		/* writev only reads, but struct iovec has no const. */
		iov[n++] = (struct iovec){ .iov_base = (void *)(uintptr_t)(tx->payload + done),
					   .iov_len = tx->payload_len - done };
	}
	return n;
}

struct session_header session_tx_loan(struct session *s, uint16_t slot)
{
	struct tx *tx = &s->subflows[slot]->tx;
	struct session_header h = { 0 };

	if (tx->unsigned_yet)
		h = (struct session_header){ .out = tx->header,
					     .offset = tx->offset,
					     .payload = tx->payload,
					     .length = tx->payload_len };
	tx->unsigned_yet = false;
	return h;
}

void session_sign(const struct session_header *h)
{
	wire_put_header(h->out, WIRE_DATA, h->offset, h->payload, h->length);
}

void session_tx_done(struct session *s, uint16_t slot, size_t n, uint64_t now_ns)
{
	struct subflow *sf = s->subflows[slot];
	struct tx *tx = &sf->tx;
	size_t control = min_u64(n, tx->control_len - tx->control_done);

	sf->moved_ns = now_ns;
	tx->control_done += control;
	sf->tx_bytes -= payload_done(tx);
	tx->data_done += n - control;
	sf->tx_bytes += payload_done(tx);
	assert(tx->data_done <= tx->data_len);
	if (tx->data_len && tx->data_done == tx->data_len) {
		winbuf_unpin(s->out.buf, tx->pin);
		tx->pin = NULL;
		tx->data_len = 0;
		tx->data_done = 0;
	}
}

bool session_tx_flushed(const struct session *s, uint16_t slot)
{
	const struct subflow *sf = s->subflows[slot];

	return nothing_begun(&sf->tx) && !(to_say(s, sf) & ~sf->said);
}
