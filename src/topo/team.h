/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * team.h - what only generic netlink says about a team, and only to root
 */
#pragma once

#include "topo/topo.h"

/* Sets team_mode, team_method, active and the links' backup (its port is disabled), or reason where
 * that cannot be had. The ports are in team already. */
void team_load(struct topo_source *source, struct topo_bond *team);
