/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_facts.h - what a bond or link is said to be, in words, for status and doctor
 *
 * Pure. The words are the same in the table, in JSON and in Prometheus's labels.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "topo/topo.h"

/* A name with each byte escaped. */
struct facts_text {
	char text[4 * TOPO_NAME_LEN];
};

struct facts_mac_text {
	char text[3 * TOPO_MAC_LEN];
};

bool facts_is_zero(const uint8_t mac[TOPO_MAC_LEN]);

bool facts_is_lacp(const struct topo_bond *b);

/* Nothing goes over the wire, whatever the bond makes of the link. */
bool facts_is_down(const struct topo_link *l);

/* In an active-backup team all ports but one are disabled, as they should: those are not meant. */
bool facts_is_disabled(const struct topo_bond *b, const struct topo_link *l);

/* Of links that are down the speed is not that at which they work. */
bool facts_has_speed(const struct topo_link *l);

/* Among the links that have one. */
bool facts_speeds_differ(const struct topo_bond *b);

/* LACP on this link has no answer, as far as can be seen. */
bool facts_is_silent(const struct topo_bond *b, const struct topo_link *l);

const char *facts_kind_name(const struct topo_bond *b);
const char *facts_mode_name(const struct topo_bond *b);

/* NULL: the bond does not send by a hash, or it is not known which. */
const char *facts_policy_name(const struct topo_bond *b);

/* The kernel's hash rule. NULL: it plays no part. */
const char *facts_variant_name(const struct topo_bond *b, const char *release);

const char *facts_bond_state(const struct topo_bond *b);
const char *facts_link_state(const struct topo_link *l);
const char *facts_mii_name(const struct topo_link *l);

/* The LACP partner. Zero: nobody answers. NULL: not known, or not LACP. */
const uint8_t *facts_link_partner(const struct topo_bond *b, const struct topo_link *l);
const uint8_t *facts_bond_partner(const struct topo_bond *b);

/* Bytes of all links listed. */
struct topo_counters facts_sum(const struct topo_bond *b);

/* 0 to 1; negative: nothing was carried at all. */
double facts_share(uint64_t part, uint64_t whole);

/* A device's name, safe for a terminal. */
struct facts_text facts_name(const char *name);

/* The name itself if it is UTF-8, as JSON and Prometheus want it, else as facts_name. */
struct facts_text facts_utf8(const char *name);

struct facts_mac_text facts_mac(const uint8_t mac[TOPO_MAC_LEN]);
