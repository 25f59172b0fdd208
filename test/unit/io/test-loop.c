/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop's timers against a plain list of times, and its tasks' order. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/loop.h"
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

/* The clocks ------------------------------------------------------------------------------------
 */

/* So much further than the kernel's. */
static uint64_t ahead_ns[CLOCK_THREAD_CPUTIME_ID + 1];

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);
	uint64_t ns = (uint64_t)ts->tv_nsec + ahead_ns[id];

	ts->tv_sec += (time_t)(ns / 1000000000);
	ts->tv_nsec = (long)(ns % 1000000000);
	return r;
}

static void work(uint64_t ns)
{
	ahead_ns[CLOCK_MONOTONIC] += ns;
	ahead_ns[CLOCK_THREAD_CPUTIME_ID] += ns;
}

static void be_gone(uint64_t ns)
{
	ahead_ns[CLOCK_MONOTONIC] += ns;
}

#define TURN_NS   1500000000ull
#define LIMIT_NS  3000000000ull
#define TURNS_MAX 20

struct tls_budget {
	struct loop *loop;
	struct loop_task task;
	struct loop_timer timer;
	unsigned n;    /* turns of the loop before the timer fired */
	uint64_t gone; /* in each of them, beside the work */
};

static void turn(struct loop_task *task)
{
	struct tls_budget *t = task->arg;

	work(TURN_NS);
	be_gone(t->gone);
	if (++t->n == TURNS_MAX)
		loop_stop(t->loop);
	else
		loop_queue(t->loop, task);
}

static void limit_fired(struct loop_timer *timer)
{
	struct tls_budget *t = timer->arg;

	loop_unqueue(t->loop, &t->task);
	loop_stop(t->loop);
}

/* How many turns of TURN_NS it takes for LIMIT_NS to be over. */
static unsigned turns_of_limit(uint64_t gone)
{
	struct tls_budget t = { .gone = gone };

	assert_int_equal(loop_new(&t.loop), 0);
	t.task = (struct loop_task){ .fn = turn, .arg = &t };
	t.timer = (struct loop_timer){ .fn = limit_fired, .arg = &t, .due_ns = LOOP_NEVER };
	loop_set_timer(t.loop, &t.timer, loop_now(t.loop) + LIMIT_NS);
	loop_queue(t.loop, &t.task);
	assert_int_equal(loop_run(t.loop), 0);
	loop_unqueue(t.loop, &t.task);
	loop_set_timer(t.loop, &t.timer, LOOP_NEVER);
	loop_free(t.loop);
	return t.n;
}

/* Strangers whose handshakes took more than a second of each turn held all timers. */
static void work_is_no_stop(void **state)
{
	assert_int_equal(turns_of_limit(0), 2);
}

/* A process that is stopped in the middle of its work: only the work counts. */
static void a_stop_within_work_does_not_pass(void **state)
{
	assert_int_equal(turns_of_limit(100 * LIMIT_NS), 2);
}

/* Work that takes long within one batch looks at the clock itself. */
static void an_update_tells_work_from_a_stop(void **state)
{
	struct loop *loop;
	uint64_t begin_ns;

	assert_int_equal(loop_new(&loop), 0);
	begin_ns = loop_now(loop);
	for (int i = 0; i < 5; i++) {
		work(TURN_NS);
		loop_update(loop);
		be_gone(100 * LIMIT_NS);
		loop_update(loop);
	}
	assert_in_range(loop_now(loop) - begin_ns, 5 * TURN_NS, 5 * TURN_NS + TURN_NS);
	loop_free(loop);
}

/* -----------------------------------------------------------------------------------------------
 */

#define SHORT_NS 400000000ull
#define STOP_S   2

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Exit status 0: the timer fired when most of SHORT_NS had passed beside the stop. */
static void be_stopped(int ready_fd)
{
	static struct fixture f;
	uint64_t begin_ns = clock_ns();

	f.n_expected = 1;
	if (loop_new(&f.loop))
		exit(1);
	f.due_ns[0] = loop_now(f.loop) + SHORT_NS;
	f.timers[0] = (struct loop_timer){ .fn = fired, .arg = &f, .due_ns = LOOP_NEVER };
	loop_set_timer(f.loop, &f.timers[0], f.due_ns[0]);
	if (write(ready_fd, "", 1) != 1)
		exit(1);
	loop_run(f.loop);
	exit(clock_ns() - begin_ns < STOP_S * 1000000000ull + SHORT_NS / 2);
}

/* What a process that was stopped finds overdue is nobody's fault. */
static void stopped_time_does_not_pass(void **state)
{
	int status = 0, ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	/* It may be through before the signal comes. */
	do {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			be_stopped(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		kill(pid, SIGSTOP);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	} while (!WIFSTOPPED(status));
	sleep(STOP_S);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(tasks_run_in_order),
		cmocka_unit_test(work_is_no_stop),
		cmocka_unit_test(a_stop_within_work_does_not_pass),
		cmocka_unit_test(an_update_tells_work_from_a_stop),
		cmocka_unit_test(stopped_time_does_not_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
