/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_rx.c - bytes from the peer: frames taken apart, one function per frame
 *
 * enum rx_state is the part of a frame that a subflow reads, and so where the next bytes go:
 *
 *   PREFACE --> HEADER --+--> CONTROL (body) ------------------> frame_fns[type] --> HEADER
 *   (client)             |
 *                        +--> DATA (window) --> check is right --> held by reasm --> HEADER
 *                        |     ^      | held meanwhile, by another subflow
 *                        |     |      v
 *                        +-----|--> DISCARD (scratch) ----------------------------> HEADER
 *                        |     | a block is free
 *                        +--> WAIT ----> DISCARD, when held meanwhile
 *                       (no memory: the bytes stay in the socket)
 *
 * Payload goes straight to its offset in the window. Two subflows may write the same chunk there at
 * once (a reinjected one), so a chunk is checked where it lies when it is complete, and one that
 * became held meanwhile is read into scratch from then on.
 *
 * A fault of one connection (a wrong check, a frame out of turn: the network, or another program)
 * closes that connection: close_with(). A contradiction between checked frames is the peer's fault,
 * and fails the session: break_off(). A header of DATA is not checked until its body is there, so
 * it can at most close the connection.
 *
 * Invariants: nothing beyond in.edge is written to the window; bytes that reasm holds are never
 * written again; after the session's end bytes are read and not looked at.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "session/handshake.h"
#include "session/internal.h"
#include "util/text.h"

static int close_with(struct subflow *sf, const char *fault)
{
	sf->fault = fault;
	return SESSION_E_CLOSE;
}

/* The peer's frames contradict each other: not this connection but the peer is at fault. */
static int break_off(struct session *s, struct subflow *sf, const char *text)
{
	session_fail(s, SESSION_END_PROTOCOL, WIRE_R_PROTOCOL, reasm_received(s->in.reasm), text);
	return 0;
}

/* Where bytes go */

static bool still_wanted(const struct session *s, const struct rx *rx)
{
	return reasm_test(s->in.reasm, rx->header.value, rx->header.length) == REASM_NEW;
}

static struct iovec next_header(struct rx *rx)
{
	return (struct iovec){ .iov_base = rx->start + WIRE_PREFACE_LEN,
			       .iov_len = WIRE_HEADER_LEN };
}

static int data_space(struct session *s, struct rx *rx, struct iovec *iov)
{
	uint64_t at = rx->header.value + rx->body_have;
	size_t left = rx->header.length - rx->body_have;
	int n = 0;

	while (left) {
		size_t contiguous;

		iov[n].iov_base = winbuf_at(s->in.buf, at, &contiguous);
		iov[n].iov_len = contiguous < left ? contiguous : left;
		left -= iov[n].iov_len;
		at += iov[n].iov_len;
		n++;
	}
	/* The header of the next frame mostly follows at once: one system call for both. */
	iov[n++] = next_header(rx);
	return n;
}

static int discard_space(struct session *s, struct rx *rx, struct iovec *iov)
{
	size_t left = rx->header.length - rx->body_have;

	iov[0].iov_base = winpool_scratch(s->pool);
	iov[0].iov_len = left < WINPOOL_SCRATCH ? left : WINPOOL_SCRATCH;
	return 1;
}

static int control_space(struct rx *rx, struct iovec *iov)
{
	iov[0].iov_base = rx->body + rx->body_have;
	iov[0].iov_len = rx->header.length - rx->body_have;
	iov[1] = next_header(rx);
	return 2;
}

/* Further bytes are read, so that closing does not reset the connection, and not looked at. */
static bool is_over(const struct session *s)
{
	return s->state == SESSION_FAILED || s->state == SESSION_DONE;
}

/* Does a thread write some of the bytes of this chunk for another subflow? */
static bool lent_elsewhere(const struct session *s, const struct rx *rx)
{
	for (uint16_t i = 0; s->in.n_lent && i < SUBFLOWS_MAX; i++) {
		const struct rx *other = s->subflows[i] ? &s->subflows[i]->rx : NULL;

		if (!other || other == rx || other->loan != LOAN_OUT)
			continue;
		if (rx->header.value < other->header.value + other->header.length &&
		    other->header.value < rx->header.value + rx->header.length)
			return true;
	}
	return false;
}

int session_rx_space(struct session *s, uint16_t slot, struct iovec iov[SESSION_IOV])
{
	struct rx *rx = &s->subflows[slot]->rx;

	if (is_over(s)) {
		iov[0] = (struct iovec){ .iov_base = winpool_scratch(s->pool),
					 .iov_len = WINPOOL_SCRATCH };
		return 1;
	}
	if ((rx->state == RX_DATA || rx->state == RX_WAIT) && !still_wanted(s, rx))
		rx->state = RX_DISCARD;
	if (rx->state == RX_WAIT && session_chunk_memory(s, rx))
		return 0;
	switch (rx->state) {
	case RX_DATA:
		return lent_elsewhere(s, rx) ? 0 : data_space(s, rx, iov);
	case RX_DISCARD:
		return discard_space(s, rx, iov);
	case RX_CONTROL:
		return control_space(rx, iov);
	case RX_PREFACE:
		iov[0].iov_base = rx->start + rx->start_have;
		iov[0].iov_len = sizeof(rx->start) - rx->start_have;
		return 1;
	default:
		iov[0].iov_base = rx->start + WIRE_PREFACE_LEN + rx->start_have;
		iov[0].iov_len = WIRE_HEADER_LEN - rx->start_have;
		return 1;
	}
}

size_t session_rx_missing(const struct session *s, uint16_t slot)
{
	const struct rx *rx = &s->subflows[slot]->rx;

	return rx->state == RX_DATA ? rx->header.length - rx->body_have : 0;
}

/* Frames */

static int on_welcome(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_welcome m;

	if (s->config.role != SESSION_CLIENT || subflow_ready(sf))
		return close_with(sf, "it sent WELCOME out of turn");
	if (wire_get_welcome(sf->rx.body, sf->rx.header.length, &m))
		return close_with(sf, "it sent a malformed WELCOME");
	if (m.version < WIRE_VERSION_MIN || m.version > WIRE_VERSION_MAX)
		return break_off(s, sf, "the peer chose a protocol version that was not offered");
	if (s->welcomed && m.version != s->version)
		return break_off(s, sf, "the peer chose another protocol version for a join");
	if (m.features & ~WIRE_FEATURES)
		return break_off(s, sf, "the peer chose features that were not offered");
	subflow_enter(sf, SUBFLOW_READY);
	session_lost_heard(s);
	if (handshake_conflict(session_side(&s->config), m.side)) {
		session_fail(s, SESSION_END_LOCAL, WIRE_R_CONFLICT, 0,
			     wire_reason_text(WIRE_R_CONFLICT));
		return 0;
	}
	sf->peer_names = m.items.names;
	/* An ACK on another subflow may have overtaken this, and an edge never goes back. */
	if (m.edge > s->out.edge)
		s->out.edge = m.edge;
	if (s->welcomed)
		return 0;
	s->welcomed = true;
	s->state = SESSION_OPEN;
	s->end = (struct session_end){ 0 };
	s->version = m.version;
	s->features = m.features;
	s->peer.side = m.side;
	session_put_peer_facts(s, &m.items.facts);
	s->peer.addrs = m.items.addrs;
	s->peer.expected = m.items.size;
	if (m.n_subflows && m.n_subflows < s->n_subflows_allowed)
		s->n_subflows_allowed = m.n_subflows;
	return 0;
}

/* The peer does not know the session, and no subflow is left. */
static void forgotten(struct session *s, const struct wire_notice *m)
{
	if (session_finished(s))
		session_done(s);
	else
		session_fail(s, SESSION_END_REFUSED, m->reason, reasm_received(s->in.reasm),
			     wire_reason_text(m->reason));
}

static int on_refuse(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_notice m;

	if (s->config.role != SESSION_CLIENT || subflow_ready(sf))
		return close_with(sf, "it sent REFUSE out of turn");
	if (wire_get_notice(&sf->rx.header, sf->rx.body, &m))
		return close_with(sf, "it sent a malformed REFUSE");
	if (sf->join || s->state != SESSION_CONNECTING) {
		/* With no other subflow left the session has ended: the peer has forgotten it. */
		if (m.reason == WIRE_R_NO_SESSION && !session_subflows_ready(s))
			forgotten(s, &m);
		return close_with(sf, wire_reason_text(m.reason));
	}
	/* Not the session's end yet: the caller may try again (--retry). */
	s->end.kind = SESSION_END_REFUSED;
	s->end.reason = m.reason;
	text_printf(s->end.text, sizeof(s->end.text), "%s",
		    m.text[0] ? m.text : wire_reason_text(m.reason));
	return close_with(sf, s->end.text);
}

static void chunk_acked(void *arg, const struct chunk *c)
{
	struct session *s = arg;

	/* With two carriers it is unknown which one delivered. Most likely the second did, if it
	 * was given the chunk when the first had had as long as the second needs. */
	if (c->carrier[1] != SENDWIN_NOBODY &&
	    c->sent_ns - c->first_ns > s->subflows[c->carrier[1]]->rate.latency_ns)
		sched_orphaned(&s->subflows[c->carrier[0]]->rate, c->len, s->contact.heard_ns);
	for (int i = 0; i < SENDWIN_CARRIERS; i++) {
		uint16_t slot = c->carrier[i];

		/* Sent twice, its time is ambiguous: Karn's rule (RFC 6298, 3). */
		if (slot == SENDWIN_NOBODY || c->n_sent > 1)
			continue;
		sched_delivered(&s->subflows[slot]->rate, c->len, c->sent_ns, s->contact.heard_ns,
				sendwin_in_flight(s->out.win, slot) == c->len);
	}
}

static bool take_ack(struct session *s, const struct wire_ack *ack, uint64_t now_ns)
{
	struct outgoing *out = &s->out;
	uint64_t before = sendwin_acked(out->win);

	if (!sendwin_ack(out->win, ack, chunk_acked, s))
		return false;
	if (ack->taken > out->taken)
		out->taken = ack->taken;
	if (ack->edge > out->edge)
		out->edge = ack->edge;
	if (sendwin_acked(out->win) > before)
		out->acked_ns = now_ns;
	/* Only what lies below all gaps may go: the rest may have to be sent again. */
	winbuf_release(out->buf, sendwin_acked(out->win));
	if (sendwin_acked(out->win) == out->read) {
		out->busy_since_ns = 0;
		session_drain_input(s);
	} else if (sendwin_acked(out->win) > before && !out->busy_since_ns) {
		out->busy_since_ns = now_ns;
	}
	return true;
}

static int on_ack(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_ack ack;

	if (wire_get_ack(&sf->rx.header, sf->rx.body, &ack))
		return close_with(sf, "it sent a malformed ACK");
	if (!take_ack(s, &ack, now_ns))
		return close_with(sf, "it acknowledged what was never sent");
	return 0;
}

static int on_end(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct incoming *in = &s->in;
	uint8_t digest[DIGEST_LEN];
	uint64_t total = sf->rx.header.value;

	if (wire_get_end(sf->rx.body, sf->rx.header.length, digest))
		return close_with(sf, "it sent a malformed END");
	/* END comes once on each subflow, since any of them may die; all say the same. */
	if (in->ended && (in->total != total || memcmp(in->digest, digest, DIGEST_LEN)))
		return break_off(s, sf, "the peer sent two ENDs that differ");
	if (total < reasm_highest(in->reasm))
		return break_off(s, sf, "the peer sent bytes beyond the end of its stream");
	in->ended = true;
	in->total = total;
	memcpy(in->digest, digest, DIGEST_LEN);
	return 0;
}

static int on_confirm(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_ack all = { .received = s->out.read,
				.taken = s->out.read,
				.edge = s->out.read };

	/* CONFIRM stands for an ACK of everything, which may have been lost with its subflow. */
	if (!s->out.ended || sf->rx.header.value != s->out.read ||
	    sendwin_next(s->out.win) != s->out.read)
		return break_off(s, sf, "the peer confirmed what was never sent");
	take_ack(s, &all, now_ns);
	s->out.confirmed = true;
	session_check_done(s);
	return 0;
}

static int on_stop(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	s->peer.stopped = true;
	return 0;
}

static int on_abort(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_notice m;

	if (wire_get_notice(&sf->rx.header, sf->rx.body, &m))
		return close_with(sf, "it sent a malformed ABORT");
	/* All is confirmed: what happened to the peer since then does not concern the streams. */
	if (session_finished(s)) {
		s->peer.done = true;
		session_check_done(s);
		return 0;
	}
	session_fail(s, SESSION_END_PEER, m.reason, m.offset,
		     m.text[0] ? m.text : wire_reason_text(m.reason));
	return 0;
}

static int on_ping(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	/* Only the last one is answered, so that a flood of them costs no memory. */
	sf->due |= DUE_PONG;
	sf->pong_value = sf->rx.header.value;
	return 0;
}

static int on_pong(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	return 0;
}

static int on_done(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	s->peer.done = true;
	session_check_done(s);
	return 0;
}

/* LINKS on different subflows can overtake one another: the newest time wins. */
static int on_links(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_links m;

	if (wire_get_links(&sf->rx.header, sf->rx.body, &m))
		return close_with(sf, "it sent malformed counters of its links");
	/* Counters of another number of links belong to facts that are not here yet, or were. */
	if (m.n == s->peer.facts.n_links && m.time_ns >= s->peer.counters.time_ns)
		s->peer.counters = m;
	return 0;
}

static int on_lane(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	if (wire_get_lane(&sf->rx.header, sf->rx.body, &sf->peer_lane))
		return close_with(sf, "it sent a malformed lane");
	return 0;
}

static int on_drain(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	/* Both ends may begin at once; each then answers the other, and both are done. */
	if (sf->state == SUBFLOW_READY || sf->state == SUBFLOW_DRAIN_DUE)
		subflow_enter(sf, SUBFLOW_DRAIN_HEARD);
	else if (sf->state == SUBFLOW_DRAIN_SENT)
		subflow_enter(sf, SUBFLOW_DRAINED);
	return 0;
}

/* FACTS on different subflows can overtake one another: the highest serial wins. */
static int on_facts(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct wire_facts m;

	if (wire_get_facts(sf->rx.body, sf->rx.header.length, &m))
		return close_with(sf, "it sent malformed facts of its links");
	if (sf->rx.header.value <= s->peer.facts_serial)
		return 0;
	s->peer.facts_serial = sf->rx.header.value;
	session_put_peer_facts(s, &m);
	return 0;
}

static int on_cost(struct session *s, struct subflow *sf)
{
	struct wire_cost m;

	if (wire_get_cost(&sf->rx.header, sf->rx.body, &m))
		return close_with(sf, "it sent a malformed COST");
	s->peer.cost = m;
	return 0;
}

typedef int (*frame_fn)(struct session *s, struct subflow *sf, uint64_t now_ns);

static const frame_fn frame_fns[] = {
	[WIRE_WELCOME] = on_welcome, [WIRE_REFUSE] = on_refuse,   [WIRE_ACK] = on_ack,
	[WIRE_END] = on_end,         [WIRE_CONFIRM] = on_confirm, [WIRE_STOP] = on_stop,
	[WIRE_ABORT] = on_abort,     [WIRE_PING] = on_ping,       [WIRE_PONG] = on_pong,
	[WIRE_DONE] = on_done,       [WIRE_LINKS] = on_links,     [WIRE_LANE] = on_lane,
	[WIRE_DRAIN] = on_drain,     [WIRE_FACTS] = on_facts,
};

/* What may come before WELCOME: the answer to HELLO, ABORT, and PING, by which a listener shows a
 * client in its queue that it is still there. */
static bool may_come_first(uint8_t type)
{
	return type == WIRE_WELCOME || type == WIRE_REFUSE || type == WIRE_ABORT ||
	       type == WIRE_PING;
}

static int control_complete(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	const struct wire_header *h = &sf->rx.header;

	if (digest_check(sf->rx.body, h->length, sf->rx.seed) != h->check)
		return close_with(sf, "a control frame does not match its checksum");
	if (h->type == WIRE_COST && subflow_ready(sf))
		return on_cost(s, sf);
	if (h->type >= WIRE_OPTIONAL)
		return 0;
	if (!subflow_ready(sf) && !may_come_first(h->type))
		return close_with(sf, "it sent a frame before WELCOME");
	if (h->type >= sizeof(frame_fns) / sizeof(frame_fns[0]) || !frame_fns[h->type])
		return close_with(sf, "it sent a frame out of turn");
	return frame_fns[h->type](s, sf, now_ns);
}

/* DATA */

/* The header may be spoilt, its check comes with the body: nothing here may end the session. */
static int data_header(struct session *s, struct subflow *sf)
{
	struct rx *rx = &sf->rx;
	uint64_t end = rx->header.value + rx->header.length;

	if (!subflow_ready(sf))
		return close_with(sf, "it sent DATA before WELCOME");
	if (end > s->in.edge)
		return close_with(sf, "it sent DATA beyond the window");
	if (s->in.ended && end > s->in.total)
		return close_with(sf, "it sent DATA beyond the end of the stream");
	rx->state = RX_DISCARD;
	if (!still_wanted(s, rx))
		return 0;
	session_chunk_memory(s, rx);
	return 0;
}

/* Where a chunk lies, and what is to be verified. */
static void chunk_of(const struct session *s, const struct rx *rx, struct session_chunk *out)
{
	uint64_t at = rx->header.value;
	size_t left = rx->header.length;

	out->n_parts = 0;
	out->missing = rx->header.length - rx->body_have;
	out->seed = rx->seed;
	out->check = rx->header.check;
	while (left) {
		struct iovec *part = &out->part[out->n_parts++];
		size_t contiguous;

		part->iov_base = winbuf_at(s->in.buf, at, &contiguous);
		part->iov_len = contiguous < left ? contiguous : left;
		at += part->iov_len;
		left -= part->iov_len;
	}
}

enum session_verdict session_verify(const struct session_chunk *c, size_t n, struct digest *d)
{
	uint64_t check;

	if (!c->n_parts || n < c->missing)
		return SESSION_NOT_VERIFIED;
	if (c->n_parts == 1) {
		check = digest_check(c->part[0].iov_base, c->part[0].iov_len, c->seed);
	} else {
		digest_begin_check(d, c->seed);
		for (int i = 0; i < c->n_parts; i++)
			digest_feed_check(d, c->part[i].iov_base, c->part[i].iov_len);
		check = digest_end_check(d);
	}
	return check == c->check ? SESSION_RIGHT : SESSION_WRONG;
}

bool session_rx_lends(const struct session *s, uint16_t slot)
{
	const struct rx *rx = &s->subflows[slot]->rx;

	return rx->state == RX_DATA && rx->header.length >= SESSION_LOAN_MIN && !is_over(s);
}

bool session_rx_loan(struct session *s, uint16_t slot, struct session_chunk *out)
{
	struct subflow *sf = s->subflows[slot];

	if (!session_rx_lends(s, slot))
		return false;
	assert(sf->rx.loan == LOAN_NONE);
	chunk_of(s, &sf->rx, out);
	if (sf->sealed)
		out->n_parts = 0;
	sf->rx.loan = LOAN_OUT;
	s->in.n_lent++;
	return true;
}

void session_rx_return(struct session *s, uint16_t slot, enum session_verdict verdict)
{
	static const enum rx_loan loans[] = { [SESSION_NOT_VERIFIED] = LOAN_NONE,
					      [SESSION_RIGHT] = LOAN_RIGHT,
					      [SESSION_WRONG] = LOAN_WRONG };
	struct rx *rx = &s->subflows[slot]->rx;

	assert(rx->loan == LOAN_OUT);
	rx->loan = loans[verdict];
	s->in.n_lent--;
}

/* The chunk is complete. Of a sealed connection only the header has a check. */
static bool chunk_ok(const struct session *s, const struct subflow *sf)
{
	const struct rx *rx = &sf->rx;
	struct session_chunk c;

	if (sf->sealed)
		return digest_check("", 0, rx->seed) == rx->header.check;
	if (rx->loan != LOAN_NONE)
		return rx->loan == LOAN_RIGHT;
	chunk_of(s, rx, &c);
	return session_verify(&c, c.missing, s->check) == SESSION_RIGHT;
}

static void plan_ack(struct session *s, uint32_t len, uint64_t now_ns)
{
	struct incoming *in = &s->in;

	in->bytes_since_ack += len;
	session_ack_by(s, in->bytes_since_ack >= ACK_BYTES ? now_ns : now_ns + ACK_NS);
}

/* Returns what reasm_add does. */
static int hold(struct session *s, const struct rx *rx, uint64_t now_ns)
{
	struct incoming *in = &s->in;
	uint64_t before = reasm_received(in->reasm);
	bool had_gap = reasm_highest(in->reasm) > before;
	int r = reasm_add(in->reasm, rx->header.value, rx->header.length);

	if (in->taken == before)
		in->taken_ns = now_ns;
	if (!had_gap || reasm_received(in->reasm) > before)
		in->rose_ns = now_ns;
	return r;
}

static int data_complete(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;
	int r;

	if (!chunk_ok(s, sf))
		return close_with(sf, "DATA does not match its checksum");
	if (s->config.send_only)
		return break_off(s, sf, "the peer sent bytes although we take none (--send-only)");
	if (s->in.ended && rx->header.value + rx->header.length > s->in.total)
		return break_off(s, sf, "the peer sent bytes beyond the end of its stream");
	r = hold(s, rx, now_ns);
	if (r == -ENOBUFS)
		return close_with(sf, "it left more gaps than a sender may");
	if (r) {
		session_abort(s, WIRE_R_MEMORY, reasm_received(s->in.reasm), "out of memory");
		return 0;
	}
	plan_ack(s, rx->header.length, now_ns);
	session_consider_growth(s, now_ns);
	return 0;
}

static int discard_complete(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;

	if (reasm_test(s->in.reasm, rx->header.value, rx->header.length) == REASM_PARTLY)
		return close_with(sf, "its DATA overlaps with what is held");
	/* The peer sent it again because it does not know that we hold it. */
	plan_ack(s, rx->header.length, now_ns);
	return 0;
}

/* Bytes */

static int body_complete(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;
	enum rx_state state = rx->state;

	rx->state = RX_HEADER;
	if (state == RX_DATA)
		return data_complete(s, sf, now_ns);
	if (state == RX_DISCARD)
		return discard_complete(s, sf, now_ns);
	return control_complete(s, sf, now_ns);
}

static int header_complete(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;
	const uint8_t *header = rx->start + WIRE_PREFACE_LEN;
	int r = 0;

	rx->start_have = 0;
	rx->body_have = 0;
	rx->loan = LOAN_NONE;
	if (wire_get_header(header, &rx->header))
		return close_with(sf, "it sent a malformed frame header");
	rx->seed = wire_seed(header);
	rx->state = RX_CONTROL;
	if (rx->header.type == WIRE_DATA)
		r = data_header(s, sf);
	else if (!rx->header.length)
		r = body_complete(s, sf, now_ns);
	return r;
}

/* A network error flips one bit; the greeting of another program differs in more. */
static bool is_foreign(const uint8_t *preface, size_t n)
{
	int n_bits = 0;

	for (size_t i = 0; i < n; i++)
		n_bits += __builtin_popcount(preface[i] ^ (unsigned)WIRE_PREFACE[i]);
	return n_bits > 1;
}

/* Preface and first header are read in one go: mpnc sends at least these, and more than eight bytes
 * of another program's greeting can then be quoted. */
static int preface_bytes(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;
	size_t n = rx->start_have < WIRE_PREFACE_LEN ? rx->start_have : WIRE_PREFACE_LEN;
	char text[SESSION_TEXT_LEN];

	if (is_foreign(rx->start, n)) {
		text_quote(text, sizeof(text), rx->start, rx->start_have);
		if (sf->join || s->state != SESSION_CONNECTING)
			return close_with(sf, "its peer is not mpnc");
		session_fail(s, SESSION_END_NOT_MPNC, WIRE_R_NONE, 0, text);
		return 0;
	}
	if (rx->start_have < sizeof(rx->start))
		return 0;
	if (memcmp(rx->start, WIRE_PREFACE, WIRE_PREFACE_LEN))
		return close_with(sf, "its greeting was changed on the way");
	rx->state = RX_HEADER;
	return header_complete(s, sf, now_ns);
}

/* Takes up to n bytes for the part of a frame that is being read; returns how many that were. */
static size_t consume(struct subflow *sf, size_t n)
{
	struct rx *rx = &sf->rx;
	size_t want;

	if (rx->state == RX_PREFACE || rx->state == RX_HEADER) {
		want = (rx->state == RX_PREFACE ? sizeof(rx->start) : WIRE_HEADER_LEN) -
		       rx->start_have;
		n = n < want ? n : want;
		rx->start_have += n;
		return n;
	}
	want = rx->header.length - rx->body_have;
	n = n < want ? n : want;
	rx->body_have += (uint32_t)n;
	if (rx->header.type == WIRE_DATA)
		sf->rx_bytes += n;
	return n;
}

static int advance(struct session *s, struct subflow *sf, uint64_t now_ns)
{
	struct rx *rx = &sf->rx;

	if (rx->state == RX_PREFACE)
		return preface_bytes(s, sf, now_ns);
	if (rx->state == RX_HEADER)
		return rx->start_have < WIRE_HEADER_LEN ? 0 : header_complete(s, sf, now_ns);
	return rx->body_have < rx->header.length ? 0 : body_complete(s, sf, now_ns);
}

int session_rx(struct session *s, uint16_t slot, size_t n, uint64_t now_ns)
{
	struct subflow *sf = s->subflows[slot];

	sf->heard_ns = now_ns;
	sf->ping_ns = 0;
	s->contact.heard_ns = now_ns;
	s->contact.heard_slot = slot;
	s->contact.heard_bytes += n;
	/* What a client says after HELLO shows that WELCOME has reached it. */
	if (subflow_ready(sf))
		session_lost_heard(s);
	while (n && !is_over(s)) {
		size_t took;
		int r;

		took = consume(sf, n);
		assert(took);
		n -= took;
		r = advance(s, sf, now_ns);
		if (r)
			return r;
	}
	return 0;
}
