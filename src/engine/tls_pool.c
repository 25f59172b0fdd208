/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue of jobs in the order in which they were given, threads that take the first one, and a
 * stack of those that are finished, for the loop.
 *
 *    loop                          lock                      threads
 *    tls_pool_give ----> first .. last  ----> next_job() -> work()
 *    news_event    <----    newest ..   <------------------- run()
 *
 * A job's bytes are handed from thread to thread by the lock: whoever finds the job in a list sees
 * all that was written to it before. job->state belongs to the loop's thread alone, so that asking
 * for it takes no lock; job->finished belongs to the lock. Jobs are independent of each other, so
 * the order in which they finish has no meaning. A thread waits for nothing but a job or the end.
 */
#include "engine/tls_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "io/processors.h"
#include "io/worker.h"

/* With fewer processors the threads of the session and of its input or output use them all. */
#define PROCESSORS_MIN 4

struct tls_pool {
	struct loop *loop;
	struct wake news; /* something is finished */
	struct loop_io io;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t given, finished;
	struct tls_pool_job *first, *last; /* to be done */
	struct tls_pool_job *newest;       /* finished, and the loop has not noticed */
	bool quits;
	unsigned n_threads;
	struct worker threads[TLS_POOL_THREADS_MAX];
};

unsigned tls_pool_n_threads(void)
{
	unsigned n = processors_allowed();

	if (n < PROCESSORS_MIN)
		return 0;
	return n / 2 < TLS_POOL_THREADS_MAX ? n / 2 : TLS_POOL_THREADS_MAX;
}

static void work(struct tls_pool_job *job)
{
	const struct iovec rx = { .iov_base = job->rx, .iov_len = sizeof(job->rx) };

	if (job->send) {
		job->sent = channel_flush(job->ch);
		if (!job->sent && job->n_tx)
			job->sent = channel_send(job->ch, job->tx, job->n_tx);
	}
	if (job->receive)
		job->received = channel_recv(job->ch, &rx, 1);
}

/* Waits for a job. Returns NULL when the thread is to end. */
static struct tls_pool_job *next_job(struct tls_pool *pool)
{
	struct tls_pool_job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->quits)
		pthread_cond_wait(&pool->given, &pool->lock);
	job = pool->first;
	if (job)
		pool->first = job->next;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void run(void *arg)
{
	struct tls_pool *pool = arg;
	struct tls_pool_job *job;

	while ((job = next_job(pool))) {
		work(job);
		pthread_mutex_lock(&pool->lock);
		job->finished = true;
		job->next = pool->newest;
		pool->newest = job;
		pthread_cond_broadcast(&pool->finished);
		pthread_mutex_unlock(&pool->lock);
		wake_raise(&pool->news);
	}
}

static struct tls_pool_job *pop_finished(struct tls_pool *pool)
{
	struct tls_pool_job *job;

	pthread_mutex_lock(&pool->lock);
	job = pool->newest;
	if (job)
		pool->newest = job->next;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void news_event(struct loop_io *io, uint32_t events)
{
	struct tls_pool *pool = io->arg;
	struct tls_pool_job *job;

	wake_clear(&pool->news);
	while ((job = pop_finished(pool))) {
		job->state = TLS_POOL_DONE;
		job->done(job->arg);
	}
}

int tls_pool_new(struct tls_pool **out, struct loop *loop, unsigned n_threads)
{
	struct tls_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	r = wake_open(&pool->news);
	if (r)
		goto free_pool;
	pool->loop = loop;
	pool->io = (struct loop_io){ .fd = pool->news.fd, .fn = news_event, .arg = pool };
	r = loop_add(loop, &pool->io, EPOLLIN);
	if (r)
		goto close_wake;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->given, NULL);
	pthread_cond_init(&pool->finished, NULL);
	while (!r && pool->n_threads < n_threads) {
		r = worker_start(&pool->threads[pool->n_threads], run, pool);
		pool->n_threads += !r;
	}
	if (r)
		tls_pool_free(pool);
	else
		*out = pool;
	return r;
close_wake:
	wake_close(&pool->news);
free_pool:
	free(pool);
	return r;
}

struct tls_pool *tls_pool_free(struct tls_pool *pool)
{
	bool ended = true;

	if (!pool)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	pool->quits = true;
	pthread_cond_broadcast(&pool->given);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_threads; i++)
		ended &= worker_end(&pool->threads[i]);
	/* No thread has ever hung here; if one does, what it uses has to stay. */
	if (!ended)
		return NULL;
	pthread_cond_destroy(&pool->finished);
	pthread_cond_destroy(&pool->given);
	pthread_mutex_destroy(&pool->lock);
	loop_remove(pool->loop, &pool->io);
	wake_close(&pool->news);
	free(pool);
	return NULL;
}

unsigned tls_pool_times(const struct tls_pool *pool, struct thread_time out[TLS_POOL_THREADS_MAX])
{
	for (unsigned i = 0; pool && i < pool->n_threads; i++)
		worker_time(&pool->threads[i], &out[i]);
	return pool ? pool->n_threads : 0;
}

struct tls_pool_job *tls_pool_job_new(struct channel ch, void (*done)(void *arg), void *arg)
{
	struct tls_pool_job *job = malloc(sizeof(*job));

	if (!job)
		return NULL;
	/* All but the buffer, so that an untouched one costs nothing. */
	job->ch = ch;
	job->done = done;
	job->arg = arg;
	job->state = TLS_POOL_IDLE;
	return job;
}

void tls_pool_give(struct tls_pool *pool, struct tls_pool_job *job)
{
	assert(job->state == TLS_POOL_IDLE);
	job->state = TLS_POOL_GIVEN;
	job->finished = false;
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->first)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	pthread_cond_signal(&pool->given);
	pthread_mutex_unlock(&pool->lock);
}

bool tls_pool_take_back(struct tls_pool_job *job)
{
	bool done = job->state == TLS_POOL_DONE;

	if (done)
		job->state = TLS_POOL_IDLE;
	return done;
}

void tls_pool_wait(struct tls_pool *pool, struct tls_pool_job *job)
{
	struct tls_pool_job **at = &pool->newest;

	if (job->state != TLS_POOL_GIVEN)
		return;
	pthread_mutex_lock(&pool->lock);
	while (!job->finished)
		pthread_cond_wait(&pool->finished, &pool->lock);
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	pthread_mutex_unlock(&pool->lock);
	job->state = TLS_POOL_DONE;
}
