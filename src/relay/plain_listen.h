/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_listen.h - accepts plain connections on any number of listening sockets
 */
#pragma once

#include "io/addr_list.h"
#include "io/loop.h"

struct plain_listen_events {
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	/* A connection came: fd is the callee's. from: NULL if it is a unix socket's. */
	void (*accepted)(void *arg, int fd, const union sock_addr *from);
	void *arg;
};

struct plain_listen;

/* Returns 0 or -ENOMEM. */
int plain_listen_new(struct plain_listen **out, struct loop *loop,
		     const struct plain_listen_events *events);

/* Closes all sockets, and removes the file of a unix socket that plain_listen_listen has made: from
 * then on another one may have the path. */
struct plain_listen *plain_listen_free(struct plain_listen *g);

/* Listens on all these addresses; port 0: the same one on all. Returns 0 or -errno. */
int plain_listen_listen(struct plain_listen *g, const struct addr_list *addrs);

/* Accepts on a socket that listens already, and is taken over. Returns 0 or -errno. */
int plain_listen_adopt(struct plain_listen *g, int fd);
