/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mover (mover.h) that reads a descriptor.
 *
 *    RUNS --end of file--> (a command: until it has ended, or INPUT_EXIT_MS) --> ENDED
 *      |--input_stop: at the offset reached -----------------------------------> ENDED
 *      |--a terminal's other side is closed (EIO) -----------------------------> ENDED
 *      +--another error -------------------------------------------------------> FAILED
 *
 * With input_drain the thread reads on after ENDED, until the end of file, and throws away what
 * comes: it is the producer's, not the stream's.
 *
 * A descriptor that can block for ever is polled together with the thread's wake, so that the
 * thread can be ended; a file or block device is read at once, as poll says nothing about it.
 * Nothing is read without room in the window: what a peer does not want stays in the descriptor,
 * for whoever reads it next.
 */
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

static_assert(INPUT_EXIT_MS < WORKER_END_MS, "worker.h says why");

struct input {
	struct mover mover; /* limit: room in the window; offset: read so far */
	int fd;
	int64_t start; /* position of the stream's first byte; -1: read on */
	bool pollable; /* a read can block for ever */
	atomic_bool stop;
	atomic_bool drain;
};

/* What a descriptor is ------------------------------------------------------------------------- */

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
	off_t position;

	if (fstat(fd, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &size) < 0)
		return 0;
	position = lseek(fd, 0, SEEK_CUR);
	return position > 0 && (uint64_t)position <= size ? size - (uint64_t)position : size;
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

/* The thread ----------------------------------------------------------------------------------- */

/* Waits until there is room, and for descriptors that can block, until there are bytes too. Returns
 * false when the thread is to end. */
static bool wait_for_work(struct input *in, uint64_t offset)
{
	struct mover *m = &in->mover;

	while (!atomic_load(&in->stop) && !worker_quits(&m->worker)) {
		bool room = atomic_load(&m->limit) > offset;
		struct pollfd p = { .fd = room ? in->fd : -1, .events = POLLIN };
		int r;

		if (room && !in->pollable)
			return true;
		r = mover_wait(m, &p, -1, !room);
		if (r == -ECANCELED)
			return false;
		if (r < 0) {
			mover_finish(m, MOVER_FAILED, -r);
			return false;
		}
		if (p.revents && !atomic_load(&in->stop))
			return true;
	}
	return false;
}

static void end_of_file(struct input *in)
{
	int r = mover_wait_for_command(&in->mover, INPUT_EXIT_MS);

	if (!r || r == -ETIMEDOUT)
		mover_finish(&in->mover, MOVER_ENDED, 0);
	else if (r != -ECANCELED)
		mover_finish(&in->mover, MOVER_FAILED, -r);
}

/* Until the end of file, or until the thread is to end. */
static void throw_away(struct input *in)
{
	char buf[4096];

	for (;;) {
		struct pollfd p = { .fd = in->fd, .events = POLLIN };
		ssize_t n;

		if (worker_wait(&in->mover.worker, &p, -1))
			return;
		n = p.revents ? read(in->fd, buf, sizeof(buf)) : 1;
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return;
	}
}

static ssize_t read_at(const struct input *in, void *p, size_t n, uint64_t offset)
{
	if (in->start < 0)
		return read(in->fd, p, n);
	return pread(in->fd, p, n, in->start + (off_t)offset);
}

/* A pseudo terminal says EIO when its other side is closed: that is its end of file. */
static void finish_at_error(struct input *in, int error)
{
	mover_finish(&in->mover, error == EIO && isatty(in->fd) ? MOVER_ENDED : MOVER_FAILED,
		     error);
}

static void run(void *arg)
{
	struct input *in = arg;
	struct mover *m = &in->mover;
	uint64_t offset = 0;

	while (wait_for_work(in, offset)) {
		uint64_t room = atomic_load(&m->limit) - offset;
		size_t contiguous;
		uint8_t *p = winbuf_at(m->buf, offset, &contiguous);
		ssize_t n = read_at(in, p, contiguous < room ? contiguous : room, offset);

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
		mover_advance(m, p, (size_t)n);
		offset += (uint64_t)n;
	}
	if (atomic_load(&in->stop))
		mover_finish(m, MOVER_ENDED, 0);
	if (atomic_load(&in->drain))
		throw_away(in);
}

/* Life ----------------------------------------------------------------------------------------- */

int input_new(struct input **out, int fd, int64_t start, const struct mover_config *config)
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
	in->pollable = !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
	if (in->pollable)
		worker_enlarge_pipe(fd);
	else
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = mover_start(&in->mover, config, run, in);
	if (r)
		goto free_input;
	*out = in;
	return 0;
free_input:
	free(in);
	return r;
}

bool input_free(struct input *in)
{
	if (in && !mover_end(&in->mover))
		return false;
	free(in);
	return true;
}

struct mover *input_mover(struct input *in)
{
	return &in->mover;
}

void input_stop(struct input *in)
{
	atomic_store(&in->stop, true);
	wake_raise(&in->mover.worker.wake);
}

void input_drain(struct input *in)
{
	atomic_store(&in->drain, true);
	input_stop(in);
}
