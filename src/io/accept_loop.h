/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept_loop.h - listening sockets in a loop: accepts what comes, and pauses while nothing can be
 * accepted
 *
 * Embedded in its owner. A call of the loop accepts a limited number of connections, so that
 * established ones have their turn too.
 */
#pragma once

#include "io/loop.h"
#include "io/sock.h"

/* Listening sockets of one owner: more than a service manager is likely to pass. */
#define ACCEPT_LOOP_MAX 64

/* After an error that the next attempt would only repeat. Connections wait in the kernel. */
#define ACCEPT_LOOP_PAUSE_NS 100000000ull

struct accept_loop_events {
	/* A connection came; fd is the callee's. from: of family AF_UNIX it has no more than the
	 * family. */
	void (*accepted)(void *arg, int fd, const union sock_addr *from);
	/* Accepting failed (-errno) and pauses. first: the attempt before succeeded. */
	void (*paused)(void *arg, int error, bool first);
	void *arg;
};

struct accept_loop {
	struct loop *loop;
	struct accept_loop_events events;
	struct loop_timer pause;
	bool failing;
	unsigned n;
	struct loop_io io[ACCEPT_LOOP_MAX];
};

void accept_loop_init(struct accept_loop *d, struct loop *loop,
		      const struct accept_loop_events *events);

/* Accepts on a non-blocking socket that listens; takes it over, unless this fails. Returns 0,
 * -E2BIG beyond ACCEPT_LOOP_MAX, or -errno. */
int accept_loop_add(struct accept_loop *d, int fd);

/* Closes all sockets. */
void accept_loop_close(struct accept_loop *d);
