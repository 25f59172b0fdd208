// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does each flow take the link that was predicted? probe LINK... < what `mpnc explain --json`
 * prints
 *
 * Of every flow a few SYNs are sent, by connects that nobody waits for, and the links' tx_packets
 * tell where they went. The flow's own link has counted all of them. If another has counted as many
 * meanwhile, that was other traffic, and the flow is tried again.
 *
 * Prints each flow that took another link, then how many there were and how many took each link.
 * Exit status 0: there were flows and all took the predicted link; 1: not so; 2: it cannot be
 * tried.
 */
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 16
#define END_LEN   80
#define SYNS      2
#define TRIES     20

struct link {
	const char *name;
	int fd; /* of its tx_packets */
	uint64_t before;
	unsigned flows;
};

static struct link links[LINKS_MAX];
static int n_links;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void open_link(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_packets", name);
	links[n_links].name = name;
	links[n_links].fd = open(path, O_RDONLY | O_CLOEXEC);
	if (links[n_links].fd < 0)
		die(path);
	n_links++;
}

static uint64_t packets(const struct link *link)
{
	char text[32];
	ssize_t n = pread(link->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die(link->name);
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

/* The value of "name" in a line of JSON, without its quotes; "": null, or none. */
static void member(const char *line, const char *name, char *out, size_t size)
{
	char key[32];
	const char *at;
	size_t len;

	out[0] = '\0';
	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(line, key);
	if (!at)
		return;
	at += strlen(key);
	len = strcspn(at, "\"");
	if (len < size) {
		memcpy(out, at, len);
		out[len] = '\0';
	}
}

/* ADDR:PORT or [ADDR]:PORT */
static struct addrinfo *resolve(const char *end)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	bool v6 = end[0] == '[';
	struct addrinfo *ai = NULL;
	char copy[END_LEN], *colon;

	snprintf(copy, sizeof(copy), "%s", end + v6);
	colon = strrchr(copy, ':');
	if (colon) {
		colon[v6 ? -1 : 0] = '\0';
		if (getaddrinfo(copy, colon + 1, &hints, &ai))
			ai = NULL;
	}
	if (!ai) {
		fprintf(stderr, "probe: \"%s\" is not an address with a port\n", end);
		exit(2);
	}
	return ai;
}

static void send_syn(const struct addrinfo *from, const struct addrinfo *to)
{
	int fd = socket(from->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) < 0 ||
	    bind(fd, from->ai_addr, from->ai_addrlen) < 0)
		die("probe: bind");
	(void)connect(fd, to->ai_addr, to->ai_addrlen);
	close(fd);
}

/* The link that the flow takes; NULL: unknown. */
static struct link *observe(const struct addrinfo *from, const struct addrinfo *to, unsigned *again)
{
	for (int try = 0; try < TRIES; try++) {
		struct link *seen = NULL;
		int n_seen = 0;

		for (int i = 0; i < n_links; i++)
			links[i].before = packets(&links[i]);
		for (int i = 0; i < SYNS; i++)
			send_syn(from, to);
		for (int i = 0; i < n_links; i++) {
			if (packets(&links[i]) - links[i].before < SYNS)
				continue;
			seen = &links[i];
			n_seen++;
		}
		if (n_seen == 1)
			return seen;
		++*again;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return NULL;
}

/* Whether the flow of this line takes the link that the line names. */
static bool check(const char *line, unsigned *again)
{
	char src[END_LEN], dst[END_LEN], predicted[32], reason[256];
	struct addrinfo *from, *to;
	struct link *seen;
	bool right;

	member(line, "src", src, sizeof(src));
	member(line, "dst", dst, sizeof(dst));
	member(line, "tx_link", predicted, sizeof(predicted));
	member(line, "reason", reason, sizeof(reason));
	from = resolve(src);
	to = resolve(dst);
	seen = observe(from, to, again);
	freeaddrinfo(from);
	freeaddrinfo(to);
	if (seen)
		seen->flows++;
	right = seen && !strcmp(seen->name, predicted);
	if (!right)
		printf("%s -> %s: predicted %s, seen %s (%s)\n", src, dst,
		       predicted[0] ? predicted : "none", seen ? seen->name : "none", reason);
	return right;
}

int main(int argc, char **argv)
{
	unsigned flows = 0, wrong = 0, again = 0;
	char *line = NULL;
	size_t size = 0;

	if (argc < 2 || argc > LINKS_MAX) {
		fprintf(stderr, "usage: probe LINK... < PREDICTIONS\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		open_link(argv[i]);
	while (getline(&line, &size, stdin) > 0) {
		flows++;
		wrong += !check(line, &again);
	}
	free(line);
	printf("%u flows, %u wrong, %u again:", flows, wrong, again);
	for (int i = 0; i < n_links; i++)
		printf(" %u", links[i].flows);
	printf("\n");
	return flows && !wrong ? 0 : 1;
}
