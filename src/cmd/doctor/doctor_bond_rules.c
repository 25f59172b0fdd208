/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_bond_rules.c - predicates of what a bond can send over at all: state, links, speeds,
 * monitoring
 *
 * Each looks at the view alone and returns whether its condition holds; doctor_rules.h has the
 * contract. They follow the order in which a link becomes usable:
 *
 *   the bond is up -> it has links -> a link is up, with carrier -> MII or ARP finds it alive
 *   -> the mode uses it (active, aggregator) -> it has the speed and MTU of the others
 *
 * What always holds: a rule keeps silent where one before it in this order has said the cause.
 */
#include "cmd/doctor/doctor_bond_rules.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_rules.h"

/* Cables fail some times a year; a monitoring that misses answers of its target counts thousands.
 */
#define ARP_FLAPS 100

bool rules_set_down(const struct doctor_view *v, struct doctor_finding *f)
{
	return v->bond->n_links && !v->bond->up;
}

bool rules_no_carrier(const struct doctor_view *v, struct doctor_finding *f)
{
	return v->bond->n_links && v->bond->up && !v->bond->carrier;
}

/* With no aggregator at all that is what there is to say. */
bool rules_no_usable(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	return b->n_links && b->up && b->carrier && !b->n_usable &&
	       !(bond_words_is_lacp(b) && !b->has_aggregator) && !rules_no_active(v, f);
}

static bool can_carry(const struct doctor_view *v, const struct topo_link *l)
{
	return !bond_words_is_down(l);
}

/* The first of the links that could be. */
bool rules_no_active(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;
	uint32_t links = rules_links(v, can_carry);

	if (b->kind != TOPO_KIND_BOND || b->mode != TOPO_MODE_ACTIVE_BACKUP || !b->carrier ||
	    b->n_usable || !links)
		return false;
	memcpy(f->dev, b->links[__builtin_ctz(links)].name, sizeof(f->dev));
	return true;
}

/* The fastest of those that wait, if it is faster than the active one. */
bool rules_slow_active(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_link *active = bond_words_active(v->bond), *best = active;

	if (!active || !bond_words_has_speed(active))
		return false;
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (bond_words_has_speed(&v->bond->links[i]) &&
		    v->bond->links[i].speed > best->speed)
			best = &v->bond->links[i];
	if (best == active)
		return false;
	rules_add(f, "%s with %u Mbit/s, while %s with %u", bond_words_name(active->name).text,
		  active->speed, bond_words_name(best->name).text, best->speed);
	memcpy(f->dev, best->name, sizeof(f->dev));
	return true;
}

bool rules_no_links(const struct doctor_view *v, struct doctor_finding *f)
{
	return !v->bond->n_links;
}

static uint32_t links_unusable(const struct doctor_view *v, enum topo_unusable why)
{
	uint32_t links = 0;

	for (size_t i = 0; i < v->bond->n_links; i++)
		if (v->bond->links[i].unusable == why)
			links |= 1u << i;
	return links;
}

bool rules_link_set_down(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = links_unusable(v, TOPO_UNUSABLE_DOWN);
	return f->links;
}

bool rules_link_no_carrier(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = links_unusable(v, TOPO_UNUSABLE_CARRIER);
	return f->links;
}

bool rules_link_held_down(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = links_unusable(v, TOPO_UNUSABLE_MII);
	return f->links;
}

static bool is_disabled(const struct doctor_view *v, const struct topo_link *l)
{
	return bond_words_is_disabled(v->bond, l);
}

bool rules_port_disabled(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_disabled);
	return f->links;
}

bool rules_one_link(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = 1;
	return v->bond->n_ports == 1;
}

bool rules_no_monitoring(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	return b->kind == TOPO_KIND_BOND && b->n_links && !b->miimon_ms && !b->arp_interval_ms;
}

static bool flaps_by_arp(const struct doctor_view *v, const struct topo_link *l)
{
	return v->bond->arp_interval_ms && !v->bond->miimon_ms && l->failures >= ARP_FLAPS;
}

static bool has_flapped(const struct doctor_view *v, const struct topo_link *l)
{
	return l->failures && !bond_words_is_down(l) && !flaps_by_arp(v, l);
}

static bool add_failures(const struct doctor_view *v, struct doctor_finding *f, rules_link_fn fn)
{
	f->links = rules_links(v, fn);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			rules_add(f, "%s %u", bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].failures);
	return f->links;
}

bool rules_flapped(const struct doctor_view *v, struct doctor_finding *f)
{
	return add_failures(v, f, has_flapped);
}

bool rules_arp_flaps(const struct doctor_view *v, struct doctor_finding *f)
{
	return add_failures(v, f, flaps_by_arp);
}

/* In both modes the driver expects answers on each link, and the switch decides by which they come.
 */
bool rules_arp_spread(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	return b->kind == TOPO_KIND_BOND && b->n_ports > 1 && b->arp_interval_ms && !b->miimon_ms &&
	       (b->mode == TOPO_MODE_BALANCE_RR || b->mode == TOPO_MODE_BALANCE_XOR);
}
