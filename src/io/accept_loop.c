/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/accept_loop.h"

#include <errno.h>
#include <unistd.h>

/* What one call of the loop accepts at most. */
#define ACCEPT_BATCH 64

static void watch(struct accept_loop *d, uint32_t events)
{
	for (unsigned i = 0; i < d->n; i++)
		loop_change(d->loop, &d->io[i], events);
}

/* The event is level-triggered: without a pause it would come again at once. */
static void pause_accepting(struct accept_loop *d, int error)
{
	bool first = !d->failing;

	d->failing = true;
	watch(d, 0);
	loop_set_timer(d->loop, &d->pause, loop_now(d->loop) + ACCEPT_LOOP_PAUSE_NS);
	d->events.paused(d->events.arg, error, first);
}

static void pause_fired(struct loop_timer *timer)
{
	struct accept_loop *d = timer->arg;

	watch(d, EPOLLIN);
}

static void accept_event(struct loop_io *io, uint32_t events)
{
	struct accept_loop *d = io->arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union sock_addr from;
		int fd = sock_accept(io->fd, &from);

		if (fd == -EAGAIN)
			return;
		if (fd < 0) {
			pause_accepting(d, fd);
			return;
		}
		d->failing = false;
		d->events.accepted(d->events.arg, fd, &from);
	}
}

void accept_loop_init(struct accept_loop *d, struct loop *loop,
		      const struct accept_loop_events *events)
{
	d->loop = loop;
	d->events = *events;
	d->pause = (struct loop_timer){ .fn = pause_fired, .arg = d, .due_ns = LOOP_NEVER };
	d->failing = false;
	d->n = 0;
}

int accept_loop_add(struct accept_loop *d, int fd)
{
	struct loop_io *io = &d->io[d->n];
	int r;

	if (d->n == ACCEPT_LOOP_MAX)
		return -E2BIG;
	*io = (struct loop_io){ .fd = fd, .fn = accept_event, .arg = d };
	r = loop_add(d->loop, io, EPOLLIN);
	if (!r)
		d->n++;
	return r;
}

void accept_loop_close(struct accept_loop *d)
{
	loop_set_timer(d->loop, &d->pause, LOOP_NEVER);
	while (d->n > 0) {
		struct loop_io *io = &d->io[--d->n];

		loop_remove(d->loop, io);
		close(io->fd);
	}
}
