/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h - where plain connections are accepted, or made to: TCP addresses, or a unix socket
 */
#pragma once

#include <sys/un.h>

#include "io/resolve.h"

#define PLACE_NAME_LEN 128

struct place_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		union sock_addr inet;
		struct sockaddr_un un;
	};
};

struct place {
	char name[PLACE_NAME_LEN]; /* for people: "db1 port 5432", "/run/x.sock" */
	int n;
	struct place_addr addrs[RESOLVE_MAX]; /* tried in turn; listened on all */
};

/* A path that begins with "@" is a name in the abstract namespace, as in ss and systemd. Returns 0
 * or -ENAMETOOLONG. */
int place_unix(struct place *out, const char *path);

/* host NULL: every address. */
void place_inet(struct place *out, const char *host, const char *port, const union sock_addr *addrs,
		int n);

/* Listens on address number i. The socket file of a listener that is gone is replaced. Returns a
 * non-blocking descriptor or -errno. */
int place_listen(const struct place *p, int i);

/* A non-blocking socket that is connected, or connecting, to address number i. Returns it or
 * -errno; -EAGAIN: a unix socket's queue is full at the moment. */
int place_connect(const struct place *p, int i);
