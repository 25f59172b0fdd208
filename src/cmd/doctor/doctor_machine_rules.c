/* SPDX-License-Identifier: GPL-2.0-or-later */
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

bool rules_route_hidden(const struct doctor_view *v, struct doctor_finding *f)
{
	struct doctor_finding other = { 0 };

	if (!leaves_elsewhere(v) || v->path->end == TOPO_END_PLAIN || find_subnet(v, &other))
		return false;
	rules_add_quoted(f, v->path->reason);
	return true;
}

bool rules_route_plain(const struct doctor_view *v, struct doctor_finding *f)
{
	struct doctor_finding other = { 0 };

	if (!v->path || (v->path->end != TOPO_END_PLAIN && v->path->end != TOPO_END_LOCAL) ||
	    (v->path->end == TOPO_END_PLAIN && find_subnet(v, &other)))
		return false;
	rules_add_quoted(f, v->path->reason);
	return true;
}
