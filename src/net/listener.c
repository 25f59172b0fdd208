/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/ownaddrs.h"
#include "session/handshake.h"
#include "util/text.h"

/* Out of descriptors: accepting is tried again after this. */
#define PAUSE_NS 100000000ull

/* What one call of the loop accepts at most. */
#define ACCEPT_BATCH 64

/* Reads per event from a connection that was answered. */
#define ANSWERED_READS 16

struct crowd {
	struct stranger *oldest, *newest;
	unsigned n;
	unsigned max;
};

struct stranger {
	struct loop_io io;
	struct loop_timer timer;
	struct listener *listener;
	struct crowd *crowd; /* that it is of */
	struct stranger *older, *newer;
	char addr[STATS_ADDR_LEN];
	uint16_t port;
	uint8_t source[16];
	bool sniffed;  /* its first byte was looked at */
	bool answered; /* reads on only until the peer closes */
	struct tls *tls;
	struct handshake handshake;
};

struct listener {
	struct loop_io doors[LISTENER_ADDRS]; /* the sockets that listen */
	unsigned n_doors;
	struct loop *loop;
	struct listener_events events;
	const struct tls_context *tls;
	struct loop_timer pause;
	struct crowd strangers;
	struct crowd warm; /* kept for sessions to come */
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

/* Takes it out of the table; returns its connection, which is open. */
static struct channel stranger_free(struct stranger *s)
{
	struct listener *l = s->listener;
	struct crowd *crowd = s->crowd;
	struct channel ch = { .fd = s->io.fd, .tls = s->tls };

	*(s->older ? &s->older->newer : &crowd->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &crowd->newest) = s->older;
	crowd->n--;
	loop_remove(l->loop, &s->io);
	loop_set_timer(l->loop, &s->timer, LOOP_NEVER);
	free(s);
	return ch;
}

static void stranger_drop(struct stranger *s, const char *what, const char *detail)
{
	/* What is kept comes and goes. */
	if (!s->answered && s->crowd != &s->listener->warm)
		note(s->listener, s, what, detail);
	channel_close(stranger_free(s));
}

/* It speaks no protocol, as far as can be seen. */
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

	if (!s->listener->events.plain || s->answered || s->handshake.have)
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

/* A TLS client, and no key here: it is told with an alert, which is all that it understands. */
static void refuse_tls(struct stranger *s)
{
	static const uint8_t unexpected_message[] = { 0x15, 3, 3, 0, 2, 2, 10 };

	note(s->listener, s, "it speaks TLS, and this listener has no key", NULL);
	send(s->io.fd, unexpected_message, sizeof(unexpected_message), MSG_NOSIGNAL);
	stranger_answered(s);
}

/* Looks whether it begins with TLS. Returns false when there is nothing to be read from it now. */
static bool stranger_sniff(struct stranger *s)
{
	struct listener *l = s->listener;
	uint8_t first;
	ssize_t n = recv(s->io.fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	s->sniffed = true;
	if (n <= 0 || first != TLS_FIRST_BYTE)
		return true;
	if (!l->tls) {
		refuse_tls(s);
		return false;
	}
	if (tls_new(&s->tls, l->tls, s->io.fd)) {
		stranger_drop(s, strerror(ENOMEM), NULL);
		return false;
	}
	return true;
}

/* Returns true when the peer has proved who it is. */
static bool stranger_shake(struct stranger *s)
{
	int r = tls_handshake(s->tls);
	uint32_t events = EPOLLIN | EPOLLRDHUP;

	if (!r)
		return true;
	if (r == -EAGAIN) {
		if (!tls_flushed(s->tls))
			events |= EPOLLOUT;
		loop_change(s->listener->loop, &s->io, events);
		return false;
	}
	note(s->listener, s, tls_text(s->tls) ? tls_text(s->tls) : strerror(-r), NULL);
	stranger_answered(s);
	return false;
}

/* Somebody who has the key, but sends something else: openssl s_client. */
static void answer_nonsense(struct stranger *s, const char *text)
{
	struct listener *l = s->listener;

	note(l, s, "it is not mpnc, it sent", text);
	listener_refuse_because(l, stranger_free(s), WIRE_R_PROTOCOL,
				"this is mpnc, and what came is not");
}

static void stranger_hello(struct stranger *s, const struct wire_hello *hello)
{
	struct listener *l = s->listener;

	if (l->tls && !s->tls) {
		note(l, s, "it came without a key", NULL);
		listener_refuse(l, stranger_free(s), WIRE_R_KEY);
		return;
	}
	/* Else its time would begin anew, and each question costs a look at our devices. */
	if (s->crowd == &l->warm && hello->kind == WIRE_HELLO_WARM) {
		stranger_drop(s, "it is kept already, and asked for that again", NULL);
		return;
	}
	l->events.hello(l->events.arg, stranger_free(s), hello);
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
							: "it closed without a word",
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
				stranger_plain(s);
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
	else if ((s->sniffed || stranger_sniff(s)) && (!s->tls || stranger_shake(s)))
		stranger_read(s);
}

static struct stranger *stranger_new(struct listener *l, struct crowd *crowd, int fd,
				     uint64_t limit_ns)
{
	struct stranger *s;

	if (crowd->n >= crowd->max)
		stranger_drop(crowd->oldest, "too many others wait", NULL);
	s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	s->io = (struct loop_io){ .fd = fd, .fn = stranger_event, .arg = s };
	s->timer = (struct loop_timer){ .fn = stranger_fired, .arg = s, .due_ns = LOOP_NEVER };
	s->listener = l;
	s->crowd = crowd;
	s->tls = NULL;
	s->sniffed = false;
	s->answered = false;
	s->addr[0] = '\0';
	s->port = 0;
	handshake_init(&s->handshake);
	if (loop_add(l->loop, &s->io, EPOLLIN | EPOLLRDHUP)) {
		free(s);
		return NULL;
	}
	s->older = crowd->newest;
	s->newer = NULL;
	*(crowd->newest ? &crowd->newest->newer : &crowd->oldest) = s;
	crowd->newest = s;
	crowd->n++;
	loop_set_timer(l->loop, &s->timer, loop_now(l->loop) + limit_ns);
	return s;
}

void listener_answer(struct listener *l, struct channel ch, const void *bytes, size_t n)
{
	struct stranger *s;

	/* A new connection's socket buffer takes this; if not, the peer sees a close. */
	if (!channel_send_all(ch, bytes, n) || channel_shutdown(ch)) {
		channel_close(ch);
		return;
	}
	ch.tls = tls_free(ch.tls);
	s = stranger_new(l, &l->strangers, ch.fd, LISTENER_REFUSE_NS);
	if (s)
		s->answered = true;
	else
		channel_close(ch);
}

void listener_refuse_because(struct listener *l, struct channel ch, enum wire_reason reason,
			     const char *why)
{
	uint8_t buf[HANDSHAKE_ANSWER_LEN];

	listener_answer(l, ch, buf, handshake_refuse(buf, sizeof(buf), reason, why));
}

void listener_refuse(struct listener *l, struct channel ch, enum wire_reason reason)
{
	listener_refuse_because(l, ch, reason, "");
}

static unsigned n_warm_of(const struct listener *l, const uint8_t source[16])
{
	unsigned n = 0;

	for (const struct stranger *s = l->warm.oldest; s; s = s->newer)
		n += !memcmp(s->source, source, sizeof(s->source));
	return n;
}

void listener_keep(struct listener *l, struct channel ch, const void *bytes, size_t n)
{
	union sock_addr from = { 0 };
	socklen_t len = sizeof(from);
	uint8_t source[16];
	struct stranger *s;

	getpeername(ch.fd, &from.sa, &len);
	sock_addr_bytes(source, &from);
	if (l->warm.n >= l->warm.max || n_warm_of(l, source) >= LISTENER_WARM_PER_SOURCE) {
		listener_refuse_because(l, ch, WIRE_R_LIMIT,
					"it keeps as many connections as it may");
		return;
	}
	s = channel_send_all(ch, bytes, n) ? stranger_new(l, &l->warm, ch.fd, LISTENER_WARM_NS)
					   : NULL;
	if (!s) {
		channel_close(ch);
		return;
	}
	s->tls = ch.tls;
	s->sniffed = true;
	memcpy(s->source, source, sizeof(source));
	sock_addr_text(s->addr, &from);
	s->port = sock_addr_port(&from);
}

/* Accepting
 * ---------------------------------------------------------------------------------------- */

static void watch_doors(struct listener *l, uint32_t events)
{
	for (unsigned i = 0; i < l->n_doors; i++)
		loop_change(l->loop, &l->doors[i], events);
}

static void pause_accepting(struct listener *l)
{
	watch_doors(l, 0);
	loop_set_timer(l->loop, &l->pause, loop_now(l->loop) + PAUSE_NS);
}

static void pause_fired(struct loop_timer *timer)
{
	struct listener *l = timer->arg;

	watch_doors(l, EPOLLIN);
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
			if (l->warm.oldest)
				stranger_drop(l->warm.oldest, NULL, NULL);
			else if (l->strangers.oldest)
				stranger_drop(l->strangers.oldest, "descriptors run out", NULL);
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
		s = stranger_new(l, &l->strangers, fd,
				 l->events.plain ? LISTENER_PLAIN_NS : LISTENER_HELLO_NS);
		if (!s) {
			close(fd);
			continue;
		}
		sock_addr_text(s->addr, &peer);
		s->port = sock_addr_port(&peer);
	}
}

static unsigned fitting(unsigned n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / LISTENER_FD_PART >= n)
		return n;
	return limit.rlim_cur < LISTENER_FD_PART ? 1 : (unsigned)limit.rlim_cur / LISTENER_FD_PART;
}

void listener_expect(struct listener *l, unsigned n)
{
	l->strangers.max = fitting(n);
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

/* Takes over fd, unless it fails. */
static int add_door(struct listener *l, int fd)
{
	struct loop_io *door = &l->doors[l->n_doors];
	int r;

	if (l->n_doors == LISTENER_ADDRS)
		return -E2BIG;
	*door = (struct loop_io){ .fd = fd, .fn = accept_event, .arg = l };
	r = loop_add(l->loop, door, EPOLLIN);
	if (!r)
		l->n_doors++;
	return r;
}

int listener_adopt(struct listener **out, struct loop *loop, int fd, const struct tls_context *tls,
		   const struct listener_events *events)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->pause = (struct loop_timer){ .fn = pause_fired, .arg = l, .due_ns = LOOP_NEVER };
	l->loop = loop;
	l->strangers.max = fitting(LISTENER_STRANGERS);
	l->warm.max = fitting(LISTENER_WARM);
	l->events = *events;
	l->tls = tls;
	r = add_door(l, fd);
	if (r) {
		free(l);
		return r;
	}
	*out = l;
	return 0;
}

int listener_new(struct listener **out, struct loop *loop, const union sock_addr *addrs,
		 int n_addrs, const struct sock_options *options, const struct tls_context *tls,
		 const struct listener_events *events)
{
	int fd = listen_first(addrs, n_addrs, options), r;

	if (fd < 0)
		return fd;
	r = listener_adopt(out, loop, fd, tls, events);
	if (r)
		close(fd);
	return r;
}

int listener_also(struct listener *l, const union sock_addr *addrs, int n_addrs,
		  const struct sock_options *options)
{
	union sock_addr local, same_port[RESOLVE_MAX];
	int fd, r;

	sock_local(l->doors[0].fd, &local);
	for (int i = 0; i < n_addrs && i < RESOLVE_MAX; i++) {
		same_port[i] = addrs[i];
		sock_addr_set_port(&same_port[i], sock_addr_port(&local));
	}
	fd = listen_first(same_port, n_addrs, options);
	if (fd < 0)
		return fd;
	r = add_door(l, fd);
	if (r)
		close(fd);
	return r;
}

struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;
	while (l->strangers.oldest)
		channel_close(stranger_free(l->strangers.oldest));
	while (l->warm.oldest)
		channel_close(stranger_free(l->warm.oldest));
	loop_set_timer(l->loop, &l->pause, LOOP_NEVER);
	for (unsigned i = 0; i < l->n_doors; i++) {
		loop_remove(l->loop, &l->doors[i]);
		close(l->doors[i].fd);
	}
	free(l);
	return NULL;
}

uint16_t listener_port(const struct listener *l, char addrs[LISTENER_TEXT_LEN])
{
	union sock_addr local;
	size_t used = 0;

	for (unsigned i = 0; i < l->n_doors; i++) {
		char addr[STATS_ADDR_LEN];

		sock_local(l->doors[i].fd, &local);
		sock_addr_text(addr, &local);
		used += text_printf(addrs + used, LISTENER_TEXT_LEN - used, "%s%s",
				    used ? " and " : "", addr);
	}
	return sock_addr_port(&local);
}

void listener_reachable(const struct listener *l, struct wire_addrs *out)
{
	for (unsigned i = 0; i < l->n_doors; i++)
		ownaddrs_of(l->doors[i].fd, out);
}
