/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mover (mover.h) that writes a descriptor.
 *
 *    RUNS --output_finish, all is written--> flushed, the consumer sees the end
 *      |                                       |--(a command: until it has ended) --> ENDED
 *      |                                       +--it cannot be flushed -------------> FAILED
 *      |--the consumer leaves, having read all: the end has OUTPUT_LEFT_MS to come -> FAILED
 *      +--another error, or it leaves early ----------------------------------------> FAILED
 *
 * A command may leave early, and its exit status says whether that was well: what comes then counts
 * as written, and is dropped (consumer_left).
 *
 * The consumer is watched while there is nothing to write, as a pipe's reader that goes away makes
 * no error before the next write. A pipe or terminal is opened once more, so that it can be
 * non-blocking for us alone: O_NONBLOCK belongs to the open file, which we share with whoever
 * started us. Where that is not allowed (the pipe is another user's), no more is written than there
 * is room for. So the thread can be ended while its consumer does not read.
 *
 * output_finish comes after the last limit; the thread looks in the opposite order, so that it
 * never finishes before the last bytes.
 */
#include "endpoint/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(OUTPUT_LEFT_MS < WORKER_END_MS, "worker.h says why");

enum kind {
	KIND_FILE, /* a regular file and the like: writes never wait for a consumer */
	KIND_BLOCK,
	KIND_PIPE, /* and terminals: writes wait */
	KIND_SOCKET,
};

struct output {
	struct mover mover; /* limit: received so far; offset: written so far */
	int fd;             /* what is written to: borrowed, or our own if own_fd */
	bool own_fd;
	int std_fd; /* as given */
	bool last;
	bool blocks; /* a pipe without O_NONBLOCK: never more may be written than it has room for */
	enum kind kind;
	bool may_leave; /* the consumer is a command */
	atomic_bool finish;
	atomic_bool consumer_left; /* early, as it may */
};

/* The end of the stream ------------------------------------------------------------------------ */

static int flush(const struct output *o)
{
	int fd;

	if (o->kind == KIND_BLOCK)
		return fdatasync(o->fd) < 0 ? errno : 0;
	if (o->kind != KIND_FILE)
		return 0;
	fd = dup(o->fd);
	if (fd >= 0)
		return close(fd) < 0 ? errno : 0;
	/* No descriptor is left. This asks the disk for more, but the file alone answers; a device
	 * without a disk says EINVAL. */
	return fdatasync(o->fd) < 0 && errno != EINVAL && errno != EROFS ? errno : 0;
}

/* The descriptor's number stays taken, so that nothing that we open becomes standard output.
 * Without a null device our own wake takes it over: the consumer must see the end in any case. */
static void end_consumer(struct output *o)
{
	int null;

	if (o->kind == KIND_SOCKET)
		shutdown(o->fd, SHUT_WR);
	if (o->kind != KIND_PIPE || isatty(o->std_fd))
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null < 0 ? o->mover.worker.wake.fd : null, o->std_fd);
	if (null >= 0)
		close(null);
	if (o->own_fd)
		close(o->fd);
	o->own_fd = false;
	o->fd = o->std_fd;
}

static void finish(struct output *o)
{
	int error = flush(o), r;

	if (error) {
		mover_finish(&o->mover, MOVER_FAILED, error);
		return;
	}
	if (o->last)
		end_consumer(o);
	r = mover_wait_for_command(&o->mover, -1);
	if (!r)
		mover_finish(&o->mover, MOVER_ENDED, 0);
	else if (r != -ECANCELED)
		mover_finish(&o->mover, MOVER_FAILED, -r);
}

/* The consumer --------------------------------------------------------------------------------- */

/* The consumer has gone. Returns whether it may. */
static bool lose_consumer(struct output *o, int error)
{
	if (!o->may_leave || (error != EPIPE && error != ECONNRESET))
		return false;
	atomic_store(&o->consumer_left, true);
	wake_raise(o->mover.news);
	return true;
}

/* A consumer that leaves when it has read all that there was has most likely found the end in the
 * bytes, as tar does, before the end of the stream reaches us. */
static bool has_read_all(const struct output *o)
{
	int unread;

	return o->kind == KIND_PIPE && ioctl(o->fd, FIONREAD, &unread) == 0 && unread == 0;
}

struct watch {
	bool on;   /* poll reports it when the consumer leaves */
	bool left; /* it has left, having read all */
};

/* While there is nothing to write. A write would say EPIPE. Returns 0, or what failed. */
static int consumer_event(struct output *o, short revents, struct watch *w)
{
	if (revents & POLLNVAL)
		return EBADF;
	if (revents & POLLERR && !lose_consumer(o, EPIPE)) {
		if (!has_read_all(o))
			return EPIPE;
		w->left = true;
	}
	if (revents & (POLLERR | POLLHUP))
		w->on = false;
	return 0;
}

/* The thread ----------------------------------------------------------------------------------- */

/* Waits for bytes, for the request to finish, or for the consumer to leave. Returns false when the
 * thread is to return. */
static bool wait_for_bytes(struct output *o, uint64_t offset)
{
	struct mover *m = &o->mover;
	struct watch w = { .on = (o->kind == KIND_PIPE || o->kind == KIND_SOCKET) &&
				 !atomic_load(&o->consumer_left) };

	for (;;) {
		/* In this order: all bytes are published before the request to finish. */
		bool finishes = atomic_load(&o->finish);
		bool bytes = atomic_load(&m->limit) > offset;
		struct pollfd p = { .fd = w.on ? o->fd : -1, .events = bytes ? POLLOUT : 0 };
		int r, error = 0;

		if (worker_quits(&m->worker))
			return false;
		if (bytes && !w.on)
			return true;
		if (!bytes && finishes) {
			finish(o);
			return false;
		}
		r = mover_wait(m, &p, w.left ? OUTPUT_LEFT_MS : -1, !bytes);
		if (r == -ECANCELED)
			return false;
		if (r < 0)
			error = r == -ETIMEDOUT ? EPIPE : -r;
		else if (p.revents && bytes)
			return true;
		else if (p.revents)
			error = consumer_event(o, p.revents, &w);
		if (error) {
			mover_finish(m, MOVER_FAILED, error);
			return false;
		}
	}
}

/* What a pipe takes now without blocking, and without O_NONBLOCK: full pages lie in it, but for the
 * first, which may be read in part, and the last. At least PIPE_BUF, as poll has promised that. */
static size_t room_of(const struct output *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), used;
	int size = fcntl(o->fd, F_GETPIPE_SZ), unread;

	if (size < 0 || ioctl(o->fd, FIONREAD, &unread) < 0)
		return PIPE_BUF;
	used = unread ? ((size_t)unread / page + 2) * page : 0;
	return used + PIPE_BUF < (size_t)size ? (size_t)size - used : PIPE_BUF;
}

static ssize_t write_some(const struct output *o, const uint8_t *p, size_t n)
{
	size_t most = o->blocks ? room_of(o) : WINBUF_BLOCK;

	if (n > most)
		n = most;
	if (atomic_load(&o->consumer_left))
		return (ssize_t)n;
	if (o->kind == KIND_SOCKET)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(o->fd, p, n);
}

static void run(void *arg)
{
	struct output *o = arg;
	struct mover *m = &o->mover;
	uint64_t offset = 0;

	while (wait_for_bytes(o, offset)) {
		uint64_t left = atomic_load(&m->limit) - offset;
		size_t contiguous;
		const uint8_t *p = winbuf_at(m->buf, offset, &contiguous);
		ssize_t n = write_some(o, p, contiguous < left ? contiguous : left);

		if (n < 0 && (errno == EINTR || errno == EAGAIN || lose_consumer(o, errno)))
			continue;
		if (n < 0) {
			mover_finish(m, MOVER_FAILED, errno);
			return;
		}
		mover_advance(m, p, (size_t)n);
		offset += (uint64_t)n;
	}
}

/* Life ----------------------------------------------------------------------------------------- */

static void open_private(struct output *o, int fd)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own >= 0) {
		o->fd = own;
		o->own_fd = true;
	} else {
		o->blocks = true;
	}
}

/* That a descriptor is closed, the first write says. */
static int open_output(struct output *o, int fd)
{
	struct stat st = { 0 };

	o->fd = fd;
	o->kind = KIND_FILE;
	if (fstat(fd, &st) < 0 && errno != EBADF)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		o->kind = KIND_SOCKET;
	else if (S_ISBLK(st.st_mode))
		o->kind = KIND_BLOCK;
	else if (S_ISFIFO(st.st_mode) || isatty(fd))
		o->kind = KIND_PIPE;
	if (o->kind == KIND_PIPE) {
		worker_enlarge_pipe(fd);
		open_private(o, fd);
	}
	return 0;
}

static void close_output(struct output *o)
{
	if (o->own_fd)
		close(o->fd);
	free(o);
}

int output_new(struct output **out, int fd, bool last, const struct mover_config *config)
{
	struct output *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->std_fd = fd;
	o->last = last;
	o->may_leave = config->command;
	r = open_output(o, fd);
	if (!r)
		r = mover_start(&o->mover, config, run, o);
	if (r) {
		close_output(o);
		return r;
	}
	*out = o;
	return 0;
}

bool output_free(struct output *o)
{
	if (!o)
		return true;
	if (!mover_end(&o->mover))
		return false;
	close_output(o);
	return true;
}

struct mover *output_mover(struct output *o)
{
	return &o->mover;
}

bool output_consumer_left(const struct output *o)
{
	return atomic_load(&o->consumer_left);
}

void output_finish(struct output *o)
{
	atomic_store(&o->finish, true);
	wake_raise(&o->mover.worker.wake);
}
