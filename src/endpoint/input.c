/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "endpoint/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "io/worker.h"

static_assert(INPUT_HOLD_MS < WORKER_END_MS, "worker.h says why");

struct input {
	struct worker worker;
	int fd;
	int64_t start; /* position of the stream's first byte; -1: read on */
	bool pollable; /* a read can block for ever: poll first, so that the thread can be ended */
	struct winbuf *buf;
	struct wake *news;
	struct digest *digest;
	_Atomic uint64_t room;
	_Atomic uint64_t read;
	atomic_bool stop;
	atomic_bool drain;
	atomic_bool held;
	_Atomic enum input_state state; /* written after error and value */
	int error;
	uint8_t value[DIGEST_LEN];
};

enum session_input input_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno == EBADF ? SESSION_INPUT_NONE : SESSION_INPUT_STREAM;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return SESSION_INPUT_NONE;
	return isatty(fd) ? SESSION_INPUT_TERMINAL : SESSION_INPUT_STREAM;
}

uint64_t input_size(int fd)
{
	struct stat st;
	uint64_t size = 0;
	off_t at;

	if (fstat(fd, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &size) < 0)
		return 0;
	at = lseek(fd, 0, SEEK_CUR);
	return at > 0 && (uint64_t)at <= size ? size - (uint64_t)at : size;
}

int64_t input_start(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return -1;
	return lseek(fd, 0, SEEK_CUR);
}

bool input_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct stat st;
	int n;

	/* A pipe whose writers are gone says POLLHUP, a socket at its end POLLIN. */
	if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLIN))
		return false;
	/* FIONREAD counts from the file's offset, which input_start leaves alone, and in an int. */
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return true;
	return ioctl(fd, FIONREAD, &n) < 0 || n > 0;
}

static void finish(struct input *in, enum input_state state, int error)
{
	in->error = error;
	digest_stream_value(in->digest, in->value);
	atomic_store(&in->state, state);
	wake_raise(in->news);
}

/* Waits until there is room, and for descriptors that can block, until there are bytes too. Returns
 * false when the thread is to end. */
static bool wait_for_work(struct input *in, uint64_t at)
{
	while (!atomic_load(&in->stop) && !worker_quits(&in->worker)) {
		bool room = atomic_load(&in->room) > at;
		struct pollfd p = { .fd = room ? in->fd : -1, .events = POLLIN };
		int r;

		if (room && !in->pollable)
			return true;
		r = worker_wait(&in->worker, &p, -1);
		if (r == -ECANCELED)
			return false;
		if (r < 0) {
			finish(in, INPUT_FAILED, -r);
			return false;
		}
		if (p.revents && !atomic_load(&in->stop))
			return true;
	}
	return false;
}

/* At the end of file. Returns 0 when it counts, or as worker_wait. */
static int wait_for_release(struct input *in)
{
	while (atomic_load(&in->held)) {
		int r = worker_wait(&in->worker, NULL, INPUT_HOLD_MS);

		if (r)
			return r == -ETIMEDOUT ? 0 : r;
	}
	return 0;
}

static void end_of_file(struct input *in)
{
	int r = wait_for_release(in);

	if (!r)
		finish(in, INPUT_ENDED, 0);
	else if (r != -ECANCELED)
		finish(in, INPUT_FAILED, -r);
}

/* Until the end of file, or of us. */
static void throw_away(struct input *in)
{
	char buf[4096];

	for (;;) {
		struct pollfd p = { .fd = in->fd, .events = POLLIN };
		ssize_t n;

		if (worker_wait(&in->worker, &p, -1))
			return;
		n = p.revents ? read(in->fd, buf, sizeof(buf)) : 1;
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return;
	}
}

static ssize_t read_at(const struct input *in, void *p, size_t n, uint64_t at)
{
	if (in->start < 0)
		return read(in->fd, p, n);
	return pread(in->fd, p, n, in->start + (off_t)at);
}

/* A pseudo terminal says EIO when its other side is closed: that is its end of file. */
static void finish_at_error(struct input *in, int error)
{
	finish(in, error == EIO && isatty(in->fd) ? INPUT_ENDED : INPUT_FAILED, error);
}

static void run(void *arg)
{
	struct input *in = arg;
	uint64_t at = 0;

	while (wait_for_work(in, at)) {
		uint64_t room = atomic_load(&in->room) - at;
		size_t contiguous;
		uint8_t *p = winbuf_at(in->buf, at, &contiguous);
		ssize_t n = read_at(in, p, contiguous < room ? contiguous : room, at);

		if (n == 0) {
			end_of_file(in);
			return;
		}
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			finish_at_error(in, errno);
			return;
		}
		digest_feed_stream(in->digest, p, (size_t)n);
		at += (uint64_t)n;
		atomic_store(&in->read, at);
		wake_raise(in->news);
	}
	if (atomic_load(&in->stop))
		finish(in, INPUT_ENDED, 0);
	if (atomic_load(&in->drain))
		throw_away(in);
}

int input_new(struct input **out, int fd, int64_t start, bool held, struct winbuf *buf,
	      struct wake *news)
{
	struct input *in = calloc(1, sizeof(*in));
	struct stat st;
	int r;

	if (!in)
		return -ENOMEM;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		goto free_input;
	}
	in->fd = fd;
	in->start = start;
	atomic_init(&in->held, held);
	in->buf = buf;
	in->news = news;
	in->pollable = !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
	if (in->pollable)
		worker_enlarge_pipe(fd);
	else
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = digest_new(&in->digest);
	if (r)
		goto free_input;
	r = worker_start(&in->worker, run, in);
	if (r)
		goto free_digest;
	*out = in;
	return 0;
free_digest:
	digest_free(in->digest);
free_input:
	free(in);
	return r;
}

bool input_free(struct input *in)
{
	if (!in)
		return true;
	if (!worker_end(&in->worker))
		return false;
	digest_free(in->digest);
	free(in);
	return true;
}

void input_release(struct input *in)
{
	atomic_store(&in->held, false);
	wake_raise(&in->worker.wake);
}

void input_set_room(struct input *in, uint64_t room)
{
	if (room == atomic_load_explicit(&in->room, memory_order_relaxed))
		return;
	atomic_store(&in->room, room);
	wake_raise(&in->worker.wake);
}

void input_stop(struct input *in)
{
	atomic_store(&in->stop, true);
	wake_raise(&in->worker.wake);
}

void input_drain(struct input *in)
{
	atomic_store(&in->drain, true);
	input_stop(in);
}

void input_get(struct input *in, struct input_status *out)
{
	/* State first: what is read before the end was published before it. */
	out->state = atomic_load(&in->state);
	out->read = atomic_load(&in->read);
	if (out->state == INPUT_READING)
		return;
	out->error = in->error;
	memcpy(out->digest, in->value, DIGEST_LEN);
}
