/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew.h - threads that seal and open the records of several connections at once
 *
 * A connection is the crew's from tls_pool_give until its job is done: meanwhile nobody else
 * touches its channel, the job, or the memory that this points to. Sockets do not block, so that a
 * job never takes long. The session stays in the loop's thread and knows nothing of this: what
 * comes is opened into the job's memory, and copied to its place there.
 *
 * All functions are for the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "session/session.h"
#include "tls/channel.h"

/* What one job receives at most: some records, so that handing over costs little beside them. */
#define TLS_POOL_RX_LEN (128u << 10)

/* More threads than this would wait for the one of the session. */
#define TLS_POOL_THREADS_MAX 16

struct tls_pool;

struct tls_pool_job {
	/* Set by the caller */
	struct channel ch;       /* within TLS */
	void (*told)(void *arg); /* the job is done; called by the loop */
	void *arg;
	bool send, receive; /* what to do, in this order */
	int n_tx;           /* 0: only what was sealed before */
	struct iovec tx[SESSION_IOV];
	/* Results of what was to be done, as channel_send and channel_recv have them, and what came
	 */
	ssize_t sent, received;
	uint8_t rx[TLS_POOL_RX_LEN];
	/* The crew's */
	bool given, done;
	bool finished; /* under its lock, as is: */
	struct tls_pool_job *next;
};

/* Threads for this machine: half of the processors that we may use, 0 if these are too few. */
unsigned tls_pool_n_threads(void);

/* Returns 0 or -errno. loop is borrowed. */
int tls_pool_new(struct tls_pool **out, struct loop *loop, unsigned n_threads);
/* No job may be under way. */
struct tls_pool *tls_pool_free(struct tls_pool *crew);

/* Returns NULL: no memory. free() ends it, but not while it is given. */
struct tls_pool_job *tls_pool_job_new(struct channel ch, void (*told)(void *arg), void *arg);

void tls_pool_give(struct tls_pool *crew, struct tls_pool_job *job);

/* Is the job done? Then it is the caller's again: true once for each tls_pool_give. */
bool tls_pool_done(struct tls_pool_job *job);

/* Returns when the job, if it was given, is done. */
void tls_pool_wait(struct tls_pool *crew, struct tls_pool_job *job);
