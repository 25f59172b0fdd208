/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo/topo.h"

static const char *const modes[] = {
	[TOPO_MODE_BALANCE_RR] = "balance-rr",   [TOPO_MODE_ACTIVE_BACKUP] = "active-backup",
	[TOPO_MODE_BALANCE_XOR] = "balance-xor", [TOPO_MODE_BROADCAST] = "broadcast",
	[TOPO_MODE_8023AD] = "802.3ad",          [TOPO_MODE_BALANCE_TLB] = "balance-tlb",
	[TOPO_MODE_BALANCE_ALB] = "balance-alb",
};

static const char *const policies[] = {
	[TOPO_POLICY_LAYER2] = "layer2",    [TOPO_POLICY_LAYER34] = "layer3+4",
	[TOPO_POLICY_LAYER23] = "layer2+3", [TOPO_POLICY_ENCAP23] = "encap2+3",
	[TOPO_POLICY_ENCAP34] = "encap3+4", [TOPO_POLICY_VLAN_SRCMAC] = "vlan+srcmac",
};

static const char *const unusables[] = {
	[TOPO_USABLE] = "usable",
	[TOPO_UNUSABLE_DOWN] = "set down",
	[TOPO_UNUSABLE_CARRIER] = "no carrier",
	[TOPO_UNUSABLE_MII] = "held for down by the bond's link monitoring",
	[TOPO_UNUSABLE_BACKUP] = "in reserve",
	[TOPO_UNUSABLE_AGGREGATOR] = "in another LACP aggregator than the active one",
	[TOPO_UNUSABLE_NO_GROUP] = "the bond has no active LACP aggregator",
	[TOPO_UNUSABLE_DISABLED] = "disabled in the team",
};

#define PICK(list, i) ((i) < sizeof(list) / sizeof((list)[0]) ? (list)[i] : "unknown")

const char *topo_mode_name(uint8_t mode)
{
	return PICK(modes, mode);
}

const char *topo_policy_name(uint8_t policy)
{
	return PICK(policies, policy);
}

const char *topo_unusable_text(enum topo_unusable unusable)
{
	return PICK(unusables, unusable);
}
