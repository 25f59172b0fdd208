/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_print.h - where the results of mpnc bench go: text to standard output, or JSON, or both
 */
#pragma once

#include "cmd/bench/bench.h"
#include "cmd/bench/bench_show.h"

struct bench_print {
	FILE *text; /* NULL: none */
	FILE *json; /* the same */
	bool intervals;
	struct bench_ways ways;
	json_t *interval_array;
};

/* Says what cannot be opened. Returns 0 or -errno. */
int bench_print_open(struct bench_print *p, const struct config *config);

/* Says what could not be written. Returns 0 or -errno. */
int bench_print_close(struct bench_print *p);

/* A run begins; intervals: show them to people too. */
void bench_print_start(struct bench_print *p, struct bench_ways ways, bool intervals);

void bench_print_interval(struct bench_print *p, const struct measure_state *before,
			  const struct measure_state *now);

/* The run is over. role: "client", "listener". */
void bench_print_end(struct bench_print *p, const struct measure *m, const char *role);

/* A line of JSON of its own; object is taken over. */
void bench_print_json(struct bench_print *p, json_t *object);
