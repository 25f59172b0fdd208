/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_convert.h - what the modules below know of links, in each other's terms: topo's bond as
 * hash's, the way out of this machine as the protocol's facts, and either side's facts as plan's
 */
#pragma once

#include "hash/xmit_hash.h"
#include "plan/plan.h"
#include "session/stats.h"
#include "topo/path.h"
#include "wire/facts.h"

/* Of this machine. */
enum hash_order link_convert_order(void);

/* The rule of a kernel, as far as it matters in this mode with this policy. HASH_VARIANT_UNKNOWN:
 * the release does not tell. */
enum hash_variant link_convert_variant(const char *release, enum hash_mode mode,
				       enum hash_policy policy);

/* A bond of this machine. release: of the running kernel; variant HASH_VARIANT_UNKNOWN: the one
 * that the release has. */
struct hash_bond link_convert_hash_bond(const struct topo_bond *bond, const char *release,
					enum hash_variant variant);

/* Does a bond of this mode choose links by a transmit hash policy? */
bool link_convert_mode_hashes(enum hash_mode mode);

/* The way that a session's packets take out of this machine. Kind WIRE_FACTS_NONE if it ends at
 * nothing that has links: in a tunnel, another namespace, the machine itself. */
void link_convert_of_path(const struct topo_path *path, const char *release,
			  struct wire_facts *out);

/* The same for a way that is one of several. What an interface carries can be counted even if
 * nothing is known of what is beyond it, as in a container or at a tunnel: it counts as a device. A
 * device that is down is not usable. */
void link_convert_of_one(const struct topo_path *path, const char *release, struct wire_facts *out);

/* Adds the links of one way to those of all, which are of kind WIRE_FACTS_SEVERAL from then on; all
 * may be of kind WIRE_FACTS_NONE at first. Returns false, and changes nothing, if it has none or
 * there is no room. */
bool link_convert_add(struct wire_facts *all, const struct wire_facts *one);

/* The links of one way, which are among those of all from number `first` on, are these now. There
 * are as many as before. */
void link_convert_renew(struct wire_facts *all, unsigned first, const struct wire_facts *one);

/* A peer whose packets have left by one egress announces several: the links of that one, which come
 * first, go from `all` into `one`. If they are others, `one` becomes unknown. */
void link_convert_follow(struct wire_facts *one, const struct wire_facts *all);

/* Our facts or the peer's; nothing is known of several. A single device without a known speed
 * limits nothing, and is likely to be a guest's, so it counts as not known. */
void link_convert_plan_side(const struct wire_facts *facts, struct plan_side *out);

/* Names, kind and speeds; nothing is counted yet. */
void link_convert_side_stats(const struct wire_facts *facts, struct side_stats *out);

/* "bond0 802.3ad layer3+4 4x10000", "eth0 1000", "?" if nothing is known. Returns the length. */
size_t link_convert_text(const struct wire_facts *facts, char *buf, size_t size);
