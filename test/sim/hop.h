/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hop.h - one direction of one link: its rate, its queue, what it loses, and what it has counted
 *
 * A queue is served in order, so when a packet leaves is known when it comes. The rate is that of a
 * token bucket, as tbf's: after a pause `burst` bytes pass at once. What does not fit is dropped as
 * it comes; CoDel drops what would wait too long instead; a policer has no queue at all.
 */
#pragma once

#include "clock.h"

#define HOP_DROPPED UINT64_MAX

enum hop_kind { HOP_TAIL, HOP_CODEL, HOP_POLICER };

struct hop_config {
	enum hop_kind kind;
	double rate;  /* bytes per second */
	double burst; /* bytes; 0: each packet takes its time on the wire */
	double limit; /* bytes that wait at most */
	double loss;  /* part of all packets that vanish */
	/* Bursts of loss: the part of packets with which one begins, how long it is on average, in
	 * packets, and what it loses. */
	double bad_begins, bad_packets, bad_loss;
};

struct leaving {
	uint64_t at_ns;
	uint32_t len;
};

struct hop {
	struct hop_config config;
	struct clock *clock;
	bool down; /* all is lost */
	bool bad;
	double full_ns; /* when the bucket is full again, if nothing comes */
	uint64_t last_ns;
	/* Those that have not left. */
	struct leaving *queue;
	size_t first, n, room; /* room: a power of two */
	double waiting;        /* their bytes */
	/* CoDel, as in its paper. */
	uint64_t above_ns, next_drop_ns;
	unsigned n_drops, n_before;
	bool dropping;
	uint64_t bytes, packets; /* that have left */
	uint64_t n_lost, n_overflown;
};

void hop_init(struct hop *h, struct clock *clock, const struct hop_config *config);
void hop_clear(struct hop *h);

/* A packet comes now. Returns when it leaves, or HOP_DROPPED. */
uint64_t hop_send(struct hop *h, uint32_t len);

/* What has left by now. */
uint64_t hop_bytes(struct hop *h);

/* For how long one more packet would wait now. */
uint64_t hop_wait_ns(const struct hop *h);
