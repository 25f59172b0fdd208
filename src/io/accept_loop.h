/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doors.h - listening sockets in a loop: accepts what comes, and pauses while nothing can be
 * accepted
 *
 * Embedded in its owner. A call of the loop accepts a limited number of connections, so that
 * established ones have their turn too.
 */
#pragma once

#include "io/loop.h"
#include "io/sock.h"

/* Listening sockets of one owner: more than a service manager is likely to pass. */
#define DOORS_MAX 64

/* After an error that the next attempt would only repeat. Connections wait in the kernel. */
#define DOORS_PAUSE_NS 100000000ull

struct doors_events {
	/* A connection came; fd is the callee's. from: of family AF_UNIX it has no more than the
	 * family. */
	void (*accepted)(void *arg, int fd, const union sock_addr *from);
	/* Accepting failed (-errno) and pauses. first: the attempt before succeeded. */
	void (*paused)(void *arg, int error, bool first);
	void *arg;
};

struct doors {
	struct loop *loop;
	struct doors_events events;
	struct loop_timer pause;
	bool failing;
	unsigned n;
	struct loop_io io[DOORS_MAX];
};

void doors_init(struct doors *d, struct loop *loop, const struct doors_events *events);

/* Accepts on a non-blocking socket that listens; takes it over, unless this fails. Returns 0,
 * -E2BIG beyond DOORS_MAX, or -errno. */
int doors_add(struct doors *d, int fd);

/* Closes all sockets. */
void doors_close(struct doors *d);
