/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cat.h"
#include "cmd/opts.h"
#include "ui/log.h"

#define EXIT_USAGE 2

/*
 * A descriptor 0, 1 or 2 that was closed must not become a socket of ours. What takes its place
 * behaves like a closed one: input is empty, and writing fails with EBADF.
 */
static int open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return -1;
	return 0;
}

int main(int argc, char *argv[])
{
	struct config config;
	char message[OPTS_MESSAGE_LEN];
	static char help[16384];

	if (open_standard_fds() < 0)
		return EXIT_USAGE;
	switch (opts_parse(argc, argv, &config, message)) {
	case OPTS_RUN:
		log_set_level(config.verbose);
		return cat_run(&config);
	case OPTS_HELP:
		fputs(opts_help(help, sizeof(help)), stdout);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	case OPTS_VERSION:
		puts("mpnc " MPNC_VERSION);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	case OPTS_USAGE:
		break;
	}
	log_error("%s", message);
	return EXIT_USAGE;
}
