/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_show.h - what was measured, for people and as JSON
 *
 * JSON, one line for each run, much like iperf3's: "start", "intervals" and "end", each with
 * "streams" and "sum", and also "links" of both ends. Directions and ends are as seen from
 * who prints. A field is only ever added within one schema number.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cmd/measure/measure.h"

#define BENCH_SCHEMA 1

/* Which streams a session has, as seen from here. */
struct bench_ways {
	bool out, in;
};

/* For people ------------------------------------------------------------------------------------
 */

/* What happened between two states. */
void bench_show_interval(FILE *out, struct bench_ways ways, const struct measure_state *before,
			 const struct measure_state *now);

/* All of it, and what limited it. */
void bench_show_end(FILE *out, struct bench_ways ways, const struct measure *m);

/* JSON; NULL: out of memory ---------------------------------------------------------------------
 */

json_t *bench_json_interval(struct bench_ways ways, const struct measure_state *before,
			    const struct measure_state *now);

/* The whole run. intervals is taken over. */
json_t *bench_json_run(struct bench_ways ways, const struct measure *m, const char *role,
		       json_t *intervals);

/* -----------------------------------------------------------------------------------------------
 */

/* Bits per second that arrived, of the direction that counts: ours if we send. */
double bench_rate(struct bench_ways ways, const struct measure *m);
