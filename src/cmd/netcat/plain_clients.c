/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_clients.c - a queue of plain connections, and one thread that serves the first
 *
 *            push                    serve                 the thread raises done
 *   client -------> waiting[0..n-1] -------> RUNS (busy) -------------------------> over()
 *
 * What always holds:
 * - While busy, carry and result belong to the thread, from worker_start() until it raises done.
 *   Nobody else touches them.
 * - Descriptors in waiting[] are owned; that of carry is closed after the thread has been joined.
 * - At most PLAIN_CLIENTS_MAX wait. The bytes that the listener has read of a client already, to
 *   find out what it speaks, wait with it and are the first that the output gets.
 */
#include "cmd/netcat/plain_clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint/input.h"
#include "engine/outcome.h"
#include "io/sock.h"
#include "io/worker.h"
#include "ui/log.h"
#include "util/text.h"

struct plain_client {
	int fd;
	size_t head_len;
	uint8_t head[PLAIN_COPY_HEAD_MAX];
};

struct plain_clients {
	struct loop *loop;
	const struct config *config;
	void (*over)(void *arg, const struct plain_copy_result *result);
	void *arg;
	struct plain_client waiting[PLAIN_CLIENTS_MAX];
	unsigned n_waiting;

	bool busy;
	struct worker worker;
	struct loop_io done_io;
	struct wake
		done; /* raised by the thread at its end; what follows is the thread's till then */
	struct plain_copy_config carry;
	struct plain_copy_result result;
};

static void run(void *arg)
{
	struct plain_clients *g = arg;

	g->carry.quit_fd = g->worker.wake.fd;
	if (plain_copy(&g->carry, &g->result)) {
		g->result = (struct plain_copy_result){ .exit = OUTCOME_SETUP };
		text_printf(g->result.why, sizeof(g->result.why), "%s", strerror(ENOMEM));
	}
	wake_raise(&g->done);
}

static void tell(const struct plain_copy_result *r)
{
	char sent[32], received[32];

	if (r->why[0])
		log_error("plain client: %s", r->why);
	text_size(sent, sizeof(sent), r->sent);
	text_size(received, sizeof(received), r->received);
	log_info("sent %s, received %s over one plain connection; a plain connection cannot "
		 "confirm that all of it arrived",
		 sent, received);
}

static void done_event(struct loop_io *io, uint32_t events)
{
	struct plain_clients *g = io->arg;

	wake_clear(&g->done);
	if (!g->busy)
		return;
	worker_join(&g->worker);
	close(g->carry.fd);
	g->busy = false;
	tell(&g->result);
	g->over(g->arg, &g->result);
}

int plain_clients_new(struct plain_clients **out, struct loop *loop, const struct config *config,
		      void (*over)(void *arg, const struct plain_copy_result *result), void *arg)
{
	struct plain_clients *g = malloc(sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	*g = (struct plain_clients){ .loop = loop, .config = config, .over = over, .arg = arg };
	r = wake_open(&g->done);
	if (r)
		goto free_clients;
	g->done_io = (struct loop_io){ .fd = g->done.fd, .fn = done_event, .arg = g };
	r = loop_add(loop, &g->done_io, EPOLLIN);
	if (r)
		goto close_wake;
	*out = g;
	return 0;
close_wake:
	wake_close(&g->done);
free_clients:
	free(g);
	return r;
}

bool plain_clients_free(struct plain_clients *g)
{
	if (!g)
		return true;
	if (g->busy && !worker_end(&g->worker))
		return false;
	if (g->busy)
		close(g->carry.fd);
	for (unsigned i = 0; i < g->n_waiting; i++)
		close(g->waiting[i].fd);
	loop_remove(g->loop, &g->done_io);
	wake_close(&g->done);
	free(g);
	return true;
}

bool plain_clients_push(struct plain_clients *g, int fd, const void *head, size_t n)
{
	struct plain_client *client = &g->waiting[g->n_waiting];

	if (g->n_waiting == PLAIN_CLIENTS_MAX)
		return false;
	client->fd = fd;
	client->head_len = n;
	memcpy(client->head, head, n);
	g->n_waiting++;
	return true;
}

static struct plain_copy_config config_of(const struct config *c, const struct plain_client *client)
{
	struct plain_copy_config config = {
		.fd = client->fd,
		.in_fd = c->no_stdin || c->recv_only ? -1 : STDIN_FILENO,
		.out_fd = c->send_only ? -1 : STDOUT_FILENO,
		.in_start = c->keep ? input_start(STDIN_FILENO) : -1,
		.rule = PLAIN_COPY_LIKE_SESSION,
		.duplex = c->duplex,
		.shutdown = true,
		.idle_ns = c->idle_ns,
		.quit_ns = c->quit_ns,
		.head_len = client->head_len,
	};

	memcpy(config.head, client->head, client->head_len);
	return config;
}

bool plain_clients_serve(struct plain_clients *g)
{
	struct sock_names names;
	int r;

	if (!g->n_waiting)
		return false;
	g->carry = config_of(g->config, &g->waiting[0]);
	g->n_waiting--;
	memmove(g->waiting, g->waiting + 1, g->n_waiting * sizeof(g->waiting[0]));
	sock_names(g->carry.fd, &names);
	log_info("%s port %u does not speak mpnc: serving it over one plain connection", names.peer,
		 names.peer_port);
	r = worker_start(&g->worker, run, g);
	if (r) {
		log_error("cannot serve a plain client: %s", strerror(-r));
		close(g->carry.fd);
		return plain_clients_serve(g);
	}
	g->busy = true;
	return true;
}

bool plain_clients_busy(const struct plain_clients *g)
{
	return g && g->busy;
}

unsigned plain_clients_len(const struct plain_clients *g)
{
	return g ? g->n_waiting : 0;
}
