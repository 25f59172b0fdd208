/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which connections there are to be. The path manager plans source ports for the addresses of the
 * first pair, around the connections that are there. A plan (enum client_plan_kind) is made at
 * first, and again when connections lack; new links and a change that steering takes back
 * throw the plan away. Each planned connection, then each pair without one, is dialled from a port
 * that is free.
 *
 *   What always holds: none is dialled beyond what the session allows, where those that are late do
 *   not count; n_wanted counts those that are there, so that steering's are not opened twice.
 *
 * -p is a block of ports: no plan is made, and the connections share the pairs.
 */
#include "client/client_internal.h"

#include <errno.h>
#include <string.h>

#include "path/pathmgr_plan.h"
#include "session/session_subflow.h"
#include "util/text.h"

static const uint32_t any_links[COVER_ENDS];

static int connect_from(struct client *c, unsigned i, uint16_t port)
{
	return dial_from(&c->pairs.pair[i], port, &c->config.socket);
}

/* A socket from the next port of the block that is free; when none of them is, from one of as many
 * ports after it. Our own subflows' ports are among those that are not free. */
static int connect_from_block(struct client *c, unsigned pair, uint16_t *port_out)
{
	unsigned n = c->config.n_flows;
	int fd = -EADDRNOTAVAIL;

	for (unsigned i = 0; i < 2 * n; i++) {
		unsigned port = c->config.source_port + (i < n ? (c->next_port + i) % n : i);

		if (port > UINT16_MAX)
			break;
		fd = connect_from(c, pair, (uint16_t)port);
		*port_out = (uint16_t)port;
		if (dial_taken(fd)) {
			/* Our own are found so: the connection exists already. */
			client_note(c, fd == -EADDRNOTAVAIL ? 2 : 1, "source port %u: %s", port,
				    strerror(-fd));
			continue;
		}
		c->next_port = i < n ? c->next_port + i + 1 : 0;
		break;
	}
	return fd;
}

static void dial_block(struct client *c, unsigned pair)
{
	uint16_t port = 0;
	int fd = connect_from_block(c, pair, &port);

	client_dial(c, pair, fd, port);
}

/* Pairs ---------------------------------------------------------------------------------------- */

/* Over each pair: the connections that are there or being made, late ones too, as they show that
 * another pair may be better. */
static void count_open(const struct client *c, unsigned out[ADDR_PAIRS_MAX])
{
	for (unsigned i = 0; i < c->pairs.n; i++)
		out[i] = c->pairs.pair[i].n_live;
	for (const struct dial *d = c->dials.first; d; d = d->next)
		out[d->pair]++;
}

/* Is there a plan for the addresses of the first pair that can be followed now? */
static bool follows_plan(const struct client *c)
{
	return c->plan.kind == CLIENT_PLAN_LINKS &&
	       c->pairs.pair[c->pairs.first].due_ns <= loop_now(c->loop);
}

/* The pair for one more connection: that of the plan, or any; -1: all of them rest. */
static int next_pair(const struct client *c)
{
	unsigned open[ADDR_PAIRS_MAX];

	if (follows_plan(c))
		return (int)c->pairs.first;
	count_open(c, open);
	return addr_pairs_next(&c->pairs, open, loop_now(c->loop));
}

static int bare_pair(const struct client *c)
{
	unsigned open[ADDR_PAIRS_MAX];

	if (c->pairs.n == 1)
		return -1;
	count_open(c, open);
	return addr_pairs_bare(&c->pairs, open, loop_now(c->loop));
}

/* Ports ---------------------------------------------------------------------------------------- */

/* The planned port of a flow, or another that does the same. */
static int connect_planned(struct client *c, unsigned pair, unsigned flow, uint16_t *port_out)
{
	struct pathmgr *paths = engine_paths(c->engine);
	uint16_t port = c->plan.plan.flows[flow].port;
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && port && dial_taken(fd); i++) {
		*port_out = port;
		fd = connect_from(c, pair, port);
		if (!dial_taken(fd))
			break;
		client_note(c, 2, "source port %u: %s", port, strerror(-fd));
		pathmgr_avoid(paths, port);
		port = pathmgr_alternate(paths, &c->plan.plan, flow, port);
	}
	return fd;
}

/* Over the first pair, for whose addresses plans are made: connections that are there, and those
 * under way and not late. Returns how many. */
static unsigned open_ports(const struct client *c, uint16_t out[SUBFLOWS_MAX])
{
	const struct addr_pair *pair = &c->pairs.pair[c->pairs.first];
	unsigned n = engine_ports(c->engine, c->pairs.n > 1 ? pair : NULL, out);

	for (const struct dial *d = c->dials.first; d && n < SUBFLOWS_MAX; d = d->next)
		if (!d->late && d->pair == c->pairs.first)
			out[n++] = d->port;
	return n;
}

/* Plans with the connections that are there, and those under way. */
static int make_plan(struct client *c, unsigned most)
{
	uint16_t open[SUBFLOWS_MAX];
	struct pathmgr_wish wish = { .open = open, .max_flows = most };

	wish.n_open = open_ports(c, open);
	if (!c->config.follow_plan && c->config.n_flows < most)
		wish.max_flows = c->config.n_flows;
	if (!c->config.follow_plan)
		wish.min_flows = wish.max_flows;
	return pathmgr_plan(engine_paths(c->engine), &wish, &c->plan.plan);
}

/* A plan that uses the links of the first pair leaves one connection for each other pair. Where
 * nothing is known of links, all pairs share what is planned. */
static int plan_pairs(struct client *c, unsigned most)
{
	unsigned others = addr_pairs_n_joining(&c->pairs) - 1;
	int r = make_plan(c, most);

	if (r)
		return r;
	c->plan.kind = c->plan.plan.notes & PLAN_BLIND ? CLIENT_PLAN_SHARED : CLIENT_PLAN_LINKS;
	if (c->plan.kind == CLIENT_PLAN_LINKS && others && c->plan.plan.n_flows + others > most)
		r = make_plan(c, most > others ? most - others : 1);
	return r;
}

static void say_pairs(struct client *c)
{
	unsigned open[ADDR_PAIRS_MAX];
	char addrs[ADDR_PAIRS_TEXT_LEN];

	count_open(c, open);
	for (unsigned i = 0; i < c->pairs.n; i++) {
		addr_pairs_text(&c->pairs.pair[i], addrs);
		if (!c->pairs.pair[i].no_joins)
			client_note(c, 1, "%u subflow%s from %s", open[i], open[i] == 1 ? "" : "s",
				    addrs);
	}
}

static void say_plan(struct client *c)
{
	unsigned n_pairs = addr_pairs_n_joining(&c->pairs);
	uint16_t ports[PLAN_FLOWS_MAX];
	char text[OUTCOME_REASON_LEN];

	for (unsigned i = 0; i < c->plan.plan.n_flows; i++)
		ports[i] = c->plan.plan.flows[i].port;
	/* Pairs that share the connections may have other links than the first one. */
	if (c->plan.kind == CLIENT_PLAN_LINKS || n_pairs < 2)
		pathmgr_verdict(engine_paths(c->engine), ports, c->plan.plan.n_flows, text,
				sizeof(text));
	else
		text_printf(text, sizeof(text), "%u subflows over %u pairs of addresses",
			    c->plan.plan.n_flows, n_pairs);
	client_note(c, 1, "%s", text);
	if (pathmgr_explain(engine_paths(c->engine), &c->plan.plan, text, sizeof(text)))
		client_note(c, 1, "%s", text);
	if (n_pairs > 1)
		say_pairs(c);
}

/* Opens the connections that the plan has beside those that are there. Returns false if ports are
 * taken for which the plan has none instead: a new plan will. */
static bool dial_planned(struct client *c, bool last_try)
{
	uint16_t open[SUBFLOWS_MAX];
	unsigned have = follows_plan(c) ? open_ports(c, open) : client_n_open(c);

	for (unsigned i = have; i < c->plan.plan.n_flows; i++) {
		int pair = next_pair(c), fd;
		uint16_t port = 0;

		if (pair < 0)
			break;
		fd = connect_planned(c, (unsigned)pair, i, &port);
		if (dial_taken(fd) && !last_try)
			return false;
		client_dial(c, (unsigned)pair, fd, port);
	}
	return true;
}

/* One more connection, from a port that leads to some of these links. Returns false: none is left.
 */
static bool dial_candidate(struct client *c, unsigned pair, const uint32_t want[COVER_ENDS])
{
	struct pathmgr *paths = engine_paths(c->engine);
	uint16_t open[SUBFLOWS_MAX], port = 0;
	unsigned n = open_ports(c, open);
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && dial_taken(fd); i++) {
		port = pathmgr_candidate(paths, open, n, want);
		if (!port)
			return false;
		fd = connect_from(c, pair, port);
		if (dial_taken(fd))
			pathmgr_avoid(paths, port);
	}
	client_dial(c, pair, fd, port);
	return true;
}

/* A pair that has no connection gets one even if there are enough: over it may lie a link that is
 * idle. */
static void dial_bare(struct client *c, unsigned allowed)
{
	int pair;

	while (client_n_open(c) < allowed && (pair = bare_pair(c)) >= 0)
		if (!dial_candidate(c, (unsigned)pair, any_links))
			client_join_failed(c, (unsigned)pair, "no port is left", false);
}

static void dial_plan(struct client *c, unsigned most)
{
	struct client_plan *p = &c->plan;
	bool is_new = p->kind == CLIENT_PLAN_NONE;
	unsigned before = p->n_wanted;

	for (int i = 0; i < CLIENT_PLAN_TRIES; i++) {
		int r = plan_pairs(c, most);

		if (r) {
			p->kind = CLIENT_PLAN_NONE;
			client_join_failed(c, c->pairs.first, strerror(-r), false);
			return;
		}
		p->n_wanted = p->plan.n_flows;
		if (is_new)
			p->n_kept = p->plan.n_flows;
		if (dial_planned(c, i == CLIENT_PLAN_TRIES - 1))
			break;
	}
	dial_bare(c, most);
	if (p->n_wanted < client_n_open(c))
		p->n_wanted = client_n_open(c);
	if (is_new || p->n_wanted != before)
		say_plan(c);
}

void client_dial_first(struct client *c)
{
	uint16_t port = 0;
	int fd;

	if (c->config.source_port) {
		dial_block(c, c->pair);
		return;
	}
	/* The kernel's choice is as good as any: what follows is planned around it. */
	if (!c->config.ports_given)
		fd = connect_from(c, c->pair, 0);
	else if ((fd = make_plan(c, 1)) == 0)
		fd = connect_planned(c, c->pair, 0, &port);
	client_dial(c, c->pair, fd, port);
}

/* One connection in place of all that were lost, from a port that none of them had. The others
 * follow as planned when it is answered. */
void client_dial_again(struct client *c)
{
	uint16_t port = 0;
	int fd;

	client_wait(c, &c->redial_timer, CLIENT_REDIAL_NS);
	c->pair = addr_pairs_again(&c->pairs, c->pair);
	if (c->config.source_port)
		fd = connect_from_block(c, c->pair, &port);
	else if (make_plan(c, 1) == 0)
		fd = connect_planned(c, c->pair, 0, &port);
	else
		fd = connect_from(c, c->pair, 0);
	client_dial(c, c->pair, fd, port);
}

/* Over pairs of whose links no plan is made, from ports as they come. */
static void open_block(struct client *c, unsigned wanted)
{
	int pair;

	while (client_n_open(c) < wanted && (pair = next_pair(c)) >= 0)
		dial_block(c, (unsigned)pair);
}

/* How many connections are to be there, within what the session allows. */
void client_open_missing(struct client *c, unsigned allowed)
{
	unsigned have = client_n_open(c);
	bool lacks =
		c->plan.kind == CLIENT_PLAN_NONE || (have < c->plan.n_wanted && have < allowed);

	if (c->config.source_port)
		open_block(c, c->config.n_flows < allowed ? c->config.n_flows : allowed);
	else if (allowed > 1 && lacks && next_pair(c) >= 0)
		dial_plan(c, allowed);
	else if (have < allowed && allowed > 1)
		dial_bare(c, allowed);
}

/* Steering ------------------------------------------------------------------------------------- */

static void say_verdict(struct client *c)
{
	static const char *const texts[] = {
		[STEERING_ALL_USED] = "all links that can be used are in use",
		[STEERING_TAKEN_BACK] = "the links that seemed idle do carry data now",
	};
	char text[OUTCOME_REASON_LEN];
	enum steering_news news = steering_news(&c->steering, c->engine, text, sizeof(text));

	if (news == STEERING_NO_NEWS)
		return;
	engine_set_verdict(c->engine, text);
	client_note(c, 1, "%s", news == STEERING_VERDICT ? text : texts[news]);
}

/* Where a switch hashes in its own way, no port may be thought to lead to a lane that was
 * observed: what is predicted of the receiver's links is an assumption. */
static const uint32_t *senders_of(const uint32_t want[COVER_ENDS], uint32_t out[COVER_ENDS])
{
	for (unsigned end = 0; end < COVER_ENDS; end++)
		out[end] = cover_sends(end) ? want[end] : 0;
	return out;
}

static void steer(struct client *c, unsigned allowed)
{
	unsigned keep = c->config.follow_plan ? 1 : c->config.n_flows;
	const struct steering_limits limits = { keep, c->plan.n_kept, allowed };
	uint32_t senders[COVER_ENDS];
	struct steer_action act;
	unsigned n = 0;

	if (steering_step(&c->steering, c->engine, &limits, loop_now(c->loop), &act))
		return;
	for (unsigned i = 0; i < act.n_close; i++)
		engine_drain(c->engine, act.close[i]);
	/* The plan is made around the connections that stay. */
	if (act.restore) {
		client_note(
			c, 1,
			"the last change of subflows made the session slower: back to the plan");
		client_recount(c);
		c->plan.kind = CLIENT_PLAN_NONE;
		client_open_missing(c, act.most);
		return;
	}
	for (unsigned i = 0; i < act.n_open; i++)
		n += dial_candidate(c, c->pairs.first, act.want[i]) ||
		     dial_candidate(c, c->pairs.first, senders_of(act.want[i], senders));
	if (n)
		client_note(c, 2, "%u more subflows are tried", n);
	client_recount(c);
	if (act.n_open || act.n_close)
		c->plan.n_wanted = c->seen.n_live + c->dials.n;
	say_verdict(c);
}

/* When there is something to steer. Who names the ports has chosen the lanes; and of several pairs
 * each has links of its own, which steering by ports does not tell apart. */
static bool can_steer(const struct client *c)
{
	return c->config.steer && !c->config.source_port && addr_pairs_n_joining(&c->pairs) < 2 &&
	       !pathmgr_several(engine_paths(c->engine)) &&
	       session_subflows_wanted(engine_session(c->engine)) >= 2;
}

/* Are all connections made as planned, and none being made? */
static bool is_settled(const struct client *c)
{
	return c->state == CLIENT_JOINING && c->plan.kind != CLIENT_PLAN_NONE && !c->dials.n &&
	       addr_pairs_due(&c->pairs, loop_now(c->loop)) == LOOP_NEVER;
}

void client_steer_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;
	struct session *s = engine_session(c->engine);

	if (session_state(s) != SESSION_OPEN || session_finished(s))
		return;
	/* client_pumped begins again. */
	if (!can_steer(c)) {
		/* What was found of ports is not the whole any more. */
		if (pathmgr_several(engine_paths(c->engine)))
			engine_set_verdict(c->engine, "");
		return;
	}
	if (!session_lost(s) && is_settled(c))
		steer(c, session_subflows_wanted(s));
	loop_set_timer(c->loop, timer, steering_next(&c->steering, loop_now(c->loop)));
}

void client_replan(struct client *c)
{
	steering_reset(&c->steering);
	c->plan.kind = CLIENT_PLAN_NONE;
}

void client_start_steering(struct client *c)
{
	if (loop_timer_is_set(&c->steer_timer) || !can_steer(c))
		return;
	loop_set_timer(c->loop, &c->steer_timer, loop_now(c->loop) + STEERING_FAST_NS);
}
