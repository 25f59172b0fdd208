/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/sock_wire.h"

#include <errno.h>
#include <string.h>

void sock_wire_addr(const union sock_addr *addr, struct wire_addr *out)
{
	*out = (struct wire_addr){ .family = 6, .port = sock_addr_port(addr) };
	if (addr->sa.sa_family == AF_INET) {
		out->family = 4;
		memcpy(out->addr, &addr->in.sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr)) {
		out->family = 4;
		memcpy(out->addr, addr->in6.sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(out->addr, &addr->in6.sin6_addr, 16);
	}
}

void sock_wire_back(union sock_addr *out, const struct wire_addr *addr, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	out->sa.sa_family = addr->family == 4 ? AF_INET : AF_INET6;
	if (addr->family == 4)
		memcpy(&out->in.sin_addr, addr->addr, 4);
	else
		memcpy(&out->in6.sin6_addr, addr->addr, 16);
	sock_addr_set_port(out, port);
}

int sock_wire_names(int fd, struct wire_names *out, uint32_t *ifindex_out)
{
	union sock_addr local, remote;
	socklen_t len = sizeof(local);

	if (getsockname(fd, &local.sa, &len) < 0)
		return -errno;
	len = sizeof(remote);
	if (getpeername(fd, &remote.sa, &len) < 0)
		return -errno;
	sock_wire_addr(&local, &out->local);
	sock_wire_addr(&remote, &out->remote);
	*ifindex_out = remote.sa.sa_family == AF_INET6 ? remote.in6.sin6_scope_id : 0;
	return 0;
}
