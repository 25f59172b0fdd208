/* SPDX-License-Identifier: GPL-2.0-or-later */
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
#include "util/text.h"

struct local_socket {
	struct loop_io io; /* io.fd is owned; edge-triggered, as in conn.h: */
	bool readable, writable;
	bool ending; /* epoll told of the end, which it does once */
	struct loop *loop;
	struct session *session;
	void (*news)(void *arg);
	void *arg;
	int error; /* the connection was reset */
	bool read_ended, write_ended;
	uint64_t read, written;
	struct digest *read_digest, *written_digest;
};

static void local_socket_event(struct loop_io *io, uint32_t events)
{
	struct local_socket *p = io->arg;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		p->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		p->ending = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		p->writable = true;
	/* Asking takes the error away from read and write, and from a second question. */
	if (events & EPOLLERR && !p->error)
		p->error = -sock_connected(io->fd);
	p->news(p->arg);
}

static void fail(struct local_socket *p, bool reading, int error)
{
	char text[SESSION_TEXT_LEN];

	text_printf(text, sizeof(text), "%s failed: %s",
		    reading ? "reading the input" : "writing the output", strerror(error));
	session_abort(p->session, reading ? WIRE_R_INPUT : WIRE_R_OUTPUT,
		      reading ? p->read : p->written, text);
}

bool local_socket_readable(const struct local_socket *p)
{
	return p->readable && input_readable(p->io.fd);
}

void local_socket_end_input(struct local_socket *p, uint64_t now_ns)
{
	uint8_t value[DIGEST_LEN];

	p->read_ended = true;
	digest_stream_value(p->read_digest, value);
	session_input_end(p->session, value, now_ns);
}

bool local_socket_sound(struct local_socket *p)
{
	/* When all has been said both ways it matters to nobody. */
	if (!p->error || (p->read_ended && p->write_ended))
		return true;
	fail(p, !p->read_ended, p->error);
	return false;
}

bool local_socket_read(struct local_socket *p, uint64_t now_ns)
{
	uint8_t *space;
	size_t len;
	ssize_t n;

	if (!p->readable || p->read_ended)
		return false;
	len = session_input_space(p->session, &space);
	if (!len)
		return false;
	n = recv(p->io.fd, space, len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		p->readable = errno == EINTR;
		return false;
	}
	if (n < 0) {
		fail(p, true, errno);
		return true;
	}
	if (n == 0) {
		local_socket_end_input(p, now_ns);
		return true;
	}
	/* A short read has emptied the socket; what comes later is a new edge, but not the end that
	 * came with these bytes. */
	if ((size_t)n < len && !p->ending)
		p->readable = false;
	digest_feed_stream(p->read_digest, space, (size_t)n);
	p->read += (uint64_t)n;
	session_input_advance(p->session, p->read, now_ns);
	return true;
}

/* All is written: the consumer is told, and the peer. */
static void end_output(struct local_socket *p, uint64_t now_ns)
{
	uint8_t value[DIGEST_LEN];

	p->write_ended = true;
	shutdown(p->io.fd, SHUT_WR);
	digest_stream_value(p->written_digest, value);
	session_output_finish(p->session, value, now_ns);
}

bool local_socket_write(struct local_socket *p, uint64_t now_ns)
{
	uint64_t left = session_output_end(p->session) - p->written;
	size_t contiguous;
	uint8_t *from;
	ssize_t n;

	if (!left && session_output_complete(p->session)) {
		end_output(p, now_ns);
		return true;
	}
	if (!left || !p->writable)
		return false;
	from = winbuf_at(session_rx_buf(p->session), p->written, &contiguous);
	n = send(p->io.fd, from, contiguous < left ? contiguous : left, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		p->writable = errno == EINTR;
		return false;
	}
	if (n < 0) {
		fail(p, false, errno);
		return true;
	}
	digest_feed_stream(p->written_digest, from, (size_t)n);
	p->written += (uint64_t)n;
	session_output_taken(p->session, p->written, now_ns);
	return true;
}

int local_socket_new(struct local_socket **out, struct loop *loop, struct session *session, int fd,
		     void (*news)(void *arg), void *arg)
{
	struct local_socket *p = calloc(1, sizeof(*p));
	int on = 1, r;

	if (!p)
		return -ENOMEM;
	p->io = (struct loop_io){ .fd = fd, .fn = local_socket_event, .arg = p };
	p->loop = loop;
	p->session = session;
	p->news = news;
	p->arg = arg;
	p->readable = p->writable = true;
	r = digest_new(&p->read_digest);
	if (!r)
		r = digest_new(&p->written_digest);
	if (!r)
		r = loop_add(loop, &p->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r) {
		digest_free(p->read_digest);
		digest_free(p->written_digest);
		free(p);
		return r;
	}
	/* Small writes leave at once. A unix socket's do anyway, and refuses this. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*out = p;
	return 0;
}

struct local_socket *local_socket_free(struct local_socket *p, bool reset)
{
	if (!p)
		return NULL;
	if (reset)
		sock_set_abrupt(p->io.fd);
	loop_remove(p->loop, &p->io);
	close(p->io.fd);
	digest_free(p->read_digest);
	digest_free(p->written_digest);
	free(p);
	return NULL;
}
