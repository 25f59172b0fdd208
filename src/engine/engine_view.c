/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engine_internal.h"

#include <stdlib.h>

struct session *engine_session(struct engine *e)
{
	return e->session;
}

struct pathmgr *engine_paths(struct engine *e)
{
	return link_watch_paths(e->links);
}

unsigned engine_n_live(const struct engine *e)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < e->n_slots; i++)
		n += e->conns[i] && !e->conns[i]->draining;
	return n;
}

/* Does it live, is it to stay, and is it one of these? */
static bool is_counted(const struct conn *c, const struct addr_pair *route)
{
	return c && !c->draining && (!route || addr_pairs_match(route, &c->names));
}

unsigned engine_ports(const struct engine *e, const struct addr_pair *route,
		      uint16_t out[SUBFLOWS_MAX])
{
	unsigned n = 0;

	for (uint16_t i = 0; i < e->n_slots; i++)
		if (is_counted(e->conns[i], route))
			out[n++] = engine_port_of(e, e->conns[i]);
	return n;
}

void engine_count(const struct engine *e, const struct addr_pair *route, unsigned *n_live_out,
		  unsigned *n_ready_out)
{
	*n_live_out = *n_ready_out = 0;
	for (uint16_t i = 0; i < e->n_slots; i++) {
		if (!is_counted(e->conns[i], route))
			continue;
		++*n_live_out;
		*n_ready_out += session_subflow_ready(e->session, i);
	}
}

unsigned engine_subflows(const struct engine *e, struct engine_subflow *out, unsigned size)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < e->n_slots && n < size; i++) {
		const struct conn *c = e->conns[i];

		if (!c || !c->announced || c->draining)
			continue;
		out[n++] = (struct engine_subflow){
			.port = engine_port_of(e, c),
			.age_ns = loop_now(e->loop) - c->ready_ns,
			.here = *session_subflow_lane(e->session, i),
			.peer = *session_subflow_peer_lane(e->session, i),
		};
	}
	return n;
}

const char *engine_last_error(const struct engine *e)
{
	return e->last_error[0] ? e->last_error : NULL;
}

const struct outcome *engine_end(const struct engine *e)
{
	return &e->end;
}

bool engine_stats_room(struct engine *e, unsigned n)
{
	struct subflow_stats *stats;

	if (n <= e->n_stats)
		return true;
	stats = realloc(e->stats, n * sizeof(*stats));
	if (!stats)
		return false;
	e->stats = stats;
	e->n_stats = n;
	return true;
}

void engine_stats(struct engine *e, struct session_stats *out)
{
	unsigned n = e->n_gone;

	session_stats(e->session, out);
	for (uint16_t i = 0; i < e->n_slots; i++) {
		if (!e->conns[i] || !engine_stats_room(e, n + 1))
			continue;
		conn_update_stats(e->conns[i], e->session);
		link_watch_place(e->links, e->conns[i]);
		e->stats[n++] = e->conns[i]->stats;
	}
	out->n_live = n - e->n_gone;
	out->n_subflows = n;
	out->subflow = e->stats;
	pathmgr_stats(link_watch_paths(e->links), session_peer_links(e->session), &e->here,
		      &e->peer);
	out->here = &e->here;
	out->peer = &e->peer;
	out->verdict = e->verdict[0] ? e->verdict : NULL;
	out->elapsed_ns = 0;
	if (e->start_ns)
		out->elapsed_ns =
			(e->phase == PHASE_ENDED ? e->end_ns : loop_update(e->loop)) - e->start_ns;
}
