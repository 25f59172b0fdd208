/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address pairs (way[]) lead to ends: bonds, teams or devices. Several may lead to one end; the
 * links of the ends stand one after another in `all` and in `links`:
 *
 *   way 0 --> end 0    links 0 1     `first`: the facts of way 0 alone
 *   way 1 --> end 1    link  2       `all`:   links 0 1 2
 *   way 2 ----^
 *
 * A look makes all of it anew and compares. A way that has vanished keeps its end, marked `gone`,
 * so that no link gets the number of another one.
 *
 *   What always holds: the links of an end are [first, first + n_links) of `all`, and ends do not
 *   overlap; links[i] is all.link[i]; a way's end is -1 or below n_ends.
 */
#include "path/egress.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "path/link_convert.h"

_Static_assert(EGRESS_MAX <= INT8_MAX, "numbers of ends fit");

/* Pairs ---------------------------------------------------------------------------------------- */

static struct topo_flow flow_of(const struct wire_names *names, uint32_t ifindex)
{
	struct topo_flow flow = { .family = names->local.family == 6 ? AF_INET6 : AF_INET,
				  .has_src = true,
				  .protocol = FLOW_TCP,
				  .sport = names->local.port,
				  .dport = names->remote.port,
				  .ifindex = ifindex };

	memcpy(flow.src, names->local.addr, sizeof(flow.src));
	memcpy(flow.dst, names->remote.addr, sizeof(flow.dst));
	return flow;
}

int egress_of(const struct egresses *w, const struct wire_names *names)
{
	const struct topo_flow flow = flow_of(names, 0);

	for (unsigned i = 0; i < w->n; i++) {
		const struct topo_flow *f = &w->way[i].flow;

		if (f->family == flow.family && memcmp(f->src, flow.src, sizeof(f->src)) == 0 &&
		    memcmp(f->dst, flow.dst, sizeof(f->dst)) == 0)
			return (int)i;
	}
	return -1;
}

/* Ends ----------------------------------------------------------------------------------------- */

static void watch_device(struct egresses *w, uint32_t ifindex)
{
	for (unsigned i = 0; i < w->n_devices; i++)
		if (w->devices[i] == ifindex)
			return;
	if (w->n_devices < EGRESS_DEVICES_MAX)
		w->devices[w->n_devices++] = ifindex;
}

static int find_end(const struct egresses *w, uint32_t ifindex)
{
	for (unsigned i = 0; i < w->n_ends; i++)
		if (w->end[i].ifindex == ifindex)
			return (int)i;
	return -1;
}

static void set_links(struct egresses *w, const struct egress_end *end,
		      const struct topo_link *links)
{
	assert(end->first + end->n_links <= w->all.n_links);
	memcpy(&w->links[end->first], links, end->n_links * sizeof(*links));
	for (unsigned i = 0; i < end->n_links; i++)
		watch_device(w, links[i].ifindex);
}

/* Returns the number of an end that is not there yet, -1: there is no room, or nothing to add. */
static int add_end(struct egresses *w, const struct egress_end *end, const struct wire_facts *facts,
		   const struct topo_link *links)
{
	struct egress_end *new = &w->end[w->n_ends];
	uint8_t first = w->all.n_links;

	if (w->n_ends == EGRESS_MAX || !link_convert_add(&w->all, facts))
		return -1;
	*new = *end;
	new->first = first;
	new->n_links = facts->n_links;
	set_links(w, new, links);
	return (int)w->n_ends++;
}

static bool spreads(const struct topo_path *path)
{
	return path->end == TOPO_END_BOND && path->bond.kind == TOPO_KIND_BOND &&
	       (path->bond.mode == TOPO_MODE_BALANCE_RR || path->bond.mode == TOPO_MODE_BROADCAST);
}

static int take_end(struct egresses *w, const struct topo_path *path,
		    const struct wire_facts *facts)
{
	bool bond = path->end == TOPO_END_BOND;
	const struct topo_link *links = bond ? path->bond.links : &path->link;
	struct egress_end end = { .ifindex = bond ? path->bond.ifindex : path->link.ifindex,
				  .spreads = spreads(path) };
	int known = find_end(w, end.ifindex);

	memcpy(end.name, facts->name, sizeof(end.name));
	if (known < 0)
		return add_end(w, &end, facts, links);
	/* A way that has vanished led there too. */
	if (w->end[known].gone && w->end[known].n_links == facts->n_links) {
		link_convert_renew(&w->all, w->end[known].first, facts);
		set_links(w, &w->end[known], links);
		w->end[known].gone = false;
	}
	return known;
}

/* The end of a way that has vanished. */
static int keep_end(struct egresses *w, const struct egresses *before, int was)
{
	const struct egress_end *old = &before->end[was];
	struct egress_end end = *old;
	struct wire_facts facts = { .n_links = old->n_links };
	int known = find_end(w, old->ifindex);

	if (known >= 0)
		return known;
	end.gone = true;
	memcpy(facts.name, old->name, sizeof(facts.name));
	memcpy(facts.link, &before->all.link[old->first], old->n_links * sizeof(facts.link[0]));
	return add_end(w, &end, &facts, &before->links[old->first]);
}

/* Ways ----------------------------------------------------------------------------------------- */

static void keep(struct egresses *w, unsigned i, const struct egresses *before)
{
	const struct egress *was = &before->way[i];

	w->way[i] = *was;
	w->way[i].end = was->end < 0 ? -1 : (int8_t)keep_end(w, before, was->end);
	if (i == 0)
		w->first = before->first;
	/* By any of them it may come back. */
	for (unsigned k = 0; k < before->n_devices; k++)
		watch_device(w, before->devices[k]);
}

static bool same_end(const struct egresses *a, const struct egresses *b, unsigned i)
{
	int ea = a->way[i].end, eb = b->way[i].end;

	return ea >= 0 && eb >= 0 && a->end[ea].ifindex == b->end[eb].ifindex;
}

/* The neighbour's address does not go away when the kernel forgets it for a moment. */
static void keep_macs(const struct egress *before, struct wire_facts *now)
{
	if (now->flags & WIRE_FACTS_MACS || !(before->flags & WIRE_FACTS_MACS))
		return;
	now->flags |= WIRE_FACTS_MACS;
	memcpy(now->mac, before->mac, sizeof(now->mac));
	memcpy(now->next_hop, before->next_hop, sizeof(now->next_hop));
}

void egress_take(struct egresses *w, unsigned i, const struct topo_path *path, const char *release,
		 const struct egresses *before)
{
	struct egress *way = &w->way[i];
	struct wire_facts facts = { 0 };

	way->end = -1;
	if (path)
		link_convert_of_one(path, release, &facts);
	if (facts.kind == WIRE_FACTS_NONE) {
		if (before)
			keep(w, i, before);
		return;
	}
	way->end = (int8_t)take_end(w, path, &facts);
	assert(way->end < (int)w->n_ends);
	if (i == 0)
		link_convert_of_path(path, release, &w->first);
	if (before && same_end(w, before, i)) {
		keep_macs(&before->way[i], &facts);
		if (i == 0)
			keep_macs(&before->way[i], &w->first);
	}
	way->flags = facts.flags;
	memcpy(way->mac, facts.mac, sizeof(way->mac));
	memcpy(way->next_hop, facts.next_hop, sizeof(way->next_hop));
	way->vlan_tci = facts.vlan_tci;
	for (size_t k = 0; k < path->n_hops; k++)
		watch_device(w, path->hops[k].ifindex);
}

static void look_at(struct egresses *w, unsigned i, struct topo_source *source, const char *release,
		    const struct egresses *before)
{
	struct topo_path path;
	bool found = !topo_path(source, &w->way[i].flow, &path);

	egress_take(w, i, found ? &path : NULL, release, before);
}

int egress_add(struct egresses *w, const struct wire_names *names, uint32_t ifindex,
	       struct topo_source *source, const char *release)
{
	unsigned i = w->n;

	if (i == EGRESS_MAX)
		return -1;
	w->way[i] = (struct egress){ .flow = flow_of(names, ifindex), .end = -1 };
	w->n++;
	if (source)
		look_at(w, i, source, release, NULL);
	return (int)i;
}

/* A device that was made anew has its name and not its number; and a way may lead to another of the
 * same ends now. */
static bool same_devices(const struct egresses *a, const struct egresses *b)
{
	bool same = a->all.n_links == b->all.n_links;

	for (unsigned i = 0; i < a->all.n_links && same; i++)
		same = a->links[i].ifindex == b->links[i].ifindex;
	for (unsigned i = 0; i < a->n && same; i++)
		same = a->way[i].end == b->way[i].end;
	return same;
}

bool egress_look(struct egresses *w, struct topo_source *source, const char *release)
{
	struct egresses *now = calloc(1, sizeof(*now));
	bool changed;

	/* Without memory it stays as it was seen last. */
	if (!now)
		return false;
	/* The devices need to be asked for only once; if that fails, each time. */
	if (w->n > 1)
		topo_hold(source);
	for (now->n = 0; now->n < w->n; now->n++) {
		now->way[now->n].flow = w->way[now->n].flow;
		look_at(now, now->n, source, release, w);
	}
	topo_release(source);
	changed = !wire_facts_same(egress_facts(now), egress_facts(w)) ||
		  !wire_facts_same(&now->first, &w->first) || !same_devices(now, w);
	*w = *now;
	free(now);
	return changed;
}

/* Links ---------------------------------------------------------------------------------------- */

bool egress_several(const struct egresses *w)
{
	for (unsigned i = 1; i < w->n; i++)
		if (w->way[i].end != w->way[0].end)
			return true;
	return false;
}

const struct wire_facts *egress_facts(const struct egresses *w)
{
	return egress_several(w) ? &w->all : &w->first;
}

bool egress_gone(const struct egresses *w, unsigned way)
{
	int end = w->way[way].end;

	return end >= 0 && w->end[end].gone;
}

int egress_link(const struct egresses *w, unsigned way)
{
	int end = w->way[way].end;

	return end >= 0 && w->end[end].n_links == 1 && egress_facts(w)->n_links ? w->end[end].first
										: -1;
}
