/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_lost.c - is the peer heard, and how long does the session wait for it if not?
 *
 * A session is lost while it has no subflow on which the peer was heard. What it holds stays, and
 * the next subflow continues where it stood. enum contact_state is what has been heard:
 *
 *                             bytes on a ready subflow
 *             NEW --------------------------------------------> HEARD <----+
 *             |  ^                                                |        |
 *   last ready|  |another HELLO                       last ready  |        | bytes on a ready
 *     subflow |  |                                      subflow   |        | subflow, or another
 *      closes v  |            bytes on a ready subflow   closes   v        | HELLO
 *          LOST_NEW -----------------------> HEARD              LOST ------+
 *             |                                                   |
 *             +---- patience is over: session_lose(), TIMEOUT ----+
 *
 * - A client's subflow is ready when WELCOME has come; before the first one it is NEW, and nothing
 *   can be lost. A listener's subflow is ready at once. So a join does not end the loss by itself:
 *   its client may be out of reach of our answer, and come back with another join for ever.
 * - With reconnect_ns 0, or when the peer has said DONE, the session does not wait: it ends with
 *   its last subflow.
 * - What died of silence has been lost since then. But a peer that was only stopped has at least
 *   half of the time to come back.
 *
 * From lost_ns on:
 *
 *   client    |-- begins attempts (session_seeks) --|-- answers only --|  lost
 *             0                               reconnect_ns     + SESSION_ANSWER_NS
 *   listener  |------------------- takes joins --------------------------------|  lost
 *             0                                                     + SESSION_LINGER_NS
 *   listener that heard nothing but HELLO: SESSION_NEW_NS at most
 *
 * A session that lacks only words of the peer, no bytes, is done when it is lost for good. It also
 * waits no longer for a peer that is silent on subflows that stand.
 *
 * Invariants: enter() alone changes the contact, along the arrows; lost_ns means something in the
 * two lost states only.
 */
#include <assert.h>

#include "session/internal.h"
#include "util/text.h"

static bool is_lost(enum contact_state contact)
{
	return contact == CONTACT_LOST || contact == CONTACT_LOST_NEW;
}

static void enter(struct session *s, enum contact_state contact)
{
	assert(contact != CONTACT_LOST || s->contact.state == CONTACT_HEARD);
	assert(contact != CONTACT_LOST_NEW || s->contact.state == CONTACT_NEW);
	assert(contact != CONTACT_NEW || s->contact.state == CONTACT_LOST_NEW);
	s->contact.state = contact;
}

/* How long a lost session waits. */
static uint64_t patience(const struct session *s)
{
	bool server = s->config.role == SESSION_SERVER;
	bool heard = s->contact.state == CONTACT_HEARD || s->contact.state == CONTACT_LOST;
	uint64_t ns = s->config.reconnect_ns;

	if (ns)
		ns += server ? SESSION_LINGER_NS : SESSION_ANSWER_NS;
	return server && !heard ? min_u64(ns, SESSION_NEW_NS) : ns;
}

/* The part of it in which a client begins attempts. */
static uint64_t seek_time(const struct session *s)
{
	return min_u64(patience(s), s->config.reconnect_ns);
}

/* Of an empty stream nothing can be missing: only its confirmation was lost. */
static bool nothing_missing(const struct session *s)
{
	return session_finished(s) || (s->in.confirmed && s->out.ended && !s->out.read);
}

void session_lost_begin(struct session *s, uint64_t now_ns)
{
	uint64_t silent_ns = min_u64(now_ns - s->contact.heard_ns, seek_time(s) / 2);

	assert(s->state == SESSION_OPEN);
	if (is_lost(s->contact.state))
		return;
	enter(s, s->contact.state == CONTACT_NEW ? CONTACT_LOST_NEW : CONTACT_LOST);
	s->contact.lost_ns = now_ns - silent_ns;
}

void session_lost_greeted(struct session *s)
{
	if (is_lost(s->contact.state))
		enter(s, s->contact.state == CONTACT_LOST ? CONTACT_HEARD : CONTACT_NEW);
}

void session_lost_heard(struct session *s)
{
	if (s->contact.state != CONTACT_HEARD)
		enter(s, CONTACT_HEARD);
}

void session_lose(struct session *s, enum wire_reason reason)
{
	uint64_t received = reasm_received(s->in.reasm);
	char text[SESSION_TEXT_LEN], duration[32];

	assert(reason == WIRE_R_NONE || reason == WIRE_R_TIMEOUT);
	if (nothing_missing(s)) {
		session_done(s);
		return;
	}
	if (reason == WIRE_R_NONE) {
		session_fail(s, SESSION_END_LOST, reason, received, "lost all connections");
		return;
	}
	text_duration(duration, sizeof(duration), seek_time(s));
	text_printf(text, sizeof(text), "no connection for more than %s", duration);
	session_fail(s, SESSION_END_LOST, reason, received, text);
}

bool session_lost(const struct session *s)
{
	return s->state == SESSION_OPEN && is_lost(s->contact.state);
}

bool session_seeks(const struct session *s, uint64_t now_ns)
{
	return session_lost_left(s, now_ns) > 0;
}

uint64_t session_lost_left(const struct session *s, uint64_t now_ns)
{
	uint64_t gone_ns = now_ns - s->contact.lost_ns;

	return session_lost(s) && gone_ns < seek_time(s) ? seek_time(s) - gone_ns : 0;
}

void session_give_up(struct session *s)
{
	const struct session_end refusal = s->end;

	if (s->state == SESSION_OPEN)
		session_lose(s, WIRE_R_NONE);
	else if (s->end.kind == SESSION_END_REFUSED)
		session_fail(s, refusal.kind, refusal.reason, 0, refusal.text);
	else
		session_fail(s, SESSION_END_LOST, WIRE_R_NONE, 0, "the connection is lost");
}

uint64_t session_lost_deadline(const struct session *s)
{
	if (!is_lost(s->contact.state) || patience(s) > SESSION_NO_DEADLINE - s->contact.lost_ns)
		return SESSION_NO_DEADLINE;
	return s->contact.lost_ns + patience(s);
}

/* Only the peer's word is missing, and the peer does not even answer PING: it is stopped, or a
 * machine between us fell silent and keeps the connections open. */
static bool waits_in_vain(const struct session *s, uint64_t now_ns)
{
	uint64_t limit_ns = patience(s) < SILENT_NS ? SILENT_NS : patience(s);

	return s->n_open && nothing_missing(s) && now_ns - s->contact.heard_ns >= limit_ns;
}

void session_lost_tick(struct session *s, uint64_t now_ns)
{
	if (now_ns >= session_lost_deadline(s) || waits_in_vain(s, now_ns))
		session_lose(s, WIRE_R_TIMEOUT);
}
