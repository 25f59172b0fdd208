/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: every connection that has not said HELLO, or has been answered, is a struct stranger. It
 * is in exactly one of three tables: strangers; expected (its source has a session, it proved who
 * it is, or it is about to join); preconnections (for a session to come). A connection that enters
 * a full table makes another one leave (source_table.h); only the preconnections refuse it.
 *
 *   accepted --> first byte --> TLS turn --> TLS handshake --> HELLO --> events.hello
 *                    |   |                    ^         |        |
 *                    |   +-- the budget is open         |        +--> events.plain, or dropped
 *                    |                                  |
 *                    +--> HELLO, if it is no TLS        +-- failed --> answered --> closed
 *
 *   listener_answer       enters strangers as answered
 *   listener_keep         enters preconnections before its HELLO
 *   listener_expect_join  enters expected before its HELLO
 *
 * A proof moves a connection from strangers to expected. Whoever takes a connection out
 * (stranger_free) owns its channel from then on. The timer of each runs all the time: the limits
 * are those of listener.h. All of it is the loop's thread's.
 */
#include "server/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/accept_loop.h"
#include "path/own_addrs.h"
#include "server/source_table.h"
#include "server/tls_budget.h"
#include "session/handshake.h"
#include "util/text.h"

/* Reads per event from a connection that was answered. */
#define ANSWERED_READS 16

struct stranger {
	struct loop_io io;
	struct loop_timer timer;
	struct listener *listener;
	struct source_table *table; /* that it is in */
	struct source_table_member member;
	union sock_addr from;
	bool sniffed;         /* its first byte was looked at */
	bool renewed;         /* it was answered once, and begins anew */
	bool answered;        /* reads on only until the peer closes */
	bool blocked;         /* the handshake waits until the socket is writable */
	struct tls_turn turn; /* to begin TLS */
	struct tls *tls;
	struct handshake handshake;
};

struct listener {
	struct accept_loop accepts;
	struct loop *loop;
	struct listener_events events;
	const struct tls_context *tls;
	struct tls_budget turns;
	struct source_table *strangers;
	struct source_table *expected; /* of sources that have a session, or proved who they are */
	struct source_table *preconnections; /* for sessions to come */
};

static void note(const struct listener *l, const struct stranger *s, const char *what,
		 const char *detail)
{
	char text[256], addr[SOCK_ADDR_LEN];

	sock_addr_text(addr, &s->from);
	text_printf(text, sizeof(text), "dropped connection from %s port %u: %s%s%s", addr,
		    sock_addr_port(&s->from), what, detail ? ": " : "", detail ? detail : "");
	l->events.note(l->events.arg, 1, text);
}

/* Strangers
 * ---------------------------------------------------------------------------------------- */

/* Takes it out of the table; returns its connection, which is open. */
static struct channel stranger_free(struct stranger *s)
{
	struct listener *l = s->listener;
	struct channel ch = { .fd = s->io.fd, .tls = s->tls };

	source_table_remove(s->table, &s->member);
	tls_budget_leave(&l->turns, &s->turn);
	loop_remove(l->loop, &s->io);
	loop_set_timer(l->loop, &s->timer, LOOP_NEVER);
	free(s);
	return ch;
}

static void stranger_drop(struct stranger *s, const char *what, const char *detail)
{
	/* Preconnections come and go. */
	if (!s->answered && s->table != s->listener->preconnections)
		note(s->listener, s, what, detail);
	channel_close(stranger_free(s));
}

/* The one of this table that is to leave; NULL: the table is empty. */
static struct stranger *chosen(struct source_table *table)
{
	char *m = (char *)source_table_choose(table);

	return m ? (struct stranger *)(void *)(m - offsetof(struct stranger, member)) : NULL;
}

/* Enters this table; if it is full, another one leaves it first. Returns 0 or -ENOMEM. */
static int stranger_enter(struct stranger *s, struct source_table *table)
{
	struct stranger *other = source_table_is_full(table) ? chosen(table) : NULL;
	uint8_t source[SOCK_SOURCE_LEN];
	int r;

	if (other)
		stranger_drop(other, "too many others wait", NULL);
	sock_addr_source(source, &s->from);
	r = source_table_add(table, &s->member, source);
	if (!r)
		s->table = table;
	return r;
}

/* It does not speak mpnc's protocol, as far as the listener can see. */
static void stranger_plain(struct stranger *s)
{
	struct listener *l = s->listener;
	uint8_t bytes[WIRE_PREFACE_LEN];
	size_t n = s->handshake.have;

	memcpy(bytes, s->handshake.buf, n);
	l->events.plain(l->events.arg, stranger_free(s).fd, bytes, n);
}

static void stranger_fired(struct loop_timer *timer)
{
	struct stranger *s = timer->arg;

	if (s->turn.waits)
		stranger_drop(s, "too many others were in TLS handshakes", NULL);
	else if (!s->listener->events.plain || s->answered || s->handshake.have)
		stranger_drop(s, "it did not say HELLO in time", NULL);
	else
		stranger_plain(s);
}

/* All that there was to say to it has been said: reads on only until the peer closes. */
static void stranger_answered(struct stranger *s)
{
	struct listener *l = s->listener;

	s->tls = tls_free(s->tls);
	s->answered = true;
	shutdown(s->io.fd, SHUT_WR);
	loop_change(l->loop, &s->io, EPOLLIN | EPOLLRDHUP);
	loop_set_timer(l->loop, &s->timer, loop_now(l->loop) + LISTENER_REFUSE_NS);
}

/* A TLS client, and no key here: it gets an alert, which is all that it understands. */
static void refuse_tls(struct stranger *s)
{
	static const uint8_t unexpected_message[] = { 0x15, 3, 3, 0, 2, 2, 10 };

	note(s->listener, s, "it speaks TLS, and this listener has no key", NULL);
	send(s->io.fd, unexpected_message, sizeof(unexpected_message), MSG_NOSIGNAL);
	stranger_answered(s);
}

/* Returns false when it is dropped. */
static bool stranger_begin(struct stranger *s)
{
	if (!tls_new(&s->tls, s->listener->tls, s->io.fd))
		return true;
	stranger_drop(s, strerror(ENOMEM), NULL);
	return false;
}

/* Until its turn comes nothing is read from it; only its end is noticed. */
static void stranger_wait(struct stranger *s)
{
	struct listener *l = s->listener;
	uint8_t source[SOCK_SOURCE_LEN];

	loop_change(l->loop, &s->io, EPOLLRDHUP);
	sock_addr_source(source, &s->from);
	tls_budget_wait(&l->turns, &s->turn, source, s->table == l->expected);
}

/* Looks whether it begins with TLS. Returns false when there is nothing to be read from it now.
 * Without a key, and where plain streams are served, one byte is not enough to tell: these are read
 * first. */
static bool stranger_sniff(struct stranger *s)
{
	struct listener *l = s->listener;
	uint8_t first;
	ssize_t n = recv(s->io.fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	s->sniffed = true;
	if (n > 0)
		source_table_heard(&s->member);
	if (n <= 0 || first != TLS_FIRST_BYTE || (!l->tls && l->events.plain))
		return true;
	if (!l->tls) {
		refuse_tls(s);
		return false;
	}
	if (tls_budget_open(&l->turns))
		return stranger_begin(s);
	stranger_wait(s);
	return false;
}

static void stranger_block(struct stranger *s, bool blocked)
{
	if (blocked == s->blocked)
		return;
	s->blocked = blocked;
	loop_change(s->listener->loop, &s->io,
		    EPOLLIN | EPOLLRDHUP | (blocked ? (uint32_t)EPOLLOUT : 0));
}

/* From here on strangers cannot make it leave. Returns false when it had to be dropped. */
static bool stranger_proved(struct stranger *s)
{
	struct listener *l = s->listener;

	stranger_block(s, false);
	if (s->table != l->strangers)
		return true;
	source_table_remove(l->strangers, &s->member);
	if (stranger_enter(s, l->expected)) {
		stranger_drop(s, strerror(ENOMEM), NULL);
		return false;
	}
	source_table_heard(&s->member);
	return true;
}

/* Returns true when the peer has proved who it is. */
static bool stranger_shake(struct stranger *s)
{
	struct tls_budget *turns = &s->listener->turns;
	uint64_t begun_ns = tls_budget_clock();
	int r = tls_handshake(s->tls);

	tls_budget_spend(turns, &s->turn, tls_budget_clock() - begun_ns);
	if (!r) {
		tls_budget_give_back(turns, &s->turn);
		return stranger_proved(s);
	}
	if (r == -EAGAIN) {
		stranger_block(s, !tls_flushed(s->tls));
		return false;
	}
	note(s->listener, s, tls_text(s->tls) ? tls_text(s->tls) : strerror(-r), NULL);
	stranger_answered(s);
	return false;
}

/* A peer with the key that sends something else: openssl s_client. */
static void answer_nonsense(struct stranger *s, const char *text)
{
	struct listener *l = s->listener;

	note(l, s, "it is not mpnc, it sent", text);
	listener_refuse(l, stranger_free(s), WIRE_R_PROTOCOL,
			"this is mpnc, and what arrived is not its protocol");
}

static void stranger_hello(struct stranger *s, const struct wire_hello *hello)
{
	struct listener *l = s->listener;
	union sock_addr from;

	if (l->tls && !s->tls) {
		note(l, s, "it connected without a key", NULL);
		listener_refuse(l, stranger_free(s), WIRE_R_KEY, NULL);
		return;
	}
	/* Else its time would begin anew, and each question costs a look at our devices. */
	if (s->renewed && (hello->kind == WIRE_HELLO_WARM || hello->kind == WIRE_HELLO_PROVE)) {
		stranger_drop(s, "it is a preconnection already, and asked to become one again",
			      NULL);
		return;
	}
	from = s->from;
	l->events.hello(l->events.arg, stranger_free(s), &from, hello);
}

/* It began with other bytes than mpnc, where plain streams are served. */
static void stranger_odd(struct stranger *s)
{
	if (tls_begins(s->handshake.buf, s->handshake.have))
		refuse_tls(s);
	else
		stranger_plain(s);
}

static void stranger_read(struct stranger *s)
{
	char text[HANDSHAKE_TEXT_LEN];
	struct wire_hello hello;
	struct listener *l = s->listener;
	struct channel ch = { .fd = s->io.fd, .tls = s->tls };

	for (;;) {
		struct iovec iov;
		ssize_t n;

		iov.iov_base = handshake_space(&s->handshake, &iov.iov_len);
		n = channel_recv(ch, &iov, 1);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			stranger_drop(s,
				      s->handshake.have ? "it closed before its HELLO was complete"
							: "it closed without sending a byte",
				      channel_text(ch) ? channel_text(ch)
				      : n < 0          ? strerror((int)-n)
						       : NULL);
			return;
		}
		switch (handshake_read(&s->handshake, (size_t)n, &hello, text)) {
		case HANDSHAKE_MORE:
			break;
		case HANDSHAKE_STRANGER:
			if (s->tls)
				answer_nonsense(s, text);
			else if (l->events.plain && s->handshake.have <= WIRE_PREFACE_LEN)
				stranger_odd(s);
			else
				stranger_drop(s, "it is not mpnc, it sent", text);
			return;
		case HANDSHAKE_HELLO:
			stranger_hello(s, &hello);
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
	else if (s->turn.waits)
		stranger_drop(s, "it closed before its TLS handshake had its turn", NULL);
	else if ((s->sniffed || stranger_sniff(s)) && (!s->tls || stranger_shake(s)))
		stranger_read(s);
}

static void stranger_turn(void *arg)
{
	struct stranger *s = arg;

	loop_change(s->listener->loop, &s->io, EPOLLIN | EPOLLRDHUP);
	if (stranger_begin(s) && stranger_shake(s))
		stranger_read(s);
}

static struct stranger *stranger_new(struct listener *l, struct source_table *table, int fd,
				     const union sock_addr *from, uint64_t limit_ns)
{
	struct stranger *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	s->io = (struct loop_io){ .fd = fd, .fn = stranger_event, .arg = s };
	s->timer = (struct loop_timer){ .fn = stranger_fired, .arg = s, .due_ns = LOOP_NEVER };
	s->listener = l;
	s->from = *from;
	s->turn = (struct tls_turn){ .come = stranger_turn, .arg = s };
	s->tls = NULL;
	s->sniffed = s->renewed = s->answered = s->blocked = false;
	handshake_init(&s->handshake);
	if (stranger_enter(s, table)) {
		free(s);
		return NULL;
	}
	if (loop_add(l->loop, &s->io, EPOLLIN | EPOLLRDHUP)) {
		source_table_remove(table, &s->member);
		free(s);
		return NULL;
	}
	loop_set_timer(l->loop, &s->timer, loop_now(l->loop) + limit_ns);
	return s;
}

void listener_answer(struct listener *l, struct channel ch, const void *bytes, size_t n)
{
	struct stranger *s = NULL;
	union sock_addr from;

	/* A new connection's socket buffer takes this; if not, the peer sees a close. */
	if (!channel_send_all(ch, bytes, n) || channel_shutdown(ch)) {
		channel_close(ch);
		return;
	}
	ch.tls = tls_free(ch.tls);
	/* A peer that has reset the connection will not read. */
	if (!sock_peer(ch.fd, &from))
		s = stranger_new(l, l->strangers, ch.fd, &from, LISTENER_REFUSE_NS);
	if (s)
		s->answered = true;
	else
		channel_close(ch);
}

void listener_refuse(struct listener *l, struct channel ch, enum wire_reason reason,
		     const char *why)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];

	listener_answer(l, ch, buf, handshake_refuse(buf, sizeof(buf), reason, why ? why : ""));
}

static void keep(struct listener *l, struct source_table *table, struct channel ch,
		 const union sock_addr *from, uint64_t limit_ns)
{
	struct stranger *s = stranger_new(l, table, ch.fd, from, limit_ns);

	if (!s) {
		channel_close(ch);
		return;
	}
	s->tls = ch.tls;
	s->sniffed = s->renewed = true;
}

void listener_keep(struct listener *l, struct channel ch, const void *bytes, size_t n)
{
	uint8_t source[SOCK_SOURCE_LEN];
	union sock_addr from;

	if (sock_peer(ch.fd, &from)) {
		channel_close(ch);
		return;
	}
	sock_addr_source(source, &from);
	if (source_table_is_full(l->preconnections) ||
	    source_table_count(l->preconnections, source) >= LISTENER_PRECONNECTIONS_PER_SOURCE)
		listener_refuse(l, ch, WIRE_R_LIMIT, "the limit of preconnections is reached");
	else if (channel_send_all(ch, bytes, n))
		keep(l, l->preconnections, ch, &from, LISTENER_PRECONNECTION_NS);
	else
		channel_close(ch);
}

void listener_expect_join(struct listener *l, struct channel ch, const void *bytes, size_t n)
{
	union sock_addr from;

	if (!sock_peer(ch.fd, &from) && channel_send_all(ch, bytes, n))
		keep(l, l->expected, ch, &from, LISTENER_HELLO_NS);
	else
		channel_close(ch);
}

/* Accepting
 * ---------------------------------------------------------------------------------------- */

/* Not of those who may connect: nothing is read from it, and it learns nothing. */
static void turn_away(struct listener *l, int fd, const union sock_addr *peer)
{
	char text[256], addr[SOCK_ADDR_LEN];

	sock_addr_text(addr, peer);
	text_printf(text, sizeof(text), "dropped connection from %s port %u: --allow excludes it",
		    addr, sock_addr_port(peer));
	l->events.note(l->events.arg, 1, text);
	close(fd);
}

/* Where a new connection waits for its HELLO. */
static struct source_table *table_of(const struct listener *l, const union sock_addr *from)
{
	uint8_t source[SOCK_SOURCE_LEN];

	sock_addr_source(source, from);
	return l->events.knows && l->events.knows(l->events.arg, source) ? l->expected
									 : l->strangers;
}

static void on_accepted(void *arg, int fd, const union sock_addr *from)
{
	struct listener *l = arg;

	if (l->events.allows && !l->events.allows(l->events.arg, from))
		turn_away(l, fd, from);
	else if (!stranger_new(l, table_of(l, from), fd, from,
			       l->events.plain ? LISTENER_PLAIN_NS : LISTENER_HELLO_NS))
		close(fd);
}

/* Most likely descriptors run out: gives up one of those that matter least. */
static void on_paused(void *arg, int error, bool first)
{
	struct listener *l = arg;
	struct stranger *s = chosen(l->preconnections);

	if (!s)
		s = chosen(l->strangers);
	if (s)
		stranger_drop(s, "cannot accept others", strerror(-error));
}

static unsigned fitting(unsigned n, unsigned part)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / part >= n)
		return n;
	return limit.rlim_cur < part ? 1 : (unsigned)limit.rlim_cur / part;
}

/* A table for n, or less if that is more than a part of the descriptors. */
static int make_table(struct source_table **out, unsigned n, unsigned part)
{
	uint64_t seed;

	/* Where the kernel lays memory out is no secret, but better than a constant. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uintptr_t)out;
	return source_table_new(out, fitting(n, part), seed);
}

int listener_expect(struct listener *l, unsigned n)
{
	struct source_table *strangers, *expected;
	int r = make_table(&strangers, n, LISTENER_FD_PART);

	if (r)
		return r;
	r = make_table(&expected, n, LISTENER_FD_PART_EXPECTED);
	if (r) {
		source_table_free(strangers);
		return r;
	}
	source_table_free(l->strangers);
	source_table_free(l->expected);
	l->strangers = strangers;
	l->expected = expected;
	return 0;
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
static int listen_first(const struct listener_where *w)
{
	int fd = -EADDRNOTAVAIL;
	bool any4 = false;

	for (int i = 0; i < w->n_addrs; i++)
		any4 |= is_any4(&w->addrs[i]);
	for (int i = 0; i < w->n_addrs && any4; i++) {
		fd = is_any6(&w->addrs[i]) ? sock_listen(&w->addrs[i], false, w->options) : fd;
		if (fd >= 0 || fd == -EADDRINUSE)
			return fd;
	}
	for (int i = 0; i < w->n_addrs; i++) {
		fd = sock_listen(&w->addrs[i], true, w->options);
		if (fd >= 0)
			break;
	}
	return fd;
}

/* Takes over fd, unless it fails. */
static int add_socket(struct listener *l, int fd)
{
	return l->accepts.n == LISTENER_ADDRS ? -E2BIG : accept_loop_add(&l->accepts, fd);
}

int listener_adopt(struct listener **out, struct loop *loop, int fd, const struct tls_context *tls,
		   const struct listener_events *events)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct accept_loop_events accept_events = { .accepted = on_accepted,
						    .paused = on_paused,
						    .arg = l };
	int r;

	if (!l)
		return -ENOMEM;
	accept_loop_init(&l->accepts, loop, &accept_events);
	l->loop = loop;
	tls_budget_init(&l->turns, loop);
	l->events = *events;
	l->tls = tls;
	r = listener_expect(l, LISTENER_STRANGERS);
	if (!r)
		r = make_table(&l->preconnections, LISTENER_PRECONNECTIONS, LISTENER_FD_PART);
	if (!r)
		r = add_socket(l, fd);
	if (r) {
		listener_free(l);
		return r;
	}
	*out = l;
	return 0;
}

int listener_new(struct listener **out, struct loop *loop, const struct listener_where *where,
		 const struct tls_context *tls, const struct listener_events *events)
{
	int fd = listen_first(where), r;

	if (fd < 0)
		return fd;
	r = listener_adopt(out, loop, fd, tls, events);
	if (r)
		close(fd);
	return r;
}

int listener_also(struct listener *l, const struct listener_where *where)
{
	union sock_addr local, same_port[RESOLVE_MAX];
	struct listener_where there = *where;
	int fd, r;

	sock_local(l->accepts.io[0].fd, &local);
	there.addrs = same_port;
	if (there.n_addrs > RESOLVE_MAX)
		there.n_addrs = RESOLVE_MAX;
	for (int i = 0; i < there.n_addrs; i++) {
		same_port[i] = where->addrs[i];
		sock_addr_set_port(&same_port[i], sock_addr_port(&local));
	}
	fd = listen_first(&there);
	if (fd < 0)
		return fd;
	r = add_socket(l, fd);
	if (r)
		close(fd);
	return r;
}

static void empty(struct source_table *table)
{
	struct stranger *s;

	while (table && (s = chosen(table)))
		channel_close(stranger_free(s));
	source_table_free(table);
}

struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;
	empty(l->strangers);
	empty(l->expected);
	empty(l->preconnections);
	accept_loop_close(&l->accepts);
	free(l);
	return NULL;
}

uint16_t listener_port(const struct listener *l, char addrs[LISTENER_TEXT_LEN])
{
	union sock_addr local;
	size_t used = 0;

	for (unsigned i = 0; i < l->accepts.n; i++) {
		char addr[SOCK_ADDR_LEN];

		sock_local(l->accepts.io[i].fd, &local);
		sock_addr_text(addr, &local);
		used += text_printf(addrs + used, LISTENER_TEXT_LEN - used, "%s%s",
				    used ? " and " : "", addr);
	}
	return sock_addr_port(&local);
}

void listener_addrs(const struct listener *l, struct wire_addrs *out)
{
	for (unsigned i = 0; i < l->accepts.n; i++)
		own_addrs_of(l->accepts.io[i].fd, out);
}
