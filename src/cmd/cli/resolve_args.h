/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve_args.h - the addresses that the command line names
 */
#pragma once

#include <netdb.h>

#include "cmd/cli/config.h"
#include "io/resolve.h"

/* resolve() with the family and -n of the command line. Logs why it finds none. */
int resolve_args_resolve(const struct config *config, const char *host, const char *port,
			 union sock_addr addrs[RESOLVE_MAX]);

/* The addresses of HOST, which may be a list of names and addresses: "a,b". At most RESOLVE_MAX.
 * Returns and says as above. */
int resolve_args_hosts(const struct config *config, union sock_addr addrs[RESOLVE_MAX]);
bool resolve_args_is_list(const char *host);

/* The next of these names. rest: HOST before the first call, and NULL after the last one. Returns
 * 1; 0 after the last; -EINVAL, which it has logged. */
int resolve_args_next(const struct config *config, const char **rest, char word[NI_MAXHOST]);

/* Those of all -s; 0: none was given. */
int resolve_args_sources(const struct config *config, union sock_addr addrs[RESOLVE_MAX]);

/* May this address talk to us, by --allow? Without that option whoever may. */
bool resolve_args_allow(const struct config *c, const union sock_addr *peer);
