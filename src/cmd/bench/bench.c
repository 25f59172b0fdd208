/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/bench/bench_run.h"
#include "cmd/cli/limits.h"
#include "cmd/cli/signals.h"
#include "cmd/cli/threads.h"
#include "cmd/cli/tls_setup.h"
#include "ui/log.h"

void bench_interval(void *arg, const struct measure_state *before, const struct measure_state *now)
{
	bench_print_interval(&((struct bench *)arg)->print, before, now);
}

void bench_ended(void *arg)
{
	struct bench *b = arg;

	loop_queue(b->loop, &b->over);
}

void bench_leave(struct bench *b, int status)
{
	b->exit = status;
	loop_stop(b->loop);
}

int bench_finish(struct bench *b, const char *role)
{
	const char *reason;
	int status = measure_exit(b->measure, &reason);

	if (measure_ns(b->measure))
		bench_print_end(&b->print, b->measure, role);
	if (status)
		log_error("%s", reason);
	return status;
}

bool bench_let_go(struct bench *b)
{
	if (!measure_free(b->measure))
		return false;
	b->measure = NULL;
	return true;
}

static void signal_event(struct loop_io *io, uint32_t events)
{
	struct bench *b = io->arg;
	int number = signals_read(io, NULL);
	bool talks = b->measure && engine_n_live(measure_engine(b->measure));

	if (!number)
		return;
	/* A second signal does not wait for the peer to hear of the first. */
	if (!talks || b->exit) {
		log_error("interrupted by signal %d (%s)", number, strsignal(number));
		bench_leave(b, OUTCOME_SIGNAL + number);
		return;
	}
	b->exit = OUTCOME_SIGNAL + number;
	engine_signal(measure_engine(b->measure), number);
}

static int start(struct bench *b)
{
	int r = bench_print_open(&b->print, b->config);

	if (!r)
		r = loop_new(&b->loop);
	if (r)
		return r;
	b->signals = (struct loop_io){ .fn = signal_event, .arg = b };
	/* Keys first, as in cat.c: a FIFO without a writer can be interrupted. */
	r = tls_setup_open(b->config, &b->tls);
	if (!r)
		r = signals_watch(b->loop, &b->signals);
	if (!r)
		r = threads_open(b->config, b->loop, b->tls, &b->worker_pool);
	return r;
}

static int run(const struct config *config, const struct bench_options *options)
{
	struct bench b = { .config = config, .options = options };
	int r;

	limits_raise_descriptors();
	r = start(&b);

	if (!r)
		r = config->listen ? bench_serve(&b) : bench_connect(&b);
	if (bench_print_close(&b.print) || r)
		b.exit = OUTCOME_SETUP;
	/* A thread that hangs keeps what it uses until the process ends, which is now. */
	if (!measure_free(b.measure))
		return b.exit;
	worker_pool_free(b.worker_pool);
	loop_free(b.loop);
	tls_context_free(b.tls);
	return b.exit;
}

int bench_main(int argc, char *argv[])
{
	struct bench_options options;
	struct config config;
	char message[OPTS_MESSAGE_LEN];

	switch (bench_opts_parse(argc, argv, &options, &config, message)) {
	case OPTS_RUN:
		log_set_level(config.verbose);
		return run(&config, &options);
	case OPTS_USAGE:
		log_error("bench: %s", message);
		return OUTCOME_SETUP;
	default:
		fputs(bench_help, stdout);
		return fflush(stdout) ? OUTCOME_SETUP : OUTCOME_OK;
	}
}
