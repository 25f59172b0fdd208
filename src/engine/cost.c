/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cost.h"

#include "io/clock.h"

void cost_begin(struct cost *c, struct worker_pool *pool)
{
	c->process_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	thread_time_self(&c->loop);
	worker_pool_times(pool, c->pool);
}

static void add_network(const struct thread_time *before, const struct thread_time *now,
			uint64_t elapsed_ns, struct wire_cost *out)
{
	uint64_t ran_ns = now->ran_ns - before->ran_ns;

	wire_cost_add(out, WIRE_STAGE_NETWORK, ran_ns, ran_ns + now->waited_ns - before->waited_ns,
		      elapsed_ns);
}

void cost_take(const struct cost *c, const struct endpoint *ep, struct worker_pool *pool,
	       uint64_t elapsed_ns, struct wire_cost *out)
{
	struct thread_time loop, threads[WORKER_POOL_THREADS_MAX];
	unsigned n = worker_pool_times(pool, threads);

	*out = (struct wire_cost){ .busy = { WIRE_BUSY_UNKNOWN, WIRE_BUSY_UNKNOWN,
					     WIRE_BUSY_UNKNOWN } };
	thread_time_self(&loop);
	add_network(&c->loop, &loop, elapsed_ns, out);
	for (unsigned i = 0; i < n; i++)
		add_network(&c->pool[i], &threads[i], elapsed_ns, out);
	endpoint_add_cost(ep, elapsed_ns, out);
	out->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - c->process_ns;
}
