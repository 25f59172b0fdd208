/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watch: whether the last changes did harm
 *
 *   CALM --- connections opened or closed ---> ACTED --- progress is as before ---> CALM
 *                                                |       (or a stream rests for long)
 *                                                +------ less: undo, freeze ------> CALM
 *
 * Progress is what the streams have moved, whatever is believed of links: bytes that were given to
 * a connection, each once, or that have come, in order or not. Bytes in order alone would stand
 * still behind one late chunk of a slow link, and that would look like harm.
 *
 * What was opened since the first change is closed; what the plan has is opened again only if
 * something was closed. Where all connections arrive on one link, the plan's would do harm again.
 *
 * Always: at least one connection stays; steering that is frozen does nothing.
 */
#include "plan/steer_internal.h"

#include <string.h>

/* A stream that moved less than this part of both before the changes is left out. */
#define MINOR_PART 10

enum finding { WAITS, NO_HARM, HARM };

/* What the last changes did, once they have had their time. */
static enum finding compare(const struct steer_watch *w, const struct steer_view *v)
{
	uint64_t all = w->before[COVER_OUT] + w->before[COVER_IN], before = 0, now = 0;

	if (v->now_ns < w->acted_ns + STEER_WATCH_NS)
		return WAITS;
	if (!all)
		return NO_HARM;
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		if (w->before[dir] * MINOR_PART < all)
			continue;
		if (v->rested[dir])
			return v->now_ns < w->acted_ns + STEER_WATCH_MAX_NS ? WAITS : NO_HARM;
		before += w->before[dir];
		now += v->progress[dir];
	}
	return now * 100 >= before * STEER_HARM_PERCENT ? NO_HARM : HARM;
}

bool steer_watch_found_harm(struct steer_watch *w, const struct steer_view *v)
{
	enum finding finding = w->state == STEER_WATCH_CALM ? WAITS : compare(w, v);

	if (finding == WAITS)
		return false;
	w->state = STEER_WATCH_CALM;
	if (finding == NO_HARM) {
		w->pause_ns = w->pause_ns > STEER_FREEZE_NS ? w->pause_ns / 2 : 0;
		return false;
	}
	w->pause_ns = w->pause_ns ? 2 * w->pause_ns : STEER_FREEZE_NS;
	if (w->pause_ns > STEER_FREEZE_MAX_NS)
		w->pause_ns = STEER_FREEZE_MAX_NS;
	w->frozen_ns = v->now_ns + w->pause_ns;
	return true;
}

void steer_watch_note(struct steer_watch *w, const struct steer_view *v,
		      const struct steer_action *act)
{
	if (!act->n_open && !act->n_close)
		return;
	if (w->state == STEER_WATCH_CALM) {
		memcpy(w->before, v->progress, sizeof(w->before));
		w->began_ns = v->now_ns;
		w->closed = false;
	}
	w->closed |= act->n_close > 0;
	w->state = STEER_WATCH_ACTED;
	w->acted_ns = v->now_ns;
}

void steer_watch_undo(const struct steer_watch *w, const struct steer_view *v,
		      struct steer_action *out)
{
	for (unsigned i = 0; i < v->n_flows && out->n_close + 1 < v->n_flows; i++)
		if (v->flows[i].age_ns <= v->now_ns - w->began_ns)
			out->close[out->n_close++] = v->flows[i].port;
	out->restore = w->closed;
}
