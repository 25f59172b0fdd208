/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain.h - --plain: one ordinary TCP connection without any protocol, as netcat's
 */
#pragma once

#include "cmd/cli/config.h"

/* Connects or, with -l, waits for one connection after another (-k). Returns the exit status. */
int plain_run(const struct config *config);
