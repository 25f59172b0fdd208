/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket that the loop serves. It has two directions, and each ends by itself:
 *
 *    in:   open --the program ends its stream, or endpoint.c ends ours--> ended
 *    out:  open --the peer's stream is complete, all is written --------> ended, shut down
 *
 * An error, or a reset, fails the session while either is open, and means nothing afterwards. A
 * direction's offset is that of the session's stream: all below it was read, or written.
 *
 * The socket is watched edge-triggered, as in conn.h: readable and writable stay true until a call
 * says EAGAIN, or a short read has emptied the socket. epoll reports the end once; if it came
 * together with bytes, hung_up keeps readable true until the read of the end.
 */
#include "endpoint/local_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint/input.h"
#include "io/sock.h"
#include "session/session_stream.h"
#include "util/text.h"

struct direction {
	bool ended;
	uint64_t offset;
	struct digest *digest;
};

struct local_socket {
	struct loop_io io; /* io.fd is owned */
	bool readable, writable;
	bool hung_up;
	int error; /* the connection was reset */
	struct direction in, out;

	struct loop *loop;
	struct session *session;
	void (*news)(void *arg);
	void *arg;
};

static void on_event(struct loop_io *io, uint32_t events)
{
	struct local_socket *ls = io->arg;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ls->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ls->hung_up = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ls->writable = true;
	/* Asking takes the error away from read and write, and from a second question. */
	if (events & EPOLLERR && !ls->error)
		ls->error = -sock_connected(io->fd);
	ls->news(ls->arg);
}

static void fail(struct local_socket *ls, bool reading, int error)
{
	char text[SESSION_TEXT_LEN];

	text_printf(text, sizeof(text), "%s failed: %s",
		    reading ? "reading the input" : "writing the output", strerror(error));
	session_abort(ls->session, reading ? WIRE_R_INPUT : WIRE_R_OUTPUT,
		      reading ? ls->in.offset : ls->out.offset, text);
}

bool local_socket_readable(const struct local_socket *ls)
{
	return ls->readable && input_readable(ls->io.fd);
}

void local_socket_end_input(struct local_socket *ls, uint64_t now_ns)
{
	uint8_t value[DIGEST_LEN];

	ls->in.ended = true;
	digest_stream_value(ls->in.digest, value);
	session_input_end(ls->session, value, now_ns);
}

bool local_socket_sound(struct local_socket *ls)
{
	/* When both directions have ended it matters to nobody. */
	if (!ls->error || (ls->in.ended && ls->out.ended))
		return true;
	fail(ls, !ls->in.ended, ls->error);
	return false;
}

bool local_socket_read(struct local_socket *ls, uint64_t now_ns)
{
	uint8_t *space;
	size_t len;
	ssize_t n;

	if (!ls->readable || ls->in.ended)
		return false;
	len = session_input_space(ls->session, &space);
	if (!len)
		return false;
	n = recv(ls->io.fd, space, len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		ls->readable = errno == EINTR;
		return false;
	}
	if (n < 0) {
		fail(ls, true, errno);
		return true;
	}
	if (n == 0) {
		local_socket_end_input(ls, now_ns);
		return true;
	}
	/* A short read has emptied the socket; what comes later is a new edge, but not the end that
	 * came with these bytes. */
	if ((size_t)n < len && !ls->hung_up)
		ls->readable = false;
	digest_feed_stream(ls->in.digest, space, (size_t)n);
	ls->in.offset += (uint64_t)n;
	session_input_advance(ls->session, ls->in.offset, now_ns);
	return true;
}

/* All is written: the program sees the end, and the peer gets its confirmation. */
static void end_output(struct local_socket *ls, uint64_t now_ns)
{
	uint8_t value[DIGEST_LEN];

	ls->out.ended = true;
	shutdown(ls->io.fd, SHUT_WR);
	digest_stream_value(ls->out.digest, value);
	session_output_finish(ls->session, value, now_ns);
}

bool local_socket_write(struct local_socket *ls, uint64_t now_ns)
{
	uint64_t left = session_output_end(ls->session) - ls->out.offset;
	size_t contiguous;
	uint8_t *from;
	ssize_t n;

	if (!left && session_output_complete(ls->session)) {
		end_output(ls, now_ns);
		return true;
	}
	if (!left || !ls->writable)
		return false;
	from = winbuf_at(session_rx_buf(ls->session), ls->out.offset, &contiguous);
	n = send(ls->io.fd, from, contiguous < left ? contiguous : left, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		ls->writable = errno == EINTR;
		return false;
	}
	if (n < 0) {
		fail(ls, false, errno);
		return true;
	}
	digest_feed_stream(ls->out.digest, from, (size_t)n);
	ls->out.offset += (uint64_t)n;
	session_output_taken(ls->session, ls->out.offset, now_ns);
	return true;
}

int local_socket_new(struct local_socket **out, struct loop *loop, struct session *session, int fd,
		     void (*news)(void *arg), void *arg)
{
	struct local_socket *ls = calloc(1, sizeof(*ls));
	int on = 1, r;

	if (!ls)
		return -ENOMEM;
	ls->io = (struct loop_io){ .fd = fd, .fn = on_event, .arg = ls };
	ls->loop = loop;
	ls->session = session;
	ls->news = news;
	ls->arg = arg;
	ls->readable = ls->writable = true;
	r = digest_new(&ls->in.digest);
	if (!r)
		r = digest_new(&ls->out.digest);
	if (!r)
		r = loop_add(loop, &ls->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r) {
		digest_free(ls->in.digest);
		digest_free(ls->out.digest);
		free(ls);
		return r;
	}
	/* Small writes leave at once. A unix socket's do anyway, and refuses this. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*out = ls;
	return 0;
}

struct local_socket *local_socket_free(struct local_socket *ls, bool reset)
{
	if (!ls)
		return NULL;
	if (reset)
		sock_set_abrupt(ls->io.fd);
	loop_remove(ls->loop, &ls->io);
	close(ls->io.fd);
	digest_free(ls->in.digest);
	digest_free(ls->out.digest);
	free(ls);
	return NULL;
}
