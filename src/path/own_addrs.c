/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/own_addrs.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "path/sock_wire.h"

bool own_addrs_reachable(const union sock_addr *addr)
{
	const struct in6_addr *six = &addr->in6.sin6_addr;
	uint32_t four = ntohl(addr->in.sin_addr.s_addr);

	if (addr->sa.sa_family == AF_INET)
		/* 0/8, 127/8, 169.254/16, and from 224 on groups and what is reserved. */
		return four >> 24 && four >> 24 != 127 && four >> 16 != 0xa9fe && four >> 24 < 224;
	return addr->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(six) &&
	       !IN6_IS_ADDR_LOOPBACK(six) && !IN6_IS_ADDR_LINKLOCAL(six) &&
	       !IN6_IS_ADDR_MULTICAST(six) && !IN6_IS_ADDR_V4MAPPED(six);
}

static void add(struct wire_addrs *out, const union sock_addr *addr)
{
	struct wire_addr a;

	sock_wire_addr(addr, &a);
	a.port = 0;
	for (unsigned i = 0; i < out->n; i++)
		if (out->addr[i].family == a.family &&
		    memcmp(out->addr[i].addr, a.addr, sizeof(a.addr)) == 0)
			return;
	if (own_addrs_reachable(addr) && out->n < WIRE_ADDRS_MAX)
		out->addr[out->n++] = a;
}

static void add_interfaces(struct wire_addrs *out, bool four, bool six)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
		union sock_addr addr = { .sa = { .sa_family = AF_UNSPEC } };

		if (!(i->ifa_flags & IFF_UP) ||
		    !((family == AF_INET && four) || (family == AF_INET6 && six)))
			continue;
		memcpy(&addr, i->ifa_addr, family == AF_INET ? sizeof(addr.in) : sizeof(addr.in6));
		add(out, &addr);
	}
	freeifaddrs(list);
}

void own_addrs_of(int fd, struct wire_addrs *out)
{
	socklen_t len = sizeof(int);
	union sock_addr local;
	int only6 = 0;

	sock_local(fd, &local);
	if (local.sa.sa_family == AF_INET6)
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, &len);
	if (local.sa.sa_family == AF_INET && local.in.sin_addr.s_addr == htonl(INADDR_ANY))
		add_interfaces(out, true, false);
	else if (local.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&local.in6.sin6_addr))
		add_interfaces(out, !only6, true);
	else
		add(out, &local);
}
