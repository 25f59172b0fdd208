/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve.h - names and services to addresses, through the system's resolver
 */
#pragma once

#include <stdbool.h>

#include "io/sock.h"

/* Addresses of one name that are tried. More than a sane name has. */
#define RESOLVE_MAX 32

struct resolve_request {
	const char *host; /* NULL: the wildcard addresses, for listening */
	const char *port; /* number or service; NULL: 0 */
	int family;       /* AF_UNSPEC, AF_INET, AF_INET6 */
	bool numeric;     /* no DNS, no service names */
};

/* Fills addrs in the order in which they are to be tried. Blocks while the resolver works. Returns
 * how many, or < 0 with *why_out a text for people, borrowed and valid for the program's life. */
int resolve(const struct resolve_request *request, union sock_addr addrs[RESOLVE_MAX],
	    const char **why_out);
