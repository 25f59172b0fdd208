/* SPDX-License-Identifier: GPL-2.0-or-later */
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

struct gate {
	struct gate_events events;
	struct doors doors;
	struct unixsock_file file; /* of the place that is listened on */
};

static void note(const struct gate *g, int level, const char *what, const char *detail)
{
	char text[PLACE_NAME_LEN + 80];

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
	struct gate *g = arg;

	g->events.accepted(g->events.arg, fd, from->sa.sa_family == AF_UNIX ? NULL : from);
}

int gate_adopt(struct gate *g, int fd)
{
	char addr[SOCK_ADDR_LEN], name[PLACE_NAME_LEN];
	struct place_addr at = { 0 };
	int r;

	at.len = sizeof(at) - offsetof(struct place_addr, sa);
	if (getsockname(fd, &at.sa, &at.len) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	r = doors_add(&g->doors, fd);
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

/* A place without a port gets that of its first address on all others. */
static void take_port(struct place *p, int fd)
{
	union sock_addr at;

	if (p->addrs[0].sa.sa_family == AF_UNIX || sock_addr_port(&p->addrs[0].inet))
		return;
	sock_local(fd, &at);
	for (int i = 0; i < p->n; i++)
		sock_addr_set_port(&p->addrs[i].inet, sock_addr_port(&at));
}

int gate_listen(struct gate *g, const struct place *place)
{
	struct place p = *place;
	unsigned before = g->doors.n;
	int none = -EADDRNOTAVAIL;

	for (int i = 0; i < p.n; i++) {
		int fd = place_listen(&p, i), r;

		/* A machine without IPv6. */
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) {
			none = fd;
			continue;
		}
		if (fd < 0)
			return fd;
		if (p.addrs[i].sa.sa_family == AF_UNIX)
			unixsock_find(p.addrs[i].un.sun_path, &g->file);
		r = gate_adopt(g, fd);
		if (r) {
			close(fd);
			return r;
		}
		take_port(&p, fd);
	}
	return g->doors.n > before ? 0 : none;
}

int gate_new(struct gate **out, struct loop *loop, const struct gate_events *events)
{
	struct gate *g = malloc(sizeof(*g));
	struct doors_events doors = { .accepted = on_accepted, .paused = on_paused, .arg = g };

	if (!g)
		return -ENOMEM;
	g->events = *events;
	g->file = (struct unixsock_file){ 0 };
	doors_init(&g->doors, loop, &doors);
	*out = g;
	return 0;
}

struct gate *gate_free(struct gate *g)
{
	if (!g)
		return NULL;
	unixsock_remove(&g->file);
	doors_close(&g->doors);
	free(g);
	return NULL;
}
