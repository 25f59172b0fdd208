/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path manager of a session has three things, each anew from pathmgr_learn on. This file is
 * about the first one; pathmgr_plan.c and pathmgr_count.c are about the others.
 *
 *   what is known    egresses of this machine (egress.h), and the peer's facts: as it announces
 *                    them, and of those the ones of its first egress
 *   what is planned  plan_input, always as the client sees it, between the addresses of the first
 *                    connection: filled from what is known whenever that changes (set_sides)
 *   what is counted  the counters of our links since they were found
 *
 *   What always holds: counts[i] is of link i of all egresses, and a link that stays goes on with
 *   its base. A side of the plan is known only where that can be relied upon: the peer's not behind
 *   a translation of addresses, none if neither end has a bond.
 */
#include "path/pathmgr_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sock.h"
#include "netlink/watch.h"
#include "path/link_convert.h"
#include "path/sock_wire.h"
#include "topo/ports.h"

_Static_assert(TOPO_RESERVED_MAX >= 1 && sizeof(struct plan_range) == sizeof(struct topo_ports),
	       "reserved ports are ranges of the plan");

/* What the kernel would choose from. */
static void default_ranges(struct pathmgr *p)
{
	struct topo_ports ports = { 32768, 60999 }, reserved[TOPO_RESERVED_MAX];
	unsigned n = 0;

	if (p->source) {
		ports = topo_local_ports(p->source);
		n = topo_reserved_ports(p->source, reserved);
	}
	p->ranges[0] = (struct plan_range){ ports.first, ports.last };
	p->in.n_ranges = 1;
	for (unsigned i = 0; i < n; i++)
		p->except[PATHMGR_AVOID_MAX + i] =
			(struct plan_range){ reserved[i].first, reserved[i].last };
	p->in.n_except += n;
}

int pathmgr_new(struct pathmgr **out, const struct pathmgr_config *config)
{
	struct pathmgr *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->client = config->client;
	p->watch = -1;
	if (!config->source && topo_source_new(&p->own_source))
		p->own_source = NULL;
	p->source = config->source ? config->source : p->own_source;
	if (!p->source || topo_kernel(p->source, p->release))
		p->release[0] = '\0';
	p->in.n_except = PATHMGR_AVOID_MAX;
	if (config->n_ranges) {
		memcpy(p->ranges, config->ranges, sizeof(p->ranges));
		p->in.n_ranges = config->n_ranges;
	} else if (p->client) {
		default_ranges(p);
	}
	/* Until there is a connection: of no consequence, as nothing is known of links then. */
	p->in.family = FLOW_IPV4;
	p->in.ranges = p->ranges;
	p->in.except = p->except;
	/* Without random numbers every run tries the same ports first, which only costs time. */
	if (getrandom(&p->in.seed, sizeof(p->in.seed), GRND_NONBLOCK) != sizeof(p->in.seed))
		p->in.seed = 1;
	*out = p;
	return 0;
}

struct pathmgr *pathmgr_free(struct pathmgr *p)
{
	if (!p)
		return NULL;
	topo_source_free(p->own_source);
	if (p->watch >= 0)
		close(p->watch);
	free(p);
	return NULL;
}

/* Ways ----------------------------------------------------------------------------------------- */

static bool has_bond(const struct wire_facts *f)
{
	return f->kind == WIRE_FACTS_BOND || f->kind == WIRE_FACTS_TEAM;
}

/* Single devices at both ends may be those of guests whose hosts have bonds: then nothing is known.
 */
static void set_sides(struct pathmgr *p)
{
	struct plan_side ours = { 0 }, theirs = { 0 };

	if (has_bond(&p->ways.first) || has_bond(&p->peer_first)) {
		link_convert_plan_side(&p->ways.first, &ours);
		if (!p->translated)
			link_convert_plan_side(&p->peer_first, &theirs);
	}
	p->in.here = p->client ? ours : theirs;
	p->in.peer = p->client ? theirs : ours;
}

static void set_names(struct pathmgr *p, const struct wire_names *names)
{
	const struct wire_addr *client = p->client ? &names->local : &names->remote;
	const struct wire_addr *server = p->client ? &names->remote : &names->local;

	p->in.family = (enum flow_family)names->local.family;
	memcpy(p->in.local, client->addr, sizeof(p->in.local));
	memcpy(p->in.remote, server->addr, sizeof(p->in.remote));
	p->in.remote_port = server->port;
}

/* After the ways were found, or looked at again. */
static void take_ways(struct pathmgr *p)
{
	p->n_napis = 0;
	set_sides(p);
	pathmgr_count_links(p);
}

void pathmgr_learn(struct pathmgr *p, int fd, uint64_t now_ns)
{
	struct wire_names names;
	uint32_t ifindex;

	memset(&p->ways, 0, sizeof(p->ways));
	p->peer_facts = p->peer_first = (struct wire_facts){ 0 };
	p->translated = false;
	p->n_counts = 0;
	p->counted = (struct wire_links){ 0 };
	p->start_ns = now_ns;
	if (sock_wire_names(fd, &names, &ifindex))
		return;
	set_names(p, &names);
	egress_add(&p->ways, &names, ifindex, p->source, p->release);
	take_ways(p);
}

int pathmgr_join(struct pathmgr *p, int fd, bool *changed_out)
{
	struct wire_facts before = *egress_facts(&p->ways);
	struct wire_names names;
	uint32_t ifindex;
	int way;

	*changed_out = false;
	if (sock_wire_names(fd, &names, &ifindex))
		return -1;
	way = egress_of(&p->ways, &names);
	if (way >= 0)
		return way;
	way = egress_add(&p->ways, &names, ifindex, p->source, p->release);
	*changed_out = !wire_facts_same(&before, egress_facts(&p->ways));
	if (*changed_out)
		take_ways(p);
	return way;
}

int pathmgr_way(const struct pathmgr *p, const struct wire_names *names)
{
	return egress_of(&p->ways, names);
}

/* Is there something that could change? */
static bool is_known(const struct pathmgr *p)
{
	return p->source && egress_facts(&p->ways)->kind != WIRE_FACTS_NONE;
}

bool pathmgr_relearn(struct pathmgr *p)
{
	if (!is_known(p) || !egress_look(&p->ways, p->source, p->release))
		return false;
	take_ways(p);
	return true;
}

int pathmgr_watch(struct pathmgr *p)
{
	if (is_known(p) && p->watch < 0)
		p->watch = topo_watch_open();
	return is_known(p) ? p->watch : -1;
}

bool pathmgr_events(struct pathmgr *p)
{
	return topo_watch_drain(p->watch, p->ways.devices, p->ways.n_devices) > 0;
}

const struct wire_facts *pathmgr_facts(const struct pathmgr *p)
{
	return egress_facts(&p->ways);
}

static bool same_addr(const struct wire_addr *a, const struct wire_addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static bool is_translated(int fd, const struct wire_names *theirs)
{
	struct wire_names ours;
	uint32_t ifindex;

	if (!theirs->local.family || sock_wire_names(fd, &ours, &ifindex))
		return false;
	return !same_addr(&ours.local, &theirs->remote) || !same_addr(&ours.remote, &theirs->local);
}

bool pathmgr_compare_names(struct pathmgr *p, int fd, const struct wire_names *names)
{
	bool translated = is_translated(fd, names);

	/* One connection that was translated shows that others may be. */
	if (translated && !p->translated) {
		p->translated = true;
		set_sides(p);
	}
	return translated;
}

const struct wire_facts *pathmgr_peer_facts(const struct pathmgr *p)
{
	return &p->peer_facts;
}

bool pathmgr_set_peer_facts(struct pathmgr *p, const struct wire_facts *facts)
{
	struct wire_facts before = p->peer_first;

	p->peer_facts = *facts;
	if (facts->kind == WIRE_FACTS_SEVERAL)
		link_convert_follow(&p->peer_first, facts);
	else
		p->peer_first = *facts;
	set_sides(p);
	return !wire_facts_same(&before, &p->peer_first);
}

bool pathmgr_several(const struct pathmgr *p)
{
	return egress_several(&p->ways) || p->peer_facts.kind == WIRE_FACTS_SEVERAL;
}

/* local NULL, or of no family: the kernel's choice. */
static struct topo_flow flow_between(const union sock_addr *local, const union sock_addr *remote)
{
	struct topo_flow flow = { .family = remote->sa.sa_family,
				  .has_src = local && local->sa.sa_family != AF_UNSPEC,
				  .protocol = FLOW_TCP,
				  .dport = sock_addr_port(remote) };
	struct wire_addr addr;

	if (flow.has_src) {
		sock_wire_addr(local, &addr);
		memcpy(flow.src, addr.addr, sizeof(flow.src));
	}
	sock_wire_addr(remote, &addr);
	memcpy(flow.dst, addr.addr, sizeof(flow.dst));
	return flow;
}

uint32_t pathmgr_speed(struct pathmgr *p, const union sock_addr *local,
		       const union sock_addr *remote)
{
	const struct topo_flow flow = flow_between(local, remote);
	struct wire_facts facts;
	struct topo_path path;
	uint32_t sum = 0;

	if (!p->source || topo_path(p->source, &flow, &path))
		return 0;
	link_convert_of_path(&path, p->release, &facts);
	for (unsigned i = 0; i < facts.n_links; i++) {
		if (!(facts.usable >> i & 1))
			continue;
		if (!facts.link[i].speed)
			return 0;
		sum += facts.link[i].speed;
	}
	return sum;
}

bool pathmgr_is_here(const struct pathmgr *p, const union sock_addr *addr)
{
	const struct topo_flow flow = flow_between(NULL, addr);
	int r = p->source ? topo_is_local(p->source, &flow) : -ENOSYS;

	return r < 0 ? sock_is_ours(addr) : r;
}

/* With one link there is no choice, whatever else is known. */
static int8_t link_of(const struct wire_facts *f, int8_t planned)
{
	return f->n_links == 1 ? 0 : planned;
}

static void lanes_of(const struct pathmgr *p, const struct plan_input *in, uint16_t port,
		     struct subflow_stats *out)
{
	struct plan_flow f = plan_flow_from(in, port);
	const struct plan_lane *away = p->client ? &f.out : &f.in;
	const struct plan_lane *back = p->client ? &f.in : &f.out;

	out->tx_link = link_of(&p->ways.first, away->tx);
	out->rx_link = link_of(&p->ways.first, back->rx);
	out->peer_rx_link = link_of(&p->peer_first, away->rx);
	out->peer_tx_link = link_of(&p->peer_first, back->tx);
}

void pathmgr_lanes(const struct pathmgr *p, uint16_t port, struct subflow_stats *out)
{
	lanes_of(p, &p->in, port, out);
}

/* Between the addresses of another way than the first. Of the peer's frames it is not known to whom
 * they go there. */
static void lanes_of_way(const struct pathmgr *p, const struct egress *way, uint16_t port,
			 struct subflow_stats *out)
{
	const struct topo_flow *flow = &way->flow;
	struct plan_input in = p->in;
	struct plan_side *ours = p->client ? &in.here : &in.peer;
	struct plan_side *theirs = p->client ? &in.peer : &in.here;
	bool same = way->end == p->ways.way[0].end;

	in.family = flow->family == AF_INET6 ? FLOW_IPV6 : FLOW_IPV4;
	memcpy(in.local, p->client ? flow->src : flow->dst, sizeof(in.local));
	memcpy(in.remote, p->client ? flow->dst : flow->src, sizeof(in.remote));
	ours->known &= same;
	ours->macs_known = way->flags & WIRE_FACTS_MACS;
	memcpy(ours->mac, way->mac, sizeof(ours->mac));
	memcpy(ours->next_hop, way->next_hop, sizeof(ours->next_hop));
	ours->vlan_tci = way->vlan_tci;
	ours->double_tagged = way->flags & WIRE_FACTS_DOUBLE_TAGGED;
	theirs->macs_known = false;
	lanes_of(p, &in, port, out);
	if (!same)
		out->tx_link = -1;
}

void pathmgr_place(const struct pathmgr *p, int way, uint16_t port, struct subflow_stats *out)
{
	static const struct subflow_stats unknown = {
		.tx_link = -1, .rx_link = -1, .peer_tx_link = -1, .peer_rx_link = -1
	};
	const struct egresses *w = &p->ways;
	struct subflow_stats lanes = unknown;

	if (way == 0)
		lanes_of(p, &p->in, port, &lanes);
	else if (way > 0)
		lanes_of_way(p, &w->way[way], port, &lanes);
	/* What arrives, and by which of several the peer sends, the counters tell. */
	if (egress_several(w))
		lanes.rx_link = -1;
	if (p->peer_facts.kind == WIRE_FACTS_SEVERAL) {
		lanes.peer_rx_link = -1;
		if (way)
			lanes.peer_tx_link = -1;
	}
	if (pathmgr_sends_by(p, way) >= 0)
		lanes.tx_link = (int8_t)pathmgr_sends_by(p, way);
	out->tx_link = lanes.tx_link;
	out->rx_link = lanes.rx_link;
	out->peer_tx_link = lanes.peer_tx_link;
	out->peer_rx_link = lanes.peer_rx_link;
}

bool pathmgr_gone(const struct pathmgr *p, int way)
{
	return way >= 0 && egress_gone(&p->ways, (unsigned)way);
}

bool pathmgr_counts(const struct pathmgr *p, int way)
{
	return way >= 0 && p->ways.way[way].end >= 0;
}

int pathmgr_sends_by(const struct pathmgr *p, int way)
{
	return way >= 0 && egress_several(&p->ways) ? egress_link(&p->ways, (unsigned)way) : -1;
}

bool pathmgr_spreads(const struct pathmgr *p)
{
	for (unsigned i = 0; i < p->ways.n_ends; i++)
		if (p->ways.end[i].spreads)
			return true;
	return false;
}
