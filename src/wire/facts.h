/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - what one side knows of its links, as HELLO, WELCOME, FACTS and LINKS carry it
 *
 * Plain values. Of a peer's facts nothing is believed but their form: the numbers in them are
 * within what the types hold, names are printable, and there are at most WIRE_LINKS_MAX links; what
 * they mean is for the reader to check.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/cursor.h"

/* Links of one bond in FACTS. Switches bundle 8 or 16. */
#define WIRE_LINKS_MAX 32

/* A device's name with its NUL, as the kernel's IFNAMSIZ. */
#define WIRE_NAME_LEN 16

/* The name of a relay's target with its NUL: as long as a label of DNS. */
#define WIRE_TARGET_LEN 64

/* Of a hash. */
#define WIRE_PROOF_LEN 16

/* An address and a port. */
struct wire_addr {
	uint8_t family; /* 4 or 6; 0: not known */
	uint8_t addr[16];
	uint16_t port;
};

/* The two ends of a connection as one side sees them. They differ from what the other side sees if
 * something on the way translates addresses. */
struct wire_names {
	struct wire_addr local;
	struct wire_addr remote;
};

enum wire_facts_kind {
	WIRE_FACTS_NONE = 0, /* not known: nothing is sent */
	WIRE_FACTS_PLAIN = 1,
	WIRE_FACTS_BOND = 2,
	WIRE_FACTS_TEAM = 3,
	WIRE_FACTS_SEVERAL = 4, /* bonds and devices with addresses of their own: all their links,
				   those of the first connection's way first, and no rule */
};

enum wire_facts_flag {
	WIRE_FACTS_DYNAMIC = 1,       /* balance-tlb, balance-alb: tlb_dynamic_lb */
	WIRE_FACTS_BIG_ENDIAN = 2,    /* the host */
	WIRE_FACTS_ORDER = 4,         /* the links are in the order in which the bond counts them */
	WIRE_FACTS_MACS = 8,          /* mac and next_hop are known */
	WIRE_FACTS_DOUBLE_TAGGED = 16 /* a VLAN on a VLAN carries the connection */
};

struct wire_link {
	char name[WIRE_NAME_LEN];
	uint32_t speed; /* Mbit/s; 0: not known */
};

/* The way of a session's packets out of a host. */
struct wire_facts {
	uint8_t kind;       /* enum wire_facts_kind */
	uint8_t flags;      /* enum wire_facts_flag, or-ed */
	uint8_t mode;       /* the kernel's number (IFLA_BOND_MODE); 255: not known */
	uint8_t policy;     /* the kernel's number (IFLA_BOND_XMIT_HASH_POLICY); 255: not known */
	uint8_t variant;    /* of the hash: enum hash_variant of hash/xmit_hash.h */
	uint8_t team_parts; /* enum hash_team_part there */
	uint8_t active;     /* index of the active link; 255: none or not known */
	uint8_t n_links;
	uint16_t vlan_tci;
	uint32_t usable; /* bit i: the bond sends over link i, or the device is up */
	uint32_t joined; /* bit i: link i is in the active LACP aggregator */
	uint8_t mac[6];  /* of the device that owns the address */
	uint8_t next_hop[6];
	char name[WIRE_NAME_LEN]; /* of the bond or the device; of several: something to show */
	struct wire_link link[WIRE_LINKS_MAX];
};

/* Counters of the links that the facts name, in the same order: bytes since the session began, or
 * since the link was there. */
struct wire_links {
	uint64_t time_ns; /* since then, by the clock of who counted */
	unsigned n;
	struct {
		uint64_t tx_bytes;
		uint64_t rx_bytes;
	} link[WIRE_LINKS_MAX];
};

/* Over which of its sender's links a subflow runs, as counted there. */
struct wire_lane {
	uint32_t tx_possible; /* bit i: what it sends may leave by link i; one bit: sure; 0: nothing
				 is known */
	uint32_t rx_possible; /* the same for what it receives */
	uint8_t tx;           /* the likeliest; 255: nothing is known */
	uint8_t rx;
	uint16_t flags; /* WIRE_LANE_LOSSY */
};

/* Much of what its sender sends on the subflow is lost on the way: one more on the same links would
 * carry more. */
#define WIRE_LANE_LOSSY 1

#define WIRE_LANE_NONE 255

/* Addresses that a listener announces: four interfaces with both families. */
#define WIRE_ADDRS_MAX 8

/* At which a listener can be reached, beside the one that was connected to; on the same port, so
 * ports are 0. Each is of family 4 or 6; whether it makes sense to go there is for the reader to
 * judge. */
struct wire_addrs {
	unsigned n;
	struct wire_addr addr[WIRE_ADDRS_MAX];
};

/* What HELLO and WELCOME carry behind their fields, and FACTS carries alone. What is not known is
 * left out, and what does not come is not known. */
struct wire_items {
	struct wire_facts facts;
	struct wire_names names;
	struct wire_addrs addrs; /* WELCOME */
	uint64_t
		wanted; /* HELLO (measure): so long the listener's stream shall be; 0: until STOP */
	uint64_t size;  /* HELLO (new), WELCOME to it: so long the sender's stream will be, as far
			   as its sender knows; 0: not known */
	bool has_proof;
	uint8_t proof[WIRE_PROOF_LEN]; /* HELLO (prove): a session's name; WELCOME to it: proof */
	char target[WIRE_TARGET_LEN];  /* HELLO (new): which of a relay's; "": the one without name
					*/
};

/* Can a target have this name? Letters, digits, dots, dashes and underscores: it is shown as it
 * is, and a word for the shell. */
bool wire_is_target(const char *name);

void wire_put_items(struct cursor_out *c, const struct wire_items *items);

/* Do both tell a peer the same? */
bool wire_facts_same(const struct wire_facts *a, const struct wire_facts *b);

/* Reads items up to the end of the body; unknown ones are skipped. Malformed ones make c->bad. */
void wire_get_items(struct cursor_in *c, struct wire_items *out);

/* The body of LANE. */
void wire_put_lane_body(struct cursor_out *c, const struct wire_lane *lane);
void wire_get_lane_body(struct cursor_in *c, struct wire_lane *out);

/* The body of LINKS. */
void wire_put_counters(struct cursor_out *c, const struct wire_links *links);
void wire_get_counters(struct cursor_in *c, struct wire_links *out);
