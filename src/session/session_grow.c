/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_grow.c - how many subflows a session is worth
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

	if (now_ns - s->measured_ns > SESSION_FRUGAL_NS) {
		s->measured_ns = now_ns;
		s->measured = s->moved;
	}
	s->moved = moved;
	return moved - s->measured > SESSION_GROW_BYTES;
}

void session_consider_growth(struct session *s, uint64_t now_ns)
{
	bool much = !s->config.frugal || moves_much(s, now_ns);

	if (much)
		s->much_ns = now_ns;
	if (!s->grown)
		s->grown = much && worth_more_subflows(s, now_ns);
	else if (now_ns - s->much_ns >= SESSION_CALM_NS)
		s->grown = false;
}

bool session_frugal(const struct session *s)
{
	return s->config.frugal;
}

bool session_calm(const struct session *s)
{
	return s->config.frugal && !s->grown && s->n_open > 1;
}

unsigned session_subflows_wanted(const struct session *s)
{
	return s->grown ? s->n_subflows_allowed : 1;
}
