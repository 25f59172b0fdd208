/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_rules.h - what the predicates of doctor's table share.
 *
 * A predicate says whether its condition holds, for which links, and with which values. It looks at
 * the view alone. One cause makes one finding: a rule keeps silent about what another one says
 * already, as about the LACP state of a link that has no signal.
 *
 * doctor_bond_rules.h has those of what a bond can send over, doctor_lacp_rules.h those of its
 * LACP, doctor_share_rules.h those of how it distributes what it sends and of its links' limits,
 * doctor_machine_rules.h those of the machine and its routes, doctor_peer_rules.h those of a peer
 * and the lanes to it.
 */
#pragma once

#include "cmd/doctor/doctor.h"

/* Does it hold for this link of v->bond? */
typedef bool (*rules_link_fn)(const struct doctor_view *v, const struct topo_link *l);

/* The links of v->bond for which fn holds, as bits. */
uint32_t rules_links(const struct doctor_view *v, rules_link_fn fn);

/* Is link i of the bond one of the finding's? */
bool rules_has(const struct doctor_finding *f, size_t i);

/* Adds to the finding's values, with a comma in between. */
void rules_add(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same of a line of topo's or the kernel's, which may have names of devices in it. */
void rules_add_quoted(struct doctor_finding *f, const char *text);

/* Is dev the bond itself, a VLAN or the like upon it, or a bridge with one of these as port? */
bool rules_is_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond);

/* The VLAN tags between dev and the bond that it stands upon; -1: it does not. */
int rules_tags_upon(const struct doctor_view *v, const struct dev *dev, uint32_t bond);

/* The card behind a link; NULL: not known. */
const struct topo_card *rules_card(const struct doctor_view *v, const struct topo_link *l);

/* A card that a hypervisor or a cloud makes up: no virtual switch answers LACP. */
bool rules_is_virtual(const struct doctor_view *v, const struct topo_link *l);

/* What to do in place of LACP, of hardware that cannot have it; NULL: LACP is possible. */
const char *rules_remedy_without_lacp(const struct doctor_view *v);

/* The same of a guest's links alone. */
const char *rules_remedy_of_guest(const struct doctor_view *v);
