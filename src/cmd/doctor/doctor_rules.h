/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_rules.h - the predicates of doctor's table: is it so, for which links, with which values?
 *
 * Each looks at the view alone. One cause makes one finding: a rule keeps silent about what another
 * one says already, as about the LACP state of a link that has no signal.
 */
#pragma once

#include "cmd/doctor/doctor.h"

/* Adds to the finding's values, with a comma in between. */
void rules_add(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Of a bond: what it can send over at all */
bool rules_set_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_carrier(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_set_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_no_carrier(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_held_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_port_disabled(const struct doctor_view *v, struct doctor_finding *f);
bool rules_one_link(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_monitoring(const struct doctor_view *v, struct doctor_finding *f);
bool rules_flapped(const struct doctor_view *v, struct doctor_finding *f);

/* LACP */
bool rules_no_aggregator(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_partner(const struct doctor_view *v, struct doctor_finding *f);
bool rules_silent(const struct doctor_view *v, struct doctor_finding *f);
bool rules_other_group(const struct doctor_view *v, struct doctor_finding *f);
bool rules_expired(const struct doctor_view *v, struct doctor_finding *f);
bool rules_out_of_sync(const struct doctor_view *v, struct doctor_finding *f);
bool rules_min_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_churned(const struct doctor_view *v, struct doctor_finding *f);
bool rules_slow_rate(const struct doctor_view *v, struct doctor_finding *f);
bool rules_passive(const struct doctor_view *v, struct doctor_finding *f);

/* How it shares out what it sends */
bool rules_policy_mac(const struct doctor_view *v, struct doctor_finding *f);
bool rules_policy_ip(const struct doctor_view *v, struct doctor_finding *f);
bool rules_policy_random(const struct doctor_view *v, struct doctor_finding *f);
bool rules_active_backup(const struct doctor_view *v, struct doctor_finding *f);
bool rules_balance_rr(const struct doctor_view *v, struct doctor_finding *f);
bool rules_broadcast(const struct doctor_view *v, struct doctor_finding *f);
bool rules_dynamic_tlb(const struct doctor_view *v, struct doctor_finding *f);
bool rules_dynamic_alb(const struct doctor_view *v, struct doctor_finding *f);
bool rules_sends_only(const struct doctor_view *v, struct doctor_finding *f);
bool rules_double_tag(const struct doctor_view *v, struct doctor_finding *f);
bool rules_fragments(const struct doctor_view *v, struct doctor_finding *f);
bool rules_uneven_number(const struct doctor_view *v, struct doctor_finding *f);
bool rules_uneven_receipt(const struct doctor_view *v, struct doctor_finding *f);
bool rules_unknown_rule(const struct doctor_view *v, struct doctor_finding *f);
bool rules_unknown_order(const struct doctor_view *v, struct doctor_finding *f);
bool rules_team_active_backup(const struct doctor_view *v, struct doctor_finding *f);
bool rules_team_hidden(const struct doctor_view *v, struct doctor_finding *f);
bool rules_team_hash(const struct doctor_view *v, struct doctor_finding *f);

/* The links' own limits */
bool rules_speeds(const struct doctor_view *v, struct doctor_finding *f);
bool rules_half_duplex(const struct doctor_view *v, struct doctor_finding *f);
bool rules_unknown_speed(const struct doctor_view *v, struct doctor_finding *f);
bool rules_mtu_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_mtu_above(const struct doctor_view *v, struct doctor_finding *f);
bool rules_slot(const struct doctor_view *v, struct doctor_finding *f);

/* Of the machine */
bool rules_no_bond(const struct doctor_view *v, struct doctor_finding *f);
bool rules_namespace(const struct doctor_view *v, struct doctor_finding *f);
bool rules_virtual_function(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_route(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_elsewhere(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_hidden(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_plain(const struct doctor_view *v, struct doctor_finding *f);

/* Of the way to a peer, doctor_peer_rules.c */
bool rules_peer_policy_mac(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_policy_ip(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_active_backup(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_switch_there(const struct doctor_view *v, struct doctor_finding *f);
bool rules_switch_here(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_mtu(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_dead(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_slow(const struct doctor_view *v, struct doctor_finding *f);
