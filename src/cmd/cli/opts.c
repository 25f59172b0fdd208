/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words are read first, by the setters of opts_table[]. Then what concerns two options is
 * judged, by conflicts[], and last what concerns the operands, in take_operands().
 */
#include "cmd/cli/opts.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/cli/opts_internal.h"
#include "util/parse.h"
#include "util/text.h"

/* getopt's value of a long option: this and its index, see option_at(). */
#define VAL_LONG 256

/* getopt's value of a word that is refused as if getopt did not know it, but that it would have
 * taken for an option of the table. */
#define VAL_UNKNOWN 2

/* getopt's value of an operand, as the option string begins with "-". */
#define VAL_OPERAND 1

enum opts_result opts_fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(p->message, OPTS_MESSAGE_LEN, fmt, ap);
	va_end(ap);
	return OPTS_USAGE;
}

struct shown opts_show(const struct option_def *o)
{
	struct shown s;

	if (o->letter)
		text_printf(s.text, sizeof(s.text), "-%c", o->letter);
	else
		text_printf(s.text, sizeof(s.text), "--%s", o->name);
	return s;
}

enum opts_result opts_bad_argument(struct parser *p, const struct option_def *o, const char *arg,
				   const char *wanted)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), arg, strlen(arg));
	return opts_fail(p, "%s: \"%s\" is not %s", opts_show(o).text, quoted, wanted);
}

enum opts_result opts_set_number(struct parser *p, const struct option_def *o, const char *arg,
				 void *base)
{
	const struct opts_number *number = o->number;
	uint64_t n = number->word_is;
	void *field = (char *)base + o->field;

	if ((!number->word || strcmp(arg, number->word) != 0) &&
	    number->parse(arg, number->min, number->max, &n) < 0)
		return opts_bad_argument(p, o, arg, number->wanted);
	if (number->is_int)
		*(unsigned *)field = (unsigned)n;
	else
		*(uint64_t *)field = n;
	return OPTS_RUN;
}

bool opts_optional_arg(const struct option_def *o)
{
	return o->arg && o->arg[0] == '[';
}

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
	{ OPT_RETRY, OPT_LISTEN, "a listener always waits; -w limits the time" },
	{ OPT_PORTS, OPT_LISTEN, "--ports is for the side that connects" },
	{ OPT_STEER, OPT_LISTEN, "--steer is for the side that connects" },
	{ OPT_PLAN, OPT_LISTEN, "--plan is for the side that connects" },
	{ OPT_TARGET, OPT_LISTEN, "--target is for the side that connects" },
	{ OPT_TARGET, OPT_PLAIN, "only an mpnc session has a target" },
	{ OPT_KEY, OPT_KEY_DIR, "give one of them; a directory can hold a single key" },
	{ OPT_KEY, OPT_CERT,
	  "peers prove their identity by a key or by a certificate; give one of them" },
	{ OPT_KEY_DIR, OPT_CERT,
	  "peers prove their identity by a key or by a certificate; give one of them" },
	{ OPT_EXEC, OPT_SHELL, "give one command" },
	{ OPT_EXEC, OPT_UNIX, "a session has one endpoint on this machine; give one of them" },
	{ OPT_SHELL, OPT_UNIX, "a session has one endpoint on this machine; give one of them" },
	{ OPT_EXEC, OPT_NO_STDIN, "if the command only reads, use --recv-only" },
	{ OPT_SHELL, OPT_NO_STDIN, "if the command only reads, use --recv-only" },
	{ OPT_UNIX, OPT_NO_STDIN, "to send nothing, use --recv-only" },
	{ OPT_PLAIN, OPT_SUBFLOWS, "--plain uses a single connection" },
	{ OPT_PLAIN, OPT_PORTS, "--plain uses a single connection; choose its port with -p PORT" },
	{ OPT_PLAIN, OPT_STEER, "--plain uses a single connection" },
	{ OPT_PLAIN, OPT_PLAN, "--plain uses a single connection, which needs no plan" },
	{ OPT_PLAIN, OPT_MULTIHOME, "--plain uses a single connection" },
	{ OPT_PLAIN, OPT_RETRY, "--plain tries to connect once" },
	{ OPT_PLAIN, OPT_RATE, "--plain cannot limit its rate" },
	{ OPT_PLAIN, OPT_JSON, "--plain writes no report" },
	{ OPT_PLAIN, OPT_KEY, "a plain connection is not encrypted" },
	{ OPT_PLAIN, OPT_KEY_DIR, "a plain connection is not encrypted" },
	{ OPT_PLAIN, OPT_CERT, "a plain connection is not encrypted" },
	{ OPT_PLAIN, OPT_RECONNECT, "a lost plain connection cannot be resumed" },
	{ OPT_PLAIN, OPT_EXEC, "a plain connection cannot report a command's failure" },
	{ OPT_PLAIN, OPT_SHELL, "a plain connection cannot report a command's failure" },
	{ OPT_PLAIN, OPT_SESSIONS, "--plain has no sessions to count" },
	{ OPT_PLAIN_OK, OPT_PLAIN, "--plain already serves clients that do not speak mpnc" },
	{ OPT_PLAIN_OK, OPT_KEY, "a plain connection is not encrypted" },
	{ OPT_PLAIN_OK, OPT_KEY_DIR, "a plain connection is not encrypted" },
	{ OPT_PLAIN_OK, OPT_CERT, "a plain connection is not encrypted" },
	{ OPT_PLAIN_OK, OPT_EXEC, "a plain connection cannot report a command's failure" },
	{ OPT_PLAIN_OK, OPT_SHELL, "a plain connection cannot report a command's failure" },
	{ OPT_PLAIN_OK, OPT_UNIX, "--plain-ok joins clients to the standard streams only" },
	{ OPT_PLAIN_OK, OPT_RATE, "the rate of a plain connection cannot be limited" },
	{ OPT_QUIET, OPT_VERBOSE, "--quiet says less, -v more" },
	{ OPT_QUIET, OPT_PROGRESS, "--quiet shows no progress" },
	{ OPT_PLAIN, OPT_SIZE, "--plain shows no progress" },
	{ OPT_SIZE, OPT_NO_STDIN, "-d sends nothing" },
	{ OPT_SIZE, OPT_RECV_ONLY, "--recv-only sends nothing" },
	{ OPT_PROBE, OPT_LISTEN, "-z is for the side that connects" },
	{ OPT_PROBE, OPT_PLAN,
	  "-z checks for a listener, --plan prints a plan; run them one after the other" },
	{ OPT_PORTS, OPT_PORT,
	  "--ports lets mpnc choose the ports, -p fixes them; give one of them" },
};

/* Options that mean nothing without another one. */
static const struct {
	enum option_id option, needed;
	const char *why;
} needs[] = {
	{ OPT_KEEP, OPT_LISTEN, "only a listener can serve one session after another" },
	{ OPT_MAX_CONNS, OPT_LISTEN, "-m limits how many clients may connect" },
	{ OPT_ALLOW, OPT_LISTEN, "--allow lists the addresses that may connect" },
	{ OPT_PLAIN_OK, OPT_LISTEN,
	  "--plain-ok lets a listener serve plain clients; to connect without a session, use "
	  "--plain" },
	{ OPT_SESSIONS, OPT_KEEP, "without -k a listener serves one session" },
};

static bool has_local(const struct parser *p)
{
	return p->verb && p->verb->has_local;
}

static enum opts_result check_verb(struct parser *p)
{
	const struct opts_verb *verb = p->verb;

	for (size_t i = 0; verb && i < verb->n_refused; i++) {
		if (p->given[verb->refused[i]])
			return opts_fail(p, "%s does not take %s", verb->name,
					 opts_show(&opts_table[verb->refused[i]]).text);
	}
	return OPTS_RUN;
}

static enum opts_result check_certificates(struct parser *p)
{
	const struct config *c = p->config;
	bool any = c->cert || c->private_key || c->ca || c->cert_name;

	if (c->key_dir && !c->listen)
		return opts_fail(p, "--key-dir needs -l: the side that connects has one key: "
				    "--key FILE");
	if (any && !(c->cert && c->private_key && c->ca))
		return opts_fail(p, "certificates need all of --cert, --private-key and --ca");
	return OPTS_RUN;
}

static enum opts_result check_conflicts(struct parser *p)
{
	for (size_t i = 0; i < LEN(conflicts); i++) {
		if (p->given[conflicts[i].a] && p->given[conflicts[i].b])
			return opts_fail(p, "%s and %s exclude each other: %s",
					 opts_show(&opts_table[conflicts[i].a]).text,
					 opts_show(&opts_table[conflicts[i].b]).text,
					 conflicts[i].why);
	}
	for (size_t i = 0; i < LEN(needs); i++) {
		if (needs[i].needed == OPT_LISTEN && has_local(p))
			continue;
		if (p->given[needs[i].option] && !p->given[needs[i].needed])
			return opts_fail(
				p, "%s needs %s: %s", opts_show(&opts_table[needs[i].option]).text,
				opts_show(&opts_table[needs[i].needed]).text, needs[i].why);
	}
	return check_certificates(p);
}

/* Options of a verb: more than any has. */
#define OWN_MAX 16

struct getopt_tables {
	char letters[2 * (N_OPTIONS + OWN_MAX) + 3];
	struct option longs[N_OPTIONS + OWN_MAX + 2];
};

static size_t n_options(const struct parser *p)
{
	return N_OPTIONS + (p->verb ? p->verb->n_own : 0);
}

/* Those of the table, then those of the verb. */
static const struct option_def *option_at(const struct parser *p, size_t i)
{
	return i < N_OPTIONS ? &opts_table[i] : &p->verb->own[i - N_OPTIONS];
}

static void make_tables(const struct parser *p, struct getopt_tables *t)
{
	char *letter = t->letters;
	struct option *l = t->longs;

	/* Operands in the order they stand in, whatever the environment says, and argv is left as
	 * it is; a missing argument differs from an unknown option. */
	*letter++ = '-';
	*letter++ = ':';
	for (size_t i = 0; i < n_options(p); i++) {
		const struct option_def *o = option_at(p, i);

		if (o->letter)
			*letter++ = o->letter;
		if (o->letter && o->arg)
			*letter++ = ':';
		if (!o->name)
			continue;
		l->name = o->name;
		l->has_arg = opts_optional_arg(o) ? optional_argument
			     : o->arg             ? required_argument
						  : no_argument;
		l->flag = NULL;
		l->val = VAL_LONG + (int)i;
		l++;
	}
	*letter = '\0';
	/* A whole name is not taken for the beginning of another: not for --ports. */
	*l++ = (struct option){ "port", optional_argument, NULL, VAL_UNKNOWN };
	*l = (struct option){ 0 };
}

/* Its number, for option_at(). val: what getopt knows an option by. */
static size_t find_option(const struct parser *p, int val)
{
	size_t i = 0;

	if (val >= VAL_LONG)
		return (size_t)(val - VAL_LONG);
	while (i + 1 < n_options(p) && option_at(p, i)->letter != val)
		i++;
	return i;
}

/* arg: the word of argv that getopt stumbled over, if it was a long option. */
static enum opts_result refuse(struct parser *p, const char *arg)
{
	if (optopt >= VAL_LONG)
		return opts_fail(p, "--%s takes no argument",
				 option_at(p, find_option(p, optopt))->name);
	if (optopt)
		return opts_unknown_letter(p, (char)optopt);
	return opts_unknown_name(p, arg);
}

static void add_operand(struct parser *p, const char *operand)
{
	size_t max = LEN(p->operand) - !has_local(p);

	if (p->n_operands < max)
		p->operand[p->n_operands++] = operand;
	else if (!p->surplus)
		p->surplus = operand;
}

static enum opts_result read_one(struct parser *p, int val, char *const argv[])
{
	const struct option_def *o;
	size_t i;

	if (val == VAL_OPERAND) {
		add_operand(p, optarg);
		return OPTS_RUN;
	}
	if (val == VAL_UNKNOWN)
		return opts_unknown_name(p, argv[optind - 1]);
	if (val == '?')
		return refuse(p, argv[optind - 1]);
	i = find_option(p, val == ':' ? optopt : val);
	o = option_at(p, i);
	if (val == ':')
		return opts_fail(p, "%s needs an argument: %s", opts_show(o).text, o->arg);
	if (i < N_OPTIONS)
		p->given[i] = true;
	return o->set(p, o, o->arg ? optarg : NULL);
}

static enum opts_result read_words(struct parser *p, int argc, char *const argv[])
{
	struct getopt_tables tables;
	int val;

	make_tables(p, &tables);
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
	return opts_fail(p, "\"%s\" is not a port (%d to 65535, or the name of a service)", quoted,
			 (int)least);
}

/* "-l PORT", "-l ADDR PORT", "-l -p PORT" and "-l -p PORT ADDR"; -s ADDR may stand for ADDR. */
static enum opts_result take_listen_operands(struct parser *p)
{
	struct config *c = p->config;
	const char *addr = NULL;

	if (p->n_operands > 2)
		return opts_fail(p, "unexpected argument: -l takes [ADDR] PORT");
	if (p->local_port && p->n_operands == 2)
		return opts_fail(p, "two ports: -p PORT is the one to listen on, so leave out the "
				    "last argument");
	if (!p->local_port && p->n_operands == 0)
		return opts_fail(p, "missing port: mpnc -l PORT");
	if (p->local_port) {
		c->port = p->local_port;
		addr = p->operand[0];
	} else {
		c->port = p->operand[p->n_operands - 1];
		addr = p->n_operands == 2 ? p->operand[0] : NULL;
	}
	if (addr && c->n_sources)
		return opts_fail(p, "two addresses to listen on: give -s for each, without ADDR");
	if (c->plain && c->n_sources > 1)
		return opts_fail(p, "--plain listens on one address: give -s once");
	c->host = addr;
	if (c->n_sources) {
		c->host = c->sources[0];
		memmove(c->sources, c->sources + 1, --c->n_sources * sizeof(c->sources[0]));
	}
	return check_port(p);
}

static enum opts_result take_source_port(struct parser *p)
{
	struct config *c = p->config;
	uint64_t port;

	if (!p->local_port)
		return OPTS_RUN;
	if (parse_u64(p->local_port, 1, UINT16_MAX, &port) < 0)
		return opts_bad_argument(p, &opts_table[OPT_PORT], p->local_port,
					 "a port number (1 to 65535)");
	if (port + c->n_subflows - 1 > UINT16_MAX)
		return opts_fail(p, "-p: %u subflows from port %u on would need ports above 65535",
				 c->n_subflows, (unsigned)port);
	c->source_port = (uint16_t)port;
	return OPTS_RUN;
}

/* Takes away what comes before host and port. */
static enum opts_result take_local(struct parser *p)
{
	void *field;
	const char **local;

	if (p->n_operands < LEN(p->operand))
		return opts_fail(p, "missing arguments: mpnc %s [LADDR:]LPORT HOST PORT",
				 p->verb->name);
	field = (char *)p->own + p->verb->local;
	local = field;
	*local = p->operand[0];
	p->operand[0] = p->operand[1];
	p->operand[1] = p->operand[2];
	p->n_operands--;
	return OPTS_RUN;
}

static enum opts_result take_connect_operands(struct parser *p)
{
	enum opts_result result = has_local(p) ? take_local(p) : OPTS_RUN;

	if (result != OPTS_RUN)
		return result;
	if (p->verb && p->verb->alone && p->n_operands < 2) {
		p->config->host = p->operand[0];
		return OPTS_RUN;
	}
	if (p->n_operands == 0)
		return opts_fail(p, "missing host and port: mpnc HOST PORT, or mpnc -l PORT to "
				    "listen");
	if (p->n_operands == 1)
		return opts_fail(p, "missing port: mpnc HOST PORT, or mpnc -l PORT to listen");
	p->config->host = p->operand[0];
	p->config->port = p->operand[1];
	result = check_port(p);
	return result == OPTS_RUN ? take_source_port(p) : result;
}

/* A path alone names the socket that leads to the peer, as with netcat's -U. */
static bool is_plain_unix(const struct parser *p)
{
	return p->given[OPT_UNIX] && p->n_operands == 0 && !p->local_port;
}

static enum opts_result check_plain_unix(struct parser *p)
{
	if (!is_plain_unix(p))
		return opts_fail(p, "--plain and -U: the path is the peer's, so leave out host and "
				    "port");
	if (p->config->n_sources || p->config->n_allow)
		return opts_fail(p,
				 "-s and --allow are for TCP, and -U without a port uses no TCP");
	return OPTS_RUN;
}

static enum opts_result take_operands(struct parser *p)
{
	char quoted[QUOTED_LEN];

	if (p->surplus) {
		text_quote(quoted, sizeof(quoted), p->surplus, strlen(p->surplus));
		return opts_fail(p, "unexpected argument \"%s\"; see mpnc%s%s --help", quoted,
				 p->verb ? " " : "", p->verb ? p->verb->name : "");
	}
	/* Mostly a variable of a script that was not set. */
	for (size_t i = 0; i < p->n_operands; i++) {
		if (!*p->operand[i])
			return opts_fail(p, "the host or port is empty");
	}
	if (p->config->plain && p->config->unix_path)
		return check_plain_unix(p);
	return p->config->listen ? take_listen_operands(p) : take_connect_operands(p);
}

enum opts_result opts_parse_verb(int argc, char *const argv[], const struct opts_verb *verb,
				 void *own, struct config *config, char message[OPTS_MESSAGE_LEN])
{
	struct parser p = { .config = config, .verb = verb, .own = own, .message = message };
	enum opts_result result;

	*config = (struct config){
		.family = AF_UNSPEC,
		.n_subflows = CONFIG_SUBFLOWS_AUTO,
		.subflows_auto = true,
		.steer = true,
		.window = CONFIG_WINDOW_DEFAULT,
		.timeout_ns = CONFIG_NEVER,
		.reconnect_ns = CONFIG_RECONNECT_DEFAULT_NS,
		.quit_ns = CONFIG_NEVER,
		.tos = -1,
		.max_clients = UINT_MAX,
		.threads = CONFIG_THREADS_AUTO,
	};
	message[0] = '\0';
	result = read_words(&p, argc, argv);
	if (is_plain_unix(&p))
		p.given[OPT_PLAIN] = config->plain = true;
	if (result == OPTS_RUN)
		result = check_verb(&p);
	if (result == OPTS_RUN)
		result = check_conflicts(&p);
	config->idle_given = p.given[OPT_IDLE];
	if (!config->idle_given)
		config->idle_ns = has_local(&p) ? CONFIG_NEVER : config->timeout_ns;
	if (result == OPTS_RUN)
		result = take_operands(&p);
	return result;
}

enum opts_result opts_parse(int argc, char *const argv[], struct config *config,
			    char message[OPTS_MESSAGE_LEN])
{
	return opts_parse_verb(argc, argv, NULL, NULL, config, message);
}
