/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock.h - TCP sockets: making them, their options, and what the kernel knows about them
 *
 * Descriptors that are returned are non-blocking, close-on-exec and owned by the caller.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Unsent bytes that the kernel may hold per connection (TCP_NOTSENT_LOWAT). What it holds can no
 * longer take another way, but with too little a fast connection runs dry between two turns of the
 * loop. So it is what the connection delivers in about 10 ms, as a chunk is, between these limits.
 */
#define SOCK_LOWAT_MIN (64u << 10)
#define SOCK_LOWAT_MAX (256u << 10)

/* How long sent data may stay unacknowledged before the kernel gives the connection up. It also
 * ends a connection whose peer's window stays closed, as that of a stopped process does, so it has
 * to be longer than any pause that a session must survive. Dead paths are noticed long before by
 * lateness and PING. */
#define SOCK_USER_TIMEOUT_MS 120000

/* Keepalive for connections without traffic: first probe, interval (seconds), count. */
#define SOCK_KEEP_IDLE  30
#define SOCK_KEEP_INTVL 10
#define SOCK_KEEP_CNT   6

/* An address as text: an IPv6 address with a scope name fits. */
#define SOCK_ADDR_LEN 64

/* What limits per source count: sock_addr_source. */
#define SOCK_SOURCE_LEN 16

struct sock_options {
	int tos;    /* -1: leave it */
	int sndbuf; /* 0: leave it to autotuning */
	int rcvbuf;
	int ttl;     /* hop limit of what is sent; 0: the system's */
	int min_ttl; /* and the least of what is taken; 0: any */
	int mss;     /* largest segment, both ways; 0: the path's */
};

union sock_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

socklen_t sock_addr_len(const union sock_addr *addr);
uint16_t sock_addr_port(const union sock_addr *addr);
void sock_addr_set_port(union sock_addr *addr, uint16_t port);

/* Numeric address without port; IPv4-mapped IPv6 as IPv4. */
void sock_addr_text(char buf[SOCK_ADDR_LEN], const union sock_addr *addr);

/* The same as 16 bytes: an IPv4 address is an IPv4-mapped one. */
void sock_addr_bytes(uint8_t out[16], const union sock_addr *addr);

/* What limits per source count: an IPv4 address, or the /64 of an IPv6 address, since one machine
 * chooses its addresses in there as it likes. */
void sock_addr_source(uint8_t out[SOCK_SOURCE_LEN], const union sock_addr *addr);

/* A socket that is bound to source (NULL: none; port 0: the kernel's choice) and connecting to
 * peer. Returns the descriptor or -errno; -EADDRINUSE and -EADDRNOTAVAIL: this source port is not
 * available. */
int sock_connect(const union sock_addr *peer, const union sock_addr *source,
		 const struct sock_options *options);

/* Does this machine have the address (whatever its port)? When that cannot be found out, it is said
 * to. */
bool sock_is_ours(const union sock_addr *addr);

/* Sets TCP_NOTSENT_LOWAT, cut to the limits above. */
void sock_set_lowat(int fd, uint32_t len);

/* Sets SO_RCVLOWAT: the reader is woken when this many bytes are there, or the end. */
void sock_set_rcvlowat(int fd, uint32_t len);

/* Closing it will reset the connection. */
void sock_set_abrupt(int fd);

/* The result of a connect that was under way: 0 or -errno. */
int sock_connected(int fd);

/* A listening socket on addr. Options are inherited by accepted connections. A wildcard IPv6
 * address takes IPv4 too unless only6. Returns the descriptor or -errno. */
int sock_listen(const union sock_addr *addr, bool only6, const struct sock_options *options);

/* Makes a listening TCP socket that came from elsewhere as sock_listen would have. Returns 0 or
 * -errno. */
int sock_adopt(int fd, const struct sock_options *options);

/* Accepts one connection; passes over those that have failed while they waited. Returns the
 * descriptor, -EAGAIN when none is waiting, or another -errno: then this machine or process is
 * short of something, the connection still waits, and trying again at once would only spin. A unix
 * socket's peer_out has a family and nothing else of use. */
int sock_accept(int listen_fd, union sock_addr *peer_out);

/* The local end of a socket; all zero if it has none. */
void sock_local(int fd, union sock_addr *out);

/* The other end of a connection. Returns 0, or -errno when the peer has reset it. */
int sock_peer(int fd, union sock_addr *out);

/* The addresses of a connection's ends, numeric and without the ports. */
struct sock_names {
	char local[SOCK_ADDR_LEN];
	char peer[SOCK_ADDR_LEN];
	uint16_t local_port;
	uint16_t peer_port;
};

/* An end that the kernel does not name stays empty. */
void sock_names(int fd, struct sock_names *out);

/* Of TCP_INFO: segments that were sent again (tcpi_total_retrans), and tcpi_rtt in microseconds. */
struct sock_info {
	uint64_t retransmits;
	uint64_t rtt_us;
};

/* Returns 0 or -errno. */
int sock_info(int fd, struct sock_info *out);
