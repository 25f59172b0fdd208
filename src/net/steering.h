/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.h - a client's connections follow what was seen of their lanes (plan/steer.h)
 *
 * Gathers what the two ends have seen and what rules tell, asks plan/steer.h what to do, and puts
 * its verdict into words.
 */
#pragma once

#include "net/engine.h"
#include "plan/steer.h"

/* So often while connections are being tried, and so often when all is well or nothing helps. */
#define STEERING_FAST_NS 50000000ull
#define STEERING_SLOW_NS 1000000000ull

struct steering {
	struct steer steer;
	struct steer_use use[COVER_WAYS];
	bool blind; /* nowhere links are to be told apart: there is nothing to wait for */
	enum steer_verdict said;
};

/* The links have changed. */
void steering_reset(struct steering *st);

/* Looks at the connections of a client; keep and most as in struct steer_view. Returns 0 or
 * -ENOMEM. */
int steering_step(struct steering *st, struct engine *e, unsigned keep, unsigned most,
		  uint64_t now_ns, struct steer_action *out);

uint64_t steering_next(const struct steering *st, uint64_t now_ns);

/* Is there something new to say? Then fills buf: a line for people. "" takes back what was said. */
bool steering_news(struct steering *st, struct engine *e, char *buf, size_t size);
