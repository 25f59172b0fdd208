/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets.c - TCP sockets of this machine, asked from the kernel's sock_diag
 *
 * One dump for each address family over a socket of its own: sock_diag is a netlink family of its
 * own (man 7 sock_diag), which needs no privilege. The kernel decides about states; a dump has
 * established connections alone.
 *
 * What always holds:
 * - The result is a snapshot without a guarantee: connections come and go while it is taken. A dump
 *   that the kernel calls interrupted is used all the same.
 * - IPv4 connections of an IPv6 socket are listed as IPv4, as their packets are.
 * - A kernel without IPv6 answers ENOENT to the second dump; its first one is the whole answer.
 * - A message that has another form than expected is skipped.
 */
#include "netlink/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netlink/attr.h"

/* The kernel's TCP_ESTABLISHED; <netinet/tcp.h> and <linux/tcp.h> exclude each other. */
#define STATE_ESTABLISHED 1

#define BUFFER_LEN (32u << 10)
#define FIRST_CAP  64

/* The kernel answers at once; only a bug could make us wait. */
#define TIMEOUT_S 5

struct list {
	struct topo_socket *sockets;
	size_t n, cap;
	int error;
};

int topo_socket_parse(const struct nlmsghdr *message, struct topo_socket *out)
{
	const struct inet_diag_msg *diag = attr_header(message, sizeof(*diag));
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *src, *dst;
	bool mapped;
	size_t len;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || !diag)
		return -EINVAL;
	if (diag->idiag_family != AF_INET && diag->idiag_family != AF_INET6)
		return -EINVAL;
	src = (const uint8_t *)diag->id.idiag_src;
	dst = (const uint8_t *)diag->id.idiag_dst;
	mapped = diag->idiag_family == AF_INET6 && memcmp(dst, prefix, sizeof(prefix)) == 0;
	src += mapped ? sizeof(prefix) : 0;
	dst += mapped ? sizeof(prefix) : 0;
	len = mapped || diag->idiag_family == AF_INET ? 4 : 16;
	*out = (struct topo_socket){
		.family = mapped ? AF_INET : diag->idiag_family,
		.sport = ntohs(diag->id.idiag_sport),
		.dport = ntohs(diag->id.idiag_dport),
		.ifindex = diag->id.idiag_if,
	};
	memcpy(out->src, src, len);
	memcpy(out->dst, dst, len);
	return 0;
}

static int take(const struct nlmsghdr *message, void *arg)
{
	struct list *list = arg;
	struct topo_socket socket;

	if (topo_socket_parse(message, &socket) < 0)
		return MNL_CB_OK;
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : FIRST_CAP;
		struct topo_socket *more = reallocarray(list->sockets, cap, sizeof(*more));

		if (!more) {
			list->error = -ENOMEM;
			return MNL_CB_ERROR;
		}
		list->sockets = more;
		list->cap = cap;
	}
	list->sockets[list->n++] = socket;
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *sock, int family, unsigned seq, char *buffer, struct list *list)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *diag = mnl_nlmsg_put_extra_header(request, sizeof(*diag));
	unsigned port = mnl_socket_get_portid(sock);
	int r = MNL_CB_OK;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = seq;
	diag->sdiag_family = (uint8_t)family;
	diag->sdiag_protocol = IPPROTO_TCP;
	diag->idiag_states = 1u << STATE_ESTABLISHED;
	if (mnl_socket_sendto(sock, request, request->nlmsg_len) < 0)
		return -errno;
	while (r == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(sock, buffer, BUFFER_LEN);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		r = mnl_cb_run(buffer, (size_t)len, seq, port, take, list);
	}
	if (r != MNL_CB_ERROR)
		return 0;
	if (list->error)
		return list->error;
	/* Connections come and go always; a dump that was disturbed is as good. */
	return errno == EINTR ? 0 : -errno;
}

static int dump_all(struct mnl_socket *sock, struct list *list)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	char *buffer;
	int r;

	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0)
		return -errno;
	buffer = malloc(BUFFER_LEN);
	if (!buffer)
		return -ENOMEM;
	r = dump(sock, AF_INET, 1, buffer, list);
	if (!r) {
		r = dump(sock, AF_INET6, 2, buffer, list);
		/* A kernel without IPv6. */
		if (r == -ENOENT)
			r = 0;
	}
	free(buffer);
	return r;
}

int topo_sockets(struct topo_socket **out, size_t *n_out)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	struct list list = { 0 };
	int r;

	*out = NULL;
	*n_out = 0;
	if (!sock)
		return -errno;
	r = dump_all(sock, &list);
	mnl_socket_close(sock);
	if (r) {
		free(list.sockets);
		return r;
	}
	*out = list.sockets;
	*n_out = list.n;
	return 0;
}
