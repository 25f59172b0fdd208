/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue of jobs in the order in which they were given, threads that take the first one, and a
 * stack of those that are finished, for the loop.
 *
 *    loop                          lock                      threads
 *    worker_pool_give ----> first .. last  ----> next_job() -> work()
 *    news_event    <----    newest ..   <------------------- run()
 *
 * A job's bytes are handed from thread to thread by the lock: whoever finds the job in a list sees
 * all that was written to it before. job->state belongs to the loop's thread alone, so that asking
 * for it takes no lock; job->finished belongs to the lock. Jobs are independent of each other, so
 * the order in which they finish has no meaning. A thread waits for nothing but a job or the end.
 */
#include "engine/worker_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "io/processors.h"
#include "io/worker.h"
#include "wire/digest.h"

/* With fewer processors the threads of the session and of its input or output use them all. */
#define PROCESSORS_MIN 4

struct worker_pool {
	struct loop *loop;
	struct wake news; /* something is finished */
	struct loop_io io;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t given, finished;
	struct worker_job *first, *last; /* to be done */
	struct worker_job *newest;       /* finished, and the loop has not noticed */
	bool quits;
	unsigned n_threads;
	struct worker threads[WORKER_POOL_THREADS_MAX];
};

unsigned worker_pool_n_threads(void)
{
	unsigned n = processors_allowed();

	if (n < PROCESSORS_MIN)
		return 0;
	return n / 2 < WORKER_POOL_THREADS_MAX ? n / 2 : WORKER_POOL_THREADS_MAX;
}

static void work(struct worker_job *job)
{
	if (job->send) {
		if (job->header.out)
			session_sign(&job->header);
		job->sent = channel_flush(job->ch);
		if (!job->sent && job->n_tx)
			job->sent = channel_send(job->ch, job->tx, job->n_tx);
	}
	if (job->receive) {
		job->received = channel_recv(job->ch, job->rx, job->n_rx);
		job->verdict = SESSION_NOT_VERIFIED;
		if (job->received > 0)
			job->verdict =
				session_verify(&job->chunk, (size_t)job->received, job->digest);
	}
}

/* Waits for a job. Returns NULL when the thread is to end. */
static struct worker_job *next_job(struct worker_pool *pool)
{
	struct worker_job *job;

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
	struct worker_pool *pool = arg;
	struct worker_job *job;

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

static struct worker_job *pop_finished(struct worker_pool *pool)
{
	struct worker_job *job;

	pthread_mutex_lock(&pool->lock);
	job = pool->newest;
	if (job)
		pool->newest = job->next;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void news_event(struct loop_io *io, uint32_t events)
{
	struct worker_pool *pool = io->arg;
	struct worker_job *job;

	wake_clear(&pool->news);
	while ((job = pop_finished(pool))) {
		job->state = WORKER_JOB_DONE;
		job->done(job->arg);
	}
}

int worker_pool_new(struct worker_pool **out, struct loop *loop, unsigned n_threads)
{
	struct worker_pool *pool = calloc(1, sizeof(*pool));
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
		worker_pool_free(pool);
	else
		*out = pool;
	return r;
close_wake:
	wake_close(&pool->news);
free_pool:
	free(pool);
	return r;
}

struct worker_pool *worker_pool_free(struct worker_pool *pool)
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

unsigned worker_pool_times(const struct worker_pool *pool,
			   struct thread_time out[WORKER_POOL_THREADS_MAX])
{
	for (unsigned i = 0; pool && i < pool->n_threads; i++)
		worker_time(&pool->threads[i], &out[i]);
	return pool ? pool->n_threads : 0;
}

struct worker_job *worker_job_new(struct channel ch, void (*done)(void *arg), void *arg)
{
	struct worker_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	if (digest_new(&job->digest)) {
		free(job);
		return NULL;
	}
	job->ch = ch;
	job->done = done;
	job->arg = arg;
	return job;
}

void worker_job_free(struct worker_job *job)
{
	if (!job)
		return;
	assert(job->state != WORKER_JOB_GIVEN);
	digest_free(job->digest);
	free(job);
}

void worker_pool_give(struct worker_pool *pool, struct worker_job *job)
{
	assert(job->state == WORKER_JOB_IDLE);
	job->state = WORKER_JOB_GIVEN;
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

bool worker_pool_take_back(struct worker_job *job)
{
	bool done = job->state == WORKER_JOB_DONE;

	if (done)
		job->state = WORKER_JOB_IDLE;
	return done;
}

void worker_pool_wait(struct worker_pool *pool, struct worker_job *job)
{
	struct worker_job **at = &pool->newest;

	if (job->state != WORKER_JOB_GIVEN)
		return;
	pthread_mutex_lock(&pool->lock);
	while (!job->finished)
		pthread_cond_wait(&pool->finished, &pool->lock);
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	pthread_mutex_unlock(&pool->lock);
	job->state = WORKER_JOB_DONE;
}
