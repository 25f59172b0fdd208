/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_connect.h - makes one plain connection: tries addresses in turn, within a time
 */
#pragma once

#include "io/addr_list.h"
#include "io/loop.h"

struct plain_connect_events {
	/* Exactly one of them is called, from the loop, and once; then plain_connect_free is due.
	 * fd is the callee's. error: an errno. */
	void (*done)(void *arg, int fd);
	void (*failed)(void *arg, const struct addr_list *addrs, int error);
	void *arg;
};

struct plain_connect;

/* addrs is borrowed. Returns 0 or -ENOMEM. */
int plain_connect_new(struct plain_connect **out, struct loop *loop, const struct addr_list *addrs,
		      uint64_t limit_ns, const struct plain_connect_events *events);

/* At any time. NULL is accepted. */
struct plain_connect *plain_connect_free(struct plain_connect *r);
