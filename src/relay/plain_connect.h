/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reach.h - makes one plain connection to a place: its addresses in turn, within a time
 */
#pragma once

#include "io/addr_list.h"
#include "io/loop.h"

struct reach_events {
	/* Exactly one of them is called, from the loop, and once; then reach_free is due. fd is the
	 * callee's. error: an errno. */
	void (*done)(void *arg, int fd);
	void (*failed)(void *arg, const struct place *place, int error);
	void *arg;
};

struct reach;

/* place is borrowed. Returns 0 or -ENOMEM. */
int reach_new(struct reach **out, struct loop *loop, const struct place *place, uint64_t limit_ns,
	      const struct reach_events *events);

/* At any time. NULL is accepted. */
struct reach *reach_free(struct reach *r);
