/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/clock.h"

#include <errno.h>
#include <limits.h>

#include "util/units.h"

uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int clock_poll(struct pollfd *fds, size_t n, uint64_t due_ns)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), ms = (due_ns - now_ns) / NS_PER_MS + 1;
	int timeout = -1, r;

	if (due_ns != UINT64_MAX)
		timeout = due_ns <= now_ns ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
	r = poll(fds, n, timeout);
	return r < 0 && errno == EINTR ? 1 : r;
}
