/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - the threads of input and output: start, wake, end
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "net/wake.h"

struct worker {
	pthread_t thread;
	struct wake wake;  /* raised when there is work, and at the end */
	struct wake ended; /* by the thread: nothing can hold it up any more */
	atomic_bool quit;
	void (*run)(void *arg);
	void *arg;
};

/* Starts run(arg), with all signals blocked. Returns 0 or -errno. */
int worker_start(struct worker *w, void (*run)(void *arg), void *arg);

/* For the thread: is it to return? */
bool worker_quits(struct worker *w);

/* Asks the thread to return and joins it. Returns false if it does not within WORKER_END_MS: it is
 * stuck in a read or write that cannot be interrupted, and everything it uses has to stay. */
#define WORKER_END_MS 1000
bool worker_end(struct worker *w);

/* A pipe of the largest size that is allowed without privilege; no harm if fd is no pipe. */
void worker_enlarge_pipe(int fd);
