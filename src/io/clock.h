/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the kernel's clocks in nanoseconds, and a poll until a point in time
 *
 * For code outside of the event loop: inside, loop_now is the time (loop.h).
 */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID and so on. */
uint64_t clock_ns(clockid_t id);

/* poll until due_ns of CLOCK_MONOTONIC; UINT64_MAX: without a limit. Returns as poll, but 1 after a
 * signal: 0 means that the time has come. */
int clock_poll(struct pollfd *fds, size_t n, uint64_t due_ns);
