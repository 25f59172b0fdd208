/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signal asks the relay to stop: the sessions that run may end, new ones are not begun. A second
 * one ends them.
 */
#include "cmd/relay.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli/client_setup.h"
#include "cmd/cli/limits.h"
#include "cmd/cli/listen_setup.h"
#include "cmd/cli/opts_internal.h"
#include "cmd/cli/query_reply.h"
#include "cmd/cli/resolve_args.h"
#include "cmd/cli/signals.h"
#include "cmd/cli/threads.h"
#include "cmd/cli/tls_setup.h"
#include "io/service.h"
#include "relay/plain_listen.h"
#include "relay/preconnect.h"
#include "relay/relay.h"
#include "session/handshake.h"
#include "ui/log.h"
#include "ui/report.h"
#include "util/parse.h"
#include "util/text.h"

/* --memory: at least what a few sessions need, at most more than any machine has. By default the
 * windows get this part of what the process may use: the kernel's socket buffers and all else on
 * the machine need memory as well. Where nothing is known of that: */
#define MEMORY_MIN     (16ull << 20)
#define MEMORY_MAX     (1ull << 50)
#define MEMORY_PART    4
#define MEMORY_UNKNOWN (1ull << 30)

#define SUMMARY_LEN 256

/* Targets of the far side: services that one port leads to. */
#define TARGETS_MAX 64

struct relay_options {
	const char *local; /* near: where plain connections come in */
	struct {
		const char *name; /* name_len letters */
		size_t name_len;  /* 0: of sessions that name none */
		const char *place;
	} target[TARGETS_MAX]; /* far */
	unsigned n_targets;
	unsigned max_per_source; /* 0: as RELAY_PER_SOURCE and RELAY_PER_SOURCE_OPEN have it */
	uint64_t memory;         /* 0: a part of what the process may use */
	unsigned n_warm;         /* near */
	bool warm_given;
};

struct relay_run {
	const struct config *config;
	const struct relay_options *options;
	struct query_reply *answers; /* far */
	struct loop *loop;
	struct loop_io signals;
	struct tls_context *tls;         /* NULL: plain */
	struct worker_pool *worker_pool; /* NULL: no workers */
	struct relay *relay;
	struct addr_list local; /* near: what is listened on */
	struct plain_listen *gate;
	struct client_setup peer;
	struct relay_target *targets; /* far: as many as the options have */
	struct listener *listener;
	uint64_t memory; /* for windows */
	int n_sockets;   /* that were passed to us */
	bool stopping;
	int exit;
};

static const char help[] =
	"Usage: mpnc relay [options] [LADDR:]LPORT HOST PORT     near side\n"
	"       mpnc relay [options] -l [ADDR] PORT --to [NAME=]PLACE ...   far side\n"
	"\n"
	"The near side accepts TCP connections on LPORT and carries each of them over a\n"
	"session of its own to the far side, HOST PORT, which connects to PLACE. A session\n"
	"uses all links of a bond as soon as it carries more than a little data.\n"
	"\n"
	"If the far side has several --to, the near side chooses one by --target NAME.\n"
	"Without --target it gets the one that has no name.\n"
	"\n"
	"  --warm N        near side: keep N connections to the far side ready, so that a\n"
	"                  session begins without a round trip (default 4; 0: none)\n"
	"  --per-source N  run at most N sessions for one address at once (default 2048; far\n"
	"                  side without a key or certificate: 256)\n"
	"  --memory SIZE   limit the windows of all sessions together (default: a quarter of\n"
	"                  the memory that the process may use)\n"
	"\n"
	"With several addresses (HOST,HOST2, or -s repeated) mpnc uses all of them.\n"
	"\n"
	"LADDR defaults to 127.0.0.1 and ::1; * is every address. PLACE is HOST:PORT. Both\n"
	"LADDR:LPORT and PLACE can also be the path of a unix socket, or @NAME for an\n"
	"abstract one.\n"
	"\n"
	"Signals: after SIGTERM or SIGINT the relay accepts no more connections and exits when\n"
	"those that run have ended; a second signal ends them. SIGUSR1 prints the totals.\n"
	"\n"
	"For other options see mpnc --help.\n";

/* Places ----------------------------------------------------------------------------------------
 */

static bool is_unix(const char *word)
{
	return *word == '@' || strchr(word, '/');
}

static int fail_place(const char *word, const char *why)
{
	char quoted[100];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	log_error("relay: \"%s\" is not a place: %s", quoted, why);
	return -1;
}

/* "HOST:PORT", "[ADDR6]:PORT", or "PORT" alone: then *host_out is "". copy: of the word. */
static int split(const char *word, char *copy, const char **host_out, const char **port_out)
{
	char *colon = strrchr(copy, ':');
	size_t len;

	*host_out = "";
	*port_out = colon ? colon + 1 : copy;
	if (!**port_out)
		return fail_place(word, "the port is missing");
	if (!colon)
		return 0;
	*colon = '\0';
	len = strlen(copy);
	if (*copy == '[' && copy[len - 1] == ']') {
		copy[len - 1] = '\0';
		copy++;
	} else if (strchr(copy, ':')) {
		return fail_place(word, "write an IPv6 address as [ADDR]:PORT");
	}
	*host_out = copy;
	return 0;
}

/* Both families' loopback addresses, or that of -4 or -6. */
static int resolve_loopback(const struct config *c, const char *port,
			    union sock_addr addrs[RESOLVE_MAX])
{
	int n = 0;

	for (int i = 0; i < 2; i++) {
		bool six = i > 0;
		int r = 0;

		if (c->family == AF_UNSPEC || (c->family == AF_INET6) == six)
			r = resolve_args_resolve(c, six ? "::1" : "127.0.0.1", port, addrs + n);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

/* Says what is wrong with it. Returns 0 or -1. */
static int find_place(const struct config *c, const char *word, bool local, struct addr_list *out)
{
	union sock_addr addrs[RESOLVE_MAX];
	const char *host, *port;
	char copy[300];
	int n;

	if (is_unix(word))
		return addr_list_unix(out, word) ? fail_place(word, "the path is too long") : 0;
	if (strlen(word) >= sizeof(copy))
		return fail_place(word, "it is too long");
	memcpy(copy, word, strlen(word) + 1);
	if (split(word, copy, &host, &port))
		return -1;
	if (!local && !*host)
		return fail_place(word, "it has no host");
	if (!*host)
		n = resolve_loopback(c, port, addrs);
	else
		n = resolve_args_resolve(c, strcmp(host, "*") ? host : NULL, port, addrs);
	if (n < 0)
		return -1;
	addr_list_inet(out, host, port, addrs, n);
	return 0;
}

/* Sessions --------------------------------------------------------------------------------------
 */

static void say_session(void *arg, const char *name, const struct session_stats *stats)
{
	char summary[SUMMARY_LEN];

	report_summary(summary, sizeof(summary), stats);
	log_error("%s: %s", name, summary);
}

static void on_ended(void *arg, const char *name, const struct outcome *end, bool quiet,
		     const struct session_stats *stats)
{
	char summary[SUMMARY_LEN];

	report_summary(summary, sizeof(summary), stats);
	if (quiet)
		log_info("%s: %s", name, end->reason);
	else
		log_error("%s: %s", name, end->reason);
	log_info("%s: %s", name, summary);
}

static void say_totals(const struct relay_run *run)
{
	char tx[32], rx[32], used[32], memory[32], warm[80] = "";
	struct relay_totals t;

	relay_totals(run->relay, &t);
	if (!run->config->listen && run->options->n_warm)
		text_printf(warm, sizeof(warm), "; %llu began on preconnections",
			    (unsigned long long)t.n_preconnected);
	text_size(tx, sizeof(tx), t.tx_bytes);
	text_size(rx, sizeof(rx), t.rx_bytes);
	text_size(used, sizeof(used), t.memory_used);
	text_size(memory, sizeof(memory), run->memory);
	log_error("%llu sessions: %u running, %llu failed, %llu refused; sent %s, received %s; "
		  "windows use %s of %s%s",
		  (unsigned long long)t.n_served, t.n_running, (unsigned long long)t.n_failed,
		  (unsigned long long)t.n_refused, tx, rx, used, memory, warm);
}

static void on_stopped(void *arg)
{
	struct relay_run *run = arg;

	say_totals(run);
	loop_stop(run->loop);
}

static bool on_allows(void *arg, const union sock_addr *peer)
{
	return resolve_args_allow(((struct relay_run *)arg)->config, peer);
}

/* Near ------------------------------------------------------------------------------------------
 */

static void on_accepted(void *arg, int fd, const union sock_addr *from)
{
	struct relay_run *run = arg;
	char addr[SOCK_ADDR_LEN];

	if (from && !resolve_args_allow(run->config, from)) {
		sock_addr_text(addr, from);
		log_info("dropped connection from %s port %u: --allow excludes it", addr,
			 sock_addr_port(from));
		close(fd);
		return;
	}
	relay_accept(run->relay, fd, from);
}

/* On the sockets that systemd has for us, or on the one place that was named. */
static int start_near(struct relay_run *run)
{
	struct plain_listen_events events = { .note = log_note,
					      .accepted = on_accepted,
					      .arg = run };
	int r = plain_listen_new(&run->gate, run->loop, &events);

	for (int i = 0; !r && i < run->n_sockets; i++)
		r = plain_listen_adopt(run->gate, SERVICE_FIRST_FD + i);
	if (!r && !run->n_sockets)
		r = plain_listen_listen(run->gate, &run->local);
	if (r)
		log_error("cannot listen on %s: %s", run->local.name, strerror(-r));
	return r;
}

/* Far -------------------------------------------------------------------------------------------
 */

static void on_hello(void *arg, struct channel ch, const union sock_addr *from,
		     const struct wire_hello *hello)
{
	struct relay_run *run = arg;
	const struct hello_peer peer = {
		.listener = run->listener, .channel = ch, .from = from, .hello = hello
	};

	relay_hello(run->relay, &peer);
}

static void on_asked(void *arg, const struct hello_peer *peer)
{
	struct relay_run *run = arg;
	uint64_t now_ns = loop_now(run->loop);

	if (peer->hello->kind == WIRE_HELLO_WARM)
		query_reply_warm(run->answers, peer->channel, peer->hello, now_ns);
	else
		query_reply_query(run->answers, peer->channel, peer->hello, now_ns);
}

static bool on_knows(void *arg, const uint8_t source[SOCK_SOURCE_LEN])
{
	return relay_knows(((struct relay_run *)arg)->relay, source);
}

static int listen_far(struct relay_run *run)
{
	const struct config *c = run->config;
	struct sock_options options = client_setup_sock_options(c);
	struct listener_events events = { .note = log_note,
					  .hello = on_hello,
					  .allows = on_allows,
					  .knows = on_knows,
					  .arg = run };
	int r;

	if (!run->n_sockets)
		return listen_setup_open(&run->listener, run->loop, c, run->tls, &events);
	r = run->n_sockets > 1 ? -E2BIG : sock_adopt(SERVICE_FIRST_FD, &options);
	if (!r)
		r = listener_adopt(&run->listener, run->loop, SERVICE_FIRST_FD, run->tls, &events);
	if (r)
		log_error("cannot listen on the socket that was passed: %s", strerror(-r));
	return r;
}

/* Says what is wrong with one of them. Returns 0 or < 0. */
static int find_targets(struct relay_run *run)
{
	const struct relay_options *o = run->options;
	int r = 0;

	run->targets = calloc(o->n_targets, sizeof(*run->targets));
	if (!run->targets)
		return -ENOMEM;
	for (unsigned i = 0; !r && i < o->n_targets; i++) {
		text_printf(run->targets[i].name, WIRE_TARGET_LEN, "%.*s",
			    (int)o->target[i].name_len, o->target[i].name);
		r = find_place(run->config, o->target[i].place, false, &run->targets[i].addrs);
	}
	return r;
}

static void say_targets(const struct relay_run *run)
{
	for (unsigned i = 0; i < run->options->n_targets; i++) {
		const struct relay_target *t = &run->targets[i];

		log_info("sessions%s%s go on to %s", *t->name ? " for " : "", t->name,
			 t->addrs.name);
	}
}

static int start_far(struct relay_run *run)
{
	int r = find_targets(run);

	if (!r)
		r = listen_far(run);
	if (!r)
		r = listener_expect(run->listener, RELAY_STRANGERS);
	return r;
}

static void say_far(const struct relay_run *run)
{
	char addr[LISTENER_TEXT_LEN];
	unsigned port = listener_port(run->listener, addr);

	say_targets(run);
	log_info("listening on %s port %u; %s", addr, port,
		 run->tls ? "with TLS, for peers that prove their identity"
			  : "without a key, anyone who reaches this port can use it");
}

/* -----------------------------------------------------------------------------------------------
 */

static void signal_event(struct loop_io *io, uint32_t events)
{
	struct relay_run *run = io->arg;
	int number = signals_read(io, NULL);

	if (!number)
		return;
	if (number == SIGUSR1) {
		relay_each(run->relay, say_session, run);
		say_totals(run);
	} else if (run->stopping) {
		run->exit = OUTCOME_SIGNAL + number;
		relay_kill(run->relay, number);
	} else {
		log_info("stopping");
		service_notify("STOPPING=1");
		run->stopping = true;
		run->gate = plain_listen_free(run->gate);
		relay_stop(run->relay);
	}
}

/* As many as -m wants, or as there are descriptors and memory for. */
static unsigned sessions_at_once(const struct relay_run *run, unsigned n_warm)
{
	const struct config *c = run->config;
	unsigned wanted = c->max_clients == UINT_MAX ? RELAY_SESSIONS : c->max_clients;
	unsigned by_fds = relay_fitting(wanted, n_warm);
	unsigned n = relay_fitting_memory(by_fds, run->memory);

	if (by_fds < wanted)
		log_info("at most %u sessions at once: there are no descriptors for %u", by_fds,
			 wanted);
	if (n < by_fds)
		log_info("at most %u sessions at once: --memory is too little for %u", n, by_fds);
	return n;
}

static uint64_t memory_for_windows(const struct relay_options *options)
{
	uint64_t memory = limits_memory("");

	if (options->memory)
		return options->memory;
	if (memory == UINT64_MAX)
		return MEMORY_UNKNOWN;
	return memory / MEMORY_PART > MEMORY_MIN ? memory / MEMORY_PART : MEMORY_MIN;
}

static int start_relay(struct relay_run *run)
{
	const struct config *c = run->config;
	struct relay_config config = {
		.client = run->peer.config,
		.targets = run->targets,
		.n_targets = run->options->n_targets,
		.connect_ns = c->timeout_ns == CONFIG_NEVER ? RELAY_CONNECT_NS : c->timeout_ns,
		.max_per_source = run->options->max_per_source,
		.memory = run->memory,
		.n_preconnect = c->listen ? 0 : run->options->n_warm,
	};
	struct relay_events events = { .note = log_note,
				       .ended = on_ended,
				       .asked = on_asked,
				       .stopped = on_stopped,
				       .arg = run };
	int r;

	config.engine = client_setup_engine_config(c, run->listener);
	config.engine.worker_pool = run->worker_pool;
	/* At the near side one application may open them all. */
	if (!config.max_per_source)
		config.max_per_source =
			run->tls || !c->listen ? RELAY_PER_SOURCE : RELAY_PER_SOURCE_OPEN;
	config.max_sessions =
		sessions_at_once(run, c->listen ? LISTENER_PRECONNECTIONS : config.n_preconnect);
	r = relay_new(&run->relay, run->loop, &config, &events);
	if (!r && c->listen)
		r = query_reply_new(&run->answers, run->listener, c, &config.engine);
	return r;
}

static int start(struct relay_run *run)
{
	const struct config *c = run->config;
	int r = loop_new(&run->loop);

	if (r)
		return r;
	run->signals = (struct loop_io){ .fn = signal_event, .arg = run };
	/* Keys first, as in cat.c: a FIFO without a writer can be interrupted. */
	r = tls_setup_open(c, &run->tls);
	if (!r)
		r = signals_watch(run->loop, &run->signals);
	if (!r)
		r = threads_open(c, run->loop, run->tls, &run->worker_pool);
	if (!r)
		r = c->listen ? start_far(run)
			      : find_place(c, run->options->local, true, &run->local);
	if (!r && !c->listen)
		r = client_setup_resolve(&run->peer, c, run->tls);
	/* The far side's sessions announce the addresses that it listens on. */
	if (!r)
		r = start_relay(run);
	if (!r && !c->listen)
		r = start_near(run);
	else if (!r)
		say_far(run);
	return r;
}

static int end(struct relay_run *run)
{
	int status = run->exit;

	plain_listen_free(run->gate);
	relay_free(run->relay);
	query_reply_free(run->answers);
	listener_free(run->listener);
	worker_pool_free(run->worker_pool);
	loop_free(run->loop);
	tls_context_free(run->tls);
	free(run->targets);
	free(run);
	return status;
}

static int run_relay(const struct config *config, const struct relay_options *options)
{
	struct relay_run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return OUTCOME_SETUP;
	limits_return_memory();
	limits_raise_descriptors();
	run->config = config;
	run->options = options;
	run->memory = memory_for_windows(options);
	run->n_sockets = service_sockets();
	r = start(run);
	if (!r)
		service_notify("READY=1");
	if (!r)
		r = loop_run(run->loop);
	if (r)
		run->exit = OUTCOME_SETUP;
	return end(run);
}

/* The command line ------------------------------------------------------------------------------
 */

static bool has_target(const struct relay_options *options, const char *name, size_t len)
{
	for (unsigned i = 0; i < options->n_targets; i++)
		if (options->target[i].name_len == len &&
		    memcmp(options->target[i].name, name, len) == 0)
			return true;
	return false;
}

/* An equals sign may be in the path of a unix socket, too. */
static enum opts_result set_to(struct parser *p, const struct option_def *o, const char *arg)
{
	struct relay_options *options = p->own;
	size_t len = strcspn(arg, "=/@");
	char name[WIRE_TARGET_LEN] = "";
	const char *place = arg;

	if (arg[len] == '=') {
		text_printf(name, sizeof(name), "%.*s", (int)len, arg);
		place = arg + len + 1;
		if (strlen(name) != len || !wire_is_target(name))
			return opts_bad_argument(p, o, arg,
						 "NAME=PLACE, with a name of at most 63 letters, "
						 "digits, dots, dashes and underscores");
	}
	if (!*place)
		return opts_bad_argument(p, o, arg, "a place");
	if (has_target(options, arg, strlen(name)))
		return opts_fail(p, "--to: there are two targets %s%s", *name ? "named " : "",
				 *name ? name : "without a name; write --to NAME=HOST:PORT");
	if (options->n_targets == TARGETS_MAX)
		return opts_fail(p, "--to: more than %d targets", TARGETS_MAX);
	options->target[options->n_targets].name = arg;
	options->target[options->n_targets].name_len = strlen(name);
	options->target[options->n_targets++].place = place;
	return OPTS_RUN;
}

static enum opts_result set_per_source(struct parser *p, const struct option_def *o,
				       const char *arg)
{
	uint64_t n;

	if (parse_u64(arg, 1, UINT_MAX, &n) < 0)
		return opts_bad_argument(p, o, arg, "a number of sessions (1 or more)");
	((struct relay_options *)p->own)->max_per_source = (unsigned)n;
	return OPTS_RUN;
}

static enum opts_result set_memory(struct parser *p, const struct option_def *o, const char *arg)
{
	struct relay_options *options = p->own;

	if (parse_size(arg, MEMORY_MIN, MEMORY_MAX, &options->memory) < 0)
		return opts_bad_argument(p, o, arg, "a size of memory (16M or more)");
	return OPTS_RUN;
}

static enum opts_result set_warm(struct parser *p, const struct option_def *o, const char *arg)
{
	struct relay_options *options = p->own;
	uint64_t n;

	if (parse_u64(arg, 0, PRECONNECT_MAX, &n) < 0)
		return opts_bad_argument(p, o, arg, "a number of connections (0 to 64)");
	options->n_warm = (unsigned)n;
	options->warm_given = true;
	return OPTS_RUN;
}

static const struct option_def own[] = {
	{ 0, "to", "PLACE", NULL, set_to },
	{ 0, "per-source", "N", NULL, set_per_source },
	{ 0, "memory", "SIZE", NULL, set_memory },
	{ 0, "warm", "N", NULL, set_warm },
};

/* What a stream of one's own, or a process's own ends, would need. */
static const enum option_id refused[] = {
	OPT_KEEP,     OPT_SESSIONS,  OPT_PLAIN,     OPT_PLAIN_OK, OPT_PORT,
	OPT_PLAN,     OPT_PROBE,     OPT_EXEC,      OPT_SHELL,    OPT_UNIX,
	OPT_NO_STDIN, OPT_SEND_ONLY, OPT_RECV_ONLY, OPT_QUIT,     OPT_DUPLEX,
	OPT_SHUTDOWN, OPT_PROGRESS,  OPT_QUIET,     OPT_SIZE,     OPT_JSON,
};

static const struct opts_verb verb = { "relay",
				       own,
				       LEN(own),
				       refused,
				       LEN(refused),
				       .has_local = true,
				       .local = offsetof(struct relay_options, local) };

static enum opts_result parse(int argc, char *argv[], struct relay_options *options,
			      struct config *config, char message[OPTS_MESSAGE_LEN])
{
	struct parser p = { .config = config, .message = message };
	enum opts_result result = opts_parse_verb(argc, argv, &verb, options, config, message);

	if (result != OPTS_RUN)
		return result;
	if (config->listen && options->warm_given)
		return opts_fail(&p, "--warm is for the near side, which opens connections");
	if (config->listen && !options->n_targets)
		return opts_fail(&p, "missing --to: mpnc relay -l PORT --to HOST:PORT");
	if (!config->listen && options->n_targets)
		return opts_fail(&p, "--to is for the far side, mpnc relay -l, whose targets are "
				     "chosen by --target NAME; here name that side: "
				     "mpnc relay LPORT HOST PORT");
	return OPTS_RUN;
}

int relay_main(int argc, char *argv[])
{
	char message[OPTS_MESSAGE_LEN];
	struct relay_options options = { .n_warm = PRECONNECT_DEFAULT };
	struct config config;

	switch (parse(argc, argv, &options, &config, message)) {
	case OPTS_RUN:
		break;
	case OPTS_USAGE:
		log_error("relay: %s", message);
		return OUTCOME_SETUP;
	default:
		fputs(help, stdout);
		return fflush(stdout) ? OUTCOME_SETUP : OUTCOME_OK;
	}
	log_set_level(config.verbose);
	return run_relay(&config, &options);
}
