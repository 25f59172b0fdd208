/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct waiting {
	struct loop_io io; /* only its end is watched */
	struct wire_hello hello;
	struct queue *queue;
};

struct queue {
	struct loop *loop;
	struct loop_timer timer;
	unsigned n;
	struct waiting *waiting[QUEUE_MAX]; /* the first has waited longest */
};

static bool send_all(int fd, const void *p, size_t n)
{
	/* A few bytes into an empty socket buffer; one that is full is no waiting client's. */
	return send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

static bool send_ping(int fd)
{
	uint8_t frame[WIRE_HEADER_LEN];

	return send_all(fd, frame, wire_put_plain(frame, sizeof(frame), WIRE_PING, 0));
}

static int take_out(struct queue *q, unsigned i)
{
	struct waiting *w = q->waiting[i];
	int fd = w->io.fd;

	memmove(&q->waiting[i], &q->waiting[i + 1], (q->n - i - 1) * sizeof(q->waiting[0]));
	q->n--;
	loop_remove(q->loop, &w->io);
	free(w);
	return fd;
}

static void gone(struct loop_io *io, uint32_t events)
{
	struct waiting *w = io->arg;
	struct queue *q = w->queue;

	for (unsigned i = 0; i < q->n; i++) {
		if (q->waiting[i] == w) {
			close(take_out(q, i));
			return;
		}
	}
}

static void ping_all(struct loop_timer *timer)
{
	struct queue *q = timer->arg;

	for (unsigned i = q->n; i-- > 0;)
		if (!send_ping(q->waiting[i]->io.fd))
			close(take_out(q, i));
	if (q->n)
		loop_set_timer(q->loop, timer, loop_now(q->loop) + QUEUE_PING_NS);
}

int queue_new(struct queue **out, struct loop *loop)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->loop = loop;
	q->timer = (struct loop_timer){ .fn = ping_all, .arg = q, .due_ns = LOOP_NEVER };
	*out = q;
	return 0;
}

struct queue *queue_free(struct queue *q)
{
	if (!q)
		return NULL;
	while (q->n)
		close(take_out(q, q->n - 1));
	loop_set_timer(q->loop, &q->timer, LOOP_NEVER);
	free(q);
	return NULL;
}

bool queue_push(struct queue *q, int fd, const struct wire_hello *hello)
{
	struct waiting *w;

	if (q->n == QUEUE_MAX)
		return false;
	w = calloc(1, sizeof(*w));
	if (!w)
		return false;
	w->io = (struct loop_io){ .fd = fd, .fn = gone, .arg = w };
	w->hello = *hello;
	w->queue = q;
	if (loop_add(q->loop, &w->io, EPOLLRDHUP)) {
		free(w);
		return false;
	}
	q->waiting[q->n++] = w;
	if (!send_all(fd, WIRE_PREFACE, WIRE_PREFACE_LEN) || !send_ping(fd))
		close(take_out(q, q->n - 1));
	else if (!q->timer.linked)
		loop_set_timer(q->loop, &q->timer, loop_now(q->loop) + QUEUE_PING_NS);
	return true;
}

unsigned queue_len(const struct queue *q)
{
	return q->n;
}

bool queue_pop(struct queue *q, int *fd_out, struct wire_hello *hello_out)
{
	if (!q->n)
		return false;
	*hello_out = q->waiting[0]->hello;
	*fd_out = take_out(q, 0);
	return true;
}
