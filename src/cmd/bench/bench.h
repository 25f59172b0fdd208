/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.h - mpnc bench: how fast, over which connections and links, and what limits it
 */
#pragma once

#include "cmd/cli/config.h"
#include "cmd/cli/opts.h"

#define BENCH_TIME_NS     10000000000ull
#define BENCH_INTERVAL_NS 1000000000ull

/* --compare: of each kind, unless --rounds says otherwise. */
#define BENCH_ROUNDS     3
#define BENCH_ROUNDS_MAX 100

/* --sweep: 1, 2, 4 ... connections. */
#define BENCH_SWEEP_MAX 9

struct bench_options {
	uint64_t time_ns;     /* -t */
	uint64_t interval_ns; /* -i; 0: none */
	bool reverse;         /* -R: the listener sends */
	bool bidir;           /* --bidir: both do */
	bool compare;         /* --compare */
	bool sweep;           /* --sweep */
	unsigned rounds;      /* --rounds */
	bool one_off;         /* -1: the listener ends after one client */
	const char *disk;     /* --disk; NULL: memory */
};

/* As opts_parse. */
enum opts_result bench_opts_parse(int argc, char *const argv[], struct bench_options *options,
				  struct config *config, char message[OPTS_MESSAGE_LEN]);

extern const char bench_help[];

/* The verb. argv[0] is "bench". Returns the exit status. */
int bench_main(int argc, char *argv[]);
