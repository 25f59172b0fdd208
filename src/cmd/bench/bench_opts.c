/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/bench/bench.h"

#include <stdarg.h>

#include "cmd/cli/opts_internal.h"
#include "util/parse.h"
#include "util/units.h"

#define TIME_MAX_NS (24ull * 3600 * 1000 * NS_PER_MS)

const char bench_help[] =
	"Usage: mpnc bench [options] HOST PORT        measure the path to a bench listener\n"
	"       mpnc bench [options] -l [ADDR] PORT   listen; serve one client after another\n"
	"\n"
	"Moves data between the memories of two machines for a while and prints, for each\n"
	"interval and at the end, the rate, retransmissions, round trip time and links of\n"
	"every connection, the rate of every link at both ends, and what limits the result.\n"
	"\n"
	"  -t, --time TIME        duration of each run (default 10)\n"
	"  -R, --reverse          the listener sends\n"
	"      --bidir            both ends send at the same time\n"
	"  -P N|auto              connections; auto: as many as the bonds at both ends need\n"
	"  -i, --interval TIME    time between reports (default 1; 0: only at the end)\n"
	"      --compare          measure one connection and the number of -P in turns, and\n"
	"                         print the ratio of the medians\n"
	"      --rounds N         with --compare: runs of each kind (default 3)\n"
	"      --sweep            measure 1, 2, 4, 8 ... connections, until more gain nothing\n"
	"      --disk FILE        sender: read FILE instead of memory; receiver: write FILE,\n"
	"                         which must not exist and is removed at the end\n"
	"      --json[=FILE]      print one line of JSON for each run, much like iperf3's\n"
	"  -1, --one-off          with -l: exit after one client\n"
	"\n"
	"With several addresses (HOST,HOST2, or -s repeated) mpnc uses all of them.\n"
	"\n"
	"These mpnc options are also accepted: -4 -6 -n -s -p --ports --multihome -T -w -v\n"
	"-I -O --window --rate --retry --reconnect --allow, and for encryption --key\n"
	"--key-dir --cert --private-key --ca --name; see mpnc --help.\n"
	"\n"
	"Exit status: as for mpnc; 0 only if every byte arrived.\n";

static struct bench_options *options_of(struct parser *p)
{
	return p->own;
}

static enum opts_result set_number(struct parser *p, const struct option_def *o, const char *arg)
{
	return opts_set_number(p, o, arg, p->own);
}

static enum opts_result set_interval(struct parser *p, const struct option_def *o, const char *arg)
{
	uint64_t *interval_ns = &options_of(p)->interval_ns;

	/* Shorter ones would measure when the links were counted. */
	if (parse_duration(arg, 0, TIME_MAX_NS, interval_ns) < 0 ||
	    (*interval_ns && *interval_ns < 100 * NS_PER_MS))
		return opts_bad_argument(p, o, arg, "0 or a time of 100ms or more");
	return OPTS_RUN;
}

static enum opts_result set_flag(struct parser *p, const struct option_def *o, const char *arg)
{
	*(bool *)((char *)p->own + o->field) = true;
	return OPTS_RUN;
}

static enum opts_result set_disk(struct parser *p, const struct option_def *o, const char *arg)
{
	if (!*arg)
		return opts_bad_argument(p, o, arg, "a file");
	options_of(p)->disk = arg;
	return OPTS_RUN;
}

static const struct opts_number time = { parse_duration, NS_PER_MS, TIME_MAX_NS,
					 "a time up to a day (such as 500ms, 10 or 2m)" };
static const struct opts_number rounds = { parse_u64, 1, BENCH_ROUNDS_MAX,
					   "a number of rounds (1 to 100)", .is_int = true };

#define FIELD(name) offsetof(struct bench_options, name)

static const struct option_def own[] = {
	{ 't', "time", "TIME", NULL, set_number, FIELD(time_ns), .number = &time },
	{ 'i', "interval", "TIME", NULL, set_interval },
	{ 'R', "reverse", NULL, NULL, set_flag, FIELD(reverse) },
	{ 0, "bidir", NULL, NULL, set_flag, FIELD(bidir) },
	{ 0, "compare", NULL, NULL, set_flag, FIELD(compare) },
	{ 0, "rounds", "N", NULL, set_number, FIELD(rounds), .number = &rounds },
	{ 0, "sweep", NULL, NULL, set_flag, FIELD(sweep) },
	{ 0, "disk", "FILE", NULL, set_disk },
	{ '1', "one-off", NULL, NULL, set_flag, FIELD(one_off) },
};

/* What a stream or its ends would need. */
static const enum option_id refused[] = {
	OPT_KEEP,     OPT_MAX_CONNS, OPT_SESSIONS,  OPT_PLAIN,  OPT_PLAIN_OK,
	OPT_PLAN,     OPT_PROBE,     OPT_EXEC,      OPT_SHELL,  OPT_UNIX,
	OPT_NO_STDIN, OPT_SEND_ONLY, OPT_RECV_ONLY, OPT_DUPLEX, OPT_SHUTDOWN,
	OPT_QUIT,     OPT_PROGRESS,  OPT_QUIET,     OPT_SIZE,   OPT_TARGET,
};

static const struct opts_verb verb = { "bench", own, LEN(own), refused, LEN(refused) };

static enum opts_result check(struct parser *p, const struct bench_options *o)
{
	if (o->reverse && o->bidir)
		return opts_fail(p, "-R and --bidir exclude each other: --bidir sends both ways");
	if (o->compare && o->sweep)
		return opts_fail(p, "--compare and --sweep exclude each other");
	if (o->bidir && o->disk)
		return opts_fail(p, "--disk is for one direction, --bidir has two");
	if (p->config->listen && (o->reverse || o->bidir || o->compare || o->sweep))
		return opts_fail(p, "with -l the client chooses what is measured");
	if (!p->config->listen && o->one_off)
		return opts_fail(p, "-1 needs -l");
	if (o->sweep && !p->config->subflows_auto)
		return opts_fail(p, "-P and --sweep exclude each other");
	return OPTS_RUN;
}

enum opts_result bench_opts_parse(int argc, char *const argv[], struct bench_options *options,
				  struct config *config, char message[OPTS_MESSAGE_LEN])
{
	struct parser p = { .config = config, .message = message };
	enum opts_result result;

	*options = (struct bench_options){ .time_ns = BENCH_TIME_NS,
					   .interval_ns = BENCH_INTERVAL_NS,
					   .rounds = BENCH_ROUNDS };
	result = opts_parse_verb(argc, argv, &verb, options, config, message);
	return result == OPTS_RUN ? check(&p, options) : result;
}
