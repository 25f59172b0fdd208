/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cat.h - mpnc without a verb: the netcat
 */
#pragma once

#include "cmd/cli/config.h"

/* Runs until the transfer, or with -k the listener, is over. Prints its messages. Returns the exit
 * status. */
int cat_run(const struct config *config);
