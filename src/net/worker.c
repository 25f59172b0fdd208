/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

/* The threads only call read, write and the checksum. */
#define STACK_LEN (128 << 10)

/* The kernel's default of /proc/sys/fs/pipe-max-size; more needs privilege. */
#define PIPE_LEN (1 << 20)

static void *entry(void *arg)
{
	struct worker *w = arg;

	w->run(w->arg);
	return NULL;
}

static int start_thread(struct worker *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r;

	sigfillset(&all);
	/* But these stop a background job that touches its terminal, as they should. */
	sigdelset(&all, SIGTTIN);
	sigdelset(&all, SIGTTOU);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	/* Inherited by the thread: signals are the engine's. */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, &attr, entry, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

int worker_start(struct worker *w, void (*run)(void *arg), void *arg)
{
	int r = wake_open(&w->wake);

	if (r)
		return r;
	atomic_init(&w->quit, false);
	w->run = run;
	w->arg = arg;
	r = start_thread(w);
	if (r)
		wake_close(&w->wake);
	return r;
}

bool worker_quits(struct worker *w)
{
	return atomic_load(&w->quit);
}

bool worker_end(struct worker *w)
{
	struct timespec until;

	atomic_store(&w->quit, true);
	wake_raise(&w->wake);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WORKER_END_MS / 1000;
	if (pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until))
		return false;
	wake_close(&w->wake);
	return true;
}

void worker_enlarge_pipe(int fd)
{
	int len = fcntl(fd, F_GETPIPE_SZ);

	if (len >= 0 && len < PIPE_LEN)
		fcntl(fd, F_SETPIPE_SZ, PIPE_LEN);
}
