/* SPDX-License-Identifier: GPL-2.0-or-later */
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

#include "io/worker.h"

static_assert(OUTPUT_LEFT_MS < WORKER_END_MS, "worker.h says why");

enum kind {
	KIND_FILE, /* a regular file and the like: writes never wait for a consumer */
	KIND_BLOCK,
	KIND_PIPE, /* and terminals: writes wait */
	KIND_SOCKET,
};

struct output {
	struct worker worker;
	int fd; /* what is written to: borrowed, or our own if own_fd */
	bool own_fd;
	int std_fd; /* as given */
	bool last;
	bool blocks; /* a pipe without O_NONBLOCK: never more may be written than it has room for */
	enum kind kind;
	struct winbuf *buf;
	struct wake *news;
	struct digest *digest;
	_Atomic uint64_t end;
	_Atomic uint64_t taken;
	atomic_bool finish;
	bool forgiving;
	atomic_bool held;
	atomic_bool lost;
	_Atomic enum output_state state;
	int error;
	uint8_t value[DIGEST_LEN];
};

static void set_state(struct output *o, enum output_state state, int error)
{
	o->error = error;
	digest_stream_value(o->digest, o->value);
	atomic_store(&o->state, state);
	wake_raise(o->news);
}

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

/* The descriptor's number stays taken, so that nothing else of ours becomes standard output.
 * Without a null device our own wake takes the place: the consumer must see the end in any case. */
static void end_consumer(struct output *o)
{
	int null;

	if (o->kind == KIND_SOCKET)
		shutdown(o->fd, SHUT_WR);
	if (o->kind != KIND_PIPE || isatty(o->std_fd))
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null < 0 ? o->worker.wake.fd : null, o->std_fd);
	if (null >= 0)
		close(null);
	if (o->own_fd)
		close(o->fd);
	o->own_fd = false;
	o->fd = o->std_fd;
}

/* The consumer has gone. Returns whether it may. */
static bool lose_consumer(struct output *o, int error)
{
	if (!o->forgiving || (error != EPIPE && error != ECONNRESET))
		return false;
	atomic_store(&o->lost, true);
	wake_raise(o->news);
	return true;
}

/* Until it is known how the consumer took it. Returns 0, or as worker_wait. */
static int wait_for_release(struct output *o)
{
	int r = 0;

	while (!r && atomic_load(&o->held))
		r = worker_wait(&o->worker, NULL, -1);
	return r;
}

static void finish(struct output *o)
{
	int error = flush(o), r;

	if (error) {
		set_state(o, OUTPUT_FAILED, error);
		return;
	}
	if (o->last)
		end_consumer(o);
	r = wait_for_release(o);
	if (!r)
		set_state(o, OUTPUT_FINISHED, 0);
	else if (r != -ECANCELED)
		set_state(o, OUTPUT_FAILED, -r);
}

/* A consumer that leaves when it has read all there was has most likely seen the end of what it
 * reads, as tar does, before we hear of the end of the stream. */
static bool has_read_all(const struct output *o)
{
	int held;

	return o->kind == KIND_PIPE && ioctl(o->fd, FIONREAD, &held) == 0 && held == 0;
}

struct watch {
	bool on;   /* the consumer's end is an event */
	bool left; /* it has left, as if all were over */
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

/* Waits for bytes, for the request to finish, or for the consumer's end. Returns false when the
 * thread is to return. */
static bool wait_for_bytes(struct output *o, uint64_t at)
{
	struct watch w = { .on = (o->kind == KIND_PIPE || o->kind == KIND_SOCKET) &&
				 !atomic_load(&o->lost) };

	for (;;) {
		/* In this order: all bytes are published before the request to finish. */
		bool finishes = atomic_load(&o->finish);
		bool bytes = atomic_load(&o->end) > at;
		struct pollfd p = { .fd = w.on ? o->fd : -1, .events = bytes ? POLLOUT : 0 };
		int r, error = 0;

		if (worker_quits(&o->worker))
			return false;
		if (bytes && !w.on)
			return true;
		if (!bytes && finishes) {
			finish(o);
			return false;
		}
		r = worker_wait(&o->worker, &p, w.left ? OUTPUT_LEFT_MS : -1);
		if (r == -ECANCELED)
			return false;
		if (r < 0)
			error = r == -ETIMEDOUT ? EPIPE : -r;
		else if (p.revents && bytes)
			return true;
		else if (p.revents)
			error = consumer_event(o, p.revents, &w);
		if (error) {
			set_state(o, OUTPUT_FAILED, error);
			return false;
		}
	}
}

/* What a pipe takes now without blocking, and without O_NONBLOCK: full pages lie in it, but for the
 * first, which may be read in part, and the last. At least PIPE_BUF, as poll has promised that. */
static size_t room_of(const struct output *o)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), used;
	int size = fcntl(o->fd, F_GETPIPE_SZ), held;

	if (size < 0 || ioctl(o->fd, FIONREAD, &held) < 0)
		return PIPE_BUF;
	used = held ? ((size_t)held / page + 2) * page : 0;
	return used + PIPE_BUF < (size_t)size ? (size_t)size - used : PIPE_BUF;
}

static ssize_t write_some(const struct output *o, const uint8_t *p, size_t n)
{
	size_t most = o->blocks ? room_of(o) : WINBUF_BLOCK;

	if (n > most)
		n = most;
	if (atomic_load(&o->lost))
		return (ssize_t)n;
	if (o->kind == KIND_SOCKET)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(o->fd, p, n);
}

static void run(void *arg)
{
	struct output *o = arg;
	uint64_t at = 0;

	while (wait_for_bytes(o, at)) {
		uint64_t left = atomic_load(&o->end) - at;
		size_t contiguous;
		const uint8_t *p = winbuf_at(o->buf, at, &contiguous);
		ssize_t n = write_some(o, p, contiguous < left ? contiguous : left);

		if (n < 0 && (errno == EINTR || errno == EAGAIN || lose_consumer(o, errno)))
			continue;
		if (n < 0) {
			set_state(o, OUTPUT_FAILED, errno);
			return;
		}
		digest_feed_stream(o->digest, p, (size_t)n);
		at += (uint64_t)n;
		atomic_store(&o->taken, at);
		wake_raise(o->news);
	}
}

/*
 * A pipe or terminal is opened once more, so that it can be non-blocking for us alone: the flag
 * belongs to the open file, which we share with whoever started us. Where that is not allowed (the
 * pipe is another user's), no more is written than there is room for.
 */
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

/* A closed descriptor is told by the first write. */
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
	digest_free(o->digest);
	free(o);
}

int output_new(struct output **out, int fd, bool last, bool held, struct winbuf *buf,
	       struct wake *news)
{
	struct output *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->std_fd = fd;
	o->last = last;
	o->forgiving = held;
	atomic_init(&o->held, held);
	o->buf = buf;
	o->news = news;
	r = open_output(o, fd);
	if (!r)
		r = digest_new(&o->digest);
	if (!r)
		r = worker_start(&o->worker, run, o);
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
	if (!worker_end(&o->worker))
		return false;
	close_output(o);
	return true;
}

void output_release(struct output *o)
{
	atomic_store(&o->held, false);
	wake_raise(&o->worker.wake);
}

void output_set_end(struct output *o, uint64_t end)
{
	if (end == atomic_load_explicit(&o->end, memory_order_relaxed))
		return;
	atomic_store(&o->end, end);
	wake_raise(&o->worker.wake);
}

void output_finish(struct output *o)
{
	atomic_store(&o->finish, true);
	wake_raise(&o->worker.wake);
}

void output_get(struct output *o, struct output_status *out)
{
	out->state = atomic_load(&o->state);
	out->taken = atomic_load(&o->taken);
	out->lost = atomic_load(&o->lost);
	if (out->state == OUTPUT_WRITING)
		return;
	out->error = o->error;
	memcpy(out->digest, o->value, DIGEST_LEN);
}
