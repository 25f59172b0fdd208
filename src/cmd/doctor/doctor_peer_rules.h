/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_peer_rules.h - predicates of the bond that a peer announces, and of the lanes to it; see
 * doctor_rules.h. None holds when no peer was asked.
 */
#pragma once

#include "cmd/doctor/doctor.h"

bool rules_peer_policy_mac(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_policy_ip(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_active_backup(const struct doctor_view *v, struct doctor_finding *f);
bool rules_peer_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_switch_there(const struct doctor_view *v, struct doctor_finding *f);
bool rules_switch_here(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_mtu(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_dead(const struct doctor_view *v, struct doctor_finding *f);
bool rules_lane_slow(const struct doctor_view *v, struct doctor_finding *f);
