/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timer fires every PROGRESS_INTERVAL_NS while there is a progress line or a report, and asks the
 * engine for its figures. Between display_begin() and display_end() `engine` is the session's; at
 * other times it is NULL, and the timer has nothing to show.
 */
#include "cmd/netcat/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/netcat/between.h"
#include "cmd/netcat/local.h"
#include "endpoint/input.h"
#include "ui/log.h"
#include "ui/progress.h"
#include "util/units.h"

#define SUMMARY_LEN 256

/* Between the interval lines of --json. */
#define INTERVAL_NS NS_PER_S

struct display {
	const struct config *config;
	struct loop *loop;
	struct engine *engine;     /* of the session that is shown; NULL: none */
	struct progress *progress; /* NULL: none is drawn */
	struct report *report;     /* NULL: no --json */
	struct loop_timer timer;
	uint64_t interval_due_ns; /* 0: not since the session began */
};

static void tick(struct loop_timer *timer)
{
	struct display *d = timer->arg;
	struct session_stats stats;
	uint64_t now_ns = loop_now(d->loop);

	loop_set_timer(d->loop, timer, now_ns + PROGRESS_INTERVAL_NS);
	if (!d->engine)
		return;
	engine_stats(d->engine, &stats);
	if (!stats.n_subflows)
		return;
	progress_update(d->progress, &stats, now_ns);
	if (d->report && now_ns >= d->interval_due_ns) {
		if (d->interval_due_ns)
			report_interval(d->report, &stats);
		d->interval_due_ns = now_ns + INTERVAL_NS;
	}
}

/* Is the terminal for us to draw on, if standard error is one? Not when it shows the data
 * themselves, nor when another program has it. */
static bool may_use_terminal(const struct config *c)
{
	return !local_is_stdio(c) || (!isatty(STDOUT_FILENO) && !between_in_job());
}

static int start_progress(struct display *d)
{
	const struct config *c = d->config;
	bool always = c->progress == CONFIG_PROGRESS_ALWAYS;
	bool known = local_is_stdio(c) && !c->no_stdin && !c->recv_only;

	if (!always && (c->progress == CONFIG_PROGRESS_NEVER || !may_use_terminal(c)))
		return 0;
	return progress_new(&d->progress, STDERR_FILENO, always,
			    known ? input_size(STDIN_FILENO) : 0);
}

static int start_report(struct display *d)
{
	const char *file = d->config->json_file;
	int r = d->config->json ? report_new(&d->report, file) : 0;

	if (r)
		log_error("cannot write %s: %s", file ? file : "stderr",
			  r == -EEXIST ? "it is the standard output" : strerror(-r));
	return r;
}

int display_new(struct display **out, struct loop *loop, const struct config *config)
{
	struct display *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->config = config;
	d->loop = loop;
	d->timer = (struct loop_timer){ .fn = tick, .arg = d, .due_ns = LOOP_NEVER };
	r = start_report(d);
	if (!r)
		r = start_progress(d);
	if (r) {
		display_free(d);
		return r;
	}
	if (d->progress || d->report)
		loop_set_timer(loop, &d->timer, loop_now(loop));
	*out = d;
	return 0;
}

struct display *display_free(struct display *d)
{
	if (!d)
		return NULL;
	loop_set_timer(d->loop, &d->timer, LOOP_NEVER);
	progress_free(d->progress);
	report_free(d->report);
	free(d);
	return NULL;
}

void display_begin(struct display *d, struct engine *engine, const char *session)
{
	const struct config *c = d->config;

	d->engine = engine;
	d->interval_due_ns = 0;
	report_start(d->report, &(struct report_begin){
					.role = c->listen ? "listener" : "client",
					.session = session,
					.host = c->host,
					.port = c->port,
					.n_subflows = c->n_subflows,
					.window = c->window,
				});
}

void display_end(struct display *d, const struct report_end *end, bool quiet)
{
	struct session_stats stats;
	char summary[SUMMARY_LEN];

	engine_stats(d->engine, &stats);
	d->engine = NULL;
	progress_wipe(d->progress);
	report_end(d->report, &stats, end);
	report_summary(summary, sizeof(summary), &stats);
	if (stats.n_subflows) {
		log_info("%s", summary);
		report_say_links(&stats);
	}
	if (end->exit && !quiet)
		log_error("%s", end->reason);
	else
		log_info("%s", end->reason);
}

void display_wipe(struct display *d)
{
	if (d)
		progress_wipe(d->progress);
}

void display_say(struct display *d)
{
	struct session_stats stats;
	char summary[SUMMARY_LEN];

	if (!d->engine)
		return;
	engine_stats(d->engine, &stats);
	report_summary(summary, sizeof(summary), &stats);
	log_error("%s", summary);
}
