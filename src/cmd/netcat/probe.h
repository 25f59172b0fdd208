/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - -z: is there an mpnc?
 */
#pragma once

#include "cmd/cli/config.h"

/* Asks the listener, which waits for others afterwards. Returns the exit status. */
int probe_run(const struct config *config);
