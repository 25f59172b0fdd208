/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * networks.h - networks to simulate: some by name, and as many as one likes from their number
 */
#pragma once

#include "world.h"

/* Returns false: there is none of this name. */
bool network_named(const char *name, struct network *out);
