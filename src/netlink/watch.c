/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink/watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/attr.h"

/* Events carry no virtual functions, and are below 3 KiB; a longer one counts as concerning us. */
#define EVENT_LEN 4096

int topo_watch_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int listed(uint32_t ifindex, const uint32_t *ifindexes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ifindexes[i] == ifindex)
			return 1;
	return 0;
}

static int concerns(const struct nlmsghdr *message, const uint32_t *ifindexes, size_t n)
{
	const struct ifinfomsg *info = attr_header(message, sizeof(*info));
	const struct nlattr *tb[IFLA_MASTER + 1];

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return 0;
	if (!info)
		return 0;
	attr_table(message, sizeof(*info), tb, IFLA_MASTER + 1);
	return listed((uint32_t)info->ifi_index, ifindexes, n) ||
	       listed(attr_u32(tb[IFLA_MASTER], 0), ifindexes, n);
}

static int take_event(const char *event, size_t len, const uint32_t *ifindexes, size_t n)
{
	const struct nlmsghdr *message = NULL;
	int found = 0;

	while (!found && (message = attr_message(event, len, message)))
		found = concerns(message, ifindexes, n);
	return found;
}

/* Returns 1 or 0 as topo_watch_drain, -EAGAIN when there is no more, or -errno. */
static int receive(int fd, const uint32_t *ifindexes, size_t n)
{
	char event[EVENT_LEN] __attribute__((aligned(8)));
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { event, sizeof(event) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (len < 0 && errno == ENOBUFS)
		return 1;
	if (len < 0)
		return errno == EINTR ? 0 : -errno;
	if (len == 0)
		return -EAGAIN;
	/* Another process may send to us as well. */
	if (from.nl_family == AF_NETLINK && from.nl_pid != 0)
		return 0;
	return msg.msg_flags & MSG_TRUNC ? 1 : take_event(event, (size_t)len, ifindexes, n);
}

int topo_watch_drain(int fd, const uint32_t *ifindexes, size_t n)
{
	int changed = 0;
	int r = 0;

	for (int i = 0; i < TOPO_WATCH_BATCH && r >= 0; i++) {
		r = receive(fd, ifindexes, n);
		if (r > 0)
			changed = 1;
	}
	return r >= 0 || r == -EAGAIN ? changed : r;
}
