/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/netcat/probe.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/query.h"
#include "cmd/cli/resolve_args.h"
#include "cmd/cli/tls_setup.h"
#include "engine/outcome.h"
#include "path/link_convert.h"
#include "ui/log.h"

/* As a user waits who is used to ping. */
#define LIMIT_NS 5000000000ull

struct probe {
	union sock_addr addrs[RESOLVE_MAX];
	union sock_addr sources[RESOLVE_MAX];
	struct tls_context *tls; /* NULL: plain */
};

static const char *direction(uint8_t side)
{
	if (side & WIRE_SIDE_SEND_ONLY)
		return ", it only sends";
	return side & WIRE_SIDE_RECV_ONLY ? ", it only receives" : "";
}

static int ask(const struct config *c, struct probe *p)
{
	struct query query = {
		.addrs = p->addrs,
		.sources = p->sources,
		.limit_ns = c->timeout_ns == CONFIG_NEVER ? LIMIT_NS : c->timeout_ns,
		.socket = { .tos = c->tos, .ttl = c->ttl, .min_ttl = c->min_ttl },
	};
	char why[QUERY_TEXT_LEN], links[256];
	struct wire_welcome peer;
	int fd;

	query.n_addrs = resolve_args_hosts(c, p->addrs);
	if (query.n_addrs < 0)
		return OUTCOME_SETUP;
	query.n_sources = resolve_args_sources(c, p->sources);
	if (query.n_sources < 0)
		return OUTCOME_SETUP;
	if (tls_setup_open(c, &p->tls))
		return OUTCOME_SETUP;
	query.tls = p->tls;
	fd = query_peer(&query, &peer, why);
	if (fd < 0) {
		log_error("no mpnc listener at %s port %s: %s", c->host, c->port, why);
		return OUTCOME_NETWORK;
	}
	close(fd);
	link_convert_text(&peer.items.facts, links, sizeof(links));
	log_info("%s port %s: mpnc, protocol %u, links %s%s", c->host, c->port, peer.version, links,
		 direction(peer.side));
	return OUTCOME_OK;
}

int probe_run(const struct config *config)
{
	struct probe *p = calloc(1, sizeof(*p));
	int exit;

	if (!p) {
		log_error("out of memory");
		return OUTCOME_SETUP;
	}
	exit = ask(config, p);
	tls_context_free(p->tls);
	free(p);
	return exit;
}
