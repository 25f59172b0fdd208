/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk goes from the egress device of the route downwards, one function per kind of device,
 * until there is a bond or team or nothing below. All devices are known from one dump; only bridges
 * need a question of their own, which port leads to the next hop.
 */
#include "topo/path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "topo/bonds.h"
#include "topo/route.h"
#include "util/text.h"

/* As when all bonds are listed: netlink and files may speak of different moments. */
#define TRIES 4

struct walk {
	struct topo_source *source;
	const struct devs *devs;
	struct topo_path *path;
	const struct dev *at;
};

/* Each step moves walk->at downwards and returns 0, ends the walk and returns STEP_END, or returns
 * -errno. */
#define STEP_END 1

static int end_walk(struct walk *w, enum topo_end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int end_walk(struct walk *w, enum topo_end end, const char *fmt, ...)
{
	va_list ap;

	w->path->end = end;
	va_start(ap, fmt);
	text_vprintf(w->path->reason, sizeof(w->path->reason), fmt, ap);
	va_end(ap);
	return STEP_END;
}

static int go_to(struct walk *w, uint32_t ifindex)
{
	const struct dev *dev = devs_find(w->devs, ifindex);

	if (!dev)
		return end_walk(w, TOPO_END_LOST, "the device below %s has gone", w->at->link.name);
	w->at = dev;
	return 0;
}

static int step_plain(struct walk *w)
{
	const char *name = w->at->link.name;
	const struct dev *master = devs_find(w->devs, w->at->master);

	if (master)
		return end_walk(w, TOPO_END_PLAIN,
				"%s is a port of %s, but the route uses it alone", name,
				master->link.name);
	return end_walk(w, TOPO_END_PLAIN, "%s is a single link, not a bond", name);
}

static int step_bond(struct walk *w)
{
	w->path->end = TOPO_END_BOND;
	w->path->bond = w->devs->bonds[w->at->bond];
	return STEP_END;
}

static int step_lower(struct walk *w)
{
	if (w->at->elsewhere)
		return end_walk(w, TOPO_END_NAMESPACE,
				"%s (%s) belongs to a device of another network namespace",
				w->at->link.name, w->at->kind_name);
	return go_to(w, w->at->lower);
}

static int step_vlan(struct walk *w)
{
	w->path->n_vlans++;
	w->path->vlan = w->at->vlan;
	return step_lower(w);
}

/* The other end is no device below it: what it hands on depends on whose port it is. */
static int step_veth(struct walk *w)
{
	const struct dev *peer;

	if (w->at->elsewhere || !w->at->lower)
		return end_walk(w, TOPO_END_NAMESPACE,
				"the other end of %s (%s) is in another network namespace",
				w->at->link.name, w->at->kind_name);
	peer = devs_find(w->devs, w->at->lower);
	if (peer && !peer->master)
		return end_walk(w, TOPO_END_PLAIN, "%s leads to %s on this machine",
				w->at->link.name, peer->link.name);
	return go_to(w, peer ? peer->master : 0);
}

static bool leads_to_bond(const struct walk *w, const struct dev *dev)
{
	const struct dev *below = dev;

	for (unsigned i = 0; below && i < TOPO_HOPS_MAX; i++) {
		if (below->kind == TOPO_KIND_BOND || below->kind == TOPO_KIND_TEAM)
			return true;
		if (below->kind != TOPO_KIND_VLAN || below->elsewhere)
			return false;
		below = devs_find(w->devs, below->lower);
	}
	return false;
}

static bool is_port_of_bridge(const struct walk *w, const struct dev *dev)
{
	return dev->master == w->at->link.ifindex;
}

/* All bridges of Open vSwitch have their ports in common, as ports of its datapath. */
static bool is_port_of_ovs(const struct walk *w, const struct dev *dev)
{
	const struct dev *master = devs_find(w->devs, dev->master);

	return master && master->kind == TOPO_KIND_OVS;
}

typedef bool (*port_fn)(const struct walk *w, const struct dev *dev);

/* The only bond among the ports; if any_kind, else the only port. 0: neither. */
static uint32_t guess_port(const struct walk *w, port_fn is_port, bool any_kind)
{
	size_t n_ports = 0, n_bonds = 0;
	uint32_t port = 0, bond = 0;

	for (size_t i = 0; i < w->devs->n; i++) {
		const struct dev *dev = &w->devs->list[i];

		if (!is_port(w, dev))
			continue;
		port = dev->link.ifindex;
		n_ports++;
		if (leads_to_bond(w, dev)) {
			bond = dev->link.ifindex;
			n_bonds++;
		}
	}
	if (n_bonds == 1)
		return bond;
	return any_kind && n_ports == 1 ? port : 0;
}

static int step_bridge(struct walk *w)
{
	uint32_t port = 0;
	int r = 0;

	if (w->path->has_dmac)
		r = route_bridge_port(w->source, w->at->link.ifindex, w->path->dmac, &port);
	if (r)
		return r;
	/* A frame for a MAC that the bridge has not seen goes to all ports. */
	if (!port) {
		port = guess_port(w, is_port_of_bridge, true);
		w->path->guessed = port != 0;
	}
	if (!port)
		return end_walk(w, TOPO_END_BRIDGE,
				"the bridge %s has not learnt yet which port leads to the peer",
				w->at->link.name);
	return go_to(w, port);
}

static int step_tunnel(struct walk *w)
{
	return end_walk(w, TOPO_END_TUNNEL, "%s (%s) carries packets inside others",
			w->at->link.name, w->at->kind_name);
}

/* Which port it takes only it knows; a kernel's bond there is what most have it for. */
static int step_ovs(struct walk *w)
{
	uint32_t port = guess_port(w, is_port_of_ovs, false);

	w->path->guessed = port != 0;
	if (port)
		return go_to(w, port);
	return end_walk(w, TOPO_END_OVS, "%s belongs to Open vSwitch, whose bonds only it shows",
			w->at->link.name);
}

static int step_other(struct walk *w)
{
	return end_walk(w, TOPO_END_UNKNOWN,
			"%s is of a kind that mpnc does not know (%s), so what carries it is not "
			"known",
			w->at->link.name, w->at->kind_name);
}

static int step_loopback(struct walk *w)
{
	return end_walk(w, TOPO_END_LOCAL, "%s does not leave this machine", w->at->link.name);
}

static int (*const steps[])(struct walk *w) = {
	[TOPO_KIND_PLAIN] = step_plain,   [TOPO_KIND_BOND] = step_bond,
	[TOPO_KIND_TEAM] = step_bond,     [TOPO_KIND_VLAN] = step_vlan,
	[TOPO_KIND_MACVLAN] = step_lower, [TOPO_KIND_IPVLAN] = step_lower,
	[TOPO_KIND_BRIDGE] = step_bridge, [TOPO_KIND_VRF] = step_plain,
	[TOPO_KIND_VETH] = step_veth,     [TOPO_KIND_TUNNEL] = step_tunnel,
	[TOPO_KIND_OVS] = step_ovs,       [TOPO_KIND_LOOPBACK] = step_loopback,
	[TOPO_KIND_OTHER] = step_other,
};

static void add_hop(struct walk *w)
{
	struct topo_path *path = w->path;
	struct topo_hop *hop = &path->hops[path->n_hops++];
	const struct topo_link *link = &w->at->link;

	memcpy(hop->name, link->name, sizeof(hop->name));
	hop->ifindex = link->ifindex;
	hop->kind = w->at->kind;
	hop->mtu = link->mtu;
	hop->vlan = w->at->vlan;
	if (link->mtu && (!path->mtu || link->mtu < path->mtu))
		path->mtu = link->mtu;
}

static int walk_down(struct walk *w)
{
	static const uint8_t none[TOPO_MAC_LEN];
	int r = 0;

	/* The device of the route writes the frame's source; those below hand the frame on. */
	memcpy(w->path->smac, w->at->link.mac, TOPO_MAC_LEN);
	w->path->has_smac = memcmp(w->path->smac, none, TOPO_MAC_LEN) != 0;
	while (!r) {
		if (w->path->n_hops == TOPO_HOPS_MAX) {
			r = end_walk(w, TOPO_END_LOST, "the devices under %s form a circle",
				     w->path->hops[0].name);
		} else {
			add_hop(w);
			r = steps[w->at->kind](w);
		}
	}
	w->path->link = w->at->link;
	bonds_speed(w->source, &w->path->link);
	return r == STEP_END ? 0 : r;
}

/* Fills *own with the devices, unless they are held. Returns 0, 1 if it should be tried again (as
 * bonds_complete), or -errno. */
static int find_path(struct topo_source *source, const struct topo_flow *flow,
		     struct topo_path *path, struct devs *own)
{
	const struct devs *held = source->held;
	struct walk w = { .source = source, .devs = held ? held : own, .path = path };
	uint32_t ifindex;
	int r;

	memset(path, 0, sizeof(*path));
	r = route_find(source, flow, path, &ifindex);
	if (r || path->end)
		return r;
	r = route_neighbour(source, flow, ifindex, path);
	if (!r && !held)
		r = devs_load(source, own);
	if (r)
		return r;
	w.at = devs_find(w.devs, ifindex);
	if (!w.at) {
		end_walk(&w, TOPO_END_LOST, "the device of the route has gone");
		return 1;
	}
	r = walk_down(&w);
	if (!r && !held && path->end == TOPO_END_BOND)
		r = bonds_complete(source, own, &path->bond);
	return r;
}

int topo_path(struct topo_source *source, const struct topo_flow *flow, struct topo_path *out)
{
	int r = 1;

	for (unsigned i = 0; i < TRIES && r == 1; i++) {
		struct devs devs = { 0 };

		r = find_path(source, flow, out, &devs);
		devs_clear(&devs);
	}
	return r < 0 ? r : 0;
}

int topo_is_local(struct topo_source *source, const struct topo_flow *flow)
{
	struct topo_path path = { 0 };
	uint32_t ifindex;
	int r = route_find(source, flow, &path, &ifindex);

	return r ? r : path.end == TOPO_END_LOCAL;
}

int topo_hold(struct topo_source *source)
{
	struct devs *devs = calloc(1, sizeof(*devs));
	int r = devs ? bonds_load(source, 0, devs) : -ENOMEM;

	topo_release(source);
	source->held = devs;
	source->drop_held = topo_release;
	if (r)
		topo_release(source);
	return r;
}

void topo_release(struct topo_source *source)
{
	if (source->held)
		devs_clear(source->held);
	free(source->held);
	source->held = NULL;
}
