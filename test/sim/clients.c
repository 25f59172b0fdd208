/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.c - the real client and listener over connections that fail, many times (trial.h)
 *
 * clients [--seeds N] [--first S] [--jobs J]   N trials; one line for each kind of fault
 * clients --seed S [--trace]                   one, with what both sides say
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trial.h"
#include "util/parse.h"

/* Seeds that found a bug, always run too. 1232, 1822: a low-water mark of a frame that was read,
 * above all that was still to come, so that both sides waited for ever. */
static const uint64_t pinned[] = { 1232, 1822 };
#define N_PINNED (sizeof(pinned) / sizeof(pinned[0]))

#define SHOWN 12 /* wrong trials, of each job */

struct options {
	uint64_t seeds, first, seed, jobs;
	bool one, trace;
};

struct sum {
	unsigned n, n_well, n_failed, n_wrong;
	double seconds, wakes, memory;
	unsigned turns, opened;
};

static void add(struct sum *s, const struct trial *t)
{
	s->n++;
	s->n_wrong += t->wrong;
	s->n_well += t->exit[0] == 0;
	s->n_failed += t->exit[0] > 0;
	s->seconds = t->seconds > s->seconds ? t->seconds : s->seconds;
	s->wakes = t->wakes > s->wakes ? t->wakes : s->wakes;
	s->memory = t->memory > s->memory ? t->memory : s->memory;
	s->turns = t->turns > s->turns ? t->turns : s->turns;
	s->opened = t->n_opened > s->opened ? t->n_opened : s->opened;
}

static void merge(struct sum *s, const struct sum *more)
{
	const struct trial most = { .seconds = more->seconds,
				    .wakes = more->wakes,
				    .memory = more->memory,
				    .turns = more->turns,
				    .n_opened = more->opened,
				    .exit = { -1, -1 } };

	add(s, &most);
	s->n += more->n - 1;
	s->n_well += more->n_well;
	s->n_failed += more->n_failed;
	s->n_wrong += more->n_wrong;
}

static void work(const struct options *o, uint64_t job, struct sum sum[N_TRIALS])
{
	unsigned shown = 0;

	for (uint64_t i = job; i < o->seeds + N_PINNED; i += o->jobs) {
		uint64_t seed = i < N_PINNED ? pinned[i] : o->first + i - N_PINNED;
		struct trial t;

		trial_run(seed, false, &t);
		add(&sum[t.kind], &t);
		if (t.wrong && shown++ < SHOWN)
			printf("WRONG: --seed %llu (%s): %s\n", (unsigned long long)seed,
			       trial_name(t.kind), t.why);
	}
	fflush(stdout);
}

static unsigned show(struct sum (*sum)[N_TRIALS], uint64_t jobs)
{
	unsigned n_wrong = 0;

	printf("%-10s %6s %6s %6s %6s  at most: %9s %9s %7s %12s %7s\n", "fault", "runs", "well",
	       "failed", "wrong", "seconds", "wakes/s", "turns", "bytes", "opened");
	for (unsigned k = 0; k < N_TRIALS; k++) {
		struct sum s = { 0 };

		for (uint64_t i = 0; i < jobs; i++)
			merge(&s, &sum[i][k]);
		printf("%-10s %6u %6u %6u %6u  %18.0f %9.0f %7u %12.0f %7u\n",
		       trial_name((enum trial_kind)k), s.n, s.n_well, s.n_failed, s.n_wrong,
		       s.seconds, s.wakes, s.turns, s.memory, s.opened);
		n_wrong += s.n_wrong;
	}
	return n_wrong;
}

/* Returns how many are wrong. A job that died is one. */
static unsigned run_all(const struct options *o)
{
	size_t len = o->jobs * sizeof(struct sum[N_TRIALS]);
	struct sum(*sum)[N_TRIALS] =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned n_died = 0;
	int status;

	if (sum == MAP_FAILED)
		exit(2);
	fflush(stdout);
	for (uint64_t i = 0; i < o->jobs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			exit(2);
		if (!pid) {
			work(o, i, sum[i]);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		n_died += status != 0;
	if (n_died)
		printf("WRONG: %u jobs died\n", n_died);
	return show(sum, o->jobs) + n_died;
}

static int run_one(const struct options *o)
{
	struct trial t;

	trial_run(o->seed, o->trace, &t);
	printf("%s: client %d, server %d after %.3f s, %u connections, %.0f wakes/s, %u turns, "
	       "%.0f bytes%s%s\n",
	       trial_name(t.kind), t.exit[0], t.exit[1], t.seconds, t.n_opened, t.wakes, t.turns,
	       t.memory, t.wrong ? "; WRONG: " : "", t.why);
	return t.wrong;
}

static void number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	if (text && !parse_u64(text, min, max, out))
		return;
	fputs("clients [--seeds N] [--first SEED] [--jobs N]\nclients --seed SEED [--trace]\n",
	      stderr);
	exit(2);
}

static void parse_options(struct options *o, char **argv)
{
	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--trace")) {
			o->trace = true;
		} else if (!strcmp(*argv, "--seed")) {
			number(*++argv, 0, UINT64_MAX, &o->seed);
			o->one = true;
		} else if (!strcmp(*argv, "--seeds")) {
			number(*++argv, 1, 10000000, &o->seeds);
		} else if (!strcmp(*argv, "--first")) {
			number(*++argv, 0, UINT64_MAX, &o->first);
		} else if (!strcmp(*argv, "--jobs")) {
			number(*++argv, 1, 64, &o->jobs);
		} else {
			number(NULL, 0, 0, NULL);
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { .seeds = 500, .first = 1, .jobs = 2 };

	parse_options(&o, argv);
	return (o.one ? run_one(&o) : (int)run_all(&o)) ? 1 : 0;
}
