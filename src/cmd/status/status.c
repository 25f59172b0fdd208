/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status/status.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "topo/saved.h"
#include "ui/log.h"
#include "util/text.h"

/* A word of the user's within a message. */
#define QUOTED_LEN 64

static int read_since(const char *path, struct status_past **out)
{
	char message[STATUS_MESSAGE_LEN];
	FILE *in = fopen(path, "re");
	int r;

	if (!in) {
		log_error("cannot read %s: %s", path, strerror(errno));
		return -EINVAL;
	}
	r = status_past_read(in, out, message);
	if (r < 0)
		log_error("cannot read %s: %s", path, r == -EINVAL ? message : strerror(-r));
	fclose(in);
	return r;
}

static int write_out(FILE *out, const struct status_options *o, const struct saved *f)
{
	switch (o->format) {
	case STATUS_JSON:
		return status_json(out, f->bonds, f->n, f->release);
	case STATUS_PROM:
		status_prom(out, f->bonds, f->n, f->release);
		return 0;
	case STATUS_TABLE:
		break;
	}
	/* The table is for those who want to see for themselves. */
	if (!o->check || !f->n)
		status_table(out, f->bonds, f->n, f->release);
	return 0;
}

static int show(const struct saved *f, const struct status_past *past,
		const struct status_options *o, FILE *out, FILE *err)
{
	int r = write_out(out, o, f);
	size_t n_findings = 0;

	if (o->check)
		n_findings =
			status_check(o->format == STATUS_TABLE ? out : err, f->bonds, f->n, past);
	if (r == 0 && (fflush(out) || ferror(out)))
		r = errno ? -errno : -EIO;
	if (r < 0) {
		log_error("cannot write the status: %s", strerror(-r));
		return STATUS_USAGE;
	}
	return n_findings ? STATUS_FINDINGS : STATUS_FINE;
}

/* What this machine says of itself, or files of another. Returns 0, or -1 after a message. */
static int find(struct topo_source *source, const struct status_options *o, struct saved *found)
{
	char why[SAVED_WHY_LEN], quoted[4 * QUOTED_LEN];
	int r;

	if (o->from) {
		r = saved_read(o->from, found, why);
		text_quote(quoted, sizeof(quoted), o->from, strlen(o->from));
		if (r)
			log_error("status: --from %s: %s", quoted, why);
		return r ? -1 : 0;
	}
	r = topo_bonds(source, &found->bonds, &found->n);
	if (r)
		log_error("cannot list the links of this machine: %s",
			  r == -EINTR ? "they keep changing" : strerror(-r));
	else if (topo_kernel(source, found->release) < 0)
		found->release[0] = '\0';
	return r ? -1 : 0;
}

int status_run(struct topo_source *source, const struct status_options *o, FILE *out, FILE *err)
{
	struct status_past *past = NULL;
	struct saved found = { 0 };
	int result = STATUS_USAGE;

	if (o->since && read_since(o->since, &past) < 0)
		return STATUS_USAGE;
	if (find(source, o, &found) == 0) {
		result = show(&found, past, o, out, err);
		free(found.bonds);
	}
	status_past_free(past);
	return result;
}

static const char help[] =
	"Usage: mpnc status [options]\n"
	"\n"
	"Shows every bond and team of this machine with its links.\n"
	"\n"
	"  --json         print one line of JSON instead of the table\n"
	"  --prom         print Prometheus's text format instead of the table\n"
	"  --check        print one line for each problem instead of the table; with --json\n"
	"                 or --prom these lines go to standard error\n"
	"  --since FILE   with --check: also print failures since the last line of FILE,\n"
	"                 which --json wrote; FILE may be empty the first time\n"
	"  --from FILE    show another machine's bond: FILE is a copy of /proc/net/bonding/NAME\n"
	"                 there, - for standard input, or a directory of such copies\n"
	"  -h, --help     print this text\n"
	"\n"
	"A link has a problem if it is down or disabled, is outside the active LACP aggregator,\n"
	"has no LACP partner, differs in speed or MTU, or has failed since.\n"
	"\n"
	"Exit status: 0 success, 1 --check found a problem, 2 usage, or a read or write failed.\n"
	"\n"
	"For cron: one line a day into a log, and mail when there is a problem:\n"
	"  mpnc status --json --check --since bonds.log >>bonds.log\n";

enum { VAL_JSON = 256, VAL_PROM, VAL_CHECK, VAL_SINCE, VAL_FROM };

static const struct option longs[] = {
	{ "json", no_argument, NULL, VAL_JSON },
	{ "prom", no_argument, NULL, VAL_PROM },
	{ "check", no_argument, NULL, VAL_CHECK },
	{ "since", required_argument, NULL, VAL_SINCE },
	{ "from", required_argument, NULL, VAL_FROM },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int refuse(const char *what, const char *word)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	log_error("status: %s %s; see mpnc status --help", what, quoted);
	return STATUS_USAGE;
}

/* word: where getopt stopped. */
static int refuse_option(int val, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };

	if (val == ':')
		return refuse("missing argument after", word);
	if (optopt >= VAL_JSON || (optopt == 'h' && word[1] == '-'))
		return refuse("no argument is allowed in", word);
	return refuse("unknown option", optopt ? letter : word);
}

/* Returns STATUS_FINE, with *help_out set if that is all that is wanted, or STATUS_USAGE. */
static int read_options(int argc, char *argv[], struct status_options *o, bool *help_out)
{
	bool json = false, prom = false;
	int val;

	/* 0 rather than 1 makes glibc forget where an earlier call stopped. */
	optind = 0;
	opterr = 0;
	while ((val = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (val) {
		case VAL_JSON:
			json = true;
			break;
		case VAL_PROM:
			prom = true;
			break;
		case VAL_CHECK:
			o->check = true;
			break;
		case VAL_SINCE:
			o->since = optarg;
			break;
		case VAL_FROM:
			o->from = optarg;
			break;
		case 'h':
			*help_out = true;
			return STATUS_FINE;
		default:
			return refuse_option(val, argv[optind - 1]);
		}
	}
	if (optind < argc)
		return refuse("unexpected argument", argv[optind]);
	if (json && prom)
		return refuse("give one of --json and", "--prom");
	if (o->since && !o->check)
		return refuse("--since needs", "--check");
	if (json || prom)
		o->format = json ? STATUS_JSON : STATUS_PROM;
	return STATUS_FINE;
}

int status_main(int argc, char *argv[])
{
	struct status_options o = { .format = STATUS_TABLE };
	struct topo_source *source = NULL;
	bool want_help = false;
	int r = read_options(argc, argv, &o, &want_help);

	if (r != STATUS_FINE)
		return r;
	if (want_help) {
		fputs(help, stdout);
		return fflush(stdout) ? STATUS_USAGE : STATUS_FINE;
	}
	r = o.from ? 0 : topo_source_new(&source);
	if (r < 0) {
		log_error("cannot ask the kernel for links: %s", strerror(-r));
		return STATUS_USAGE;
	}
	r = status_run(source, &o, stdout, stderr);
	topo_source_free(source);
	return r;
}
