/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/netcat/command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cli/opts.h"
#include "cmd/netcat/cat.h"
#include "engine/outcome.h"
#include "ui/log.h"

static int usage(const char *verb, const char *what)
{
	log_error("%s: %s: mpnc %s [options] HOST PORT -- COMMAND [ARG]..., or -l PORT instead of "
		  "HOST PORT",
		  verb, what, verb);
	return OUTCOME_SETUP;
}

static int help(const char *verb)
{
	printf("Usage: mpnc %s [options] HOST PORT -- COMMAND [ARG]...\n"
	       "       mpnc %s [options] -l [ADDR] PORT -- COMMAND [ARG]...\n"
	       "\n"
	       "%s\n"
	       "If the command fails, both ends exit with a status other than 0. For the options\n"
	       "see mpnc --help.\n",
	       verb, verb,
	       strcmp(verb, "send") == 0 ? "Sends what the command writes, and receives nothing."
					 : "The command reads what the peer sends.");
	return fflush(stdout) ? OUTCOME_SETUP : OUTCOME_OK;
}

static int run(int argc, char *argv[], bool send)
{
	char message[OPTS_MESSAGE_LEN];
	struct config config;
	int n_words = 1;

	while (n_words < argc && strcmp(argv[n_words], "--") != 0)
		n_words++;
	switch (opts_parse(n_words, argv, &config, message)) {
	case OPTS_RUN:
		break;
	case OPTS_USAGE:
		log_error("%s: %s", argv[0], message);
		return OUTCOME_SETUP;
	default:
		return help(argv[0]);
	}
	if (n_words + 1 >= argc)
		return usage(argv[0], "missing command");
	if (config.exec || config.shell || config.unix_path || config.plan || config.probe)
		return usage(argv[0],
			     "write the command after --, without -e, -c, -U, -z or --plan");
	if (config.plain || config.plain_ok)
		return usage(argv[0], "a plain connection cannot report a command's failure");
	if (config.duplex || (send ? config.recv_only || config.no_stdin : config.send_only))
		return usage(
			argv[0],
			"a command uses one direction; leave out the option for the other one");
	config.command = argv + n_words + 1;
	config.send_only = send;
	config.recv_only = !send;
	log_set_level(config.verbose);
	return cat_run(&config);
}

int command_send_main(int argc, char *argv[])
{
	return run(argc, argv, true);
}

int command_recv_main(int argc, char *argv[])
{
	return run(argc, argv, false);
}
