/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/listen_setup.h"

#include <errno.h>
#include <string.h>

#include "cmd/cli/client_setup.h"
#include "cmd/cli/resolve_args.h"
#include "ui/log.h"

struct opening {
	struct listener **out;
	struct loop *loop;
	const struct config *config;
	const struct tls_context *tls;
	const struct listener_events *events;
};

/* host NULL: every address. */
static int open_one(struct opening *o, const char *host)
{
	const struct config *c = o->config;
	struct sock_options options = client_setup_sock_options(c);
	union sock_addr addrs[RESOLVE_MAX];
	int n = resolve_args_resolve(c, host, c->port, addrs), r;
	const struct listener_where where = { addrs, n, &options };

	if (n < 0)
		return n;
	if (!*o->out)
		r = listener_new(o->out, o->loop, &where, o->tls, o->events);
	else
		r = listener_also(*o->out, &where);
	if (r)
		log_error("cannot listen on %s port %s: %s", host ? host : "*", c->port,
			  r == -E2BIG ? "too many addresses" : strerror(-r));
	return r;
}

int listen_setup_open(struct listener **out, struct loop *loop, const struct config *c,
		      const struct tls_context *tls, const struct listener_events *events)
{
	struct opening o = { out, loop, c, tls, events };
	int r;

	*out = NULL;
	r = open_one(&o, c->host);
	for (unsigned i = 0; i < c->n_sources && !r; i++)
		r = open_one(&o, c->sources[i]);
	if (r)
		*out = listener_free(*out);
	return r;
}
