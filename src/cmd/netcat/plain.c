/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain.c - netcat itself: one connection after another, without the event loop
 *
 * Nothing runs at the same time here, so each step blocks: resolve, connect or accept, carry bytes
 * (plain_copy.h), close, and with -k again. wait_for() gives every step its time limit.
 *
 * What always holds:
 * - A listener without -k stops listening before it serves its only peer. A second peer that could
 *   connect would wait for nobody.
 * - An error of accept() that does not go away is said once, and each further attempt pauses.
 * - Every path closes the descriptor that it was given.
 */
#include "cmd/netcat/plain.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/cli/client_setup.h"
#include "cmd/cli/resolve_args.h"
#include "cmd/netcat/plain_copy.h"
#include "endpoint/input.h"
#include "engine/outcome.h"
#include "io/accept_loop.h"
#include "io/clock.h"
#include "io/sock.h"
#include "io/unixsock.h"
#include "ui/log.h"
#include "util/text.h"

struct plain {
	const struct config *config;
	union sock_addr addrs[RESOLVE_MAX], sources[RESOLVE_MAX];
	struct unixsock_file file; /* of a listener with -U */
};

static int carry_and_close(const struct config *c, int fd)
{
	bool reads = !c->no_stdin && !c->recv_only;
	struct plain_copy_config config = { .fd = fd,
					    .in_fd = reads ? STDIN_FILENO : -1,
					    .out_fd = STDOUT_FILENO,
					    .in_start = c->keep ? input_start(STDIN_FILENO) : -1,
					    .quit_fd = -1,
					    .rule = c->send_only ? PLAIN_COPY_SEND_ONLY
								 : PLAIN_COPY_NETCAT,
					    .duplex = c->duplex,
					    .shutdown = c->shutdown,
					    .idle_ns = c->idle_ns,
					    .quit_ns = c->quit_ns };
	struct plain_copy_result result;
	char sent[32], received[32];
	int r = plain_copy(&config, &result);

	close(fd);
	if (r) {
		log_error("%s", strerror(-r));
		return OUTCOME_SETUP;
	}
	if (result.why[0])
		log_error("%s", result.why);
	text_size(sent, sizeof(sent), result.sent);
	text_size(received, sizeof(received), result.received);
	log_info("sent %s, received %s over one plain connection", sent, received);
	return result.exit;
}

/* Connections ---------------------------------------------------------------------------------- */

/* Returns 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t limit_ns)
{
	uint64_t due_ns =
		limit_ns == CONFIG_NEVER ? UINT64_MAX : clock_ns(CLOCK_MONOTONIC) + limit_ns;
	struct pollfd p = { .fd = fd, .events = events };

	do {
		if (clock_poll(&p, 1, due_ns) == 0)
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
		return carry_and_close(p->config, fd);
	close(fd);
	log_info("something listens there");
	return OUTCOME_OK;
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
	return OUTCOME_NETWORK;
}

static int run_client(struct plain *p, const struct sock_options *options)
{
	const struct config *c = p->config;
	int n = resolve_args_hosts(c, p->addrs),
	    n_sources = n < 0 ? 0 : resolve_args_sources(c, p->sources);
	int r = 0;

	if (n < 0 || n_sources < 0)
		return OUTCOME_SETUP;
	for (int i = 0; i < n; i++) {
		int fd =
			sock_connect(&p->addrs[i], source_for(p, n_sources, &p->addrs[i]), options);

		r = finish_connect(c, fd);
		if (!r)
			return use(p, fd);
	}
	log_error("cannot connect to %s port %s: %s", c->host, c->port, strerror(-r));
	return OUTCOME_NETWORK;
}

/* The connection waits in the kernel, and trying again at once would only spin. */
static void pause_accepting(int error, bool first)
{
	if (first)
		log_error("cannot accept connections for now: %s", strerror(-error));
	clock_poll(NULL, 0, clock_ns(CLOCK_MONOTONIC) + ACCEPT_LOOP_PAUSE_NS);
}

/* Returns the next connection, or -errno. */
static int next_peer(const struct config *c, int listen_fd)
{
	bool failing = false;

	for (;;) {
		char addr[SOCK_ADDR_LEN];
		union sock_addr peer;
		int r = wait_for(listen_fd, POLLIN, c->timeout_ns), fd;

		if (r)
			return r;
		fd = sock_accept(listen_fd, &peer);
		if (fd == -EAGAIN)
			continue;
		if (fd < 0) {
			pause_accepting(fd, !failing);
			failing = true;
			continue;
		}
		if (c->unix_path)
			return fd;
		sock_addr_text(addr, &peer);
		if (resolve_args_allow(c, &peer)) {
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
			return OUTCOME_NETWORK;
		}
		/* As nobody will be served after it, nobody is to connect and believe so. */
		if (!c->keep) {
			unixsock_remove(&p->file);
			shutdown(listen_fd, SHUT_RDWR);
		}
		exit = carry_and_close(c, fd);
	} while (c->keep);
	return exit;
}

static int run_unix_listener(struct plain *p)
{
	const char *path = p->config->unix_path;
	int fd = unixsock_listen(path, &p->file), exit;

	if (fd < 0) {
		log_error("cannot listen on %s: %s", path, strerror(-fd));
		return OUTCOME_SETUP;
	}
	log_info("listening on %s for one plain connection", path);
	exit = serve(p, fd);
	unixsock_remove(&p->file);
	close(fd);
	return exit;
}

static int run_listener(struct plain *p, const struct sock_options *options)
{
	const struct config *c = p->config;
	int n = resolve_args_resolve(c, c->host, c->port, p->addrs), fd = -EADDRNOTAVAIL, exit;
	struct sock_names names;

	if (n < 0)
		return OUTCOME_SETUP;
	/* IPv6 first: its wildcard takes IPv4 too. */
	for (int pass = 0; pass < 2 && fd < 0; pass++)
		for (int i = 0; i < n && fd < 0; i++)
			if ((p->addrs[i].sa.sa_family == AF_INET6) == !pass)
				fd = sock_listen(&p->addrs[i], c->family == AF_INET6, options);
	if (fd < 0) {
		log_error("cannot listen on %s port %s: %s", c->host ? c->host : "*", c->port,
			  strerror(-fd));
		return OUTCOME_SETUP;
	}
	sock_names(fd, &names);
	log_info("listening on %s port %u for one plain connection", names.local, names.local_port);
	exit = serve(p, fd);
	close(fd);
	return exit;
}

int plain_run(const struct config *config)
{
	struct sock_options options = client_setup_sock_options(config);
	struct plain *p = calloc(1, sizeof(*p));
	int exit;

	if (!p) {
		log_error("out of memory");
		return OUTCOME_SETUP;
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
