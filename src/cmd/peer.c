/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/peer.h"

#include <string.h>

#include "cmd/names.h"

struct sock_options peer_sock_options(const struct config *c)
{
	return (struct sock_options){ .tos = c->tos,
				      .sndbuf = (int)c->sndbuf,
				      .rcvbuf = (int)c->rcvbuf,
				      .ttl = c->ttl,
				      .min_ttl = c->min_ttl };
}

struct engine_config peer_engine_config(const struct config *c)
{
	struct engine_config config = {
		.session = { .role = c->listen ? SESSION_SERVER : SESSION_CLIENT,
			     .window = c->window,
			     .n_subflows = c->subflows_auto ? SUBFLOWS_MAX : c->n_subflows,
			     .reconnect_ns = c->reconnect_ns,
			     .rate = c->rate },
		.idle_ns = c->idle_ns,
		.quit_ns = LOOP_NEVER,
		.paths = { .client = !c->listen, .n_ranges = c->n_ports },
	};

	memcpy(config.paths.ranges, c->ports, sizeof(c->ports));
	return config;
}

int peer_resolve(struct peer *out, const struct config *c, const struct tls_context *tls)
{
	struct client_config *config = &out->config;

	*config = (struct client_config){ .host = c->host,
					  .port = c->port,
					  .addrs = out->addrs,
					  .sources = out->sources,
					  .source_port = c->source_port,
					  .ports_given = c->n_ports,
					  .follow_plan = c->subflows_auto,
					  .n_flows = c->n_subflows,
					  .connect_ns = c->timeout_ns,
					  .retry_ns = c->retry_ns,
					  .tls = tls,
					  .socket = peer_sock_options(c) };
	config->n_addrs = names_resolve(c, c->host, c->port, out->addrs);
	if (config->n_addrs < 0)
		return config->n_addrs;
	config->n_sources = names_sources(c, out->sources);
	return config->n_sources < 0 ? config->n_sources : 0;
}
