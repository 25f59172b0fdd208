/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor.c - mpnc doctor: options, then one round for each pair of addresses
 *
 *   options -> pairs of addresses -> [ probe the peer ] -> look at the machine -> findings -> print
 *              (try_all)               doctor_probe         doctor_load           doctor_examine
 *
 * A round is about one pair, since a route, a bond and a switch belong to one pair. The worst exit
 * status of all rounds is that of the program.
 *
 * What always holds:
 * - What was found of this machine is shown even if the peer cannot be reached; the exit status
 *   then says so (DOCTOR_USAGE).
 * - Mistakes in the list of addresses are said before the first round begins.
 * - With --report nothing is printed until the whole text has gone through doctor_mask().
 */
#include "cmd/doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/cli/opts_internal.h"
#include "cmd/cli/resolve_args.h"
#include "io/resolve.h"
#include "ui/log.h"
#include "util/text.h"

/* A path of the user's within a message. */
#define PATH_QUOTED_LEN 256

static bool has_findings(const struct doctor_finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (findings[i].condition->severity != DOCTOR_NOTE)
			return true;
	return false;
}

/* Returns DOCTOR_FINE, DOCTOR_FINDINGS, or -errno. */
static int tell(const struct doctor_view *v, bool json, FILE *out)
{
	struct doctor_finding *findings;
	size_t n;
	int r = doctor_examine(v, &findings, &n);
	int result;

	if (r)
		return r;
	r = json ? doctor_json(out, v, findings, n) : doctor_show(out, v, findings, n);
	result = has_findings(findings, n) ? DOCTOR_FINDINGS : DOCTOR_FINE;
	free(findings);
	if (!r && (fflush(out) || ferror(out)))
		r = errno ? -errno : -EIO;
	return r ? r : result;
}

/* The same, without addresses. */
static int report(const struct doctor_view *v, bool json, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *whole = open_memstream(&text, &size);
	int result, r;

	if (!whole)
		return -ENOMEM;
	if (!json)
		fprintf(whole, "mpnc %s, Linux %s\n", MPNC_VERSION,
			v->release[0] ? v->release : "of unknown version");
	result = tell(v, json, whole);
	r = fclose(whole) ? -ENOMEM : 0;
	if (!r && result >= 0)
		r = doctor_mask(out, text);
	free(text);
	if (!r && (fflush(out) || ferror(out)))
		r = -EIO;
	return r ? r : result;
}

/* Returns 0, or DOCTOR_USAGE after a message. */
static int load(struct topo_source *source, const struct doctor_request *q,
		struct doctor_machine **out)
{
	char why[SAVED_WHY_LEN], quoted[PATH_QUOTED_LEN];
	int r;

	if (q->from) {
		r = doctor_load_saved(q->from, out, why);
		text_quote(quoted, sizeof(quoted), q->from, strlen(q->from));
		if (r)
			log_error("doctor: --from %s: %s", quoted, why);
		return r ? DOCTOR_USAGE : 0;
	}
	r = doctor_load(source, q->flow, out);
	if (r)
		log_error("doctor: cannot look at this machine's links: %s",
			  r == -EINTR ? "they keep changing" : strerror(-r));
	return r ? DOCTOR_USAGE : 0;
}

int doctor_run(struct topo_source *source, const struct doctor_request *q, FILE *out)
{
	struct doctor_machine *machine;
	struct doctor_view view;
	int r = load(source, q, &machine);

	if (r)
		return r;
	view = *doctor_view(machine);
	view.probes = q->probes;
	r = q->report ? report(&view, q->json, out) : tell(&view, q->json, out);
	doctor_free(machine);
	if (r >= 0)
		return r;
	log_error("doctor: cannot write: %s", strerror(-r));
	return DOCTOR_USAGE;
}

static const char help[] =
	"Usage: mpnc doctor [options] [HOST [PORT]]\n"
	"\n"
	"Finds what keeps a transfer from using all links of this machine's bonds and teams.\n"
	"For each finding mpnc prints what it means for one TCP connection and for several,\n"
	"and the command or switch setting that helps. The doctor changes nothing and needs\n"
	"no privilege. With HOST it also checks whether packets to HOST use a bond.\n"
	"\n"
	"With PORT, where an mpnc listener runs on HOST, the doctor also examines that end's\n"
	"bond and the switches between, by sending at most 64 MiB: which links single flows\n"
	"use, what each of these lanes carries, and whether large packets pass. The listener\n"
	"keeps running.\n"
	"\n"
	"With several addresses (HOST,HOST2, or -s repeated) the doctor examines one pair of\n"
	"addresses after the other.\n"
	"\n"
	"      --from FILE  examine another machine's bond: FILE is a copy of\n"
	"                   /proc/net/bonding/NAME there, - for standard input, or a\n"
	"                   directory of such copies\n"
	"      --json       print one line of JSON for each pair of addresses\n"
	"      --report     replace every address by a name, so that the output can be shared\n"
	"  -h, --help       print this text\n"
	"\n"
	"With PORT these mpnc options are also accepted: -4 -6 -n -s -T -w --ports, and for\n"
	"encryption --key --cert --private-key --ca --name; see mpnc --help.\n"
	"\n"
	"An error loses packets or leaves a link idle; a warning is a set-up that cannot use\n"
	"all links for one peer; a note does not affect the exit status.\n"
	"\n"
	"Exit status: 0 no problems found, 1 errors or warnings, 2 usage, or the doctor cannot\n"
	"read, write or reach the peer.\n";

static enum opts_result set_report(struct parser *p, const struct option_def *o, const char *arg)
{
	((struct doctor_request *)p->own)->report = true;
	return OPTS_RUN;
}

static enum opts_result set_from(struct parser *p, const struct option_def *o, const char *arg)
{
	((struct doctor_request *)p->own)->from = arg;
	return OPTS_RUN;
}

static const struct option_def own[] = {
	{ 0, "report", NULL, NULL, set_report },
	{ 0, "from", "FILE", NULL, set_from },
};

static const enum option_id refused[] = {
	OPT_LISTEN,    OPT_KEEP,      OPT_MAX_CONNS, OPT_SESSIONS, OPT_ALLOW,  OPT_PLAIN,
	OPT_SUBFLOWS,  OPT_PORT,      OPT_PLAN,      OPT_PROBE,    OPT_WINDOW, OPT_RCVBUF,
	OPT_SNDBUF,    OPT_KEY_DIR,   OPT_EXEC,      OPT_SHELL,    OPT_UNIX,   OPT_NO_STDIN,
	OPT_SEND_ONLY, OPT_RECV_ONLY, OPT_DUPLEX,    OPT_SHUTDOWN, OPT_IDLE,   OPT_RETRY,
	OPT_RECONNECT, OPT_QUIT,      OPT_RATE,      OPT_PROGRESS, OPT_QUIET,  OPT_SIZE,
	OPT_PLAIN_OK,  OPT_THREADS,   OPT_TARGET,    OPT_STEER,
};

static const struct opts_verb verb = { "doctor", own, LEN(own), refused, LEN(refused), true };

/* The first address of a name, which a connection would try first too. Returns NULL, or why it has
 * none. */
static const char *first_addr(const struct config *c, const char *host, int family,
			      union sock_addr *out)
{
	struct resolve_request request = { .host = host, .family = family, .numeric = c->numeric };
	union sock_addr addrs[RESOLVE_MAX];
	const char *why = "no address";

	if (resolve(&request, addrs, &why) <= 0)
		return why;
	*out = addrs[0];
	return NULL;
}

static int find_addr(const struct config *c, const char *host, union sock_addr *out)
{
	const char *why = first_addr(c, host, c->family, out);
	char quoted[QUOTED_LEN];

	if (!why)
		return DOCTOR_FINE;
	text_quote(quoted, sizeof(quoted), host, strlen(host));
	log_error("doctor: %s: %s", quoted, why);
	return DOCTOR_USAGE;
}

static void put_bytes(uint8_t bytes[16], const union sock_addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		memcpy(bytes, &addr->in.sin_addr, 4);
	else
		memcpy(bytes, &addr->in6.sin6_addr, 16);
}

/* ours NULL: the kernel's choice. */
static struct topo_flow flow_of(const union sock_addr *ours, const union sock_addr *peer)
{
	struct topo_flow flow = { .family = peer->sa.sa_family, .has_src = ours != NULL };

	put_bytes(flow.dst, peer);
	if (ours)
		put_bytes(flow.src, ours);
	if (flow.family == AF_INET6)
		flow.ifindex = peer->in6.sin6_scope_id;
	return flow;
}

/* What was found of this machine is shown even if the peer cannot be asked. */
static int look(const struct config *c, struct topo_source *source, struct doctor_request *q)
{
	struct doctor_probes *probes = c->port ? calloc(1, sizeof(*probes)) : NULL;
	bool failed = false;
	int r;

	if (probes) {
		failed = doctor_probe(c, probes) || probes->why[0];
		q->probes = probes;
	}
	r = doctor_run(source, q, stdout);
	if (failed)
		log_error("doctor: %s port %s: %s", c->host, c->port, probes->why);
	free(probes);
	return failed ? DOCTOR_USAGE : r;
}

/* flow NULL: about this machine alone. */
static int run(const struct config *c, struct doctor_request *q, const struct topo_flow *flow)
{
	struct topo_source *source = NULL;
	int r = q->from ? 0 : topo_source_new(&source);

	if (r < 0) {
		log_error("doctor: cannot ask the kernel for links: %s", strerror(-r));
		return DOCTOR_USAGE;
	}
	q->flow = flow;
	r = look(c, source, q);
	topo_source_free(source);
	return r;
}

/* Several pairs of addresses ------------------------------------------------------------------- */

/* What is found is about one pair. So they have their turns, each with all that there is to say. */
struct rounds {
	const struct config *config; /* as given */
	struct doctor_request *request;
	bool several;
	unsigned n; /* pairs that had their turn */
	int worst;
};

static void take_turn(struct rounds *r, const struct config *c, const union sock_addr *ours,
		      const union sock_addr *peer)
{
	struct topo_flow flow = flow_of(ours, peer);
	int result;

	if (r->several && !r->request->json)
		printf("%s%s%s%s:\n", r->n ? "\n" : "", ours ? c->sources[0] : "",
		       ours ? " to " : "to ", c->host);
	r->n++;
	result = run(c, r->request, &flow);
	if (result > r->worst)
		r->worst = result;
}

/* To one of the peer's addresses, from each local one of its family; a name may have one of each.
 */
static int try_host(struct rounds *r, const char *host)
{
	struct config c = *r->config;
	union sock_addr ours, peer;

	c.host = host;
	if (find_addr(&c, host, &peer))
		return DOCTOR_USAGE;
	if (!c.n_sources)
		take_turn(r, &c, NULL, &peer);
	c.n_sources = 1;
	for (unsigned i = 0; i < r->config->n_sources; i++) {
		c.sources[0] = r->config->sources[i];
		if (find_addr(&c, c.sources[0], &ours))
			return DOCTOR_USAGE;
		if (!first_addr(&c, host, ours.sa.sa_family, &peer))
			take_turn(r, &c, &ours, &peer);
	}
	return DOCTOR_FINE;
}

static int try_all(const struct config *config, struct doctor_request *q)
{
	struct rounds r = { .config = config,
			    .request = q,
			    .several =
				    resolve_args_is_list(config->host) || config->n_sources > 1 };
	const char *rest = config->host;
	char word[NI_MAXHOST];
	int result = DOCTOR_FINE, more;

	if (r.several && q->report) {
		log_error("doctor: --report is about one pair of addresses: give one HOST and one "
			  "-s");
		return DOCTOR_USAGE;
	}
	/* What is wrong with the list is said before anything else. */
	while ((more = resolve_args_next(config, &rest, word)) > 0)
		continue;
	if (more < 0)
		return DOCTOR_USAGE;
	rest = config->host;
	while (result == DOCTOR_FINE && resolve_args_next(config, &rest, word) > 0)
		result = try_host(&r, word);
	if (result == DOCTOR_FINE && !r.n) {
		log_error("doctor: %s has no address of the family of -s %s", config->host,
			  config->sources[0]);
		return DOCTOR_USAGE;
	}
	return result > r.worst ? result : r.worst;
}

int doctor_main(int argc, char *argv[])
{
	struct doctor_request q = { 0 };
	struct config config;
	char message[OPTS_MESSAGE_LEN];

	switch (opts_parse_verb(argc, argv, &verb, &q, &config, message)) {
	case OPTS_RUN:
		if (config.json_file) {
			log_error("doctor: --json takes no argument");
			return DOCTOR_USAGE;
		}
		if (config.multihome) {
			log_error("doctor: --multihome is not accepted: name the addresses, "
				  "HOST,HOST2");
			return DOCTOR_USAGE;
		}
		if (q.from && config.host) {
			log_error("doctor: --from is about bonds of files, which have no way to a "
				  "peer: leave out HOST");
			return DOCTOR_USAGE;
		}
		log_set_level(config.verbose);
		q.json = config.json;
		return config.host ? try_all(&config, &q) : run(&config, &q, NULL);
	case OPTS_USAGE:
		log_error("doctor: %s", message);
		return DOCTOR_USAGE;
	default:
		fputs(help, stdout);
		return fflush(stdout) ? DOCTOR_USAGE : DOCTOR_FINE;
	}
}
