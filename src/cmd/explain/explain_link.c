/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_link.c - one flow and one bond, into the link it takes and why
 *
 * Two sources lead to the same explanation: a bond that the options describe (explain_given), or
 * one that this machine has on its route to the address (explain_path, by topo_path).
 *
 * What always holds:
 * - predictable and a link come together, or a reason and index -1: there is no guess.
 * - A rule that counts links is used only where their order is known. A rule with one possible
 *   link, or the active one, needs no order.
 * - The way back is predicted only for a bond that the options describe, under the condition that
 *   note names: what the peer and the switch do cannot be seen from here.
 */
#include "cmd/explain/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "path/link_convert.h"
#include "topo/path.h"
#include "util/text.h"

static const char peer_decides[] =
	"the peer's bond and the switch decide, which cannot be seen here";

static uint32_t first_bits(unsigned n)
{
	return n < 32 ? (1u << n) - 1 : UINT32_MAX;
}

static void refuse(struct explain_way *way, const char *reason)
{
	way->predictable = false;
	way->index = -1;
	text_printf(way->reason, sizeof(way->reason), "%s", reason);
}

static void explain_choice(const struct hash_bond *b, const struct flow *flow,
			   struct explain_way *way)
{
	unsigned usable = (unsigned)__builtin_popcount(b->usable & first_bits(b->n_links));
	const char *mode = hash_mode_name(b->mode);
	uint32_t value = 0;

	if (b->mode == HASH_ACTIVE_BACKUP)
		text_printf(way->reason, sizeof(way->reason), "%s: it is the active link", mode);
	else if (usable == 1)
		text_printf(way->reason, sizeof(way->reason), "it is the only usable link of %u",
			    b->n_links);
	else if (b->mode == HASH_TEAM && hash_team_value(b->team_parts, flow, &value) == HASH_OK)
		text_printf(way->reason, sizeof(way->reason),
			    "team: the hash is 0x%02x, in the order in which its %u links were "
			    "enabled",
			    value, usable);
	else if (hash_value(b->policy, b->variant, b->order, flow, &value) == HASH_OK)
		text_printf(way->reason, sizeof(way->reason),
			    "%s: the %s hash is 0x%08x by the rule of kernel %s, %u of %u links "
			    "are usable",
			    mode, hash_policy_name(b->policy), value, hash_variant_name(b->variant),
			    usable, b->n_links);
}

/* Without the link's name. Returns HASH_OK or a reason. */
static int explain_way(const struct hash_bond *b, const struct flow *flow, struct explain_way *way)
{
	unsigned link = 0;
	int reason = hash_link(b, flow, &link);

	*way = (struct explain_way){ 0 };
	if (reason != HASH_OK) {
		refuse(way, hash_reason_text(reason));
		return reason;
	}
	way->predictable = true;
	way->index = (int)link;
	explain_choice(b, flow, way);
	return HASH_OK;
}

static void name_rule(const struct hash_bond *b, struct explanation *out)
{
	out->mode = hash_mode_name(b->mode);
	out->policy = (out->given && b->mode != HASH_TEAM) || link_convert_mode_hashes(b->mode)
			      ? hash_policy_name(b->policy)
			      : NULL;
	out->variant = out->policy && b->variant ? hash_variant_name(b->variant) : NULL;
}

/* vlan+srcmac looks at the sender's address alone. */
static bool macs_suffice(const struct explain_bond *bond, bool has_sender, bool has_receiver)
{
	return has_sender && (has_receiver || bond->hash.policy == HASH_VLAN_SRCMAC);
}

/* Both ways, as far as the bond's frames are known. */
static void given_flows(const struct explain_bond *bond, const struct flow *flow, struct flow *out,
			struct flow *back)
{
	*out = *flow;
	memcpy(out->smac, bond->smac, sizeof(out->smac));
	memcpy(out->dmac, bond->dmac, sizeof(out->dmac));
	out->vlan_tci = bond->vlan;
	*back = flow_reverse(out);
	out->macs_known = macs_suffice(bond, bond->has_smac, bond->has_dmac);
	back->macs_known = macs_suffice(bond, bond->has_dmac, bond->has_smac);
}

/* What would tell more, or else under which condition the rest holds. */
static void note_given(const struct explain_bond *bond, int tx, int reverse,
		       struct explanation *out)
{
	bool s = bond->has_smac, d = bond->has_dmac;
	const char *note = bond->one_end
				   ? ""
				   : "the reverse direction holds if the peer has the same bond "
				     "and kernel rule";

	if (tx == HASH_R_MACS || reverse == HASH_R_MACS)
		note = s   ? "--dmac gives the other MAC address"
		       : d ? "--smac gives the other MAC address"
			   : "--smac and --dmac give the MAC addresses";
	else if (tx == HASH_R_ACTIVE)
		note = "--active gives the active link";
	else if (bond->one_end && tx == HASH_R_VARIANT)
		note = "--variant gives the kernel's rule, which the file does not name";
	else if (!bond->one_end && (s || d) && link_convert_mode_hashes(bond->hash.mode) &&
		 !hash_policy_uses_ports(bond->hash.policy))
		note = "the reverse direction holds if the peer has the same bond and kernel rule "
		       "and no router is between";
	text_printf(out->note, sizeof(out->note), "%s", note);
}

void explain_given(const struct explain_bond *bond, const struct explain_flow *flow,
		   struct explanation *out)
{
	struct flow there, back;
	int tx, reverse;

	given_flows(bond, &flow->flow, &there, &back);
	*out = (struct explanation){ .flow = *flow, .given = true };
	name_rule(&bond->hash, out);
	tx = explain_way(&bond->hash, &there, &out->tx);
	reverse = bond->one_end ? HASH_OK : explain_way(&bond->hash, &back, &out->reverse);
	if (bond->one_end)
		refuse(&out->reverse, peer_decides);
	if (out->tx.predictable)
		memcpy(out->tx.link, bond->links[out->tx.index], TOPO_NAME_LEN);
	if (out->reverse.predictable)
		memcpy(out->reverse.link, bond->links[out->reverse.index], TOPO_NAME_LEN);
	note_given(bond, tx, reverse, out);
}

void explain_saved(const struct topo_bond *bond, const char *release, enum hash_variant variant,
		   struct explain_bond *out)
{
	out->hash = link_convert_hash_bond(bond, release, variant);
	for (size_t i = 0; i < bond->n_links; i++)
		memcpy(out->links[i], bond->links[i].name, TOPO_NAME_LEN);
	out->one_end = true;
}

static void explain_bond(const struct topo_path *path, const char *release,
			 enum hash_variant variant, struct explanation *out)
{
	struct hash_bond b = link_convert_hash_bond(&path->bond, release, variant);
	struct flow flow = out->flow.flow;
	struct explain_way *tx = &out->tx;

	flow.macs_known = path->has_smac && path->has_dmac;
	memcpy(flow.smac, path->smac, sizeof(flow.smac));
	memcpy(flow.dmac, path->dmac, sizeof(flow.dmac));
	flow.vlan_tci = path->n_vlans ? path->vlan : 0;
	flow.double_tagged = path->n_vlans > 1;
	name_rule(&b, out);
	explain_way(&b, &flow, tx);
	/* Whatever does not count the links is right in any order. */
	if (tx->predictable && !path->bond.order_known && path->bond.n_usable > 1 &&
	    link_convert_mode_hashes(b.mode))
		refuse(tx, "the order in which the bond counts its links is not known");
	if (tx->predictable)
		memcpy(tx->link, path->bond.links[tx->index].name, TOPO_NAME_LEN);
	if (path->guessed)
		text_printf(out->note, sizeof(out->note),
			    "the bridge does not say which port leads to the neighbour; its only "
			    "bond was taken");
}

static void explain_path(const struct topo_path *path, const char *release,
			 enum hash_variant variant, struct explanation *out)
{
	memcpy(out->dev, path->link.name, sizeof(out->dev));
	refuse(&out->tx, path->reason);
	refuse(&out->reverse, peer_decides);
	switch (path->end) {
	case TOPO_END_BOND:
		memcpy(out->dev, path->bond.name, sizeof(out->dev));
		explain_bond(path, release, variant, out);
		break;
	case TOPO_END_PLAIN:
		out->tx.predictable = true;
		memcpy(out->tx.link, path->link.name, sizeof(out->tx.link));
		break;
	case TOPO_END_LOCAL:
		refuse(&out->reverse, path->reason);
		break;
	case TOPO_END_UNREACHABLE:
		out->no_route = true;
		refuse(&out->reverse, path->reason);
		break;
	default:
		break;
	}
}

static int find_path(struct topo_source *source, const struct explain_flow *flow,
		     struct topo_path *path, struct explanation *out)
{
	struct topo_flow wanted = {
		.family = flow->flow.family == FLOW_IPV6 ? AF_INET6 : AF_INET,
		.has_src = true,
		.protocol = FLOW_TCP,
		.sport = flow->flow.sport,
		.dport = flow->flow.dport,
		.ifindex = flow->ifindex,
	};
	int r;

	memcpy(wanted.dst, flow->flow.dst, sizeof(wanted.dst));
	memcpy(wanted.src, flow->flow.src, sizeof(wanted.src));
	r = topo_path(source, &wanted, path);
	if (r || path->end != TOPO_END_UNREACHABLE)
		return r;
	/* The kernel refuses a source that is not its own, before it looks at the route. */
	wanted.has_src = false;
	r = topo_path(source, &wanted, path);
	if (!r && path->end != TOPO_END_UNREACHABLE)
		text_printf(out->note, sizeof(out->note),
			    "the source has no route of its own here; this is that of other "
			    "packets to the destination");
	return r;
}

int explain_local(struct topo_source *source, const struct explain_flow *flow,
		  enum hash_variant variant, struct explanation *out)
{
	struct topo_path *path = calloc(1, sizeof(*path));
	char release[TOPO_RELEASE_LEN];
	int r;

	*out = (struct explanation){ .flow = *flow };
	if (!path)
		return -ENOMEM;
	r = topo_kernel(source, release);
	if (!r)
		r = find_path(source, flow, path, out);
	if (!r)
		explain_path(path, release, variant, out);
	free(path);
	return r;
}
