/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.c - a thread that can always be asked to end
 *
 *              worker_start            run() returns           worker_join, worker_end
 *   nothing ----------------> RUNS -------------------> ENDED ------------------------> nothing
 *                               |     `ended` is raised
 *                               | worker_end: `quit`, `wake` is raised; false if it is too slow,
 *                               v and the next call asks again without waiting
 *
 * What always holds:
 * - A thread waits in worker_wait() alone, which watches `wake` too; a blocking system call between
 *   two waits is what can make it slow to end.
 * - All signals are the main thread's, but for those with which the kernel stops a background job.
 * - quit, tid and ran_ns are atomic; everything else is written before the thread starts.
 */
#include "io/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "io/clock.h"

/* The threads only call read, write and the checksum. */
#define STACK_LEN (128 << 10)

/* The kernel's default of /proc/sys/fs/pipe-max-size; more needs privilege. */
#define PIPE_LEN (1 << 20)

static void *entry(void *arg)
{
	struct worker *w = arg;

	atomic_store(&w->tid, gettid());
	w->run(w->arg);
	atomic_store(&w->ran_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
	wake_raise(&w->ended);
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

	assert(run);
	if (r)
		return r;
	r = wake_open(&w->ended);
	if (r)
		goto close_wake;
	atomic_init(&w->quit, false);
	atomic_init(&w->tid, 0);
	atomic_init(&w->ran_ns, 0);
	w->run = run;
	w->arg = arg;
	r = start_thread(w);
	if (!r)
		return 0;
	wake_close(&w->ended);
close_wake:
	wake_close(&w->wake);
	return r;
}

bool worker_quits(struct worker *w)
{
	return atomic_load(&w->quit);
}

int worker_wait(struct worker *w, struct pollfd *p, int ms)
{
	struct pollfd fds[2] = { { .fd = w->wake.fd, .events = POLLIN }, { .fd = -1 } };
	int n;

	if (p)
		fds[1] = *p;
	if (worker_quits(w))
		return -ECANCELED;
	n = poll(fds, 2, ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	if (n > 0 && fds[0].revents)
		wake_clear(&w->wake);
	if (worker_quits(w))
		return -ECANCELED;
	if (p)
		p->revents = n > 0 ? fds[1].revents : 0;
	return n == 0 ? -ETIMEDOUT : 0;
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	wake_close(&w->ended);
	wake_close(&w->wake);
}

bool worker_end(struct worker *w)
{
	struct pollfd ended = { .fd = w->ended.fd, .events = POLLIN };
	int ms = atomic_exchange(&w->quit, true) ? 0 : WORKER_END_MS;

	wake_raise(&w->wake);
	/* Not pthread_clockjoin_np, which the thread sanitizer of our compilers does not know: it
	 * would take all that comes after for a race. */
	if (poll(&ended, 1, ms) != 1)
		return false;
	worker_join(w);
	return true;
}

void worker_time(const struct worker *w, struct thread_time *out)
{
	pid_t tid = atomic_load(&w->tid);

	*out = (struct thread_time){ 0 };
	if (tid && !atomic_load(&w->ran_ns))
		thread_time_of(tid, out);
	/* It may have ended meanwhile. */
	if (atomic_load(&w->ran_ns))
		out->ran_ns = atomic_load(&w->ran_ns);
}

void worker_enlarge_pipe(int fd)
{
	int len = fcntl(fd, F_GETPIPE_SZ);

	if (len >= 0 && len < PIPE_LEN)
		fcntl(fd, F_SETPIPE_SZ, PIPE_LEN);
}
