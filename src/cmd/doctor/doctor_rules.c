/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor/doctor_rules.h"

#include <stdarg.h>
#include <string.h>

#include "cmd/cli/bond_words.h"
#include "util/text.h"

/* Below this, what a link has received says nothing about how the switch shares out. */
#define TELLING_BYTES (1ull << 30)

/* One link's share from which on the others are idle, and up to which sending is spread. */
#define NEARLY_ALL 0.9
#define SPREAD     0.8

/* Which links ---------------------------------------------------------------------------------- */

typedef bool (*link_fn)(const struct doctor_view *v, const struct topo_link *l);

static uint32_t links_that(const struct doctor_view *v, link_fn fn)
{
	uint32_t links = 0;

	for (size_t i = 0; i < v->bond->n_links; i++)
		if (fn(v, &v->bond->links[i]))
			links |= 1u << i;
	return links;
}

void rules_add(struct doctor_finding *f, const char *fmt, ...)
{
	size_t len = strlen(f->detail);
	va_list ap;

	if (len)
		len += text_printf(f->detail + len, sizeof(f->detail) - len, ", ");
	va_start(ap, fmt);
	text_vprintf(f->detail + len, sizeof(f->detail) - len, fmt, ap);
	va_end(ap);
}

/* A line of topo's or the kernel's, which may have names of devices in it. */
static void add_quoted(struct doctor_finding *f, const char *text)
{
	char quoted[2 * TOPO_REASON_LEN];

	text_quote(quoted, sizeof(quoted), text, strlen(text));
	rules_add(f, "%s", quoted);
}

static bool has(const struct doctor_finding *f, size_t i)
{
	return f->links >> i & 1;
}

static const struct topo_card *card_of(const struct doctor_view *v, const struct topo_link *l)
{
	const struct dev *dev = v->cards ? devs_find(v->devs, l->ifindex) : NULL;

	return dev ? &v->cards[dev - v->devs->list] : NULL;
}

/* Which bonds ---------------------------------------------------------------------------------- */

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

/* LACP works for the bond as a whole. */
static bool has_partner(const struct topo_bond *b)
{
	return bond_words_partner(b) && !bond_words_is_zero(bond_words_partner(b));
}

bool doctor_in_use(const struct topo_bond *b)
{
	return b->up || b->n_links;
}

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
	f->links = links_that(v, is_disabled);
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
	f->links = links_that(v, has_flapped);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (has(f, i))
			rules_add(f, "%s %u", bond_words_name(v->bond->links[i].name).text,
				  v->bond->links[i].failures);
	return f->links;
}

/* LACP ----------------------------------------------------------------------------------------- */

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
	f->links = links_that(v, is_silent);
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
	f->links = links_that(v, is_apart);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (has(f, i))
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
	f->links = links_that(v, is_expired);
	for (size_t i = 0; i < v->bond->n_links; i++) {
		const struct topo_link *l = &v->bond->links[i];

		if (has(f, i))
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
	f->links = links_that(v, is_out_of_sync);
	for (size_t i = 0; i < v->bond->n_links; i++) {
		const struct topo_link *l = &v->bond->links[i];

		if (has(f, i))
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
	f->links = links_that(v, is_churned);
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

/* How it shares out what it sends -------------------------------------------------------------- */

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
	const struct topo_bond *b = v->bond;

	if (!is_mode(b, TOPO_MODE_ACTIVE_BACKUP))
		return false;
	for (size_t i = 0; i < b->n_links; i++)
		if (b->active && b->links[i].ifindex == b->active)
			rules_add(f, "%s", bond_words_name(b->links[i].name).text);
	if (!f->detail[0])
		rules_add(f, "none");
	return true;
}

bool rules_balance_rr(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_mode(v->bond, TOPO_MODE_BALANCE_RR);
}

bool rules_broadcast(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_mode(v->bond, TOPO_MODE_BROADCAST);
}

bool rules_dynamic_tlb(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_mode(v->bond, TOPO_MODE_BALANCE_TLB) && v->bond->tlb_dynamic_lb;
}

bool rules_dynamic_alb(const struct doctor_view *v, struct doctor_finding *f)
{
	return is_mode(v->bond, TOPO_MODE_BALANCE_ALB) && v->bond->tlb_dynamic_lb;
}

bool rules_sends_only(const struct doctor_view *v, struct doctor_finding *f)
{
	return (is_mode(v->bond, TOPO_MODE_BALANCE_TLB) ||
		is_mode(v->bond, TOPO_MODE_BALANCE_ALB)) &&
	       !v->bond->tlb_dynamic_lb;
}

/* The VLAN tags between a device that stands upon the bond and the bond; -1: it does not. */
static int tags_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond)
{
	int n_tags = 0;

	for (unsigned i = 0; dev && i < TOPO_HOPS_MAX; i++) {
		if (dev->link.ifindex == bond)
			return n_tags;
		if (dev->elsewhere ||
		    (dev->kind != TOPO_KIND_VLAN && dev->kind != TOPO_KIND_MACVLAN &&
		     dev->kind != TOPO_KIND_IPVLAN))
			return -1;
		n_tags += dev->kind == TOPO_KIND_VLAN;
		dev = devs_find(v->devs, dev->lower);
	}
	return -1;
}

/* Itself, a VLAN and the like, or a bridge with one of these as port. */
static bool is_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond)
{
	if (dev->kind != TOPO_KIND_BRIDGE)
		return tags_upon(v, dev, bond) >= 0;
	for (size_t i = 0; i < v->devs->n; i++)
		if (v->devs->list[i].master == dev->link.ifindex &&
		    tags_upon(v, &v->devs->list[i], bond) >= 0)
			return true;
	return false;
}

bool rules_double_tag(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!is_by_ports(v->bond))
		return false;
	for (size_t i = 0; i < v->devs->n; i++) {
		const struct dev *dev = &v->devs->list[i];

		if (dev->kind == TOPO_KIND_VLAN && tags_upon(v, dev, v->bond->ifindex) > 1)
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
	add_quoted(f, v->release[0] ? v->release : "of this machine");
	return true;
}

bool rules_unknown_order(const struct doctor_view *v, struct doctor_finding *f)
{
	if (!is_by_ports(v->bond) || v->bond->order_known)
		return false;
	add_quoted(f, v->bond->reason[0] ? v->bond->reason : "it cannot be read");
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
	f->links = links_that(v, has_speed);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (has(f, i))
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
	f->links = links_that(v, is_half_duplex);
	return f->links;
}

/* Where neither /sys nor /proc shows the link, it is we who do not know. */
static bool has_no_speed(const struct doctor_view *v, const struct topo_link *l)
{
	return !bond_words_is_down(l) && (l->in_sysfs || v->bond->order_known) &&
	       (!l->speed || l->duplex == TOPO_DUPLEX_UNKNOWN);
}

bool rules_unknown_speed(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = bond_words_is_lacp(v->bond) ? links_that(v, has_no_speed) : 0;
	return f->links;
}

static bool has_other_mtu(const struct doctor_view *v, const struct topo_link *l)
{
	return l->mtu != v->bond->mtu;
}

bool rules_mtu_links(const struct doctor_view *v, struct doctor_finding *f)
{
	f->links = links_that(v, has_other_mtu);
	for (size_t i = 0; i < v->bond->n_links; i++)
		if (has(f, i))
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
		    !is_upon(v, dev, b->ifindex))
			continue;
		rules_add(f, "%s has %u", bond_words_name(dev->link.name).text, dev->link.mtu);
		memcpy(f->dev, dev->link.name, sizeof(f->dev));
	}
	return f->detail[0];
}

/* The links of the bond that are behind one slot, as link i is. */
static uint32_t slot_mates(const struct doctor_view *v, size_t i, uint64_t *mbits_out)
{
	const struct topo_card *card = card_of(v, &v->bond->links[i]);
	uint32_t mates = 0;

	*mbits_out = 0;
	for (size_t k = 0; k < v->bond->n_links; k++) {
		const struct topo_card *other = card_of(v, &v->bond->links[k]);

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
		const struct topo_card *card = card_of(v, &v->bond->links[i]);
		uint64_t mbits;
		uint32_t mates;

		if (has(f, i) || !card || !card->slot[0] || !card->slot_mbits)
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

/* Of the machine ------------------------------------------------------------------------------- */

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
	add_quoted(f, v->path->reason);
	return true;
}

/* Sets the bond that has the peer in its subnet, and the device that has the address. */
static bool find_subnet(const struct doctor_view *v, struct doctor_finding *f)
{
	for (size_t i = 0; i < v->n_subnets * v->n_bonds; i++) {
		const struct topo_bond *b = &v->bonds[i % v->n_bonds];
		const struct dev *dev = devs_find(v->devs, v->subnets[i / v->n_bonds]);

		if (!dev || !is_upon(v, dev, b->ifindex))
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
	add_quoted(f, v->path->reason);
	return true;
}

bool rules_route_plain(const struct doctor_view *v, struct doctor_finding *f)
{
	struct doctor_finding other = { 0 };

	if (!v->path || (v->path->end != TOPO_END_PLAIN && v->path->end != TOPO_END_LOCAL) ||
	    (v->path->end == TOPO_END_PLAIN && find_subnet(v, &other)))
		return false;
	add_quoted(f, v->path->reason);
	return true;
}
