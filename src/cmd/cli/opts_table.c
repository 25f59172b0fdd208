/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opts_table[] is the one place that knows an option: getopt's tables, the names in messages and
 * the text of --help are made from it. A setter sees its own option only.
 */
#include "cmd/cli/opts_internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/worker_pool.h"
#include "session/bucket.h"
#include "util/parse.h"
#include "util/text.h"
#include "util/units.h"
#include "wire/facts.h"

/* A time must never overflow when it is added to a clock: a hundred years. */
#define TIME_MAX_NS (100ull * 365 * 24 * 3600 * 1000 * NS_PER_MS)

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
		return opts_bad_argument(p, o, arg, "a number of subflows (1 to 256, or auto)");
	p->config->n_subflows = (unsigned)n;
	return OPTS_RUN;
}

static enum opts_result set_source(struct parser *p, const struct option_def *o, const char *arg)
{
	struct config *c = p->config;

	if (!*arg)
		return opts_bad_argument(p, o, arg, "an address");
	if (c->n_sources == CONFIG_SOURCES_MAX)
		return opts_fail(p, "-s: more than %d addresses", CONFIG_SOURCES_MAX);
	c->sources[c->n_sources++] = arg;
	return OPTS_RUN;
}

static enum opts_result set_local_port(struct parser *p, const struct option_def *o,
				       const char *arg)
{
	p->local_port = arg;
	return OPTS_RUN;
}

static enum opts_result set_target(struct parser *p, const struct option_def *o, const char *arg)
{
	if (!wire_is_target(arg))
		return opts_bad_argument(p, o, arg, "the name of a relay's target");
	p->config->target = arg;
	return OPTS_RUN;
}

/* "40000" or "40000-40063" */
static int parse_range(const char *word, size_t len, struct plan_range *out)
{
	char copy[32], *dash;
	uint64_t first, last;

	if (text_printf(copy, sizeof(copy), "%.*s", (int)len, word) != len)
		return -EINVAL;
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (parse_u64(copy, 1, UINT16_MAX, &first) < 0 ||
	    parse_u64(dash ? dash : copy, 1, UINT16_MAX, &last) < 0)
		return -EINVAL;
	*out = (struct plan_range){ (uint16_t)first, (uint16_t)last };
	return 0;
}

static enum opts_result set_ports(struct parser *p, const struct option_def *o, const char *arg)
{
	struct config *c = p->config;
	char quoted[QUOTED_LEN];

	for (c->n_ports = 0;; arg++) {
		size_t len = strcspn(arg, ",");
		struct plan_range r;

		text_quote(quoted, sizeof(quoted), arg, len);
		if (parse_range(arg, len, &r) < 0)
			return opts_fail(p,
					 "--ports: \"%s\" is not a port or a range of ports (1 to "
					 "65535, such as 40000-40063)",
					 quoted);
		if (r.first > r.last)
			return opts_fail(p, "--ports: %s runs backwards; write %u-%u", quoted,
					 r.last, r.first);
		if (c->n_ports == CONFIG_PORTS_MAX)
			return opts_fail(p, "--ports: more than %d ranges", CONFIG_PORTS_MAX);
		c->ports[c->n_ports++] = r;
		arg += len;
		if (!*arg)
			return OPTS_RUN;
	}
}

/* A word that may not be empty. */
static enum opts_result set_word(struct parser *p, const struct option_def *o, const char *arg)
{
	const char **word = field_of(p, o);

	if (!arg[strspn(arg, " \t\n")])
		return opts_bad_argument(p, o, arg,
					 o->letter == 'U' ? "a path" : "a command to run");
	*word = arg;
	return OPTS_RUN;
}

static enum opts_result set_number(struct parser *p, const struct option_def *o, const char *arg)
{
	return opts_set_number(p, o, arg, p->config);
}

static enum opts_result set_allow(struct parser *p, const struct option_def *o, const char *arg)
{
	struct config *c = p->config;
	char quoted[QUOTED_LEN];

	for (;; arg++) {
		size_t len = strcspn(arg, ",");

		if (c->n_allow == CONFIG_ALLOW_MAX)
			return opts_fail(p, "--allow: more than %d addresses", CONFIG_ALLOW_MAX);
		if (cidr_parse(arg, len, &c->allow[c->n_allow]) < 0) {
			text_quote(quoted, sizeof(quoted), arg, len);
			return opts_fail(p,
					 "--allow: \"%s\" is not an address or a block of them "
					 "(10.0.0.0/8, 2001:db8::/32)",
					 quoted);
		}
		c->n_allow++;
		arg += len;
		if (!*arg)
			return OPTS_RUN;
	}
}

static enum opts_result set_tos(struct parser *p, const struct option_def *o, const char *arg)
{
	uint8_t tos;

	if (parse_tos(arg, &tos) < 0)
		return opts_bad_argument(p, o, arg,
					 "a type of service (0 to 255, 0x00 to 0xff, af11, ef)");
	p->config->tos = tos;
	return OPTS_RUN;
}

static enum opts_result set_path(struct parser *p, const struct option_def *o, const char *arg)
{
	const char **path = field_of(p, o);

	if (!*arg)
		return opts_bad_argument(p, o, arg, "a name");
	*path = arg;
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
	return opts_bad_argument(p, o, arg, "auto, always or never");
}

static enum opts_result set_steer(struct parser *p, const struct option_def *o, const char *arg)
{
	p->config->steer = strcmp(arg, "auto") == 0;
	if (!p->config->steer && strcmp(arg, "off") != 0)
		return opts_bad_argument(p, o, arg, "off or auto");
	return OPTS_RUN;
}

static enum opts_result set_json(struct parser *p, const struct option_def *o, const char *arg)
{
	if (arg && strcmp(arg, "-") == 0)
		return opts_fail(
			p, "--json=-: standard output is for the data; --json alone writes to "
			   "standard error");
	if (arg && !*arg)
		return opts_bad_argument(p, o, arg, "a file");
	p->config->json = true;
	p->config->json_file = arg;
	return OPTS_RUN;
}

static const struct opts_number
	clients = { parse_u64, 1, UINT_MAX, "a number of clients (1 or more)", .is_int = true },
	sessions = { parse_u64, 1, UINT64_MAX, "a number of sessions (1 or more)" },
	threads = {
		.parse = parse_u64,
		.min = 0,
		.max = WORKER_POOL_THREADS_MAX,
		.wanted = "a number of threads (0 to 16, or auto)",
		.word = "auto",
		.word_is = CONFIG_THREADS_AUTO,
		.is_int = true,
	},
	hops = { parse_u64, 1, UINT8_MAX, "a number of hops (1 to 255)", .is_int = true },
	window = { parse_size, CONFIG_WINDOW_MIN, CONFIG_WINDOW_MAX, "a window (1M to 16G)" },
	/* The kernel takes an int. */
	sockbuf = { parse_size, 1, INT_MAX, "the size of a socket buffer (such as 512K or 4M)" },
	rate = { parse_size, 1, BUCKET_RATE_MAX, "bytes per second (such as 500K, 100M or 1G)" },
	stream_size = { parse_size, 1, UINT64_MAX, "a size (such as 500M or 1.5T)" },
	time = { parse_duration, 0, TIME_MAX_NS, "a time (such as 500ms, 30, 2m or 1h)" },
	limit = { parse_duration, NS_PER_MS, TIME_MAX_NS,
		  "a time above zero (such as 500ms, 30, 2m or 1h)" },
	idle = {
		.parse = parse_duration,
		.min = NS_PER_MS,
		.max = TIME_MAX_NS,
		.wanted = "a time above zero (such as 30, 2m), or never",
		.word = "never",
		.word_is = CONFIG_NEVER,
	},
	quit = {
		.parse = parse_duration,
		.min = 0,
		.max = TIME_MAX_NS,
		.wanted = "a time (such as 0, 500ms or 30; -1 is forever)",
		.word = "-1",
		.word_is = CONFIG_NEVER,
	};

#define FIELD(name) offsetof(struct config, name)

const struct option_def opts_table[N_OPTIONS] = {
	[OPT_LISTEN] = { 'l', "listen", NULL, "wait for a peer instead of connecting to one",
			 set_flag, FIELD(listen), "Connections" },
	[OPT_KEEP] = { 'k', "keep-open", NULL, "with -l: serve one session after another", set_flag,
		       FIELD(keep) },
	[OPT_MAX_CONNS] = { 'm', "max-conns", "N",
			    "with -l: accept at most N clients at once, served\n"
			    "and waiting ones together",
			    set_number, FIELD(max_clients), .number = &clients },
	[OPT_SESSIONS] = { 0, "sessions", "N", "with -k: end after N sessions", set_number,
			   FIELD(n_sessions), .number = &sessions },
	[OPT_ALLOW] = { 0, "allow", "CIDR[,CIDR]",
			"with -l: accept clients from these addresses only\n"
			"(10.0.0.0/8, ::1)",
			set_allow },
	[OPT_PLAIN] = { 0, "plain", NULL,
			"one ordinary TCP connection, to or from anything:\n"
			"no protocol, no checksum, one link",
			set_flag, FIELD(plain) },
	[OPT_PLAIN_OK] = { 0, "plain-ok", NULL,
			   "with -l: serve clients that do not speak mpnc, too,\n"
			   "over one ordinary TCP connection each",
			   set_flag, FIELD(plain_ok) },
	[OPT_SUBFLOWS] = { 'P', "subflows", "N|auto",
			   "TCP connections that carry the stream (1 to 256);\n"
			   "auto, the default: as many as the bonds at both\n"
			   "ends need (8 if mpnc can see no bond)",
			   set_subflows },
	[OPT_SOURCE] = { 's', "source", "ADDR",
			 "local address; with -l: the address to listen on;\n"
			 "repeat the option to use several",
			 set_source },
	[OPT_MULTIHOME] = { 0, "multihome", NULL,
			    "use the peer's other addresses; with -l: announce\n"
			    "the other addresses",
			    set_flag, FIELD(multihome) },
	[OPT_PORT] = { 'p', "source-port", "PORT",
		       "first local port; subflows take the ports after it;\n"
		       "with -l: the port to listen on",
		       set_local_port },
	[OPT_PORTS] = { 0, "ports", "A-B[,C-D]",
			"choose the subflows' local ports from these ranges\n"
			"or single ports, up to 16 of them",
			set_ports },
	[OPT_STEER] = { 0, "steer", "off|auto",
			"off: keep the planned ports; auto, the default:\n"
			"change them when the links' counters advise it",
			set_steer },
	[OPT_PLAN] = { 0, "plan", NULL,
		       "print which local ports mpnc would use and which\n"
		       "links they take, and exit",
		       set_flag, FIELD(plan) },
	[OPT_PROBE] = { 'z', NULL, NULL,
			"check whether an mpnc listener answers (exit 0),\n"
			"without disturbing it; -v prints details; with\n"
			"--plain: whether anything listens",
			set_flag, FIELD(probe) },
	[OPT_TARGET] = { 0, "target", "NAME",
			 "if the listener is a relay: connect to the target\n"
			 "that has this name there",
			 set_target },
	[OPT_NODNS] = { 'n', "nodns", NULL, "addresses are numeric; look up no names", set_flag,
			FIELD(numeric) },
	[OPT_IPV4] = { '4', NULL, NULL, "IPv4 only", set_family },
	[OPT_IPV6] = { '6', NULL, NULL, "IPv6 only", set_family },
	[OPT_TOS] = { 'T', NULL, "TOS", "type of service: number or name (af11, cs1, ef)",
		      set_tos },
	[OPT_TTL] = { 'M', "ttl", "N", "hop limit (TTL) of sent packets (1 to 255)", set_number,
		      FIELD(ttl), .number = &hops },
	[OPT_MIN_TTL] = { 0, "minttl", "N",
			  "drop packets that arrive with a lower hop limit;\n"
			  "255 here and -M 255 there excludes routed packets",
			  set_number, FIELD(min_ttl), .number = &hops },
	[OPT_WINDOW] = { 0, "window", "SIZE",
			 "memory for data in transit, in each direction\n"
			 "(1M to 16G; default 64M)",
			 set_number, FIELD(window), .number = &window },
	[OPT_RCVBUF] = { 'I', NULL, "LEN",
			 "size of each subflow's TCP receive buffer, in place\n"
			 "of the kernel's tuning",
			 set_number, FIELD(rcvbuf), .number = &sockbuf },
	[OPT_SNDBUF] = { 'O', NULL, "LEN", "the same for the TCP send buffer", set_number,
			 FIELD(sndbuf), .number = &sockbuf },
	[OPT_THREADS] = { 0, "threads", "N",
			  "workers that send, receive, check and encrypt;\n"
			  "0: the main thread does; auto, the default: with a\n"
			  "key by processors, else 0",
			  set_number, FIELD(threads), .number = &threads },

	[OPT_KEY] = { 0, "key", "FILE",
		      "encrypt; accept only peers that hold the same key\n"
		      "(a file from mpnc genkey)",
		      set_path, FIELD(key_file), "Encryption (TLS 1.3)" },
	[OPT_KEY_DIR] = { 0, "key-dir", "DIR", "with -l: accept any key in this directory",
			  set_path, FIELD(key_dir) },
	[OPT_CERT] = { 0, "cert", "FILE",
		       "encrypt with certificates; FILE is our own (PEM);\n"
		       "needs --private-key and --ca",
		       set_path, FIELD(cert) },
	[OPT_PRIVATE_KEY] = { 0, "private-key", "FILE", "private key of our certificate", set_path,
			      FIELD(private_key) },
	[OPT_CA] = { 0, "ca", "FILE", "authority that signed the peer's certificate", set_path,
		     FIELD(ca) },
	[OPT_NAME] = { 0, "name", "NAME",
		       "require this name in the peer's certificate\n"
		       "(default: HOST; with -l: any)",
		       set_path, FIELD(cert_name) },

	[OPT_EXEC] = { 'e', "exec", "COMMAND",
		       "run COMMAND and join the session to its input and\n"
		       "output; split at spaces; a backslash escapes one",
		       set_word, FIELD(exec), "Data" },
	[OPT_SHELL] = { 'c', "sh-exec", "COMMAND", "the same, but /bin/sh -c runs COMMAND",
			set_word, FIELD(shell) },
	[OPT_UNIX] = { 'U', "unixsock", "PATH",
		       "join the session to this unix socket (@NAME: an\n"
		       "abstract one); without host and port: use the\n"
		       "socket in place of TCP, as with --plain",
		       set_word, FIELD(unix_path) },
	[OPT_NO_STDIN] = { 'd', NULL, NULL, "never read standard input", set_flag,
			   FIELD(no_stdin) },
	[OPT_SEND_ONLY] = { 0, "send-only", NULL, "send only, receive nothing", set_flag,
			    FIELD(send_only) },
	[OPT_RECV_ONLY] = { 0, "recv-only", NULL, "receive only, send nothing", set_flag,
			    FIELD(recv_only) },
	[OPT_DUPLEX] = { 0, "duplex", NULL,
			 "read standard input to its end even after the peer\n"
			 "has sent all its data",
			 set_flag, FIELD(duplex) },
	[OPT_SHUTDOWN] = { 'N', NULL, NULL,
			   "with --plain: tell the peer of the end of input by\n"
			   "a shutdown; a session always reports the end",
			   set_flag, FIELD(shutdown) },

	[OPT_WAIT] = { 'w', "wait", "TIME",
		       "give up when connecting, waiting for a peer (-l),\n"
		       "or a pause without progress takes longer",
		       set_number, FIELD(timeout_ns), "Times (500ms, 30 or 30s, 2m, 1h)", &limit },
	[OPT_IDLE] = { 0, "idle-timeout", "TIME",
		       "give up after a pause of this length; never: wait\n"
		       "without limit, whatever -w says",
		       set_number, FIELD(idle_ns), .number = &idle },
	[OPT_RETRY] = { 0, "retry", "TIME", "keep trying to connect for this long", set_number,
			FIELD(retry_ns), .number = &time },
	[OPT_RECONNECT] = { 0, "reconnect", "TIME",
			    "after the loss of all connections: try to reconnect\n"
			    "for this long (default 30; 0: end at once)",
			    set_number, FIELD(reconnect_ns), .number = &time },
	[OPT_QUIT] = { 'q', NULL, "TIME",
		       "end this long after all our input has arrived;\n"
		       "-1, the default: never",
		       set_number, FIELD(quit_ns), .number = &quit },
	[OPT_RATE] = { 0, "rate", "SIZE", "send at most SIZE bytes per second", set_number,
		       FIELD(rate), .number = &rate },

	[OPT_VERBOSE] = { 'v', "verbose", NULL, "print what happens; -vv: for each subflow too",
			  set_verbose, 0, "Messages (on standard error)" },
	[OPT_PROGRESS] = { 0, "progress", "[=WHEN]",
			   "auto (default: on a terminal), always or never;\n"
			   "--progress alone is always",
			   set_progress },
	[OPT_QUIET] = { 0, "quiet", NULL, "print errors only, no progress and no last line",
			set_flag, FIELD(quiet) },
	[OPT_SIZE] = { 0, "size", "SIZE",
		       "the input, a pipe or command, will have this many\n"
		       "bytes: for a percentage at both ends",
		       set_number, FIELD(size), .number = &stream_size },
	[OPT_JSON] = { 0, "json", "[=FILE]", "report as JSON, one object per line", set_json },
	[OPT_HELP_TEXT] = { 'h', "help", NULL, "print this text", set_help },
	[OPT_VERSION_TEXT] = { 0, "version", NULL, "print the version", set_version },
};
