/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The side that connects: one run, or several; each follows from those before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cmd/bench/bench_run.h"
#include "cmd/cli/json.h"
#include "ui/log.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

struct runs {
	struct bench *bench;
	struct client_setup peer; /* which the measure borrows */
	size_t n;                 /* runs that are over */
	/* Of each; with --compare those of one connection, and apart from them the others. */
	double rates[BENCH_ROUNDS_MAX], striped[BENCH_ROUNDS_MAX];
	unsigned n_subflows; /* of the last run */
};

static bool is_series(const struct runs *r)
{
	return r->bench->options->compare || r->bench->options->sweep;
}

/* Connections of the next run; 0: as -P says. */
static unsigned next_subflows(const struct runs *r)
{
	if (r->bench->options->sweep)
		return 1u << r->n;
	return r->bench->options->compare && r->n % 2 == 0 ? 1 : 0;
}

static bool is_last(const struct runs *r)
{
	const struct bench_options *o = r->bench->options;

	if (o->sweep)
		return r->n == BENCH_SWEEP_MAX || bench_past_knee(r->rates, r->n);
	return !o->compare || r->n == 2 * (size_t)o->rounds;
}

static struct bench_ways egress_of(const struct bench_options *o)
{
	return (struct bench_ways){ .out = !o->reverse || o->bidir, .in = o->reverse || o->bidir };
}

static int start_run(struct runs *r)
{
	struct bench *b = r->bench;
	const struct config *c = b->config;
	struct bench_ways ways = egress_of(b->options);
	struct measure_config config = { .config = c,
					 .worker_pool = b->worker_pool,
					 .disk = b->options->disk,
					 .sends = ways.out,
					 .receives = ways.in,
					 .n_subflows = next_subflows(r),
					 .time_ns = b->options->time_ns,
					 .interval_ns = b->options->interval_ns };
	struct measure_events events = {
		.note = log_note, .interval = bench_interval, .ended = bench_ended, .arg = b
	};
	uint8_t id[WIRE_SESSION_ID_LEN];
	char why[BENCH_TEXT_LEN] = "";
	int e = getrandom(id, sizeof(id), 0) == sizeof(id) ? 0 : -EIO;

	bench_print_start(&b->print, ways, !is_series(r));
	if (!e)
		e = measure_new(&b->measure, b->loop, &config, id, &events, why);
	if (!e)
		e = measure_connect(b->measure, &r->peer, 0, 0);
	if (e)
		log_error("%s", why[0] ? why : strerror(-e));
	return e;
}

/* Series --------------------------------------------------------------------------------------- */

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void tell_comparison(struct runs *r)
{
	struct bench_print *p = &r->bench->print;
	unsigned rounds = r->bench->options->rounds;
	double one = bench_median(r->rates, rounds), striped = bench_median(r->striped, rounds);
	char a[24], b[24];

	bench_bits(a, sizeof(a), one);
	bench_bits(b, sizeof(b), striped);
	if (p->text)
		fprintf(p->text,
			"compared: %u connection%s %s, one %s: %.2f times as fast (medians of %u "
			"rounds)\n",
			r->n_subflows, plural(r->n_subflows), b, a, one > 0 ? striped / one : 0.0,
			rounds);
	if (!p->json)
		return;
	const struct json_field compare[] = {
		{ "rounds", json_number(rounds) },
		{ "num_streams", json_number(r->n_subflows) },
		{ "one_bits_per_second", json_real(one) },
		{ "striped_bits_per_second", json_real(striped) },
		{ "ratio", one > 0 ? json_real(striped / one) : json_null() },
	};
	const struct json_field fields[] = {
		{ "schema", json_number(BENCH_SCHEMA) },
		{ "compare", json_make_object(compare, LEN(compare)) },
	};

	bench_print_json(p, json_make_object(fields, LEN(fields)));
}

static json_t *points_json(const struct runs *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->n; i++) {
		const struct json_field fields[] = {
			{ "num_streams", json_number(1u << i) },
			{ "bits_per_second", json_real(r->rates[i]) },
		};

		array = json_add(array, json_make_object(fields, LEN(fields)));
	}
	return array;
}

static void tell_sweep(struct runs *r)
{
	struct bench_print *p = &r->bench->print;
	unsigned knee = 1u << bench_knee(r->rates, r->n);
	char rate[24];

	for (size_t i = 0; i < r->n && p->text; i++) {
		bench_bits(rate, sizeof(rate), r->rates[i]);
		fprintf(p->text, "swept: %3u connection%s  %s%s\n", 1u << i, i ? "s" : " ", rate,
			1u << i == knee ? "  <- the knee: more give less than 5 % on top" : "");
	}
	if (!p->json)
		return;
	const struct json_field sweep[] = {
		{ "points", points_json(r) },
		{ "knee", json_number(knee) },
	};
	const struct json_field fields[] = {
		{ "schema", json_number(BENCH_SCHEMA) },
		{ "sweep", json_make_object(sweep, LEN(sweep)) },
	};

	bench_print_json(p, json_make_object(fields, LEN(fields)));
}

/* ---------------------------------------------------------------------------------------------- */

static struct runs *runs_of(struct loop_task *task)
{
	return task->arg;
}

static void keep_rate(struct runs *r)
{
	const struct bench *b = r->bench;
	double rate = bench_rate(egress_of(b->options), b->measure);

	r->n_subflows = measure_n_subflows(b->measure);
	if (b->options->compare)
		*(r->n % 2 ? &r->striped[r->n / 2] : &r->rates[r->n / 2]) = rate;
	else
		r->rates[r->n] = rate;
	r->n++;
}

static void run_over(struct loop_task *task)
{
	struct runs *r = runs_of(task);
	struct bench *b = r->bench;
	unsigned n = next_subflows(r);
	int status;

	if (is_series(r) && b->print.text)
		fprintf(b->print.text, "run %zu%s\n", r->n + 1, n == 1 ? ", one connection" : "");
	keep_rate(r);
	status = bench_finish(b, "client");
	if (!bench_let_go(b)) {
		log_error("reading or writing a file hangs: cannot measure again");
		bench_leave(b, OUTCOME_INCOMPLETE);
	}
	if (status || b->exit) {
		bench_leave(b, b->exit ? b->exit : status);
		return;
	}
	if (!is_last(r)) {
		if (start_run(r))
			bench_leave(b, OUTCOME_SETUP);
		return;
	}
	if (b->options->compare)
		tell_comparison(r);
	if (b->options->sweep)
		tell_sweep(r);
	bench_leave(b, OUTCOME_OK);
}

int bench_connect(struct bench *b)
{
	struct runs *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (r) {
		r->bench = b;
		b->over = (struct loop_task){ .fn = run_over, .arg = r };
		e = client_setup_resolve(&r->peer, b->config, b->tls);
	}
	if (!e)
		e = start_run(r);
	if (!e)
		e = loop_run(b->loop);
	/* It borrows the addresses. */
	if (measure_free(b->measure))
		b->measure = NULL;
	free(r);
	return e;
}
