/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock.c - TCP sockets: which options they get, and what their errors mean
 *
 * Every socket, made here or inherited (sock_adopt), gets the same options, so that a connection
 * behaves the same wherever it came from:
 *
 * - TCP_NODELAY: chunks and control frames leave at once.
 * - TCP_NOTSENT_LOWAT: the kernel takes only what TCP can send soon. The rest stays with the
 *   scheduler, which can still choose another subflow.
 * - TCP_USER_TIMEOUT and keep-alive: a dead path ends its connection within two minutes, instead of
 *   the kernel's quarter of an hour. Long before, the session has sent its chunks elsewhere.
 *
 * What always holds:
 * - Descriptors are non-blocking and closed by exec.
 * - An option that the user asked for is an error if the kernel refuses it; any other one is not.
 * - An IPv4 address is the same whether a socket says it as IPv4 or as IPv4-mapped IPv6.
 */
#include "io/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* As many as a burst of strangers may leave behind before the kernel refuses a peer. */
#define BACKLOG 4096

/* Failed connections that one call passes over. More in a row, and the error is not theirs. */
#define ACCEPT_TRIES 64

socklen_t sock_addr_len(const union sock_addr *addr)
{
	return addr->sa.sa_family == AF_INET ? sizeof(addr->in) : sizeof(addr->in6);
}

uint16_t sock_addr_port(const union sock_addr *addr)
{
	return ntohs(addr->sa.sa_family == AF_INET ? addr->in.sin_port : addr->in6.sin6_port);
}

void sock_addr_set_port(union sock_addr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_port = htons(port);
	else
		addr->in6.sin6_port = htons(port);
}

void sock_addr_text(char buf[SOCK_ADDR_LEN], const union sock_addr *addr)
{
	const void *src = &addr->in6.sin6_addr;
	int family = addr->sa.sa_family;

	if (family == AF_INET) {
		src = &addr->in.sin_addr;
	} else if (IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr)) {
		family = AF_INET;
		src = addr->in6.sin6_addr.s6_addr + 12;
	}
	if (!inet_ntop(family, src, buf, SOCK_ADDR_LEN))
		strcpy(buf, "?");
}

void sock_addr_bytes(uint8_t out[16], const union sock_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->sa.sa_family == AF_INET6) {
		memcpy(out, &addr->in6.sin6_addr, 16);
		return;
	}
	memcpy(out, mapped, sizeof(mapped));
	memcpy(out + sizeof(mapped), &addr->in.sin_addr, 4);
}

void sock_addr_source(uint8_t out[SOCK_SOURCE_LEN], const union sock_addr *addr)
{
	sock_addr_bytes(out, addr);
	if (addr->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		memset(out + 8, 0, 8);
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

void sock_set_lowat(int fd, uint32_t len)
{
	if (len < SOCK_LOWAT_MIN)
		len = SOCK_LOWAT_MIN;
	if (len > SOCK_LOWAT_MAX)
		len = SOCK_LOWAT_MAX;
	set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)len);
}

void sock_set_rcvlowat(int fd, uint32_t len)
{
	set(fd, SOL_SOCKET, SO_RCVLOWAT, (int)len);
}

/* The option of both families: a dual-stack socket needs the IPv4 one too, for connections over
 * IPv4. */
static int set_ip(int fd, int family, int name6, int name4, int value)
{
	int r4 = set(fd, IPPROTO_IP, name4, value);

	return family == AF_INET6 ? set(fd, IPPROTO_IPV6, name6, value) : r4;
}

void sock_set_abrupt(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Only what the user asked for may fail; an old kernel may lack the rest. */
static int set_options(int fd, int family, const struct sock_options *options)
{
	int r = 0;

	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sock_set_lowat(fd, SOCK_LOWAT_MIN);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SOCK_USER_TIMEOUT_MS);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, SOCK_KEEP_IDLE);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, SOCK_KEEP_INTVL);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, SOCK_KEEP_CNT);
	if (options->sndbuf)
		r = set(fd, SOL_SOCKET, SO_SNDBUF, options->sndbuf);
	if (!r && options->rcvbuf)
		r = set(fd, SOL_SOCKET, SO_RCVBUF, options->rcvbuf);
	if (!r && options->tos >= 0)
		r = set_ip(fd, family, IPV6_TCLASS, IP_TOS, options->tos);
	if (!r && options->ttl)
		r = set_ip(fd, family, IPV6_UNICAST_HOPS, IP_TTL, options->ttl);
	if (!r && options->min_ttl)
		r = set_ip(fd, family, IPV6_MINHOPCOUNT, IP_MINTTL, options->min_ttl);
	if (!r && options->mss)
		r = set(fd, IPPROTO_TCP, TCP_MAXSEG, options->mss);
	return r;
}

static int new_socket(int family, const struct sock_options *options)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int r;

	if (fd < 0)
		return -errno;
	r = set_options(fd, family, options);
	/* On a client too: its source ports may be in TIME_WAIT towards another peer. */
	if (!r)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int sock_connect(const union sock_addr *peer, const union sock_addr *source,
		 const struct sock_options *options)
{
	int fd = new_socket(peer->sa.sa_family, options);
	int r;

	if (fd < 0)
		return fd;
	/* Bound without a port: let connect choose it, when it knows the whole 4-tuple. */
	if (source && !sock_addr_port(source))
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (source && bind(fd, &source->sa, sock_addr_len(source)) < 0)
		goto fail;
	if (connect(fd, &peer->sa, sock_addr_len(peer)) < 0 && errno != EINPROGRESS)
		goto fail;
	return fd;
fail:
	r = -errno;
	close(fd);
	return r;
}

int sock_connected(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

bool sock_is_ours(const union sock_addr *addr)
{
	union sock_addr any_port = *addr;
	int fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours;

	if (fd < 0)
		return true;
	sock_addr_set_port(&any_port, 0);
	ours = bind(fd, &any_port.sa, sock_addr_len(addr)) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return ours;
}

int sock_listen(const union sock_addr *addr, bool only6, const struct sock_options *options)
{
	int fd = new_socket(addr->sa.sa_family, options);
	int r;

	if (fd < 0)
		return fd;
	if (addr->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, only6);
	if (bind(fd, &addr->sa, sock_addr_len(addr)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int sock_adopt(int fd, const struct sock_options *options)
{
	int family = 0;
	socklen_t len = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0)
		return -errno;
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	return set_options(fd, family, options);
}

/* Linux hands an error of the connection to accept, and the connection is gone with it. */
static bool is_connections(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EINTR:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPROTO:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

int sock_accept(int listen_fd, union sock_addr *peer_out)
{
	for (int i = 0; i < ACCEPT_TRIES; i++) {
		socklen_t len = sizeof(*peer_out);
		int fd = accept4(listen_fd, &peer_out->sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (!is_connections(errno))
			return -errno;
	}
	return -ENETDOWN;
}

void sock_local(int fd, union sock_addr *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	getsockname(fd, &out->sa, &len);
}

int sock_peer(int fd, union sock_addr *out)
{
	socklen_t len = sizeof(*out);

	return getpeername(fd, &out->sa, &len) < 0 ? -errno : 0;
}

void sock_names(int fd, struct sock_names *out)
{
	union sock_addr addr;
	socklen_t len = sizeof(addr);

	*out = (struct sock_names){ 0 };
	if (getsockname(fd, &addr.sa, &len) == 0) {
		sock_addr_text(out->local, &addr);
		out->local_port = sock_addr_port(&addr);
	}
	len = sizeof(addr);
	if (getpeername(fd, &addr.sa, &len) == 0) {
		sock_addr_text(out->peer, &addr);
		out->peer_port = sock_addr_port(&addr);
	}
}

int sock_info(int fd, struct sock_info *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*out = (struct sock_info){ .retransmits = info.tcpi_total_retrans,
				   .rtt_us = info.tcpi_rtt };
	return 0;
}
