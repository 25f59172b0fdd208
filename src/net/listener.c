/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/handshake.h"
#include "util/text.h"

/* Out of descriptors: accepting is tried again after this. */
#define PAUSE_NS 100000000ull

/* What one call of the loop accepts at most. */
#define ACCEPT_BATCH 64

/* Reads per event from a connection that was answered. */
#define ANSWERED_READS 16

struct stranger {
	struct loop_io io;
	struct loop_timer timer;
	struct listener *listener;
	struct stranger *older, *newer;
	char addr[STATS_ADDR_LEN];
	uint16_t port;
	bool answered; /* reads on only until the peer closes */
	struct handshake handshake;
};

struct listener {
	struct loop_io io;
	struct loop *loop;
	struct listener_events events;
	struct loop_timer pause;
	struct stranger *oldest, *newest;
	unsigned n_strangers;
	unsigned max_strangers;
};

static void note(const struct listener *l, const struct stranger *s, const char *what,
		 const char *detail)
{
	char text[256];

	text_printf(text, sizeof(text), "dropped connection from %s port %u: %s%s%s", s->addr,
		    s->port, what, detail ? ": " : "", detail ? detail : "");
	l->events.note(l->events.arg, 1, text);
}

/* Strangers
 * ---------------------------------------------------------------------------------------- */

/* Takes it out of the table; returns its socket, which is open. */
static int stranger_free(struct stranger *s)
{
	struct listener *l = s->listener;
	int fd = s->io.fd;

	*(s->older ? &s->older->newer : &l->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &l->newest) = s->older;
	l->n_strangers--;
	loop_remove(l->loop, &s->io);
	loop_set_timer(l->loop, &s->timer, LOOP_NEVER);
	free(s);
	return fd;
}

static void stranger_drop(struct stranger *s, const char *what, const char *detail)
{
	if (!s->answered)
		note(s->listener, s, what, detail);
	close(stranger_free(s));
}

static void stranger_fired(struct loop_timer *timer)
{
	stranger_drop(timer->arg, "it did not say HELLO in time", NULL);
}

static void stranger_read(struct stranger *s)
{
	char text[HANDSHAKE_TEXT_LEN];
	struct wire_hello hello;
	struct listener *l = s->listener;

	for (;;) {
		size_t size;
		void *p = handshake_space(&s->handshake, &size);
		ssize_t n = recv(s->io.fd, p, size, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			stranger_drop(s,
				      s->handshake.have ? "it closed before its HELLO was complete"
							: "it closed without a word",
				      n < 0 ? strerror(errno) : NULL);
			return;
		}
		switch (handshake_read(&s->handshake, (size_t)n, &hello, text)) {
		case HANDSHAKE_MORE:
			break;
		case HANDSHAKE_STRANGER:
			stranger_drop(s, "it is not mpnc, it sent", text);
			return;
		case HANDSHAKE_HELLO:
			l->events.hello(l->events.arg, stranger_free(s), &hello);
			return;
		}
	}
}

/* Until the peer closes: closing first, with its bytes unread, would destroy the answer under way.
 */
static void answered_read(struct stranger *s)
{
	ssize_t n = 1;

	/* A few at a time: others have their turn, and this one its limit of time. */
	for (int i = 0; i < ANSWERED_READS && n > 0; i++)
		n = recv(s->io.fd, s->handshake.buf, sizeof(s->handshake.buf), 0);
	if (n > 0)
		return;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		stranger_drop(s, NULL, NULL);
}

static void stranger_event(struct loop_io *io, uint32_t events)
{
	struct stranger *s = io->arg;

	if (s->answered)
		answered_read(s);
	else
		stranger_read(s);
}

static struct stranger *stranger_new(struct listener *l, int fd, uint64_t limit_ns)
{
	struct stranger *s;

	if (l->n_strangers >= l->max_strangers)
		stranger_drop(l->oldest, "too many others wait", NULL);
	s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	s->io = (struct loop_io){ .fd = fd, .fn = stranger_event, .arg = s };
	s->timer = (struct loop_timer){ .fn = stranger_fired, .arg = s, .due_ns = LOOP_NEVER };
	s->listener = l;
	s->answered = false;
	s->addr[0] = '\0';
	s->port = 0;
	handshake_init(&s->handshake);
	if (loop_add(l->loop, &s->io, EPOLLIN | EPOLLRDHUP)) {
		free(s);
		return NULL;
	}
	s->older = l->newest;
	s->newer = NULL;
	*(l->newest ? &l->newest->newer : &l->oldest) = s;
	l->newest = s;
	l->n_strangers++;
	loop_set_timer(l->loop, &s->timer, loop_now(l->loop) + limit_ns);
	return s;
}

void listener_answer(struct listener *l, int fd, const void *bytes, size_t n)
{
	struct stranger *s;

	/* A new connection's socket buffer takes this; if not, the peer sees a close. */
	if (send(fd, bytes, n, MSG_NOSIGNAL) < 0 || shutdown(fd, SHUT_WR) < 0) {
		close(fd);
		return;
	}
	s = stranger_new(l, fd, LISTENER_REFUSE_NS);
	if (s)
		s->answered = true;
	else
		close(fd);
}

void listener_refuse(struct listener *l, int fd, enum wire_reason reason)
{
	uint8_t buf[WIRE_PREFACE_LEN + WIRE_HEADER_LEN + WIRE_TEXT_MAX];

	listener_answer(l, fd, buf, handshake_refuse(buf, sizeof(buf), reason, ""));
}

/* Accepting
 * ---------------------------------------------------------------------------------------- */

static void pause_accepting(struct listener *l)
{
	loop_change(l->loop, &l->io, 0);
	loop_set_timer(l->loop, &l->pause, loop_now(l->loop) + PAUSE_NS);
}

static void pause_fired(struct loop_timer *timer)
{
	struct listener *l = timer->arg;

	loop_change(l->loop, &l->io, EPOLLIN);
}

/* Not of those who may connect: nothing is read from it, and it learns nothing. */
static void turn_away(struct listener *l, int fd, const union sock_addr *peer)
{
	char text[256], addr[STATS_ADDR_LEN];

	sock_addr_text(addr, peer);
	text_printf(text, sizeof(text), "dropped connection from %s port %u: --allow excludes it",
		    addr, sock_addr_port(peer));
	l->events.note(l->events.arg, 1, text);
	close(fd);
}

static void accept_event(struct loop_io *io, uint32_t events)
{
	struct listener *l = io->arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union sock_addr peer;
		int fd = sock_accept(io->fd, &peer);
		struct stranger *s;

		/* The connection may have gone meanwhile: accept's other errors are its, not ours.
		 */
		if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
			if (l->oldest)
				stranger_drop(l->oldest, "descriptors run out", NULL);
			pause_accepting(l);
			return;
		}
		if (fd == -EAGAIN)
			return;
		if (fd < 0)
			continue;
		if (l->events.allows && !l->events.allows(l->events.arg, &peer)) {
			turn_away(l, fd, &peer);
			continue;
		}
		s = stranger_new(l, fd, LISTENER_HELLO_NS);
		if (!s) {
			close(fd);
			continue;
		}
		sock_addr_text(s->addr, &peer);
		s->port = sock_addr_port(&peer);
	}
}

static unsigned max_strangers(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur / LISTENER_FD_PART >= LISTENER_STRANGERS)
		return LISTENER_STRANGERS;
	return limit.rlim_cur < LISTENER_FD_PART ? 1 : (unsigned)limit.rlim_cur / LISTENER_FD_PART;
}

static bool is_any6(const union sock_addr *addr)
{
	return addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

static bool is_any4(const union sock_addr *addr)
{
	return addr->sa.sa_family == AF_INET && addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* Returns a listening descriptor or -errno. The IPv6 wildcard first: it takes IPv4 too if that was
 * asked for as well. */
static int listen_first(const union sock_addr *addrs, int n_addrs,
			const struct sock_options *options)
{
	int fd = -EADDRNOTAVAIL;
	bool any4 = false;

	for (int i = 0; i < n_addrs; i++)
		any4 |= is_any4(&addrs[i]);
	for (int i = 0; i < n_addrs && any4; i++) {
		fd = is_any6(&addrs[i]) ? sock_listen(&addrs[i], false, options) : fd;
		if (fd >= 0 || fd == -EADDRINUSE)
			return fd;
	}
	for (int i = 0; i < n_addrs; i++) {
		fd = sock_listen(&addrs[i], true, options);
		if (fd >= 0)
			break;
	}
	return fd;
}

int listener_new(struct listener **out, struct loop *loop, const union sock_addr *addrs,
		 int n_addrs, const struct sock_options *options,
		 const struct listener_events *events)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = listen_first(addrs, n_addrs, options);
	if (r < 0)
		goto free_listener;
	l->io = (struct loop_io){ .fd = r, .fn = accept_event, .arg = l };
	l->pause = (struct loop_timer){ .fn = pause_fired, .arg = l, .due_ns = LOOP_NEVER };
	l->loop = loop;
	l->max_strangers = max_strangers();
	l->events = *events;
	r = loop_add(loop, &l->io, EPOLLIN);
	if (r)
		goto close_fd;
	*out = l;
	return 0;
close_fd:
	close(l->io.fd);
free_listener:
	free(l);
	return r;
}

struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;
	while (l->oldest)
		close(stranger_free(l->oldest));
	loop_set_timer(l->loop, &l->pause, LOOP_NEVER);
	loop_remove(l->loop, &l->io);
	close(l->io.fd);
	free(l);
	return NULL;
}

uint16_t listener_port(const struct listener *l, char addr[STATS_ADDR_LEN])
{
	struct subflow_stats names = { 0 };

	sock_names(l->io.fd, &names);
	strcpy(addr, names.local);
	return names.local_port;
}
