/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options[] is the one place that knows an option: getopt's tables, the names in messages and the
 * text of --help are made from it. Its setters see one option each; what concerns two options is in
 * conflicts[], what concerns the operands comes last, in take_operands(). Options of
 * other netcats that are refused with advice are in hints[].
 */
#include "cmd/opts.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "util/parse.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define NS_PER_MS 1000000ull

/* A time must never overflow when it is added to a clock: a hundred years. */
#define TIME_MAX_NS (100ull * 365 * 24 * 3600 * 1000 * NS_PER_MS)

/* A word of the user's within a message: as much of it as leaves room for the message. */
#define QUOTED_LEN 64

/* getopt's value of a long option: this and its index in options[]. */
#define VAL_LONG 256

/* getopt's value of an operand, as the option string begins with "-". */
#define VAL_OPERAND 1

/* Column at which --help explains an option. */
#define HELP_COLUMN 27

enum option_id {
	OPT_LISTEN,
	OPT_KEEP,
	OPT_SUBFLOWS,
	OPT_SOURCE,
	OPT_PORT,
	OPT_NODNS,
	OPT_IPV4,
	OPT_IPV6,
	OPT_TOS,
	OPT_WINDOW,
	OPT_RCVBUF,
	OPT_SNDBUF,
	OPT_NO_STDIN,
	OPT_SEND_ONLY,
	OPT_RECV_ONLY,
	OPT_DUPLEX,
	OPT_SHUTDOWN,
	OPT_WAIT,
	OPT_RETRY,
	OPT_QUIT,
	OPT_VERBOSE,
	OPT_PROGRESS,
	OPT_JSON,
	OPT_HELP_TEXT,
	OPT_VERSION_TEXT,
	N_OPTIONS,
};

struct parser {
	struct config *config;
	char *message;
	bool given[N_OPTIONS];
	const char *local_port; /* argument of -p: its meaning depends on -l */
	const char *operand[2];
	const char *surplus; /* the first operand too many */
	size_t n_operands;
};

struct option_def {
	char letter;      /* 0: none */
	const char *name; /* long name; NULL: none */
	const char *arg;  /* the name of its argument; "[=...]" if that is optional; NULL: none */
	const char *help; /* lines after the first are indented when printed */
	/* OPTS_RUN goes on, all else ends opts_parse. arg is NULL if there is none. */
	enum opts_result (*set)(struct parser *p, const struct option_def *o, const char *arg);
	size_t field;      /* offset in struct config, for the setters that serve several options */
	const char *group; /* heading printed before this option */
};

__attribute__((format(printf, 2, 3))) static enum opts_result fail(struct parser *p,
								   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(p->message, OPTS_MESSAGE_LEN, fmt, ap);
	va_end(ap);
	return OPTS_USAGE;
}

/* The name of an option in messages: "-l", or "--retry" if it has no letter. */
struct shown {
	char text[32];
};

static struct shown show(const struct option_def *o)
{
	struct shown s;

	if (o->letter)
		text_printf(s.text, sizeof(s.text), "-%c", o->letter);
	else
		text_printf(s.text, sizeof(s.text), "--%s", o->name);
	return s;
}

/* fail(): the argument of an option is not what it has to be. */
static enum opts_result bad_argument(struct parser *p, const struct option_def *o, const char *arg,
				     const char *wanted)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), arg, strlen(arg));
	return fail(p, "%s: \"%s\" is not %s", show(o).text, quoted, wanted);
}

static void *field_of(struct parser *p, const struct option_def *o)
{
	return (char *)p->config + o->field;
}

static enum opts_result set_flag(struct parser *p, const struct option_def *o, const char *arg)
{
	bool *flag = field_of(p, o);

	*flag = true;
	return OPTS_RUN;
}

static enum opts_result set_nothing(struct parser *p, const struct option_def *o, const char *arg)
{
	return OPTS_RUN;
}

static enum opts_result set_family(struct parser *p, const struct option_def *o, const char *arg)
{
	p->config->family = o->letter == '4' ? AF_INET : AF_INET6;
	return OPTS_RUN;
}

static enum opts_result set_verbose(struct parser *p, const struct option_def *o, const char *arg)
{
	p->config->verbose++;
	return OPTS_RUN;
}

static enum opts_result set_help(struct parser *p, const struct option_def *o, const char *arg)
{
	return OPTS_HELP;
}

static enum opts_result set_version(struct parser *p, const struct option_def *o, const char *arg)
{
	return OPTS_VERSION;
}

static enum opts_result set_subflows(struct parser *p, const struct option_def *o, const char *arg)
{
	uint64_t n = CONFIG_SUBFLOWS_AUTO;

	p->config->subflows_auto = strcmp(arg, "auto") == 0;
	if (!p->config->subflows_auto && parse_u64(arg, 1, SUBFLOWS_MAX, &n) < 0)
		return bad_argument(p, o, arg, "a number of subflows (1 to 256, or auto)");
	p->config->n_subflows = (unsigned)n;
	return OPTS_RUN;
}

static enum opts_result set_source(struct parser *p, const struct option_def *o, const char *arg)
{
	if (p->config->source)
		return fail(p, "-s was given twice; a session has one address");
	if (!*arg)
		return bad_argument(p, o, arg, "an address");
	p->config->source = arg;
	return OPTS_RUN;
}

static enum opts_result set_local_port(struct parser *p, const struct option_def *o,
				       const char *arg)
{
	p->local_port = arg;
	return OPTS_RUN;
}

static enum opts_result set_tos(struct parser *p, const struct option_def *o, const char *arg)
{
	uint8_t tos;

	if (parse_tos(arg, &tos) < 0)
		return bad_argument(p, o, arg,
				    "a type of service (0 to 255, 0x00 to 0xff, af11, ef)");
	p->config->tos = tos;
	return OPTS_RUN;
}

static enum opts_result set_window(struct parser *p, const struct option_def *o, const char *arg)
{
	if (parse_size(arg, CONFIG_WINDOW_MIN, CONFIG_WINDOW_MAX, &p->config->window) < 0)
		return bad_argument(p, o, arg, "a window (1M to 16G)");
	return OPTS_RUN;
}

static enum opts_result set_sockbuf(struct parser *p, const struct option_def *o, const char *arg)
{
	/* The kernel takes an int. */
	if (parse_size(arg, 1, INT_MAX, field_of(p, o)) < 0)
		return bad_argument(p, o, arg, "the size of a socket buffer (such as 512K or 4M)");
	return OPTS_RUN;
}

static enum opts_result set_wait(struct parser *p, const struct option_def *o, const char *arg)
{
	if (parse_duration(arg, NS_PER_MS, TIME_MAX_NS, &p->config->timeout_ns) < 0)
		return bad_argument(p, o, arg, "a time above zero (such as 500ms, 30, 2m or 1h)");
	return OPTS_RUN;
}

static enum opts_result set_retry(struct parser *p, const struct option_def *o, const char *arg)
{
	if (parse_duration(arg, 0, TIME_MAX_NS, &p->config->retry_ns) < 0)
		return bad_argument(p, o, arg, "a time (such as 500ms, 30, 2m or 1h)");
	return OPTS_RUN;
}

static enum opts_result set_quit(struct parser *p, const struct option_def *o, const char *arg)
{
	p->config->quit_ns = CONFIG_NEVER;
	if (strcmp(arg, "-1") != 0 && parse_duration(arg, 0, TIME_MAX_NS, &p->config->quit_ns) < 0)
		return bad_argument(p, o, arg, "a time (such as 0, 500ms or 30; -1 is forever)");
	return OPTS_RUN;
}

static enum opts_result set_progress(struct parser *p, const struct option_def *o, const char *arg)
{
	static const char *const words[] = {
		[CONFIG_PROGRESS_AUTO] = "auto",
		[CONFIG_PROGRESS_ALWAYS] = "always",
		[CONFIG_PROGRESS_NEVER] = "never",
	};

	for (unsigned i = 0; i < LEN(words); i++) {
		if (strcmp(arg ? arg : "always", words[i]) == 0) {
			p->config->progress = (enum config_progress)i;
			return OPTS_RUN;
		}
	}
	return bad_argument(p, o, arg, "auto, always or never");
}

static enum opts_result set_json(struct parser *p, const struct option_def *o, const char *arg)
{
	if (arg && strcmp(arg, "-") == 0)
		return fail(p, "--json=-: standard output is for the data; --json alone writes to "
			       "standard error");
	if (arg && !*arg)
		return bad_argument(p, o, arg, "a file");
	p->config->json = true;
	p->config->json_file = arg;
	return OPTS_RUN;
}

#define FIELD(name) offsetof(struct config, name)

static const struct option_def options[N_OPTIONS] = {
	[OPT_LISTEN] = { 'l', "listen", NULL, "wait for a peer instead of connecting to one",
			 set_flag, FIELD(listen), "Connections" },
	[OPT_KEEP] = { 'k', "keep-open", NULL, "with -l: one session after another", set_flag,
		       FIELD(keep) },
	[OPT_SUBFLOWS] = { 'P', "subflows", "N|auto",
			   "TCP connections that carry the stream (1 to 256;\n"
			   "auto is 4, and the default)",
			   set_subflows },
	[OPT_SOURCE] = { 's', "source", "ADDR", "local address; with -l: the one to listen on",
			 set_source },
	[OPT_PORT] = { 'p', "source-port", "PORT",
		       "first local port, the subflows take the next ones;\n"
		       "with -l: the port to listen on",
		       set_local_port },
	[OPT_NODNS] = { 'n', "nodns", NULL, "addresses are numeric, look up no names", set_flag,
			FIELD(numeric) },
	[OPT_IPV4] = { '4', NULL, NULL, "IPv4 only", set_family },
	[OPT_IPV6] = { '6', NULL, NULL, "IPv6 only", set_family },
	[OPT_TOS] = { 'T', NULL, "TOS", "type of service: number or name (af11, cs1, ef)",
		      set_tos },
	[OPT_WINDOW] = { 0, "window", "SIZE",
			 "memory for data on its way, in each direction\n"
			 "(1M to 16G; default 64M)",
			 set_window },
	[OPT_RCVBUF] = { 'I', NULL, "LEN",
			 "TCP receive buffer of each subflow, instead of\n"
			 "the kernel's own tuning",
			 set_sockbuf, FIELD(rcvbuf) },
	[OPT_SNDBUF] = { 'O', NULL, "LEN", "the same for the TCP send buffer", set_sockbuf,
			 FIELD(sndbuf) },

	[OPT_NO_STDIN] = { 'd', NULL, NULL, "never read standard input", set_flag, FIELD(no_stdin),
			   "Data" },
	[OPT_SEND_ONLY] = { 0, "send-only", NULL, "send only, and receive nothing", set_flag,
			    FIELD(send_only) },
	[OPT_RECV_ONLY] = { 0, "recv-only", NULL, "receive only, send nothing", set_flag,
			    FIELD(recv_only) },
	[OPT_DUPLEX] = { 0, "duplex", NULL,
			 "read standard input to its end in any case, even\n"
			 "when the peer has sent all of its own",
			 set_flag, FIELD(duplex) },
	[OPT_SHUTDOWN] = { 'N', NULL, NULL, "no effect: the end of input always reaches the peer",
			   set_nothing },

	[OPT_WAIT] = { 'w', "wait", "TIME",
		       "give up when connecting, waiting for a peer (-l) or\n"
		       "a pause without progress takes longer",
		       set_wait, 0, "Times (500ms, 30 or 30s, 2m, 1h)" },
	[OPT_RETRY] = { 0, "retry", "TIME", "keep trying to connect for that long", set_retry },
	[OPT_QUIT] = { 'q', NULL, "TIME",
		       "end that long after all our input has arrived;\n"
		       "-1 is never, and the default",
		       set_quit },

	[OPT_VERBOSE] = { 'v', "verbose", NULL, "say what happens; -vv: for each subflow too",
			  set_verbose, 0, "Messages (on standard error)" },
	[OPT_PROGRESS] = { 0, "progress", "[=WHEN]",
			   "auto (default: on a terminal), always or never;\n"
			   "--progress alone is always",
			   set_progress },
	[OPT_JSON] = { 0, "json", "[=FILE]", "report as JSON, one object per line", set_json },
	[OPT_HELP_TEXT] = { 'h', "help", NULL, "print this text", set_help },
	[OPT_VERSION_TEXT] = { 0, "version", NULL, "print the version", set_version },
};

/* Options that other netcats have: why not, and what to use. */
static const struct hint {
	char letter;
	const char *name; /* how its long names begin: "ssl" is for "ssl-cert" as well */
	const char *advice;
} hints[] = {
	{ 'u', "udp", "the stream needs TCP; for datagrams use nc -u" },
	{ 'Z', "sctp", "the stream needs TCP" },
	{ 'b', NULL, "there is no UDP, so nothing to broadcast; use nc -ub" },
	{ 't', "telnet", "it would change the data; use telnet or nc -t" },
	{ 'C', "crlf", "data passes unchanged; convert it with unix2dos before mpnc" },
	{ 'i', "idle-timeout", "for an idle time-out use -w TIME, to go slower pv -L RATE" },
	{ 0, "delay", "to send more slowly use pv -L RATE | mpnc" },
	{ 'x', "proxy", "a proxy hides the ports that choose the links; connect directly" },
	{ 'X', NULL, "a proxy hides the ports that choose the links; connect directly" },
	{ 'F', NULL, "a session is several sockets; use ProxyCommand without ProxyUseFdpass" },
	{ 'D', NULL, "to debug the sockets use ss -ti or tcpdump" },
	{ 'r', NULL, "ports decide which links are used: mpnc picks them, or -p the first" },
	{ 'e', "exec", "connect the command with a pipe: mpnc -l PORT | COMMAND" },
	{ 'c', "sh-exec", "connect the command with a pipe: mpnc -l PORT | sh -c COMMAND" },
	{ 'U', "unixsock", "mpnc speaks TCP; pipe it to or from socat - UNIX-CONNECT:PATH" },
	{ 'z', NULL, "to see whether a port is open use nc -z: a waiting mpnc ignores it" },
	{ 'm', "max-conns", "there is one session at a time; -k serves the next one after it" },
	{ 'M', NULL, "the hop limit is the system's: ip route change ... hoplimit N" },
	{ 'S', NULL, "there are no TCP MD5 signatures; restrict access with a firewall" },
	{ 'V', NULL, "for the version use --version, for a routing table ip vrf exec" },
	{ 'W', NULL, "there are no packets to count; limit the data with head -c SIZE" },
	{ 'o', "output", "to keep a copy put tee FILE into the pipe" },
	{ 0, "append-output", "to keep a copy put tee -a FILE into the pipe" },
	{ 0, "broker", "a session has two ends; run one mpnc for each peer" },
	{ 0, "chat", "a session has two ends; run one mpnc for each peer" },
	{ 0, "no-shutdown", "the end of input is always passed on; keep it open instead" },
	{ 0, "ssl", "nothing is encrypted; encrypt the data before mpnc, as with gpg" },
	{ 0, "allow", "listen on one address with -s, or restrict access with a firewall" },
	{ 0, "deny", "restrict access with a firewall" },
	{ 0, "parallel", "the number of connections is -P N" },
	{ 0, "streams", "the number of connections is -P N" },
	{ 0, "bind", "the local address is -s ADDR" },
	{ 0, "port", "the local port is -p PORT, the peer's comes after its name" },
};

/* Options that exclude each other. */
static const struct {
	enum option_id a, b;
	const char *why;
} conflicts[] = {
	{ OPT_IPV4, OPT_IPV6, "give one of them, or none for both families" },
	{ OPT_SEND_ONLY, OPT_RECV_ONLY, "give one of them, or none for both directions" },
	{ OPT_NO_STDIN, OPT_SEND_ONLY, "-d sends nothing" },
	{ OPT_NO_STDIN, OPT_DUPLEX, "-d sends nothing" },
	{ OPT_RECV_ONLY, OPT_DUPLEX, "--recv-only sends nothing" },
	{ OPT_SEND_ONLY, OPT_DUPLEX, "--send-only receives nothing" },
	{ OPT_RETRY, OPT_LISTEN, "a listener waits anyway, -w limits for how long" },
};

static enum opts_result check_conflicts(struct parser *p)
{
	for (size_t i = 0; i < LEN(conflicts); i++) {
		if (p->given[conflicts[i].a] && p->given[conflicts[i].b])
			return fail(p, "%s and %s exclude each other: %s",
				    show(&options[conflicts[i].a]).text,
				    show(&options[conflicts[i].b]).text, conflicts[i].why);
	}
	if (p->config->keep && !p->config->listen)
		return fail(p, "-k needs -l: only a listener can serve one session after another");
	return OPTS_RUN;
}

static bool optional_arg(const struct option_def *o)
{
	return o->arg && o->arg[0] == '[';
}

struct getopt_tables {
	char letters[2 * N_OPTIONS + 3];
	struct option longs[N_OPTIONS + 1];
};

static void make_tables(struct getopt_tables *t)
{
	char *letter = t->letters;
	struct option *l = t->longs;

	/* Operands in the order they stand in, whatever the environment says, and argv is left as
	 * it is; a missing argument is told from an unknown option. */
	*letter++ = '-';
	*letter++ = ':';
	for (int i = 0; i < N_OPTIONS; i++) {
		const struct option_def *o = &options[i];

		if (o->letter)
			*letter++ = o->letter;
		if (o->letter && o->arg)
			*letter++ = ':';
		if (!o->name)
			continue;
		l->name = o->name;
		l->has_arg = optional_arg(o) ? optional_argument
			     : o->arg        ? required_argument
					     : no_argument;
		l->flag = NULL;
		l->val = VAL_LONG + i;
		l++;
	}
	*letter = '\0';
	*l = (struct option){ 0 };
}

/* val: what getopt knows an option by. */
static const struct option_def *find_option(int val)
{
	if (val >= VAL_LONG)
		return &options[val - VAL_LONG];
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (options[i].letter == val)
			return &options[i];
	}
	return NULL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, drop or replace to make b (of b_len) of a; NAME_MAX_LEN: many. */
#define NAME_MAX_LEN 24
static size_t edit_distance(const char *a, const char *b, size_t b_len)
{
	size_t row[NAME_MAX_LEN + 1], a_len = strlen(a);

	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t i = 0; i <= a_len; i++)
		row[i] = i;
	for (size_t j = 1; j <= b_len; j++) {
		size_t diagonal = row[0];

		row[0] = j;
		for (size_t i = 1; i <= a_len; i++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[i];
			row[i] = smaller(replaced, smaller(row[i - 1], row[i]) + 1);
		}
	}
	return row[a_len];
}

/* A long name that the user may have meant; NULL if none is near. */
static const char *nearest_name(const char *word, size_t len)
{
	size_t best_distance = 3;
	const char *best = NULL;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		const char *name = options[i].name;
		size_t distance, name_len = name ? strlen(name) : 0;

		if (!name || len == 0)
			continue;
		if (strncmp(name, word, smaller(len, name_len)) == 0)
			distance = 0;
		else
			distance = edit_distance(name, word, len);
		if (distance < best_distance && distance < len) {
			best_distance = distance;
			best = name;
		}
	}
	return best;
}

/* arg: the whole word with its dashes. */
static enum opts_result unknown_name(struct parser *p, const char *arg)
{
	const char *word = arg + 2, *nearest;
	size_t len = strcspn(word, "=");
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, len);
	for (size_t i = 0; i < LEN(hints); i++) {
		const char *name = hints[i].name;

		if (name && strncmp(word, name, strlen(name)) == 0)
			return fail(p, "--%s is not supported: %s", quoted, hints[i].advice);
	}
	nearest = nearest_name(word, len);
	if (nearest)
		return fail(p, "unknown option --%s; did you mean --%s?", quoted, nearest);
	return fail(p, "unknown option --%s; see mpnc --help", quoted);
}

static enum opts_result unknown_letter(struct parser *p, char letter)
{
	char quoted[QUOTED_LEN];

	for (size_t i = 0; i < LEN(hints); i++) {
		if (hints[i].letter == letter)
			return fail(p, "-%c is not supported: %s", letter, hints[i].advice);
	}
	text_quote(quoted, sizeof(quoted), &letter, 1);
	return fail(p, "unknown option -%s; see mpnc --help", quoted);
}

/* arg: the word of argv that getopt stumbled over, if it was a long option. */
static enum opts_result refuse(struct parser *p, const char *arg)
{
	if (optopt >= VAL_LONG)
		return fail(p, "--%s takes no argument", find_option(optopt)->name);
	if (optopt)
		return unknown_letter(p, (char)optopt);
	return unknown_name(p, arg);
}

static void add_operand(struct parser *p, const char *operand)
{
	if (p->n_operands < LEN(p->operand))
		p->operand[p->n_operands++] = operand;
	else if (!p->surplus)
		p->surplus = operand;
}

static enum opts_result read_one(struct parser *p, int val, char *const argv[])
{
	const struct option_def *o;

	if (val == VAL_OPERAND) {
		add_operand(p, optarg);
		return OPTS_RUN;
	}
	if (val == '?')
		return refuse(p, argv[optind - 1]);
	o = find_option(val == ':' ? optopt : val);
	if (val == ':')
		return fail(p, "%s needs an argument: %s", show(o).text, o->arg);
	p->given[o - options] = true;
	return o->set(p, o, o->arg ? optarg : NULL);
}

static enum opts_result read_words(struct parser *p, int argc, char *const argv[])
{
	struct getopt_tables tables;
	int val;

	make_tables(&tables);
	/* 0 rather than 1 makes glibc forget where an earlier call stopped. */
	optind = 0;
	opterr = 0;
	while ((val = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		enum opts_result result = read_one(p, val, argv);

		if (result != OPTS_RUN)
			return result;
	}
	for (int i = optind; i < argc; i++)
		add_operand(p, argv[i]);
	return OPTS_RUN;
}

/* A number, or something that may be the name of a service: getaddrinfo() decides about that. */
static enum opts_result check_port(struct parser *p)
{
	const char *port = p->config->port;
	uint64_t least = p->config->listen ? 0 : 1, ignored;
	char quoted[QUOTED_LEN];

	if (*port && port[strspn(port, "0123456789,:-")])
		return OPTS_RUN;
	if (parse_u64(port, least, UINT16_MAX, &ignored) == 0)
		return OPTS_RUN;
	text_quote(quoted, sizeof(quoted), port, strlen(port));
	return fail(p, "\"%s\" is not a port (%d to 65535, or the name of a service)", quoted,
		    (int)least);
}

/* "-l PORT", "-l ADDR PORT", "-l -p PORT" and "-l -p PORT ADDR"; -s ADDR may stand for ADDR. */
static enum opts_result take_listen_operands(struct parser *p)
{
	struct config *c = p->config;
	const char *addr = NULL;

	if (p->local_port && p->n_operands == 2)
		return fail(p, "two ports: -p PORT is the one to listen on, so leave out the last "
			       "word");
	if (!p->local_port && p->n_operands == 0)
		return fail(p, "missing port: mpnc -l PORT");
	if (p->local_port) {
		c->port = p->local_port;
		addr = p->operand[0];
	} else {
		c->port = p->operand[p->n_operands - 1];
		addr = p->n_operands == 2 ? p->operand[0] : NULL;
	}
	if (addr && c->source)
		return fail(p, "two addresses to listen on: give -s ADDR or ADDR, not both");
	c->host = addr ? addr : c->source;
	c->source = NULL;
	return check_port(p);
}

static enum opts_result take_source_port(struct parser *p)
{
	struct config *c = p->config;
	uint64_t port;

	if (!p->local_port)
		return OPTS_RUN;
	if (parse_u64(p->local_port, 1, UINT16_MAX, &port) < 0)
		return bad_argument(p, &options[OPT_PORT], p->local_port,
				    "a port number (1 to 65535)");
	if (port + c->n_subflows - 1 > UINT16_MAX)
		return fail(p, "-p: %u subflows from port %u on would need ports above 65535",
			    c->n_subflows, (unsigned)port);
	c->source_port = (uint16_t)port;
	return OPTS_RUN;
}

static enum opts_result take_connect_operands(struct parser *p)
{
	enum opts_result result;

	if (p->n_operands == 0)
		return fail(p, "missing host and port: mpnc HOST PORT, or mpnc -l PORT to listen");
	if (p->n_operands == 1)
		return fail(p, "missing port: mpnc HOST PORT, or mpnc -l PORT to listen");
	p->config->host = p->operand[0];
	p->config->port = p->operand[1];
	result = check_port(p);
	return result == OPTS_RUN ? take_source_port(p) : result;
}

static enum opts_result take_operands(struct parser *p)
{
	char quoted[QUOTED_LEN];

	if (p->surplus) {
		text_quote(quoted, sizeof(quoted), p->surplus, strlen(p->surplus));
		return fail(p, "one word too many: \"%s\"", quoted);
	}
	/* Mostly a variable of a script that was not set. */
	for (size_t i = 0; i < p->n_operands; i++) {
		if (!*p->operand[i])
			return fail(p, "the host or port is an empty word");
	}
	return p->config->listen ? take_listen_operands(p) : take_connect_operands(p);
}

enum opts_result opts_parse(int argc, char *const argv[], struct config *config,
			    char message[OPTS_MESSAGE_LEN])
{
	struct parser p = { .config = config, .message = message };
	enum opts_result result;

	*config = (struct config){
		.family = AF_UNSPEC,
		.n_subflows = CONFIG_SUBFLOWS_AUTO,
		.subflows_auto = true,
		.window = CONFIG_WINDOW_DEFAULT,
		.timeout_ns = CONFIG_NEVER,
		.quit_ns = CONFIG_NEVER,
		.tos = -1,
	};
	message[0] = '\0';
	result = read_words(&p, argc, argv);
	if (result == OPTS_RUN)
		result = check_conflicts(&p);
	if (result == OPTS_RUN)
		result = take_operands(&p);
	return result;
}

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len += text_vprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
}

/* "  -w, --wait TIME" */
static void describe_name(char *buf, size_t size, const struct option_def *o)
{
	size_t n;

	n = text_printf(buf, size, o->letter ? "  -%c" : "    ", o->letter);
	if (o->name)
		n += text_printf(buf + n, size - n, "%s --%s", o->letter ? "," : " ", o->name);
	if (o->arg)
		text_printf(buf + n, size - n, "%s%s", optional_arg(o) ? "" : " ", o->arg);
}

static void describe(struct text *t, const struct option_def *o)
{
	char name[HELP_COLUMN + 1];
	const char *line = o->help;

	describe_name(name, sizeof(name), o);
	if (o->group)
		append(t, "\n%s:\n", o->group);
	append(t, "%-*s", HELP_COLUMN, name);
	for (;;) {
		int n = (int)strcspn(line, "\n");

		append(t, "%.*s\n", n, line);
		if (!line[n])
			return;
		line += n + 1;
		append(t, "%*s", HELP_COLUMN, "");
	}
}

static const char help_head[] =
	"Usage: mpnc [options] HOST PORT        stdin to the peer, the peer to stdout\n"
	"       mpnc [options] -l [ADDR] PORT   the same, waiting for the peer\n"
	"       mpnc status, mpnc explain       bonds and links: see their --help\n"
	"\n"
	"Carries one byte stream over several TCP connections, so that it can use all\n"
	"links of a bond, and exits 0 only if every byte has arrived.\n";

static const char help_tail[] =
	"\n"
	"Sizes: K, M, G and T are powers of 1024.\n"
	"\n"
	"Exit status:\n"
	"  0      both directions complete and confirmed\n"
	"  1      network: refused, unreachable, timed out, connection lost\n"
	"  2      usage or local set-up\n"
	"  3      the stream is incomplete or damaged\n"
	"  4      the peer reported a failure\n"
	"  128+n  ended by signal n\n"
	"\n"
	"Examples:\n"
	"  new$ mpnc -l 31337 > disk.img\n"
	"  old$ mpnc new 31337 < disk.img\n"
	"\n"
	"  new$ mpnc -l 31337 | tar -x\n"
	"  old$ tar -c directory | mpnc --retry 1m new 31337\n";

const char *opts_help(char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };

	append(&t, "%s", help_head);
	for (size_t i = 0; i < N_OPTIONS; i++)
		describe(&t, &options[i]);
	append(&t, "%s", help_tail);
	return buf;
}
