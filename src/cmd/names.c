/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/names.h"

#include "ui/log.h"

int names_resolve(const struct config *config, const char *host, const char *port,
		  union sock_addr addrs[RESOLVE_MAX])
{
	struct resolve_request request = {
		.host = host, .port = port, .family = config->family, .numeric = config->numeric
	};
	const char *why;
	int n = resolve(&request, addrs, &why);

	if (n < 0)
		log_error("cannot resolve %s port %s: %s", host ? host : "*", port ? port : "0",
			  why);
	return n;
}

bool names_allow(const struct config *c, const union sock_addr *peer)
{
	uint8_t addr[16];

	sock_addr_bytes(addr, peer);
	for (unsigned i = 0; i < c->n_allow; i++)
		if (cidr_contains(&c->allow[i], addr))
			return true;
	return !c->n_allow;
}
