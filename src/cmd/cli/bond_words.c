/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bond_words.c - one place for each word that status and doctor say of a bond
 *
 * Predicates (is_...) and names of a bond's or link's state, from the values that topo has read. No
 * state, no I/O.
 *
 * What always holds:
 * - A function that returns a name has one for every value, "unknown" or NULL at the end: a later
 *   kernel may have more values.
 * - What the kernel gives to root alone (the partner of each port) is NULL, and differs from zeros,
 *   which mean that nobody answers.
 * - Names are escaped twice, for terminals (bond_words_name) and for JSON (bond_words_utf8): a
 *   device may be called by any bytes but slash and blanks.
 */
#include "cmd/cli/bond_words.h"

#include <jansson.h>
#include <string.h>

#include "path/link_convert.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t no_mac[TOPO_MAC_LEN];

bool bond_words_is_zero(const uint8_t mac[TOPO_MAC_LEN])
{
	return memcmp(mac, no_mac, TOPO_MAC_LEN) == 0;
}

bool bond_words_is_lacp(const struct topo_bond *b)
{
	return b->kind == TOPO_KIND_BOND && b->mode == TOPO_MODE_8023AD;
}

bool bond_words_is_down(const struct topo_link *l)
{
	return l->unusable == TOPO_UNUSABLE_DOWN || l->unusable == TOPO_UNUSABLE_CARRIER ||
	       l->unusable == TOPO_UNUSABLE_MII;
}

bool bond_words_is_disabled(const struct topo_bond *b, const struct topo_link *l)
{
	return l->unusable == TOPO_UNUSABLE_DISABLED && strcmp(b->team_mode, "activebackup") != 0;
}

bool bond_words_has_speed(const struct topo_link *l)
{
	return l->speed && !bond_words_is_down(l);
}

bool bond_words_speeds_differ(const struct topo_bond *b)
{
	uint32_t first = 0;

	for (size_t i = 0; i < b->n_links; i++) {
		if (!bond_words_has_speed(&b->links[i]))
			continue;
		first = first ? first : b->links[i].speed;
		if (b->links[i].speed != first)
			return true;
	}
	return false;
}

bool bond_words_is_silent(const struct topo_bond *b, const struct topo_link *l)
{
	const uint8_t *partner = bond_words_link_partner(b, l);

	return partner && bond_words_is_zero(partner);
}

const char *bond_words_kind_name(const struct topo_bond *b)
{
	return b->kind == TOPO_KIND_TEAM ? "team" : "bond";
}

const char *bond_words_mode_name(const struct topo_bond *b)
{
	if (b->kind == TOPO_KIND_TEAM)
		return b->team_mode[0] ? b->team_mode : "unknown";
	return topo_mode_name(b->mode);
}

const char *bond_words_policy_name(const struct topo_bond *b)
{
	if (b->kind == TOPO_KIND_TEAM)
		return b->team_method[0] ? b->team_method : NULL;
	switch (b->mode) {
	case TOPO_MODE_BALANCE_XOR:
	case TOPO_MODE_8023AD:
		return topo_policy_name(b->policy);
	case TOPO_MODE_BALANCE_TLB:
	case TOPO_MODE_BALANCE_ALB:
		return b->tlb_dynamic_lb ? NULL : topo_policy_name(b->policy);
	default:
		return NULL;
	}
}

const char *bond_words_variant_name(const struct topo_bond *b, const char *release)
{
	if (b->kind == TOPO_KIND_TEAM || !bond_words_policy_name(b))
		return NULL;
	return hash_variant_name(link_convert_variant(release, (enum hash_mode)b->mode,
						      (enum hash_policy)b->policy));
}

const char *bond_words_state(const struct topo_bond *b)
{
	if (!b->up)
		return "set-down";
	return b->carrier ? "up" : "no-carrier";
}

const char *bond_words_link_state(const struct topo_link *l)
{
	static const char *const states[] = {
		[TOPO_USABLE] = "up",
		[TOPO_UNUSABLE_DOWN] = "set-down",
		[TOPO_UNUSABLE_CARRIER] = "no-carrier",
		[TOPO_UNUSABLE_MII] = "mii-down",
		[TOPO_UNUSABLE_BACKUP] = "backup",
		[TOPO_UNUSABLE_AGGREGATOR] = "other-group",
		[TOPO_UNUSABLE_NO_GROUP] = "no-group",
		[TOPO_UNUSABLE_DISABLED] = "disabled",
	};

	return l->unusable < LEN(states) ? states[l->unusable] : "unknown";
}

const char *bond_words_mii_name(const struct topo_link *l)
{
	static const char *const names[] = {
		[TOPO_MII_UP] = "up",
		[TOPO_MII_GOING_DOWN] = "going down",
		[TOPO_MII_DOWN] = "down",
		[TOPO_MII_GOING_BACK] = "going back",
	};

	return l->mii < LEN(names) ? names[l->mii] : "unknown";
}

const char *bond_words_ad_select_name(const struct topo_bond *b)
{
	static const char *const names[] = { "stable", "bandwidth", "count", "actor_port_prio" };

	return b->ad_select < LEN(names) ? names[b->ad_select] : "unknown";
}

const char *bond_words_duplex_name(const struct topo_link *l)
{
	static const char *const names[] = {
		[TOPO_DUPLEX_HALF] = "half",
		[TOPO_DUPLEX_FULL] = "full",
	};

	return l->duplex < LEN(names) ? names[l->duplex] : NULL;
}

const struct topo_link *bond_words_active(const struct topo_bond *b)
{
	if (b->kind != TOPO_KIND_BOND || b->mode != TOPO_MODE_ACTIVE_BACKUP || !b->active)
		return NULL;
	for (size_t i = 0; i < b->n_links; i++)
		if (b->links[i].ifindex == b->active)
			return &b->links[i];
	return NULL;
}

/* All links of an aggregator have one partner, so that of the active one is known to users too. */
const uint8_t *bond_words_link_partner(const struct topo_bond *b, const struct topo_link *l)
{
	if (!bond_words_is_lacp(b))
		return NULL;
	if (l->has_partner)
		return l->partner_mac;
	if (l->actor_state & TOPO_LACP_DEFAULTED)
		return no_mac;
	return l->aggregator == b->aggregator ? bond_words_partner(b) : NULL;
}

const uint8_t *bond_words_partner(const struct topo_bond *b)
{
	return bond_words_is_lacp(b) && b->has_aggregator && !b->partner_hidden ? b->partner_mac
										: NULL;
}

struct topo_counters bond_words_sum(const struct topo_bond *b)
{
	struct topo_counters sum = { 0 };

	for (size_t i = 0; i < b->n_links; i++) {
		sum.rx_bytes += b->links[i].counters.rx_bytes;
		sum.tx_bytes += b->links[i].counters.tx_bytes;
	}
	return sum;
}

double bond_words_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : -1;
}

struct bond_words_text bond_words_name(const char *name)
{
	struct bond_words_text n;

	text_quote(n.text, sizeof(n.text), name, strlen(name));
	return n;
}

struct bond_words_text bond_words_utf8(const char *name)
{
	json_t *string = json_string(name);
	struct bond_words_text n;

	if (!string)
		return bond_words_name(name);
	json_decref(string);
	text_printf(n.text, sizeof(n.text), "%s", name);
	return n;
}

struct bond_words_mac_text bond_words_mac(const uint8_t m[TOPO_MAC_LEN])
{
	struct bond_words_mac_text mac;

	text_printf(mac.text, sizeof(mac.text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		    m[3], m[4], m[5]);
	return mac;
}
