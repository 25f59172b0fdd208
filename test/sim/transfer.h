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

#define TRANSFER_SAMPLES 600

struct transfer {
	bool ok;
	double seconds; /* until the last byte was taken; or up to the limit */
	unsigned most;  /* connections at the same time */
	unsigned at_end;
	unsigned opened;
	double again; /* part of the segments that were sent again */
	/* Each second: connections, and Mbit/s that were taken. */
	unsigned n_samples;
	unsigned n_open[TRANSFER_SAMPLES];
	double rate[TRANSFER_SAMPLES];
	char verdict[200]; /* the last that was said; "": none was */
	bool is_false;
	double events; /* of the simulation */
	char wrong[200];
};

const char *variant_name(enum variant v);

/* level: which notes are printed with trace. */
void transfer_run(const struct network *net, enum variant v, uint64_t seed, bool trace,
		  struct transfer *out);
