/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop's timers against a plain list of times, and its tasks' order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "seed.h"

#define N_TIMERS 500
#define N_TASKS  5

struct fixture {
	struct loop *loop;
	uint64_t fired_ns; /* when the one that fired last was due */
	unsigned n_fired;
	unsigned n_expected;
	struct loop_timer timers[N_TIMERS];
	uint64_t due_ns[N_TIMERS]; /* as they were set */
	struct loop_task tasks[N_TASKS];
	char order[2 * N_TASKS + 1];
	unsigned n_run;
};

static void fired(struct loop_timer *timer)
{
	struct fixture *f = timer->arg;
	uint64_t due_ns = f->due_ns[timer - f->timers];

	assert_true(due_ns >= f->fired_ns);
	f->fired_ns = due_ns;
	assert_false(timer->linked);
	if (++f->n_fired == f->n_expected)
		loop_stop(f->loop);
}

/* Set, moved and cleared at random: those that are set fire once each, in the order of their times.
 */
static void timers_fire_in_order(void **state)
{
	struct rng r = rng_start();
	static struct fixture f;
	uint64_t now_ns;

	f = (struct fixture){ 0 };
	assert_int_equal(loop_new(&f.loop), 0);
	now_ns = loop_now(f.loop);
	for (unsigned i = 0; i < N_TIMERS; i++) {
		f.timers[i] = (struct loop_timer){ .fn = fired, .arg = &f, .due_ns = LOOP_NEVER };
		f.due_ns[i] = LOOP_NEVER;
	}
	for (unsigned n = 0; n < 20 * N_TIMERS; n++) {
		unsigned i = (unsigned)rng_below(&r, N_TIMERS);

		f.due_ns[i] = rng_below(&r, 3) ? now_ns + rng_below(&r, 1000000) : LOOP_NEVER;
		loop_set_timer(f.loop, &f.timers[i], f.due_ns[i]);
	}
	for (unsigned i = 0; i < N_TIMERS; i++)
		f.n_expected += f.due_ns[i] != LOOP_NEVER;
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_fired, f.n_expected);
	loop_free(f.loop);
}

static void run(struct loop_task *task)
{
	struct fixture *f = task->arg;
	unsigned i = (unsigned)(task - f->tasks);

	f->order[f->n_run++] = (char)('0' + i);
	/* The first takes out the second and comes again; the third stops. */
	if (i == 0 && f->n_run == 1) {
		loop_unqueue(f->loop, &f->tasks[1]);
		loop_unqueue(f->loop, &f->tasks[1]);
		loop_queue(f->loop, task);
		loop_queue(f->loop, task);
	}
	if (i == N_TASKS - 1)
		loop_unqueue(f->loop, &f->tasks[2]);
	if (f->n_run == N_TASKS)
		loop_stop(f->loop);
}

/* In the order in which they were queued; what is queued meanwhile waits for the next turn. */
static void tasks_run_in_order(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	assert_int_equal(loop_new(&f.loop), 0);
	for (unsigned i = 0; i < N_TASKS; i++) {
		f.tasks[i] = (struct loop_task){ .fn = run, .arg = &f };
		loop_queue(f.loop, &f.tasks[i]);
	}
	assert_int_equal(loop_run(f.loop), 0);
	assert_string_equal(f.order, "02340");
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(tasks_run_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
