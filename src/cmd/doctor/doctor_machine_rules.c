/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_machine_rules.c - predicates of the machine: no bond, the route to the peer, the kernel's
 * settings
 *
 * These look at all devices, routes and sysctls of the view, and not at one bond; their conditions
 * have of_machine. A device stands upon a bond through VLANs, macvlans and bridges (rules_is_upon).
 *
 * What always holds: what could not be read is 0 or NULL in the view, and no condition holds by it.
 */
#include "cmd/doctor/doctor_machine_rules.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_rules.h"

bool rules_no_bond(const struct doctor_view *v, struct doctor_finding *f)
{
	for (size_t i = 0; i < v->n_bonds; i++)
		if (doctor_in_use(&v->bonds[i]))
			return false;
	return true;
}

/* A card has no kind; containers and their host differ by having one. */
static bool is_card(const struct dev *dev)
{
	return dev->kind == TOPO_KIND_PLAIN && !dev->kind_name[0];
}

bool rules_namespace(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!rules_no_bond(v, f))
		return false;
	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];

		if (is_card(dev))
			return false;
		if (dev->elsewhere && dev->kind != TOPO_KIND_TUNNEL)
			rules_add(f, "%s (%s)", bond_words_name(dev->link.name).text,
				  dev->kind_name);
	}
	return f->detail[0];
}

bool rules_virtual_function(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!rules_no_bond(v, f))
		return false;
	for (size_t i = 0; v->cards && i < v->devs->n; i++)
		if (v->cards[i].virtual_function && strcmp(v->cards[i].driver, "mlx5_core") == 0)
			rules_add(f, "%s", bond_words_name(v->devs->list[i].link.name).text);
	return f->detail[0];
}

bool rules_no_route(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!v->path || v->path->end != TOPO_END_UNREACHABLE)
		return false;
	rules_add_quoted(f, v->path->reason);
	return true;
}

/* Sets the bond that has the peer in its subnet, and the device that has the address. */
static bool find_subnet(const struct doctor_view *v, struct doctor_finding *f)
{
	for (size_t i = 0; i < v->n_subnets * v->n_bonds; i++) {
		const struct topo_bond *b = &v->bonds[i % v->n_bonds];
		const struct dev *dev = devs_find(v->devs, v->subnets[i / v->n_bonds]);

		if (!dev || !rules_is_upon(v, dev, b->ifindex))
			continue;
		f->bond = b;
		memcpy(f->dev, dev->link.name, sizeof(f->dev));
		return true;
	}
	return false;
}

static bool leaves_elsewhere(const struct doctor_view *v)
{
	return v->path && v->path->end != TOPO_END_BOND && v->path->end != TOPO_END_LOCAL &&
	       v->path->end != TOPO_END_UNREACHABLE;
}

bool rules_route_elsewhere(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!leaves_elsewhere(v) || !find_subnet(v, f))
		return false;
	rules_add(f, "%s",
		  v->path->n_hops ? bond_words_name(v->path->hops[0].name).text : "another device");
	return true;
}

/* The device that the walk ended at. */
static const struct dev *last_dev(const struct doctor_view *v)
{
	size_t n = v->path ? v->path->n_hops : 0;

	return n ? devs_find(v->devs, v->path->hops[n - 1].ifindex) : NULL;
}

static bool is_one_of(const char *word, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Their outer packets have a source port that is a hash of the inner flow. */
static bool spreads(const struct dev *tunnel)
{
	static const char *const kinds[] = { "vxlan", "geneve", "bareudp" };

	return is_one_of(tunnel->kind_name, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

static bool is_tunnel(const struct doctor_view *v, struct doctor_finding *f, bool spread)
{
	struct doctor_finding other = { 0 };
	const struct dev *dev = last_dev(v);

	if (!dev || v->path->end != TOPO_END_TUNNEL || spreads(dev) != spread ||
	    find_subnet(v, &other))
		return false;
	memcpy(f->dev, dev->link.name, sizeof(f->dev));
	rules_add_quoted(f, dev->kind_name);
	return true;
}

bool rules_one_tunnel(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_tunnel(v, f, false);
}

bool rules_spread_tunnel(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_tunnel(v, f, true);
}

/* With one card there is nothing that it could bond. */
bool rules_ovs(const struct doctor_view *v, struct doctor_finding *f)
{
	size_t n = 0;

	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];
		const struct dev *master = devs_find(v->devs, dev->master);

		if (!is_card(dev) || !master || master->kind != TOPO_KIND_OVS)
			continue;
		rules_add(f, "%s", bond_words_name(dev->link.name).text);
		n++;
	}
	return n > 1;
}

bool rules_hops_one(const struct doctor_view *v, struct doctor_finding *f)
{
	if (v->n_next_hops < 2 || !v->hops_by_address)
		return false;
	rules_add(f, "%u", v->n_next_hops);
	return true;
}

bool rules_hops(const struct doctor_view *v, struct doctor_finding *f)
{
	if (v->n_next_hops < 2 || v->hops_by_address)
		return false;
	rules_add(f, "%u", v->n_next_hops);
	return true;
}

bool rules_cloud(const struct doctor_view *v, struct doctor_finding *f)
{
	static const char *const drivers[] = { "ena", "gve", "mana" };

	for (size_t i = 0; v->cards && i < v->devs->n; i++)
		if (is_one_of(v->cards[i].driver, drivers, sizeof(drivers) / sizeof(drivers[0])))
			rules_add(f, "%s (%s)", bond_words_name(v->devs->list[i].link.name).text,
				  v->cards[i].driver);
	return f->detail[0];
}

static size_t n_ports(const struct doctor_view *v, uint32_t bridge)
{
	size_t n = 0;

	for (size_t i = 0; i < v->devs->n; i++)
		n += v->devs->list[i].master == bridge;
	return n;
}

/* Frames of others than the bond itself: both modes send them with addresses of the wrong link. */
bool rules_bridged(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	if (b->kind != TOPO_KIND_BOND || b->n_ports < 2 ||
	    (b->mode != TOPO_MODE_BALANCE_TLB && b->mode != TOPO_MODE_BALANCE_ALB))
		return false;
	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];
		const struct dev *bridge = devs_find(v->devs, dev->master);

		if (!bridge || bridge->kind != TOPO_KIND_BRIDGE ||
		    rules_tags_upon(v, dev, b->ifindex) < 0 || n_ports(v, bridge->link.ifindex) < 2)
			continue;
		memcpy(f->dev, bridge->link.name, sizeof(f->dev));
		f->remedy = rules_remedy_without_lacp(v);
		return true;
	}
	return false;
}

static bool is_function(const struct doctor_view *v, const struct topo_link *l)
{
	const struct topo_card *card = rules_card(v, l);

	return card && card->virtual_function;
}

bool rules_functions(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_function);
	return f->links;
}

/* Of tunnels and Open vSwitch there is more to say. */
static bool has_words_of_its_own(const struct doctor_view *v)
{
	struct doctor_finding other = { 0 };

	return rules_one_tunnel(v, &other) || rules_spread_tunnel(v, &other) ||
	       (v->path->end == TOPO_END_OVS && rules_ovs(v, &other));
}

bool rules_route_hidden(const struct doctor_view *v, struct doctor_finding *f)
{
	struct doctor_finding other = { 0 };

	if (!leaves_elsewhere(v) || v->path->end == TOPO_END_PLAIN || has_words_of_its_own(v) ||
	    find_subnet(v, &other))
		return false;
	rules_add_quoted(f, v->path->reason);
	return true;
}

bool rules_route_plain(const struct doctor_view *v, struct doctor_finding *f)
{
	struct doctor_finding other = { 0 };

	if (!v->path || v->n_next_hops > 1 ||
	    (v->path->end != TOPO_END_PLAIN && v->path->end != TOPO_END_LOCAL) ||
	    (v->path->end == TOPO_END_PLAIN && find_subnet(v, &other)))
		return false;
	rules_add_quoted(f, v->path->reason);
	return true;
}
