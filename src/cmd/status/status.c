/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - mpnc status: find the bonds, compare them with what is expected, print
 *
 *   this machine (topo_bonds)  --.                .-- table, JSON, Prometheus
 *                                 >-- struct saved
 *   files (--from, saved_read) --'                `-- --check, a plugin's line (status_check)
 *
 * What always holds:
 * - Where the bonds come from does not matter after find().
 * - A failure has one message, by fail(). A monitoring system reads standard output, so its plugin
 *   says the failure there too, and has exit status UNKNOWN.
 * - A verdict decides the exit status only with --check or as a plugin; output that cannot be
 *   written decides it always.
 */
#include "cmd/status/status.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "topo/saved.h"
#include "ui/log.h"
#include "util/text.h"

/* A word of the user's within a message. */
#define QUOTED_LEN 64

/* Says why there is no status, for a plugin where a monitoring system reads it. Returns the exit
 * status. */
__attribute__((format(printf, 3, 4))) static int fail(const struct status_options *o, FILE *out,
						      const char *fmt, ...)
{
	char text[LOG_LINE_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("status: %s", text);
	if (o->format != STATUS_PLUGIN)
		return STATUS_USAGE;
	fprintf(out, "BOND UNKNOWN - %s\n", text);
	fflush(out);
	return STATUS_UNKNOWN;
}

/* Returns 0, or the exit status after a message. */
static int read_since(const struct status_options *o, FILE *out, struct status_past **past_out)
{
	char message[STATUS_MESSAGE_LEN];
	FILE *in = fopen(o->since, "re");
	int r = in ? status_past_read(in, past_out, message) : -errno;

	if (in)
		fclose(in);
	if (!r)
		return 0;
	return fail(o, out, "cannot read %s: %s", o->since,
		    in && r == -EINVAL ? message : strerror(-r));
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
	case STATUS_PLUGIN:
		break;
	}
	/* The table is for those who want to see for themselves. */
	if (!o->check || (!f->n && !o->n_expects))
		status_table(out, f->bonds, f->n, f->release);
	return 0;
}

/* Returns the exit status, or -errno. */
static int show(const struct status_subject *s, const struct saved *f,
		const struct status_options *o, FILE *out, FILE *err)
{
	struct status_verdict verdict = { 0 };
	int r = write_out(out, o, f);

	if (!r && o->check)
		verdict = status_check(o->format == STATUS_TABLE ? out : err, s);
	return r ? r : verdict.n ? STATUS_FINDINGS : STATUS_FINE;
}

/* The same for a monitoring system. */
static int show_plugin(const struct status_subject *s, FILE *out)
{
	struct status_verdict verdict;
	char *lines = NULL;
	size_t size;
	FILE *memory = open_memstream(&lines, &size);

	if (!memory)
		return -ENOMEM;
	verdict = status_check(memory, s);
	if (!s->n && !s->n_expects) {
		fputs("no bond or team is here; name those that have to be with --expect", memory);
		verdict.worst = STATUS_UNKNOWN;
	}
	if (fclose(memory)) {
		free(lines);
		return -ENOMEM;
	}
	status_plugin(out, s, verdict.worst, lines);
	free(lines);
	return (int)verdict.worst;
}

/* What this machine says of itself, or files of another. Returns 0, or the exit status after a
 * message. */
static int find(struct topo_source *source, const struct status_options *o, FILE *out,
		struct saved *found)
{
	char why[SAVED_WHY_LEN], quoted[4 * QUOTED_LEN];
	int r;

	if (o->from) {
		text_quote(quoted, sizeof(quoted), o->from, strlen(o->from));
		r = saved_read(o->from, found, why);
		return r ? fail(o, out, "--from %s: %s", quoted, why) : 0;
	}
	r = topo_bonds(source, &found->bonds, &found->n);
	if (r)
		return fail(o, out, "cannot list the links of this machine: %s",
			    r == -EINTR ? "they keep changing" : strerror(-r));
	if (topo_kernel(source, found->release) < 0)
		found->release[0] = '\0';
	return 0;
}

int status_run(struct topo_source *source, const struct status_options *o, FILE *out, FILE *err)
{
	struct status_past *past = NULL;
	struct saved found = { 0 };
	struct status_subject s = { .expects = o->expects, .n_expects = o->n_expects };
	int result = o->since ? read_since(o, out, &past) : 0;

	if (!result)
		result = find(source, o, out, &found);
	if (!result) {
		s.bonds = found.bonds;
		s.n = found.n;
		s.past = past;
		result = o->format == STATUS_PLUGIN ? show_plugin(&s, out)
						    : show(&s, &found, o, out, err);
		if (result >= 0 && (fflush(out) || ferror(out)))
			result = errno ? -errno : -EIO;
		if (result < 0)
			result = fail(o, out, "cannot write: %s", strerror(-result));
	}
	free(found.bonds);
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
	"  --plugin       print one line with performance data for Nagios, Icinga or checkmk;\n"
	"                 exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN\n"
	"  --expect NAME[:LINKS[:POLICY]]\n"
	"                 with --check or --plugin: the bond NAME has to be there, with at\n"
	"                 least LINKS usable links and that policy: bond0:4:layer3+4;\n"
	"                 may be repeated\n"
	"  --since FILE   with --check or --plugin: also print failures since the\n"
	"                 last line of FILE, which --json wrote; FILE may be empty the first\n"
	"                 time\n"
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

enum { VAL_JSON = 256, VAL_PROM, VAL_CHECK, VAL_PLUGIN, VAL_SINCE, VAL_FROM, VAL_EXPECT };

static const struct option longs[] = {
	{ "json", no_argument, NULL, VAL_JSON },
	{ "prom", no_argument, NULL, VAL_PROM },
	{ "check", no_argument, NULL, VAL_CHECK },
	{ "plugin", no_argument, NULL, VAL_PLUGIN },
	{ "since", required_argument, NULL, VAL_SINCE },
	{ "from", required_argument, NULL, VAL_FROM },
	{ "expect", required_argument, NULL, VAL_EXPECT },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Bonds of --expect: more than a machine has. */
#define EXPECTS_MAX 64

/* What the words say so far. */
struct words {
	struct status_options *options;
	struct status_expect expects[EXPECTS_MAX]; /* the options' */
	bool json, prom, help;
};

static int refuse(const struct words *w, const char *what, const char *word)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	return fail(w->options, stdout, "%s %s; see mpnc status --help", what, quoted);
}

/* word: where getopt stopped. */
static int refuse_option(const struct words *w, int val, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };

	if (val == ':')
		return refuse(w, "missing argument after", word);
	if (optopt >= VAL_JSON || (optopt == 'h' && word[1] == '-'))
		return refuse(w, "no argument is allowed in", word);
	return refuse(w, "unknown option", optopt ? letter : word);
}

static int take_expect(struct words *w, const char *word)
{
	struct status_options *o = w->options;
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	if (o->n_expects == EXPECTS_MAX)
		return fail(o, stdout, "more than %d of --expect", EXPECTS_MAX);
	if (status_expect_parse(word, &w->expects[o->n_expects]) < 0)
		return fail(o, stdout,
			    "--expect \"%s\" is not NAME, NAME:LINKS or NAME:LINKS:POLICY, such as "
			    "bond0:4:layer3+4",
			    quoted);
	o->n_expects++;
	return STATUS_FINE;
}

/* Returns STATUS_FINE, or the exit status after a message. */
static int take_option(struct words *w, int val, const char *word)
{
	struct status_options *o = w->options;

	switch (val) {
	case VAL_JSON:
		w->json = true;
		return STATUS_FINE;
	case VAL_PROM:
		w->prom = true;
		return STATUS_FINE;
	case VAL_CHECK:
		o->check = true;
		return STATUS_FINE;
	case VAL_PLUGIN:
		o->format = STATUS_PLUGIN;
		return STATUS_FINE;
	case VAL_SINCE:
		o->since = optarg;
		return STATUS_FINE;
	case VAL_FROM:
		o->from = optarg;
		return STATUS_FINE;
	case VAL_EXPECT:
		return take_expect(w, optarg);
	case 'h':
		w->help = true;
		return STATUS_FINE;
	default:
		return refuse_option(w, val, word);
	}
}

/* The same, of the options together. */
static int judge_options(const struct words *w)
{
	struct status_options *o = w->options;

	if (w->json && w->prom)
		return refuse(w, "give one of --json and", "--prom");
	if (o->format == STATUS_PLUGIN && (w->json || w->prom || o->check))
		return refuse(w, "give --plugin without",
			      w->json   ? "--json"
			      : w->prom ? "--prom"
					: "--check");
	if (o->format != STATUS_PLUGIN && !o->check && (o->since || o->n_expects))
		return refuse(w, "give --check or --plugin too with",
			      o->since ? "--since" : "--expect");
	if (w->json || w->prom)
		o->format = w->json ? STATUS_JSON : STATUS_PROM;
	return STATUS_FINE;
}

/* Returns STATUS_FINE, or the exit status after a message. */
static int read_options(int argc, char *argv[], struct words *w)
{
	int val, r;

	w->options->expects = w->expects;
	/* Also of what is wrong with options a plugin's reader has to hear. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--plugin") == 0)
			w->options->format = STATUS_PLUGIN;
	/* 0 rather than 1 makes glibc forget where an earlier call stopped. */
	optind = 0;
	opterr = 0;
	while ((val = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		r = take_option(w, val, argv[optind - 1]);
		if (r || w->help)
			return r;
	}
	if (optind < argc)
		return refuse(w, "unexpected argument", argv[optind]);
	return judge_options(w);
}

int status_main(int argc, char *argv[])
{
	struct status_options o = { .format = STATUS_TABLE };
	struct words w = { .options = &o };
	struct topo_source *source = NULL;
	int r = read_options(argc, argv, &w);

	if (r != STATUS_FINE)
		return r;
	if (w.help) {
		fputs(help, stdout);
		return fflush(stdout) ? STATUS_USAGE : STATUS_FINE;
	}
	r = o.from ? 0 : topo_source_new(&source);
	if (r < 0)
		return fail(&o, stdout, "cannot ask the kernel for links: %s", strerror(-r));
	r = status_run(source, &o, stdout, stderr);
	topo_source_free(source);
	return r;
}
