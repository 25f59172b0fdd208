/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that writes standard output, and what the engine says to it meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "endpoint/output.h"
#include "session/winbuf.h"

#define ROUNDS 1000

static void wait_until_finished(struct output *o, struct wake *news, struct mover_status *out)
{
	struct pollfd p = { .fd = news->fd, .events = POLLIN };

	for (;;) {
		mover_get(output_mover(o), out);
		if (out->state != MOVER_RUNS)
			return;
		assert_int_equal(poll(&p, 1, 30000), 1);
		wake_clear(news);
	}
}

/* The thread looks at both, one after the other: whichever it looks at in between, it writes the
 * last byte before it finishes. Each round says both a little later. */
static void the_last_bytes_and_the_end_said_at_once(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct winpool *pool;
	struct winbuf *buf;
	struct wake news;

	assert_true(null >= 0);
	assert_int_equal(winpool_new(&pool, 1), 0);
	assert_int_equal(winbuf_new(&buf, 1 << 20, pool), 0);
	assert_int_equal(winbuf_ensure(buf, 0, 2), 0);
	assert_int_equal(wake_open(&news), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct mover_status status;
		struct output *o;

		assert_int_equal(
			output_new(&o, null, true, &(struct mover_config){ buf, &news, false }), 0);
		mover_set_limit(output_mover(o), 1);
		for (volatile int pause = 0; pause < i * 20; pause++)
			;
		mover_set_limit(output_mover(o), 2);
		output_finish(o);
		wait_until_finished(o, &news, &status);
		assert_int_equal(status.state, MOVER_ENDED);
		assert_int_equal(status.offset, 2);
		assert_true(output_free(o));
	}
	wake_close(&news);
	winbuf_free(buf);
	winpool_free(pool);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_bytes_and_the_end_said_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
