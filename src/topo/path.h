/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.h - the way that packets to a peer take through this machine: the route, the devices under
 * its egress device, and the bond or team at the bottom
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "topo/topo.h"

/* What the kernel's choice of a route can depend on. */
struct topo_flow {
	int family;      /* AF_INET or AF_INET6; an IPv4-mapped peer is AF_INET */
	uint8_t dst[16]; /* the first 4 bytes for AF_INET */
	bool has_src;    /* the socket is bound to src */
	uint8_t src[16];
	uint8_t protocol; /* IPPROTO_TCP; 0: leave it and the ports out */
	uint16_t sport;   /* 0: leave it out */
	uint16_t dport;
	uint32_t mark;    /* SO_MARK; 0: none */
	uint32_t ifindex; /* SO_BINDTODEVICE, or the scope of a link-local address; 0: none */
};

/* Where the search ended. */
enum topo_end {
	TOPO_END_BOND = 0,    /* at path.bond, a bond or team */
	TOPO_END_PLAIN,       /* at a device that has no bond: path.link */
	TOPO_END_LOCAL,       /* the address is this machine's own */
	TOPO_END_UNREACHABLE, /* no route, or a route that forbids */
	TOPO_END_NAMESPACE,   /* the device below is in another network namespace */
	TOPO_END_TUNNEL,      /* packets go on inside others, or through a program */
	TOPO_END_BRIDGE,      /* the bridge's port towards the next hop is not known (yet) */
	TOPO_END_OVS,         /* Open vSwitch decides, and its bonds are not the kernel's */
	TOPO_END_UNKNOWN,     /* at a device of a kind that this program does not know */
	TOPO_END_LOST,        /* a device vanished while we looked, or the devices form a circle */
};

/* One device on the way, from the top. */
struct topo_hop {
	char name[TOPO_NAME_LEN];
	uint32_t ifindex;
	enum topo_kind kind;
	uint32_t mtu;
	uint16_t vlan; /* IFLA_VLAN_ID if kind is TOPO_KIND_VLAN */
};

struct topo_path {
	enum topo_end end;
	char reason[TOPO_REASON_LEN]; /* one line for a user, with names; "" with TOPO_END_BOND */

	/* RTM_GETROUTE */
	bool has_src;
	uint8_t src[16];    /* RTA_PREFSRC, or what the flow asked for */
	int gateway_family; /* RTA_GATEWAY, RTA_VIA; 0: the peer itself is the next hop */
	uint8_t gateway[16];
	uint32_t mtu; /* RTAX_MTU, or the smallest of the hops */

	/* The Ethernet header of frames as they are given to the bond. */
	bool has_smac, has_dmac;
	uint8_t smac[TOPO_MAC_LEN]; /* IFLA_ADDRESS of the device that routes */
	uint8_t dmac[TOPO_MAC_LEN]; /* RTM_GETNEIGH; not known before the first packet */
	unsigned n_vlans;           /* tags; with 2 and more (QinQ) the bond hashes by MAC only */
	uint16_t vlan;              /* the outer one, if n_vlans */
	/* Which port of a bridge leads to dmac is not known, or of Open vSwitch's: its only bond,
	 * or else the bridge's only port, was taken. */
	bool guessed;

	size_t n_hops;
	struct topo_hop hops[TOPO_HOPS_MAX];

	/* The last hop: link unless end is before it was found, bond with TOPO_END_BOND. */
	struct topo_link link;
	struct topo_bond bond;
};

/* Finds the way of a flow. A peer that cannot be reached is a result (path.end), no error. Returns
 * 0 or -errno. */
int topo_path(struct topo_source *source, const struct topo_flow *flow, struct topo_path *out);

/* Does the flow end on this machine, whichever device has the address? Only asks for the route.
 * Returns 1, 0, or -errno. */
int topo_is_local(struct topo_source *source, const struct topo_flow *flow);

/* From now on topo_path takes the devices and bonds as they are at this moment, and asks only for
 * routes and neighbours: for many flows that would otherwise each cost as much as all devices.
 * Ends with topo_release. Returns 0 or -errno. */
int topo_hold(struct topo_source *source);

/* Does nothing if there is nothing held. */
void topo_release(struct topo_source *source);
