/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two pipes, each with one buffer: from standard input to the socket and back. A pipe reads when
 * its buffer is empty and writes until it is empty again; its end of file becomes the other side's.
 */
#include "cmd/plain.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd/names.h"
#include "net/ending.h"
#include "net/sock.h"
#include "net/unixsock.h"
#include "ui/log.h"
#include "util/text.h"

#define BUF_LEN (64u << 10)

struct pipe {
	int from, to; /* from -1: the end of file was read */
	bool to_socket;
	bool ended; /* and passed on */
	size_t have, done;
	uint64_t total;
	char buf[BUF_LEN];
};

struct plain {
	const struct config *config;
	int fd;
	struct pipe up, down; /* to the peer, and from it */
	uint64_t moved_ns;    /* when something moved last */
	uint64_t sent_ns;     /* when the end of our input was passed on; 0: not yet */
	union sock_addr addrs[RESOLVE_MAX], sources[RESOLVE_MAX];
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Bytes ---------------------------------------------------------------------------------------- */

/* The peer hears of the end of our input with -N, as netcat's does, or when its own stream is over.
 */
static void pass_end(struct plain *p, struct pipe *q)
{
	q->ended = true;
	if (q->to_socket && p->config->shutdown)
		shutdown(q->to, SHUT_WR);
	if (q->to_socket)
		p->sent_ns = clock_ns();
}

static int read_some(struct plain *p, struct pipe *q)
{
	ssize_t n = read(q->from, q->buf, sizeof(q->buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		q->from = -1;
		pass_end(p, q);
	}
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
static int move(struct plain *p, struct pipe *q, short revents)
{
	if (!revents)
		return 0;
	p->moved_ns = clock_ns();
	return q->done < q->have ? write_some(q) : read_some(p, q);
}

/* When to give up, or for -q to end; UINT64_MAX: never. */
static uint64_t deadline(const struct plain *p)
{
	const struct config *c = p->config;
	uint64_t due = UINT64_MAX;

	if (c->idle_ns != CONFIG_NEVER)
		due = p->moved_ns + c->idle_ns;
	if (c->quit_ns != CONFIG_NEVER && p->sent_ns && p->sent_ns + c->quit_ns < due)
		due = p->sent_ns + c->quit_ns;
	return due;
}

static int poll_until(struct pollfd *fds, nfds_t n, uint64_t due_ns)
{
	uint64_t now_ns = clock_ns(), ms = (due_ns - now_ns) / 1000000 + 1;
	int timeout = -1, r;

	if (due_ns != UINT64_MAX)
		timeout = due_ns <= now_ns ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
	r = poll(fds, n, timeout);
	return r < 0 && errno == EINTR ? 1 : r;
}

static int timed_out(const struct plain *p)
{
	char duration[32];

	if (p->config->quit_ns != CONFIG_NEVER && p->sent_ns)
		return ENGINE_EXIT_OK;
	text_duration(duration, sizeof(duration), p->config->idle_ns);
	log_error("nothing moved for %s", duration);
	return ENGINE_EXIT_NETWORK;
}

static int failed(const struct pipe *q, int r)
{
	bool local = !q->to_socket == (q->done < q->have);

	log_error("%s: %s",
		  !local         ? "the connection is lost"
		  : q->to_socket ? "reading the input failed"
				 : "writing the output failed",
		  strerror(-r));
	return local ? ENGINE_EXIT_INCOMPLETE : ENGINE_EXIT_NETWORK;
}

/* Over when the peer's stream is, as netcat's; with -N and --duplex when both are. */
static bool over(const struct plain *p)
{
	if (!p->down.ended)
		return p->config->send_only && p->up.ended;
	return !p->config->duplex || p->up.ended;
}

static int carry(struct plain *p, int fd)
{
	const struct config *c = p->config;
	bool reads = !c->no_stdin && !c->recv_only;

	p->up = (struct pipe){ .from = reads ? STDIN_FILENO : -1, .to = fd, .to_socket = true };
	p->down = (struct pipe){ .from = c->send_only ? -1 : fd, .to = STDOUT_FILENO };
	p->up.ended = !reads;
	p->sent_ns = 0;
	p->moved_ns = clock_ns();
	while (!over(p)) {
		struct pollfd fds[2] = { wanted(&p->up), wanted(&p->down) };
		int r = poll_until(fds, 2, deadline(p));

		if (r == 0)
			return timed_out(p);
		r = move(p, &p->up, fds[0].revents);
		if (r < 0)
			return failed(&p->up, r);
		r = move(p, &p->down, fds[1].revents);
		if (r < 0)
			return failed(&p->down, r);
	}
	return ENGINE_EXIT_OK;
}

static int carry_and_close(struct plain *p, int fd)
{
	char sent[32], received[32];
	int exit = carry(p, fd);

	close(fd);
	text_size(sent, sizeof(sent), p->up.total);
	text_size(received, sizeof(received), p->down.total);
	log_info("sent %s, received %s over one plain connection", sent, received);
	return exit;
}

/* Connections ---------------------------------------------------------------------------------- */

/* Returns 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t limit_ns)
{
	uint64_t due_ns = limit_ns == CONFIG_NEVER ? UINT64_MAX : clock_ns() + limit_ns;
	struct pollfd p = { .fd = fd, .events = events };

	do {
		if (poll_until(&p, 1, due_ns) == 0)
			return -ETIMEDOUT;
	} while (!p.revents);
	return 0;
}

static const union sock_addr *source_for(struct plain *p, int n, const union sock_addr *peer)
{
	for (int i = 0; i < n; i++) {
		if (p->sources[i].sa.sa_family != peer->sa.sa_family)
			continue;
		sock_addr_set_port(&p->sources[i], p->config->source_port);
		return &p->sources[i];
	}
	return NULL;
}

/* Returns 0, or -errno and fd is closed. */
static int finish_connect(const struct config *c, int fd)
{
	int r = fd < 0 ? fd : wait_for(fd, POLLOUT, c->timeout_ns);

	if (!r)
		r = sock_connected(fd);
	if (r && fd >= 0)
		close(fd);
	return r;
}

static int use(struct plain *p, int fd)
{
	if (!p->config->probe)
		return carry_and_close(p, fd);
	close(fd);
	log_info("something listens there");
	return ENGINE_EXIT_OK;
}

static int run_unix_client(struct plain *p)
{
	const char *path = p->config->unix_path;
	int fd = unixsock_new(), r = fd < 0 ? fd : unixsock_connect(fd, path);

	if (!r)
		return use(p, fd);
	if (fd >= 0)
		close(fd);
	log_error("cannot connect to %s: %s", path, strerror(-r));
	return ENGINE_EXIT_NETWORK;
}

static int run_client(struct plain *p, const struct sock_options *options)
{
	const struct config *c = p->config;
	int n = names_resolve(c, c->host, c->port, p->addrs), n_sources = 0, r = 0;

	if (n >= 0 && c->source)
		n_sources = names_resolve(c, c->source, NULL, p->sources);
	if (n < 0 || n_sources < 0)
		return ENGINE_EXIT_SETUP;
	for (int i = 0; i < n; i++) {
		int fd =
			sock_connect(&p->addrs[i], source_for(p, n_sources, &p->addrs[i]), options);

		r = finish_connect(c, fd);
		if (!r)
			return use(p, fd);
	}
	log_error("cannot connect to %s port %s: %s", c->host, c->port, strerror(-r));
	return ENGINE_EXIT_NETWORK;
}

/* Returns the next connection, or -errno. */
static int next_peer(const struct config *c, int listen_fd)
{
	for (;;) {
		char addr[STATS_ADDR_LEN];
		union sock_addr peer;
		int r = wait_for(listen_fd, POLLIN, c->timeout_ns), fd;

		if (r)
			return r;
		fd = sock_accept(listen_fd, &peer);
		if (fd < 0)
			continue;
		if (c->unix_path)
			return fd;
		sock_addr_text(addr, &peer);
		if (names_allow(c, &peer)) {
			log_info("connection from %s port %u", addr, sock_addr_port(&peer));
			return fd;
		}
		log_info("dropped connection from %s port %u: --allow excludes it", addr,
			 sock_addr_port(&peer));
		close(fd);
	}
}

static int serve(struct plain *p, int listen_fd)
{
	const struct config *c = p->config;
	int exit;

	do {
		int fd = next_peer(c, listen_fd);

		if (fd < 0) {
			log_error("no peer came: %s", strerror(-fd));
			return ENGINE_EXIT_NETWORK;
		}
		exit = carry_and_close(p, fd);
	} while (c->keep);
	return exit;
}

static int run_unix_listener(struct plain *p)
{
	const char *path = p->config->unix_path;
	int fd = unixsock_listen(path), exit;

	if (fd < 0) {
		log_error("cannot listen on %s: %s", path, strerror(-fd));
		return ENGINE_EXIT_SETUP;
	}
	log_info("listening on %s for one plain connection", path);
	exit = serve(p, fd);
	unixsock_unlink(path);
	close(fd);
	return exit;
}

static int run_listener(struct plain *p, const struct sock_options *options)
{
	const struct config *c = p->config;
	int n = names_resolve(c, c->host, c->port, p->addrs), fd = -EADDRNOTAVAIL, exit;
	struct subflow_stats names = { 0 };

	if (n < 0)
		return ENGINE_EXIT_SETUP;
	/* IPv6 first: its wildcard takes IPv4 too. */
	for (int pass = 0; pass < 2 && fd < 0; pass++)
		for (int i = 0; i < n && fd < 0; i++)
			if ((p->addrs[i].sa.sa_family == AF_INET6) == !pass)
				fd = sock_listen(&p->addrs[i], c->family == AF_INET6, options);
	if (fd < 0) {
		log_error("cannot listen on %s port %s: %s", c->host ? c->host : "*", c->port,
			  strerror(-fd));
		return ENGINE_EXIT_SETUP;
	}
	sock_names(fd, &names);
	log_info("listening on %s port %u for one plain connection", names.local, names.local_port);
	exit = serve(p, fd);
	close(fd);
	return exit;
}

int plain_run(const struct config *config)
{
	struct sock_options options = { .tos = config->tos,
					.sndbuf = (int)config->sndbuf,
					.rcvbuf = (int)config->rcvbuf,
					.ttl = config->ttl,
					.min_ttl = config->min_ttl };
	struct plain *p = calloc(1, sizeof(*p));
	int exit;

	if (!p) {
		log_error("out of memory");
		return ENGINE_EXIT_SETUP;
	}
	p->config = config;
	signal(SIGPIPE, SIG_IGN);
	if (config->unix_path)
		exit = config->listen ? run_unix_listener(p) : run_unix_client(p);
	else
		exit = config->listen ? run_listener(p, &options) : run_client(p, &options);
	free(p);
	return exit;
}
