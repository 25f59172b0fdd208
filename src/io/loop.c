/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop's time is the monotonic clock without the gaps in which the process did not run. A turn
 * has two parts, and a gap looks different in each:
 *
 *   The wait in epoll_wait is as long as was asked for. If it takes STOP_NS more than that, the
 *   process was stopped, and none of it counts.
 *   The work that follows may take long by itself, so processor time tells: if the clock is STOP_NS
 *   ahead of what the thread has used, the process was stopped. What the thread has used counts.
 *
 * So work always counts, however long a turn is. Otherwise peers that keep the loop busy could hold
 * all timers for ever.
 *
 * A thread that could run but gets no processor for STOP_NS is taken for a stopped one. The kernel
 * could tell the two apart (schedstat), but for peers they are the same: their bytes wait in the
 * sockets, and no limit should be over before they are read. On such a machine time goes at least
 * as fast as the thread runs; gaps below STOP_NS count in full.
 */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/clock.h"

#define EVENTS_MAX 64

/* Timers that run before sockets have their turn again. */
#define TIMERS_PER_TURN 32

/* Longer than a thread that runs waits for its processor on a machine that is only busy. */
#define STOP_NS 1000000000ull

#define HOUR_MS 3600000

struct loop {
	int epoll_fd;
	bool stopped;
	uint64_t now_ns;
	uint64_t stopped_ns;       /* the clock is ahead of our time by so much */
	uint64_t ran_ns;           /* processor time of the thread at the last wait or gap */
	struct loop_timer *timers; /* the root of a pairing heap: none is due before it */
	struct loop_task *tasks, *last_task;
	unsigned n_running;                    /* tasks of this turn */
	struct epoll_event events[EVENTS_MAX]; /* the batch at hand */
	int n_events;
};

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int r = -errno;

		free(loop);
		return r;
	}
	loop->now_ns = clock_ns(CLOCK_MONOTONIC);
	loop->ran_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	*out = loop;
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (loop) {
		close(loop->epoll_fd);
		free(loop);
	}
	return NULL;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->now_ns;
}

/* By the clock, since now_ns. */
static uint64_t passed_ns(const struct loop *loop)
{
	return clock_ns(CLOCK_MONOTONIC) - loop->stopped_ns - loop->now_ns;
}

/* Of what has passed by the clock, this counts. */
static void advance(struct loop *loop, uint64_t passed, uint64_t counts)
{
	assert(counts <= passed);
	loop->stopped_ns += passed - counts;
	loop->now_ns += counts;
}

/* After a wait that was to end within wait_ns. */
static void waited(struct loop *loop, uint64_t wait_ns)
{
	uint64_t passed = passed_ns(loop);

	advance(loop, passed, passed > wait_ns + STOP_NS ? 0 : passed);
	loop->ran_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t loop_update(struct loop *loop)
{
	uint64_t passed = passed_ns(loop), counts = passed, ran_ns;

	/* Only then is that clock needed, which takes a system call. */
	if (passed > STOP_NS) {
		ran_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (passed > ran_ns - loop->ran_ns + STOP_NS)
			counts = ran_ns - loop->ran_ns;
		loop->ran_ns = ran_ns;
	}
	advance(loop, passed, counts);
	return loop->now_ns;
}

static int control(struct loop *loop, int op, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	return epoll_ctl(loop->epoll_fd, op, io->fd, &ev) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	assert(io->fd >= 0 && io->fn);
	return control(loop, EPOLL_CTL_ADD, io, events);
}

int loop_change(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, io, events);
}

void loop_remove(struct loop *loop, struct loop_io *io)
{
	control(loop, EPOLL_CTL_DEL, io, 0);
	/* A callback may remove, and free, what the same epoll_wait has reported. */
	for (int i = 0; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
}

/* Timers ----------------------------------------------------------------------------------------
 */

static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->due_ns < a->due_ns) {
		struct loop_timer *t = a;

		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Siblings become one heap: in pairs from the left, then the pairs from the right, which is what
 * keeps the heap flat. */
static struct loop_timer *meld_siblings(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL, *root = NULL;

	while (first) {
		struct loop_timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct loop_timer *a = pairs;

		pairs = a->next;
		a->next = NULL;
		root = meld(root, a);
	}
	return root;
}

static void unlink_timer(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *below = meld_siblings(timer->child);

	assert(timer->linked);
	if (timer == loop->timers) {
		loop->timers = below;
	} else {
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		if (timer->next)
			timer->next->prev = timer->prev;
		loop->timers = meld(loop->timers, below);
	}
	timer->linked = false;
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	if (timer->linked && due_ns == timer->due_ns)
		return;
	if (timer->linked)
		unlink_timer(loop, timer);
	timer->due_ns = due_ns;
	if (due_ns == LOOP_NEVER)
		return;
	assert(timer->fn);
	timer->child = timer->next = timer->prev = NULL;
	timer->linked = true;
	loop->timers = meld(loop->timers, timer);
}

/* Tasks -----------------------------------------------------------------------------------------
 */

void loop_queue(struct loop *loop, struct loop_task *task)
{
	if (task->queued)
		return;
	assert(task->fn);
	task->queued = true;
	task->next = NULL;
	task->prev = loop->last_task;
	*(task->prev ? &task->prev->next : &loop->tasks) = task;
	loop->last_task = task;
}

void loop_unqueue(struct loop *loop, struct loop_task *task)
{
	if (!task->queued)
		return;
	*(task->prev ? &task->prev->next : &loop->tasks) = task->next;
	*(task->next ? &task->next->prev : &loop->last_task) = task->prev;
	task->queued = false;
}

/* Tasks that are queued meanwhile wait for the next turn, so that sockets get theirs. */
static void run_tasks(struct loop *loop)
{
	unsigned n = 0;

	for (const struct loop_task *t = loop->tasks; t; t = t->next)
		n++;
	loop->n_running = n;
	while (n-- > 0 && loop->tasks) {
		struct loop_task *task = loop->tasks;

		loop_unqueue(loop, task);
		task->fn(task);
	}
}

/* -----------------------------------------------------------------------------------------------
 */

static void run_timers(struct loop *loop)
{
	struct loop_timer *t = loop->timers;

	/* A timer that sets itself to the past must not keep the loop here. */
	for (int i = 0; i < TIMERS_PER_TURN && t && t->due_ns <= loop->now_ns;
	     i++, t = loop->timers) {
		loop_set_timer(loop, t, LOOP_NEVER);
		t->fn(t);
	}
}

unsigned loop_n_running(const struct loop *loop)
{
	return loop->n_running;
}

static int wait_ms(const struct loop *loop)
{
	const struct loop_timer *t = loop->timers;
	uint64_t ms;

	if (loop->tasks || (t && t->due_ns <= loop->now_ns))
		return 0;
	if (!t)
		return HOUR_MS;
	/* Rounded up: waking before the time would only be one more turn. */
	ms = (t->due_ns - loop->now_ns + 999999) / 1000000;
	return ms > HOUR_MS ? HOUR_MS : (int)ms;
}

static void deliver(struct loop *loop)
{
	for (int i = 0; i < loop->n_events; i++) {
		struct loop_io *io = loop->events[i].data.ptr;

		if (io)
			io->fn(io, loop->events[i].events);
	}
	loop->n_events = 0;
}

int loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		int ms, n;

		loop_update(loop);
		ms = wait_ms(loop);
		n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		loop->n_events = n < 0 ? 0 : n;
		waited(loop, (uint64_t)ms * 1000000);
		deliver(loop);
		run_timers(loop);
		run_tasks(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

bool loop_is_empty(const struct loop *loop)
{
	return !loop->timers && !loop->tasks;
}
