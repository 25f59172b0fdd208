/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/tls_pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

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
	struct tls_pool_job *newest;       /* of those that are, and were not told */
	bool quits;
	unsigned n_threads;
	struct worker threads[TLS_POOL_THREADS_MAX];
};

unsigned tls_pool_n_threads(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	if (n < PROCESSORS_MIN)
		return 0;
	return n / 2 < TLS_POOL_THREADS_MAX ? (unsigned)n / 2 : TLS_POOL_THREADS_MAX;
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
static struct tls_pool_job *next_job(struct tls_pool *crew)
{
	struct tls_pool_job *job;

	pthread_mutex_lock(&crew->lock);
	while (!crew->first && !crew->quits)
		pthread_cond_wait(&crew->given, &crew->lock);
	job = crew->first;
	if (job)
		crew->first = job->next;
	pthread_mutex_unlock(&crew->lock);
	return job;
}

static void run(void *arg)
{
	struct tls_pool *crew = arg;
	struct tls_pool_job *job;

	while ((job = next_job(crew))) {
		work(job);
		pthread_mutex_lock(&crew->lock);
		job->finished = true;
		job->next = crew->newest;
		crew->newest = job;
		pthread_cond_broadcast(&crew->finished);
		pthread_mutex_unlock(&crew->lock);
		wake_raise(&crew->news);
	}
}

static struct tls_pool_job *pop_finished(struct tls_pool *crew)
{
	struct tls_pool_job *job;

	pthread_mutex_lock(&crew->lock);
	job = crew->newest;
	if (job)
		crew->newest = job->next;
	pthread_mutex_unlock(&crew->lock);
	return job;
}

static void news_event(struct loop_io *io, uint32_t events)
{
	struct tls_pool *crew = io->arg;
	struct tls_pool_job *job;

	wake_clear(&crew->news);
	while ((job = pop_finished(crew))) {
		job->done = true;
		job->told(job->arg);
	}
}

int tls_pool_new(struct tls_pool **out, struct loop *loop, unsigned n_threads)
{
	struct tls_pool *crew = calloc(1, sizeof(*crew));
	int r;

	if (!crew)
		return -ENOMEM;
	r = wake_open(&crew->news);
	if (r)
		goto free_crew;
	crew->loop = loop;
	crew->io = (struct loop_io){ .fd = crew->news.fd, .fn = news_event, .arg = crew };
	r = loop_add(loop, &crew->io, EPOLLIN);
	if (r)
		goto close_wake;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->given, NULL);
	pthread_cond_init(&crew->finished, NULL);
	while (!r && crew->n_threads < n_threads) {
		r = worker_start(&crew->threads[crew->n_threads], run, crew);
		crew->n_threads += !r;
	}
	if (r)
		tls_pool_free(crew);
	else
		*out = crew;
	return r;
close_wake:
	wake_close(&crew->news);
free_crew:
	free(crew);
	return r;
}

struct tls_pool *tls_pool_free(struct tls_pool *crew)
{
	bool ended = true;

	if (!crew)
		return NULL;
	pthread_mutex_lock(&crew->lock);
	crew->quits = true;
	pthread_cond_broadcast(&crew->given);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->n_threads; i++)
		ended &= worker_end(&crew->threads[i]);
	/* Never seen; what it uses has to stay. */
	if (!ended)
		return NULL;
	pthread_cond_destroy(&crew->finished);
	pthread_cond_destroy(&crew->given);
	pthread_mutex_destroy(&crew->lock);
	loop_remove(crew->loop, &crew->io);
	wake_close(&crew->news);
	free(crew);
	return NULL;
}

struct tls_pool_job *tls_pool_job_new(struct channel ch, void (*told)(void *arg), void *arg)
{
	struct tls_pool_job *job = malloc(sizeof(*job));

	if (!job)
		return NULL;
	/* All but the buffer, so that an untouched one costs nothing. */
	job->ch = ch;
	job->told = told;
	job->arg = arg;
	job->given = job->done = false;
	return job;
}

void tls_pool_give(struct tls_pool *crew, struct tls_pool_job *job)
{
	job->given = true;
	job->finished = false;
	job->next = NULL;
	pthread_mutex_lock(&crew->lock);
	if (crew->first)
		crew->last->next = job;
	else
		crew->first = job;
	crew->last = job;
	pthread_cond_signal(&crew->given);
	pthread_mutex_unlock(&crew->lock);
}

bool tls_pool_done(struct tls_pool_job *job)
{
	bool done = job->done;

	if (done)
		job->given = job->done = false;
	return done;
}

void tls_pool_wait(struct tls_pool *crew, struct tls_pool_job *job)
{
	struct tls_pool_job **at = &crew->newest;

	if (!job->given || job->done)
		return;
	pthread_mutex_lock(&crew->lock);
	while (!job->finished)
		pthread_cond_wait(&crew->finished, &crew->lock);
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	pthread_mutex_unlock(&crew->lock);
	job->done = true;
}
