/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_grow.c - how many subflows a session is worth
 *
 *            worth more subflows; frugal: and many bytes move
 *   small -------------------------------------------------> grown
 *         <-------------------------------------------------
 *            frugal, and not many bytes moved for SESSION_CALM_NS
 *
 * A session begins with one subflow, since most are over before a second one would stand. It is
 * worth more once SESSION_GROW_BYTES have been read or received, or bytes have been unacknowledged
 * for SESSION_GROW_NS; but not when all that is left has been given to a subflow.
 *
 * A frugal session, one of many, has to move that many bytes within SESSION_FRUGAL_NS as well, and
 * becomes small again. Any other session stays grown.
 *
 * The bytes of a frugal session are counted in windows: `measured` is what had moved when the
 * window began at measured_ns. A new window begins where the last look was, so that a burst between
 * two looks counts.
 */
#include "session/internal.h"

static bool worth_more_subflows(const struct session *s, uint64_t now_ns)
{
	const struct outgoing *out = &s->out;

	if (s->state != SESSION_OPEN)
		return false;
	if (reasm_received(s->in.reasm) > SESSION_GROW_BYTES)
		return true;
	/* All is on its way: more subflows could only carry it a second time. */
	if (out->ended && sendwin_next(out->win) == out->read && !sendwin_n_requeued(out->win))
		return false;
	return out->read > SESSION_GROW_BYTES ||
	       (out->busy_since_ns && now_ns - out->busy_since_ns >= SESSION_GROW_NS);
}

static bool moves_much(struct session *s, uint64_t now_ns)
{
	uint64_t moved = s->out.read + reasm_received(s->in.reasm);

	if (now_ns - s->growth.measured_ns > SESSION_FRUGAL_NS) {
		s->growth.measured_ns = now_ns;
		s->growth.measured = s->growth.moved;
	}
	s->growth.moved = moved;
	return moved - s->growth.measured > SESSION_GROW_BYTES;
}

void session_consider_growth(struct session *s, uint64_t now_ns)
{
	bool much = !s->config.frugal || moves_much(s, now_ns);

	if (much)
		s->growth.much_ns = now_ns;
	if (!s->growth.grown)
		s->growth.grown = much && worth_more_subflows(s, now_ns);
	else if (now_ns - s->growth.much_ns >= SESSION_CALM_NS)
		s->growth.grown = false;
}

bool session_frugal(const struct session *s)
{
	return s->config.frugal;
}

bool session_calm(const struct session *s)
{
	return s->config.frugal && !s->growth.grown && s->n_open > 1;
}

unsigned session_subflows_wanted(const struct session *s)
{
	return s->growth.grown ? s->n_subflows_allowed : 1;
}
