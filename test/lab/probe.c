// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Make packets of one flow: probe udp|tcp SOURCE SPORT ADDRESS PORT COUNT
 *
 * udp sends COUNT datagrams, tcp connects COUNT times; the port had better be closed: a refusal is
 * what is expected. Prints nothing: the links' counters tell where the packets went.
 */
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addrinfo *address(const char *host, const char *port, bool tcp)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai;
	int r;

	hints.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM;
	r = getaddrinfo(host, port, &hints, &ai);
	if (r) {
		fprintf(stderr, "probe: %s port %s: %s\n", host, port, gai_strerror(r));
		exit(2);
	}
	return ai;
}

static int bound_socket(const struct addrinfo *from)
{
	int fd = socket(from->ai_family, from->ai_socktype | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
	    bind(fd, from->ai_addr, from->ai_addrlen) < 0) {
		perror("probe");
		exit(2);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct addrinfo *from, *to;
	bool tcp;

	if (argc != 7) {
		fprintf(stderr, "usage: probe udp|tcp SOURCE SPORT ADDRESS PORT COUNT\n");
		return 2;
	}
	tcp = !strcmp(argv[1], "tcp");
	from = address(argv[2], argv[3], tcp);
	to = address(argv[4], argv[5], tcp);
	for (int n = atoi(argv[6]); n > 0; n--) {
		int fd = bound_socket(from);

		if (tcp)
			(void)connect(fd, to->ai_addr, to->ai_addrlen);
		else
			(void)sendto(fd, "", 1, 0, to->ai_addr, to->ai_addrlen);
		close(fd);
	}
	freeaddrinfo(from);
	freeaddrinfo(to);
	return 0;
}
