/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.h - what a session costs this process
 *
 * A process has one session at a time, but for a relay's: there nobody can tell whose the time was.
 */
#pragma once

#include "endpoint/endpoint.h"
#include "engine/worker_pool.h"
#include "io/thread_time.h"
#include "wire/cost.h"

/* The clocks as they stood when the session began. */
struct cost {
	uint64_t process_ns;
	struct thread_time loop;
	struct thread_time pool[WORKER_POOL_THREADS_MAX];
};

/* In the loop's thread, as is the next. pool may be NULL. */
void cost_begin(struct cost *c, struct worker_pool *pool);

/* The session has lasted for elapsed_ns. */
void cost_take(const struct cost *c, const struct endpoint *ep, struct worker_pool *pool,
	       uint64_t elapsed_ns, struct wire_cost *out);
