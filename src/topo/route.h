/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - the kernel's tables about peers: routes, neighbours, what bridges have learnt, subnets
 */
#pragma once

#include "topo/path.h"

/* Sets has_src, src, gateway_family, gateway and mtu (0: none) of path, and end and reason if there
 * is no way out of this machine. Gives the egress device. Returns 0 or -errno. */
int route_find(struct topo_source *source, const struct topo_flow *flow, struct topo_path *path,
	       uint32_t *ifindex_out);

/* How many next hops the route of a flow has; the kernel chooses one of them. From Linux 4.13 on.
 * Returns 1 or more, or -errno. */
int route_next_hops(struct topo_source *source, const struct topo_flow *flow);

/* Sets has_dmac and dmac of path from the neighbour table. Returns 0 or -errno. */
int route_neighbour(struct topo_source *source, const struct topo_flow *flow, uint32_t ifindex,
		    struct topo_path *path);

/* The port of a bridge behind which it has seen a MAC; 0: not known. Of the entries of several
 * VLANs any. Returns 0 or -errno. */
int route_bridge_port(struct topo_source *source, uint32_t bridge, const uint8_t mac[TOPO_MAC_LEN],
		      uint32_t *ifindex_out);

/* The devices that have an address in whose subnet addr is. Fills up to max and returns how many it
 * filled, or -errno. */
int route_subnets(struct topo_source *source, int family, const uint8_t *addr, uint32_t *ifindexes,
		  size_t max);

/* Numeric, of 4 or 16 bytes. */
void route_addr_text(char *buf, size_t size, int family, const uint8_t *addr);
