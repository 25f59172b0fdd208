/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan_show.h - --plan: from which ports the client would connect, and over which links that runs
 */
#pragma once

#include "cmd/cli/config.h"

/* Asks the listener for its links, which takes nothing from it, and prints the plan to stdout: a
 * table, or with --json one object. Returns the exit status: 0; 1 if the listener could not be
 * asked, so that the plan knows of this end only, and says why on stderr; 2 set-up. */
int plan_show(const struct config *config);
