/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bench/bench.h"
#include "cmd/cli/completion.h"
#include "cmd/cli/opts.h"
#include "cmd/doctor/doctor.h"
#include "cmd/explain/explain.h"
#include "cmd/genkey.h"
#include "cmd/netcat/cat.h"
#include "cmd/netcat/command.h"
#include "cmd/netcat/plain.h"
#include "cmd/netcat/plan_show.h"
#include "cmd/netcat/probe.h"
#include "cmd/relay.h"
#include "cmd/status/status.h"
#include "ui/log.h"

#define EXIT_USAGE 2

/*
 * A descriptor 0, 1 or 2 that was closed must not become one of our sockets. What takes its place
 * behaves like a closed one: input is empty, and writing fails with EBADF.
 */
static int open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			return -1;
	return 0;
}

/* A first word that selects a tool. A host of that name: mpnc -- status 80. */
static const struct verb {
	const char *name;
	int (*run)(int argc, char *argv[]); /* argv[0] is the verb; returns the exit status */
} verbs[] = {
	{ "bench", bench_main },       { "doctor", doctor_main },     { "explain", explain_main },
	{ "genkey", genkey_main },     { "recv", command_recv_main }, { "relay", relay_main },
	{ "send", command_send_main }, { "status", status_main },
};

static int run(const struct config *config)
{
	if (config->plan)
		return plan_show(config);
	if (config->plain)
		return plain_run(config);
	return config->probe ? probe_run(config) : cat_run(config);
}

static int netcat(int argc, char *argv[])
{
	struct config config;
	char message[OPTS_MESSAGE_LEN];
	static char help[OPTS_HELP_LEN];

	switch (opts_parse(argc, argv, &config, message)) {
	case OPTS_RUN:
		log_set_level(config.verbose);
		return run(&config);
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

/* mpnc help completion SHELL */
static int completion(const char *shell)
{
	const char *tools[sizeof(verbs) / sizeof(verbs[0])];
	size_t n = sizeof(verbs) / sizeof(verbs[0]);

	for (size_t i = 0; i < n; i++)
		tools[i] = verbs[i].name;
	if (completion_write(stdout, shell, tools, n) == 0)
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	log_error("help completion: there is one for bash and one for zsh");
	return EXIT_USAGE;
}

/* mpnc help, mpnc help VERB */
static int help(int argc, char *argv[])
{
	char option[] = "--help";
	char *words[] = { argv[argc > 1], option, NULL };

	if (argc > 1 && strcmp(argv[1], "completion") == 0)
		return completion(argc > 2 ? argv[2] : "");
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(2, words);
	if (argc == 1)
		return netcat(2, words);
	log_error("help: there is no tool of that name; see mpnc --help");
	return EXIT_USAGE;
}

int main(int argc, char *argv[])
{
	if (open_standard_fds() < 0)
		return EXIT_USAGE;
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	if (argc > 1 && argc < 5 && !strcmp(argv[1], "help"))
		return help(argc - 1, argv + 1);
	return netcat(argc, argv);
}
