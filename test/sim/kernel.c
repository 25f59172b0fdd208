/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as the program sees it: sockets, epoll and the clock, in virtual time. The linker puts
 * these functions in the place of the kernel's (--wrap); each does what the program relies on, and
 * no more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "world.h"

#define FD_FIRST 1000
#define SOCKS    2048

/* What is readable is noticed so much later, and what came meanwhile with it. */
#define WAKE_NS 30000

/* Turns of the loop in one moment: each moves something, and a window is 64 KiB blocks. */
#define BUSY_TURNS 5000

/* As the program sets it (SOCK_USER_TIMEOUT_MS), looked at this often. */
#define USER_TIMEOUT_NS (120 * CLOCK_SECOND)
#define LOOK_NS         (5 * CLOCK_SECOND)

enum sock_kind { SOCK_FREE, SOCK_NEW, SOCK_TCP, SOCK_LISTENS, SOCK_PLUG, SOCK_EPOLL, SOCK_WATCH };

struct sock {
	enum sock_kind kind;
	unsigned side;
	struct connection *conn;
	uint16_t port;
	bool stands;
	bool was_full; /* writing found no room */
	bool changed;  /* a device has, and a watch was not read since */
	bool broken;
	int error;            /* why, until the program has read that */
	uint64_t readable_to; /* what came before it broke */
	bool abrupt;
	uint32_t rcvlowat;
	/* epoll */
	bool watched;
	uint32_t wanted, pending;
	epoll_data_t data;
};

int __wrap_socket(int family, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_listen(int fd, int backlog);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_close(int fd);
int __wrap_shutdown(int fd, int how);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int fd, int op, int which, struct epoll_event *event);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
int __real_close(int fd);
int __wrap_topo_watch_open(void);
int __wrap_topo_watch_drain(int fd, const uint32_t *ifindexes, size_t n);

static struct sock *sock_of(int fd)
{
	return &world->sock[fd - FD_FIRST];
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int new_sock(enum sock_kind kind)
{
	unsigned i = 0;

	if (!world->sock)
		world->sock = clock_alloc(SOCKS * sizeof(*world->sock));
	while (i < SOCKS && world->sock[i].kind != SOCK_FREE)
		i++;
	if (i == SOCKS)
		return fail(EMFILE);
	if (i >= world->n_socks)
		world->n_socks = i + 1;
	world->sock[i] = (struct sock){ .kind = kind, .rcvlowat = 1 };
	return FD_FIRST + (int)i;
}

static struct half *sends(const struct sock *s)
{
	return &s->conn->tcp.half[s->side];
}

static struct half *receives(const struct sock *s)
{
	return &s->conn->tcp.half[!s->side];
}

/* What there is ----------------------------------------------------------------------------------
 */

static uint32_t state_of(const struct sock *s)
{
	uint32_t events = 0;

	if (s->kind == SOCK_LISTENS)
		return world->n_accept ? EPOLLIN : 0;
	if (s->kind == SOCK_PLUG)
		return EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	if (s->kind == SOCK_WATCH)
		return s->changed ? EPOLLIN : 0;
	if (s->kind == SOCK_TCP && s->broken)
		return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | (s->error ? EPOLLERR : 0);
	if (s->kind != SOCK_TCP || !s->stands)
		return 0;
	if (receives(s)->fin_arrived)
		events |= EPOLLIN | EPOLLRDHUP;
	if (tcp_readable(receives(s)) >= s->rcvlowat)
		events |= EPOLLIN;
	if (tcp_room(sends(s)))
		events |= EPOLLOUT;
	return events;
}

static void notify(struct sock *s, uint32_t events)
{
	if (s->watched)
		s->pending |= events & (s->wanted | EPOLLERR | EPOLLHUP);
}

static void on_arrived(struct tcp *t, unsigned side)
{
	struct connection *c = t->owner;

	/* Bytes for a socket that is gone. */
	if (world->faults && !t->half[!side].fin_arrived &&
	    (t->closed[side] || (c->fd[side] >= 0 && sock_of(c->fd[side])->broken))) {
		kernel_reset(c, side);
		return;
	}
	if (c->fd[side] >= 0)
		notify(sock_of(c->fd[side]), state_of(sock_of(c->fd[side])) & ~(uint32_t)EPOLLOUT);
}

static void on_writable(struct tcp *t, unsigned side)
{
	struct connection *c = t->owner;
	const struct half *h = &t->half[side];
	struct sock *s;

	if (c->fd[side] < 0)
		return;
	s = sock_of(c->fd[side]);
	if (!s->was_full || 2 * (h->written - h->sent) >= h->notsent_lowat || !tcp_room(h))
		return;
	s->was_full = false;
	notify(s, EPOLLOUT);
}

/* Breaking ---------------------------------------------------------------------------------------
 */

void kernel_break(struct connection *c, unsigned side, int error)
{
	struct sock *s;

	c->error = side == 1 && c->fd[1] < 0 && !c->tcp.closed[1] ? error : c->error;
	if (c->fd[side] < 0)
		return;
	s = sock_of(c->fd[side]);
	if (s->broken)
		return;
	s->broken = true;
	s->error = error;
	s->readable_to = receives(s)->arrived;
	notify(s, state_of(s));
}

static void reset_client(void *arg)
{
	kernel_break(arg, 0, ECONNRESET);
}

static void reset_server(void *arg)
{
	kernel_break(arg, 1, ECONNRESET);
}

void kernel_reset(struct connection *c, unsigned from)
{
	const struct half *h = &c->tcp.half[from];

	if (!h->hop[0]->down && !h->hop[1]->down)
		clock_add(&world->clock, world->clock.now_ns + h->delay_ns,
			  from ? reset_client : reset_server, c);
}

/* The kernel gives up what is not acknowledged. */
static void look_at(void *arg)
{
	struct connection *c = arg;
	uint64_t now_ns = world->clock.now_ns;

	for (unsigned side = 0; side < 2; side++) {
		const struct half *h = &c->tcp.half[side];

		if (h->una != c->una[side] || h->next == h->una)
			c->una_ns[side] = now_ns;
		c->una[side] = h->una;
		if (now_ns - c->una_ns[side] >= USER_TIMEOUT_NS)
			kernel_break(c, side, ETIMEDOUT);
	}
	if (c->fd[0] >= 0 || c->fd[1] >= 0)
		clock_add(&world->clock, now_ns + LOOK_NS, look_at, c);
}

/* Connections ------------------------------------------------------------------------------------
 */

int __wrap_socket(int family, int type, int protocol)
{
	if (world->faults && world->faults->no_sockets)
		return fail(EMFILE);
	return new_sock(SOCK_NEW);
}

static bool use_port(uint16_t port)
{
	unsigned char *byte = &world->ports[port / 8];
	unsigned char bit = (unsigned char)(1u << port % 8);

	if (*byte & bit)
		return false;
	*byte |= bit;
	return true;
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (sock_of(fd)->kind == SOCK_NEW)
		sock_of(fd)->port =
			ntohs(((const struct sockaddr_in *)(const void *)addr)->sin_port);
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sock *s = sock_of(fd);
	struct connection *c;
	unsigned net =
		ntohl(((const struct sockaddr_in *)(const void *)addr)->sin_addr.s_addr) >> 8 &
		0xff;

	if (world->faults && world->faults->fate(world->faults->arg, net) == CONNECT_UNREACHABLE)
		return fail(ENETUNREACH);
	if (s->port && !use_port(s->port))
		return fail(EADDRNOTAVAIL);
	while (!s->port) {
		uint16_t port = (uint16_t)(32768 + clock_below(&world->clock, 28232));

		if (use_port(port))
			s->port = port;
	}
	c = clock_alloc(sizeof(*c));
	tcp_init(&c->tcp, &world->clock, world->net->tcp, world->net->gso);
	c->tcp.port = s->port;
	c->tcp.owner = c;
	c->tcp.arrived = on_arrived;
	c->tcp.writable = on_writable;
	c->fd[0] = fd;
	c->fd[1] = -1;
	c->next = world->connections;
	world->connections = c;
	world->n_connections++;
	s->kind = SOCK_TCP;
	s->conn = c;
	c->net = net;
	world_route(c);
	world_shake(c);
	if (world->faults)
		clock_add(&world->clock, world->clock.now_ns + LOOK_NS, look_at, c);
	return fail(EINPROGRESS);
}

/* The client's third packet is there. */
static void reaches_listener(void *arg)
{
	struct connection *c = arg;

	if (world->listening < 0 || world->n_accept == sizeof(world->accept) / sizeof(void *)) {
		if (world->faults)
			kernel_reset(c, 1);
		return;
	}
	world->accept[world->n_accept++] = c;
	notify(sock_of(world->listening), EPOLLIN);
}

void kernel_stands(struct connection *c, unsigned side)
{
	struct sock *s = sock_of(c->fd[side]);
	uint64_t there_ns = c->tcp.half[0].delay_ns, back_ns = c->tcp.half[1].delay_ns;

	s->stands = true;
	tcp_stands(&c->tcp, there_ns + back_ns + 20000);
	notify(s, EPOLLOUT);
	clock_add(&world->clock, world->clock.now_ns + there_ns, reaches_listener, c);
}

int __wrap_listen(int fd, int backlog)
{
	sock_of(fd)->kind = SOCK_LISTENS;
	sock_of(fd)->side = 1;
	world->listening = fd;
	return 0;
}

static void set_net(struct sockaddr *addr, unsigned net)
{
	struct sockaddr_in *in = (void *)addr;

	in->sin_addr.s_addr |= htonl(net << 8);
}

static int put_addr(struct sockaddr *addr, socklen_t *len, unsigned side, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	uint8_t bytes[4], mac[6];

	world_addresses(side, bytes, mac);
	memcpy(&in.sin_addr, bytes, sizeof(bytes));
	memcpy(addr, &in, *len < sizeof(in) ? *len : sizeof(in));
	*len = sizeof(in);
	return 0;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct connection *c;
	int new;

	if (!world->n_accept)
		return fail(EAGAIN);
	if (world->faults && world->faults->no_accept)
		return fail(EMFILE);
	c = world->accept[0];
	memmove(world->accept, world->accept + 1, --world->n_accept * sizeof(world->accept[0]));
	new = new_sock(SOCK_TCP);
	if (new < 0)
		return new;
	c->fd[1] = new;
	sock_of(new)->side = 1;
	sock_of(new)->conn = c;
	sock_of(new)->stands = true;
	if (c->error)
		kernel_break(c, 1, c->error);
	return put_addr(addr, len, 0, c->tcp.port) ? -1 : new;
}

int __wrap_close(int fd)
{
	struct sock *s;

	if (fd < FD_FIRST || !world)
		return __real_close(fd);
	s = sock_of(fd);
	if (s->kind == SOCK_TCP) {
		struct tcp *t = &s->conn->tcp;

		if (world->faults && !s->broken &&
		    (s->abrupt || receives(s)->taken < receives(s)->arrived))
			kernel_reset(s->conn, s->side);
		s->conn->fd[s->side] = -1;
		t->closed[s->side] = true;
		t->half[!s->side].taken = t->half[!s->side].arrived;
		if (!t->half[s->side].fin)
			tcp_end(&t->half[s->side]);
	}
	if (fd == world->listening) {
		world->listening = -1;
		for (unsigned i = 0; world->faults && i < world->n_accept; i++)
			kernel_reset(world->accept[i], 1);
		if (world->faults)
			world->n_accept = 0;
	}
	*s = (struct sock){ 0 };
	return 0;
}

int __wrap_shutdown(int fd, int how)
{
	struct sock *s = sock_of(fd);

	if (s->kind == SOCK_TCP && !sends(s)->fin)
		tcp_end(sends(s));
	return 0;
}

/* Bytes ------------------------------------------------------------------------------------------
 */

static int take_error(struct sock *s, int other)
{
	int error = s->error ? s->error : other;

	s->error = 0;
	return error;
}

static size_t readable(const struct sock *s)
{
	const struct half *h = receives(s);

	if (!s->broken)
		return tcp_readable(h);
	return s->readable_to > h->taken ? (size_t)(s->readable_to - h->taken) : 0;
}

static ssize_t write_part(struct sock *s, const uint8_t *p, size_t n)
{
	struct half *h = sends(s);
	size_t done = 0;

	while (done < n) {
		size_t room = tcp_room(h);

		room = room < n - done ? room : n - done;
		if (!room)
			break;
		tcp_write(h, p + done, room);
		tcp_output(h);
		done += room;
	}
	s->was_full |= done < n;
	return (ssize_t)done;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct sock *s = sock_of(fd);
	ssize_t n = 0;

	if (s->broken)
		return fail(take_error(s, EPIPE));
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		const struct iovec *v = &msg->msg_iov[i];
		ssize_t part = write_part(s, v->iov_base, v->iov_len);

		n += part;
		if ((size_t)part < v->iov_len)
			break;
	}
	return n ? n : fail(EAGAIN);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sock *s = sock_of(fd);
	struct half *h = receives(s);
	uint64_t taken = h->taken;
	ssize_t n = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		size_t part = readable(s);

		if (part > msg->msg_iov[i].iov_len)
			part = msg->msg_iov[i].iov_len;
		if (part)
			tcp_read(h, msg->msg_iov[i].iov_base, part);
		n += (ssize_t)part;
	}
	if (flags & MSG_PEEK)
		h->taken = taken;
	if (!n && s->error)
		return fail(take_error(s, 0));
	return n || s->broken || h->fin_arrived ? n : fail(EAGAIN);
}

static uint8_t stream_byte(uint64_t at)
{
	return (uint8_t)(at * 167 + (at >> 8) * 31 + (at >> 16));
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (sock_of(fd)->kind != SOCK_PLUG)
		return __wrap_sendmsg(fd, &msg, flags);
	for (size_t i = 0; world->faults && i < n; i++)
		world->faults->wrong_byte |=
			((const uint8_t *)p)[i] != stream_byte(world->taken + i);
	world->taken += n;
	if (world->taken == world->net->bytes)
		world->done_ns = world->clock.now_ns;
	return (ssize_t)n;
}

ssize_t __wrap_recv(int fd, void *p, size_t n, int flags)
{
	struct iovec iov = { .iov_base = p, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct sock *s = sock_of(fd);
	uint64_t left = s->side == world->net->sender ? world->net->bytes - world->given : 0;

	if (s->kind != SOCK_PLUG)
		return s->kind == SOCK_TCP ? __wrap_recvmsg(fd, &msg, flags) : fail(EAGAIN);
	if (n > left)
		n = (size_t)left;
	for (size_t i = 0; world->faults && i < n; i++)
		((uint8_t *)p)[i] = stream_byte(world->given + i);
	world->given += n;
	return (ssize_t)n;
}

int world_plug(unsigned side)
{
	int fd = new_sock(SOCK_PLUG);

	sock_of(fd)->side = side;
	return fd;
}

/* Options ----------------------------------------------------------------------------------------
 */

static uint32_t us(uint64_t ns)
{
	return (uint32_t)(ns / 1000);
}

static void fill_info(const struct sock *s, struct tcp_info *info)
{
	const struct half *h = sends(s), *r = receives(s);
	double rtt_s = (double)(h->srtt_ns ? h->srtt_ns : 1) / 1e9;

	*info = (struct tcp_info){
		.tcpi_state = 1,
		.tcpi_ca_state = (uint8_t)(h->state == TCP_OPEN ? 0 : h->state + 2),
		.tcpi_retransmits = (uint8_t)h->backoff,
		.tcpi_snd_mss = TCP_MSS,
		.tcpi_rcv_mss = TCP_MSS,
		.tcpi_unacked = (uint32_t)(h->next - h->una),
		.tcpi_sacked = h->sacked_out,
		.tcpi_lost = h->n_lost,
		.tcpi_last_data_sent =
			(uint32_t)((world->clock.now_ns - h->last_sent_ns) / CLOCK_MS),
		.tcpi_last_ack_recv = (uint32_t)((world->clock.now_ns - h->last_ack_ns) / CLOCK_MS),
		.tcpi_rtt = us(h->srtt_ns),
		.tcpi_rttvar = us(h->mdev_ns),
		.tcpi_min_rtt = us(h->min_rtt_ns),
		.tcpi_snd_ssthresh = h->ssthresh < 1e8 ? (uint32_t)h->ssthresh : 0x7fffffff,
		.tcpi_snd_cwnd = (uint32_t)h->cwnd,
		.tcpi_advmss = TCP_MSS,
		.tcpi_reordering = 3,
		.tcpi_total_retrans = (uint32_t)h->n_resent,
		.tcpi_pacing_rate = (uint64_t)(h->pace > 0 ? h->pace : h->cwnd * TCP_MSS / rtt_s),
		.tcpi_bytes_acked = h->una_offset,
		.tcpi_bytes_received = r->arrived,
		.tcpi_segs_in = (uint32_t)(r->segs_in + h->delivered),
		.tcpi_data_segs_in = (uint32_t)r->segs_in,
		.tcpi_notsent_bytes = (uint32_t)(h->written - h->sent),
		.tcpi_delivery_rate = (uint64_t)(h->pipe * TCP_MSS / rtt_s),
		.tcpi_delivered = (uint32_t)h->delivered,
		.tcpi_bytes_sent = h->bytes_sent,
		.tcpi_bytes_retrans = h->bytes_resent,
		.tcpi_data_segs_out = (uint32_t)h->order,
		.tcpi_snd_wnd = TCP_WINDOW,
	};
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct tcp_info info;
	int error;

	if (level == IPPROTO_TCP && name == TCP_INFO) {
		fill_info(sock_of(fd), &info);
		*len = *len < sizeof(info) ? *len : (socklen_t)sizeof(info);
		memcpy(value, &info, *len);
		return 0;
	}
	if (level != SOL_SOCKET || name != SO_ERROR)
		return fail(ENOPROTOOPT);
	error = take_error(sock_of(fd), 0);
	memcpy(value, &error, sizeof(error));
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct sock *s = sock_of(fd);
	uint32_t number = 0;

	if (len == sizeof(number))
		memcpy(&number, value, sizeof(number));
	if (level == SOL_SOCKET && name == SO_LINGER)
		s->abrupt = true;
	if (level == SOL_SOCKET && name == SO_RCVLOWAT) {
		s->rcvlowat = number;
		/* As tcp_set_rcvlowat: what is there already may be enough now. */
		notify(s, state_of(s) & ~(uint32_t)EPOLLOUT);
	}
	if (level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT && s->kind == SOCK_TCP)
		sends(s)->notsent_lowat = number;
	return 0;
}

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	const struct sock *s = sock_of(fd);

	put_addr(addr, len, s->side, s->side ? WORLD_PORT : s->port);
	if (s->kind == SOCK_TCP)
		set_net(addr, s->conn->net);
	return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	const struct sock *s = sock_of(fd);

	if (s->kind != SOCK_TCP)
		return fail(ENOTCONN);
	if (s->broken && !s->stands)
		return fail(ENOTCONN);
	put_addr(addr, len, !s->side, s->side ? s->conn->tcp.port : WORLD_PORT);
	set_net(addr, s->conn->net);
	return 0;
}

/* epoll and time ---------------------------------------------------------------------------------
 */

int __wrap_epoll_create1(int flags)
{
	return new_sock(SOCK_EPOLL);
}

int __wrap_epoll_ctl(int fd, int op, int which, struct epoll_event *event)
{
	struct sock *s = sock_of(which);

	s->watched = op != EPOLL_CTL_DEL;
	s->pending = 0;
	if (!s->watched)
		return 0;
	s->wanted = event->events;
	s->data = event->data;
	notify(s, state_of(s));
	return 0;
}

static int collect(struct epoll_event *events, int n)
{
	int found = 0;

	for (unsigned i = 0; i < world->n_socks && found < n; i++) {
		struct sock *s = &world->sock[i];

		if (!s->watched)
			continue;
		if (!(s->wanted & EPOLLET))
			s->pending = state_of(s) & (s->wanted | EPOLLERR | EPOLLHUP);
		if (!s->pending)
			continue;
		events[found].events = s->pending;
		events[found++].data = s->data;
		s->pending = 0;
	}
	return found;
}

static bool is_ready(void)
{
	for (unsigned i = 0; i < world->n_socks; i++) {
		const struct sock *s = &world->sock[i];

		if (s->watched && (s->pending || (!(s->wanted & EPOLLET) &&
						  state_of(s) & (s->wanted | EPOLLERR | EPOLLHUP))))
			return true;
	}
	return false;
}

static void let_happen(uint64_t until_ns, bool wake)
{
	struct clock *c = &world->clock;

	while (clock_next(c) <= until_ns) {
		clock_step(c);
		if (world->faults && world->faults->stop)
			return;
		if (wake && is_ready() && until_ns > c->now_ns + WAKE_NS)
			until_ns = c->now_ns + WAKE_NS;
	}
	c->now_ns = until_ns;
}

/* Returns whether the loop goes round without end. */
static bool is_busy(struct faults *f, bool waits)
{
	f->n_waits++;
	f->turns = waits ? 0 : f->turns + 1;
	f->most_turns = f->turns > f->most_turns ? f->turns : f->most_turns;
	f->busy |= f->turns > BUSY_TURNS;
	return f->busy;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	uint64_t now_ns = world->clock.now_ns;
	int found = collect(events, n);

	if (world->faults && is_busy(world->faults, !found && timeout))
		return fail(EBADF);
	/* Even who is busy lets others come. */
	if (found || !timeout) {
		let_happen(now_ns, false);
		return found;
	}
	let_happen(now_ns + (unsigned)timeout * CLOCK_MS, true);
	return collect(events, n);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	ts->tv_sec = (time_t)(world->clock.now_ns / CLOCK_SECOND);
	ts->tv_nsec = (long)(world->clock.now_ns % CLOCK_SECOND);
	return 0;
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)clock_random(&world->clock);
	return (ssize_t)n;
}

/* Events of devices ------------------------------------------------------------------------------
 */

int __wrap_topo_watch_open(void)
{
	return new_sock(SOCK_WATCH);
}

int __wrap_topo_watch_drain(int fd, const uint32_t *ifindexes, size_t n)
{
	bool changed = sock_of(fd)->changed;

	sock_of(fd)->changed = false;
	return changed;
}

/* A change at the other machine is an event that concerns no link here: nothing will have changed.
 */
void kernel_changed(void)
{
	for (unsigned i = 0; i < world->n_socks; i++) {
		if (world->sock[i].kind != SOCK_WATCH)
			continue;
		world->sock[i].changed = true;
		notify(&world->sock[i], EPOLLIN);
	}
}

unsigned kernel_n_open(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_socks; i++)
		n += w->sock[i].kind != SOCK_FREE;
	return n;
}

void kernel_end(struct world *w)
{
	free(w->sock);
	w->sock = NULL;
}
