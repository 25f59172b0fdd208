/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - `mpnc explain`: which link a connection takes, and why
 *
 * Either for a bond that is given by its mode, policy and links, or in a file; or for this machine
 * as it is now. The parts that decide and describe do no I/O but through the topo_source they are
 * given. What cannot be known is said with its reason, never guessed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/xmit_hash.h"
#include "topo/topo.h"

#define EXPLAIN_MESSAGE_LEN 256
#define EXPLAIN_REASON_LEN  224

/* "[ADDR%ZONE]:PORT" with its NUL. */
#define EXPLAIN_END_LEN 80

struct explain_flow {
	struct flow flow;         /* without MAC addresses and tags */
	char zone[TOPO_NAME_LEN]; /* of a link-local destination: "eth0"; "": none */
	uint32_t ifindex;         /* a device that the socket is bound to; 0: none */
};

/* A bond that is given by its properties, and what the hash may see of its frames but not of a
 * connection. */
struct explain_bond {
	struct hash_bond hash;
	char links[HASH_LINKS_MAX][TOPO_NAME_LEN]; /* "": it has no name */
	bool has_smac;
	bool has_dmac;
	uint8_t smac[6];
	uint8_t dmac[6];
	uint16_t vlan; /* 0: no tag */
	bool one_end;  /* of the source alone: the peer's is another, and not known */
};

/* One direction. */
struct explain_way {
	bool predictable;
	int index; /* of the link in the bond's own order; -1: none, or not known */
	char link[TOPO_NAME_LEN];
	char reason[EXPLAIN_REASON_LEN];
};

struct explanation {
	struct explain_flow flow;
	bool no_route;
	bool given;              /* the bond was given, not found */
	char dev[TOPO_NAME_LEN]; /* the bond, or the device without one; "": none */
	const char *mode;        /* NULL: no bond */
	const char *policy;      /* NULL: no bond, or its mode has no hash */
	const char *variant;     /* the kernel's rule, NULL as of policy */
	char note[EXPLAIN_REASON_LEN];
	struct explain_way tx;
	struct explain_way reverse; /* the peer's data, by the peer's bond */
};

/* ADDR:PORT, or [ADDR]:PORT for IPv6. An IPv4-mapped address is the IPv4 one. Returns 0 or -EINVAL
 * with a line that names what is wrong. */
int explain_parse_flow(const char *src, const char *dst, struct explain_flow *out,
		       char message[EXPLAIN_MESSAGE_LEN]);

/* "4", or names with commas. Sets links, and hash's n_links and usable. Returns 0 or -EINVAL. */
int explain_parse_links(const char *text, struct explain_bond *out);

/* teamd's tx_hash, with commas: "eth,ipv4,l4". Sets hash's team_parts. Returns 0 or -EINVAL. */
int explain_parse_tx_hash(const char *text, struct explain_bond *out);

/* A name or an index. Sets hash's active; the links have to be there. Returns 0 or -EINVAL. */
int explain_parse_active(const char *text, struct explain_bond *out);

/* The reverse flow is that of a peer with the same bond, and a neighbour; not known with one_end.
 */
void explain_given(const struct explain_bond *bond, const struct explain_flow *flow,
		   struct explanation *out);

/* Takes the bond of a file; all of out but its frames. variant unknown: as release says. */
void explain_saved(const struct topo_bond *bond, const char *release, enum hash_variant variant,
		   struct explain_bond *out);

/* By the route from here. Returns 0 or -errno; no route is a result. */
int explain_local(struct topo_source *source, const struct explain_flow *flow,
		  enum hash_variant variant, struct explanation *out);

/* Lines for people, each with its newline. Returns the length. */
size_t explain_text(const struct explanation *e, char *buf, size_t size);

/* The JSON object in one line, without newline; the caller frees it. NULL: out of memory. */
char *explain_json(const struct explanation *e);

/* argv[0] is the verb; argv is rearranged. Prints to stdout. Returns the exit status: 0, 1 (a flow
 * has no route, or this machine cannot be read) or 2 (usage, one line on stderr). */
int explain_main(int argc, char *argv[]);
