/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_bond_rules.h - predicates of what a bond can send over at all; see doctor_rules.h. */
#pragma once

#include "cmd/doctor/doctor.h"

bool rules_set_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_carrier(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_links(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_set_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_no_carrier(const struct doctor_view *v, struct doctor_finding *f);
bool rules_link_held_down(const struct doctor_view *v, struct doctor_finding *f);
bool rules_port_disabled(const struct doctor_view *v, struct doctor_finding *f);
bool rules_one_link(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_usable(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_active(const struct doctor_view *v, struct doctor_finding *f);
bool rules_slow_active(const struct doctor_view *v, struct doctor_finding *f);
bool rules_arp_flaps(const struct doctor_view *v, struct doctor_finding *f);
bool rules_arp_spread(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_monitoring(const struct doctor_view *v, struct doctor_finding *f);
bool rules_flapped(const struct doctor_view *v, struct doctor_finding *f);
