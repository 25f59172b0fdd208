/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xmit_hash.h - through which of its links a bond or team sends a flow
 *
 * Computes what the kernel of the sending host will do, from values alone, so that it works for
 * this host and for a peer of any kernel and byte order. Where that cannot be known, the answer is
 * a reason and never a guess.
 *
 * A link is an index into the bond's list of links in the order in which the driver keeps them:
 * the order of sysfs bonding/slaves, which is that of enslaving and not that of netlink. A team
 * keeps them in the order in which they were enabled.
 *
 * Sources, all in our own words: bonding's drivers/net/bonding/bond_main.c (bond_eth_hash,
 * bond_flow_ip, bond_flow_dissect, bond_ip_hash, bond_vlan_srcmac_hash, bond_xmit_hash,
 * bond_update_slave_arr, bond_xmit_3ad_xor_slave_get), bond_alb.c (bond_xmit_tlb_slave_get,
 * bond_xmit_alb_slave_get) and bond_3ad.c (bond_3ad_xmit_xor) in the versions that enum
 * hash_variant names; the team driver's team_mode_loadbalance.c (lb_get_skb_hash, lb_transmit) of
 * 6.1 and teamd's teamd_bpf_chef.c of libteam 1.31. The formulas in use since 4.15 and team's were
 * checked against real drivers of 6.1.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hash/flow.h"

/* Links of one bond. Switches allow 8 or 16; sets of links are bits of 32. */
#define HASH_LINKS_MAX 32

/* Numbers up to HASH_BALANCE_ALB are the kernel's. */
enum hash_mode {
	HASH_BALANCE_RR = 0,
	HASH_ACTIVE_BACKUP = 1,
	HASH_BALANCE_XOR = 2,
	HASH_BROADCAST = 3,
	HASH_8023AD = 4,
	HASH_BALANCE_TLB = 5,
	HASH_BALANCE_ALB = 6,
	HASH_TEAM = 7, /* teamd's runners loadbalance and lacp */
	HASH_N_MODES
};

/* The kernel's numbers. */
enum hash_policy {
	HASH_LAYER2 = 0,
	HASH_LAYER34 = 1,
	HASH_LAYER23 = 2,
	HASH_ENCAP23 = 3,
	HASH_ENCAP34 = 4,
	HASH_VLAN_SRCMAC = 5,
	HASH_N_POLICIES
};

/*
 * The kernel's rule, named for the first version that has it.
 *
 *            packet type in   layer2+3     layer3+4     a link that may not be
 *            layer2's hash    drops bit 0  drops bit 0  used is
 *   3.7      no               no           no           passed over for the next (other formulas)
 *   3.13     no               no           no           passed over for the next
 *   3.19     as on the wire   no           no           not counted
 *   4.15     as on the wire   yes          yes          not counted
 *   5.15     as a number      yes          yes          not counted
 *   5.18     as a number      no           yes          not counted
 *   el8      as on the wire   no           yes          not counted
 */
enum hash_variant {
	HASH_VARIANT_UNKNOWN = 0,
	HASH_3_7,
	HASH_3_13,
	HASH_3_19,
	HASH_4_15,
	HASH_5_15,
	HASH_5_18,
	HASH_EL8, /* Red Hat's 4.18 of 8.7 and later, and any stable kernel with the same backport
		   */
	HASH_N_VARIANTS
};

/* Byte order of the sending host. */
enum hash_order { HASH_LITTLE = 0, HASH_BIG = 1, HASH_N_ORDERS };

/* Parts of the header in a team's tx_hash, or-ed. */
enum hash_team_part {
	HASH_TEAM_ETH = 1,
	HASH_TEAM_VLAN = 2,
	HASH_TEAM_IPV4 = 4,
	HASH_TEAM_IPV6 = 8,
	HASH_TEAM_L4 = 16, /* TCP, UDP and SCTP */
};

/* Why a link cannot be predicted. */
enum hash_reason {
	HASH_OK = 0,
	HASH_R_NO_LINK,     /* no link is usable */
	HASH_R_LINKS,       /* more than HASH_LINKS_MAX */
	HASH_R_UNKNOWN,     /* a mode or policy that is not known here */
	HASH_R_VARIANT,     /* which rule the kernel has is not known, or lacks this policy */
	HASH_R_MACS,        /* the MAC addresses would be needed */
	HASH_R_ACTIVE,      /* the active link would be needed */
	HASH_R_ROUND_ROBIN, /* balance-rr: packets of one connection take turns */
	HASH_R_BROADCAST,   /* every packet leaves through every link */
	HASH_R_DYNAMIC,     /* balance-tlb, balance-alb: by load, changing */
	HASH_R_RANDOM,      /* encap3+4: the socket's own random number */
	HASH_R_TEAM,        /* a team whose hash or order of links is not known */
	HASH_R_DOUBLE_TAG,  /* a VLAN on a VLAN */
	HASH_R_FRAGMENTED,  /* fragments go by other rules than whole packets */
	HASH_R_PROTOCOL,    /* hashed by a field that is not in struct flow (IPsec, ICMP) */
	HASH_N_REASONS
};

/* What the choice of a port can do to a flow between two given hosts. */
enum hash_spread {
	HASH_SPREAD_NONE,    /* nothing: all connections go the same way */
	HASH_SPREAD_PORTS,   /* it decides */
	HASH_SPREAD_RANDOM,  /* connections spread, but by a rule that we cannot follow */
	HASH_SPREAD_PACKETS, /* each connection uses all links */
};

struct hash_bond {
	enum hash_mode mode;
	enum hash_policy policy;
	enum hash_variant variant;
	enum hash_order order;
	bool dynamic; /* tlb_dynamic_lb of balance-tlb and balance-alb */
	unsigned n_links;
	uint32_t usable; /* bit i: link i may send: up, with carrier, state active, and with 802.3ad
			  * in the active aggregator */
	uint32_t joined; /* 802.3ad up to 3.18: the active aggregator's links, usable or not; 0: the
			  * same as usable */
	int active;      /* of active-backup and balance-tlb/alb; -1: not known */
	uint8_t team_parts; /* HASH_TEAM: enum hash_team_part; 0: not known. The order of a team's
			     * links is exported nowhere: leave this 0 until that is known as well,
			     * and with tx_balancer "basic", whose table changes. */
};

/*
 * A bond's decision with all but the ports worked in, to be asked for many ports. Its fields are
 * private.
 */
struct hash_rule {
	uint8_t form;
	uint8_t shift;
	enum hash_order order;
	uint32_t base;
	unsigned n;
	uint8_t map[HASH_LINKS_MAX];
};

/* Returns HASH_OK or a reason (enum hash_reason). The flow's own ports are not looked at. */
int hash_prepare(const struct hash_bond *bond, const struct flow *flow, struct hash_rule *out);

unsigned hash_rule_link(const struct hash_rule *rule, uint16_t sport, uint16_t dport);

/* The link of one flow. Returns HASH_OK or a reason, and *link_out only with HASH_OK. */
int hash_link(const struct hash_bond *bond, const struct flow *flow, unsigned *link_out);

/* The hash alone, before it is reduced to a link. Returns HASH_OK or a reason. */
int hash_value(enum hash_policy policy, enum hash_variant variant, enum hash_order order,
	       const struct flow *flow, uint32_t *value_out);
int hash_team_value(uint8_t parts, const struct flow *flow, uint32_t *value_out);

/* by_dport: the port that can be chosen is the destination's, as in a flow towards us. */
enum hash_spread hash_spread(const struct hash_bond *bond, const struct flow *flow, bool by_dport);

/* Does the policy look at ports at all? */
bool hash_policy_uses_ports(enum hash_policy policy);

/* Do kernels of both variants send alike under this policy in this mode? */
bool hash_variants_agree(enum hash_variant a, enum hash_variant b, enum hash_mode mode,
			 enum hash_policy policy);

/* Names ---------------------------------------------------------------------------------------- */

/* As sysfs has them: "802.3ad", "layer3+4"; "?" for a number that has no name. */
const char *hash_mode_name(enum hash_mode mode);
const char *hash_policy_name(enum hash_policy policy);
const char *hash_variant_name(enum hash_variant variant); /* "5.18", "el8", "unknown" */
const char *hash_order_name(enum hash_order order);       /* "little", "big" */

/* The exact name. Each returns 0 or -EINVAL. */
int hash_mode_parse(const char *name, enum hash_mode *out);
int hash_policy_parse(const char *name, enum hash_policy *out);
int hash_variant_parse(const char *name, enum hash_variant *out);
int hash_order_parse(const char *name, enum hash_order *out);

/* A clause for a message, never NULL: "encap3+4 uses a random number of each connection". */
const char *hash_reason_text(int reason);
