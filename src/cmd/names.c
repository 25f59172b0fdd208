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
