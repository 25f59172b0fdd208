/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.h - accepts plain connections on any number of listening sockets
 */
#pragma once

#include "io/addr_list.h"
#include "io/loop.h"

struct gate_events {
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	/* A connection came: fd is the callee's. from: NULL if it is a unix socket's. */
	void (*accepted)(void *arg, int fd, const union sock_addr *from);
	void *arg;
};

struct gate;

/* Returns 0 or -ENOMEM. */
int gate_new(struct gate **out, struct loop *loop, const struct gate_events *events);

/* Closes all sockets, and removes the file of a unix socket that gate_listen has made: from then on
 * another gate may have the path. */
struct gate *gate_free(struct gate *g);

/* Listens on a place, on all its addresses; port 0: the same one on all. Returns 0 or -errno. */
int gate_listen(struct gate *g, const struct place *place);

/* Accepts on a socket that listens already, and is taken over. Returns 0 or -errno. */
int gate_adopt(struct gate *g, int fd);
