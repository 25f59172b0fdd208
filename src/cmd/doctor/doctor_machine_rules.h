/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_machine_rules.h - predicates of the machine and its routes; see doctor_rules.h. */
#pragma once

#include "cmd/doctor/doctor.h"

bool rules_no_bond(const struct doctor_view *v, struct doctor_finding *f);
bool rules_namespace(const struct doctor_view *v, struct doctor_finding *f);
bool rules_virtual_function(const struct doctor_view *v, struct doctor_finding *f);
bool rules_no_route(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_elsewhere(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_hidden(const struct doctor_view *v, struct doctor_finding *f);
bool rules_route_plain(const struct doctor_view *v, struct doctor_finding *f);
bool rules_ovs(const struct doctor_view *v, struct doctor_finding *f);
bool rules_one_tunnel(const struct doctor_view *v, struct doctor_finding *f);
bool rules_spread_tunnel(const struct doctor_view *v, struct doctor_finding *f);
bool rules_hops_one(const struct doctor_view *v, struct doctor_finding *f);
bool rules_hops(const struct doctor_view *v, struct doctor_finding *f);
bool rules_cloud(const struct doctor_view *v, struct doctor_finding *f);
bool rules_bridged(const struct doctor_view *v, struct doctor_finding *f);
bool rules_functions(const struct doctor_view *v, struct doctor_finding *f);
