/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - threads beside the loop's: start, wait, end
 *
 * The loop's thread owns every worker. A worker waits with worker_wait and nowhere else, but for
 * the system calls that it is there for, and these three rules keep two waits from holding each
 * other:
 *
 *   1. Each wait of a worker asks for the quit first, and is over when the quit comes. So a quit
 *      counts before an end of file or a timeout that comes with it.
 *   2. The loop's thread waits for a worker only after it has asked for the quit, and for
 *      WORKER_END_MS, which is longer than any wait of a worker. No two waits of the pair have one
 *      length: the one that waits longer knows that the other one is over.
 *   3. A worker that has not ended by then is late, or in a system call that nothing interrupts (a
 *      disk, a network file system). No service ends for that: what the worker uses stays, and its
 *      owner asks again later, which does not wait. One session at most hangs in this way (cat.c,
 *      bench_serve.c, measure_server.c): the next one waits for it, as both may use the same files.
 *
 *   waiter             for what                              for how long       quit asked
 *   loop (worker_end)  the worker's end, once                WORKER_END_MS      it is the quit
 *   input              room, bytes                           for ever           first, and after
 *   input              a command's end, after its EOF        INPUT_EXIT_MS      first, and after
 *   output             bytes, room, the consumer's end       for ever           first, and after
 *   output             the stream's end, the consumer left   OUTPUT_LEFT_MS     first, and after
 *   output             a command's end, all written          for ever           first, and after
 *   plain client       the connection, its two descriptors   -w, -q, 10 ms      its wake stays set
 *   worker pool        a job                                 for ever           first, and after
 *   loop (pool)        the job that is being done            one chunk          no: no job waits
 *   any worker         read, write, fdatasync, close         the kernel's time  before and after
 */
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/thread_time.h"
#include "io/wake.h"

/* A thread that is only late has ended by then, unless the machine is very busy; the loop stands
 * still meanwhile. */
#define WORKER_END_MS 1500

struct worker {
	pthread_t thread;
	struct wake wake;  /* raised when there is work, and at the end */
	struct wake ended; /* by the thread: nothing can hold it up any more */
	atomic_bool quit;
	_Atomic pid_t tid;       /* 0: it has not begun */
	_Atomic uint64_t ran_ns; /* of its whole life; 0: it has not ended */
	void (*run)(void *arg);
	void *arg;
};

/* Starts run(arg), with all signals blocked. Returns 0 or -errno. */
int worker_start(struct worker *w, void (*run)(void *arg), void *arg);

/* For the thread: is it to return? */
bool worker_quits(struct worker *w);

/* For the thread: waits until its wake is raised (and clears it), until p (may be NULL; p->fd may
 * be -1) has an event, or for ms (-1: for ever). Returns 0, with p->revents filled in; -ETIMEDOUT;
 * -ECANCELED: the thread is to return; or -errno of poll. */
int worker_wait(struct worker *w, struct pollfd *p, int ms);

/* Asks the thread to return, and joins it. Returns false if it has not returned: the first call
 * waits for WORKER_END_MS, later ones do not wait. Until it returns true, all that the thread uses
 * has to stay. */
bool worker_end(struct worker *w);

/* Joins a thread that has said, as the last thing that it does, that it returns. */
void worker_join(struct worker *w);

/* Processor time that the thread has used, and time that it waited for a processor. */
void worker_time(const struct worker *w, struct thread_time *out);

/* A pipe of the largest size that is allowed without privilege; no harm if fd is no pipe. */
void worker_enlarge_pipe(int fd);
