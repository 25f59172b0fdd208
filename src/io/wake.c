/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/wake.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wake_open(struct wake *w)
{
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_init(&w->raised, false);
	return w->fd < 0 ? -errno : 0;
}

void wake_close(struct wake *w)
{
	close(w->fd);
}

void wake_raise(struct wake *w)
{
	uint64_t one = 1;

	/* The write cannot fail: the counter is far from its end. */
	if (!atomic_exchange(&w->raised, true) && write(w->fd, &one, sizeof(one)) < 0)
		atomic_store(&w->raised, false);
}

void wake_clear(struct wake *w)
{
	uint64_t count;

	if (read(w->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	atomic_store(&w->raised, false);
}
