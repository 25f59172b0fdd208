/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opts_internal.h - what the files of the command line share, and the verbs that have more options
 * of their own
 *
 * opts_table.c has the options, each with its setter. opts.c reads the words, then judges options
 * and operands together. opts_unknown.c answers words that are no option here, and opts_help.c
 * prints the table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/cli/opts.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A word of the user's within a message: as much of it as leaves room for the message. */
#define QUOTED_LEN 64

enum option_id {
	OPT_LISTEN,
	OPT_KEEP,
	OPT_MAX_CONNS,
	OPT_SESSIONS,
	OPT_ALLOW,
	OPT_PLAIN,
	OPT_PLAIN_OK,
	OPT_SUBFLOWS,
	OPT_SOURCE,
	OPT_MULTIHOME,
	OPT_PORT,
	OPT_PORTS,
	OPT_STEER,
	OPT_PLAN,
	OPT_PROBE,
	OPT_TARGET,
	OPT_NODNS,
	OPT_IPV4,
	OPT_IPV6,
	OPT_TOS,
	OPT_TTL,
	OPT_MIN_TTL,
	OPT_WINDOW,
	OPT_RCVBUF,
	OPT_SNDBUF,
	OPT_THREADS,
	OPT_KEY,
	OPT_KEY_DIR,
	OPT_CERT,
	OPT_PRIVATE_KEY,
	OPT_CA,
	OPT_NAME,
	OPT_EXEC,
	OPT_SHELL,
	OPT_UNIX,
	OPT_NO_STDIN,
	OPT_SEND_ONLY,
	OPT_RECV_ONLY,
	OPT_DUPLEX,
	OPT_SHUTDOWN,
	OPT_WAIT,
	OPT_IDLE,
	OPT_RETRY,
	OPT_RECONNECT,
	OPT_QUIT,
	OPT_RATE,
	OPT_VERBOSE,
	OPT_PROGRESS,
	OPT_QUIET,
	OPT_SIZE,
	OPT_JSON,
	OPT_HELP_TEXT,
	OPT_VERSION_TEXT,
	N_OPTIONS,
};

/* Options of a verb, beside the table's. */
struct opts_verb {
	const char *name;             /* "bench" */
	const struct option_def *own; /* with setters that know parser.own */
	size_t n_own;
	const enum option_id *refused; /* those of the table that it does not take */
	size_t n_refused;
	bool alone; /* without host and port, or port, it is about this machine: both may be NULL */
	/* Without -l an operand comes before host and port: its offset in what the verb's setters
	 * fill, where it is put as a const char *. Such a verb has clients on either side. */
	bool has_local;
	size_t local;
};

struct parser {
	struct config *config;
	const struct opts_verb *verb; /* NULL: the netcat */
	void *own;                    /* what the verb's setters fill */
	char *message;
	bool given[N_OPTIONS];
	const char *local_port; /* argument of -p: its meaning depends on -l */
	const char *operand[3]; /* the third only of a verb with has_local */
	const char *surplus;    /* the first operand too many */
	size_t n_operands;
};

/* What a number may be. */
struct opts_number {
	int (*parse)(const char *s, uint64_t min, uint64_t max, uint64_t *out);
	uint64_t min, max;
	const char *wanted; /* for messages: "a number of hops (1 to 255)" */
	const char *word;   /* this word means word_is; NULL: none does */
	uint64_t word_is;
	bool is_int; /* the field is an int or unsigned, else a uint64_t */
};

struct option_def {
	char letter;      /* 0: none */
	const char *name; /* long name; NULL: none */
	const char *arg;  /* the name of its argument; "[=...]" if that is optional; NULL: none */
	const char *help; /* lines after the first are indented when printed */
	/* OPTS_RUN goes on, all else ends opts_parse. arg is NULL without one. */
	enum opts_result (*set)(struct parser *p, const struct option_def *o, const char *arg);
	size_t field;      /* offset in struct config, for the setters that serve several options */
	const char *group; /* heading printed before this option */
	const struct opts_number *number; /* for opts_set_number */
};

extern const struct option_def opts_table[N_OPTIONS];

/* opts_parse for a verb; own: where its own options go. */
enum opts_result opts_parse_verb(int argc, char *const argv[], const struct opts_verb *verb,
				 void *own, struct config *config, char message[OPTS_MESSAGE_LEN]);

bool opts_optional_arg(const struct option_def *o);

/* The name of an option in messages: "-l", or "--retry" if it has no letter. */
struct shown {
	char text[32];
};

struct shown opts_show(const struct option_def *o);

/* Makes the message. Returns OPTS_USAGE. */
enum opts_result opts_fail(struct parser *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same: the argument of an option is not what it has to be. */
enum opts_result opts_bad_argument(struct parser *p, const struct option_def *o, const char *arg,
				   const char *wanted);

/* Puts the number that arg means into o's field of base. */
enum opts_result opts_set_number(struct parser *p, const struct option_def *o, const char *arg,
				 void *base);

/* The same: there is no such option. arg is the whole word with its dashes. */
enum opts_result opts_unknown_name(struct parser *p, const char *arg);
enum opts_result opts_unknown_letter(struct parser *p, char letter);
