/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.c - clients that wait for their turn, oldest first, and are kept alive by PING
 *
 *   queue_push --> waiting[0 .. n-1] --> queue_pop: the first
 *                      |
 *                      +--> gone: it closed, or a PING could not be sent
 *
 * What always holds:
 * - waiting[0 .. n-1] are full and in the order of arrival; n <= QUEUE_MAX. The timer runs while n
 *   > 0.
 * - A client in the queue has been sent the preface, once, and PINGs. So whoever pops it must not
 *   send the preface again.
 * - Nothing is read from a client here: what it sends stays in its socket, and only its end is
 *   watched for.
 */
#include "server/queue.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct waiting {
	struct loop_io io; /* only its end is watched */
	struct channel channel;
	struct wire_hello hello;
	struct queue *queue;
};

struct queue {
	struct loop *loop;
	struct loop_timer timer;
	void (*pinged)(void *arg);
	void *arg;
	unsigned n;
	struct waiting *waiting[QUEUE_MAX]; /* the first has waited longest */
};

static bool send_ping(struct channel ch)
{
	uint8_t frame[WIRE_HEADER_LEN];

	/* A full socket buffer is no waiting client's. */
	return channel_send_all(ch, frame, wire_put_plain(frame, sizeof(frame), WIRE_PING, 0));
}

static struct channel take_out(struct queue *q, unsigned i)
{
	struct waiting *w = q->waiting[i];
	struct channel ch = w->channel;

	assert(i < q->n && w->queue == q);
	memmove(&q->waiting[i], &q->waiting[i + 1], (q->n - i - 1) * sizeof(q->waiting[0]));
	q->n--;
	loop_remove(q->loop, &w->io);
	free(w);
	return ch;
}

static void gone(struct loop_io *io, uint32_t events)
{
	struct waiting *w = io->arg;
	struct queue *q = w->queue;

	for (unsigned i = 0; i < q->n; i++) {
		if (q->waiting[i] == w) {
			channel_close(take_out(q, i));
			return;
		}
	}
}

static void ping_all(struct loop_timer *timer)
{
	struct queue *q = timer->arg;

	if (q->n && q->pinged)
		q->pinged(q->arg);
	for (unsigned i = q->n; i-- > 0;)
		if (!send_ping(q->waiting[i]->channel))
			channel_close(take_out(q, i));
	if (q->n)
		loop_set_timer(q->loop, timer, loop_now(q->loop) + QUEUE_PING_NS);
}

int queue_new(struct queue **out, struct loop *loop, void (*pinged)(void *arg), void *arg)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->loop = loop;
	q->pinged = pinged;
	q->arg = arg;
	q->timer = (struct loop_timer){ .fn = ping_all, .arg = q, .due_ns = LOOP_NEVER };
	*out = q;
	return 0;
}

struct queue *queue_free(struct queue *q)
{
	if (!q)
		return NULL;
	while (q->n)
		channel_close(take_out(q, q->n - 1));
	loop_set_timer(q->loop, &q->timer, LOOP_NEVER);
	free(q);
	return NULL;
}

bool queue_push(struct queue *q, struct channel ch, const struct wire_hello *hello)
{
	struct waiting *w;

	if (q->n == QUEUE_MAX)
		return false;
	w = calloc(1, sizeof(*w));
	if (!w)
		return false;
	w->io = (struct loop_io){ .fd = ch.fd, .fn = gone, .arg = w };
	w->channel = ch;
	w->hello = *hello;
	w->queue = q;
	if (loop_add(q->loop, &w->io, EPOLLRDHUP)) {
		free(w);
		return false;
	}
	q->waiting[q->n++] = w;
	if (!channel_send_all(ch, WIRE_PREFACE, WIRE_PREFACE_LEN) || !send_ping(ch))
		channel_close(take_out(q, q->n - 1));
	else if (!q->timer.linked)
		loop_set_timer(q->loop, &q->timer, loop_now(q->loop) + QUEUE_PING_NS);
	return true;
}

unsigned queue_len(const struct queue *q)
{
	return q->n;
}

bool queue_answered(const struct queue *q)
{
	for (unsigned i = 0; i < q->n; i++) {
		struct tcp_info info = { .tcpi_unacked = 1 };
		socklen_t len = sizeof(info);

		getsockopt(q->waiting[i]->io.fd, IPPROTO_TCP, TCP_INFO, &info, &len);
		if (!info.tcpi_unacked)
			return true;
	}
	return false;
}

bool queue_pop(struct queue *q, struct channel *ch_out, struct wire_hello *hello_out)
{
	if (!q->n)
		return false;
	*hello_out = q->waiting[0]->hello;
	*ch_out = take_out(q, 0);
	return true;
}
