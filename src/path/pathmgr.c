/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path manager of a session has three things, each anew from pathmgr_learn on:
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
#include "path/pathmgr.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sock.h"
#include "netlink/watch.h"
#include "path/egress.h"
#include "path/link_convert.h"
#include "path/pathmgr_plan.h"
#include "path/sock_wire.h"
#include "topo/ports.h"
#include "util/text.h"

_Static_assert(TOPO_RESERVED_MAX >= 1 && sizeof(struct plan_range) == sizeof(struct topo_ports),
	       "reserved ports are ranges of the plan");

/* Receive queues whose link is asked for; a connection beyond is observed by counters. Each is a
 * question to the kernel. */
#define NAPIS 64

struct pathmgr {
	struct topo_source *source;     /* NULL: no netlink */
	struct topo_source *own_source; /* NULL: it is borrowed */
	char release[TOPO_RELEASE_LEN];
	bool client;
	bool translated;
	struct egresses ways;
	struct wire_facts peer_facts; /* as it announces them */
	struct wire_facts peer_first; /* of its first way */
	int watch;                    /* descriptor; -1: none */

	/* As the client sees it, between the addresses of the first connection. */
	struct plan_input in;
	struct plan_range ranges[PATHMGR_RANGES_MAX];
	struct plan_range except[PATHMGR_AVOID_MAX + TOPO_RESERVED_MAX]; /* taken, then reserved */
	unsigned n_avoided;

	/* NAPI instances whose link was asked for. */
	struct napi {
		uint32_t id;
		int link;
	} napis[NAPIS];
	unsigned n_napis;
	bool no_napis; /* the kernel does not tell */

	/* Counting. */
	uint64_t start_ns;
	unsigned n_counts; /* links of all ways; those that are announced are the first of them */
	struct count {
		uint32_t ifindex;
		struct topo_counters base, last;
	} counts[WIRE_LINKS_MAX];
	struct wire_links counted;
};

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

static void count_links(struct pathmgr *p)
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

/* After the ways were found, or looked at again. */
static void take_ways(struct pathmgr *p)
{
	p->n_napis = 0;
	set_sides(p);
	count_links(p);
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

/* Lanes ---------------------------------------------------------------------------------------- */

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
	if (p->n_napis == NAPIS)
		return -1;
	*new = (struct napi){ id, ask_for_link(p, id) };
	p->n_napis++;
	return new->link;
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
