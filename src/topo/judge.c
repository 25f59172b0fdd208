/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which links a bond sends over. The driver keeps an array of them, rebuilt at each change, and the
 * rules here are those by which it is filled; the reason given is the one nearest to the wire.
 */
#include "topo/topo.h"

static enum topo_unusable judge_wire(const struct topo_link *link)
{
	if (!link->up)
		return TOPO_UNUSABLE_DOWN;
	if (!link->carrier)
		return TOPO_UNUSABLE_CARRIER;
	return link->mii == TOPO_MII_UP ? TOPO_USABLE : TOPO_UNUSABLE_MII;
}

static enum topo_unusable judge_state(const struct topo_link *link)
{
	return link->backup ? TOPO_UNUSABLE_BACKUP : TOPO_USABLE;
}

/* All ports outside of the active aggregator are backups too, but that is not why. */
static enum topo_unusable judge_8023ad(const struct topo_bond *bond, const struct topo_link *link)
{
	if (!bond->has_aggregator)
		return TOPO_UNUSABLE_NO_GROUP;
	if (link->aggregator != bond->aggregator)
		return TOPO_UNUSABLE_AGGREGATOR;
	return judge_state(link);
}

static enum topo_unusable judge_bond(const struct topo_bond *bond, const struct topo_link *link)
{
	switch (bond->mode) {
	case TOPO_MODE_ACTIVE_BACKUP:
		return link->ifindex == bond->active ? TOPO_USABLE : TOPO_UNUSABLE_BACKUP;
	case TOPO_MODE_BROADCAST:
		return TOPO_USABLE;
	case TOPO_MODE_8023AD:
		return judge_8023ad(bond, link);
	default:
		return judge_state(link);
	}
}

static enum topo_unusable judge_team(const struct topo_bond *bond, const struct topo_link *link)
{
	if (link->backup)
		return TOPO_UNUSABLE_DISABLED;
	if (bond->active && bond->active != link->ifindex)
		return TOPO_UNUSABLE_BACKUP;
	return TOPO_USABLE;
}

void topo_judge(struct topo_bond *bond)
{
	bond->n_usable = 0;
	for (size_t i = 0; i < bond->n_links; i++) {
		struct topo_link *link = &bond->links[i];

		link->unusable = judge_wire(link);
		if (!link->unusable)
			link->unusable = bond->kind == TOPO_KIND_TEAM ? judge_team(bond, link)
								      : judge_bond(bond, link);
		if (!link->unusable)
			bond->n_usable++;
	}
}
