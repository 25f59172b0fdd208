/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_pool.h - threads that seal and open the records of several connections at once
 *
 * A connection has a job:
 *
 *    IDLE --tls_pool_give--> GIVEN --a thread has worked on it, and the loop has noticed--> DONE
 *      ^                                                                                     |
 *      +------------------------------- tls_pool_take_back ----------------------------------+
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
#include "session/session.h"
#include "session/session_subflow.h"
#include "tls/channel.h"

/* What one job receives at most: some records, so that handing over costs little in comparison. */
#define TLS_POOL_RX_LEN (128u << 10)

/* More threads than this would wait for the one of the session. */
#define TLS_POOL_THREADS_MAX 16

struct tls_pool;

enum tls_pool_state { TLS_POOL_IDLE, TLS_POOL_GIVEN, TLS_POOL_DONE };

struct tls_pool_job {
	/* Set by the caller */
	struct channel ch;       /* within TLS */
	void (*done)(void *arg); /* the job is in TLS_POOL_DONE; called by the loop */
	void *arg;
	bool send, receive; /* what to do, in this order */
	int n_tx;           /* 0: only what was sealed before */
	struct iovec tx[SESSION_IOV];
	/* Results of what was to be done, as channel_send and channel_recv have them, and what came
	 */
	ssize_t sent, received;
	uint8_t rx[TLS_POOL_RX_LEN];
	/* The pool's */
	enum tls_pool_state state;
	bool finished; /* a thread has worked on it; under the pool's lock, as is: */
	struct tls_pool_job *next;
};

/* Threads for this machine: half of the processors that the process may use, 0 if these are too
 * few. */
unsigned tls_pool_n_threads(void);

/* Returns 0 or -errno. loop is borrowed. */
int tls_pool_new(struct tls_pool **out, struct loop *loop, unsigned n_threads);
/* No job may be under way. */
struct tls_pool *tls_pool_free(struct tls_pool *pool);

/* What each of its threads has used; pool NULL: none. Returns how many there are. */
unsigned tls_pool_times(const struct tls_pool *pool, struct thread_time out[TLS_POOL_THREADS_MAX]);

/* Returns NULL: no memory. free() ends it, but not in TLS_POOL_GIVEN. */
struct tls_pool_job *tls_pool_job_new(struct channel ch, void (*done)(void *arg), void *arg);

/* For a job in TLS_POOL_IDLE. */ void tls_pool_give(struct tls_pool *pool,
						     struct tls_pool_job *job);

/* If the job is done, it becomes the caller's again, with its results. Returns whether it was. */
bool tls_pool_take_back(struct tls_pool_job *job);

/* Returns when the job, if it was given, is done; its callback does not come then. */
void tls_pool_wait(struct tls_pool *pool, struct tls_pool_job *job);
