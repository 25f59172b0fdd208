/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr_list.h - where plain connections are accepted, or made to: TCP addresses, or a unix socket
 */
#pragma once

#include <sys/un.h>

#include "io/resolve.h"

#define ADDR_LIST_NAME_LEN 128

struct addr_list_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		union sock_addr inet;
		struct sockaddr_un un;
	};
};

struct addr_list {
	char name[ADDR_LIST_NAME_LEN]; /* for people: "db1 port 5432", "/run/x.sock" */
	int n;
	struct addr_list_addr addrs[RESOLVE_MAX]; /* tried in turn; listened on all */
};

/* A path that begins with "@" is a name in the abstract namespace, as in ss and systemd. Returns 0
 * or -ENAMETOOLONG. */
int addr_list_unix(struct addr_list *out, const char *path);

/* host NULL: every address. */
void addr_list_inet(struct addr_list *out, const char *host, const char *port,
		    const union sock_addr *addrs, int n);

/* Listens on address number i. The socket file of a listener that is gone is replaced. Returns a
 * non-blocking descriptor or -errno. */
int addr_list_listen(const struct addr_list *p, int i);

/* A non-blocking socket that is connected, or connecting, to address number i. Returns it or
 * -errno; -EAGAIN: a unix socket's queue is full at the moment. */
int addr_list_connect(const struct addr_list *p, int i);
