/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_internal.h"
#include "session/session_links.h"
#include "util/text.h"

/* Connections that are gone and still have a line in the statistics; the oldest ones lose theirs.
 */
#define GONE_MAX 256

/* Makes room for n subflows; false: no memory, and one of them is not shown. */
static bool make_room(struct engine_stats *s, unsigned n)
{
	struct subflow_stats *subflow;

	if (n <= s->n_room)
		return true;
	subflow = realloc(s->subflow, n * sizeof(*subflow));
	if (!subflow)
		return false;
	s->subflow = subflow;
	s->n_room = n;
	return true;
}

void engine_stats_remember(struct engine *e, const struct subflow_stats *stats)
{
	struct engine_stats *s = &e->stats;

	assert(!stats->live && s->n_gone <= GONE_MAX && s->n_gone <= s->n_room);
	if (s->n_gone == GONE_MAX)
		memmove(s->subflow, s->subflow + 1, --s->n_gone * sizeof(s->subflow[0]));
	if (make_room(s, s->n_gone + 1))
		s->subflow[s->n_gone++] = *stats;
}

void engine_set_verdict(struct engine *e, const char *text)
{
	text_printf(e->stats.verdict, sizeof(e->stats.verdict), "%s", text);
}

/* Adds the connections that stand to those that are gone. Returns how many there are in all. */
static unsigned add_live(struct engine *e)
{
	struct engine_stats *s = &e->stats;
	unsigned n = s->n_gone;

	for (uint16_t i = 0; i < e->conns.n_slots; i++) {
		struct conn *c = e->conns.slot[i];

		if (!c || !make_room(s, n + 1))
			continue;
		conn_update_stats(c, e->session);
		link_watch_fill(e->links, c);
		s->subflow[n++] = c->stats;
	}
	return n;
}

static uint64_t elapsed(const struct engine *e)
{
	if (e->state == ENGINE_ENDED)
		return e->start_ns ? e->end_ns - e->start_ns : 0;
	return e->start_ns ? loop_update(e->loop) - e->start_ns : 0;
}

void engine_stats_cost(struct engine *e)
{
	struct session_stats known;
	struct wire_cost cost;

	session_stats(e->session, &known);
	/* Many sessions share the process. */
	if (known.cost.cpu_ns || !e->start_ns || e->config.session.frugal)
		return;
	cost_take(&e->cost, e->endpoint, e->config.worker_pool, elapsed(e), &cost);
	session_set_cost(e->session, &cost);
}

void engine_stats(struct engine *e, struct session_stats *out)
{
	struct engine_stats *s = &e->stats;

	session_stats(e->session, out);
	out->n_subflows = add_live(e);
	out->n_live = out->n_subflows - s->n_gone;
	out->subflow = s->subflow;
	pathmgr_stats(link_watch_paths(e->links), session_peer_links(e->session), &s->here,
		      &s->peer);
	out->here = &s->here;
	out->peer = &s->peer;
	out->verdict = s->verdict[0] ? s->verdict : NULL;
	out->elapsed_ns = elapsed(e);
	out->lost = session_lost(e->session);
	out->lost_left_ns = session_lost_left(e->session, loop_now(e->loop));
}
