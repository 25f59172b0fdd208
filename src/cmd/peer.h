/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer.h - whom the command line names, and how to connect to it
 */
#pragma once

#include "cmd/config.h"
#include "net/client.h"

struct peer {
	struct client_config config; /* borrows what follows */
	union sock_addr addrs[RESOLVE_MAX], sources[RESOLVE_MAX];
};

/* Resolves the names; says why if that fails. tls is borrowed, NULL: plain. Returns 0 or < 0. */
int peer_resolve(struct peer *out, const struct config *c, const struct tls_context *tls);

/* The options of connections, for either side. */
struct sock_options peer_sock_options(const struct config *c);
