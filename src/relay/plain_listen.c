/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_listen.c - listening sockets of one place: addresses and a port, a path, or those of
 * systemd
 *
 * What always holds:
 * - All addresses of a name share one port: where none is given, the kernel's choice for the first
 *   socket is that of all others (take_port).
 * - An address family that this machine lacks is passed over; only if all are missing it is an
 *   error.
 * - The file of a unix socket is removed at the end if it is still ours (unixsock.h).
 */
#include "relay/plain_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/accept_loop.h"
#include "io/unixsock.h"
#include "util/text.h"

struct plain_listen {
	struct plain_listen_events events;
	struct accept_loop accepts;
	struct unixsock_file file; /* that is listened on */
};

static void note(const struct plain_listen *g, int level, const char *what, const char *detail)
{
	char text[ADDR_LIST_NAME_LEN + 80];

	text_printf(text, sizeof(text), "%s%s", what, detail);
	g->events.note(g->events.arg, level, text);
}

static void on_paused(void *arg, int error, bool first)
{
	if (first)
		note(arg, 0, "cannot accept connections for now: ", strerror(-error));
}

static void on_accepted(void *arg, int fd, const union sock_addr *from)
{
	struct plain_listen *g = arg;

	g->events.accepted(g->events.arg, fd, from->sa.sa_family == AF_UNIX ? NULL : from);
}

int plain_listen_adopt(struct plain_listen *g, int fd)
{
	char addr[SOCK_ADDR_LEN], name[ADDR_LIST_NAME_LEN];
	struct addr_list_addr at = { 0 };
	int r;

	at.len = sizeof(at) - offsetof(struct addr_list_addr, sa);
	if (getsockname(fd, &at.sa, &at.len) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	r = accept_loop_add(&g->accepts, fd);
	if (r)
		return r;
	if (at.sa.sa_family == AF_UNIX) {
		text_printf(name, sizeof(name), "%s%.*s", at.un.sun_path[0] ? "" : "@",
			    (int)sizeof(at.un.sun_path) - 1, at.un.sun_path + !at.un.sun_path[0]);
	} else {
		sock_addr_text(addr, &at.inet);
		text_printf(name, sizeof(name), "%s port %u", addr, sock_addr_port(&at.inet));
	}
	note(g, 1, "listening on ", name);
	return 0;
}

/* A list without a port gets that of its first address on all others. */
static void take_port(struct addr_list *p, int fd)
{
	union sock_addr at;

	if (p->addrs[0].sa.sa_family == AF_UNIX || sock_addr_port(&p->addrs[0].inet))
		return;
	sock_local(fd, &at);
	for (int i = 0; i < p->n; i++)
		sock_addr_set_port(&p->addrs[i].inet, sock_addr_port(&at));
}

int plain_listen_listen(struct plain_listen *g, const struct addr_list *addrs)
{
	struct addr_list p = *addrs;
	unsigned before = g->accepts.n;
	int none = -EADDRNOTAVAIL;

	for (int i = 0; i < p.n; i++) {
		int fd = addr_list_listen(&p, i), r;

		/* A machine without IPv6. */
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) {
			none = fd;
			continue;
		}
		if (fd < 0)
			return fd;
		if (p.addrs[i].sa.sa_family == AF_UNIX)
			unixsock_find(p.addrs[i].un.sun_path, &g->file);
		r = plain_listen_adopt(g, fd);
		if (r) {
			close(fd);
			return r;
		}
		take_port(&p, fd);
	}
	return g->accepts.n > before ? 0 : none;
}

int plain_listen_new(struct plain_listen **out, struct loop *loop,
		     const struct plain_listen_events *events)
{
	struct plain_listen *g = malloc(sizeof(*g));
	struct accept_loop_events accept_events = { .accepted = on_accepted,
						    .paused = on_paused,
						    .arg = g };

	if (!g)
		return -ENOMEM;
	g->events = *events;
	g->file = (struct unixsock_file){ 0 };
	accept_loop_init(&g->accepts, loop, &accept_events);
	*out = g;
	return 0;
}

struct plain_listen *plain_listen_free(struct plain_listen *g)
{
	if (!g)
		return NULL;
	unixsock_remove(&g->file);
	accept_loop_close(&g->accepts);
	free(g);
	return NULL;
}
