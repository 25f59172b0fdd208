/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_clients.h - clients of a listener that do not speak mpnc (--plain-ok): one ordinary
 * connection each
 *
 * They are served one at a time, between the standard streams, by a thread of their own, as a read
 * or write of these may block. The others wait for their turn, and what they send stays in the
 * kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cmd/cli/config.h"
#include "cmd/netcat/plain_copy.h"
#include "io/loop.h"

/* As many may wait as of those that are mpnc (QUEUE_MAX). */
#define PLAIN_CLIENTS_MAX 64

struct plain_clients;

/* over: one has been served, and how; called from the loop. config is borrowed.
 * Returns 0 or -errno. */
int plain_clients_new(struct plain_clients **out, struct loop *loop, const struct config *config,
		      void (*over)(void *arg, const struct plain_copy_result *result), void *arg);

/* Ends the connections. Returns false if the thread has not ended, as worker_end: it and g have to
 * stay. */
bool plain_clients_free(struct plain_clients *g);

/* Takes fd, a connection that has sent these bytes, n <= PLAIN_COPY_HEAD_MAX. Returns false, and
 * leaves fd alone, when too many wait. */
bool plain_clients_push(struct plain_clients *g, int fd, const void *head, size_t n);

/* Begins with the one that has waited longest; none may be being served. Returns false when none
 * waits. */
bool plain_clients_serve(struct plain_clients *g);

/* Is one being served? */
bool plain_clients_busy(const struct plain_clients *g);

/* How many wait. */
unsigned plain_clients_len(const struct plain_clients *g);
