/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the links have counted since they were found, and which of them a connection's packets came
 * in by. The kernel is asked for a receive queue's link once, and for PATHMGR_NAPIS queues at most.
 *
 *   What always holds: counts[i] is of link i of all egresses, and those that are announced come
 *   first.
 */
#include "path/pathmgr_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "path/link_convert.h"

/* Of a link that was counted before; one that was not is counted from now on. Ignores what cannot
 * be counted: it will show as nothing. */
static struct count count_of(struct pathmgr *p, const struct count *before, unsigned n,
			     const struct topo_link *link)
{
	struct count c = { .ifindex = link->ifindex, .base = link->counters };

	for (unsigned i = 0; i < n; i++)
		if (before[i].ifindex == link->ifindex)
			return before[i];
	topo_counters(p->source, link, 1, &c.base);
	c.last = c.base;
	return c;
}

void pathmgr_count_links(struct pathmgr *p)
{
	struct count before[WIRE_LINKS_MAX];
	unsigned n = p->n_counts;

	memcpy(before, p->counts, sizeof(before));
	p->n_counts = p->ways.all.n_links;
	for (unsigned i = 0; i < p->n_counts; i++)
		p->counts[i] = count_of(p, before, n, &p->ways.links[i]);
	p->counted.n = egress_facts(&p->ways)->n_links;
	assert(p->counted.n <= p->n_counts);
}

/* Counters ------------------------------------------------------------------------------------- */

bool pathmgr_count(struct pathmgr *p, uint64_t now_ns, struct wire_links *out)
{
	if (!p->counted.n)
		return false;
	for (unsigned i = 0; i < p->counted.n; i++) {
		struct count *c = &p->counts[i];

		/* A link that is gone keeps what it had. */
		topo_counters(p->source, &p->ways.links[i], 1, &c->last);
		p->counted.link[i].tx_bytes = c->last.tx_bytes - c->base.tx_bytes;
		p->counted.link[i].rx_bytes = c->last.rx_bytes - c->base.rx_bytes;
	}
	p->counted.time_ns = now_ns - p->start_ns;
	*out = p->counted;
	return true;
}

const struct wire_links *pathmgr_counted(const struct pathmgr *p)
{
	return &p->counted;
}

static void fill_side(const struct wire_facts *facts, const struct wire_links *links,
		      struct side_stats *out)
{
	link_convert_side_stats(facts, out);
	out->counted = links->n && links->n == out->n_links;
	for (unsigned i = 0; i < out->n_links && out->counted; i++) {
		out->link[i].tx_bytes = links->link[i].tx_bytes;
		out->link[i].rx_bytes = links->link[i].rx_bytes;
	}
}

void pathmgr_stats(const struct pathmgr *p, const struct wire_links *peer, struct side_stats *here,
		   struct side_stats *there)
{
	fill_side(egress_facts(&p->ways), &p->counted, here);
	fill_side(&p->peer_facts, peer, there);
}

/* Receive queues ------------------------------------------------------------------------------- */

static int ask_for_link(struct pathmgr *p, uint32_t id)
{
	for (unsigned i = 0; i < p->counted.n && !p->no_napis; i++) {
		int r = topo_has_napi(p->source, p->ways.links[i].ifindex, id);

		if (r > 0)
			return (int)i;
		p->no_napis = r == -ENOENT;
	}
	return -1;
}

int pathmgr_received_by(struct pathmgr *p, int fd)
{
	struct napi *new = &p->napis[p->n_napis];
	uint32_t id = 0;
	socklen_t len = sizeof(id);

	if (p->no_napis || !p->source ||
	    getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len) < 0 || !id)
		return -1;
	for (unsigned i = 0; i < p->n_napis; i++)
		if (p->napis[i].id == id)
			return p->napis[i].link;
	if (p->n_napis == PATHMGR_NAPIS)
		return -1;
	*new = (struct napi){ id, ask_for_link(p, id) };
	p->n_napis++;
	return new->link;
}
