/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transfer.h - one stream of the real program over a simulated network
 */
#pragma once

#include "world.h"

enum variant {
	VARIANT_ONE,     /* one connection */
	VARIANT_PLAN,    /* the plan, and nothing is opened or closed after it */
	VARIANT_BLIND_8, /* as many connections as if nothing were known of links */
	VARIANT_BLIND_16,
	VARIANT_PROGRAM,
	N_VARIANTS
};

struct transfer {
	bool ok;
	bool slow;           /* it was stopped at the limit */
	double seconds;      /* until the last byte was taken, or the limit */
	unsigned most;       /* connections at the same time */
	unsigned quarter[4]; /* after each quarter of the stream */
	unsigned opened;
	double again;      /* part of the segments that were sent again */
	char verdict[200]; /* the last that was said; "": none was */
	char lie[200];     /* one that was not true */
	char wrong[200];
	double events;
};

const char *variant_name(enum variant v);

/* level: which notes are printed with trace. */
void transfer_run(const struct network *net, enum variant v, uint64_t seed, bool trace,
		  struct transfer *out);
