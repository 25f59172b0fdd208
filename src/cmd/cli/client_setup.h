/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_setup.h - whom the command line names, how to connect to it, and what its options make of
 * a session
 */
#pragma once

#include "client/client.h"
#include "cmd/cli/config.h"
#include "engine/engine.h"
#include "server/listener.h"

struct client_setup {
	struct client_config config; /* borrows what follows */
	union sock_addr addrs[RESOLVE_MAX], sources[RESOLVE_MAX];
};

/* Resolves the names; says why if that fails. tls is borrowed, NULL: plain. Returns 0 or < 0. */
int client_setup_resolve(struct client_setup *out, const struct config *c,
			 const struct tls_context *tls);

/* The options of connections, for either side. */
struct sock_options client_setup_sock_options(const struct config *c);

/* The options of a session that are the same whatever its two ends are: role, window, subflows,
 * limits of time and rate, ports, and the addresses that the peer hears of. The streams and what
 * ends them are left to the caller. listener: that it comes to; NULL: we connect. */
struct engine_config client_setup_engine_config(const struct config *c,
						const struct listener *listener);
