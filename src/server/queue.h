/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - clients that wait for their turn at a listener that serves one session after another
 * (-k)
 *
 * They have said HELLO; what they sent after it stays in the kernel. Each is sent the preface and
 * a PING now and then, so that it knows that it waits for mpnc and not for something silent.
 */
#pragma once

#include <stdbool.h>

#include "io/loop.h"
#include "tls/channel.h"
#include "wire/frame.h"

/* Clients that may wait; the next one is refused as busy. */
#define QUEUE_MAX 64

/* Shorter than any client's patience for an answer (CLIENT_HELLO_NS). */
#define QUEUE_PING_NS 2000000000ull

struct queue;

/* pinged, if not NULL, is called each QUEUE_PING_NS while somebody waits, before the next PINGs.
 * Returns 0 or -ENOMEM. */
int queue_new(struct queue **out, struct loop *loop, void (*pinged)(void *arg), void *arg);
struct queue *queue_free(struct queue *q);

/* Takes ch; returns false, and leaves ch alone, when the queue is full. */
bool queue_push(struct queue *q, struct channel ch, const struct wire_hello *hello);

/* How many wait. */
unsigned queue_len(const struct queue *q);

/* Has the host of any that waits acknowledged every PING? Then the network reaches at least that.
 */
bool queue_answered(const struct queue *q);

/* Hands over the one that has waited longest and is still there. It has been sent the preface. */
bool queue_pop(struct queue *q, struct channel *ch_out, struct wire_hello *hello_out);
