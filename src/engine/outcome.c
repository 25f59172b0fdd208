/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outcome.c - how a session ended, as an exit status and one sentence
 *
 * The session says by whom it ended and why (struct session_end). Here that becomes what the user
 * reads, by one function for each kind that needs more than its text:
 *
 *   NONE                                complete                        0
 *   LOST, REFUSED, NOT_MPNC, PROTOCOL   the network or the peer's host  OUTCOME_NETWORK
 *   LOCAL, DIGEST                       this side, or the stream        OUTCOME_INCOMPLETE
 *   PEER                                the peer gave up                OUTCOME_PEER
 *
 * LOST is OUTCOME_INCOMPLETE for a side that was there to receive, as what it wrote is cut off.
 * LOCAL is OUTCOME_NETWORK for a timeout, and OUTCOME_SETUP if both ends only send or only receive.
 * A signal decides the exit status of whatever did not complete.
 *
 * What always holds: a session that is complete has exit status 0, and no other one has, but for a
 * peer's stream that -q cut short.
 */
#include "engine/outcome.h"

#include <errno.h>
#include <string.h>

#include "session/session_stream.h"
#include "util/text.h"

static void set_outcome(struct outcome *out, int exit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_outcome(struct outcome *out, int exit, const char *fmt, ...)
{
	va_list ap;

	out->exit = exit;
	va_start(ap, fmt);
	text_vprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
}

/* How far the stream came is said for the direction that this side is there for. */
static void of_lost(const struct session *s, const char *last_error, struct outcome *out)
{
	const struct session_end *end = session_end(s);
	struct session_stats stats;
	const char *why = last_error ? last_error : "closed by the peer";

	session_stats(s, &stats);
	if (end->reason == WIRE_R_TIMEOUT) {
		bool received = stats.rx_received || !stats.tx_read;

		set_outcome(out, OUTCOME_NETWORK, "%s; %llu bytes had arrived%s (%s)", end->text,
			    (unsigned long long)(received ? end->offset : stats.tx_acked),
			    received ? "" : " at the peer", why);
		return;
	}
	/* A side that has sent nothing was there to receive. */
	if (session_version(s) && !session_received_confirmed(s) &&
	    (stats.rx_received || !stats.tx_read))
		set_outcome(out, OUTCOME_INCOMPLETE,
			    "the stream is incomplete: connections lost at offset %llu (%s)",
			    (unsigned long long)end->offset, why);
	else
		set_outcome(out, OUTCOME_NETWORK, "lost all connections: %s", why);
}

static void of_local(const struct session_end *end, struct outcome *out)
{
	int exit = OUTCOME_INCOMPLETE;

	if (end->reason == WIRE_R_TIMEOUT)
		exit = OUTCOME_NETWORK;
	else if (end->reason == WIRE_R_CONFLICT)
		exit = OUTCOME_SETUP;
	set_outcome(out, exit, "%s (at offset %llu)", end->text, (unsigned long long)end->offset);
}

static void of_peer(const struct session *s, struct outcome *out)
{
	const struct session_end *end = session_end(s);

	/* It had more to send when we asked it to stop (-q). */
	if (end->reason == WIRE_R_STOPPED && session_stopped(s) && session_sent_confirmed(s))
		set_outcome(out, OUTCOME_OK, "complete; the peer's stream was cut short");
	else
		set_outcome(out, end->reason == WIRE_R_DIGEST ? OUTCOME_INCOMPLETE : OUTCOME_PEER,
			    "the peer gave up at offset %llu: %s", (unsigned long long)end->offset,
			    end->text);
}

static void of_refused(const struct session *s, struct outcome *out)
{
	const struct session_end *end = session_end(s);

	if (session_version(s))
		set_outcome(out, OUTCOME_NETWORK,
			    "lost all connections, and the peer no longer knows the session (at "
			    "offset %llu)",
			    (unsigned long long)end->offset);
	else
		set_outcome(out, OUTCOME_NETWORK, "the peer refused the session: %s", end->text);
}

void outcome_of(const struct session *session, const char *last_error, int signal,
		struct outcome *out)
{
	const struct session_end *end = session_end(session);

	switch (end->kind) {
	case SESSION_END_NONE:
		set_outcome(out, OUTCOME_OK, "complete");
		break;
	case SESSION_END_LOST:
		of_lost(session, last_error, out);
		break;
	case SESSION_END_REFUSED:
		of_refused(session, out);
		break;
	case SESSION_END_NOT_MPNC:
		set_outcome(out, OUTCOME_NETWORK, "peer is not mpnc: it sent \"%s\"", end->text);
		break;
	case SESSION_END_LOCAL:
		of_local(end, out);
		break;
	case SESSION_END_PEER:
		of_peer(session, out);
		break;
	case SESSION_END_PROTOCOL:
		set_outcome(out, OUTCOME_NETWORK, "protocol error: %s", end->text);
		break;
	case SESSION_END_DIGEST:
		set_outcome(out, OUTCOME_INCOMPLETE, "%s", end->text);
		break;
	}
	/* Whatever else happened meanwhile: somebody wants us to end. */
	if (signal && end->kind != SESSION_END_NONE)
		out->exit = OUTCOME_SIGNAL + signal;
}

enum wire_reason outcome_refusal(int result)
{
	switch (result) {
	case -EACCES:
	case -ESHUTDOWN:
		return WIRE_R_NO_SESSION;
	case SESSION_E_LIMIT:
	case -EMFILE:
	case -ENFILE:
	case -ENOSPC: /* more peers than may be known, or sockets than epoll may watch */
		return WIRE_R_LIMIT;
	case -ENOMEM:
	case -ENOBUFS:
		return WIRE_R_MEMORY;
	default:
		return WIRE_R_NONE;
	}
}

const char *outcome_refusal_text(int result)
{
	switch (result) {
	case SESSION_E_LIMIT:
		return wire_reason_text(WIRE_R_LIMIT);
	case -EACCES:
		return "another key or certificate began the session";
	case -ESHUTDOWN:
		return "the session has ended";
	default:
		return strerror(-result);
	}
}
