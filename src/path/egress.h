/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * egress.h - the ways of a session's packets out of this machine, one for each pair of addresses
 * between which it has connections, and the links at the end of them
 *
 * Most sessions have one way. Others may end at the same bond or device, as with two addresses on
 * one interface: then the links are those of the first. If they end elsewhere, as with two
 * interfaces, the links of the session are all of them: each end's behind those of the one that was
 * found before it, so that a number stays the same link's when an end is added.
 *
 * A way is looked for when its first connection stands, which takes a few questions to the kernel;
 * a peer that joins from ever other addresses makes no more than EGRESS_MAX of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/addr_pairs.h"
#include "topo/path.h"
#include "wire/facts.h"

/* As many as a client has pairs. */
#define EGRESS_MAX ADDR_PAIRS_MAX

/* Devices whose events are of interest: all links, and those above them. Of more, no event does. */
#define EGRESS_DEVICES_MAX (WIRE_LINKS_MAX + 4 * TOPO_HOPS_MAX)

/* A bond, team or device at which ways end. */
struct egress_end {
	char name[TOPO_NAME_LEN];
	uint32_t ifindex;
	uint8_t first; /* of its links, among all */
	uint8_t n_links;
	bool spreads; /* each connection over all its links */
	bool gone;    /* no way leads there now */
};

struct egress {
	struct topo_flow flow; /* with the ports of the connection that it was found with */
	int8_t end;            /* -1: it has no links that are known */
	/* Of the frames, as in struct wire_facts. */
	uint8_t flags;
	uint8_t mac[6];
	uint8_t next_hop[6];
	uint16_t vlan_tci;
};

/* Zero: none yet. */
struct egresses {
	unsigned n;
	struct egress way[EGRESS_MAX];
	unsigned n_ends;
	struct egress_end end[EGRESS_MAX];
	struct wire_facts first;                /* of the first way */
	struct wire_facts all;                  /* the links of all ends */
	struct topo_link links[WIRE_LINKS_MAX]; /* the same */
	uint32_t devices[EGRESS_DEVICES_MAX];
	unsigned n_devices;
};

/* The way between these addresses, whatever the ports; -1: it is not known. */
int egress_of(const struct egresses *w, const struct wire_names *names);

/* One more way, which egress_of does not know; ifindex: the scope of a link-local address. source
 * NULL: nothing can be found out of it. Returns its number, or -1 if there are too many. */
int egress_add(struct egresses *w, const struct wire_names *names, uint32_t ifindex,
	       struct topo_source *source, const char *release);

/* Looks at all of them again. A way that has vanished says nothing of what will be there next, so
 * its links stay; beside others they are not usable. Returns false if egress_facts, the first way
 * and the devices are as they were. */
bool egress_look(struct egresses *w, struct topo_source *source, const char *release);

/* Do they end at different links, or some where none are known? */
bool egress_several(const struct egresses *w);

/* Did this way vanish, as last seen? */
bool egress_gone(const struct egresses *w, unsigned way);

/* What there is to say about the links: those of the first way, or of all. Borrowed. */
const struct wire_facts *egress_facts(const struct egresses *w);

/* The only link of a way by which it leaves this machine, among those of egress_facts; -1: there
 * are several, or none that is known. */
int egress_link(const struct egresses *w, unsigned way);

/* What topo_path has found of way i, for which w has its flow: NULL: none now. before: how
 * all ways were; NULL: this one is new. For tests. */
void egress_take(struct egresses *w, unsigned i, const struct topo_path *path, const char *release,
		 const struct egresses *before);
