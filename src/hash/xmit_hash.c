/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xmit_hash.c - the kernel's choice of a link, split into what ports change and what they do not
 *
 * A plan asks for thousands of ports between two fixed hosts. So hash_prepare() works everything
 * else of a flow into a hash_rule: a form, a base and a table of links.
 *
 *   link = map[ value(base, sport, dport) % n ]
 *
 * The form says how ports enter the value (enum form). A mode or policy that ignores ports has
 * FORM_CONST; a mode with a single link, such as active-backup, has n = 1.
 *
 * What always holds:
 * - A rule exists only with HASH_OK. Whatever is not known ends in a reason; no default is assumed.
 * - map[] has n links, and n > 0 in every rule that was prepared.
 * - The value is the sending host's, whatever host computes it: words are loaded in its byte order
 *   (load32, ports32), and ports enter as they lie in the packet.
 * - Differences between kernels are in variants[] and in the functions that begin with old_; the
 *   rest of the code asks for no version.
 *
 * The formulas come from the kernel's sources that xmit_hash.h names.
 */
#include "hash/xmit_hash.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * A hash is a function of the two ports and of a base that stands for everything else. The forms
 * are all that any kernel has used; FORM_CONST is a hash in which ports do not count.
 */
enum form {
	FORM_CONST,
	FORM_MIX,     /* base ^ ports as one word of the wire, folded down by shifts */
	FORM_OLD_V4,  /* base ^ the XOR of both ports */
	FORM_OLD_V6,  /* the same, folded into the low byte */
	FORM_TEAM,    /* XOR of all bytes */
	FORM_TEAM_V6, /* the same, without the source port */
};

enum packet_type { TYPE_NONE, TYPE_WIRE, TYPE_NUMBER };

static const struct variant {
	enum packet_type type;
	bool old; /* formulas before 3.13 */
	bool passes_over;
	uint8_t shift_l23;
	uint8_t shift_l34;
	const char *name;
} variants[HASH_N_VARIANTS] = {
	[HASH_VARIANT_UNKNOWN] = { .name = "unknown" },
	[HASH_3_7] = { TYPE_NONE, true, true, 0, 0, "3.7" },
	[HASH_3_13] = { TYPE_NONE, false, true, 0, 0, "3.13" },
	[HASH_3_19] = { TYPE_WIRE, false, false, 0, 0, "3.19" },
	[HASH_4_15] = { TYPE_WIRE, false, false, 1, 1, "4.15" },
	[HASH_5_15] = { TYPE_NUMBER, false, false, 1, 1, "5.15" },
	[HASH_5_18] = { TYPE_NUMBER, false, false, 0, 1, "5.18" },
	[HASH_EL8] = { TYPE_WIRE, false, false, 0, 1, "el8" },
};

enum protocol {
	PROTO_ICMP = 1,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

static uint16_t swap16(uint16_t v)
{
	return (uint16_t)(v >> 8 | v << 8);
}

/* Four bytes of the wire as the sending host's processor loads them. */
static uint32_t load32(const uint8_t *p, enum hash_order order)
{
	if (order == HASH_BIG)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	return h ^ h >> 8;
}

static uint32_t ports32(enum hash_order order, uint16_t sport, uint16_t dport)
{
	if (order == HASH_BIG)
		return (uint32_t)sport << 16 | dport;
	return (uint32_t)swap16(dport) << 16 | swap16(sport);
}

static uint8_t xor_bytes(const uint8_t *p, size_t len)
{
	uint8_t x = 0;

	for (size_t i = 0; i < len; i++)
		x ^= p[i];
	return x;
}

static uint8_t xor16(uint16_t v)
{
	return (uint8_t)(v ^ v >> 8);
}

static bool is_mapped(const uint8_t a[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, prefix, sizeof(prefix)) == 0;
}

/* The flow as its packets are. */
static struct flow on_the_wire(const struct flow *f)
{
	struct flow w = *f;

	if (f->family == FLOW_IPV6 && is_mapped(f->src) && is_mapped(f->dst)) {
		w.family = FLOW_IPV4;
		memcpy(w.src, f->src + 12, 4);
		memcpy(w.dst, f->dst + 12, 4);
	}
	return w;
}

/* XOR of both addresses, word by word from a first word on. */
static uint32_t fold(const struct flow *f, enum hash_order order, size_t first)
{
	size_t len = f->family == FLOW_IPV4 ? 4 : 16;
	uint32_t h = 0;

	for (size_t i = 4 * first; i < len; i += 4)
		h ^= load32(f->src + i, order) ^ load32(f->dst + i, order);
	return h;
}

static uint16_t old_v4_addresses(const struct flow *f)
{
	return (uint16_t)fold(f, HASH_BIG, 0);
}

static uint32_t old_v6_fold(uint32_t h)
{
	return h ^ h >> 24 ^ h >> 16 ^ h >> 8;
}

static uint32_t rule_value(const struct hash_rule *r, uint16_t sport, uint16_t dport)
{
	switch ((enum form)r->form) {
	case FORM_CONST:
		break;
	case FORM_MIX:
		return mix(r->base ^ ports32(r->order, sport, dport)) >> r->shift;
	case FORM_OLD_V4:
		return r->base ^ sport ^ dport;
	case FORM_OLD_V6:
		return old_v6_fold(r->base ^ sport ^ dport);
	case FORM_TEAM:
		return r->base ^ xor16(sport) ^ xor16(dport);
	case FORM_TEAM_V6:
		return r->base ^ xor16(dport);
	}
	return r->base;
}

/* The value ---------------------------------------------------------------------------------- */

static int set_const(struct hash_rule *r, uint32_t value)
{
	r->form = FORM_CONST;
	r->base = value;
	return HASH_OK;
}

static uint32_t packet_type(const struct variant *v, enum hash_order order, const struct flow *f)
{
	uint16_t type = f->family == FLOW_IPV4   ? ETHERTYPE_IPV4
			: f->family == FLOW_IPV6 ? ETHERTYPE_IPV6
						 : f->ethertype;

	if (v->type == TYPE_NONE)
		return 0;
	return v->type == TYPE_WIRE && order == HASH_LITTLE ? swap16(type) : type;
}

static int layer2(const struct variant *v, const struct flow *f, struct hash_rule *r)
{
	if (!f->macs_known)
		return HASH_R_MACS;
	return set_const(r, (uint32_t)(f->dmac[5] ^ f->smac[5]) ^ packet_type(v, r->order, f));
}

static int layer23(const struct variant *v, const struct flow *f, struct hash_rule *r)
{
	int rc = layer2(v, f, r);

	if (rc || f->family == FLOW_OTHER)
		return rc;
	if (!v->old)
		return set_const(r, mix(r->base ^ fold(f, r->order, 0)) >> v->shift_l23);
	if (f->family == FLOW_IPV4)
		return set_const(r, r->base ^ old_v4_addresses(f));
	return set_const(r, r->base ^ old_v6_fold(fold(f, r->order, 1)));
}

/* Returns HASH_OK with *has_out, or HASH_R_PROTOCOL if something else takes the ports' place. */
static int protocol_ports(const struct variant *v, uint8_t protocol, bool *has_out)
{
	*has_out = protocol == FLOW_TCP || protocol == PROTO_UDP;
	if (*has_out || v->old)
		return HASH_OK;
	switch (protocol) {
	case PROTO_ICMP:
	case PROTO_ICMPV6:
	case PROTO_ESP:
	case PROTO_AH:
		return HASH_R_PROTOCOL;
	case PROTO_DCCP:
	case PROTO_SCTP:
	case PROTO_UDPLITE:
		*has_out = true;
	}
	return HASH_OK;
}

static int old_layer34(const struct flow *f, bool has_ports, struct hash_rule *r)
{
	r->form = f->family == FLOW_IPV4 ? FORM_OLD_V4 : FORM_OLD_V6;
	r->base = f->family == FLOW_IPV4 ? old_v4_addresses(f) : fold(f, r->order, 1);
	return has_ports ? HASH_OK : set_const(r, rule_value(r, 0, 0));
}

static int layer34(const struct variant *v, const struct flow *f, struct hash_rule *r)
{
	bool has_ports;
	int rc;

	if (f->family == FLOW_OTHER)
		return layer2(v, f, r);
	if (f->fragmented)
		return HASH_R_FRAGMENTED;
	rc = protocol_ports(v, f->protocol, &has_ports);
	if (rc)
		return rc;
	if (v->old)
		return old_layer34(f, has_ports, r);
	r->form = FORM_MIX;
	r->shift = v->shift_l34;
	r->base = fold(f, r->order, 0);
	return has_ports ? HASH_OK : set_const(r, rule_value(r, 0, 0));
}

static int vlan_srcmac(const struct flow *f, struct hash_rule *r)
{
	const uint8_t *m = f->smac;

	if (!f->macs_known)
		return HASH_R_MACS;
	return set_const(r, f->vlan_tci ^ ((uint32_t)m[0] << 16 | (uint32_t)m[1] << 8 | m[2]) ^
				    ((uint32_t)m[3] << 16 | (uint32_t)m[4] << 8 | m[5]));
}

/* Does a kernel of this variant know the policy? */
static bool knows(enum hash_variant variant, enum hash_policy policy)
{
	if (policy == HASH_ENCAP23 || policy == HASH_ENCAP34)
		return variant >= HASH_3_13;
	if (policy == HASH_VLAN_SRCMAC)
		return variant >= HASH_4_15;
	return variant != HASH_VARIANT_UNKNOWN;
}

/* encap3+4 takes skb->hash, which is the socket's own, since some version after 3.14. */
static bool is_random(enum hash_variant variant, enum hash_policy policy)
{
	return policy == HASH_ENCAP34 && variant != HASH_3_13;
}

static int prepare_value(enum hash_policy policy, enum hash_variant variant, enum hash_order order,
			 const struct flow *f, struct hash_rule *r)
{
	const struct variant *v;

	if ((unsigned)policy >= HASH_N_POLICIES || (unsigned)order >= HASH_N_ORDERS)
		return HASH_R_UNKNOWN;
	if ((unsigned)variant >= HASH_N_VARIANTS || !knows(variant, policy))
		return HASH_R_VARIANT;
	if (is_random(variant, policy))
		return HASH_R_RANDOM;
	if (f->double_tagged)
		return HASH_R_DOUBLE_TAG;

	v = &variants[variant];
	r->order = order;
	switch (policy) {
	case HASH_LAYER2:
		return layer2(v, f, r);
	case HASH_LAYER23:
	case HASH_ENCAP23:
		return layer23(v, f, r);
	case HASH_LAYER34:
	case HASH_ENCAP34:
		return layer34(v, f, r);
	case HASH_VLAN_SRCMAC:
		return vlan_srcmac(f, r);
	default:
		return HASH_R_UNKNOWN;
	}
}

static bool team_hashes_ports(uint8_t parts, const struct flow *f)
{
	return parts & HASH_TEAM_L4 && f->family != FLOW_OTHER &&
	       (f->protocol == FLOW_TCP || f->protocol == PROTO_UDP || f->protocol == PROTO_SCTP);
}

static int prepare_team(uint8_t parts, const struct flow *f, struct hash_rule *r)
{
	uint8_t x = 0;

	if (!parts)
		return HASH_R_TEAM;
	if (f->double_tagged)
		return HASH_R_DOUBLE_TAG;
	if (parts & HASH_TEAM_ETH && !f->macs_known)
		return HASH_R_MACS;
	if (parts & HASH_TEAM_ETH)
		x ^= xor_bytes(f->dmac, 6) ^ xor_bytes(f->smac, 6);
	if (parts & HASH_TEAM_VLAN)
		x ^= xor16(f->vlan_tci);
	if (parts & HASH_TEAM_IPV4 && f->family == FLOW_IPV4)
		x ^= xor_bytes(f->src, 4) ^ xor_bytes(f->dst, 4);
	if (parts & HASH_TEAM_IPV6 && f->family == FLOW_IPV6)
		x ^= xor_bytes(f->src, 16) ^ xor_bytes(f->dst, 16);
	set_const(r, x);
	if (!team_hashes_ports(parts, f))
		return HASH_OK;
	if (f->fragmented)
		return HASH_R_FRAGMENTED;
	/* teamd's filter for IPv6 loads the source port and loses it to the next load. */
	r->form = f->family == FLOW_IPV6 ? FORM_TEAM_V6 : FORM_TEAM;
	return HASH_OK;
}

/* The link ----------------------------------------------------------------------------------- */

static uint32_t all_links(const struct hash_bond *b)
{
	return b->n_links >= 32 ? UINT32_MAX : (1u << b->n_links) - 1;
}

static uint32_t usable_links(const struct hash_bond *b)
{
	return b->usable & all_links(b);
}

static bool is_single(uint32_t set)
{
	return set && !(set & (set - 1));
}

static bool has(uint32_t set, unsigned i)
{
	return set >> i & 1;
}

static int set_link(struct hash_rule *r, unsigned link)
{
	r->n = 1;
	r->map[0] = (uint8_t)link;
	return set_const(r, 0);
}

/* What the value, reduced to the number of links that count, stands for. */
static void map_links(const struct hash_bond *b, struct hash_rule *r)
{
	uint32_t usable = usable_links(b), counted = usable;
	/* A peer may name links that it does not have. */
	uint32_t joined = b->joined & all_links(b);

	if (b->mode != HASH_TEAM && variants[b->variant].passes_over)
		counted = b->mode != HASH_8023AD ? all_links(b) : joined ? joined : usable;
	r->n = 0;
	for (unsigned i = 0; i < b->n_links; i++) {
		unsigned link = i;

		if (!has(counted, i))
			continue;
		while (!has(usable, link))
			link = (link + 1) % b->n_links;
		r->map[r->n++] = (uint8_t)link;
	}
}

static int by_policy(const struct hash_bond *b, const struct flow *f, struct hash_rule *r)
{
	int rc = prepare_value(b->policy, b->variant, b->order, f, r);

	if (rc)
		return rc;
	map_links(b, r);
	return r->n ? HASH_OK : HASH_R_NO_LINK;
}

static int by_active(const struct hash_bond *b, struct hash_rule *r)
{
	if (b->active < 0 || (unsigned)b->active >= b->n_links ||
	    !has(usable_links(b), (unsigned)b->active))
		return HASH_R_ACTIVE;
	return set_link(r, (unsigned)b->active);
}

/* balance-alb obeys tlb_dynamic_lb since some version between 3.16 and 4.18. */
static bool is_dynamic(const struct hash_bond *b)
{
	if (b->mode == HASH_BALANCE_ALB && b->variant != HASH_VARIANT_UNKNOWN &&
	    b->variant < HASH_4_15)
		return true;
	return (b->mode == HASH_BALANCE_ALB || b->mode == HASH_BALANCE_TLB) && b->dynamic;
}

static int by_mode(const struct hash_bond *b, const struct flow *f, struct hash_rule *r)
{
	int rc;

	switch (b->mode) {
	case HASH_BALANCE_RR:
		return HASH_R_ROUND_ROBIN;
	case HASH_ACTIVE_BACKUP:
		return by_active(b, r);
	case HASH_BROADCAST:
		return HASH_R_BROADCAST;
	case HASH_BALANCE_XOR:
	case HASH_8023AD:
		return by_policy(b, f, r);
	case HASH_BALANCE_TLB:
	case HASH_BALANCE_ALB:
		if (is_dynamic(b))
			return HASH_R_DYNAMIC;
		return f->family == FLOW_OTHER ? by_active(b, r) : by_policy(b, f, r);
	case HASH_TEAM:
		rc = prepare_team(b->team_parts, f, r);
		map_links(b, r);
		return rc;
	default:
		return HASH_R_UNKNOWN;
	}
}

int hash_prepare(const struct hash_bond *bond, const struct flow *flow, struct hash_rule *out)
{
	struct flow f = on_the_wire(flow);
	uint32_t usable;

	*out = (struct hash_rule){ 0 };
	if (bond->n_links > HASH_LINKS_MAX)
		return HASH_R_LINKS;
	usable = usable_links(bond);
	if (!usable)
		return HASH_R_NO_LINK;
	if (is_single(usable))
		return set_link(out, (unsigned)__builtin_ctz(usable));
	return by_mode(bond, &f, out);
}

unsigned hash_rule_link(const struct hash_rule *rule, uint16_t sport, uint16_t dport)
{
	assert(rule->n);
	return rule->map[rule_value(rule, sport, dport) % rule->n];
}

int hash_link(const struct hash_bond *bond, const struct flow *flow, unsigned *link_out)
{
	struct hash_rule r;
	int rc = hash_prepare(bond, flow, &r);

	if (!rc)
		*link_out = hash_rule_link(&r, flow->sport, flow->dport);
	return rc;
}

int hash_value(enum hash_policy policy, enum hash_variant variant, enum hash_order order,
	       const struct flow *flow, uint32_t *value_out)
{
	struct flow f = on_the_wire(flow);
	struct hash_rule r = { 0 };
	int rc = prepare_value(policy, variant, order, &f, &r);

	if (!rc)
		*value_out = rule_value(&r, f.sport, f.dport);
	return rc;
}

int hash_team_value(uint8_t parts, const struct flow *flow, uint32_t *value_out)
{
	struct flow f = on_the_wire(flow);
	struct hash_rule r = { 0 };
	int rc = prepare_team(parts, &f, &r);

	if (!rc)
		*value_out = rule_value(&r, f.sport, f.dport);
	return rc;
}

/* What ports can do -------------------------------------------------------------------------- */

bool hash_policy_uses_ports(enum hash_policy policy)
{
	return policy == HASH_LAYER34 || policy == HASH_ENCAP34;
}

static enum hash_spread policy_spread(const struct hash_bond *b, const struct flow *f)
{
	bool has_ports;

	if (!hash_policy_uses_ports(b->policy))
		return (unsigned)b->policy < HASH_N_POLICIES ? HASH_SPREAD_NONE
							     : HASH_SPREAD_RANDOM;
	if ((unsigned)b->variant >= HASH_N_VARIANTS || is_random(b->variant, b->policy))
		return HASH_SPREAD_RANDOM;
	if (f->double_tagged || f->family == FLOW_OTHER)
		return HASH_SPREAD_NONE;
	if (protocol_ports(&variants[b->variant], f->protocol, &has_ports))
		return HASH_SPREAD_NONE;
	return has_ports ? HASH_SPREAD_PORTS : HASH_SPREAD_NONE;
}

static enum hash_spread team_spread(uint8_t parts, const struct flow *f, bool by_dport)
{
	if (!parts)
		return HASH_SPREAD_RANDOM;
	if (f->double_tagged || !team_hashes_ports(parts, f))
		return HASH_SPREAD_NONE;
	return f->family == FLOW_IPV4 || by_dport ? HASH_SPREAD_PORTS : HASH_SPREAD_NONE;
}

enum hash_spread hash_spread(const struct hash_bond *bond, const struct flow *flow, bool by_dport)
{
	struct flow f = on_the_wire(flow);
	uint32_t usable = usable_links(bond);

	if (!usable || is_single(usable))
		return HASH_SPREAD_NONE;
	switch (bond->mode) {
	case HASH_BALANCE_RR:
		return HASH_SPREAD_PACKETS;
	case HASH_ACTIVE_BACKUP:
	case HASH_BROADCAST:
		return HASH_SPREAD_NONE;
	case HASH_BALANCE_TLB:
		return bond->dynamic ? HASH_SPREAD_RANDOM : policy_spread(bond, &f);
	case HASH_BALANCE_ALB:
		/* Dynamic, it hashes the peer's address alone. */
		return is_dynamic(bond) ? HASH_SPREAD_NONE : policy_spread(bond, &f);
	case HASH_BALANCE_XOR:
	case HASH_8023AD:
		return policy_spread(bond, &f);
	case HASH_TEAM:
		return team_spread(bond->team_parts, &f, by_dport);
	default:
		return HASH_SPREAD_RANDOM;
	}
}

bool hash_variants_agree(enum hash_variant a, enum hash_variant b, enum hash_mode mode,
			 enum hash_policy policy)
{
	const struct variant *x = &variants[a], *y = &variants[b];

	if (mode == HASH_TEAM || mode == HASH_BALANCE_RR || mode == HASH_ACTIVE_BACKUP ||
	    mode == HASH_BROADCAST)
		return true;
	if (a == HASH_VARIANT_UNKNOWN || b == HASH_VARIANT_UNKNOWN)
		return a == b;
	if (x->old != y->old || x->passes_over != y->passes_over)
		return false;
	switch (policy) {
	case HASH_LAYER2:
		return x->type == y->type;
	case HASH_LAYER23:
	case HASH_ENCAP23:
		return x->type == y->type && x->shift_l23 == y->shift_l23;
	case HASH_LAYER34:
		return x->shift_l34 == y->shift_l34;
	case HASH_ENCAP34:
		return is_random(a, policy) == is_random(b, policy);
	default:
		return true;
	}
}

/* Names -------------------------------------------------------------------------------------- */

static const char *const mode_names[HASH_N_MODES] = {
	"balance-rr", "active-backup", "balance-xor", "broadcast",
	"802.3ad",    "balance-tlb",   "balance-alb", "team",
};

static const char *const policy_names[HASH_N_POLICIES] = {
	"layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac",
};

static const char *const order_names[HASH_N_ORDERS] = { "little", "big" };

static const char *const reasons[HASH_N_REASONS] = {
	[HASH_OK] = "predictable",
	[HASH_R_NO_LINK] = "no link can send",
	[HASH_R_LINKS] = "there are more links than this program follows",
	[HASH_R_UNKNOWN] = "the mode or hash policy is not known to this program",
	[HASH_R_VARIANT] = "which hash this kernel uses is not known",
	[HASH_R_MACS] = "the hash needs MAC addresses that are not known",
	[HASH_R_ACTIVE] = "which link is the active one is not known",
	[HASH_R_ROUND_ROBIN] =
		"balance-rr sends the packets of one connection over all links in turn",
	[HASH_R_BROADCAST] = "broadcast sends every packet over every link",
	[HASH_R_DYNAMIC] = "the driver chooses links by their load",
	[HASH_R_RANDOM] = "encap3+4 uses a random number of each connection",
	[HASH_R_TEAM] = "the hash of a team, or the order of its links, is not known",
	[HASH_R_DOUBLE_TAG] = "frames with two VLAN tags are not hashed by their IP header",
	[HASH_R_FRAGMENTED] = "fragments are hashed otherwise than whole packets",
	[HASH_R_PROTOCOL] = "the protocol is hashed by a field other than ports",
};

static int find(const char *name, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}

const char *hash_mode_name(enum hash_mode mode)
{
	return (unsigned)mode < HASH_N_MODES ? mode_names[mode] : "?";
}

const char *hash_policy_name(enum hash_policy policy)
{
	return (unsigned)policy < HASH_N_POLICIES ? policy_names[policy] : "?";
}

const char *hash_variant_name(enum hash_variant variant)
{
	return (unsigned)variant < HASH_N_VARIANTS ? variants[variant].name : "?";
}

const char *hash_order_name(enum hash_order order)
{
	return (unsigned)order < HASH_N_ORDERS ? order_names[order] : "?";
}

int hash_mode_parse(const char *name, enum hash_mode *out)
{
	int i = find(name, mode_names, HASH_N_MODES);

	if (i < 0)
		return i;
	*out = (enum hash_mode)i;
	return 0;
}

int hash_policy_parse(const char *name, enum hash_policy *out)
{
	int i = find(name, policy_names, HASH_N_POLICIES);

	if (i < 0)
		return i;
	*out = (enum hash_policy)i;
	return 0;
}

int hash_variant_parse(const char *name, enum hash_variant *out)
{
	for (unsigned i = 0; i < HASH_N_VARIANTS; i++) {
		if (strcmp(name, variants[i].name) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

int hash_order_parse(const char *name, enum hash_order *out)
{
	int i = find(name, order_names, HASH_N_ORDERS);

	if (i < 0)
		return i;
	*out = (enum hash_order)i;
	return 0;
}

const char *hash_reason_text(int reason)
{
	return reason >= 0 && reason < HASH_N_REASONS ? reasons[reason] : "not known why";
}
