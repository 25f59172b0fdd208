/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli/threads.h"

#include <string.h>

#include "ui/log.h"

/* Without a key the thread of the input, or of the output, is busier than the one of the session,
 * so workers would cost processor time and gain nothing (doc/design/workers.md). */
static unsigned n_by_itself(bool sealed)
{
	return sealed ? worker_pool_n_threads() : 0;
}

int threads_open(const struct config *c, struct loop *loop, bool sealed, struct worker_pool **out)
{
	unsigned n = c->threads == CONFIG_THREADS_AUTO ? n_by_itself(sealed) : c->threads;
	int r = n ? worker_pool_new(out, loop, n) : 0;

	if (r)
		log_error("cannot start %u threads: %s", n, strerror(-r));
	return r;
}
