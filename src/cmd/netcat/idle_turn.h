/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_turn.h - when a session has to make room for a client that waits (-k)
 *
 * Counted in rounds of QUEUE_PING_NS, which happen only while another client waits: a session that
 * keeps nobody waiting may be lost or idle for as long as its options allow.
 *
 * Plain values: no I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/queue.h"

/* A client whose connections are all lost has 6 s: one that lives tries at once, and again within
 * CLIENT_REDIAL_NS. */
#define IDLE_TURN_LOST_ROUNDS 3

/* Rounds that are further apart are those of different waiters: what was lost in between may have
 * come back and gone again. */
#define IDLE_TURN_PAUSE_NS (2 * QUEUE_PING_NS)

/* A session in which nothing moves: 10 minutes. A pipe that is idle for longer while others wait is
 * rather one that was forgotten, or a peer that wants to keep the others out. */
#define IDLE_TURN_IDLE_ROUNDS 300

/* The same when all bytes are there and only a confirmation is missing: an hour, in which a slow
 * disk can take what was written to it. */
#define IDLE_TURN_SYNC_ROUNDS 1800

enum idle_turn {
	IDLE_TURN_GOES_ON = 0,
	IDLE_TURN_LOST, /* all its connections have been lost for long enough */
	IDLE_TURN_IDLE, /* nothing has moved for long enough */
};

struct idle_turn_state {
	bool lost;      /* no connection is left */
	bool complete;  /* only a confirmation is missing */
	bool limited;   /* may it be ended because it is idle? */
	uint64_t moved; /* any sum of what shows progress */
	uint64_t now_ns;
};

/* Zero for each session. */
struct idle_turn_count {
	unsigned n_lost, n_idle;
	uint64_t moved;
	uint64_t round_ns; /* time of the last round */
};

/* One round: the session stands like this. */
enum idle_turn idle_turn_round(struct idle_turn_count *t, const struct idle_turn_state *state);
