/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command: reads its words, and explains one connection after another. explain_parse.c reads
 * addresses and links, explain_link.c finds the link, explain_show.c prints it.
 */
#include "cmd/explain/explain.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/resolve.h"
#include "netlink/sockets.h"
#include "path/link_convert.h"
#include "topo/saved.h"
#include "ui/log.h"
#include "util/parse.h"
#include "util/text.h"

#define EXIT_USAGE 2

/* 0 and 4095 are no VLAN of their own. */
#define VLAN_MAX 4094

#define TEXT_LEN   1536
#define QUOTED_LEN 64

/* getopt's value of an operand, as the option string begins with "-". */
#define VAL_OPERAND 1

/* And of the long options. Those up to OPT_HOST have an argument, those up to OPT_ACTIVE describe
 * the bond of OPT_POLICY, the next up to OPT_VLAN the frames, also of a bond of OPT_FROM. */
enum option_id {
	OPT_POLICY = 256,
	OPT_LINKS,
	OPT_MODE,
	OPT_ACTIVE,
	OPT_SMAC,
	OPT_DMAC,
	OPT_VLAN,
	OPT_VARIANT,
	OPT_FROM,
	OPT_HOST,
	OPT_JSON
};

static const char help[] =
	"Usage: mpnc explain [options] SRC:PORT DST:PORT ...\n"
	"       mpnc explain [options] --sockets [HOST]\n"
	"\n"
	"Says which link of a bond each TCP connection takes, in both directions, and\n"
	"why. Write IPv6 addresses as [ADDR]:PORT. Without --policy mpnc looks at this\n"
	"machine: the route to DST, the neighbour's MAC address and the bond below; the\n"
	"peer chooses the link back, so run mpnc explain there for it. With --policy\n"
	"mpnc assumes that both ends have the bond that the options describe, with --from\n"
	"that SRC has the bond of that file.\n"
	"\n"
	"  --policy POLICY  the bond's transmit hash policy: layer2, layer2+3, layer3+4,\n"
	"                   encap2+3, encap3+4, vlan+srcmac; for a team, its tx_hash:\n"
	"                   eth,vlan,ipv4,ipv6,l4\n"
	"  --links N|NAMES  the bond's links: a number, or names in order: eth0,eth1\n"
	"  --mode MODE      the bond's mode (default balance-xor), or team; list a team's\n"
	"                   links in the order in which they were enabled\n"
	"  --active LINK    with --mode active-backup: the active link, by name or by\n"
	"                   number (the first is 0)\n"
	"  --smac MAC       source MAC address, for the policies that hash it: all but\n"
	"                   layer3+4 and encap3+4\n"
	"  --dmac MAC       destination MAC address: DST's, or the router's\n"
	"  --vlan ID        VLAN of the frames, which vlan+srcmac hashes\n"
	"  --variant V      the kernel's hash rule: 3.7, 3.13, 3.19, 4.15, 5.15, 5.18, el8\n"
	"                   (default: the running kernel's)\n"
	"  --from FILE      take SRC's bond from FILE, a copy of /proc/net/bonding/NAME there\n"
	"  --sockets        explain this machine's established connections [to HOST]\n"
	"  --json           print one JSON object per line for each connection\n"
	"  -h, --help       print this text\n"
	"\n"
	"Exit status: 0; 1 if a connection has no route; 2 wrong usage.\n";

struct request {
	bool sockets, json, help;
	bool given;                              /* the bond, by its properties or in a file */
	const char *args[OPT_JSON - OPT_POLICY]; /* NULL: not given */
	enum hash_variant variant;
	struct explain_bond bond;
	char **operands;
	int n_operands;
	struct topo_source *source;
	int status;
};

#define ARG(q, name) ((q)->args[OPT_##name - OPT_POLICY])

static int usage(const char *message)
{
	log_error("explain: %s", message);
	return EXIT_USAGE;
}

static int bad_word(const char *option, const char *word, const char *wanted)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	log_error("explain: %s: \"%s\" is not %s", option, quoted, wanted);
	return EXIT_USAGE;
}

static int read_option(struct request *q, int val, char *word)
{
	char quoted[QUOTED_LEN];

	if (val >= OPT_POLICY && val <= OPT_HOST) {
		q->sockets |= val == OPT_HOST;
		q->args[val - OPT_POLICY] = optarg;
	} else if (val == VAL_OPERAND) {
		q->operands[q->n_operands++] = optarg;
	} else if (val == OPT_JSON) {
		q->json = true;
	} else if (val == 'h') {
		q->help = true;
	} else {
		text_quote(quoted, sizeof(quoted), word, strlen(word));
		log_error(val == ':' ? "explain: %s needs an argument"
				     : "explain: unknown option %s; see mpnc explain --help",
			  quoted);
		return EXIT_USAGE;
	}
	return 0;
}

static int read_words(struct request *q, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "policy", required_argument, NULL, OPT_POLICY },
		{ "links", required_argument, NULL, OPT_LINKS },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "active", required_argument, NULL, OPT_ACTIVE },
		{ "smac", required_argument, NULL, OPT_SMAC },
		{ "dmac", required_argument, NULL, OPT_DMAC },
		{ "vlan", required_argument, NULL, OPT_VLAN },
		{ "variant", required_argument, NULL, OPT_VARIANT },
		{ "from", required_argument, NULL, OPT_FROM },
		{ "sockets", optional_argument, NULL, OPT_HOST },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int val;

	/* 0 rather than 1 makes glibc forget where an earlier call stopped. */
	optind = 0;
	opterr = 0;
	while ((val = getopt_long(argc, argv, "-:h", longs, NULL)) != -1) {
		int status = read_option(q, val, argv[optind - 1]);

		if (status || q->help)
			return status;
	}
	while (optind < argc)
		q->operands[q->n_operands++] = argv[optind++];
	return 0;
}

/* What is wrong with the options together; NULL: nothing. */
static const char *find_conflict(struct request *q)
{
	static const char *const lonely[] = {
		[OPT_LINKS - OPT_POLICY] = "--links needs --policy",
		[OPT_MODE - OPT_POLICY] = "--mode needs --policy",
		[OPT_ACTIVE - OPT_POLICY] = "--active needs --policy",
		[OPT_SMAC - OPT_POLICY] = "--smac needs --policy or --from",
		[OPT_DMAC - OPT_POLICY] = "--dmac needs --policy or --from",
		[OPT_VLAN - OPT_POLICY] = "--vlan needs --policy or --from",
	};
	int first = ARG(q, POLICY) ? OPT_SMAC : OPT_LINKS;

	if (q->sockets) {
		if (q->given)
			return "--sockets is about this machine's own bonds: leave out --policy "
			       "and --from";
		if (q->n_operands > !ARG(q, HOST))
			return "--sockets takes one host at most";
		if (q->n_operands)
			ARG(q, HOST) = q->operands[0];
	} else if (q->n_operands == 0) {
		return "missing connection: mpnc explain SRC:PORT DST:PORT";
	} else if (q->n_operands % 2) {
		return "the connections have to be pairs: SRC:PORT DST:PORT";
	}
	if (ARG(q, POLICY) && ARG(q, FROM))
		return "the bond is described by --policy or by --from: give one of them";
	if (ARG(q, POLICY) && !ARG(q, LINKS))
		return "--policy needs --links: how many links, or their names";
	for (int i = first; i <= (q->given ? OPT_ACTIVE : OPT_VLAN); i++)
		if (q->args[i - OPT_POLICY])
			return lonely[i - OPT_POLICY];
	return NULL;
}

static int read_mac(const char *option, const char *word, bool *has, uint8_t mac[6])
{
	if (word && parse_mac(word, mac) < 0)
		return bad_word(option, word, "a MAC address, such as 52:54:00:ab:cd:0f");
	*has = word != NULL;
	return 0;
}

/* What stands in the frames. */
static int read_frame(struct request *q)
{
	struct explain_bond *b = &q->bond;
	uint64_t vlan = 0;
	int status;

	status = read_mac("--smac", ARG(q, SMAC), &b->has_smac, b->smac);
	if (!status)
		status = read_mac("--dmac", ARG(q, DMAC), &b->has_dmac, b->dmac);
	if (!status && ARG(q, VLAN) && parse_u64(ARG(q, VLAN), 1, VLAN_MAX, &vlan) < 0)
		status = bad_word("--vlan", ARG(q, VLAN), "the ID of a VLAN (1 to 4094)");
	b->vlan = (uint16_t)vlan;
	return status;
}

static int read_bond(struct request *q)
{
	struct hash_bond *b = &q->bond.hash;

	b->mode = HASH_BALANCE_XOR;
	b->order = link_convert_order();
	b->dynamic = true;
	b->active = -1;
	if (ARG(q, MODE) && hash_mode_parse(ARG(q, MODE), &b->mode) < 0)
		return bad_word("--mode", ARG(q, MODE),
				"a mode of bonding, such as 802.3ad, or team");
	if (b->mode == HASH_TEAM && explain_parse_tx_hash(ARG(q, POLICY), &q->bond) < 0)
		return bad_word("--policy", ARG(q, POLICY),
				"the tx_hash of a team, such as eth,ipv4,l4");
	if (b->mode != HASH_TEAM && hash_policy_parse(ARG(q, POLICY), &b->policy) < 0)
		return bad_word("--policy", ARG(q, POLICY),
				"layer2, layer2+3, layer3+4, encap2+3, encap3+4 or vlan+srcmac");
	if (explain_parse_links(ARG(q, LINKS), &q->bond) < 0)
		return bad_word("--links", ARG(q, LINKS),
				"1 to 32 links, or their names with commas");
	if (ARG(q, ACTIVE) && b->mode != HASH_ACTIVE_BACKUP)
		return usage("--active is for --mode active-backup");
	if (ARG(q, ACTIVE) && explain_parse_active(ARG(q, ACTIVE), &q->bond) < 0)
		return bad_word("--active", ARG(q, ACTIVE), "one of the links");
	return read_frame(q);
}

static int read_file(struct request *q)
{
	char why[SAVED_WHY_LEN], quoted[4 * QUOTED_LEN];
	const char *path = ARG(q, FROM);
	struct saved saved;
	int r = saved_read(path, &saved, why);

	text_quote(quoted, sizeof(quoted), path, strlen(path));
	if (r) {
		log_error("explain: --from %s: %s", quoted, why);
		return EXIT_USAGE;
	}
	if (saved.n == 1)
		explain_saved(&saved.bonds[0], saved.release, q->variant, &q->bond);
	else
		log_error("explain: --from %s: %zu bonds are in it: name the file of one", quoted,
			  saved.n);
	r = saved.n == 1 ? read_frame(q) : EXIT_USAGE;
	free(saved.bonds);
	return r;
}

static int read_values(struct request *q)
{
	const char *conflict;

	q->given = ARG(q, POLICY) || ARG(q, FROM);
	conflict = find_conflict(q);
	if (conflict)
		return usage(conflict);
	if (ARG(q, VARIANT) && (hash_variant_parse(ARG(q, VARIANT), &q->variant) < 0 ||
				q->variant == HASH_VARIANT_UNKNOWN))
		return bad_word("--variant", ARG(q, VARIANT),
				"3.7, 3.13, 3.19, 4.15, 5.15, 5.18 or el8");
	if (ARG(q, FROM))
		return read_file(q);
	return ARG(q, POLICY) ? read_bond(q) : 0;
}

static int print(const struct request *q, const struct explanation *e)
{
	char text[TEXT_LEN];
	char *line;

	if (!q->json) {
		explain_text(e, text, sizeof(text));
		fputs(text, stdout);
		return 0;
	}
	line = explain_json(e);
	if (!line)
		return -ENOMEM;
	puts(line);
	free(line);
	return 0;
}

static int explain_one(struct request *q, struct explain_flow *flow)
{
	struct explanation e;
	int r = 0;

	if (q->given) {
		explain_given(&q->bond, flow, &e);
	} else {
		if (flow->zone[0]) {
			flow->ifindex = if_nametoindex(flow->zone);
			if (!flow->ifindex) {
				log_error("explain: there is no device %s", flow->zone);
				q->status = EXIT_FAILURE;
				return 0;
			}
		}
		r = explain_local(q->source, flow, q->variant, &e);
	}
	if (r)
		return r;
	if (e.no_route)
		q->status = EXIT_FAILURE;
	return print(q, &e);
}

static struct explain_flow socket_flow(const struct topo_socket *s)
{
	struct explain_flow f = {
		.flow = { .family = s->family == AF_INET6 ? FLOW_IPV6 : FLOW_IPV4,
			  .sport = s->sport,
			  .dport = s->dport,
			  .protocol = FLOW_TCP },
		.ifindex = s->ifindex,
	};

	memcpy(f.flow.src, s->src, sizeof(s->src));
	memcpy(f.flow.dst, s->dst, sizeof(s->dst));
	return f;
}

static bool is_towards(const struct topo_socket *s, const union sock_addr *addrs, int n)
{
	for (int i = 0; i < n; i++) {
		const union sock_addr *a = &addrs[i];

		if (s->family == a->sa.sa_family &&
		    (s->family == AF_INET ? memcmp(s->dst, &a->in.sin_addr, 4) == 0
					  : memcmp(s->dst, &a->in6.sin6_addr, 16) == 0))
			return true;
	}
	return false;
}

static int explain_sockets(struct request *q)
{
	struct resolve_request host = { .host = ARG(q, HOST), .family = AF_UNSPEC };
	union sock_addr addrs[RESOLVE_MAX];
	struct topo_socket *sockets;
	const char *why = "";
	int n_addrs = 0, r;
	size_t n;

	if (ARG(q, HOST) && (n_addrs = resolve(&host, addrs, &why)) < 0) {
		log_error("explain: %s: %s", ARG(q, HOST), why);
		q->status = EXIT_FAILURE;
		return 0;
	}
	r = topo_sockets(&sockets, &n);
	for (size_t i = 0; !r && i < n; i++) {
		struct explain_flow flow = socket_flow(&sockets[i]);

		if (!ARG(q, HOST) || is_towards(&sockets[i], addrs, n_addrs))
			r = explain_one(q, &flow);
	}
	free(sockets);
	return r;
}

/* All are read before the first is explained. */
static int explain_operands(struct request *q)
{
	size_t n = (size_t)q->n_operands / 2;
	struct explain_flow *flows = calloc(n, sizeof(*flows));
	char message[EXPLAIN_MESSAGE_LEN];
	int r = flows ? 0 : -ENOMEM;

	for (size_t i = 0; !r && !q->status && i < n; i++)
		if (explain_parse_flow(q->operands[2 * i], q->operands[2 * i + 1], &flows[i],
				       message) < 0)
			q->status = usage(message);
	for (size_t i = 0; !r && q->status != EXIT_USAGE && i < n; i++)
		r = explain_one(q, &flows[i]);
	free(flows);
	return r;
}

static int run(struct request *q)
{
	struct hash_bond *b = &q->bond.hash;
	char release[TOPO_RELEASE_LEN];
	int r = topo_source_new(&q->source);

	/* A given bond is explained where there is no netlink, too, if its rule is given. */
	if (r && !(ARG(q, POLICY) && q->variant) && !ARG(q, FROM))
		goto out;
	r = 0;
	if (ARG(q, POLICY))
		b->variant = q->variant;
	if (ARG(q, POLICY) && !q->variant) {
		r = topo_kernel(q->source, release);
		if (!r)
			b->variant = link_convert_variant(release, b->mode, b->policy);
	}
	if (!r && !q->given)
		r = topo_hold(q->source);
	if (!r)
		r = q->sockets ? explain_sockets(q) : explain_operands(q);
out:
	topo_source_free(q->source);
	if (r) {
		log_error("explain: %s", strerror(-r));
		q->status = EXIT_FAILURE;
	}
	if (fflush(stdout) || ferror(stdout)) {
		log_error("explain: cannot write to standard output");
		q->status = EXIT_FAILURE;
	}
	return q->status;
}

int explain_main(int argc, char *argv[])
{
	/* A word is read before an operand can take its place. */
	struct request q = { .operands = argv + 1 };
	int status = read_words(&q, argc, argv);

	if (!status && q.help) {
		fputs(help, stdout);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (!status)
		status = read_values(&q);
	return status ? status : run(&q);
}
