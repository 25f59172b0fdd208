/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread_time.h - how much processor time a thread has used, and how long it waited for a processor
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct thread_time {
	uint64_t ran_ns;
	uint64_t waited_ns; /* it could have run, but had no processor; 0 where the kernel does not
			       count that */
};

/* Of the calling thread. */
void thread_time_self(struct thread_time *out);

/* Of a thread of this process, by the number that gettid() gives it. Returns 0, or -errno: it has
 * ended, or the kernel does not tell. */
int thread_time_of(pid_t tid, struct thread_time *out);
