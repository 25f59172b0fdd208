/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/service.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/unixsock.h"
#include "util/parse.h"

static uint64_t number_of(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t n = 0;

	return text && parse_u64(text, 0, INT_MAX - SERVICE_FIRST_FD, &n) == 0 ? n : 0;
}

int service_sockets(void)
{
	int n = number_of("LISTEN_PID") == (uint64_t)getpid() ? (int)number_of("LISTEN_FDS") : 0;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int fd = SERVICE_FIRST_FD; fd < SERVICE_FIRST_FD + n; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return n;
}

void service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;
	int len, fd;

	len = path && *path ? unixsock_address(path, &addr) : -1;
	if (len < 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&addr,
	       (socklen_t)len);
	close(fd);
}
