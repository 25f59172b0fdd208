/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/pathmgr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/linkfacts.h"
#include "net/sock.h"
#include "topo/ports.h"
#include "topo/watch.h"
#include "util/text.h"

_Static_assert(TOPO_RESERVED_MAX >= 1 && sizeof(struct plan_range) == sizeof(struct topo_ports),
	       "reserved ports are ranges of the plan");

/* Receive queues whose link is asked for; a connection beyond is told by counters. Each is a
 * question to the kernel. */
#define NAPIS 64

struct pathmgr {
	struct topo_source *source;     /* NULL: netlink is not to be had */
	struct topo_source *own_source; /* NULL: it is borrowed */
	char release[TOPO_RELEASE_LEN];
	bool client;
	bool translated;
	struct wire_facts facts;
	struct wire_facts peer_facts;

	/* How the way was found, and the devices on it. */
	struct topo_flow flow;
	int watch; /* descriptor; -1: none */
	uint32_t devices[TOPO_HOPS_MAX + TOPO_LINKS_MAX];
	size_t n_devices;

	/* As the client sees it. */
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
	struct topo_link links[WIRE_LINKS_MAX];
	struct topo_counters base[WIRE_LINKS_MAX];
	struct topo_counters last[WIRE_LINKS_MAX];
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

	if (has_bond(&p->facts) || has_bond(&p->peer_facts)) {
		linkfacts_plan_side(&p->facts, &ours);
		if (!p->translated)
			linkfacts_plan_side(&p->peer_facts, &theirs);
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

struct counters {
	struct topo_counters base, last;
};

/* Of a link that was counted before; one that was not is counted from now on. Ignores what cannot
 * be counted: it will show as nothing. */
static struct counters counters_of(struct pathmgr *p, const struct topo_link *link)
{
	struct counters c = { .base = link->counters };

	for (unsigned i = 0; i < p->counted.n; i++)
		if (p->links[i].ifindex == link->ifindex)
			return (struct counters){ p->base[i], p->last[i] };
	topo_counters(p->source, link, 1, &c.base);
	c.last = c.base;
	return c;
}

static void count_links(struct pathmgr *p, const struct topo_path *path)
{
	const struct topo_link *links =
		p->facts.kind == WIRE_FACTS_PLAIN ? &path->link : path->bond.links;
	struct counters c[WIRE_LINKS_MAX];

	for (unsigned i = 0; i < p->facts.n_links; i++)
		c[i] = counters_of(p, &links[i]);
	p->counted.n = p->facts.n_links;
	for (unsigned i = 0; i < p->facts.n_links; i++) {
		p->links[i] = links[i];
		p->base[i] = c[i].base;
		p->last[i] = c[i].last;
	}
}

/* Where an event tells of a change: also of a port that is no longer the bond's. */
static void set_devices(struct pathmgr *p, const struct topo_path *path)
{
	p->n_devices = 0;
	for (size_t i = 0; i < path->n_hops; i++)
		p->devices[p->n_devices++] = path->hops[i].ifindex;
	for (unsigned i = 0; i < p->counted.n; i++)
		p->devices[p->n_devices++] = p->links[i].ifindex;
}

/* Returns false when there is no way, or none whose links are known. */
static bool find_path(struct pathmgr *p, struct wire_facts *facts, struct topo_path *path)
{
	if (topo_path(p->source, &p->flow, path))
		return false;
	linkfacts_of_path(path, p->release, facts);
	return facts->kind != WIRE_FACTS_NONE;
}

static void take_path(struct pathmgr *p, const struct wire_facts *facts,
		      const struct topo_path *path)
{
	p->facts = *facts;
	p->n_napis = 0;
	set_sides(p);
	count_links(p, path);
	set_devices(p, path);
}

void pathmgr_learn(struct pathmgr *p, int fd, uint64_t now_ns)
{
	struct topo_flow *flow = &p->flow;
	struct wire_facts facts;
	struct wire_names names;
	struct topo_path path;

	*flow = (struct topo_flow){ .has_src = true, .protocol = FLOW_TCP };
	p->n_devices = 0;
	p->facts = (struct wire_facts){ 0 };
	p->peer_facts = (struct wire_facts){ 0 };
	p->translated = false;
	p->counted = (struct wire_links){ 0 };
	if (sock_wire_names(fd, &names, &flow->ifindex))
		return;
	set_names(p, &names);
	if (!p->source)
		return;
	flow->family = names.local.family == 6 ? AF_INET6 : AF_INET;
	memcpy(flow->src, names.local.addr, sizeof(flow->src));
	memcpy(flow->dst, names.remote.addr, sizeof(flow->dst));
	flow->sport = names.local.port;
	flow->dport = names.remote.port;
	p->start_ns = now_ns;
	if (find_path(p, &facts, &path))
		take_path(p, &facts, &path);
}

/* The neighbour's address does not go away when the kernel forgets it for a moment. */
static void keep_macs(const struct wire_facts *before, struct wire_facts *now)
{
	if (now->flags & WIRE_FACTS_MACS || !(before->flags & WIRE_FACTS_MACS) ||
	    strcmp(now->name, before->name) != 0)
		return;
	now->flags |= WIRE_FACTS_MACS;
	memcpy(now->mac, before->mac, sizeof(now->mac));
	memcpy(now->next_hop, before->next_hop, sizeof(now->next_hop));
}

bool pathmgr_relearn(struct pathmgr *p)
{
	struct wire_facts facts;
	struct topo_path path;

	if (!p->n_devices || !find_path(p, &facts, &path))
		return false;
	keep_macs(&p->facts, &facts);
	if (wire_facts_same(&facts, &p->facts))
		return false;
	take_path(p, &facts, &path);
	return true;
}

int pathmgr_watch(struct pathmgr *p)
{
	if (p->n_devices && p->watch < 0)
		p->watch = topo_watch_open();
	return p->n_devices ? p->watch : -1;
}

bool pathmgr_events(struct pathmgr *p)
{
	return topo_watch_drain(p->watch, p->devices, p->n_devices) > 0;
}

const struct wire_facts *pathmgr_facts(const struct pathmgr *p)
{
	return &p->facts;
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

bool pathmgr_peer(struct pathmgr *p, int fd, const struct wire_facts *facts,
		  const struct wire_names *names)
{
	bool translated = is_translated(fd, names);

	/* One connection that was translated shows that others may be. */
	p->translated |= translated;
	p->peer_facts = *facts;
	set_sides(p);
	return translated;
}

void pathmgr_peer_changed(struct pathmgr *p, const struct wire_facts *facts)
{
	p->peer_facts = *facts;
	set_sides(p);
}

bool pathmgr_covers(const struct pathmgr *p, const struct wire_names *names)
{
	const struct wire_addr *client = p->client ? &names->local : &names->remote;
	const struct wire_addr *server = p->client ? &names->remote : &names->local;

	return names->local.family == p->in.family &&
	       memcmp(client->addr, p->in.local, sizeof(p->in.local)) == 0 &&
	       memcmp(server->addr, p->in.remote, sizeof(p->in.remote)) == 0;
}

uint32_t pathmgr_speed(struct pathmgr *p, const union sock_addr *local,
		       const union sock_addr *remote)
{
	struct topo_flow flow = { .family = remote->sa.sa_family,
				  .has_src = local->sa.sa_family != AF_UNSPEC,
				  .protocol = FLOW_TCP,
				  .dport = sock_addr_port(remote) };
	struct wire_facts facts;
	struct topo_path path;
	struct wire_addr from, to;
	uint32_t sum = 0;

	sock_wire_addr(local, &from);
	sock_wire_addr(remote, &to);
	memcpy(flow.src, from.addr, sizeof(flow.src));
	memcpy(flow.dst, to.addr, sizeof(flow.dst));
	if (!p->source || topo_path(p->source, &flow, &path))
		return 0;
	linkfacts_of_path(&path, p->release, &facts);
	for (unsigned i = 0; i < facts.n_links; i++) {
		if (!(facts.usable >> i & 1))
			continue;
		if (!facts.link[i].speed)
			return 0;
		sum += facts.link[i].speed;
	}
	return sum;
}

/* With one link there is no choice, whatever else is known. */
static int8_t link_of(const struct wire_facts *f, int8_t planned)
{
	return f->n_links == 1 ? 0 : planned;
}

void pathmgr_lanes(const struct pathmgr *p, uint16_t port, struct subflow_stats *out)
{
	struct plan_flow f = plan_flow_from(&p->in, port);
	const struct plan_lane *away = p->client ? &f.out : &f.in;
	const struct plan_lane *back = p->client ? &f.in : &f.out;

	out->tx_link = link_of(&p->facts, away->tx);
	out->rx_link = link_of(&p->facts, back->rx);
	out->peer_rx_link = link_of(&p->peer_facts, away->rx);
	out->peer_tx_link = link_of(&p->peer_facts, back->tx);
}

/* Counters ------------------------------------------------------------------------------------- */

bool pathmgr_count(struct pathmgr *p, uint64_t now_ns, struct wire_links *out)
{
	if (!p->counted.n)
		return false;
	for (unsigned i = 0; i < p->counted.n; i++) {
		/* A link that is gone keeps what it had. */
		topo_counters(p->source, &p->links[i], 1, &p->last[i]);
		p->counted.link[i].tx_bytes = p->last[i].tx_bytes - p->base[i].tx_bytes;
		p->counted.link[i].rx_bytes = p->last[i].rx_bytes - p->base[i].rx_bytes;
	}
	p->counted.time_ns = now_ns - p->start_ns;
	*out = p->counted;
	return true;
}

static void fill_side(const struct wire_facts *facts, const struct wire_links *links,
		      struct side_stats *out)
{
	linkfacts_side_stats(facts, out);
	out->counted = links->n && links->n == out->n_links;
	for (unsigned i = 0; i < out->n_links && out->counted; i++) {
		out->link[i].tx_bytes = links->link[i].tx_bytes;
		out->link[i].rx_bytes = links->link[i].rx_bytes;
	}
}

void pathmgr_stats(const struct pathmgr *p, const struct wire_links *peer, struct side_stats *here,
		   struct side_stats *there)
{
	fill_side(&p->facts, &p->counted, here);
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
		out->told[end] =
			spread[end] != HASH_SPREAD_NONE && spread[end & ~1u] != HASH_SPREAD_PACKETS;
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
		int r = topo_has_napi(p->source, p->links[i].ifindex, id);

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

/* "1/1/0/2": connections on each usable link; "?" when a link cannot be told. */
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

struct spread {
	char tx[WIRE_LINKS_MAX * 4];
	char rx[WIRE_LINKS_MAX * 4];
};

enum way { AWAY, BACK };

static void find_spread(const struct pathmgr *p, const uint16_t *ports, unsigned n, enum way way,
			struct spread *out)
{
	int8_t tx[PLAN_FLOWS_MAX], rx[PLAN_FLOWS_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct subflow_stats lanes;

		pathmgr_lanes(p, ports[i], &lanes);
		tx[i] = way == AWAY ? lanes.tx_link : lanes.peer_tx_link;
		rx[i] = way == AWAY ? lanes.peer_rx_link : lanes.rx_link;
	}
	spread_text(way == AWAY ? &p->facts : &p->peer_facts, tx, n, out->tx, sizeof(out->tx));
	spread_text(way == AWAY ? &p->peer_facts : &p->facts, rx, n, out->rx, sizeof(out->rx));
}

size_t pathmgr_verdict(const struct pathmgr *p, const uint16_t *ports, unsigned n, char *buf,
		       size_t size)
{
	struct spread away, back;
	size_t used;

	if (p->facts.kind == WIRE_FACTS_NONE && p->peer_facts.kind == WIRE_FACTS_NONE)
		return text_printf(buf, size, "%u subflow%s", n, n == 1 ? "" : "s");
	if (n > PLAN_FLOWS_MAX)
		n = PLAN_FLOWS_MAX;
	find_spread(p, ports, n, AWAY, &away);
	find_spread(p, ports, n, BACK, &back);
	used = linkfacts_text(&p->facts, buf, size);
	used += text_printf(buf + used, size - used, " -> peer ");
	used += linkfacts_text(&p->peer_facts, buf + used, size - used);
	used += text_printf(buf + used, size - used, ": %u subflow%s, tx %s, rx %s", n,
			    n == 1 ? "" : "s", away.tx, away.rx);
	if (strcmp(away.tx, back.rx) != 0 || strcmp(away.rx, back.tx) != 0)
		used += text_printf(buf + used, size - used, "; back tx %s, rx %s", back.tx,
				    back.rx);
	return used;
}

size_t pathmgr_explain(const struct pathmgr *p, const struct plan *plan, char *buf, size_t size)
{
	return plan_explain(&p->in, plan, buf, size);
}
