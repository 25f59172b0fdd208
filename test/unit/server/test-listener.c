/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listener whose accept fails, and one whose TLS is made up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/listener.h"

/* How long the loop runs, and how many calls are no spinning in that time: ten attempts a second,
 * and a few to begin with. One that spins makes thousands. */
#define RUN_NS    300000000ull
#define CALLS_MAX 20

static int accept_error; /* 0: accept works */
static unsigned n_accepts, n_handshakes;
static int tls_fd;

int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_tls_new(struct tls **out, const struct tls_context *context, int fd);
struct tls *__wrap_tls_free(struct tls *t);
void __wrap_tls_shutdown(struct tls *t);
int __wrap_tls_handshake(struct tls *t);
bool __wrap_tls_flushed(const struct tls *t);
ssize_t __wrap_tls_recv(struct tls *t, const struct iovec *iov, int n);

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	n_accepts++;
	if (!accept_error)
		return __real_accept4(fd, addr, len, flags);
	errno = accept_error;
	return -1;
}

int __wrap_tls_new(struct tls **out, const struct tls_context *context, int fd)
{
	*out = (struct tls *)(uintptr_t)context; /* any pointer */
	tls_fd = fd;
	return 0;
}

struct tls *__wrap_tls_free(struct tls *t)
{
	return NULL;
}

void __wrap_tls_shutdown(struct tls *t)
{
}

/* At first the socket is full, then all is done. */
int __wrap_tls_handshake(struct tls *t)
{
	return n_handshakes++ ? 0 : -EAGAIN;
}

bool __wrap_tls_flushed(const struct tls *t)
{
	return false;
}

ssize_t __wrap_tls_recv(struct tls *t, const struct iovec *iov, int n)
{
	char buf[16];

	while (recv(tls_fd, buf, sizeof(buf), 0) > 0)
		;
	return -EAGAIN;
}

struct fixture {
	struct loop *loop;
	struct listener *listener;
	struct loop_timer end;
	unsigned n_notes;
	int client;
};

static void on_note(void *arg, int level, const char *text)
{
	struct fixture *f = arg;

	f->n_notes++;
}

static void end_fired(struct loop_timer *timer)
{
	struct fixture *f = timer->arg;

	loop_stop(f->loop);
}

static void run(struct fixture *f)
{
	loop_set_timer(f->loop, &f->end, loop_update(f->loop) + RUN_NS);
	assert_int_equal(loop_run(f->loop), 0);
}

static void start(struct fixture *f, const struct tls_context *tls)
{
	const struct sock_options options = { .tos = -1 };
	const struct listener_events events = { .note = on_note, .arg = f };
	union sock_addr at = { .in = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	const struct listener_where where = { &at, 1, &options };
	char text[LISTENER_TEXT_LEN];

	*f = (struct fixture){ .end = { .fn = end_fired, .arg = f, .due_ns = LOOP_NEVER } };
	accept_error = 0;
	n_accepts = n_handshakes = 0;
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(listener_new(&f->listener, f->loop, &where, tls, &events), 0);
	at.in.sin_port = htons(listener_port(f->listener, text));
	f->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f->client, &at.sa, sizeof(at.in)), 0);
}

static void stop(struct fixture *f)
{
	close(f->client);
	listener_free(f->listener);
	loop_free(f->loop);
}

/* Whatever the error is: some are the system's, and none takes the connection out of the queue. */
static void accept_that_fails_does_not_spin(void **state)
{
	const int errors[] = { EMFILE, ENFILE, ENOMEM, EINVAL, EPERM, EBADF };

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fixture f;

		start(&f, NULL);
		accept_error = errors[i];
		run(&f);
		assert_in_range(n_accepts, 1, CALLS_MAX);
		/* The connection has waited. */
		accept_error = 0;
		close(f.client);
		run(&f);
		assert_int_equal(f.n_notes, 1);
		stop(&f);
	}
}

/* The next one in the queue may be sound. One that fails always is no connection's fault. */
static void failed_connections_are_passed_over(void **state)
{
	struct fixture f;

	start(&f, NULL);
	accept_error = ECONNABORTED;
	run(&f);
	assert_in_range(n_accepts, 2, 64 * CALLS_MAX);
	stop(&f);
}

static void handshake_that_was_blocked_once_does_not_spin(void **state)
{
	static char any;
	struct fixture f;

	start(&f, (const struct tls_context *)(const void *)&any);
	assert_int_equal(send(f.client, "\x16", 1, 0), 1);
	run(&f);
	assert_in_range(n_handshakes, 2, CALLS_MAX);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_that_fails_does_not_spin),
		cmocka_unit_test(failed_connections_are_passed_over),
		cmocka_unit_test(handshake_that_was_blocked_once_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
