/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/text.h"

/* What one call of the loop accepts at most. */
#define ACCEPT_BATCH 64

/* Out of descriptors: accepting is tried again after this. */
#define PAUSE_NS 100000000ull

struct gate {
	struct loop *loop;
	struct gate_events events;
	struct loop_timer pause;
	bool short_of; /* descriptors, as told last */
	int n;
	struct loop_io io[GATE_MAX];
};

static void note(const struct gate *g, int level, const char *what, const char *detail)
{
	char text[PLACE_NAME_LEN + 80];

	text_printf(text, sizeof(text), "%s%s", what, detail);
	g->events.note(g->events.arg, level, text);
}

static void watch(struct gate *g, uint32_t events)
{
	for (int i = 0; i < g->n; i++)
		loop_change(g->loop, &g->io[i], events);
}

/* Those who come meanwhile wait in the kernel. */
static void pause_accepting(struct gate *g, int error)
{
	if (!g->short_of)
		note(g, 0, "cannot accept connections for now: ", strerror(error));
	g->short_of = true;
	watch(g, 0);
	loop_set_timer(g->loop, &g->pause, loop_now(g->loop) + PAUSE_NS);
}

static void pause_fired(struct loop_timer *timer)
{
	struct gate *g = timer->arg;

	watch(g, EPOLLIN);
}

static void accept_event(struct loop_io *io, uint32_t events)
{
	struct gate *g = io->arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		struct place_addr from = { .len = sizeof(from) - offsetof(struct place_addr, sa) };
		int fd = accept4(io->fd, &from.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int error = errno;

		if (fd < 0 &&
		    (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)) {
			pause_accepting(g, error);
			return;
		}
		if (fd < 0 && error == EAGAIN)
			return;
		/* All other errors are the connection's. */
		if (fd < 0)
			continue;
		g->short_of = false;
		g->events.accepted(g->events.arg, fd,
				   from.sa.sa_family == AF_UNIX ? NULL : &from.inet);
	}
}

int gate_adopt(struct gate *g, int fd)
{
	struct loop_io *io = &g->io[g->n];
	char addr[STATS_ADDR_LEN], name[PLACE_NAME_LEN];
	struct place_addr at = { 0 };
	int r;

	if (g->n == GATE_MAX)
		return -ENOSPC;
	at.len = sizeof(at) - offsetof(struct place_addr, sa);
	if (getsockname(fd, &at.sa, &at.len) < 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	*io = (struct loop_io){ .fd = fd, .fn = accept_event, .arg = g };
	r = loop_add(g->loop, io, EPOLLIN);
	if (r)
		return r;
	g->n++;
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
	int none = -EADDRNOTAVAIL, before = g->n;

	for (int i = 0; i < p.n; i++) {
		int fd = place_listen(&p, i), r;

		/* A machine without IPv6. */
		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) {
			none = fd;
			continue;
		}
		if (fd < 0)
			return fd;
		r = gate_adopt(g, fd);
		if (r) {
			close(fd);
			return r;
		}
		take_port(&p, fd);
	}
	return g->n > before ? 0 : none;
}

int gate_new(struct gate **out, struct loop *loop, const struct gate_events *events)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->loop = loop;
	g->events = *events;
	g->pause = (struct loop_timer){ .fn = pause_fired, .arg = g, .due_ns = LOOP_NEVER };
	*out = g;
	return 0;
}

struct gate *gate_free(struct gate *g)
{
	if (!g)
		return NULL;
	loop_set_timer(g->loop, &g->pause, LOOP_NEVER);
	for (int i = 0; i < g->n; i++) {
		loop_remove(g->loop, &g->io[i]);
		close(g->io[i].fd);
	}
	free(g);
	return NULL;
}
