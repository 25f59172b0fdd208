/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bond_words.h - what a bond or link is said to be, in words, for status and doctor
 *
 * Pure. The words are the same in the table, in JSON and in Prometheus's labels.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "topo/topo.h"

/* A name with each byte escaped. */
struct bond_words_text {
	char text[4 * TOPO_NAME_LEN];
};

struct bond_words_mac_text {
	char text[3 * TOPO_MAC_LEN];
};

bool bond_words_is_zero(const uint8_t mac[TOPO_MAC_LEN]);

bool bond_words_is_lacp(const struct topo_bond *b);

/* Nothing goes over the wire, whatever the bond makes of the link. */
bool bond_words_is_down(const struct topo_link *l);

/* In an active-backup team all ports but one are disabled, as they should: those are not meant. */
bool bond_words_is_disabled(const struct topo_bond *b, const struct topo_link *l);

/* Of links that are down the speed is not that at which they work. */
bool bond_words_has_speed(const struct topo_link *l);

/* Among the links that have one. */
bool bond_words_speeds_differ(const struct topo_bond *b);

/* LACP on this link has no answer, as far as can be seen. */
bool bond_words_is_silent(const struct topo_bond *b, const struct topo_link *l);

const char *bond_words_kind_name(const struct topo_bond *b);
const char *bond_words_mode_name(const struct topo_bond *b);

/* NULL: the bond does not send by a hash, or it is not known which. */
const char *bond_words_policy_name(const struct topo_bond *b);

/* The kernel's hash rule. NULL: it plays no part. */
const char *bond_words_variant_name(const struct topo_bond *b, const char *release);

const char *bond_words_state(const struct topo_bond *b);
const char *bond_words_link_state(const struct topo_link *l);
const char *bond_words_mii_name(const struct topo_link *l);
const char *bond_words_ad_select_name(const struct topo_bond *b);

/* NULL: not known. */
const char *bond_words_duplex_name(const struct topo_link *l);

/* The link that an active-backup bond uses. NULL: none, or it is of another mode. */
const struct topo_link *bond_words_active(const struct topo_bond *b);

/* The LACP partner. Zero: nobody answers. NULL: not known, or not LACP. */
const uint8_t *bond_words_link_partner(const struct topo_bond *b, const struct topo_link *l);
const uint8_t *bond_words_partner(const struct topo_bond *b);

/* Bytes of all links listed. */
struct topo_counters bond_words_sum(const struct topo_bond *b);

/* 0 to 1; negative: nothing was carried at all. */
double bond_words_share(uint64_t part, uint64_t whole);

/* A device's name, safe for a terminal. */
struct bond_words_text bond_words_name(const char *name);

/* The name itself if it is UTF-8, as JSON and Prometheus want it, else as bond_words_name. */
struct bond_words_text bond_words_utf8(const char *name);

struct bond_words_mac_text bond_words_mac(const uint8_t mac[TOPO_MAC_LEN]);
