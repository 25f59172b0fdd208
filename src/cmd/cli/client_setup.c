/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/client_setup.h"

#include <errno.h>
#include <string.h>

#include "cmd/cli/resolve_args.h"
#include "ui/log.h"

struct sock_options client_setup_sock_options(const struct config *c)
{
	return (struct sock_options){ .tos = c->tos,
				      .sndbuf = (int)c->sndbuf,
				      .rcvbuf = (int)c->rcvbuf,
				      .ttl = c->ttl,
				      .min_ttl = c->min_ttl };
}

struct engine_config client_setup_engine_config(const struct config *c,
						const struct listener *listener)
{
	struct engine_config config = {
		.session = { .role = c->listen ? SESSION_SERVER : SESSION_CLIENT,
			     .window = c->window,
			     .n_subflows = c->subflows_auto ? SUBFLOWS_MAX : c->n_subflows,
			     .reconnect_ns = c->reconnect_ns,
			     .target = c->target,
			     .rate = c->rate },
		.idle_ns = c->idle_ns,
		.quit_ns = LOOP_NEVER,
		.paths = { .client = !c->listen, .n_ranges = c->n_ports },
	};

	memcpy(config.paths.ranges, c->ports, sizeof(c->ports));
	if (listener && c->multihome)
		listener_addrs(listener, &config.session.addrs);
	return config;
}

static bool has_pair(const struct client_config *config)
{
	for (int i = 0; i < config->n_addrs; i++)
		for (int j = 0; j < config->n_sources; j++)
			if (config->addrs[i].sa.sa_family == config->sources[j].sa.sa_family)
				return true;
	return false;
}

int client_setup_resolve(struct client_setup *out, const struct config *c,
			 const struct tls_context *tls)
{
	struct client_config *config = &out->config;

	*config = (struct client_config){ .host = c->host,
					  .port = c->port,
					  .addrs = out->addrs,
					  .sources = out->sources,
					  .source_port = c->source_port,
					  .ports_given = c->n_ports,
					  .follow_plan = c->subflows_auto,
					  .steer = c->steer,
					  .n_flows = c->n_subflows,
					  .connect_ns = c->timeout_ns,
					  .retry_ns = c->retry_ns,
					  .tls = tls,
					  .socket = client_setup_sock_options(c) };
	config->n_addrs = resolve_args_hosts(c, out->addrs);
	if (config->n_addrs < 0)
		return config->n_addrs;
	config->n_sources = resolve_args_sources(c, out->sources);
	if (config->n_sources < 0)
		return config->n_sources;
	if (config->n_sources && !has_pair(config)) {
		log_error("%s has no address of the family of -s %s", c->host, c->sources[0]);
		return -EAFNOSUPPORT;
	}
	/* Both families of one name mostly lead over the same link. */
	config->all_pairs = true;
	config->multihome = c->multihome;
	config->listed = resolve_args_is_list(c->host);
	config->both_families = config->listed || c->n_sources > 1;
	return 0;
}
