/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_run.h - what both sides of mpnc bench have
 */
#pragma once

#include "cmd/bench/bench_print.h"
#include "tls/tls.h"

struct bench {
	const struct config *config;
	const struct bench_options *options;
	struct bench_print print;
	struct loop *loop;
	struct loop_io signals;
	struct loop_task over; /* a run has ended: clean up outside of its callback */
	struct tls_context *tls;
	struct worker_pool *worker_pool; /* NULL: no workers */
	struct measure
		*measure; /* the run under way, or whose threads have not ended; NULL: none */
	int exit;
};

void bench_interval(void *arg, const struct measure_state *before, const struct measure_state *now);
void bench_ended(void *arg);

/* Ends the loop with this exit status. */
void bench_leave(struct bench *b, int status);

/* The run has failed or not: prints it. Returns its exit status. */
int bench_finish(struct bench *b, const char *role);

/* Frees it. Returns false if one of its threads has not ended: to be called again. */
bool bench_let_go(struct bench *b);

/* Each serves until loop_stop. Returns 0 or -errno, which it has logged. */
int bench_connect(struct bench *b);
int bench_serve(struct bench *b);
