/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timer fires every PROGRESS_INTERVAL_NS while there is a progress line or a report, and asks the
 * engine for its figures. Between display_begin() and display_end() `engine` is the session's; at
 * other times it is NULL, and the timer has nothing to show.
 *
 * When standard output is the terminal, too, progress is shown while we send and nothing has come;
 * the first byte for the output ends that for the session.
 *
 * A client that has received all, and has nothing to send but what its idle input may still bring,
 * waits for the end of that input, which a user may have forgotten. After IDLE_INPUT_NS of this a
 * line says so, once.
 */
#include "cmd/netcat/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/netcat/between.h"
#include "cmd/netcat/local.h"
#include "ui/log.h"
#include "ui/progress.h"
#include "util/units.h"

#define SUMMARY_LEN 256

/* So long only our own input has been missing. */
#define IDLE_INPUT_NS (3 * NS_PER_S)

/* Between the interval lines of --json. */
#define INTERVAL_NS NS_PER_S

struct display {
	const struct config *config;
	struct loop *loop;
	struct engine *engine;     /* of the session that is shown; NULL: none */
	struct progress *progress; /* NULL: none is drawn */
	struct report *report;     /* NULL: no --json */
	bool idle_said;            /* that we wait for our input */
	bool over_data;            /* standard output is the same terminal */
	struct loop_timer timer;
	struct loop_timer idle_timer; /* only our input is missing */
	uint64_t interval_due_ns;     /* 0: not since the session began */
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
	if (!d->over_data || (stats.tx_read && !stats.rx_received))
		progress_update(d->progress, &stats, now_ns);
	if (d->report && now_ns >= d->interval_due_ns) {
		if (d->interval_due_ns)
			report_interval(d->report, &stats);
		d->interval_due_ns = now_ns + INTERVAL_NS;
	}
}

static void idle_fired(struct loop_timer *timer)
{
	struct display *d = timer->arg;

	d->idle_said = true;
	log_error("the peer has sent all; waiting for the end of standard input (with -d it is not "
		  "read)");
}

/* Is the terminal for us to draw on, if standard error is one? Not when another program has it, nor
 * when the user types the data there. */
static bool may_use_terminal(const struct config *c)
{
	return !local_is_stdio(c) ||
	       (!between_in_job() && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)));
}

static int start_progress(struct display *d)
{
	const struct config *c = d->config;
	bool always = c->progress == CONFIG_PROGRESS_ALWAYS;

	if (c->quiet || c->progress == CONFIG_PROGRESS_NEVER || (!always && !may_use_terminal(c)))
		return 0;
	d->over_data = !always && local_is_stdio(c) && isatty(STDOUT_FILENO);
	return progress_new(&d->progress, STDERR_FILENO, always);
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
	d->idle_timer = (struct loop_timer){ .fn = idle_fired, .arg = d, .due_ns = LOOP_NEVER };
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
	loop_set_timer(d->loop, &d->idle_timer, LOOP_NEVER);
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

void display_output(struct display *d)
{
	if (d->over_data)
		progress_wipe(d->progress);
}

/* Is there nothing that could still happen, but that our input ends or brings more? */
static bool waits_for_input(const struct session_stats *stats)
{
	return stats->rx_total_known && stats->rx_total && stats->rx_taken == stats->rx_total &&
	       !stats->tx_ended && stats->tx_taken == stats->tx_read;
}

void display_pumped(struct display *d)
{
	const struct config *c = d->config;
	struct session_stats stats;
	bool set = d->idle_timer.due_ns != LOOP_NEVER, waits;

	if (d->idle_said || c->quiet || c->listen || c->duplex || !local_is_stdio(c))
		return;
	session_stats(engine_session(d->engine), &stats);
	waits = waits_for_input(&stats);
	if (waits != set)
		loop_set_timer(d->loop, &d->idle_timer,
			       waits ? loop_now(d->loop) + IDLE_INPUT_NS : LOOP_NEVER);
}

/* The line that stays where progress was drawn. What the peer sent to the terminal is not to be
 * followed by ours. */
static void say_last(const struct display *d, const struct session_stats *stats, const char *reason)
{
	char last[SUMMARY_LEN];

	if (!progress_was_drawn(d->progress) || (d->over_data && stats->rx_received) ||
	    log_level() > 0)
		return;
	report_last(last, sizeof(last), stats, reason);
	log_error("%s", last);
}

void display_end(struct display *d, const struct report_end *end, bool quiet)
{
	struct session_stats stats;
	char summary[SUMMARY_LEN];

	engine_stats(d->engine, &stats);
	d->engine = NULL;
	loop_set_timer(d->loop, &d->idle_timer, LOOP_NEVER);
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
	if (!end->exit)
		say_last(d, &stats, end->reason);
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
