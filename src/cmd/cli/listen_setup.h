/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listen_setup.h - a listener on the addresses that the command line names
 */
#pragma once

#include "cmd/cli/config.h"
#include "server/listener.h"

/* Listens on each of them, on one port. events is copied, tls borrowed. Says why that fails.
 * Returns 0 or < 0. */
int listen_setup_open(struct listener **out, struct loop *loop, const struct config *c,
		      const struct tls_context *tls, const struct listener_events *events);
