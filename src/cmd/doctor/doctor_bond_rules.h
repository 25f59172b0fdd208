/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_bond_rules.h - predicates of a bond and its LACP; see doctor_rules.h. */
#pragma once

#include "cmd/doctor/doctor.h"

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
