/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wake.h - one thread tells another that there is news: an eventfd that is written only when the
 * other does not know yet
 *
 * The waker publishes its news, then raises. The sleeper polls the descriptor; when it is readable
 * it clears, and only then looks for news, so that none is missed.
 */
#pragma once

#include <stdatomic.h>

struct wake {
	int fd; /* for poll and epoll: POLLIN */
	atomic_bool raised;
};

/* Returns 0 or -errno. */
int wake_open(struct wake *w);
void wake_close(struct wake *w);

void wake_raise(struct wake *w);
void wake_clear(struct wake *w);
