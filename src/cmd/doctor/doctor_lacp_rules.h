/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_lacp_rules.h - predicates of a bond's LACP; see doctor_rules.h. */
#pragma once

#include "cmd/doctor/doctor.h"

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
bool rules_lone(const struct doctor_view *v, struct doctor_finding *f);
bool rules_unheard(const struct doctor_view *v, struct doctor_finding *f);
bool rules_individual(const struct doctor_view *v, struct doctor_finding *f);
bool rules_stale_key(const struct doctor_view *v, struct doctor_finding *f);
bool rules_switch_slow(const struct doctor_view *v, struct doctor_finding *f);
bool rules_shared_partner(const struct doctor_view *v, struct doctor_finding *f);
bool rules_own_partner(const struct doctor_view *v, struct doctor_finding *f);
