/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

int resolve(const struct resolve_request *request, union sock_addr addrs[RESOLVE_MAX],
	    const char **why_out)
{
	struct addrinfo hints = {
		.ai_family = request->family,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP,
	};
	struct addrinfo *list = NULL;
	int n = 0;
	int r;

	if (request->numeric)
		hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	if (!request->host)
		hints.ai_flags |= AI_PASSIVE;
	r = getaddrinfo(request->host, request->port ? request->port : "0", &hints, &list);
	if (r) {
		*why_out = r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r);
		return -EINVAL;
	}
	for (const struct addrinfo *ai = list; ai && n < RESOLVE_MAX; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(addrs[n]))
			continue;
		memcpy(&addrs[n++], ai->ai_addr, ai->ai_addrlen);
	}
	freeaddrinfo(list);
	return n;
}
