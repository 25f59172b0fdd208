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

/* How much of our stream the peer's output has taken, as far as we know: ACK may lag behind the
 * offset that ABORT brings. */
static uint64_t taken_by_peer(const struct session_end *end, const struct session_stats *stats)
{
	bool later = end->kind == SESSION_END_PEER && end->reason != WIRE_R_INPUT &&
		     end->offset > stats->tx_taken && end->offset <= stats->tx_read;

	return later ? end->offset : stats->tx_taken;
}

/* "; 8192 bytes had arrived": the part of the sentence that says how far the streams came, in every
 * outcome that has it. A direction in which nothing was sent is left out. */
static void add_extent(const struct session *s, struct outcome *out)
{
	size_t len = strlen(out->reason), size = sizeof(out->reason);
	struct session_stats stats;
	unsigned long long sent, received;
	const char *where = " at the peer";

	session_stats(s, &stats);
	sent = taken_by_peer(session_end(s), &stats);
	received = stats.rx_taken;
	if (stats.rx_received && stats.tx_read)
		text_printf(out->reason + len, size - len,
			    "; %llu bytes had arrived, and %llu at the peer", received, sent);
	else if (stats.rx_received || stats.tx_read)
		text_printf(out->reason + len, size - len, "; %llu bytes had arrived%s",
			    stats.tx_read ? sent : received, stats.tx_read ? where : "");
}

static void of_lost(const struct session *s, const char *last_error, struct outcome *out)
{
	const struct session_end *end = session_end(s);
	struct session_stats stats;
	const char *why = last_error ? last_error : "closed by the peer";

	session_stats(s, &stats);
	/* A side that has sent nothing was there to receive. */
	if (end->reason == WIRE_R_TIMEOUT)
		set_outcome(out, OUTCOME_NETWORK, "%s (%s)", end->text, why);
	else if (session_version(s) && !session_received_confirmed(s) &&
		 (stats.rx_received || !stats.tx_read))
		set_outcome(out, OUTCOME_INCOMPLETE,
			    "the stream is incomplete: lost all connections (%s)", why);
	else
		set_outcome(out, OUTCOME_NETWORK, "lost all connections: %s", why);
	add_extent(s, out);
}

static void of_local(const struct session *s, struct outcome *out)
{
	const struct session_end *end = session_end(s);
	int exit = OUTCOME_INCOMPLETE;

	if (end->reason == WIRE_R_TIMEOUT)
		exit = OUTCOME_NETWORK;
	else if (end->reason == WIRE_R_CONFLICT)
		exit = OUTCOME_SETUP;
	set_outcome(out, exit, "%s", end->text);
	add_extent(s, out);
}

static void of_peer(const struct session *s, struct outcome *out)
{
	const struct session_end *end = session_end(s);

	/* It had more to send when we asked it to stop (-q). */
	if (end->reason == WIRE_R_STOPPED && session_stopped(s) && session_sent_confirmed(s)) {
		set_outcome(out, OUTCOME_OK, "complete; the peer's stream was cut short");
		return;
	}
	set_outcome(out, end->reason == WIRE_R_DIGEST ? OUTCOME_INCOMPLETE : OUTCOME_PEER,
		    "the peer gave up: %s", end->text);
	add_extent(s, out);
}

static void of_refused(const struct session *s, struct outcome *out)
{
	if (!session_version(s)) {
		set_outcome(out, OUTCOME_NETWORK, "the peer refused the session: %s",
			    session_end(s)->text);
		return;
	}
	set_outcome(out, OUTCOME_NETWORK,
		    "lost all connections, and the peer no longer knows the session");
	add_extent(s, out);
}

static void of_protocol(const struct session *s, struct outcome *out)
{
	set_outcome(out, OUTCOME_NETWORK, "protocol error: %s", session_end(s)->text);
	add_extent(s, out);
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
		of_local(session, out);
		break;
	case SESSION_END_PEER:
		of_peer(session, out);
		break;
	case SESSION_END_PROTOCOL:
		of_protocol(session, out);
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
