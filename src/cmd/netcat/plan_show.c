/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan_show.c - a plan without a session: ask the peer, then plan with what is known
 *
 *   resolve -> ask the listener (query.h) -> pairs of addresses -> pathmgr_plan -> table or JSON
 *
 * The listener is asked by HELLO (query), which leaves it as it was. Without an answer the plan is
 * made of this end alone, and why says what is missing.
 *
 * What always holds:
 * - No packet leaves for a pair: a datagram socket that is connected makes the kernel choose a
 *   route and a source address and sends nothing (pretend).
 * - The plan is what a client with the same options would begin with: the same pairs, wishes and
 *   ports go into the same pathmgr.
 */
#include "cmd/netcat/plan_show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/query.h"
#include "cmd/cli/json.h"
#include "cmd/cli/resolve_args.h"
#include "cmd/cli/tls_setup.h"
#include "engine/outcome.h"
#include "path/addr_pairs.h"
#include "path/link_convert.h"
#include "path/own_addrs.h"
#include "path/pathmgr_plan.h"
#include "path/sock_wire.h"
#include "ui/log.h"
#include "util/text.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define SCHEMA 1

/* As a user waits who is used to ping. */
#define LIMIT_NS 5000000000ull

struct show {
	const struct config *config;
	struct tls_context *tls; /* NULL: plain */
	union sock_addr addrs[RESOLVE_MAX];
	union sock_addr sources[RESOLVE_MAX];
	int n_addrs;
	int n_sources;
	union sock_addr first; /* the peer's address that answered, or the first of all */
	unsigned n_pairs;
	struct pair {
		struct addr_pair route;
		int error; /* errno; 0: it has a way */
	} pairs[ADDR_PAIRS_MAX];
	struct pathmgr *paths;
	struct wire_welcome peer; /* facts of kind WIRE_FACTS_NONE: not known */
	char why[QUERY_TEXT_LEN]; /* it could not be asked; "": it was */
	struct plan plan;
	struct side_stats here, there;
};

/* A socket of UDP that is connected sends nothing, but has chosen its way. Returns it, or -errno.
 */
static int pretend(const struct addr_pair *pair)
{
	const union sock_addr *local = &pair->local, *remote = &pair->remote;
	int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if ((local->sa.sa_family == AF_UNSPEC || bind(fd, &local->sa, sock_addr_len(local)) == 0) &&
	    connect(fd, &remote->sa, sock_addr_len(remote)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Those of the other family of one name are not used, as by a client. */
static bool is_used(const struct show *s, const struct addr_pair *pair)
{
	return resolve_args_is_list(s->config->host) || s->config->n_sources > 1 ||
	       pair->remote.sa.sa_family == s->first.sa.sa_family;
}

/* Which pairs of addresses there are, and whether each has a way. */
static void find_pairs(struct show *s)
{
	const struct wire_addrs *announced = &s->peer.items.addrs;
	struct addr_pairs all = { 0 };

	for (int i = 0; i < s->n_addrs; i++)
		addr_pairs_add(&all, &s->addrs[i], s->sources, s->n_sources);
	for (unsigned i = 0; i < announced->n && s->config->multihome; i++) {
		union sock_addr addr;

		sock_wire_back(&addr, &announced->addr[i], sock_addr_port(&s->first));
		if (own_addrs_reachable(&addr) && !pathmgr_is_here(s->paths, &addr))
			addr_pairs_add(&all, &addr, s->sources, s->n_sources);
	}
	for (unsigned i = 0; i < all.n; i++) {
		struct pair *p = &s->pairs[s->n_pairs];
		int fd;

		if (!is_used(s, &all.pair[i]))
			continue;
		p->route = all.pair[i];
		fd = pretend(&p->route);
		p->error = fd < 0 ? -fd : 0;
		if (fd >= 0) {
			sock_local(fd, &p->route.local);
			close(fd);
		}
		s->n_pairs++;
	}
}

static void ask(struct show *s)
{
	const struct config *c = s->config;
	struct query query = {
		.addrs = s->addrs,
		.n_addrs = s->n_addrs,
		.sources = s->sources,
		.n_sources = s->n_sources,
		.limit_ns = c->timeout_ns == CONFIG_NEVER ? LIMIT_NS : c->timeout_ns,
		.socket = { .tos = c->tos, .ttl = c->ttl, .min_ttl = c->min_ttl },
		.tls = s->tls,
	};
	int fd = query_peer(&query, &s->peer, s->why);
	socklen_t len = sizeof(s->first);

	s->first = s->addrs[0];
	if (fd >= 0)
		getpeername(fd, &s->first.sa, &len);
	find_pairs(s);
	for (unsigned i = 0; i < s->n_pairs && fd < 0; i++)
		fd = pretend(&s->pairs[i].route);
	if (fd < 0)
		return;
	pathmgr_learn(s->paths, fd, 0);
	pathmgr_set_peer_facts(s->paths, &s->peer.items.facts);
	pathmgr_compare_names(s->paths, fd, &s->peer.items.names);
	close(fd);
}

static int make_plan(struct show *s)
{
	const struct config *c = s->config;
	unsigned most = s->peer.n_subflows ? s->peer.n_subflows : SUBFLOWS_MAX;
	uint16_t block[SUBFLOWS_MAX];
	struct pathmgr_wish wish = { .max_flows = most, .open = block };

	if (!c->subflows_auto && c->n_subflows < most)
		wish.max_flows = c->n_subflows;
	if (!c->subflows_auto)
		wish.min_flows = wish.max_flows;
	if (c->source_port) {
		for (unsigned i = 0; i < c->n_subflows && c->source_port + i <= UINT16_MAX; i++)
			block[wish.n_open++] = (uint16_t)(c->source_port + i);
		wish.max_flows = wish.n_open;
	}
	return pathmgr_plan(s->paths, &wish, &s->plan);
}

/* Without a bond all pairs share the ports, and each may have links of its own. */
static bool is_shared(const struct show *s)
{
	return s->n_pairs > 1 && s->plan.notes & PLAN_BLIND;
}

static void find_lanes(const struct show *s, uint16_t port, struct subflow_stats *out)
{
	pathmgr_lanes(s->paths, port, out);
	if (is_shared(s))
		out->tx_link = out->rx_link = out->peer_tx_link = out->peer_rx_link = -1;
}

/* A table ----------------------------------------------------------------------------------------
 */

static const char *name_of(const struct side_stats *side, int8_t link)
{
	const char *name = side_link_name(side, link);

	return name ? name : "?";
}

static bool speeds_known(const struct side_stats *side)
{
	for (unsigned i = 0; i < side->n_links; i++)
		if (side->link[i].speed)
			return true;
	return false;
}

static void print_rates(const struct show *s)
{
	const char *unit = speeds_known(&s->here) || speeds_known(&s->there) ? "Mbit/s" : "links";
	const struct plan *p = &s->plan;

	/* Without a bond at either end there is nothing to reach. */
	if (p->notes & PLAN_BLIND)
		return;
	printf("out: %llu of %llu %s, in: %llu of %llu %s\n", (unsigned long long)p->out.reach,
	       (unsigned long long)p->out.most, unit, (unsigned long long)p->in.reach,
	       (unsigned long long)p->in.most, unit);
}

static void print_flow(const struct show *s, uint16_t port, bool lanes)
{
	struct subflow_stats f;

	if (!lanes) {
		printf("%6u\n", port);
		return;
	}
	find_lanes(s, port, &f);
	printf("%6u  %-12s -> %-12s  %-12s <- %s\n", port, name_of(&s->here, f.tx_link),
	       name_of(&s->there, f.peer_rx_link), name_of(&s->here, f.rx_link),
	       name_of(&s->there, f.peer_tx_link));
}

/* Only where there is more than one. */
static void print_pairs(const struct show *s)
{
	char text[ADDR_PAIRS_TEXT_LEN];

	if (s->n_pairs < 2)
		return;
	printf(is_shared(s) ? "%u pairs of addresses share them:\n"
			    : "%u pairs of addresses: the first that works is planned, and the "
			      "others have one each:\n",
	       s->n_pairs);
	for (unsigned i = 0; i < s->n_pairs; i++) {
		const struct pair *p = &s->pairs[i];

		addr_pairs_text(&p->route, text);
		printf("%s%s%s\n", text, p->error ? ": " : "", p->error ? strerror(p->error) : "");
	}
}

static void print_table(const struct show *s)
{
	bool lanes = (s->here.n_links || s->there.n_links) && !is_shared(s);
	uint16_t ports[PLAN_FLOWS_MAX];
	char text[512];

	for (unsigned i = 0; i < s->plan.n_flows; i++)
		ports[i] = s->plan.flows[i].port;
	if (is_shared(s))
		text_printf(text, sizeof(text), "%u subflows over %u pairs of addresses",
			    s->plan.n_flows, s->n_pairs);
	else
		pathmgr_verdict(s->paths, ports, s->plan.n_flows, text, sizeof(text));
	printf("%s\n", text);
	printf(lanes ? "%6s  %-12s    %-12s  %-12s    %s\n" : "%6s\n", "PORT", "OUT", "PEER", "IN",
	       "PEER");
	for (unsigned i = 0; i < s->plan.n_flows; i++)
		print_flow(s, ports[i], lanes);

	print_pairs(s);
	print_rates(s);
	if (pathmgr_explain(s->paths, &s->plan, text, sizeof(text)))
		printf("note: %s\n", text);
}

/* JSON -------------------------------------------------------------------------------------------
 */

static json_t *link_name(const struct side_stats *side, int8_t link)
{
	return json_text(side_link_name(side, link));
}

static json_t *side_json(const struct side_stats *side)
{
	json_t *links = json_array();

	for (unsigned i = 0; i < side->n_links; i++) {
		const struct link_stats *l = &side->link[i];
		const struct json_field fields[] = {
			{ "name", json_text(l->name) },
			{ "speed", json_number_if(l->speed, l->speed) },
			{ "usable", json_boolean(l->usable) },
		};

		links = json_add(links, json_make_object(fields, LEN(fields)));
	}
	const struct json_field fields[] = {
		{ "name", json_text(side->name) },
		{ "kind", json_text(side->kind) },
		{ "links", links },
	};
	if (side->name[0])
		return json_make_object(fields, LEN(fields));
	for (size_t i = 0; i < LEN(fields); i++)
		json_decref(fields[i].value);
	return json_null();
}

static json_t *flows_json(const struct show *s)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < s->plan.n_flows; i++) {
		struct subflow_stats f;

		find_lanes(s, s->plan.flows[i].port, &f);
		const struct json_field fields[] = {
			{ "port", json_number(s->plan.flows[i].port) },
			{ "tx_link", link_name(&s->here, f.tx_link) },
			{ "peer_rx_link", link_name(&s->there, f.peer_rx_link) },
			{ "peer_tx_link", link_name(&s->there, f.peer_tx_link) },
			{ "rx_link", link_name(&s->here, f.rx_link) },
		};
		array = json_add(array, json_make_object(fields, LEN(fields)));
	}
	return array;
}

static json_t *rate_json(const struct plan_rate *rate)
{
	const struct json_field fields[] = {
		{ "reach", json_number(rate->reach) },
		{ "most", json_number(rate->most) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *addr_json(const union sock_addr *addr)
{
	char text[SOCK_ADDR_LEN];

	if (addr->sa.sa_family == AF_UNSPEC)
		return json_null();
	sock_addr_text(text, addr);
	return json_text(text);
}

static json_t *pairs_json(const struct show *s)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < s->n_pairs; i++) {
		const struct pair *p = &s->pairs[i];
		const struct json_field fields[] = {
			{ "src", addr_json(&p->route.local) },
			{ "dst", addr_json(&p->route.remote) },
			{ "error", json_text(p->error ? strerror(p->error) : "") },
		};

		array = json_add(array, json_make_object(fields, LEN(fields)));
	}
	return array;
}

static int print_json(const struct show *s)
{
	char text[512];

	pathmgr_explain(s->paths, &s->plan, text, sizeof(text));
	const struct json_field fields[] = {
		{ "schema", json_number(SCHEMA) }, { "here", side_json(&s->here) },
		{ "peer", side_json(&s->there) },  { "peer_unknown", json_text(s->why) },
		{ "flows", flows_json(s) },        { "out", rate_json(&s->plan.out) },
		{ "in", rate_json(&s->plan.in) },  { "note", json_text(text) },
		{ "pairs", pairs_json(s) },
	};

	return json_print(stdout, json_make_object(fields, LEN(fields)));
}

/* ------------------------------------------------------------------------------------------------
 */

static int show(struct show *s)
{
	const struct config *c = s->config;
	struct pathmgr_config config = { .client = true, .n_ranges = c->n_ports };
	const struct wire_links nothing = { 0 };
	int r;

	s->n_addrs = resolve_args_hosts(c, s->addrs);
	if (s->n_addrs < 0)
		return OUTCOME_SETUP;
	s->n_sources = resolve_args_sources(c, s->sources);
	if (s->n_sources < 0)
		return OUTCOME_SETUP;
	if (tls_setup_open(c, &s->tls))
		return OUTCOME_SETUP;
	memcpy(config.ranges, c->ports, sizeof(c->ports));
	r = pathmgr_new(&s->paths, &config);
	if (!r) {
		ask(s);
		r = make_plan(s);
	}
	if (r) {
		log_error("cannot plan: %s", strerror(-r));
		return OUTCOME_SETUP;
	}
	pathmgr_stats(s->paths, &nothing, &s->here, &s->there);
	if (c->json)
		r = print_json(s);
	else
		print_table(s);
	if (r || fflush(stdout)) {
		log_error("cannot write the plan");
		return OUTCOME_SETUP;
	}
	if (!s->why[0])
		return OUTCOME_OK;
	log_error("the links of %s port %s are not known: %s", c->host, c->port, s->why);
	return OUTCOME_NETWORK;
}

int plan_show(const struct config *config)
{
	struct show *s = calloc(1, sizeof(*s));
	int exit;

	if (!s) {
		log_error("out of memory");
		return OUTCOME_SETUP;
	}
	s->config = config;
	exit = show(s);
	pathmgr_free(s->paths);
	tls_context_free(s->tls);
	free(s);
	return exit;
}
