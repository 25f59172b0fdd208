/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct loop {
	int epoll_fd;
	bool stopped;
	uint64_t now_ns;
	struct loop_timer *timers; /* unordered: ten or so, and one for each stranger */
	struct loop_task *tasks;
	struct epoll_event events[EVENTS_MAX]; /* the batch at hand */
	int n_events;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

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
	loop->now_ns = clock_ns();
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

uint64_t loop_update(struct loop *loop)
{
	loop->now_ns = clock_ns();
	return loop->now_ns;
}

static int control(struct loop *loop, int op, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	return epoll_ctl(loop->epoll_fd, op, io->fd, &ev) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, io, events);
}

int loop_change(struct loop *loop, struct loop_io *io, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, io, events);
}

void loop_remove(struct loop *loop, struct loop_io *io)
{
	control(loop, EPOLL_CTL_DEL, io, 0);
	for (int i = 0; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
}

static void unlink_timer(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **p = &loop->timers;

	while (*p != timer)
		p = &(*p)->next;
	*p = timer->next;
	timer->linked = false;
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	timer->due_ns = due_ns;
	if (due_ns == LOOP_NEVER && timer->linked)
		unlink_timer(loop, timer);
	if (due_ns != LOOP_NEVER && !timer->linked) {
		timer->next = loop->timers;
		timer->linked = true;
		loop->timers = timer;
	}
}

void loop_queue(struct loop *loop, struct loop_task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	task->next = loop->tasks;
	loop->tasks = task;
}

void loop_unqueue(struct loop *loop, struct loop_task *task)
{
	struct loop_task **p = &loop->tasks;

	if (!task->queued)
		return;
	while (*p != task)
		p = &(*p)->next;
	*p = task->next;
	task->queued = false;
}

/* Tasks that are queued meanwhile wait for the next turn, so that sockets get theirs. */
static void run_tasks(struct loop *loop)
{
	int n = 0;

	for (const struct loop_task *t = loop->tasks; t; t = t->next)
		n++;
	while (n-- > 0 && loop->tasks) {
		struct loop_task *task = loop->tasks, **p = &loop->tasks;

		/* The oldest is the last of the list. */
		for (; task->next; task = task->next)
			p = &task->next;
		*p = NULL;
		task->queued = false;
		task->fn(task);
	}
}

static struct loop_timer *first_timer(const struct loop *loop)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *t = loop->timers; t; t = t->next)
		if (!first || t->due_ns < first->due_ns)
			first = t;
	return first;
}

static void run_timers(struct loop *loop)
{
	struct loop_timer *t = first_timer(loop);

	/* Not more often than there are timers: one that sets itself to the past must not hang us.
	 */
	for (int i = 0; i < 32 && t && t->due_ns <= loop->now_ns; i++, t = first_timer(loop)) {
		loop_set_timer(loop, t, LOOP_NEVER);
		t->fn(t);
	}
}

static int wait_ms(const struct loop *loop)
{
	const struct loop_timer *t = first_timer(loop);
	uint64_t now;

	if (loop->tasks)
		return 0;
	if (!t)
		return -1;
	now = clock_ns();
	if (t->due_ns <= now)
		return 0;
	/* Rounded up: waking before the time would only be one more turn. */
	now = (t->due_ns - now + 999999) / 1000000;
	return now > 3600000 ? 3600000 : (int)now;
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
		int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, wait_ms(loop));

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->n_events = n < 0 ? 0 : n;
		loop->now_ns = clock_ns();
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
