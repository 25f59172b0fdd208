/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans of ports for what is known of both ends, and their words.
 *
 *   What always holds: the plan's input refers to a caller's ports only during a call, and a port
 *   that was found taken is left out until PATHMGR_AVOID_MAX others were.
 */
#include "path/pathmgr_internal.h"

#include <string.h>

#include "path/link_convert.h"
#include "util/text.h"

/* Plans ---------------------------------------------------------------------------------------- */

int pathmgr_plan(struct pathmgr *p, const struct pathmgr_wish *wish, struct plan *out)
{
	int r;

	p->in.open = wish->open;
	p->in.n_open = wish->n_open;
	p->in.min_flows = wish->min_flows;
	p->in.max_flows = wish->max_flows;
	p->in.seed++;
	r = plan_make(&p->in, out);
	p->in.open = NULL;
	p->in.n_open = 0;
	return r;
}

uint16_t pathmgr_alternate(const struct pathmgr *p, const struct plan *plan, unsigned flow,
			   uint16_t after)
{
	return plan_alternate(&p->in, plan, flow, after);
}

void pathmgr_avoid(struct pathmgr *p, uint16_t port)
{
	p->except[p->n_avoided++ % PATHMGR_AVOID_MAX] = (struct plan_range){ port, port };
}

void pathmgr_view(const struct pathmgr *p, struct steer_view *out)
{
	enum hash_spread spread[COVER_ENDS];

	for (unsigned end = 0; end < COVER_ENDS; end++)
		spread[end] = plan_links(&p->in, end, out->capacity[end]);
	/* Who spreads each connection over all links leaves nothing to tell at the other end. */
	for (unsigned end = 0; end < COVER_ENDS; end++)
		out->distinct[end] =
			spread[end] != HASH_SPREAD_NONE &&
			spread[cover_sender(cover_direction(end))] != HASH_SPREAD_PACKETS;
}

uint16_t pathmgr_candidate(struct pathmgr *p, const uint16_t *open, unsigned n_open,
			   const uint32_t want[COVER_ENDS])
{
	uint16_t port;

	p->in.open = open;
	p->in.n_open = n_open;
	p->in.seed++;
	port = plan_candidate(&p->in, want);
	p->in.open = NULL;
	p->in.n_open = 0;
	return port;
}

/* Words ---------------------------------------------------------------------------------------- */

/* "1/1/0/2": connections on each usable link; "?" when a link is not known. */
static size_t spread_text(const struct wire_facts *f, const int8_t *links, unsigned n, char *buf,
			  size_t size)
{
	unsigned on[WIRE_LINKS_MAX] = { 0 };
	size_t used = 0;

	for (unsigned i = 0; i < n; i++) {
		if (links[i] < 0 || links[i] >= f->n_links)
			return text_printf(buf, size, "?");
		on[links[i]]++;
	}
	for (unsigned i = 0; i < f->n_links; i++)
		if (f->usable >> i & 1)
			used += text_printf(buf + used, size - used, "%s%u", used ? "/" : "",
					    on[i]);
	return used;
}

/* What a line is about. */
struct verdict {
	const struct wire_facts *here, *peer;
	unsigned n;
	int8_t tx[PLAN_FLOWS_MAX], peer_rx[PLAN_FLOWS_MAX];
	int8_t rx[PLAN_FLOWS_MAX], peer_tx[PLAN_FLOWS_MAX];
};

static void add_lanes(struct verdict *v, const struct subflow_stats *lanes)
{
	v->tx[v->n] = lanes->tx_link;
	v->rx[v->n] = lanes->rx_link;
	v->peer_tx[v->n] = lanes->peer_tx_link;
	v->peer_rx[v->n] = lanes->peer_rx_link;
	v->n++;
}

#define SPREAD_LEN (WIRE_LINKS_MAX * 4)

static size_t verdict_text(const struct verdict *v, char *buf, size_t size)
{
	char tx[SPREAD_LEN], rx[SPREAD_LEN], peer_tx[SPREAD_LEN], peer_rx[SPREAD_LEN];
	const char *plural = v->n == 1 ? "" : "s";
	size_t used;

	if (v->here->kind == WIRE_FACTS_NONE && v->peer->kind == WIRE_FACTS_NONE)
		return text_printf(buf, size, "%u subflow%s", v->n, plural);
	spread_text(v->here, v->tx, v->n, tx, sizeof(tx));
	spread_text(v->here, v->rx, v->n, rx, sizeof(rx));
	spread_text(v->peer, v->peer_tx, v->n, peer_tx, sizeof(peer_tx));
	spread_text(v->peer, v->peer_rx, v->n, peer_rx, sizeof(peer_rx));
	used = link_convert_text(v->here, buf, size);
	used += text_printf(buf + used, size - used, " -> peer ");
	used += link_convert_text(v->peer, buf + used, size - used);
	used += text_printf(buf + used, size - used, ": %u subflow%s, tx %s, rx %s", v->n, plural,
			    tx, peer_rx);
	/* Of several links at both ends nothing may be known of the way back. */
	if ((strcmp(tx, rx) != 0 || strcmp(peer_rx, peer_tx) != 0) &&
	    (strcmp(rx, "?") != 0 || strcmp(peer_tx, "?") != 0))
		used += text_printf(buf + used, size - used, "; back tx %s, rx %s", peer_tx, rx);
	return used;
}

size_t pathmgr_verdict(const struct pathmgr *p, const uint16_t *ports, unsigned n, char *buf,
		       size_t size)
{
	struct verdict v = { .here = &p->ways.first, .peer = &p->peer_first };
	struct subflow_stats lanes;

	for (unsigned i = 0; i < n && i < PLAN_FLOWS_MAX; i++) {
		pathmgr_lanes(p, ports[i], &lanes);
		add_lanes(&v, &lanes);
	}
	return verdict_text(&v, buf, size);
}

size_t pathmgr_state(const struct pathmgr *p, const struct pathmgr_flow *flows, unsigned n,
		     char *buf, size_t size)
{
	struct verdict v = { .here = egress_facts(&p->ways), .peer = &p->peer_facts };
	struct subflow_stats lanes;

	for (unsigned i = 0; i < n && i < PLAN_FLOWS_MAX; i++) {
		pathmgr_place(p, flows[i].way, flows[i].port, &lanes);
		add_lanes(&v, &lanes);
	}
	return verdict_text(&v, buf, size);
}

size_t pathmgr_explain(const struct pathmgr *p, const struct plan *plan, char *buf, size_t size)
{
	return plan_explain(&p->in, plan, buf, size);
}
