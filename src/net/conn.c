/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net/sock.h"
#include "session/sched.h"
#include "util/iov.h"

struct conn *conn_new(struct channel ch, void (*fn)(struct loop_io *io, uint32_t events), void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->io = (struct loop_io){ .fd = ch.fd, .fn = fn, .arg = arg };
	c->tls = ch.tls;
	c->readable = c->writable = true;
	c->stats.live = true;
	c->stats.tx_link = c->stats.rx_link = -1;
	c->stats.peer_tx_link = c->stats.peer_rx_link = -1;
	sock_names(ch.fd, &c->stats);
	return c;
}

struct channel conn_channel(const struct conn *c)
{
	return (struct channel){ .fd = c->io.fd, .tls = c->tls };
}

static enum conn_result read_failed(struct conn *c, int error)
{
	if (error == EINTR)
		return CONN_MOVED;
	if (error == EAGAIN && !c->error) {
		c->readable = false;
		return CONN_IDLE;
	}
	if (!c->error)
		c->error = error;
	return CONN_CLOSED;
}

enum conn_result conn_read(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct iovec iov[SESSION_IOV];
	int n_iov;
	ssize_t n;

	if (!c->readable)
		return CONN_IDLE;
	n_iov = session_rx_space(s, c->slot, iov);
	n = channel_recv(conn_channel(c), iov, n_iov);
	if (n < 0)
		return read_failed(c, (int)-n);
	if (n == 0)
		return CONN_CLOSED;
	/* A short read has emptied the socket; what comes later is a new edge. But not the end:
	 * when it was told of together with these bytes, it will not be told of again. TLS may keep
	 * bytes that are not a whole record yet, or an error: it says EAGAIN itself. */
	if (!c->tls && (size_t)n < iov_len(iov, n_iov) && !c->ending && !c->error)
		c->readable = false;
	return session_rx(s, c->slot, (size_t)n, now_ns) ? CONN_CLOSED : CONN_MOVED;
}

/* The low-water mark follows the rate, in large steps. */
static void follow_rate(struct conn *c, const struct session *s)
{
	uint32_t len = session_subflow_chunk_len(s, c->slot);

	if (len >= 2 * c->chunk_len || 2 * len < c->chunk_len) {
		sock_set_lowat(c->io.fd, len);
		c->chunk_len = len;
	}
}

static enum conn_result write_failed(struct conn *c, int error)
{
	if (error == EINTR)
		return CONN_MOVED;
	c->writable = false;
	if (error == EAGAIN)
		return CONN_IDLE;
	/* The peer's last words may still be there to be read. */
	c->error = error;
	c->readable = true;
	return CONN_MOVED;
}

enum conn_result conn_write(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct channel ch = conn_channel(c);
	struct iovec iov[SESSION_IOV];
	int r, n_iov;
	ssize_t n;

	if (!c->writable || c->shut)
		return CONN_IDLE;
	/* What was sealed last time and did not fit. */
	r = channel_flush(ch);
	if (r)
		return write_failed(c, -r);
	n_iov = session_tx(s, c->slot, now_ns, iov);
	if (!n_iov)
		return CONN_IDLE;
	n = channel_send(ch, iov, n_iov);
	if (n < 0)
		return write_failed(c, (int)-n);
	if ((size_t)n < iov_len(iov, n_iov) || (c->tls && !tls_flushed(c->tls)))
		c->writable = false;
	follow_rate(c, s);
	session_tx_done(s, c->slot, (size_t)n, now_ns);
	return CONN_MOVED;
}

bool conn_dead(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(c->io.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	return info.tcpi_unacked && info.tcpi_retransmits >= CONN_DEAD_RETRANSMITS &&
	       info.tcpi_last_ack_recv >= CONN_DEAD_MS;
}

void conn_update_stats(struct conn *c, const struct session *s)
{
	session_subflow_bytes(s, c->slot, &c->stats.tx_bytes, &c->stats.rx_bytes);
	sock_info(c->io.fd, &c->stats);
}
