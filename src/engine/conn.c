/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one connection. epoll reports edges only.
 *
 * readable and writable say whether a call may find something to do:
 *
 *    true  --EAGAIN, or a plain socket's short read without the end--> false
 *    false --an edge-------------------------------------------------> true
 *
 * A call clears its flag first and sets it again by its result (conn_was_read, conn_was_written):
 * with a pool an edge can come while the call runs, and that edge must not get lost. A flag that is
 * true too long costs one call that says EAGAIN; one that is false too long stalls the connection
 * for good, as its edge does not come again.
 *
 * A write that fails does not end the connection: the peer may have said why before, so what has
 * come is read first, and the read then ends it with the write's errno.
 */
#include "engine/conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "engine/conn_internal.h"
#include "io/sock.h"
#include "session/sched.h"
#include "session/session_subflow.h"
#include "util/iov.h"

/* A frame is at most 256 KiB: a quarter of it at a time leaves the kernel room for the next. What a
 * few segments bring is not worth a call. */
#define RCVLOWAT_MIN (4u << 10)
#define RCVLOWAT_MAX (64u << 10)

static_assert(SOCK_ADDR_LEN == STATS_ADDR_LEN, "names of a connection are copied whole");

/* Results of system calls ---------------------------------------------------------------------- */

enum conn_result conn_was_read(struct conn *c, ssize_t n, size_t len)
{
	if (n == -EAGAIN && !c->error)
		return CONN_IDLE;
	c->readable = true;
	if (n == -EINTR)
		return CONN_MOVED;
	if (n < 0 && !c->error)
		c->error = (int)-n;
	if (n <= 0)
		return CONN_CLOSED;
	/* A short read has emptied the socket; what comes later is a new edge. But not the end:
	 * epoll has reported it together with these bytes, and does not do so again. TLS may keep
	 * bytes that are not a whole record yet, or an error: it says EAGAIN itself. */
	if (!c->tls && (size_t)n < len && !c->hung_up && !c->error)
		c->readable = false;
	return CONN_MOVED;
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

enum conn_result conn_was_written(struct conn *c, struct session *s, ssize_t n, size_t len,
				  uint64_t now_ns)
{
	if (n == -EAGAIN)
		return CONN_IDLE;
	if (n < 0 && n != -EINTR) {
		/* The peer's last words may still be there to be read. */
		c->error = (int)-n;
		c->readable = true;
		return CONN_MOVED;
	}
	if (n == -EINTR || ((size_t)n == len && (!c->tls || tls_flushed(c->tls))))
		c->writable = true;
	if (n > 0) {
		follow_rate(c, s);
		session_tx_done(s, c->slot, (size_t)n, now_ns);
	}
	return CONN_MOVED;
}

/* By the loop's own thread --------------------------------------------------------------------- */

/* A link of 1 Gbit/s brings 80 segments a millisecond, and until its frame is whole none is of use:
 * the reader wakes only then, or when much has come. A mark above what is missing would never be
 * reached. TLS's records are not known here. */
void conn_sleep_until_whole(struct conn *c, const struct session *s)
{
	size_t missing = c->tls ? 0 : session_rx_missing(s, c->slot);
	uint32_t len = missing < RCVLOWAT_MAX ? (uint32_t)missing : RCVLOWAT_MAX;

	if (len < RCVLOWAT_MIN)
		len = 1;
	if (len == c->rcvlowat)
		return;
	sock_set_rcvlowat(c->io.fd, len);
	c->rcvlowat = len;
}

enum conn_result conn_read_here(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct iovec iov[SESSION_IOV];
	enum conn_result r;
	int n_iov;
	ssize_t n;

	if (!c->readable)
		return CONN_IDLE;
	n_iov = session_rx_space(s, c->slot, iov);
	if (!n_iov)
		return CONN_IDLE;
	c->readable = false;
	n = channel_recv(conn_channel(c), iov, n_iov);
	r = conn_was_read(c, n, iov_len(iov, n_iov));
	/* A read that just fits leaves the mark of the frame before, which the next one may never
	 * reach. */
	if (n == -EAGAIN)
		conn_sleep_until_whole(c, s);
	if (n <= 0)
		return r;
	if (session_rx(s, c->slot, (size_t)n, now_ns))
		return CONN_CLOSED;
	if (!c->readable)
		conn_sleep_until_whole(c, s);
	return CONN_MOVED;
}

static enum conn_result direct_write(struct conn *c, struct session *s, uint64_t now_ns)
{
	struct channel ch = conn_channel(c);
	struct iovec iov[SESSION_IOV];
	int n_iov = 0;
	ssize_t n;

	if (!c->writable || c->state == CONN_SHUT)
		return CONN_IDLE;
	/* First what was sealed last time and did not fit. */
	n = channel_flush(ch);
	if (!n)
		n_iov = session_tx(s, c->slot, now_ns, iov);
	if (!n && !n_iov)
		return CONN_IDLE;
	c->writable = false;
	if (!n)
		n = channel_send(ch, iov, n_iov);
	return conn_was_written(c, s, n, iov_len(iov, n_iov), now_ns);
}

static bool direct_settle(struct conn *c, bool wait)
{
	return true;
}

static const struct conn_ops direct = { conn_read_here, direct_write, direct_settle };

/* Life ----------------------------------------------------------------------------------------- */

static void take_names(struct conn *c)
{
	struct sock_names names;

	sock_names(c->io.fd, &names);
	memcpy(c->stats.local, names.local, sizeof(names.local));
	memcpy(c->stats.peer, names.peer, sizeof(names.peer));
	c->stats.local_port = names.local_port;
	c->stats.peer_port = names.peer_port;
}

struct conn *conn_new(struct channel ch, void (*fn)(struct loop_io *io, uint32_t events), void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->io = (struct loop_io){ .fd = ch.fd, .fn = fn, .arg = arg };
	c->tls = ch.tls;
	c->ops = &direct;
	c->readable = c->writable = true;
	c->rcvlowat = 1;
	c->stats.live = true;
	c->stats.tx_link = c->stats.rx_link = -1;
	c->stats.peer_tx_link = c->stats.peer_rx_link = -1;
	take_names(c);
	return c;
}

struct channel conn_channel(const struct conn *c)
{
	return (struct channel){ .fd = c->io.fd, .tls = c->tls };
}

void conn_take_events(struct conn *c, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->hung_up = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->writable = true;
}

enum conn_result conn_read(struct conn *c, struct session *s, uint64_t now_ns)
{
	return c->ops->read(c, s, now_ns);
}

enum conn_result conn_write(struct conn *c, struct session *s, uint64_t now_ns)
{
	return c->ops->write(c, s, now_ns);
}

bool conn_settle(struct conn *c, bool wait)
{
	return c->ops->settle(c, wait);
}

void conn_free(struct conn *c)
{
	worker_job_free(c->job);
	free(c);
}

/* What the kernel knows ------------------------------------------------------------------------ */

bool conn_dead(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(c->io.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	if (info.tcpi_last_ack_recv < CONN_DEAD_MS)
		return false;
	return (info.tcpi_unacked && info.tcpi_retransmits >= CONN_DEAD_RETRANSMITS) ||
	       info.tcpi_probes >= CONN_DEAD_PROBES;
}

void conn_update_stats(struct conn *c, const struct session *s)
{
	struct sock_info info;

	session_subflow_bytes(s, c->slot, &c->stats.tx_bytes, &c->stats.rx_bytes);
	if (sock_info(c->io.fd, &info))
		return;
	c->stats.retransmits = info.retransmits;
	c->stats.rtt_us = info.rtt_us;
}
