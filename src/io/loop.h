/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - the event loop: epoll, timers, and tasks that run once after each batch of events
 *
 * One loop belongs to one thread. Watches, timers and tasks are embedded in their owner's struct,
 * so that nothing here allocates after loop_new; the owner keeps them alive until they are removed.
 * Callbacks may add and remove any watch, timer or task, their own too: an event that was fetched
 * before its watch was removed is not delivered any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

#define LOOP_NEVER UINT64_MAX

/* A descriptor that is watched. */
struct loop_io {
	int fd;
	void (*fn)(struct loop_io *io, uint32_t events); /* events: EPOLLIN ... */
	void *arg;
};

/* Runs fn once when the time has come. */
struct loop_timer {
	void (*fn)(struct loop_timer *timer);
	void *arg;
	uint64_t due_ns;                        /* LOOP_NEVER: not set */
	struct loop_timer *child, *next, *prev; /* prev: of the first child, the parent */
	bool linked;
};

/* Runs fn once, after the events at hand. */
struct loop_task {
	void (*fn)(struct loop_task *task);
	void *arg;
	struct loop_task *next, *prev;
	bool queued;
};

/* Returns 0 or -errno. */
int loop_new(struct loop **out);
struct loop *loop_free(struct loop *loop);

/* Monotonic time in ns, read once per batch of events. It stands still while the process does not
 * run (SIGSTOP, a machine that was frozen): what is overdue then is so by no fault of a peer's, and
 * its bytes may lie in the sockets. It goes on while the process works, however long (loop.c). */
uint64_t loop_now(const struct loop *loop);

/* Reads the clock anew, for work that takes long within one batch, and returns it. */
uint64_t loop_update(struct loop *loop);

/* io->fd, fn and arg are set by the caller. events as for epoll_ctl (EPOLLET allowed).
 * Returns 0 or -errno. */
int loop_add(struct loop *loop, struct loop_io *io, uint32_t events);
int loop_change(struct loop *loop, struct loop_io *io, uint32_t events);

/* Before the descriptor is closed. */
void loop_remove(struct loop *loop, struct loop_io *io);

/* Sets or moves a timer; LOOP_NEVER clears it. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, uint64_t due_ns);

/* Is it set? When its function runs, it is not. */
static inline bool loop_timer_is_set(const struct loop_timer *timer)
{
	return timer->linked;
}

void loop_queue(struct loop *loop, struct loop_task *task);
void loop_unqueue(struct loop *loop, struct loop_task *task);

/* For a task that runs: how many do in this turn, with it. One that could go on for long leaves
 * more to the others' turns the more they are. */
unsigned loop_n_running(const struct loop *loop);

/* Runs until loop_stop. Returns 0 or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Is no timer set, and no task queued? Their owners are gone then, or should be. */
bool loop_is_empty(const struct loop *loop);
