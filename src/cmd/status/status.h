/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - mpnc status: every bond and team of this machine, for people, programs and cron
 *
 * All but status_main and status_run are pure: they look at bonds that topo_judge has seen, and
 * write to the stream given, whose error the caller checks. release is uname's ("" if not known)
 * and decides about the hash rule that is shown. Names of devices are escaped for where they go.
 *
 * Shares are of what all listed links of the bond have carried since they exist.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "topo/topo.h"

/* "schema" of the JSON: raised when a field changes its meaning or goes away. */
#define STATUS_SCHEMA 1

#define STATUS_MESSAGE_LEN 256

enum status_exit {
	STATUS_FINE = 0,
	STATUS_FINDINGS = 1, /* only with check */
	STATUS_USAGE = 2,    /* or something could not be read or written */
};

/* What is wrong, at worst; and the exit status of a plugin of a monitoring system. */
enum status_severity {
	STATUS_OK = 0,
	STATUS_WARNING = 1,  /* something carries traffic, but not as it should */
	STATUS_CRITICAL = 2, /* a bond carries nothing, or is gone */
	STATUS_UNKNOWN = 3,  /* it cannot be said */
};

enum status_format { STATUS_TABLE, STATUS_JSON, STATUS_PROM, STATUS_PLUGIN };

/* A bond that has to be there: "bond0:4:layer3+4". */
struct status_expect {
	char name[TOPO_NAME_LEN];
	unsigned n_links; /* that can be used, at least; 0: any number */
	char policy[16];  /* "": any */
};

/* What the command line asked for. */
struct status_options {
	enum status_format format;
	bool check; /* --check: with STATUS_TABLE, the findings are all that is written */
	/* --expect, borrowed; only with check or STATUS_PLUGIN */
	const struct status_expect *expects;
	size_t n_expects;
	const char *since; /* --since, borrowed; NULL: not given. Only with check */
	const char *from;  /* --from, borrowed; NULL: this machine */
};

/* The verb. argv[0] is "status". Prints everything, its messages too. Returns the exit status. Uses
 * getopt's global state. */
int status_main(int argc, char *argv[]);

/* The same behind the options: out gets the output, err the findings if out is for a program.
 * source is not looked at with from. Failures go to the log. Returns the exit status. */
int status_run(struct topo_source *source, const struct status_options *o, FILE *out, FILE *err);

/* One line of titles; then for each bond a line, and a line per link. */
void status_table(FILE *out, const struct topo_bond *bonds, size_t n, const char *release);

/* The line of one bond in that table. */
void status_bond_line(FILE *out, const struct topo_bond *b, const char *release);

/* One line: {"schema":1,"bonds":[...]}. What is not known is null. Returns 0 or -ENOMEM. */
int status_json(FILE *out, const struct topo_bond *bonds, size_t n, const char *release);

/* What "bonds" is in there. NULL: out of memory. */
struct json_t *status_json_bonds(const struct topo_bond *bonds, size_t n, const char *release);

/* Prometheus's text format, version 0.0.4. */
void status_prom(FILE *out, const struct topo_bond *bonds, size_t n, const char *release);

/* An earlier status. */
struct status_past;

/* Reads what status_json wrote. Of several lines the last one counts, so that a log can be given
 * that grows by one line a day; an empty file is a status that knew no bond. Returns 0, -ENOMEM, or
 * -EINVAL with a clause in message that says what is wrong with it. */
int status_past_read(FILE *in, struct status_past **out, char message[STATUS_MESSAGE_LEN]);
struct status_past *status_past_free(struct status_past *past);

/* What is checked, all borrowed. */
struct status_subject {
	const struct topo_bond *bonds;
	size_t n;
	const struct status_past *past; /* NULL: none */
	const struct status_expect *expects;
	size_t n_expects;
};

struct status_verdict {
	size_t n; /* things that are wrong */
	enum status_severity worst;
};

/* Writes one line for each thing that is wrong. A bond that is set down and has no links is one
 * that nobody uses, and nothing is wrong with it, unless it is expected. Failures that went down
 * were counted anew meanwhile, and all of them are new. */
struct status_verdict status_check(FILE *out, const struct status_subject *s);

/* NAME, NAME:LINKS or NAME:LINKS:POLICY. Returns 0 or -EINVAL. */
int status_expect_parse(const char *text, struct status_expect *out);

/* The bond of that name; NULL: it is not there. */
const struct topo_bond *status_expect_find(const struct status_expect *e,
					   const struct topo_bond *bonds, size_t n);

/* Has the bond the policy, if one is expected? */
bool status_expect_policy(const struct status_expect *e, const struct topo_bond *b);

/* The line for a monitoring system; lines is what status_check wrote. */
void status_plugin(FILE *out, const struct status_subject *s, enum status_severity worst,
		   const char *lines);
