/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: netlink knows the ports of a bond, and the driver's files know their order, on which the
 * hash depends; of old kernels' bonds the files alone know the rest too. The order is known only if
 * both list the same ports. If they do not, a port came or went between the two, and all is read
 * again, TRIES times at most; then the ports stand in the order of their indexes, and order_known
 * is false.
 */
#include "topo/bonds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topo/bonding_file.h"
#include "topo/files.h"
#include "topo/team.h"
#include "util/text.h"

/* Netlink and files are read one after the other, so a port may come or go in between. */
#define TRIES 4

static int by_ifindex(const void *a, const void *b)
{
	uint32_t left = ((const struct topo_link *)a)->ifindex;
	uint32_t right = ((const struct topo_link *)b)->ifindex;

	return (left > right) - (left < right);
}

static void collect_ports(const struct devs *devs, struct topo_bond *bond)
{
	bond->n_ports = 0;
	bond->n_links = 0;
	for (size_t i = 0; i < devs->n; i++) {
		if (devs->list[i].master != bond->ifindex)
			continue;
		bond->n_ports++;
		if (bond->n_links < TOPO_LINKS_MAX)
			bond->links[bond->n_links++] = devs->list[i].link;
	}
	qsort(bond->links, bond->n_links, sizeof(bond->links[0]), by_ifindex);
}

/* Before Linux 3.14 netlink does not say by which policy a bond sends, nor most of the rest. */
static bool is_silent(const struct topo_bond *bond)
{
	return bond->kind == TOPO_KIND_BOND && bond->policy == TOPO_POLICY_UNKNOWN;
}

/* What the file alone says of a port; and the rest, if netlink does not. */
static void take_port(struct topo_link *link, const struct topo_link *port, bool all)
{
	link->speed = port->speed;
	link->duplex = port->duplex;
	link->churned = port->churned;
	link->has_actor_key = port->has_actor_key;
	link->actor_key = port->actor_key;
	link->has_partner = port->has_partner;
	link->partner_key = port->partner_key;
	memcpy(link->partner_mac, port->partner_mac, sizeof(link->partner_mac));
	if (!all)
		return;
	link->mii = port->mii;
	link->failures = port->failures;
	link->queue_id = port->queue_id;
	link->aggregator = port->aggregator;
	link->actor_state = port->actor_state;
	link->partner_state = port->partner_state;
	memcpy(link->perm_mac, port->perm_mac, sizeof(link->perm_mac));
}

static void take_bond(struct topo_bond *bond, const struct bonding_file *file)
{
	const struct topo_bond *from = &file->bond;

	bond->mode = from->mode;
	bond->policy = from->policy;
	bond->lacp_rate = from->lacp_rate;
	bond->ad_select = from->ad_select;
	bond->tlb_dynamic_lb = from->tlb_dynamic_lb;
	bond->miimon_ms = from->miimon_ms;
	bond->arp_interval_ms = from->arp_interval_ms;
	bond->min_links = from->min_links;
	bond->has_aggregator = from->has_aggregator;
	bond->aggregator = from->aggregator;
	bond->n_aggregated = from->n_aggregated;
	bond->actor_key = from->actor_key;
	bond->partner_key = from->partner_key;
	memcpy(bond->partner_mac, from->partner_mac, sizeof(bond->partner_mac));
	bond->partner_hidden = from->partner_hidden;
	for (size_t i = 0; i < bond->n_links; i++)
		if (strcmp(bond->links[i].name, file->active) == 0)
			bond->active = bond->links[i].ifindex;
}

/* Moves the link that port is of to position i; false if none at i or after has this name. */
static bool move_to(struct topo_bond *bond, size_t i, const struct topo_link *port)
{
	for (size_t k = i; k < bond->n_links; k++) {
		struct topo_link found = bond->links[k];

		if (strcmp(found.name, port->name) != 0)
			continue;
		memmove(&bond->links[i + 1], &bond->links[i], (k - i) * sizeof(found));
		take_port(&found, port, is_silent(bond));
		bond->links[i] = found;
		return true;
	}
	return false;
}

/* As bonds_complete. */
static int order_ports(struct topo_source *source, struct topo_bond *bond)
{
	struct bonding_file file;
	int r = bonding_file_load(source, bond, &file);
	size_t n_ordered = 0;

	bond->order_known = false;
	if (r) {
		text_printf(bond->reason, sizeof(bond->reason),
			    "the order of the links cannot be read: %s", strerror(-r));
		return 0;
	}
	for (size_t i = 0; i < file.bond.n_links; i++)
		if (move_to(bond, n_ordered, &file.bond.links[i]))
			n_ordered++;
	if (is_silent(bond))
		take_bond(bond, &file);
	if (bond->n_ports > TOPO_LINKS_MAX) {
		text_printf(bond->reason, sizeof(bond->reason),
			    "%zu links, more than the %d that can be listed", bond->n_ports,
			    TOPO_LINKS_MAX);
		return 0;
	}
	if (n_ordered == bond->n_links && n_ordered == file.bond.n_ports) {
		bond->order_known = true;
		return 0;
	}
	qsort(bond->links, bond->n_links, sizeof(bond->links[0]), by_ifindex);
	text_printf(bond->reason, sizeof(bond->reason),
		    "the driver lists other links than netlink does");
	return 1;
}

void bonds_speed(struct topo_source *source, struct topo_link *link)
{
	link->in_sysfs = files_in_sysfs(source, link->name, link->ifindex, link->mac);
	if (link->in_sysfs)
		files_speed(source, link);
}

int bonds_complete(struct topo_source *source, const struct devs *devs, struct topo_bond *bond)
{
	int r = 0;

	collect_ports(devs, bond);
	bond->reason[0] = '\0';
	bond->in_sysfs = files_in_sysfs(source, bond->name, bond->ifindex, bond->mac);
	if (bond->kind == TOPO_KIND_TEAM)
		team_load(source, bond);
	else
		r = order_ports(source, bond);
	for (size_t i = 0; i < bond->n_links; i++)
		bonds_speed(source, &bond->links[i]);
	topo_judge(bond);
	return r;
}

static int bond_by_ifindex(const void *a, const void *b)
{
	uint32_t left = ((const struct topo_bond *)a)->ifindex;
	uint32_t right = ((const struct topo_bond *)b)->ifindex;

	return (left > right) - (left < right);
}

/* ifindex 0: all. Returns 0, 1 to be called again, or -errno. */
static int load(struct topo_source *source, uint32_t ifindex, struct devs *devs)
{
	int r = devs_load(source, devs);

	for (size_t i = 0; r >= 0 && i < devs->n_bonds; i++)
		if (!ifindex || devs->bonds[i].ifindex == ifindex)
			r |= bonds_complete(source, devs, &devs->bonds[i]);
	return r;
}

int bonds_load(struct topo_source *source, uint32_t ifindex, struct devs *devs)
{
	int r = 1;

	for (unsigned i = 0; i < TRIES && r == 1; i++) {
		if (i)
			devs_clear(devs);
		r = load(source, ifindex, devs);
	}
	return r < 0 ? r : 0;
}

int topo_bonds(struct topo_source *source, struct topo_bond **bonds_out, size_t *n_out)
{
	struct devs devs;
	int r = bonds_load(source, 0, &devs);

	if (!r) {
		if (devs.n_bonds)
			qsort(devs.bonds, devs.n_bonds, sizeof(devs.bonds[0]), bond_by_ifindex);
		*bonds_out = devs.bonds;
		*n_out = devs.n_bonds;
		devs.bonds = NULL;
	}
	devs_clear(&devs);
	return r;
}

int topo_bond(struct topo_source *source, uint32_t ifindex, struct topo_bond *out)
{
	struct devs devs;
	int r = bonds_load(source, ifindex, &devs);
	const struct dev *dev = r ? NULL : devs_find(&devs, ifindex);

	if (dev && (dev->kind == TOPO_KIND_BOND || dev->kind == TOPO_KIND_TEAM))
		*out = devs.bonds[dev->bond];
	else if (!r)
		r = -ENODEV;
	devs_clear(&devs);
	return r;
}
