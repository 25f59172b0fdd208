/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hash/release.h"
#include "net/resolve.h"
#include "topo/path.h"
#include "topo/sockets.h"
#include "ui/log.h"
#include "util/parse.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define EXIT_USAGE 2

#define TEXT_LEN   1536
#define QUOTED_LEN 64

/* getopt's value of an operand, as the option string begins with "-". */
#define VAL_OPERAND 1

/* And of the long options; those up to OPT_HOST have an argument. */
enum option_id { OPT_POLICY = 256, OPT_MODE, OPT_LINKS, OPT_VARIANT, OPT_HOST, OPT_JSON };

static const char help[] =
	"Usage: mpnc explain [options] SRC:PORT DST:PORT ...\n"
	"       mpnc explain [options] --sockets [HOST]\n"
	"\n"
	"Says which link of a bond each TCP connection takes, and why. IPv6 addresses are\n"
	"written [ADDR]:PORT. Without --policy this machine as it is now decides: the\n"
	"route to DST, the neighbour's MAC address, the bond below.\n"
	"\n"
	"  --policy POLICY  a bond with this transmit hash policy: layer2, layer2+3,\n"
	"                   layer3+4, encap2+3, encap3+4, vlan+srcmac\n"
	"  --mode MODE      of the bond that --policy gives (default balance-xor)\n"
	"  --links N|NAMES  its links: how many, or their names in order: eth0,eth1\n"
	"  --variant V      the kernel's rule: 3.7, 3.13, 3.19, 4.15, 5.15, 5.18, el8\n"
	"                   (default: that of the running kernel)\n"
	"  --sockets        this machine's established connections [those with HOST]\n"
	"  --json           one JSON object per line for each connection\n"
	"  -h, --help       print this text\n"
	"\n"
	"Exit status: 0; 1 if a connection has no route; 2 wrong usage.\n";

static int parse_fail(char message[EXPLAIN_MESSAGE_LEN], const char *word, const char *wanted)
{
	char quoted[QUOTED_LEN];

	text_quote(quoted, sizeof(quoted), word, strlen(word));
	text_printf(message, EXPLAIN_MESSAGE_LEN, "\"%s\" is not %s", quoted, wanted);
	return -EINVAL;
}

struct end {
	enum flow_family family;
	uint8_t addr[16];
	uint16_t port;
	char zone[TOPO_NAME_LEN];
};

/* Cuts "%eth0" off. */
static int take_zone(char *addr, char zone[TOPO_NAME_LEN])
{
	char *percent = strchr(addr, '%');

	if (!percent)
		return 0;
	*percent++ = '\0';
	return *percent && text_printf(zone, TOPO_NAME_LEN, "%s", percent) == strlen(percent)
		       ? 0
		       : -EINVAL;
}

static int parse_addr(char *addr, bool v6, struct end *out)
{
	struct in6_addr in6;

	out->family = v6 ? FLOW_IPV6 : FLOW_IPV4;
	if (!v6)
		return inet_pton(AF_INET, addr, out->addr) == 1 ? 0 : -EINVAL;
	if (take_zone(addr, out->zone) < 0 || inet_pton(AF_INET6, addr, &in6) != 1)
		return -EINVAL;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		out->family = FLOW_IPV4;
		memcpy(out->addr, in6.s6_addr + 12, 4);
	} else {
		memcpy(out->addr, in6.s6_addr, 16);
	}
	return 0;
}

static int parse_end(const char *word, struct end *out)
{
	bool v6 = word[0] == '[';
	const char *addr = word + v6, *end = strchr(addr, v6 ? ']' : ':');
	char copy[INET6_ADDRSTRLEN + TOPO_NAME_LEN];
	uint64_t port;
	size_t len;

	*out = (struct end){ 0 };
	if (!end || (v6 && end[1] != ':'))
		return -EINVAL;
	len = (size_t)(end - addr);
	if (len >= sizeof(copy) || parse_u64(end + 1 + v6, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	memcpy(copy, addr, len);
	copy[len] = '\0';
	out->port = (uint16_t)port;
	return parse_addr(copy, v6, out);
}

int explain_parse_flow(const char *src, const char *dst, struct explain_flow *out,
		       char message[EXPLAIN_MESSAGE_LEN])
{
	static const char wanted[] = "a numeric address and port (10.0.0.1:5201, [fd00::1]:5201)";
	struct end from, to;

	if (parse_end(src, &from) < 0)
		return parse_fail(message, src, wanted);
	if (parse_end(dst, &to) < 0)
		return parse_fail(message, dst, wanted);
	if (from.family != to.family)
		return parse_fail(message, dst, "of the same family as the address before it");
	*out = (struct explain_flow){
		.flow = { .family = from.family,
			  .sport = from.port,
			  .dport = to.port,
			  .protocol = FLOW_TCP },
	};
	memcpy(out->flow.src, from.addr, sizeof(from.addr));
	memcpy(out->flow.dst, to.addr, sizeof(to.addr));
	memcpy(out->zone, to.zone[0] ? to.zone : from.zone, sizeof(out->zone));
	return 0;
}

static uint32_t first_bits(unsigned n)
{
	return n < 32 ? (1u << n) - 1 : UINT32_MAX;
}

int explain_parse_links(const char *text, struct explain_bond *out)
{
	unsigned n = 0;
	uint64_t count;

	memset(out->links, 0, sizeof(out->links));
	if (text[strspn(text, "0123456789")] == '\0') {
		if (parse_u64(text, 1, HASH_LINKS_MAX, &count) < 0)
			return -EINVAL;
		n = (unsigned)count;
	} else {
		for (;; text++) {
			size_t len = strcspn(text, ",");

			if (len == 0 || len >= TOPO_NAME_LEN || n == HASH_LINKS_MAX)
				return -EINVAL;
			memcpy(out->links[n++], text, len);
			text += len;
			if (!*text)
				break;
		}
	}
	out->hash.n_links = n;
	out->hash.usable = first_bits(n);
	return 0;
}

static bool mode_hashes(enum hash_mode mode)
{
	return mode == HASH_BALANCE_XOR || mode == HASH_8023AD || mode == HASH_BALANCE_TLB ||
	       mode == HASH_BALANCE_ALB;
}

static void refuse(struct explain_way *way, const char *reason)
{
	way->predictable = false;
	way->index = -1;
	text_printf(way->reason, sizeof(way->reason), "%s", reason);
}

static void explain_choice(const struct hash_bond *b, const struct flow *flow,
			   struct explain_way *way)
{
	unsigned usable = (unsigned)__builtin_popcount(b->usable & first_bits(b->n_links));
	const char *mode = hash_mode_name(b->mode);
	uint32_t value = 0;

	if (usable == 1)
		text_printf(way->reason, sizeof(way->reason), "it is the only usable link of %u",
			    b->n_links);
	else if (!mode_hashes(b->mode))
		text_printf(way->reason, sizeof(way->reason), "%s: it is the active link", mode);
	else if (hash_value(b->policy, b->variant, b->order, flow, &value) == HASH_OK)
		text_printf(way->reason, sizeof(way->reason),
			    "%s: the %s hash is 0x%08x by the rule of kernel %s, %u of %u links "
			    "are usable",
			    mode, hash_policy_name(b->policy), value, hash_variant_name(b->variant),
			    usable, b->n_links);
}

/* Without the link's name. */
static void explain_way(const struct hash_bond *b, const struct flow *flow, struct explain_way *way)
{
	unsigned link = 0;
	int reason = hash_link(b, flow, &link);

	*way = (struct explain_way){ 0 };
	if (reason != HASH_OK) {
		refuse(way, hash_reason_text(reason));
		return;
	}
	way->predictable = true;
	way->index = (int)link;
	explain_choice(b, flow, way);
}

static void name_rule(const struct hash_bond *b, struct explanation *out)
{
	out->mode = hash_mode_name(b->mode);
	out->policy = out->given || mode_hashes(b->mode) ? hash_policy_name(b->policy) : NULL;
	out->variant = out->policy && b->variant ? hash_variant_name(b->variant) : NULL;
}

void explain_given(const struct explain_bond *bond, const struct explain_flow *flow,
		   struct explanation *out)
{
	struct flow back = flow_reverse(&flow->flow);

	*out = (struct explanation){ .flow = *flow, .given = true };
	name_rule(&bond->hash, out);
	explain_way(&bond->hash, &flow->flow, &out->tx);
	explain_way(&bond->hash, &back, &out->reverse);
	if (out->tx.predictable)
		memcpy(out->tx.link, bond->links[out->tx.index], TOPO_NAME_LEN);
	if (out->reverse.predictable)
		memcpy(out->reverse.link, bond->links[out->reverse.index], TOPO_NAME_LEN);
	text_printf(out->note, sizeof(out->note),
		    "the reverse direction holds if the peer has the same bond and kernel rule");
}

static enum hash_mode mode_of(const struct topo_bond *bond)
{
	if (bond->kind == TOPO_KIND_TEAM)
		return HASH_TEAM;
	/* Both have the kernel's numbers. */
	return bond->mode < HASH_TEAM ? (enum hash_mode)bond->mode : HASH_N_MODES;
}

static enum hash_variant variant_of(const char *release, enum hash_mode mode,
				    enum hash_policy policy)
{
	struct hash_guess guess;

	if ((unsigned)mode >= HASH_N_MODES || (unsigned)policy >= HASH_N_POLICIES ||
	    hash_variant_of(release, &guess) < 0)
		return HASH_VARIANT_UNKNOWN;
	return hash_variant_settled(&guess, mode, policy);
}

static enum hash_order own_order(void)
{
	return htonl(1) == 1 ? HASH_BIG : HASH_LITTLE;
}

struct hash_bond explain_hash_bond(const struct topo_bond *bond, const char *release,
				   enum hash_variant variant)
{
	struct hash_bond b = {
		.mode = mode_of(bond),
		.policy = bond->policy < HASH_N_POLICIES ? bond->policy : HASH_N_POLICIES,
		.order = own_order(),
		.dynamic = bond->tlb_dynamic_lb,
		.n_links = (unsigned)bond->n_ports,
		.active = -1,
	};

	b.variant = variant ? variant : variant_of(release, b.mode, b.policy);
	for (size_t i = 0; i < bond->n_links; i++) {
		const struct topo_link *link = &bond->links[i];

		if (link->unusable == TOPO_USABLE)
			b.usable |= 1u << i;
		if (bond->has_aggregator && link->aggregator == bond->aggregator)
			b.joined |= 1u << i;
		if (bond->active && link->ifindex == bond->active)
			b.active = (int)i;
	}
	return b;
}

static void explain_bond(const struct topo_path *path, const char *release,
			 enum hash_variant variant, struct explanation *out)
{
	struct hash_bond b = explain_hash_bond(&path->bond, release, variant);
	struct flow flow = out->flow.flow;
	struct explain_way *tx = &out->tx;

	flow.macs_known = path->has_smac && path->has_dmac;
	memcpy(flow.smac, path->smac, sizeof(flow.smac));
	memcpy(flow.dmac, path->dmac, sizeof(flow.dmac));
	flow.vlan_tci = path->n_vlans ? path->vlan : 0;
	flow.double_tagged = path->n_vlans > 1;
	name_rule(&b, out);
	explain_way(&b, &flow, tx);
	/* Whatever does not count the links is right in any order. */
	if (tx->predictable && !path->bond.order_known && path->bond.n_usable > 1 &&
	    mode_hashes(b.mode))
		refuse(tx, "the order in which the bond counts its links is not known");
	if (tx->predictable)
		memcpy(tx->link, path->bond.links[tx->index].name, TOPO_NAME_LEN);
	if (path->guessed)
		text_printf(out->note, sizeof(out->note),
			    "the bridge has not seen the neighbour yet; its only bond was taken");
}

static void explain_path(const struct topo_path *path, const char *release,
			 enum hash_variant variant, struct explanation *out)
{
	memcpy(out->dev, path->link.name, sizeof(out->dev));
	refuse(&out->tx, path->reason);
	refuse(&out->reverse, "the peer's bond and the switch decide, which cannot be seen here");
	switch (path->end) {
	case TOPO_END_BOND:
		memcpy(out->dev, path->bond.name, sizeof(out->dev));
		explain_bond(path, release, variant, out);
		break;
	case TOPO_END_PLAIN:
		out->tx.predictable = true;
		memcpy(out->tx.link, path->link.name, sizeof(out->tx.link));
		break;
	case TOPO_END_LOCAL:
		refuse(&out->reverse, path->reason);
		break;
	case TOPO_END_UNREACHABLE:
		out->no_route = true;
		refuse(&out->reverse, path->reason);
		break;
	default:
		break;
	}
}

static int find_path(struct topo_source *source, const struct explain_flow *flow,
		     struct topo_path *path, struct explanation *out)
{
	struct topo_flow wanted = {
		.family = flow->flow.family == FLOW_IPV6 ? AF_INET6 : AF_INET,
		.has_src = true,
		.protocol = FLOW_TCP,
		.sport = flow->flow.sport,
		.dport = flow->flow.dport,
		.ifindex = flow->ifindex,
	};
	int r;

	memcpy(wanted.dst, flow->flow.dst, sizeof(wanted.dst));
	memcpy(wanted.src, flow->flow.src, sizeof(wanted.src));
	r = topo_path(source, &wanted, path);
	if (r || path->end != TOPO_END_UNREACHABLE)
		return r;
	/* The kernel refuses a source that is not its own, before it looks at the route. */
	wanted.has_src = false;
	r = topo_path(source, &wanted, path);
	if (!r && path->end != TOPO_END_UNREACHABLE)
		text_printf(out->note, sizeof(out->note),
			    "the source has no route of its own here; this is that of other "
			    "packets to the destination");
	return r;
}

int explain_local(struct topo_source *source, const struct explain_flow *flow,
		  enum hash_variant variant, struct explanation *out)
{
	struct topo_path *path = calloc(1, sizeof(*path));
	char release[TOPO_RELEASE_LEN];
	int r;

	*out = (struct explanation){ .flow = *flow };
	if (!path)
		return -ENOMEM;
	r = topo_kernel(source, release);
	if (!r)
		r = find_path(source, flow, path, out);
	if (!r)
		explain_path(path, release, variant, out);
	free(path);
	return r;
}

static void end_text(char buf[EXPLAIN_END_LEN], const struct explain_flow *f, bool dst)
{
	const uint8_t *bytes = dst ? f->flow.dst : f->flow.src;
	unsigned port = dst ? f->flow.dport : f->flow.sport;
	bool v6 = f->flow.family == FLOW_IPV6, zoned = dst && v6 && f->zone[0];
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, addr, sizeof(addr));
	text_printf(buf, EXPLAIN_END_LEN, v6 ? "[%s%s%s]:%u" : "%s%s%s:%u", addr, zoned ? "%" : "",
		    zoned ? f->zone : "", port);
}

/* "eth2, link 2 of bond0: why" */
static size_t way_text(char *buf, size_t size, const struct explain_way *way, const char *dev)
{
	size_t n = 0;

	if (!way->predictable)
		return text_printf(buf, size, "not predictable: %s\n", way->reason);
	if (way->link[0])
		n += text_printf(buf, size, way->index < 0 ? "%s" : "%s, ", way->link);
	if (way->index >= 0)
		n += text_printf(buf + n, size - n, "link %d", way->index);
	if (way->index >= 0 && dev[0])
		n += text_printf(buf + n, size - n, " of %s", dev);
	return n + text_printf(buf + n, size - n, ": %s\n", way->reason);
}

size_t explain_text(const struct explanation *e, char *buf, size_t size)
{
	char src[EXPLAIN_END_LEN], dst[EXPLAIN_END_LEN];
	size_t n;

	end_text(src, &e->flow, false);
	end_text(dst, &e->flow, true);
	n = text_printf(buf, size, "%s -> %s\n", src, dst);
	if (e->no_route)
		return n + text_printf(buf + n, size - n, "  no route: %s\n", e->tx.reason);
	n += text_printf(buf + n, size - n, "  sent:    ");
	n += way_text(buf + n, size - n, &e->tx, e->dev);
	n += text_printf(buf + n, size - n, "  reverse: ");
	n += way_text(buf + n, size - n, &e->reverse, "");
	if (e->note[0])
		n += text_printf(buf + n, size - n, "  note:    %s\n", e->note);
	return n;
}

/* Below, NULL stands for "out of memory", which json_object_set_new() passes on. */

static json_t *text_or_null(const char *s)
{
	char quoted[EXPLAIN_REASON_LEN];
	json_t *json;

	if (!s || !*s)
		return json_null();
	json = json_string(s);
	if (json)
		return json;
	/* Names of devices may be any bytes. */
	text_quote(quoted, sizeof(quoted), s, strlen(s));
	return json_string(quoted);
}

static json_t *index_or_null(const struct explain_way *way)
{
	return way->index < 0 ? json_null() : json_integer(way->index);
}

char *explain_json(const struct explanation *e)
{
	char src[EXPLAIN_END_LEN], dst[EXPLAIN_END_LEN], *line = NULL;
	json_t *object = json_object();
	int r = 0;

	end_text(src, &e->flow, false);
	end_text(dst, &e->flow, true);
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{ "src", json_string(src) },
		{ "dst", json_string(dst) },
		{ "dev", text_or_null(e->dev) },
		{ "mode", text_or_null(e->mode) },
		{ "policy", text_or_null(e->policy) },
		{ "variant", text_or_null(e->variant) },
		{ "route", json_boolean(!e->no_route) },
		{ "predictable", json_boolean(e->tx.predictable) },
		{ "reason", text_or_null(e->tx.reason) },
		{ "tx_index", index_or_null(&e->tx) },
		{ "tx_link", text_or_null(e->tx.link) },
		{ "reverse_predictable", json_boolean(e->reverse.predictable) },
		{ "reverse_reason", text_or_null(e->reverse.reason) },
		{ "reverse_index", index_or_null(&e->reverse) },
		{ "reverse_link", text_or_null(e->reverse.link) },
		{ "note", text_or_null(e->note) },
	};
	for (size_t i = 0; i < LEN(fields); i++)
		r |= json_object_set_new(object, fields[i].name, fields[i].value);
	if (r == 0)
		line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return line;
}

/* The command ---------------------------------------------------------------------------------- */

struct request {
	bool sockets, json, help;
	bool given;                              /* the bond */
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
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "links", required_argument, NULL, OPT_LINKS },
		{ "variant", required_argument, NULL, OPT_VARIANT },
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
	if (q->sockets) {
		if (ARG(q, POLICY))
			return "--sockets is about this machine's own bonds: leave out --policy";
		if (q->n_operands > !ARG(q, HOST))
			return "--sockets takes one host at most";
		if (q->n_operands)
			ARG(q, HOST) = q->operands[0];
	} else if (q->n_operands == 0) {
		return "missing connection: mpnc explain SRC:PORT DST:PORT";
	} else if (q->n_operands % 2) {
		return "the connections have to be pairs: SRC:PORT DST:PORT";
	}
	if (ARG(q, POLICY) && !ARG(q, LINKS))
		return "--policy needs --links: how many links, or their names";
	if (!ARG(q, POLICY) && ARG(q, LINKS))
		return "--links needs --policy";
	if (!ARG(q, POLICY) && ARG(q, MODE))
		return "--mode needs --policy";
	return NULL;
}

static int read_values(struct request *q)
{
	struct hash_bond *b = &q->bond.hash;
	const char *conflict = find_conflict(q);

	if (conflict)
		return usage(conflict);
	if (ARG(q, VARIANT) && (hash_variant_parse(ARG(q, VARIANT), &q->variant) < 0 ||
				q->variant == HASH_VARIANT_UNKNOWN))
		return bad_word("--variant", ARG(q, VARIANT),
				"3.7, 3.13, 3.19, 4.15, 5.15, 5.18 or el8");
	if (!ARG(q, POLICY))
		return 0;
	b->mode = HASH_BALANCE_XOR;
	b->order = own_order();
	b->dynamic = true;
	b->active = -1;
	if (hash_policy_parse(ARG(q, POLICY), &b->policy) < 0)
		return bad_word("--policy", ARG(q, POLICY),
				"layer2, layer2+3, layer3+4, encap2+3, encap3+4 or vlan+srcmac");
	if (ARG(q, MODE) && (hash_mode_parse(ARG(q, MODE), &b->mode) < 0 || b->mode == HASH_TEAM))
		return bad_word("--mode", ARG(q, MODE), "a mode of bonding, such as 802.3ad");
	if (explain_parse_links(ARG(q, LINKS), &q->bond) < 0)
		return bad_word("--links", ARG(q, LINKS),
				"1 to 32 links, or their names with commas");
	return 0;
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

	if (ARG(q, POLICY)) {
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
	if (r && !(ARG(q, POLICY) && q->variant))
		goto out;
	b->variant = q->variant;
	r = 0;
	if (ARG(q, POLICY) && !q->variant) {
		r = topo_kernel(q->source, release);
		if (!r)
			b->variant = variant_of(release, b->mode, b->policy);
	}
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
