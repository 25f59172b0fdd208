/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/addr_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/unixsock.h"
#include "util/text.h"

/* As sock.c's. */
#define BACKLOG 4096

int addr_list_unix(struct addr_list *out, const char *path)
{
	struct addr_list_addr *a = &out->addrs[0];
	int len;

	*out = (struct addr_list){ .n = 1 };
	len = unixsock_address(path, &a->un);
	if (len < 0)
		return len;
	a->len = (socklen_t)len;
	text_quote(out->name, sizeof(out->name), path, strlen(path));
	return 0;
}

void addr_list_inet(struct addr_list *out, const char *host, const char *port,
		    const union sock_addr *addrs, int n)
{
	*out = (struct addr_list){ .n = n };
	for (int i = 0; i < n; i++) {
		out->addrs[i].inet = addrs[i];
		out->addrs[i].len = sock_addr_len(&addrs[i]);
	}
	text_printf(out->name, sizeof(out->name), "%s port %s", host ? host : "*", port);
}

static int new_socket(const struct addr_list_addr *a)
{
	int on = 1, fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* Nothing else notices that the host of an idle connection is gone. Accepted connections
	 * inherit the option. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return fd;
}

static int bind_to(int fd, const struct addr_list_addr *a)
{
	if (a->sa.sa_family == AF_UNIX)
		return unixsock_bind(fd, &a->un, a->len);
	return bind(fd, &a->sa, a->len) < 0 ? -errno : 0;
}

int addr_list_listen(const struct addr_list *p, int i)
{
	const struct addr_list_addr *a = &p->addrs[i];
	int on = 1, r, fd = new_socket(a);

	if (fd < 0)
		return fd;
	if (a->sa.sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* The other family is another address of the list. */
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	r = bind_to(fd, a);
	if (!r && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (!r)
		return fd;
	close(fd);
	return r;
}

int addr_list_connect(const struct addr_list *p, int i)
{
	const struct addr_list_addr *a = &p->addrs[i];
	int r, fd = new_socket(a);

	if (fd < 0 || connect(fd, &a->sa, a->len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}
