/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor/doctor_bond_rules.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_rules.h"
#include "util/text.h"

/* What a bond can send over at all ------------------------------------------------------------- */

bool rules_set_down(const struct doctor_view *v, struct doctor_finding *f)
{
	return v->bond->n_links && !v->bond->up;
}

bool rules_no_carrier(const struct doctor_view *v, struct doctor_finding *f)
{
	return v->bond->n_links && v->bond->up && !v->bond->carrier;
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

static bool has_flapped(const struct doctor_view *v, const struct topo_link *l)
{
	return l->failures && !bond_words_is_down(l);
}

bool rules_flapped(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, has_flapped);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			rules_add(f, "%s %u", bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].failures);
	return f->links;
}

/* LACP ----------------------------------------------------------------------------------------- */

/* LACP works for the bond as a whole. */
static bool has_partner(const struct topo_bond *b)
{
	return bond_words_partner(b) && !bond_words_is_zero(bond_words_partner(b));
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
	return bond_words_partner(v->bond) && !has_partner(v->bond);
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
	else if (l->has_partner && memcmp(l->partner_mac, b->partner_mac, TOPO_MAC_LEN) != 0)
		text_printf(why, sizeof(why), ": its partner is %s, the others' is %s",
			    bond_words_mac(l->partner_mac).text,
			    bond_words_mac(b->partner_mac).text);
	else if (l->has_partner && l->partner_key != b->partner_key)
		text_printf(why, sizeof(why), ": the partner's key is %u, the others' is %u",
			    l->partner_key, b->partner_key);
	rules_add(f, "%s in %u%s", bond_words_name(l->name).text, l->aggregator, why);
}

bool rules_other_group(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_apart);
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

/* Kernels that do not tell a state say 0, which is none that a port takes. */
static bool is_lacking(uint8_t state)
{
	return state && (state & TOPO_LACP_WORKING) != TOPO_LACP_WORKING;
}

static bool is_out_of_sync(const struct doctor_view *v, const struct topo_link *l)
{
	if (!has_partner(v->bond) || bond_words_is_down(l) ||
	    l->aggregator != v->bond->aggregator || is_silent(v, l) || is_expired(v, l))
		return false;
	return l->unusable == TOPO_UNUSABLE_BACKUP || is_lacking(l->actor_state) ||
	       is_lacking(l->partner_state);
}

static const char *lacking_text(uint8_t state)
{
	if (!is_lacking(state))
		return "ready";
	if (!(state & TOPO_LACP_AGGREGATION))
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
				  bond_words_name(l->name).text, lacking_text(l->actor_state),
				  l->actor_state, lacking_text(l->partner_state), l->partner_state);
	}
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
	       !is_expired(v, l) && !is_out_of_sync(v, l);
}

bool rules_churned(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_churned);
	return f->links;
}

bool rules_slow_rate(const struct doctor_view *v, struct doctor_finding *f)
{
	return bond_words_is_lacp(v->bond) && !v->bond->lacp_rate;
}

bool rules_passive(const struct doctor_view *v, struct doctor_finding *f)
{
	return bond_words_is_lacp(v->bond) && !v->bond->lacp_active;
}
