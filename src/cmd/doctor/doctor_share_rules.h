/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_share_rules.h - predicates of how a bond distributes what it sends, and of its links; see
 * doctor_rules.h. */
#pragma once

#include "cmd/doctor/doctor.h"

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
