/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devs.h - all network devices of the namespace, as one RTM_GETLINK dump has them
 *
 * Only netlink's part: files, the order of ports and what is usable come later (bonds.h).
 */
#pragma once

#include "topo/topo.h"

struct dev {
	struct topo_link link;
	enum topo_kind kind;            /* IFLA_INFO_KIND */
	char kind_name[TOPO_NAME_LEN];  /* the kernel's word; "" for most hardware */
	char slave_kind[TOPO_NAME_LEN]; /* IFLA_INFO_SLAVE_KIND: as whose port; "" */
	uint32_t master;                /* IFLA_MASTER; 0: none */
	uint32_t lower;                 /* IFLA_LINK; 0: none, or itself */
	bool elsewhere;                 /* IFLA_LINK_NETNSID: lower counts in another namespace */
	uint16_t vlan;                  /* IFLA_VLAN_ID */
	size_t bond;                    /* index into bonds, for TOPO_KIND_BOND and TEAM */
};

struct devs {
	size_t n;
	size_t size;
	struct dev *list; /* owned; by ifindex, as the kernel dumps it */
	size_t n_bonds;
	size_t bonds_size;
	struct topo_bond *bonds; /* owned; without ports */
};

/* *out is to be given to devs_clear after use, after a failure too. Returns 0 or -errno. */
int devs_load(struct topo_source *source, struct devs *out);
void devs_clear(struct devs *devs);

/* NULL: not found. */
const struct dev *devs_find(const struct devs *devs, uint32_t ifindex);
