/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_lacp_rules.c - predicates of LACP: partner, aggregator, and the state bits of each port
 *
 * LACP (IEEE 802.1AX-2014, 6.4) puts ports of one partner and one key into an aggregator and lets
 * one aggregator carry traffic. So a port can be out in this order, and the first reason is the
 * finding:
 *
 *   no signal -> nobody answers -> another partner, key or aggregator -> not in step or not enabled
 *
 * What always holds: without privilege the kernel tells the active aggregator's partner only. A
 * rule that needs another port's keeps silent if it is not known (bond_words_link_partner).
 */
#include "cmd/doctor/doctor_lacp_rules.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_rules.h"
#include "util/text.h"

/* LACP works for the bond as a whole; or may, as the file that was read hides who the partner is.
 */
static bool has_partner(const struct topo_bond *b)
{
	const uint8_t *partner = bond_words_partner(b);

	return bond_words_is_lacp(b) && b->has_aggregator &&
	       (partner ? !bond_words_is_zero(partner) : b->partner_hidden);
}

/* With all links down nothing else can be expected. */
bool rules_no_aggregator(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;
	bool all_down = true;

	for (size_t i = 0; i < b->n_links; i++)
		all_down &= bond_words_is_down(&b->links[i]);
	return bond_words_is_lacp(b) && !b->has_aggregator && !all_down;
}

bool rules_no_partner(const struct doctor_view *v, struct doctor_finding *f)
{
	if (v->bond->n_ports < 2 || !bond_words_partner(v->bond) || has_partner(v->bond))
		return false;
	f->remedy = rules_remedy_of_guest(v);
	return true;
}

/* It works all the same. */
bool rules_lone(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = 1;
	return v->bond->n_ports == 1 && bond_words_partner(v->bond) && !has_partner(v->bond);
}

/* The switch answers on other links. */
static bool is_silent(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && !bond_words_is_down(l) && bond_words_is_silent(v->bond, l);
}

bool rules_silent(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_silent);
	return f->links;
}

static bool is_apart(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && l->unusable == TOPO_UNUSABLE_AGGREGATOR && !is_silent(v, l);
}

/* A link of the active group to compare with. */
static const struct topo_link *find_member(const struct topo_bond *b)
{
	for (size_t i = 0; i < b->n_links; i++)
		if (!b->links[i].unusable)
			return &b->links[i];
	return NULL;
}

/* Equal speeds, and yet another key: the key is made when a port joins, of what its speed is then.
 */
static bool has_stale_key(const struct doctor_view *v, const struct topo_link *l)
{
	const struct topo_link *member = find_member(v->bond);

	return is_apart(v, l) && member && l->has_actor_key && member->has_actor_key &&
	       l->actor_key != member->actor_key && l->speed == member->speed &&
	       l->duplex == member->duplex;
}

bool rules_stale_key(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_link *member = find_member(v->bond);

	f->links = rules_links(v, has_stale_key);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			rules_add(f, "%s has key %u, %s has %u",
				  bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].actor_key, bond_words_name(member->name).text,
				  member->actor_key);
	return f->links;
}

static bool is_in_other_group(const struct doctor_view *v, const struct topo_link *l)
{
	return is_apart(v, l) && !has_stale_key(v, l);
}

/* Links are grouped by speed and duplex, the partner's address, and its key. */
static void add_cause(struct doctor_finding *f, const struct topo_bond *b,
		      const struct topo_link *l)
{
	const struct topo_link *member = find_member(b);
	char why[128] = "";

	if (member && member->speed && l->speed && member->speed != l->speed)
		text_printf(why, sizeof(why), ": %u instead of %u Mbit/s", l->speed, member->speed);
	else if (l->duplex == TOPO_DUPLEX_HALF)
		text_printf(why, sizeof(why), ": half duplex");
	else if (l->has_partner && !b->partner_hidden &&
		 memcmp(l->partner_mac, b->partner_mac, TOPO_MAC_LEN) != 0)
		text_printf(why, sizeof(why), ": its partner is %s, the others' is %s",
			    bond_words_mac(l->partner_mac).text,
			    bond_words_mac(b->partner_mac).text);
	else if (l->has_partner && !b->partner_hidden && l->partner_key != b->partner_key)
		text_printf(why, sizeof(why), ": the partner's key is %u, the others' is %u",
			    l->partner_key, b->partner_key);
	rules_add(f, "%s in %u%s", bond_words_name(l->name).text, l->aggregator, why);
}

bool rules_other_group(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_in_other_group);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			add_cause(f, v->bond, &v->bond->links[i]);
	return f->links;
}

static bool is_expired(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && !bond_words_is_down(l) && !is_silent(v, l) &&
	       (l->actor_state | l->partner_state) & TOPO_LACP_EXPIRED;
}

bool rules_expired(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_expired);
	for (size_t i = 0; i < v->bond->n_links; i++) {
		const struct topo_link *l = &v->bond->links[i];

		if (rules_has(f, i))
			rules_add(f, "%s (%s)", bond_words_name(l->name).text,
				  l->actor_state & TOPO_LACP_EXPIRED
					  ? "nothing is heard here any more"
					  : "the switch hears nothing any more");
	}
	return f->links;
}

/* The switch answers, so we hear it; but what it knows of us is its own default. */
static bool is_unheard(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && !bond_words_is_down(l) && !is_silent(v, l) &&
	       !is_expired(v, l) && l->partner_state & TOPO_LACP_DEFAULTED;
}

bool rules_unheard(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_unheard);
	return f->links;
}

/* Does a state lack any of these bits? Kernels that do not tell a state say 0, which is none that a
 * port takes. */
static bool is_lacking(uint8_t state, uint8_t bits)
{
	return state && (state & bits) != bits;
}

/* The driver groups ports whatever the partner says of aggregation, see rules_individual. */
#define OF_PARTNER (TOPO_LACP_WORKING & ~TOPO_LACP_AGGREGATION)

static bool is_out_of_sync(const struct doctor_view *v, const struct topo_link *l)
{
	if (!has_partner(v->bond) || bond_words_is_down(l) ||
	    l->aggregator != v->bond->aggregator || is_silent(v, l) || is_expired(v, l) ||
	    is_unheard(v, l))
		return false;
	return l->unusable == TOPO_UNUSABLE_BACKUP ||
	       is_lacking(l->actor_state, TOPO_LACP_WORKING) ||
	       is_lacking(l->partner_state, OF_PARTNER);
}

static const char *lacking_text(uint8_t state, uint8_t bits)
{
	if (!is_lacking(state, bits))
		return "ready";
	if (bits & ~state & TOPO_LACP_AGGREGATION)
		return "refusing to aggregate";
	if (!(state & TOPO_LACP_SYNC))
		return "not in sync";
	return state & TOPO_LACP_COLLECTING ? "not sending" : "not receiving";
}

bool rules_out_of_sync(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_out_of_sync);
	for (size_t i = 0; i < v->bond->n_links; i++) {
		const struct topo_link *l = &v->bond->links[i];

		if (rules_has(f, i))
			rules_add(f, "%s is %s here (0x%02x), %s at the switch (0x%02x)",
				  bond_words_name(l->name).text,
				  lacking_text(l->actor_state, TOPO_LACP_WORKING), l->actor_state,
				  lacking_text(l->partner_state, OF_PARTNER), l->partner_state);
	}
	return f->links;
}

static bool is_individual(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && !bond_words_is_down(l) && !is_silent(v, l) &&
	       is_lacking(l->partner_state, TOPO_LACP_AGGREGATION);
}

/* A single link is one in any case. */
bool rules_individual(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = v->bond->n_ports > 1 ? rules_links(v, is_individual) : 0;
	return f->links;
}

/* No other mode has the driver look at min_links. */
bool rules_min_links(const struct doctor_view *v, struct doctor_finding *f)
{
	return bond_words_is_lacp(v->bond) && v->bond->n_links &&
	       v->bond->min_links > v->bond->n_usable;
}

/* Of a link that does not work another rule tells why. */
static bool is_churned(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && l->churned && !l->unusable && !is_silent(v, l) &&
	       !is_expired(v, l) && !is_unheard(v, l) && !is_out_of_sync(v, l);
}

bool rules_churned(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_churned);
	return f->links;
}

bool rules_slow_rate(const struct doctor_view *v, struct doctor_finding *f)
{
	return bond_words_is_lacp(v->bond) && v->bond->n_links && !v->bond->lacp_rate;
}

bool rules_passive(const struct doctor_view *v, struct doctor_finding *f)
{
	return bond_words_is_lacp(v->bond) && v->bond->n_links && !v->bond->lacp_active;
}

/* A state's SHORT bit is for what its owner receives: without it the switch waits 90 s for us. */
static bool is_slow_there(const struct doctor_view *v, const struct topo_link *l)
{
	return has_partner(v->bond) && v->bond->lacp_rate && !l->unusable &&
	       is_lacking(l->partner_state, TOPO_LACP_SHORT);
}

bool rules_switch_slow(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_slow_there);
	return f->links;
}

static bool has_idle_link(const struct topo_bond *b)
{
	for (size_t i = 0; i < b->n_links; i++)
		if (b->links[i].unusable == TOPO_UNUSABLE_BACKUP ||
		    b->links[i].unusable == TOPO_UNUSABLE_AGGREGATOR)
			return true;
	return false;
}

static bool knows_partner(const struct topo_bond *b)
{
	return bond_words_partner(b) && !bond_words_is_zero(bond_words_partner(b));
}

/* Two groups of a switch may have one key. If ports are idle too, they are one group there. */
bool rules_shared_partner(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	for (size_t i = 0; knows_partner(b) && i < v->n_bonds; i++) {
		const struct topo_bond *other = &v->bonds[i];

		if (other == b || !knows_partner(other) || other->partner_key != b->partner_key ||
		    memcmp(other->partner_mac, b->partner_mac, TOPO_MAC_LEN) != 0 ||
		    (!has_idle_link(b) && !has_idle_link(other)))
			continue;
		rules_add(f, "%s", bond_words_name(other->name).text);
	}
	return f->detail[0];
}

/* A cable between two of its own ports. */
bool rules_own_partner(const struct doctor_view *v, struct doctor_finding *f)
{
	for (size_t i = 0; knows_partner(v->bond) && i < v->n_bonds; i++)
		if (memcmp(v->bonds[i].mac, v->bond->partner_mac, TOPO_MAC_LEN) == 0)
			rules_add(f, "%s", bond_words_name(v->bonds[i].name).text);
	return f->detail[0];
}
