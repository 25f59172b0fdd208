/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_connect.c - one plain connection to the first address of a list that answers
 *
 *            +------- next: in the next turn of the loop ------+
 *            v                                                 |
 *   WAITS FOR A TURN --> CONNECTS (io.fd >= 0) --> refused ----+
 *            ^                |                        |
 *            +--- again ------+ a unix socket's        | no address is left, or `limit` is over
 *              (AGAIN_NS)       queue is full          v
 *                             connected: done        failed
 *
 * What always holds:
 * - At most one attempt is under way, and at most one of `next` and `again` is set.
 * - Either done or failed is called, once, as the caller frees this in either. Neither comes before
 *   plain_connect_new() has returned, where no caller expects it.
 * - The descriptor is the caller's after done.
 * - error is why the last address failed, which is what the user learns.
 */
#include "relay/plain_connect.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A unix socket's queue was full: it is tried again after this. */
#define AGAIN_NS 10000000ull

struct plain_connect {
	struct loop *loop;
	const struct addr_list *addrs;
	struct plain_connect_events events;
	struct loop_io io; /* of the attempt under way; fd -1: none is */
	struct loop_task next;
	struct loop_timer again, limit;
	int i; /* of the address */
	int error;
};

static void end_attempt(struct plain_connect *r)
{
	if (r->io.fd < 0)
		return;
	loop_remove(r->loop, &r->io);
	close(r->io.fd);
	r->io.fd = -1;
}

static void fail(struct plain_connect *r, int error)
{
	end_attempt(r);
	r->events.failed(r->events.arg, r->addrs, error);
}

static void next_address(struct plain_connect *r, int error)
{
	end_attempt(r);
	r->error = error;
	r->i++;
	loop_queue(r->loop, &r->next);
}

static void connected(struct loop_io *io, uint32_t events)
{
	struct plain_connect *r = io->arg;
	int fd = io->fd, result = sock_connected(fd);

	if (result) {
		next_address(r, -result);
		return;
	}
	loop_remove(r->loop, io);
	io->fd = -1;
	r->events.done(r->events.arg, fd);
}

static void attempt(struct loop_task *task)
{
	struct plain_connect *r = task->arg;
	int fd;

	if (r->i == r->addrs->n) {
		fail(r, r->error);
		return;
	}
	fd = addr_list_connect(r->addrs, r->i);
	if (fd == -EAGAIN) {
		loop_set_timer(r->loop, &r->again, loop_now(r->loop) + AGAIN_NS);
		return;
	}
	if (fd < 0) {
		next_address(r, -fd);
		return;
	}
	r->io = (struct loop_io){ .fd = fd, .fn = connected, .arg = r };
	if (loop_add(r->loop, &r->io, EPOLLOUT)) {
		close(fd);
		r->io.fd = -1;
		fail(r, ENOMEM);
	}
}

static void again_fired(struct loop_timer *timer)
{
	attempt(&((struct plain_connect *)timer->arg)->next);
}

static void limit_fired(struct loop_timer *timer)
{
	fail(timer->arg, ETIMEDOUT);
}

int plain_connect_new(struct plain_connect **out, struct loop *loop, const struct addr_list *addrs,
		      uint64_t limit_ns, const struct plain_connect_events *events)
{
	struct plain_connect *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->addrs = addrs;
	r->events = *events;
	r->io.fd = -1;
	r->error = EADDRNOTAVAIL;
	r->next = (struct loop_task){ .fn = attempt, .arg = r };
	r->again = (struct loop_timer){ .fn = again_fired, .arg = r, .due_ns = LOOP_NEVER };
	r->limit = (struct loop_timer){ .fn = limit_fired, .arg = r, .due_ns = LOOP_NEVER };
	loop_queue(loop, &r->next);
	loop_set_timer(loop, &r->limit, loop_now(loop) + limit_ns);
	*out = r;
	return 0;
}

struct plain_connect *plain_connect_free(struct plain_connect *r)
{
	if (!r)
		return NULL;
	end_attempt(r);
	loop_unqueue(r->loop, &r->next);
	loop_set_timer(r->loop, &r->again, LOOP_NEVER);
	loop_set_timer(r->loop, &r->limit, LOOP_NEVER);
	free(r);
	return NULL;
}
