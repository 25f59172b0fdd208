/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_pool.h - threads that move the payload of several connections at once
 *
 * A connection has a job:
 *
 *    IDLE --worker_pool_give--> GIVEN --a worker is done, and the loop has noticed--> DONE
 *      ^                                                                              |
 *      +---------------------------- worker_pool_take_back ---------------------------+
 *
 * In GIVEN the connection is the pool's: nobody else touches its channel, the job, or the memory
 * that the job points to. Sockets do not block, so a job never takes long.
 *
 * All functions are for the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "io/thread_time.h"
#include "session/session_loan.h"
#include "tls/channel.h"

/* More threads than this would wait for the one of the session. */
#define WORKER_POOL_THREADS_MAX 16

struct worker_pool;

enum worker_job_state { WORKER_JOB_IDLE, WORKER_JOB_GIVEN, WORKER_JOB_DONE };

struct worker_job {
	/* Set by the caller */
	struct channel ch;
	void (*done)(void *arg); /* the job is in WORKER_JOB_DONE; called by the loop */
	void *arg;
	bool send, receive; /* what to do, in this order */
	int n_tx;           /* 0: only what was sealed before */
	struct iovec tx[SESSION_IOV];
	struct session_header header; /* to be signed before */
	int n_rx;
	struct iovec rx[SESSION_IOV];
	struct session_chunk chunk; /* that rx is some of */
	/* Results of what was to be done, as channel_send and channel_recv have them */
	ssize_t sent, received;
	enum session_verdict verdict; /* of the chunk */
	/* The pool's */
	enum worker_job_state state;
	struct digest *digest; /* owned, scratch */
	bool finished;         /* a thread has worked on it; under the pool's lock, as is: */
	struct worker_job *next;
};

/* Threads for this machine: half of the processors that the process may use, 0 if these are too
 * few. */
unsigned worker_pool_n_threads(void);

/* Returns 0 or -errno. loop is borrowed. */
int worker_pool_new(struct worker_pool **out, struct loop *loop, unsigned n_threads);
/* No job may be under way. */
struct worker_pool *worker_pool_free(struct worker_pool *pool);

/* What each of its threads has used; pool NULL: none. Returns how many there are. */
unsigned worker_pool_times(const struct worker_pool *pool,
			   struct thread_time out[WORKER_POOL_THREADS_MAX]);

/* Returns NULL: no memory. */
struct worker_job *worker_job_new(struct channel ch, void (*done)(void *arg), void *arg);
/* Not in WORKER_JOB_GIVEN. */
void worker_job_free(struct worker_job *job);

/* For a job in WORKER_JOB_IDLE. */
void worker_pool_give(struct worker_pool *pool, struct worker_job *job);

/* If the job is done, it becomes the caller's again, with its results. Returns whether it was. */
bool worker_pool_take_back(struct worker_job *job);

/* Returns when the job, if it was given, is done; its callback does not come then. */
void worker_pool_wait(struct worker_pool *pool, struct worker_job *job);
