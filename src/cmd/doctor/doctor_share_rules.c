/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_share_rules.c - predicates of how a bond distributes what it sends, and of what its links
 * have carried
 *
 * The mode comes first, as only some modes hash; then the policy, as only layer3+4 has ports in it;
 * then the counters, which show what became of it:
 *
 *   mode     one link (active-backup), in turn (balance-rr), all (broadcast), by load, a hash
 *   policy   MAC addresses, IP addresses, ports, a random number
 *   counters what was received lies on one link, though what was sent is spread: the switch's hash
 *
 * What always holds: counters count since the link came up, for all traffic. They say something
 * only from TELLING_BYTES on.
 */
#include "cmd/doctor/doctor_share_rules.h"

#include <string.h>

#include "cmd/cli/bond_words.h"
#include "cmd/doctor/doctor_rules.h"

/* Below this, what a link has received says nothing about how the switch shares out. */
#define TELLING_BYTES (1ull << 30)

/* One link's share from which on the others are idle, and up to which sending is spread. */
#define NEARLY_ALL 0.9
#define SPREAD     0.8

/* How it shares out what it sends -------------------------------------------------------------- */

/* There is something to share out. */
static bool has_several(const struct topo_bond *b)
{
	return b->n_ports > 1;
}

static bool is_mode(const struct topo_bond *b, uint8_t mode)
{
	return b->kind == TOPO_KIND_BOND && b->mode == mode && has_several(b);
}

/* One link per connection, by the bonding driver's hash. */
static bool is_hashing(const struct topo_bond *b)
{
	return b->kind == TOPO_KIND_BOND && bond_words_policy_name(b) && has_several(b);
}

static bool is_team_mode(const struct topo_bond *b, const char *mode)
{
	return b->kind == TOPO_KIND_TEAM && strcmp(b->team_mode, mode) == 0;
}

bool rules_policy_mac(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_hashing(v->bond) && (v->bond->policy == TOPO_POLICY_LAYER2 ||
				       v->bond->policy == TOPO_POLICY_VLAN_SRCMAC);
}

bool rules_policy_ip(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_hashing(v->bond) &&
	       (v->bond->policy == TOPO_POLICY_LAYER23 || v->bond->policy == TOPO_POLICY_ENCAP23);
}

bool rules_policy_random(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_hashing(v->bond) && v->bond->policy == TOPO_POLICY_ENCAP34;
}

/* Only this policy does what a stream over several connections needs. */
static bool is_by_ports(const struct topo_bond *b)
{
	return is_hashing(b) && b->policy == TOPO_POLICY_LAYER34;
}

bool rules_active_backup(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_link *active = bond_words_active(v->bond);

	if (!is_mode(v->bond, TOPO_MODE_ACTIVE_BACKUP))
		return false;
	rules_add(f, "%s", active ? bond_words_name(active->name).text : "none");
	f->remedy = rules_remedy_without_lacp(v);
	return true;
}

bool rules_balance_rr(const struct doctor_view *v, struct doctor_finding *f)
{
	f->remedy = rules_remedy_without_lacp(v);
	return is_mode(v->bond, TOPO_MODE_BALANCE_RR);
}

bool rules_broadcast(const struct doctor_view *v, struct doctor_finding *f)
{
	f->remedy = rules_remedy_without_lacp(v);
	return is_mode(v->bond, TOPO_MODE_BROADCAST);
}

bool rules_dynamic_tlb(const struct doctor_view *v, struct doctor_finding *f)
{
	f->remedy = rules_remedy_without_lacp(v);
	return is_mode(v->bond, TOPO_MODE_BALANCE_TLB) && v->bond->tlb_dynamic_lb;
}

bool rules_dynamic_alb(const struct doctor_view *v, struct doctor_finding *f)
{
	f->remedy = rules_remedy_without_lacp(v);
	return is_mode(v->bond, TOPO_MODE_BALANCE_ALB) && v->bond->tlb_dynamic_lb;
}

bool rules_sends_only(const struct doctor_view *v, struct doctor_finding *f)
{
	f->remedy = rules_remedy_without_lacp(v);
	return (is_mode(v->bond, TOPO_MODE_BALANCE_TLB) ||
		is_mode(v->bond, TOPO_MODE_BALANCE_ALB)) &&
	       !v->bond->tlb_dynamic_lb;
}

bool rules_double_tag(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!is_by_ports(v->bond))
		return false;
	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];

		if (dev->kind == TOPO_KIND_VLAN && rules_tags_upon(v, dev, v->bond->ifindex) > 1)
			rules_add(f, "%s", bond_words_name(dev->link.name).text);
	}
	return f->detail[0];
}

bool rules_fragments(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!is_by_ports(v->bond) || (!v->fragments_sent && !v->fragments_received))
		return false;
	rules_add(f, "%llu sent", (unsigned long long)v->fragments_sent);
	rules_add(f, "%llu received", (unsigned long long)v->fragments_received);
	return true;
}

bool rules_uneven_number(const struct doctor_view *v, struct doctor_finding *f)
{
	size_t n = v->bond->n_usable;

	/* Else it is the missing links that there is something to say about. */
	return is_by_ports(v->bond) && n == v->bond->n_ports && (n & (n - 1));
}

/* The largest share of one link, and which; negative: nothing was carried. */
static double largest_share(const struct topo_bond *b, bool rx, size_t *link_out)
{
	struct topo_counters sum = bond_words_sum(b);
	double largest = -1;

	for (size_t i = 0; i < b->n_links; i++) {
		const struct topo_counters *c = &b->links[i].counters;
		double share = rx ? bond_words_share(c->rx_bytes, sum.rx_bytes)
				  : bond_words_share(c->tx_bytes, sum.tx_bytes);

		if (share > largest) {
			largest = share;
			*link_out = i;
		}
	}
	return largest;
}

/* What this machine sends is spread, so there were connections enough. */
bool rules_uneven_receipt(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;
	struct topo_counters sum = bond_words_sum(b);
	size_t link = 0, sender = 0;
	double share;

	if (!is_hashing(b) || b->mode == TOPO_MODE_BALANCE_TLB ||
	    b->mode == TOPO_MODE_BALANCE_ALB || b->n_usable < 2 || sum.rx_bytes < TELLING_BYTES ||
	    sum.tx_bytes < TELLING_BYTES)
		return false;
	share = largest_share(b, true, &link);
	if (share < NEARLY_ALL || largest_share(b, false, &sender) > SPREAD)
		return false;
	f->links = 1u << link;
	rules_add(f, "%.0f%%", 100 * share);
	return true;
}

bool rules_unknown_rule(const struct doctor_view *v, struct doctor_finding *f)
{
	const char *variant = bond_words_variant_name(v->bond, v->release);

	if (!is_by_ports(v->bond) || !variant || strcmp(variant, "unknown") != 0)
		return false;
	rules_add_quoted(f, v->release[0] ? v->release : "its version is not known");
	return true;
}

bool rules_unknown_order(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!is_by_ports(v->bond) || v->bond->order_known)
		return false;
	rules_add_quoted(f, v->bond->reason[0] ? v->bond->reason : "it cannot be read");
	return true;
}

bool rules_team_active_backup(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_team_mode(v->bond, "activebackup") && has_several(v->bond);
}

bool rules_team_hidden(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_team_mode(v->bond, "");
}

bool rules_team_hash(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_team_mode(v->bond, "loadbalance");
}

/* The links' own limits ------------------------------------------------------------------------ */

static bool has_speed(const struct doctor_view *v, const struct topo_link *l)
{
	return bond_words_has_speed(l);
}

/* These give each link the same share. LACP takes only links of one speed into a group. */
static bool shares_equally(const struct topo_bond *b)
{
	return is_team_mode(b, "loadbalance") || is_mode(b, TOPO_MODE_BALANCE_RR) ||
	       is_mode(b, TOPO_MODE_BROADCAST) || (is_hashing(b) && !bond_words_is_lacp(b));
}

bool rules_speeds(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!shares_equally(v->bond) || !bond_words_speeds_differ(v->bond))
		return false;
	f->links = rules_links(v, has_speed);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			rules_add(f, "%s %u", bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].speed);
	return true;
}

static bool is_half_duplex(const struct doctor_view *v, const struct topo_link *l)
{
	return !bond_words_is_down(l) && l->duplex == TOPO_DUPLEX_HALF;
}

bool rules_half_duplex(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, is_half_duplex);
	return f->links;
}

/* Where neither /sys nor /proc shows the link, the program cannot know. */
static bool has_no_speed(const struct doctor_view *v, const struct topo_link *l)
{
	return !bond_words_is_down(l) && (l->in_sysfs || v->bond->order_known) &&
	       (!l->speed || l->duplex == TOPO_DUPLEX_UNKNOWN);
}

bool rules_unknown_speed(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = bond_words_is_lacp(v->bond) && !v->bond->speeds_hidden
			   ? rules_links(v, has_no_speed)
			   : 0;
	return f->links;
}

static bool has_other_mtu(const struct doctor_view *v, const struct topo_link *l)
{
	return l->mtu != v->bond->mtu;
}

bool rules_mtu_links(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = rules_links(v, has_other_mtu);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (rules_has(f, i))
			rules_add(f, "%s has %u", bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].mtu);
	return f->links;
}

bool rules_mtu_above(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct topo_bond *b = v->bond;

	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];

		if (dev->link.mtu <= b->mtu || dev->link.ifindex == b->ifindex ||
		    !rules_is_upon(v, dev, b->ifindex))
			continue;
		rules_add(f, "%s has %u", bond_words_name(dev->link.name).text, dev->link.mtu);
		memcpy(f->dev, dev->link.name, sizeof(f->dev));
	}
	return f->detail[0];
}

/* The links of the bond that are behind one slot, as link i is. */
static uint32_t slot_mates(const struct doctor_view *v, size_t i, uint64_t *mbits_out)
{
	const struct topo_card *card = rules_card(v, &v->bond->links[i]);
	uint32_t mates = 0;

	*mbits_out = 0;
	for (size_t k = 0; k < v->bond->n_links; k++) {
		const struct topo_card *other = rules_card(v, &v->bond->links[k]);

		if (!other || strcmp(other->slot, card->slot) != 0)
			continue;
		mates |= 1u << k;
		*mbits_out += v->bond->links[k].speed;
	}
	return mates;
}

bool rules_slot(const struct doctor_view *v, struct doctor_finding *f)
{
	for (size_t i = 0; i < v->bond->n_links; i++) {
		const struct topo_card *card = rules_card(v, &v->bond->links[i]);
		uint64_t mbits;
		uint32_t mates;

		if (rules_has(f, i) || !card || !card->slot[0] || !card->slot_mbits)
			continue;
		mates = slot_mates(v, i, &mbits);
		if (mbits <= card->slot_mbits)
			continue;
		f->links |= mates;
		rules_add(f, "PCI slot %s carries %u of %llu Mbit/s", card->slot, card->slot_mbits,
			  (unsigned long long)mbits);
	}
	return f->links;
}
