/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_copy.c - two pipes, up and down, each with one buffer that is either filled or emptied
 *
 *   up     in_fd   --read-->  buf  --send--->  the connection
 *   down   out_fd  <-write--  buf  <-read---   the connection
 *
 * A pipe waits for its source while done == have, and for its target otherwise: so a slow reader
 * stops its writer, and a buffer holds BUF_LEN at most.
 *
 * What always holds:
 * - from is -1 after the source's end of file. ended is set when the target has got that too.
 * - Only poll() waits. Pipes and terminals may be in blocking mode and shared, so they are written
 *   in pieces that poll promises to fit (PIPE_BUF), and O_NONBLOCK is not set on them.
 * - over() alone decides whether the connection has ended in order; deadlines and errors are other
 *   ends, with their own exit status.
 */
#include "cmd/netcat/plain_copy.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/cli/config.h"
#include "engine/outcome.h"
#include "io/clock.h"
#include "io/sock.h"
#include "util/text.h"
#include "util/units.h"

#define BUF_LEN (64u << 10)

/* How often it is looked whether the peer's kernel has taken all, at the end. */
#define FLUSH_POLL_NS 10000000ull

struct pipe {
	int from, to; /* from -1: the end of file was read */
	int64_t at;   /* reads from here on; -1: as it comes */
	bool to_socket;
	bool ended; /* and passed on */
	size_t have, done;
	uint64_t total;
	uint8_t buf[BUF_LEN];
};

struct plain_copy {
	const struct plain_copy_config *config;
	struct pipe up, down; /* to the peer, and from it */
	uint64_t moved_ns;    /* when something moved last */
	uint64_t sent_ns;     /* when the end of our input was passed on; 0: not yet */
};

/* Bytes ---------------------------------------------------------------------------------------- */

static void pass_end(struct plain_copy *c, struct pipe *q)
{
	q->ended = true;
	if (!q->to_socket)
		return;
	if (c->config->shutdown)
		shutdown(q->to, SHUT_WR);
	c->sent_ns = clock_ns(CLOCK_MONOTONIC);
}

static int read_some(struct plain_copy *c, struct pipe *q)
{
	ssize_t n = q->at < 0 ? read(q->from, q->buf, sizeof(q->buf))
			      : pread(q->from, q->buf, sizeof(q->buf), q->at);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		q->from = -1;
		pass_end(c, q);
	}
	if (q->at >= 0)
		q->at += n;
	q->have = (size_t)n;
	q->done = 0;
	return 0;
}

static int write_some(struct pipe *q)
{
	size_t len = q->have - q->done;
	ssize_t n;

	/* Poll promises room for this much in a pipe, and a write of more would wait. */
	if (!q->to_socket && len > PIPE_BUF)
		len = PIPE_BUF;
	n = q->to_socket ? send(q->to, q->buf + q->done, len, MSG_NOSIGNAL)
			 : write(q->to, q->buf + q->done, len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	q->done += (size_t)n;
	q->total += (uint64_t)n;
	return 0;
}

static struct pollfd wanted(const struct pipe *q)
{
	if (q->done < q->have)
		return (struct pollfd){ .fd = q->to, .events = POLLOUT };
	return (struct pollfd){ .fd = q->from, .events = POLLIN };
}

/* Returns 0 or -errno. */
static int move(struct plain_copy *c, struct pipe *q, short revents)
{
	if (!revents)
		return 0;
	c->moved_ns = clock_ns(CLOCK_MONOTONIC);
	return q->done < q->have ? write_some(q) : read_some(c, q);
}

/* The end -------------------------------------------------------------------------------------- */

/* Has nothing come this way, and is there nothing to be read now? */
static bool is_silent(const struct pipe *q)
{
	struct pollfd p = { .fd = q->from, .events = POLLIN };

	return !q->total && q->done == q->have && poll(&p, 1, 0) == 0;
}

/* Does the peer's kernel have all that we sent? */
static bool is_flushed(const struct plain_copy *c)
{
	int left = 0;

	return ioctl(c->config->fd, SIOCOUTQ, &left) < 0 || left == 0;
}

static bool over(const struct plain_copy *c)
{
	const struct plain_copy_config *config = c->config;

	/* Closing a connection with bytes unread would destroy what is under way. */
	if (config->rule == PLAIN_COPY_LIKE_SESSION && c->up.ended && !is_flushed(c))
		return false;
	if (c->up.ended && c->down.ended)
		return true;
	switch (config->rule) {
	case PLAIN_COPY_SEND_ONLY:
		return c->up.ended;
	case PLAIN_COPY_NETCAT:
		return c->down.ended && !config->duplex;
	case PLAIN_COPY_LIKE_SESSION:
		break;
	}
	if (config->duplex)
		return false;
	if (c->down.ended)
		return is_silent(&c->up);
	return c->up.ended && c->up.total && is_silent(&c->down);
}

/* When -q ends the connection in order; UINT64_MAX: never. */
static uint64_t quit_deadline(const struct plain_copy *c)
{
	if (c->config->quit_ns == CONFIG_NEVER || !c->sent_ns)
		return UINT64_MAX;
	return c->sent_ns + c->config->quit_ns;
}

/* When -w gives up; UINT64_MAX: never. */
static uint64_t idle_deadline(const struct plain_copy *c)
{
	return c->config->idle_ns == CONFIG_NEVER ? UINT64_MAX : c->moved_ns + c->config->idle_ns;
}

static uint64_t deadline(const struct plain_copy *c)
{
	return min_u64(quit_deadline(c), idle_deadline(c));
}

static int timed_out(const struct plain_copy *c, char why[PLAIN_COPY_TEXT_LEN])
{
	char duration[32];

	if (quit_deadline(c) <= idle_deadline(c))
		return OUTCOME_OK;
	text_duration(duration, sizeof(duration), c->config->idle_ns);
	text_printf(why, PLAIN_COPY_TEXT_LEN, "nothing moved for %s", duration);
	return OUTCOME_NETWORK;
}

static int failed(const struct pipe *q, int r, char why[PLAIN_COPY_TEXT_LEN])
{
	bool local = !q->to_socket == (q->done < q->have);

	text_printf(why, PLAIN_COPY_TEXT_LEN, "%s: %s",
		    !local         ? "the connection is lost"
		    : q->to_socket ? "reading the input failed"
				   : "writing the output failed",
		    strerror(-r));
	return local ? OUTCOME_INCOMPLETE : OUTCOME_NETWORK;
}

/* ---------------------------------------------------------------------------------------------- */

/* Nothing tells when the peer's kernel has taken the last of it. */
static uint64_t next_look(const struct plain_copy *c)
{
	uint64_t due = deadline(c), soon = clock_ns(CLOCK_MONOTONIC) + FLUSH_POLL_NS;

	if (c->config->rule == PLAIN_COPY_LIKE_SESSION && c->up.ended && !is_flushed(c) &&
	    soon < due)
		return soon;
	return due;
}

static int run(struct plain_copy *c, char why[PLAIN_COPY_TEXT_LEN])
{
	int error;

	while (!over(c)) {
		struct pollfd fds[] = { wanted(&c->up),
					wanted(&c->down),
					{ .fd = c->config->quit_fd, .events = POLLIN } };
		int r = clock_poll(fds, 3, next_look(c));

		if (r == 0 && deadline(c) <= clock_ns(CLOCK_MONOTONIC))
			return timed_out(c, why);
		if (fds[2].revents)
			return OUTCOME_NETWORK;
		r = move(c, &c->up, fds[0].revents);
		if (r < 0)
			return failed(&c->up, r, why);
		r = move(c, &c->down, fds[1].revents);
		if (r < 0)
			return failed(&c->down, r, why);
	}
	/* Nothing is left to send either when the connection has broken. */
	error = c->config->rule == PLAIN_COPY_LIKE_SESSION ? sock_connected(c->config->fd) : 0;
	return error ? failed(&c->down, error, why) : OUTCOME_OK;
}

int plain_copy(const struct plain_copy_config *config, struct plain_copy_result *out)
{
	bool receives = config->rule != PLAIN_COPY_SEND_ONLY && config->out_fd >= 0;
	struct plain_copy *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->config = config;
	c->up = (struct pipe){ .from = config->in_fd,
			       .to = config->fd,
			       .at = config->in_start,
			       .to_socket = true,
			       .ended = config->in_fd < 0 };
	c->down = (struct pipe){ .from = receives ? config->fd : -1,
				 .to = config->out_fd,
				 .at = -1,
				 .ended = config->out_fd < 0,
				 .have = receives ? config->head_len : 0 };
	memcpy(c->down.buf, config->head, config->head_len);
	c->sent_ns = 0;
	c->moved_ns = clock_ns(CLOCK_MONOTONIC);
	*out = (struct plain_copy_result){ 0 };
	out->exit = run(c, out->why);
	out->sent = c->up.total;
	out->received = c->down.total;
	free(c);
	return 0;
}
