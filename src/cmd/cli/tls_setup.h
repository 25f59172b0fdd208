/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_setup.h - the options that say who may be at the other end: --key, --cert and their like
 */
#pragma once

#include "cmd/cli/config.h"
#include "tls/tls.h"

/* Reads keys or certificates; *out is NULL when none were asked for. Says what is wrong. From here
 * on the process leaves no core dump and cannot be looked into by others of its user. Returns 0 or
 * -errno. */
int tls_setup_open(const struct config *config, struct tls_context **out);
