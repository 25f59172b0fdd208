/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint/mover.h"

#include <assert.h>
#include <string.h>

#include "io/clock.h"

int mover_start(struct mover *m, const struct mover_config *config, void (*run)(void *arg),
		void *arg)
{
	int r = digest_new(&m->digest);

	if (r)
		return r;
	m->buf = config->buf;
	m->news = config->news;
	atomic_init(&m->command_runs, config->command);
	m->start_ns = clock_ns(CLOCK_MONOTONIC);
	r = worker_start(&m->worker, run, arg);
	if (r)
		m->digest = digest_free(m->digest);
	return r;
}

bool mover_end(struct mover *m)
{
	if (!worker_end(&m->worker))
		return false;
	m->digest = digest_free(m->digest);
	return true;
}

void mover_set_limit(struct mover *m, uint64_t limit)
{
	uint64_t before = atomic_load_explicit(&m->limit, memory_order_relaxed);

	assert(limit >= before);
	if (limit == before)
		return;
	atomic_store(&m->limit, limit);
	wake_raise(&m->worker.wake);
}

void mover_command_ended(struct mover *m)
{
	atomic_store(&m->command_runs, false);
	wake_raise(&m->worker.wake);
}

void mover_get(const struct mover *m, struct mover_status *out)
{
	/* State first: what was moved before the end was published before it. */
	out->state = atomic_load(&m->state);
	out->offset = atomic_load(&m->offset);
	if (out->state == MOVER_RUNS)
		return;
	out->error = m->error;
	memcpy(out->digest, m->value, DIGEST_LEN);
}

void mover_time(const struct mover *m, struct mover_time *out)
{
	uint64_t end_ns = atomic_load(&m->end_ns);
	struct thread_time t;

	worker_time(&m->worker, &t);
	out->ran_ns = t.ran_ns;
	out->busy_ns = (end_ns ? end_ns : clock_ns(CLOCK_MONOTONIC)) - m->start_ns -
		       atomic_load(&m->held_ns);
}

int mover_wait(struct mover *m, struct pollfd *p, int ms, bool held)
{
	uint64_t begin_ns = held ? clock_ns(CLOCK_MONOTONIC) : 0;
	int r = worker_wait(&m->worker, p, ms);

	if (held)
		atomic_fetch_add(&m->held_ns, clock_ns(CLOCK_MONOTONIC) - begin_ns);
	return r;
}

void mover_advance(struct mover *m, const void *p, size_t n)
{
	assert(atomic_load(&m->offset) + n <= atomic_load(&m->limit));
	digest_feed_stream(m->digest, p, n);
	atomic_fetch_add(&m->offset, n);
	wake_raise(m->news);
}

int mover_wait_for_command(struct mover *m, int ms)
{
	int r = 0;

	while (!r && atomic_load(&m->command_runs))
		r = worker_wait(&m->worker, NULL, ms);
	return r;
}

void mover_finish(struct mover *m, enum mover_state state, int error)
{
	assert(state != MOVER_RUNS && atomic_load(&m->state) == MOVER_RUNS);
	m->error = error;
	digest_stream_value(m->digest, m->value);
	atomic_store(&m->end_ns, clock_ns(CLOCK_MONOTONIC));
	atomic_store(&m->state, state);
	wake_raise(m->news);
}
