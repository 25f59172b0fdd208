/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/resolve_args.h"

#include <errno.h>
#include <string.h>

#include "ui/log.h"
#include "util/text.h"

int resolve_args_resolve(const struct config *config, const char *host, const char *port,
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

/* Adds those of one more name. Returns 0 or < 0. */
static int add_name(const struct config *config, const char *host, const char *port,
		    union sock_addr addrs[RESOLVE_MAX], int *n)
{
	union sock_addr more[RESOLVE_MAX];
	int r = resolve_args_resolve(config, host, port, more);

	for (int i = 0; i < r && *n < RESOLVE_MAX; i++)
		addrs[(*n)++] = more[i];
	return r < 0 ? r : 0;
}

bool resolve_args_is_list(const char *host)
{
	return strchr(host, ',');
}

int resolve_args_next(const struct config *config, const char **rest, char word[NI_MAXHOST])
{
	size_t len;

	if (!*rest)
		return 0;
	len = strcspn(*rest, ",");
	if (!len || len >= NI_MAXHOST) {
		log_error("%s: a name in the list is %s", config->host,
			  len ? "too long" : "missing");
		return -EINVAL;
	}
	text_printf(word, NI_MAXHOST, "%.*s", (int)len, *rest);
	*rest = (*rest)[len] ? *rest + len + 1 : NULL;
	return 1;
}

int resolve_args_hosts(const struct config *config, union sock_addr addrs[RESOLVE_MAX])
{
	const char *rest = config->host;
	char word[NI_MAXHOST];
	int n = 0, r;

	while ((r = resolve_args_next(config, &rest, word)) > 0) {
		r = add_name(config, word, config->port, addrs, &n);
		if (r < 0)
			break;
	}
	return r < 0 ? r : n;
}

int resolve_args_sources(const struct config *config, union sock_addr addrs[RESOLVE_MAX])
{
	int n = 0, r = 0;

	for (unsigned i = 0; i < config->n_sources && !r; i++)
		r = add_name(config, config->sources[i], NULL, addrs, &n);
	return r ? r : n;
}

bool resolve_args_allow(const struct config *c, const union sock_addr *peer)
{
	uint8_t addr[16];

	sock_addr_bytes(addr, peer);
	for (unsigned i = 0; i < c->n_allow; i++)
		if (cidr_contains(&c->allow[i], addr))
			return true;
	return !c->n_allow;
}
