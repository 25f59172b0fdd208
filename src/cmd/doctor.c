/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/doctor.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/resolve.h"
#include "ui/log.h"
#include "util/text.h"

/* A word of the user's within a message. */
#define QUOTED_LEN 64

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

int doctor_run(struct topo_source *source, const struct topo_flow *flow, bool json, FILE *out)
{
	struct doctor_machine *machine;
	int r = doctor_load(source, flow, &machine);

	if (r) {
		log_error("doctor: cannot look at this machine's links: %s",
			  r == -EINTR ? "they keep changing" : strerror(-r));
		return DOCTOR_USAGE;
	}
	r = tell(doctor_view(machine), json, out);
	doctor_free(machine);
	if (r >= 0)
		return r;
	log_error("doctor: cannot write: %s", strerror(-r));
	return DOCTOR_USAGE;
}

static const char help[] =
	"Usage: mpnc doctor [--json] [HOST]\n"
	"\n"
	"Says what keeps the bonds and teams of this machine from giving a transfer all of\n"
	"their links: for each thing found what it means for one TCP connection and for\n"
	"several, and the command or switch setting to change. Changes nothing itself and\n"
	"needs no privilege. With HOST, also whether packets to there use a bond.\n"
	"\n"
	"  --json         one line of JSON\n"
	"  -h, --help     this text\n"
	"\n"
	"An error loses packets or leaves a link idle; a warning is a set-up that cannot use\n"
	"all links for one peer; a note changes nothing about the exit status.\n"
	"\n"
	"Exit status: 0 nothing but notes, 1 errors or warnings, 2 usage, or cannot read or\n"
	"write.\n";

enum { VAL_JSON = 256 };

static const struct option longs[] = {
	{ "json", no_argument, NULL, VAL_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int refuse(const char *what, const char *word)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	log_error("doctor: %s %s; usage: mpnc doctor [--json] [HOST]", what, quoted);
	return DOCTOR_USAGE;
}

struct request {
	bool json, help;
	const char *host; /* NULL: none */
};

static int read_options(int argc, char *argv[], struct request *q)
{
	int val;

	/* 0 rather than 1 makes glibc forget where an earlier call stopped. */
	optind = 0;
	opterr = 0;
	while ((val = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (val == 'h') {
			q->help = true;
			return DOCTOR_FINE;
		}
		if (val != VAL_JSON)
			return refuse("cannot understand", argv[optind - 1]);
		q->json = true;
	}
	if (argc - optind > 1)
		return refuse("only this machine is looked at, so one host is enough, without",
			      argv[optind + 1]);
	q->host = argv[optind];
	return DOCTOR_FINE;
}

/* The first address, which a connection would try first too. */
static int find_host(const char *host, struct topo_flow *flow)
{
	struct resolve_request request = { .host = host, .family = AF_UNSPEC };
	union sock_addr addrs[RESOLVE_MAX];
	char quoted[QUOTED_LEN];
	const char *why = "no address";

	if (resolve(&request, addrs, &why) <= 0) {
		text_quote(quoted, sizeof(quoted), host, strlen(host));
		log_error("doctor: %s: %s", quoted, why);
		return DOCTOR_USAGE;
	}
	*flow = (struct topo_flow){ .family = addrs[0].sa.sa_family };
	if (flow->family == AF_INET) {
		memcpy(flow->dst, &addrs[0].in.sin_addr, 4);
	} else {
		memcpy(flow->dst, &addrs[0].in6.sin6_addr, 16);
		flow->ifindex = addrs[0].in6.sin6_scope_id;
	}
	return DOCTOR_FINE;
}

int doctor_main(int argc, char *argv[])
{
	struct request q = { 0 };
	struct topo_source *source;
	struct topo_flow flow;
	int r = read_options(argc, argv, &q);

	if (r == DOCTOR_FINE && q.help) {
		fputs(help, stdout);
		return fflush(stdout) ? DOCTOR_USAGE : DOCTOR_FINE;
	}
	if (r == DOCTOR_FINE && q.host)
		r = find_host(q.host, &flow);
	if (r != DOCTOR_FINE)
		return r;
	r = topo_source_new(&source);
	if (r < 0) {
		log_error("doctor: cannot ask the kernel for links: %s", strerror(-r));
		return DOCTOR_USAGE;
	}
	r = doctor_run(source, q.host ? &flow : NULL, q.json, stdout);
	topo_source_free(source);
	return r;
}
