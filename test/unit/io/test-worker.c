/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a worker's wait ends, and what happens to one that cannot be ended yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "io/worker.h"

struct fixture {
	struct worker worker;
	int hold[2];   /* the thread begins with a read of it that nothing interrupts */
	int closed[2]; /* its end of file is an event from the beginning on */
	int result;    /* of the wait that follows */
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .result = 1 };
	assert_int_equal(pipe(f->hold), 0);
	assert_int_equal(pipe(f->closed), 0);
	close(f->closed[1]);
}

static void teardown(struct fixture *f)
{
	close(f->hold[0]);
	close(f->hold[1]);
	close(f->closed[0]);
}

static void hold_then_wait(void *arg)
{
	struct fixture *f = arg;
	struct pollfd p = { .fd = f->closed[0], .events = POLLIN };
	char byte;

	if (read(f->hold[0], &byte, 1) == 1)
		f->result = worker_wait(&f->worker, &p, -1);
}

/* The owner asks again, at no cost, until the thread has ended; and a quit that comes with an event
 * is not taken for the event. */
static void a_late_thread_is_asked_again(void **state)
{
	struct fixture f;
	unsigned n = 0;

	setup(&f);
	assert_int_equal(worker_start(&f.worker, hold_then_wait, &f), 0);
	assert_false(worker_end(&f.worker));
	assert_false(worker_end(&f.worker));
	assert_int_equal(write(f.hold[1], "", 1), 1);
	while (!worker_end(&f.worker) && n++ < 30000)
		usleep(1000);
	assert_true(n < 30000);
	assert_int_equal(f.result, -ECANCELED);
	teardown(&f);
}

static void wait_for_ever(void *arg)
{
	struct fixture *f = arg;

	do
		f->result = worker_wait(&f->worker, NULL, -1);
	while (!f->result);
}

/* However often it was woken for something else. */
static void a_waiting_thread_ends_at_once(void **state)
{
	struct fixture f;

	setup(&f);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(worker_start(&f.worker, wait_for_ever, &f), 0);
		wake_raise(&f.worker.wake);
		assert_true(worker_end(&f.worker));
		assert_int_equal(f.result, -ECANCELED);
	}
	teardown(&f);
}

/* Without a thread: what a wait says of its events. */
static void a_wait_tells_what_ended_it(void **state)
{
	struct fixture f;
	struct pollfd p;

	setup(&f);
	assert_int_equal(wake_open(&f.worker.wake), 0);
	p = (struct pollfd){ .fd = f.closed[0], .events = POLLIN };
	assert_int_equal(worker_wait(&f.worker, &p, -1), 0);
	assert_true(p.revents & POLLHUP);
	p = (struct pollfd){ .fd = -1 };
	assert_int_equal(worker_wait(&f.worker, &p, 1), -ETIMEDOUT);
	assert_int_equal(p.revents, 0);
	wake_raise(&f.worker.wake);
	assert_int_equal(worker_wait(&f.worker, &p, -1), 0);
	assert_int_equal(p.revents, 0);
	assert_int_equal(worker_wait(&f.worker, NULL, 1), -ETIMEDOUT);
	wake_close(&f.worker.wake);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_thread_is_asked_again),
		cmocka_unit_test(a_waiting_thread_ends_at_once),
		cmocka_unit_test(a_wait_tells_what_ended_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
