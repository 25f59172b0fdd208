/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a client until WELCOME, over real sockets. Where time matters: test/sim/clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/client.h"
#include "session/handshake.h"

#define GIVE_UP_NS 10000000000ull

struct fixture {
	struct loop *loop;
	struct engine *engine;
	struct client *client;
	struct engine_events events;
	struct loop_timer timer;
	struct loop_io listener;
	struct loop_io peer; /* its end of the connection that stands; fd -1: none */
	union sock_addr addr;
	unsigned n_accepted;
	bool refuses; /* the first HELLO, as busy; else it ends the connection in silence */
	const char *stops_at;
	char said[OUTCOME_REASON_LEN]; /* what the client said when the loop stopped */
	bool was_ready;                /* it spoke of a preconnection that is gone */
};

static void on_note(void *arg, int level, const char *text)
{
	struct fixture *f = arg;

	f->was_ready |= strstr(text, "that was ready is gone") != NULL;
	if (!f->stops_at || !strstr(text, f->stops_at))
		return;
	strncpy(f->said, text, sizeof(f->said) - 1);
	loop_stop(f->loop);
}

static void on_pumped(void *arg)
{
	struct fixture *f = arg;

	if (f->client)
		client_pumped(f->client);
}

static void on_ended(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void on_timer(struct loop_timer *timer)
{
	fail_msg("the client did not get there in time");
}

static void end_connection(struct fixture *f)
{
	loop_remove(f->loop, &f->peer);
	close(f->peer.fd);
	f->peer.fd = -1;
}

/* HELLO has come. */
static void on_bytes(struct loop_io *io, uint32_t events)
{
	struct fixture *f = io->arg;
	uint8_t buf[4096];

	assert_true(read(io->fd, buf, sizeof(buf)) > 0);
	if (f->refuses) {
		size_t n = handshake_refuse(buf, sizeof(buf), WIRE_R_BUSY, "");

		assert_int_equal(write(io->fd, buf, n), n);
		f->refuses = false;
	}
	end_connection(f);
}

static void on_accept(struct loop_io *io, uint32_t events)
{
	struct fixture *f = io->arg;
	int fd = accept(io->fd, NULL, NULL);

	assert_true(fd >= 0 && f->peer.fd < 0);
	f->n_accepted++;
	f->peer.fd = fd;
	assert_int_equal(loop_add(f->loop, &f->peer, EPOLLIN), 0);
}

static void start_engine(struct fixture *f)
{
	const struct engine_config config = {
		.session = { .role = SESSION_CLIENT, .window = 1 << 20, .n_subflows = 1 },
		.endpoint = { .in_fd = -1,
			      .out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
			      .no_input = true },
		.paths.client = true,
		.idle_ns = LOOP_NEVER,
		.quit_ns = LOOP_NEVER,
	};

	f->events = (struct engine_events){
		.note = on_note, .pumped = on_pumped, .ended = on_ended, .arg = f
	};
	assert_int_equal(engine_new(&f->engine, f->loop, &config, &f->events), 0);
}

static void set_up(struct fixture *f)
{
	const struct sock_options options = { .tos = -1 };
	const struct client_config config = { .host = "peer",
					      .port = "5000",
					      .addrs = &f->addr,
					      .n_addrs = 1,
					      .n_flows = 1,
					      .connect_ns = LOOP_NEVER,
					      .retry_ns = GIVE_UP_NS,
					      .socket = options };

	*f = (struct fixture){ .addr.in = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	assert_int_equal(loop_new(&f->loop), 0);
	f->peer = (struct loop_io){ .fd = -1, .fn = on_bytes, .arg = f };
	f->listener = (struct loop_io){ .fd = sock_listen(&f->addr, false, &options),
					.fn = on_accept,
					.arg = f };
	assert_true(f->listener.fd >= 0);
	sock_local(f->listener.fd, &f->addr);
	assert_int_equal(loop_add(f->loop, &f->listener, EPOLLIN), 0);
	start_engine(f);
	assert_int_equal(client_new(&f->client, f->loop, f->engine, &config, &f->events), 0);
	f->timer = (struct loop_timer){ .fn = on_timer, .arg = f, .due_ns = LOOP_NEVER };
	loop_set_timer(f->loop, &f->timer, loop_now(f->loop) + GIVE_UP_NS);
}

static void begin_preconnected(struct fixture *f)
{
	const struct sock_options options = { .tos = -1 };
	struct client_first first = { .ch.fd = sock_connect(&f->addr, NULL, &options) };

	assert_true(first.ch.fd >= 0);
	client_begin_preconnected(f->client, &first);
}

static void run_until_said(struct fixture *f, const char *text)
{
	f->stops_at = text;
	assert_int_equal(loop_run(f->loop), 0);
	assert_non_null(strstr(f->said, text));
}

static void tear_down(struct fixture *f)
{
	if (f->peer.fd >= 0)
		end_connection(f);
	loop_remove(f->loop, &f->listener);
	close(f->listener.fd);
	loop_set_timer(f->loop, &f->timer, LOOP_NEVER);
	client_free(f->client);
	assert_true(engine_free(f->engine));
	assert_true(loop_is_empty(f->loop));
	loop_free(f->loop);
}

static void a_preconnection_that_is_gone_is_followed_by_a_connection(void **state)
{
	struct fixture f;

	set_up(&f);
	begin_preconnected(&f);
	/* It counts as no failure. What follows it does. */
	run_until_said(&f, "once more");
	assert_true(f.was_ready);
	assert_int_equal(f.n_accepted, 2);
	tear_down(&f);
}

/* The client went on to treat each connection as one that was there before the session. */
static void after_a_refused_preconnection_connections_are_ordinary(void **state)
{
	struct fixture f;

	set_up(&f);
	f.refuses = true;
	begin_preconnected(&f);
	run_until_said(&f, "once more");
	assert_false(f.was_ready);
	assert_int_equal(f.n_accepted, 2);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_preconnection_that_is_gone_is_followed_by_a_connection),
		cmocka_unit_test(after_a_refused_preconnection_connections_are_ordinary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
