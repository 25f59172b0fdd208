/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that reads standard input: what it says of a read that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "endpoint/input.h"
#include "session/winbuf.h"

static int bad_fd = -1; /* a disk with a bad sector */

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
	if (fd != bad_fd)
		return __real_read(fd, buf, n);
	errno = EIO;
	return -1;
}

static void wait_until_ended(struct input *in, struct wake *news, struct mover_status *out)
{
	struct pollfd p = { .fd = news->fd, .events = POLLIN };

	for (;;) {
		mover_get(input_mover(in), out);
		if (out->state != MOVER_RUNS)
			return;
		assert_int_equal(poll(&p, 1, 30000), 1);
		wake_clear(news);
	}
}

/* isatty, which is asked whether EIO is a terminal's end of file, has an errno of its own. */
static void a_read_error_keeps_its_number(void **state)
{
	FILE *disk = tmpfile();
	struct mover_status status;
	struct winpool *pool;
	struct winbuf *buf;
	struct input *in;
	struct wake news;

	assert_non_null(disk);
	assert_int_equal(winpool_new(&pool, 1), 0);
	assert_int_equal(winbuf_new(&buf, 1 << 20, pool), 0);
	assert_int_equal(winbuf_ensure(buf, 0, 1), 0);
	assert_int_equal(wake_open(&news), 0);
	bad_fd = fileno(disk);
	assert_int_equal(input_new(&in, bad_fd, -1, &(struct mover_config){ buf, &news, false }),
			 0);
	mover_set_limit(input_mover(in), 1);
	wait_until_ended(in, &news, &status);
	assert_int_equal(status.state, MOVER_FAILED);
	assert_int_equal(status.error, EIO);
	assert_true(input_free(in));
	bad_fd = -1;
	wake_close(&news);
	winbuf_free(buf);
	winpool_free(pool);
	fclose(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_error_keeps_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
