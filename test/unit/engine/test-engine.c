/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over real sockets, where what matters is the order of the kernel's events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/engine.h"
#include "io/sock.h"

#define GIVE_UP_NS 10000000000ull

struct fixture {
	struct loop *loop;
	struct engine *engine;
	struct loop_timer timer;
	int theirs;  /* the peer's end of the only connection; -1: has said all */
	bool resets; /* the peer: instead of saying anything */
	bool gone;   /* the connection has closed */
	int level;   /* of the note that says so; -1: none */
	bool fails;  /* our side, once HELLO has left */
	unsigned n_ended;
	struct loop_task start_reading; /* at the peer, after our side has failed */
	struct loop_io reader;
	char last[4096]; /* bytes that the peer has read */
	size_t last_len;
};

static void on_note(void *arg, int level, const char *text)
{
	struct fixture *f = arg;

	if (strstr(text, "closed: "))
		f->level = level;
}

static void reset(int fd)
{
	sock_set_abrupt(fd);
	close(fd);
}

static void on_pumped(void *arg)
{
	struct fixture *f = arg;

	if (f->fails) {
		engine_fail(f->engine, WIRE_R_OUTPUT, "the disk is full");
		loop_queue(f->loop, &f->start_reading);
		f->fails = false;
		return;
	}
	/* Our HELLO has left: from here on nothing but the peer makes events. */
	if (f->theirs >= 0 && f->resets) {
		reset(f->theirs);
		f->theirs = -1;
	} else if (f->theirs >= 0) {
		assert_int_equal(write(f->theirs, "mpnc", 4), 4);
		assert_int_equal(shutdown(f->theirs, SHUT_WR), 0);
		f->theirs = -1;
	}
	if (!engine_n_live(f->engine)) {
		f->gone = true;
		loop_stop(f->loop);
	}
}

static void on_ended(void *arg)
{
	struct fixture *f = arg;

	f->n_ended++;
	loop_stop(f->loop);
}

static void on_timer(struct loop_timer *timer)
{
	struct fixture *f = timer->arg;

	loop_stop(f->loop);
}

static void set_up(struct fixture *f)
{
	struct engine_config config = {
		.session = { .role = SESSION_CLIENT, .window = 1 << 20, .n_subflows = 1 },
		.endpoint = { .in_fd = -1,
			      .out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
			      .no_input = true },
		.idle_ns = LOOP_NEVER,
		.quit_ns = LOOP_NEVER,
	};
	struct engine_events events = {
		.note = on_note, .pumped = on_pumped, .ended = on_ended, .arg = f
	};

	memset(f, 0, sizeof(*f));
	f->level = -1;
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(engine_new(&f->engine, f->loop, &config, &events), 0);
	f->timer = (struct loop_timer){ .fn = on_timer, .arg = f, .due_ns = LOOP_NEVER };
	loop_set_timer(f->loop, &f->timer, loop_now(f->loop) + GIVE_UP_NS);
}

static void tear_down(struct fixture *f)
{
	assert_true(engine_free(f->engine));
	loop_free(f->loop);
}

/* Two ends of one TCP connection over loopback. */
static void tcp_pair(int *ours, int *theirs)
{
	struct sock_options options = { .tos = -1 };
	union sock_addr addr = { .in = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	struct pollfd p = { .events = POLLIN };

	p.fd = sock_listen(&addr, false, &options);
	assert_true(p.fd >= 0);
	assert_int_equal(getsockname(p.fd, &addr.sa, &len), 0);
	*ours = sock_connect(&addr, NULL, &options);
	assert_true(*ours >= 0);
	assert_int_equal(poll(&p, 1, 10000), 1);
	*theirs = sock_accept(p.fd, &addr);
	assert_true(*theirs >= 0);
	close(p.fd);
}

/* Edge-triggered epoll reports bytes and the end at once, and never again: a read that takes
 * the bytes and is short must not wait for another event. */
static void end_that_comes_with_the_last_bytes_is_seen(void **state)
{
	struct fixture f;
	int ours, theirs;

	set_up(&f);
	tcp_pair(&ours, &theirs);
	f.theirs = theirs;
	assert_int_equal(engine_attach(f.engine, &(struct engine_arrival){ .channel.fd = ours }),
			 0);
	assert_int_equal(loop_run(f.loop), 0);
	assert_true(f.gone);
	/* Somebody who looks for a cause finds one only where there is one. */
	assert_int_equal(f.level, 2);
	close(theirs);
	tear_down(&f);
}

static void reset_of_a_plain_connection_is_said_with_v(void **state)
{
	struct fixture f;
	int ours;

	set_up(&f);
	f.resets = true;
	tcp_pair(&ours, &f.theirs);
	assert_int_equal(engine_attach(f.engine, &(struct engine_arrival){ .channel.fd = ours }),
			 0);
	assert_int_equal(loop_run(f.loop), 0);
	assert_true(f.gone);
	assert_int_equal(f.level, 1);
	tear_down(&f);
}

/* Keeps what was read last. Returns what recv does. */
static ssize_t read_more(struct fixture *f)
{
	char *free;
	ssize_t n;

	if (f->last_len > sizeof(f->last) / 2) {
		f->last_len -= sizeof(f->last) / 2;
		memmove(f->last, f->last + sizeof(f->last) / 2, f->last_len);
	}
	free = f->last + f->last_len;
	n = recv(f->reader.fd, free, sizeof(f->last) / 2, MSG_DONTWAIT);
	f->last_len += n > 0 ? (size_t)n : 0;
	return n;
}

static void on_readable(struct loop_io *io, uint32_t events)
{
	struct fixture *f = io->arg;

	if (read_more(f) == 0)
		loop_remove(f->loop, io);
}

static void on_start_reading(struct loop_task *task)
{
	struct fixture *f = task->arg;

	assert_int_equal(loop_add(f->loop, &f->reader, EPOLLIN), 0);
}

/* So that nothing more can be written before the peer reads. */
static void fill(int fd)
{
	static const char zeros[65536];
	ssize_t n;

	do {
		n = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT);
	} while (n > 0);
	assert_int_equal(errno, EAGAIN);
}

/* However full the socket is; and nothing happens after the end. */
static void failure_reaches_the_peer_before_the_end(void **state)
{
	struct fixture f;
	int ours, theirs;

	set_up(&f);
	f.fails = true;
	f.theirs = -1;
	tcp_pair(&ours, &theirs);
	fill(ours);
	f.start_reading = (struct loop_task){ .fn = on_start_reading, .arg = &f };
	f.reader = (struct loop_io){ .fd = theirs, .fn = on_readable, .arg = &f };
	assert_int_equal(engine_attach(f.engine, &(struct engine_arrival){ .channel.fd = ours }),
			 0);
	assert_int_equal(loop_run(f.loop), 0);
	assert_int_equal(f.n_ended, 1);
	assert_int_equal(engine_outcome(f.engine)->exit, OUTCOME_INCOMPLETE);
	assert_int_equal(engine_n_live(f.engine), 0);
	while (read_more(&f) > 0)
		;
	assert_non_null(memmem(f.last, f.last_len, "the disk is full", 16));
	tcp_pair(&ours, &f.theirs);
	assert_int_equal(engine_attach(f.engine, &(struct engine_arrival){ .channel.fd = ours }),
			 -ESHUTDOWN);
	close(ours);
	close(f.theirs);
	close(theirs);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_that_comes_with_the_last_bytes_is_seen),
		cmocka_unit_test(failure_reaches_the_peer_before_the_end),
		cmocka_unit_test(reset_of_a_plain_connection_is_said_with_v),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
