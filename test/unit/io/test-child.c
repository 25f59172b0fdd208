/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command is ended without anything else having to wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "io/child.h"

#define GIVE_UP_NS 60000000000ull
#define TICK_NS    10000000ull

struct fixture {
	struct loop *loop;
	struct child *child;
	struct loop_timer limit, tick;
	struct loop_task gone;
	unsigned n_ticks; /* of a timer that the loop serves meanwhile */
	unsigned n_ended, n_gone;
	char failure[CHILD_TEXT_LEN];
};

static void on_ended(void *arg, const char *failure)
{
	struct fixture *f = arg;

	f->n_ended++;
	strcpy(f->failure, failure ? failure : "");
	loop_stop(f->loop);
}

static void on_gone(struct loop_task *task)
{
	struct fixture *f = task->arg;

	f->n_gone++;
	loop_stop(f->loop);
}

static void on_tick(struct loop_timer *timer)
{
	struct fixture *f = timer->arg;

	f->n_ticks++;
	loop_set_timer(f->loop, timer, loop_now(f->loop) + TICK_NS);
}

static void on_limit(struct loop_timer *timer)
{
	fail_msg("the command does not end");
}

/* Runs it, with its output in a pipe. */
static void start(struct fixture *f, const char *script)
{
	char *argv[] = { (char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)script, NULL };
	struct child_config config = {
		.argv = argv, .feed = true, .drain = true, .ended = on_ended, .arg = f
	};

	*f = (struct fixture){ 0 };
	f->limit = (struct loop_timer){ .fn = on_limit, .arg = f, .due_ns = LOOP_NEVER };
	f->tick = (struct loop_timer){ .fn = on_tick, .arg = f, .due_ns = LOOP_NEVER };
	f->gone = (struct loop_task){ .fn = on_gone, .arg = f };
	assert_int_equal(loop_new(&f->loop), 0);
	loop_set_timer(f->loop, &f->limit, loop_now(f->loop) + GIVE_UP_NS);
	loop_set_timer(f->loop, &f->tick, loop_now(f->loop) + TICK_NS);
	assert_int_equal(child_new(&f->child, f->loop, &config), 0);
	assert_int_equal(child_start(f->child, environ), 0);
}

/* Its first line, so that what the script did before has been done. */
static void expect_line(struct fixture *f, const char *line)
{
	char buf[64];
	size_t n = 0;

	while (n < strlen(line)) {
		ssize_t got = read(child_out_fd(f->child), buf + n, strlen(line) - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	assert_memory_equal(buf, line, n);
}

/* Is there nothing that could still write to its output? */
static void expect_dead(struct fixture *f)
{
	char byte;

	assert_int_equal(read(child_out_fd(f->child), &byte, 1), 0);
}

static void stop(struct fixture *f)
{
	loop_set_timer(f->loop, &f->limit, LOOP_NEVER);
	loop_set_timer(f->loop, &f->tick, LOOP_NEVER);
	assert_null(child_free(f->child));
	loop_free(f->loop);
}

static void ends_by_itself(void **state)
{
	struct fixture f;

	start(&f, "exit 3");
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_ended, 1);
	assert_string_equal(f.failure, "the command exited with status 3");
	/* Nothing is left to end. */
	child_end(f.child, &f.gone);
	assert_int_equal(f.n_gone, 0);
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_gone, 1);
	stop(&f);
}

static void ends_when_asked(void **state)
{
	struct fixture f;

	start(&f, "trap 'echo asked; exit' TERM; echo ready; while :; do sleep 0.01; done");
	expect_line(&f, "ready\n");
	child_end(f.child, &f.gone);
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_gone, 1);
	assert_int_equal(f.n_ended, 0);
	expect_line(&f, "asked\n");
	stop(&f);
}

/* A process of its group that ignores SIGTERM as well. */
static void is_killed_and_keeps_nobody_waiting(void **state)
{
	struct fixture f;

	start(&f, "trap '' TERM; echo ready; sleep 1000 | sleep 1000");
	expect_line(&f, "ready\n");
	child_end(f.child, &f.gone);
	assert_int_equal(f.n_gone, 0);
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_gone, 1);
	assert_int_equal(f.n_ended, 0);
	assert_true(f.n_ticks > 0);
	expect_dead(&f);
	stop(&f);
}

static void is_killed_at_once(void **state)
{
	struct fixture f;

	start(&f, "trap '' TERM; echo ready; sleep 1000 | sleep 1000");
	expect_line(&f, "ready\n");
	child_end(f.child, &f.gone);
	child_kill(f.child);
	expect_dead(&f);
	assert_int_equal(f.n_gone, 0);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_by_itself),
		cmocka_unit_test(ends_when_asked),
		cmocka_unit_test(is_killed_and_keeps_nobody_waiting),
		cmocka_unit_test(is_killed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
