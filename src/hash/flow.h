/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow.h - what a transmit hash looks at: the headers of one connection's packets, one way
 *
 * A plain value. Addresses are the bytes of the wire, ports and the VLAN tag are numbers. IPv4
 * addresses are the first 4 bytes. A socket of IPv6 that carries IPv4 (::ffff:a.b.c.d) sends IPv4
 * packets; the hash functions know, so both ways of writing it mean the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FLOW_TCP 6

enum flow_family {
	FLOW_OTHER = 0, /* no IP at all: only MAC addresses and ethertype count */
	FLOW_IPV4 = 4,
	FLOW_IPV6 = 6,
};

struct flow {
	enum flow_family family;
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t sport;
	uint16_t dport;
	uint8_t protocol; /* the number in the IP header; with IPv6 that of the fixed header */
	bool fragmented;  /* packets may be fragments */

	/* The frame as the device above the bond makes it: the owner of the address, and the next
	 * hop, which is a gateway's address when the peer is not a neighbour. */
	bool macs_known;
	uint8_t smac[6];
	uint8_t dmac[6];
	uint16_t vlan_tci;  /* of the one tag of a VLAN device; 0: none */
	bool double_tagged; /* a VLAN on a VLAN: the hash does not find the IP header */
	uint16_t ethertype; /* FLOW_OTHER only */
};

/* The same connection's packets the other way. The MAC addresses are swapped too, which is right
 * between neighbours only. */
static inline struct flow flow_reverse(const struct flow *f)
{
	struct flow r = *f;

	memcpy(r.src, f->dst, sizeof(r.src));
	memcpy(r.dst, f->src, sizeof(r.dst));
	memcpy(r.smac, f->dmac, sizeof(r.smac));
	memcpy(r.dmac, f->smac, sizeof(r.dmac));
	r.sport = f->dport;
	r.dport = f->sport;
	return r;
}
