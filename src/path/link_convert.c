/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four modules describe links in their own terms, and do not know each other:
 *
 *   topo_bond, topo_path --> wire_facts --> plan_side --> hash_bond
 *    (this kernel)            (announced)    (planned)     (predicted)
 *                                  `-------> side_stats (shown)
 *
 * Ours and the peer's go through wire_facts alike, so both are planned by the same rules. What a
 * step cannot express becomes unknown, never a guess. The order of links stays in each step, as
 * their numbers are indices into it.
 */
#include "path/link_convert.h"

#include <arpa/inet.h>
#include <string.h>

#include "hash/release.h"
#include "util/text.h"

_Static_assert(WIRE_LINKS_MAX == HASH_LINKS_MAX && WIRE_LINKS_MAX == STATS_LINKS_MAX &&
		       WIRE_LINKS_MAX == TOPO_LINKS_MAX,
	       "links are announced, hashed and shown alike");
_Static_assert(WIRE_NAME_LEN == TOPO_NAME_LEN && WIRE_NAME_LEN == STATS_NAME_LEN,
	       "names are the kernel's");

/* Bonds of this machine ------------------------------------------------------------------------ */

static enum hash_mode mode_of(const struct topo_bond *bond)
{
	if (bond->kind == TOPO_KIND_TEAM)
		return HASH_TEAM;
	/* Both have the kernel's numbers. */
	return bond->mode < HASH_TEAM ? (enum hash_mode)bond->mode : HASH_N_MODES;
}

enum hash_variant link_convert_variant(const char *release, enum hash_mode mode,
				       enum hash_policy policy)
{
	struct hash_guess guess;

	if ((unsigned)mode >= HASH_N_MODES || (unsigned)policy >= HASH_N_POLICIES ||
	    hash_variant_of(release, &guess) < 0)
		return HASH_VARIANT_UNKNOWN;
	return hash_variant_settled(&guess, mode, policy);
}

enum hash_order link_convert_order(void)
{
	return htonl(1) == 1 ? HASH_BIG : HASH_LITTLE;
}

struct hash_bond link_convert_hash_bond(const struct topo_bond *bond, const char *release,
					enum hash_variant variant)
{
	struct hash_bond b = {
		.mode = mode_of(bond),
		.policy = bond->policy < HASH_N_POLICIES ? bond->policy : HASH_N_POLICIES,
		.order = link_convert_order(),
		.dynamic = bond->tlb_dynamic_lb,
		.n_links = (unsigned)bond->n_ports,
		.active = -1,
	};

	b.variant = variant ? variant : link_convert_variant(release, b.mode, b.policy);
	for (size_t i = 0; i < bond->n_links; i++) {
		const struct topo_link *link = &bond->links[i];

		if (link->unusable == TOPO_USABLE)
			b.usable |= 1u << i;
		if (bond->has_aggregator && link->aggregator == bond->aggregator)
			b.joined |= 1u << i;
		if (bond->active && link->ifindex == bond->active)
			b.active = (int)i;
	}
	return b;
}

bool link_convert_mode_hashes(enum hash_mode mode)
{
	return mode == HASH_BALANCE_XOR || mode == HASH_8023AD || mode == HASH_BALANCE_TLB ||
	       mode == HASH_BALANCE_ALB;
}

/* Facts ---------------------------------------------------------------------------------------- */

static void name_link(const struct topo_link *link, struct wire_link *out)
{
	memcpy(out->name, link->name, sizeof(out->name));
	out->speed = link->speed;
}

static void bond_facts(const struct topo_bond *bond, const char *release, struct wire_facts *out)
{
	struct hash_bond b = link_convert_hash_bond(bond, release, HASH_VARIANT_UNKNOWN);

	out->kind = bond->kind == TOPO_KIND_TEAM ? WIRE_FACTS_TEAM : WIRE_FACTS_BOND;
	out->mode = bond->mode;
	out->policy = bond->policy;
	out->variant = (uint8_t)b.variant;
	out->active = b.active < 0 ? UINT8_MAX : (uint8_t)b.active;
	out->usable = b.usable;
	out->joined = b.joined;
	if (b.dynamic)
		out->flags |= WIRE_FACTS_DYNAMIC;
	if (bond->order_known)
		out->flags |= WIRE_FACTS_ORDER;
	memcpy(out->name, bond->name, sizeof(out->name));
	out->n_links = (uint8_t)bond->n_links;
	for (size_t i = 0; i < bond->n_links; i++)
		name_link(&bond->links[i], &out->link[i]);
}

static void plain_facts(const struct topo_link *link, struct wire_facts *out)
{
	out->kind = WIRE_FACTS_PLAIN;
	out->active = UINT8_MAX;
	out->usable = 1;
	out->n_links = 1;
	memcpy(out->name, link->name, sizeof(out->name));
	name_link(link, &out->link[0]);
}

void link_convert_of_path(const struct topo_path *path, const char *release, struct wire_facts *out)
{
	*out = (struct wire_facts){ 0 };
	if (path->end == TOPO_END_BOND)
		bond_facts(&path->bond, release, out);
	else if (path->end == TOPO_END_PLAIN)
		plain_facts(&path->link, out);
	else
		return;
	if (link_convert_order() == HASH_BIG)
		out->flags |= WIRE_FACTS_BIG_ENDIAN;
	if (path->has_smac && path->has_dmac)
		out->flags |= WIRE_FACTS_MACS;
	if (path->n_vlans > 1)
		out->flags |= WIRE_FACTS_DOUBLE_TAGGED;
	memcpy(out->mac, path->smac, sizeof(out->mac));
	memcpy(out->next_hop, path->dmac, sizeof(out->next_hop));
	out->vlan_tci = path->n_vlans ? path->vlan : 0;
}

/* Several ways --------------------------------------------------------------------------------- */

void link_convert_of_one(const struct topo_path *path, const char *release, struct wire_facts *out)
{
	link_convert_of_path(path, release, out);
	if (path->end == TOPO_END_NAMESPACE || path->end == TOPO_END_TUNNEL ||
	    path->end == TOPO_END_UNKNOWN)
		plain_facts(&path->link, out);
	if (out->kind == WIRE_FACTS_PLAIN)
		out->usable = path->link.up && path->link.carrier;
}

/* "left+right", as long as that fits. */
static void add_name(struct wire_facts *all, const char *name)
{
	static const char several[] = "several";
	char both[2 * WIRE_NAME_LEN];
	size_t len =
		text_printf(both, sizeof(both), "%s%s%s", all->name, all->name[0] ? "+" : "", name);

	if (len >= sizeof(all->name) || strcmp(all->name, several) == 0)
		memcpy(all->name, several, sizeof(several));
	else
		memcpy(all->name, both, len + 1);
}

void link_convert_renew(struct wire_facts *all, unsigned first, const struct wire_facts *one)
{
	for (unsigned i = 0; i < one->n_links; i++) {
		all->link[first + i] = one->link[i];
		all->usable &= ~(1u << (first + i));
		all->usable |= (one->usable >> i & 1) << (first + i);
	}
}

bool link_convert_add(struct wire_facts *all, const struct wire_facts *one)
{
	unsigned first = all->n_links;

	if (!one->n_links || first + one->n_links > WIRE_LINKS_MAX)
		return false;
	all->kind = WIRE_FACTS_SEVERAL;
	all->mode = all->policy = all->active = UINT8_MAX;
	all->n_links = (uint8_t)(first + one->n_links);
	add_name(all, one->name);
	link_convert_renew(all, first, one);
	return true;
}

void link_convert_follow(struct wire_facts *one, const struct wire_facts *all)
{
	bool same = one->n_links <= all->n_links;

	for (unsigned i = 0; i < one->n_links && same; i++)
		same = strcmp(one->link[i].name, all->link[i].name) == 0;
	if (!same) {
		*one = (struct wire_facts){ 0 };
		return;
	}
	for (unsigned i = 0; i < one->n_links; i++) {
		one->link[i].speed = all->link[i].speed;
		one->usable &= ~(1u << i);
		one->usable |= all->usable & 1u << i;
	}
}

/* Plan ----------------------------------------------------------------------------------------- */

/* A number that is none of the kernel's is no mode and no policy; a team has one of its own. */
static enum hash_mode mode_of_facts(const struct wire_facts *f)
{
	if (f->kind == WIRE_FACTS_TEAM)
		return HASH_TEAM;
	return f->mode < HASH_TEAM ? (enum hash_mode)f->mode : HASH_N_MODES;
}

static struct hash_bond bond_of_facts(const struct wire_facts *f)
{
	struct hash_bond b = {
		.mode = mode_of_facts(f),
		.policy = f->policy < HASH_N_POLICIES ? f->policy : HASH_N_POLICIES,
		.order = f->flags & WIRE_FACTS_BIG_ENDIAN ? HASH_BIG : HASH_LITTLE,
		.dynamic = f->flags & WIRE_FACTS_DYNAMIC,
		.n_links = f->n_links,
		.usable = f->usable,
		.joined = f->joined,
		.active = f->active < f->n_links ? f->active : -1,
		.team_parts = f->team_parts,
	};

	/* Without the order, no rule that counts links in it can predict. */
	if (f->variant < HASH_N_VARIANTS && f->flags & WIRE_FACTS_ORDER)
		b.variant = f->variant;
	return b;
}

/* One link, whatever the port. */
static struct hash_bond single_link(void)
{
	return (struct hash_bond){ .mode = HASH_BALANCE_XOR,
				   .policy = HASH_LAYER34,
				   .variant = HASH_5_18,
				   .n_links = 1,
				   .usable = 1,
				   .active = -1 };
}

void link_convert_plan_side(const struct wire_facts *facts, struct plan_side *out)
{
	*out = (struct plan_side){ 0 };
	if (facts->kind == WIRE_FACTS_BOND || facts->kind == WIRE_FACTS_TEAM)
		out->bond = bond_of_facts(facts);
	else if (facts->kind == WIRE_FACTS_PLAIN && facts->n_links == 1 && facts->link[0].speed)
		out->bond = single_link();
	else
		return;
	out->known = true;
	for (unsigned i = 0; i < facts->n_links; i++)
		out->speed[i] = facts->link[i].speed;
	out->macs_known = facts->flags & WIRE_FACTS_MACS;
	memcpy(out->mac, facts->mac, sizeof(out->mac));
	memcpy(out->next_hop, facts->next_hop, sizeof(out->next_hop));
	out->vlan_tci = facts->vlan_tci;
	out->double_tagged = facts->flags & WIRE_FACTS_DOUBLE_TAGGED;
}

/* Words ---------------------------------------------------------------------------------------- */

static size_t kind_text(const struct wire_facts *f, char *buf, size_t size)
{
	enum hash_mode mode = mode_of_facts(f);

	if (f->kind == WIRE_FACTS_TEAM)
		return text_printf(buf, size, "team");
	if (f->kind != WIRE_FACTS_BOND)
		return text_printf(buf, size, "%s", "");
	if (!link_convert_mode_hashes(mode))
		return text_printf(buf, size, "%s", hash_mode_name(mode));
	return text_printf(
		buf, size, "%s %s", hash_mode_name(mode),
		hash_policy_name(f->policy < HASH_N_POLICIES ? f->policy : HASH_N_POLICIES));
}

void link_convert_side_stats(const struct wire_facts *facts, struct side_stats *out)
{
	*out = (struct side_stats){ 0 };
	if (facts->kind == WIRE_FACTS_NONE)
		return;
	memcpy(out->name, facts->name, sizeof(out->name));
	kind_text(facts, out->kind, sizeof(out->kind));
	out->n_links = facts->n_links;
	for (unsigned i = 0; i < facts->n_links; i++) {
		memcpy(out->link[i].name, facts->link[i].name, sizeof(out->link[i].name));
		out->link[i].speed = facts->link[i].speed;
		out->link[i].usable = facts->usable >> i & 1;
	}
}

static bool is_usable(const struct wire_facts *f, unsigned i)
{
	return f->usable >> i & 1;
}

/* "4x10000" of links that are alike, else "100+50+?". */
static size_t speeds_text(const struct wire_facts *f, char *buf, size_t size)
{
	uint32_t speed = 0;
	bool alike = true;
	unsigned n = 0;
	size_t used = 0;

	for (unsigned i = 0; i < f->n_links; i++) {
		if (!is_usable(f, i))
			continue;
		alike &= n == 0 || f->link[i].speed == speed;
		speed = f->link[i].speed;
		n++;
	}
	if (!n)
		return text_printf(buf, size, "no usable link");
	if (alike && !speed)
		return text_printf(buf, size, n == 1 ? "1 link" : "%u links", n);
	if (alike)
		return n == 1 ? text_printf(buf, size, "%u", speed)
			      : text_printf(buf, size, "%ux%u", n, speed);
	for (unsigned i = 0; i < f->n_links; i++) {
		const char *plus = used ? "+" : "";

		if (!is_usable(f, i))
			continue;
		if (f->link[i].speed)
			used += text_printf(buf + used, size - used, "%s%u", plus,
					    f->link[i].speed);
		else
			used += text_printf(buf + used, size - used, "%s?", plus);
	}
	return used;
}

size_t link_convert_text(const struct wire_facts *facts, char *buf, size_t size)
{
	char kind[sizeof(((struct side_stats *)NULL)->kind)], speeds[WIRE_LINKS_MAX * 11];

	if (facts->kind == WIRE_FACTS_NONE)
		return text_printf(buf, size, "?");
	kind_text(facts, kind, sizeof(kind));
	speeds_text(facts, speeds, sizeof(speeds));
	return text_printf(buf, size, "%s %s%s%s", facts->name, kind, *kind ? " " : "", speeds);
}
