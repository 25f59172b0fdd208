/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opts.h - the command line: one table of options gives the parser and --help
 */
#pragma once

#include <stddef.h>

#include "cmd/cli/config.h"

/* Longest message that opts_parse makes, with its NUL. */
#define OPTS_MESSAGE_LEN 256

/* Holds the text of --help. */
#define OPTS_HELP_LEN 10240

enum opts_result {
	OPTS_RUN,     /* *config is complete */
	OPTS_HELP,    /* -h, --help: print opts_help() to stdout, exit 0 */
	OPTS_VERSION, /* --version: print the version to stdout, exit 0 */
	OPTS_USAGE, /* message[] holds one line that names what is wrong and what to use: exit 2 */
};

/*
 * Reads argv into *config. Prints nothing and never exits. Strings in *config point into argv,
 * which is not reordered. Options may follow operands. `--` ends the options; a first operand "--"
 * is thus possible for a host named like a verb. After OPTS_USAGE *config is undefined. Uses
 * getopt's global state, so one thread at a time; any number of calls.
 */
enum opts_result opts_parse(int argc, char *const argv[], struct config *config,
			    char message[OPTS_MESSAGE_LEN]);

/* The text of --help, made from the option table, at most 79 columns wide. buf is filled, cut if it
 * is shorter than OPTS_HELP_LEN, and returned. */
const char *opts_help(char *buf, size_t size);
