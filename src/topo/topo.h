/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * topo.h - what this machine is connected with: links, bonds, teams, and the way to a peer
 *
 * Everything here only reads, and needs no privilege. Netlink comes first, as it shows the network
 * namespace of the caller whatever is mounted where; /proc and /sys are for what netlink lacks. Of
 * /sys only devices are believed whose ifindex and address are those that netlink gave, because
 * sysfs shows the namespace of whoever mounted it.
 *
 * All structs are plain values: no pointers in them, to be copied and compared as the caller likes.
 * Numbers that the kernel defines (modes, policies, MII and LACP states) keep the kernel's values.
 * Addresses are in network byte order, everything else in the host's.
 *
 * Nothing is kept between two calls; the answers are those of one moment. The bonding driver itself
 * needs some time to act on a change: a caller that has seen an event (watch.h) and finds nothing
 * changed should look again a little later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/source.h"

/* As the kernel's IFNAMSIZ, with the NUL. */
#define TOPO_NAME_LEN 16

/* Ports that are listed of one bond: switches bundle up to 8, 16 or 32. */
#define TOPO_LINKS_MAX 32

/* Devices stacked upon each other; the kernel itself allows 8. */
#define TOPO_HOPS_MAX 12

#define TOPO_MAC_LEN     6
#define TOPO_REASON_LEN  160
#define TOPO_RELEASE_LEN 65

/* IFLA_BOND_MODE */
enum topo_mode {
	TOPO_MODE_BALANCE_RR = 0,
	TOPO_MODE_ACTIVE_BACKUP = 1,
	TOPO_MODE_BALANCE_XOR = 2,
	TOPO_MODE_BROADCAST = 3,
	TOPO_MODE_8023AD = 4,
	TOPO_MODE_BALANCE_TLB = 5,
	TOPO_MODE_BALANCE_ALB = 6,
	TOPO_MODE_UNKNOWN = 255, /* a team, or a kernel newer than this program */
};

/* IFLA_BOND_XMIT_HASH_POLICY */
enum topo_policy {
	TOPO_POLICY_LAYER2 = 0,
	TOPO_POLICY_LAYER34 = 1,
	TOPO_POLICY_LAYER23 = 2,
	TOPO_POLICY_ENCAP23 = 3,
	TOPO_POLICY_ENCAP34 = 4,
	TOPO_POLICY_VLAN_SRCMAC = 5,
	TOPO_POLICY_UNKNOWN = 255,
};

/* IFLA_BOND_SLAVE_MII_STATUS */
enum topo_mii {
	TOPO_MII_UP = 0,
	TOPO_MII_GOING_DOWN = 1,
	TOPO_MII_DOWN = 2,
	TOPO_MII_GOING_BACK = 3,
};

/* Bits of a port's LACP state. A port that carries traffic has those of TOPO_LACP_WORKING. */
#define TOPO_LACP_ACTIVITY     0x01
#define TOPO_LACP_SHORT        0x02
#define TOPO_LACP_AGGREGATION  0x04
#define TOPO_LACP_SYNC         0x08
#define TOPO_LACP_COLLECTING   0x10
#define TOPO_LACP_DISTRIBUTING 0x20
#define TOPO_LACP_DEFAULTED    0x40
#define TOPO_LACP_EXPIRED      0x80
#define TOPO_LACP_WORKING      0x3c

enum topo_duplex { TOPO_DUPLEX_UNKNOWN, TOPO_DUPLEX_HALF, TOPO_DUPLEX_FULL };

/* Why a link takes no traffic of its bond. */
enum topo_unusable {
	TOPO_USABLE = 0,
	TOPO_UNUSABLE_DOWN,       /* set down by the administrator */
	TOPO_UNUSABLE_CARRIER,    /* no signal from the other end */
	TOPO_UNUSABLE_MII,        /* the bond's monitoring (MII or ARP) holds it for down */
	TOPO_UNUSABLE_BACKUP,     /* the bond keeps it in reserve, or LACP has not enabled it */
	TOPO_UNUSABLE_AGGREGATOR, /* LACP put it into another group than the one in use */
	TOPO_UNUSABLE_NO_GROUP,   /* LACP has no group in use at all */
	TOPO_UNUSABLE_DISABLED,   /* the team has it disabled */
};

/* IFLA_STATS64, IFLA_STATS_LINK_64 or statistics/ in sysfs; since the device exists. */
struct topo_counters {
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	uint64_t rx_packets;
	uint64_t tx_packets;
};

/* A device, and what its bond says of it. */
struct topo_link {
	char name[TOPO_NAME_LEN]; /* IFLA_IFNAME */
	uint32_t ifindex;
	uint32_t speed;            /* Mbit/s, 0: not known; sysfs speed, else /proc/net/bonding */
	enum topo_duplex duplex;   /* sysfs duplex, else /proc/net/bonding */
	uint16_t type;             /* ARPHRD_ETHER, ARPHRD_INFINIBAND; 0: not known */
	uint32_t mtu;              /* IFLA_MTU */
	uint32_t carrier_changes;  /* IFLA_CARRIER_CHANGES */
	uint8_t mac[TOPO_MAC_LEN]; /* IFLA_ADDRESS; zero: it has none of 6 bytes */
	uint8_t perm_mac[TOPO_MAC_LEN]; /* IFLA_BOND_SLAVE_PERM_HWADDR, IFLA_PERM_ADDRESS; else 0 */
	bool up;                        /* IFF_UP */
	bool carrier;                   /* IFLA_CARRIER, before Linux 3.9 IFF_LOWER_UP */
	bool in_sysfs;                  /* /sys/class/net shows this very device */
	struct topo_counters counters;  /* IFLA_STATS64 */

	/* As port of a bond: IFLA_BOND_SLAVE_*, before Linux 3.14 from /proc/net/bonding; zero for
	 * any other device. */
	uint8_t mii;           /* MII_STATUS: enum topo_mii */
	bool backup;           /* STATE; stays false on dead ports in most modes */
	uint16_t queue_id;     /* QUEUE_ID */
	uint32_t failures;     /* LINK_FAILURE_COUNT */
	uint16_t aggregator;   /* AD_AGGREGATOR_ID; 0: not LACP */
	uint8_t actor_state;   /* AD_ACTOR_OPER_PORT_STATE */
	uint8_t partner_state; /* AD_PARTNER_OPER_PORT_STATE */

	/* /proc/net/bonding: either end's LACP did not get into step for a minute. */
	bool churned;

	/* This port's own key in LACP, and its partner (MAC zero: nobody answers); modern kernels
	 * show both in /proc/net/bonding to root only. */
	bool has_actor_key;
	uint16_t actor_key;
	bool has_partner;
	uint16_t partner_key;
	uint8_t partner_mac[TOPO_MAC_LEN];

	/* Filled by topo_judge: may the driver send over it now? */
	enum topo_unusable unusable;
};

enum topo_kind {
	TOPO_KIND_PLAIN, /* a network card, or a kind that is as good as one */
	TOPO_KIND_BOND,
	TOPO_KIND_TEAM,
	TOPO_KIND_VLAN,
	TOPO_KIND_MACVLAN, /* and macvtap */
	TOPO_KIND_IPVLAN,  /* and ipvtap */
	TOPO_KIND_BRIDGE,
	TOPO_KIND_VRF,
	TOPO_KIND_VETH,
	TOPO_KIND_TUNNEL, /* packets leave it inside others, or to a program (tun) */
	TOPO_KIND_OVS,    /* Open vSwitch's own port */
	TOPO_KIND_LOOPBACK,
	TOPO_KIND_OTHER, /* a kind that this program does not know */
};

/* A bond or team with its ports. IFLA_BOND_* unless something else is named; before Linux 3.14,
 * whose netlink lacks most of it, from /proc/net/bonding. */
struct topo_bond {
	enum topo_kind kind; /* TOPO_KIND_BOND or TOPO_KIND_TEAM */
	char name[TOPO_NAME_LEN];
	uint32_t ifindex;
	uint32_t mtu;
	uint8_t mac[TOPO_MAC_LEN];
	bool up;
	bool carrier;
	bool in_sysfs; /* as of a link */

	uint8_t mode;        /* MODE: enum topo_mode */
	uint8_t policy;      /* XMIT_HASH_POLICY: enum topo_policy; kept in modes without hash */
	uint8_t lacp_rate;   /* AD_LACP_RATE: 0 slow, 1 fast */
	uint8_t ad_select;   /* AD_SELECT: 0 stable, 1 bandwidth, 2 count, 3 port priority */
	bool tlb_dynamic_lb; /* TLB_DYNAMIC_LB; true on kernels that do not know it */
	bool lacp_active;    /* AD_LACP_ACTIVE; true on kernels that do not know it */
	uint32_t miimon_ms;  /* MIIMON; 0: off */
	uint32_t arp_interval_ms;   /* ARP_INTERVAL; 0: off */
	uint32_t min_links;         /* MIN_LINKS */
	uint32_t packets_per_slave; /* PACKETS_PER_SLAVE */
	uint32_t active;            /* ACTIVE_SLAVE: an ifindex, 0: none; as root of a team too */

	/* 802.3ad: AD_INFO, which the kernel gives only while there is an active aggregator. */
	bool has_aggregator;
	uint16_t aggregator;
	uint16_t n_aggregated; /* NUM_PORTS of it */
	uint16_t actor_key;
	uint16_t partner_key;
	uint8_t partner_mac[TOPO_MAC_LEN]; /* zero: nobody answers */
	bool partner_hidden; /* keys and MAC are not known; of a file that a user wrote */
	bool speeds_hidden;  /* nor are speeds; of a file that a driver before 3.6 wrote */

	/* Teams: the option "mode" of generic netlink, for root only; "": not known. */
	char team_mode[TOPO_NAME_LEN];
	char team_method[32];         /* lb_tx_method; "": not known */
	char reason[TOPO_REASON_LEN]; /* why something above is not known; "": nothing to say */

	/* In the order of the driver's own array if order_known; this is the order that the hash
	 * counts in, skipping links that are unusable. /proc/net/bonding/NAME, else sysfs
	 * bonding/slaves; netlink does not give it. Otherwise ordered by ifindex. */
	bool order_known;
	size_t n_ports;  /* IFLA_MASTER points here */
	size_t n_usable; /* among the links listed */
	size_t n_links;  /* listed: n_ports, or TOPO_LINKS_MAX if there are more */
	struct topo_link links[TOPO_LINKS_MAX];
};

/* All bonds and teams of this network namespace, by ifindex. The caller frees *bonds_out. Returns 0
 * or -errno; -EINTR: each time that we looked, devices came or went meanwhile. */
int topo_bonds(struct topo_source *source, struct topo_bond **bonds_out, size_t *n_out);

/* One of them, by its ifindex. Returns 0, -ENODEV if there is no such bond or team, or -errno. */
int topo_bond(struct topo_source *source, uint32_t ifindex, struct topo_bond *out);

/* Sets unusable of each link, and n_usable, by the rules of the bond's mode: those by which a
 * modern driver (3.19 on) fills the array that it sends by. topo_bonds and topo_bond have done so.
 */
void topo_judge(struct topo_bond *bond);

/* Reads counters of n links again, meant for ten times a second: statistics/ in sysfs, else
 * RTM_GETSTATS. The latter is ten times cheaper (5 us a link, sysfs 60 us), but it waits for a lock
 * that drivers hold while they reset a card, for seconds at times, and we would wait just when a
 * link fails. Returns 0 or -errno of the first link that failed (-ENODEV: it is gone), whose entry
 * in out, and those after it, are left as they were. */
int topo_counters(struct topo_source *source, const struct topo_link *links, size_t n,
		  struct topo_counters *out);

/* Is that one of the device's NAPI instances? A socket tells by which one it was last received for
 * (SO_INCOMING_NAPI_ID), a device has one or more. NETDEV_CMD_NAPI_GET, from Linux 6.8 on; not
 * every driver has any. Returns 1, 0, -ENOENT if the kernel does not tell, or -errno. */
int topo_has_napi(struct topo_source *source, uint32_t ifindex, uint32_t id);

/* "6.1.0-18-amd64": /proc/sys/kernel/osrelease, else uname. Returns 0 or -errno. */
int topo_kernel(struct topo_source *source, char out[TOPO_RELEASE_LEN]);

/* The driver's own words, as in its documentation: "802.3ad", "layer3+4"; "unknown". */
const char *topo_mode_name(uint8_t mode);
const char *topo_policy_name(uint8_t policy);

/* "no carrier"; "usable". */
const char *topo_unusable_text(enum topo_unusable unusable);
