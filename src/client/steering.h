/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steering.h - a client's connections follow what was observed of their lanes (plan/steer.h)
 *
 * Gathers what the two ends have observed and what rules predict, asks plan/steer.h what to do, and
 * puts its verdict into words.
 */
#pragma once

#include "engine/engine.h"
#include "plan/steer.h"
#include "plan/usage.h"

/* The pause between two looks: while connections are being tried, and when all is well or nothing
 * helps. */
#define STEERING_FAST_NS 50000000ull
#define STEERING_SLOW_NS 1000000000ull

/* The peer's stream rests when nothing of it came for so long, on any connection. */
#define STEERING_SILENT_NS 500000000ull

struct steering {
	struct steer steer;
	struct steer_use use[COVER_DIRECTIONS];
	/* What the links carry, by enum cover_end, then what the streams do, by enum
	 * cover_direction; NULL until it is needed. */
	struct usage *usage;
	uint32_t active[COVER_ENDS]; /* as last given to steer_step */
	/* When each stream last had nothing to move; what came of the peer's on the connections
	 * that live, and when that last changed. */
	uint64_t rested_ns[COVER_DIRECTIONS];
	uint64_t received, received_ns;
	bool blind; /* nowhere links are to be told apart: there is nothing to wait for */
	enum steer_verdict said;
};

/* The links have changed. */
void steering_reset(struct steering *st);

/* Frees what steering_step has allocated; the struct is the caller's. */
void steering_free(struct steering *st);

/* Connections of a client, as in struct steer_view. */
struct steering_limits {
	unsigned keep;
	unsigned planned;
	unsigned most;
};

/* Looks at the connections of a client. Returns 0 or -ENOMEM. */
int steering_step(struct steering *st, struct engine *e, const struct steering_limits *limits,
		  uint64_t now_ns, struct steer_action *out);

uint64_t steering_next(const struct steering *st, uint64_t now_ns);

enum steering_news {
	STEERING_NO_NEWS,
	STEERING_VERDICT,   /* buf is a line for people */
	STEERING_ALL_USED,  /* all links that can be used are in use */
	STEERING_TAKEN_BACK /* what was said of idle links is not true any more */
};

/* Is there something new to say? Fills buf with what holds now, "" where nothing is to be said. */
enum steering_news steering_news(struct steering *st, struct engine *e, char *buf, size_t size);
