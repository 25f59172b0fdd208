/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/client_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "path/own_addrs.h"
#include "path/sock_wire.h"
#include "session/session_links.h"
#include "session/session_subflow.h"
#include "util/text.h"

void client_note(const struct client *c, int level, const char *fmt, ...)
{
	char text[OUTCOME_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->events.note(c->events.arg, level, text);
}

__attribute__((format(printf, 2, 3))) static void fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(c->failure, sizeof(c->failure), fmt, ap);
	va_end(ap);
	c->failed = true;
	engine_give_up(c->engine);
}

/* Attempts ------------------------------------------------------------------------------------- */

static uint64_t next_delay(struct client *c)
{
	uint64_t delay = c->retry.delay_ns ? c->retry.delay_ns : CLIENT_RETRY_MIN_NS;

	c->retry.delay_ns = 2 * delay < CLIENT_RETRY_MAX_NS ? 2 * delay : CLIENT_RETRY_MAX_NS;
	return delay;
}

static bool may_retry(const struct client *c)
{
	return loop_now(c->loop) < c->retry.until_ns;
}

unsigned client_n_open(const struct client *c)
{
	return engine_n_live(c->engine) + c->dials.n - c->dials.n_late;
}

/* Is there another pair of addresses to try in this round? Then it is, in a moment. */
static bool try_next(struct client *c)
{
	if (!c->retry.timer.linked && c->route + 1 < c->routes.n) {
		c->route++;
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop));
	}
	return c->retry.timer.linked;
}

/* An attempt for the first connection failed: the next pair, the next round, or the end. */
static void first_failed(struct client *c, unsigned route, const char *why)
{
	char pair[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_text(&c->routes.route[route], pair);
	client_note(c, 1, "%s port %s: %s", pair, c->config.port, why);
	if (try_next(c) || c->dials.n)
		return;
	c->route = 0;
	if (may_retry(c))
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop) + next_delay(c));
	else
		fail(c, "cannot connect to %s port %s: %s", c->config.host, c->config.port,
		     c->greeting.spoilt[0] ? c->greeting.spoilt : why);
	c->greeting.spoilt[0] = '\0';
}

/* The first connection stood and ended before WELCOME. */
static void first_spoilt(struct client *c, unsigned route, int error, const char *why)
{
	text_printf(c->greeting.spoilt, sizeof(c->greeting.spoilt), "%s", why);
	/* That it speaks no TLS is seen at once. */
	c->greeting.n_unproved += error == EPROTONOSUPPORT ? CLIENT_GREETINGS : error == EPROTO;
	if (c->greeting.n_unproved < CLIENT_GREETINGS &&
	    ++c->greeting.n_spoilt < CLIENT_GREETINGS) {
		client_note(c, 1, "%s port %s: %s; once more", c->config.host, c->config.port, why);
		c->route = route;
		c->again = true;
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop) + next_delay(c));
		return;
	}
	/* A peer with another key will have it in a minute, too. */
	if (c->greeting.n_unproved >= CLIENT_GREETINGS)
		c->retry.until_ns = 0;
	first_failed(c, route, why);
}

/* The session goes on with those it has. */
void client_join_failed(struct client *c, unsigned i, const char *why, bool refused)
{
	struct addr_pair *route = &c->routes.route[i];
	char pair[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_failed(route, refused, loop_now(c->loop));
	addr_pairs_text(route, pair);
	/* Said once: of the only pair when it goes on, of one among others when it begins. */
	client_note(c, addr_pairs_n_joining(&c->routes) > 1 && route->failures == 1 ? 1 : 2,
		    "one more subflow (%s): %s", pair, why);
	if (route->failures == ADDR_PAIRS_FAILURES_MAX)
		client_note(c, 1,
			    "%u attempts to open one more subflow (%s) failed, the last one: %s",
			    route->failures, pair, why);
	loop_set_timer(c->loop, &c->retry.timer, addr_pairs_due(&c->routes, loop_now(c->loop)));
}

/* All connections were lost, and another one could not be made. The session knows for how long that
 * may go on; but when everything is confirmed it waits only for the peer's sake. */
static void redial_failed(struct client *c, int error, const char *why)
{
	client_note(c, 2, "trying to connect again: %s", why);
	if (error == ECONNREFUSED && session_finished(engine_session(c->engine)))
		engine_give_up(c->engine);
	else
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop) + next_delay(c));
}

static void attempt_failed(struct client *c, unsigned route, int error, const char *why)
{
	if (!c->established)
		first_failed(c, route, why);
	else if (session_lost(engine_session(c->engine)))
		redial_failed(c, error, why);
	else
		client_join_failed(c, route, why, false);
}

static void dial_connected(void *arg, uint64_t took_ns)
{
	struct client *c = arg;

	if (!c->established)
		c->took_ns = took_ns;
}

static void dial_failed(void *arg, unsigned route, bool stood, int error, const char *why)
{
	struct client *c = arg;

	if (stood && error == ETIMEDOUT)
		c->greeting.spoilt[0] = '\0';
	if (stood && error != ETIMEDOUT && !c->established)
		first_spoilt(c, route, error, why);
	else
		attempt_failed(c, route, error, why);
}

/* The connection is the engine's, or closed. Returns 0, or what engine_attach did. */
static int take(struct client *c, unsigned i, struct channel ch)
{
	struct addr_pair *route = &c->routes.route[i];
	int r = engine_attach(c->engine, &(struct engine_arrival){ .channel = ch });

	if (r) {
		channel_close(ch);
		return r;
	}
	/* Later ones are bound to the address that was hashed. */
	if (route->local.sa.sa_family == AF_UNSPEC) {
		sock_local(ch.fd, &route->local);
		sock_addr_set_port(&route->local, 0);
	}
	if (c->established)
		return 0;
	c->routes.first = c->route = i;
	dials_clear(&c->dials);
	loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->hello_timer, loop_now(c->loop) + CLIENT_HELLO_NS);
	return 0;
}

static void dial_done(void *arg, unsigned route, struct channel ch)
{
	int r = take(arg, route, ch);

	if (r < 0)
		attempt_failed(arg, route, -r, strerror(-r));
}

/* A SYN that is lost is sent again after a second, and then two: another connection from another
 * port, or for the first one over another pair, is there sooner. Should this one come yet, it is
 * welcome. */
static bool dial_late(void *arg)
{
	struct client *c = arg;

	if (c->established && session_lost(engine_session(c->engine)))
		return false;
	if (c->established)
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop));
	else
		try_next(c);
	return true;
}

static uint64_t connect_limit(const struct client *c)
{
	if (c->loss.lost && c->config.connect_ns > CLIENT_REDIAL_NS)
		return CLIENT_REDIAL_NS;
	if (c->config.connect_ns != LOOP_NEVER)
		return c->config.connect_ns;
	/* Again: before the peer has forgotten the session, which may have served some of it. */
	if (c->established || c->again || c->route + 1 < c->routes.n || may_retry(c))
		return CLIENT_CONNECT_NS;
	return LOOP_NEVER;
}

static uint64_t late_limit(const struct client *c)
{
	if (!c->established)
		return c->routes.n > 1 ? CLIENT_LATE_NS : LOOP_NEVER;
	return session_lost(engine_session(c->engine)) ? LOOP_NEVER
						       : CLIENT_LATE_NS + 2 * c->took_ns;
}

/* The number that a listener at this address has to prove to know before it is said there. */
static const uint8_t *number_to_prove(const struct client *c, const struct addr_pair *route)
{
	const struct session *s = engine_session(c->engine);

	return route->told && session_features(s) & WIRE_FEATURE_PROVE ? session_id(s) : NULL;
}

void client_dial(struct client *c, unsigned route, int fd, uint16_t port)
{
	const struct dial_wish wish = { .route = route,
					.port = port,
					.late_ns = late_limit(c),
					.limit_ns = connect_limit(c),
					.session = number_to_prove(c, &c->routes.route[route]) };
	int r = fd < 0 ? fd : dials_add(&c->dials, fd, &wish);

	if (r)
		attempt_failed(c, route, -r, strerror(-r));
}

static void retry_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;

	if (c->established)
		client_pumped(c);
	else
		client_dial_first(c);
}

void client_recount(struct client *c)
{
	for (unsigned i = 0; i < c->routes.n; i++) {
		struct addr_pair *route = &c->routes.route[i];

		engine_count(c->engine, route, &route->n_live, &route->n_ready);
	}
	engine_count(c->engine, NULL, &c->loss.n_live, &c->loss.n_ready);
}

/* The first connection ------------------------------------------------------------------------- */

static void hello_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;
	uint64_t heard = session_heard(engine_session(c->engine));

	if (heard > c->greeting.heard) {
		c->greeting.heard = heard;
		loop_set_timer(c->loop, timer, loop_now(c->loop) + CLIENT_HELLO_NS);
		return;
	}
	if (c->warm) {
		engine_drop(c->engine);
		return;
	}
	fail(c, "%s port %s accepts connections but says nothing: is it mpnc?", c->config.host,
	     c->config.port);
}

/* The first connection closed before WELCOME. */
static void first_lost(struct client *c)
{
	const struct session_end *end = session_end(engine_session(c->engine));
	const char *error = engine_last_error(c->engine);

	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	if (c->warm && end->kind != SESSION_END_REFUSED) {
		client_note(c, 2, "the connection that was ready is gone: another one is made");
		c->warm = false;
		c->again = true;
		/* Our addresses and the ways may have changed since it was made. */
		if (!c->config.n_sources)
			c->routes.route[c->routes.first].local.sa.sa_family = AF_UNSPEC;
		c->route = 0;
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop));
		return;
	}
	/* A full house may empty; no other refusal goes away by itself. */
	if (end->kind == SESSION_END_REFUSED && !(end->reason == WIRE_R_BUSY && may_retry(c))) {
		engine_give_up(c->engine);
		return;
	}
	/* Busy there means busy at every address of it. */
	if (end->kind == SESSION_END_REFUSED) {
		c->route = c->routes.n - 1;
		first_failed(c, c->routes.first, end->text);
	} else {
		first_spoilt(c, c->routes.first, 0,
			     error ? error : "it closed the connection without sending a byte");
	}
}

static void watch_route(struct client *c, unsigned i)
{
	struct addr_pair *route = &c->routes.route[i];
	unsigned live, ready, before = route->n_live;

	engine_count(c->engine, route, &live, &ready);
	if (ready > route->n_ready)
		addr_pairs_answered(route);
	route->n_ready = ready;
	route->n_live = live;
	if (live < before)
		client_join_failed(c, i,
				   route->answered ? "the connection was lost"
						   : "the peer closed the connection",
				   !route->answered);
}

/* One that was lost, or refused, is not replaced at once: that could go on as fast as it fails. */
static void watch_subflows(struct client *c)
{
	unsigned live, ready;

	engine_count(c->engine, NULL, &live, &ready);
	if (live == c->loss.n_live && ready == c->loss.n_ready)
		return;
	c->loss.n_live = live;
	c->loss.n_ready = ready;
	for (unsigned i = 0; i < c->routes.n; i++)
		watch_route(c, i);
}

static void redial(struct client *c)
{
	unsigned live = engine_n_live(c->engine);
	uint64_t now_ns = loop_now(c->loop);

	if (!c->loss.lost) {
		c->loss.lost = true;
		c->retry.delay_ns = 0;
		if (now_ns - c->loss.over_ns < CLIENT_REDIAL_PAUSE_NS)
			loop_set_timer(c->loop, &c->retry.timer, now_ns + next_delay(c));
		else
			loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
	} else if (live < c->loss.n_live) {
		loop_set_timer(c->loop, &c->retry.timer, now_ns + next_delay(c));
	}
	c->loss.n_live = live;
	if (!c->retry.timer.linked && c->dials.n == c->dials.n_late && live < CLIENT_REDIALS_MAX &&
	    session_seeks(engine_session(c->engine), now_ns))
		client_dial_again(c);
}

static void found_again(struct client *c)
{
	c->loss.lost = false;
	c->loss.over_ns = loop_now(c->loop);
	c->retry.delay_ns = 0;
	client_recount(c);
	for (unsigned i = 0; i < c->routes.n; i++)
		if (c->routes.route[i].answered)
			addr_pairs_fresh(&c->routes.route[i]);
	loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
}

/* One connection is enough again. */
static void close_surplus(struct client *c)
{
	engine_drain_surplus(c->engine);
	client_recount(c);
}

/* By what the links of each carry on this side. Pairs without a known speed count alike. */
static void weigh_routes(struct client *c)
{
	uint32_t speed[ADDR_PAIRS_MAX];
	bool known = addr_pairs_n_joining(&c->routes) > 1;

	c->weighed = true;
	for (unsigned i = 0; i < c->routes.n && known; i++) {
		const struct addr_pair *route = &c->routes.route[i];

		speed[i] = route->idle ? 1
				       : pathmgr_speed(engine_paths(c->engine), &route->local,
						       &route->remote);
		known = speed[i];
	}
	for (unsigned i = 0; i < c->routes.n; i++)
		c->routes.route[i].weight = known ? speed[i] : 1;
}

/* The peer's other addresses, on the port that it was asked for. It may name any: they are taken
 * only from one whom the user trusts with that, and those only that are another machine's. */
static void add_told(struct client *c)
{
	const struct wire_addrs *told = session_peer_addrs(engine_session(c->engine));
	const union sock_addr *first = &c->routes.route[c->routes.first].remote;
	unsigned n = c->routes.n;

	for (unsigned i = 0; i < told->n && c->config.all_pairs; i++) {
		union sock_addr addr;

		sock_wire_back(&addr, &told->addr[i], sock_addr_port(first));
		if (own_addrs_reachable(&addr) && !pathmgr_is_here(engine_paths(c->engine), &addr))
			addr_pairs_add(&c->routes, &addr, c->config.sources, c->config.n_sources);
	}
	if (c->routes.n > n && !c->config.multihome) {
		client_note(c, 1, "the peer has other addresses too: --multihome uses them");
		c->routes.n = n;
	}
	for (; n < c->routes.n; n++)
		c->routes.route[n].told = true;
}

/* WELCOME came. */
static void establish(struct client *c)
{
	struct addr_pair *first = &c->routes.route[c->routes.first];

	c->established = true;
	c->retry.delay_ns = 0;
	addr_pairs_answered(first);
	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	add_told(c);
	for (unsigned i = 0; i < c->routes.n; i++) {
		struct addr_pair *route = &c->routes.route[i];

		route->idle = route != first &&
			      (!c->config.all_pairs ||
			       (!c->config.both_families &&
				route->remote.sa.sa_family != first->remote.sa.sa_family));
	}
}

void client_pumped(struct client *c)
{
	struct session *s = engine_session(c->engine);

	if (c->failed)
		return;
	if (session_state(s) == SESSION_CONNECTING) {
		if (!engine_n_live(c->engine) && !c->dials.n && !c->retry.timer.linked)
			first_lost(c);
		return;
	}
	if (session_state(s) != SESSION_OPEN)
		return;
	if (!c->established)
		establish(c);
	if (session_lost(s)) {
		redial(c);
		return;
	}
	if (c->loss.lost)
		found_again(c);
	if (session_finished(s))
		return;
	watch_subflows(c);
	if (session_calm(s))
		close_surplus(c);
	client_start_steering(c);
	/* It asks the kernel, which most of a relay's sessions can do without. */
	if (!c->weighed && session_subflows_wanted(s) > 1)
		weigh_routes(c);
	client_open_missing(c, session_subflows_wanted(s));
	/* Another pair may still rest when the timer of one is over. */
	if (!c->retry.timer.linked)
		loop_set_timer(c->loop, &c->retry.timer,
			       addr_pairs_due(&c->routes, loop_now(c->loop)));
}

/* All pairs in the order in which they are tried. */
static void make_routes(struct client *c)
{
	const struct client_config *config = &c->config;
	char addr[SOCK_ADDR_LEN];

	for (int i = 0; i < config->n_addrs; i++)
		addr_pairs_add(&c->routes, &config->addrs[i], config->sources, config->n_sources);
	for (int i = 0; i < config->n_sources; i++) {
		bool used = false;

		for (unsigned j = 0; j < c->routes.n; j++)
			used |= c->routes.route[j].local.sa.sa_family ==
				config->sources[i].sa.sa_family;
		sock_addr_text(addr, &config->sources[i]);
		if (!used)
			client_note(c, 1, "%s is not used: %s has no address of its family", addr,
				    config->host);
	}
}

int client_new(struct client **out, struct loop *loop, struct engine *engine,
	       const struct client_config *config, const struct engine_events *events)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->engine = engine;
	c->config = *config;
	c->events = *events;
	c->dials = (struct dials){ .loop = loop,
				   .tls = config->tls,
				   .events = { .connected = dial_connected,
					       .done = dial_done,
					       .late = dial_late,
					       .failed = dial_failed,
					       .arg = c } };
	make_routes(c);
	if (!c->routes.n) {
		free(c);
		return -EAFNOSUPPORT;
	}
	c->retry.until_ns = loop_now(loop) + config->retry_ns;
	c->retry.timer = (struct loop_timer){ .fn = retry_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->hello_timer = (struct loop_timer){ .fn = hello_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->steer_timer =
		(struct loop_timer){ .fn = client_steer_fired, .arg = c, .due_ns = LOOP_NEVER };
	loop_set_timer(loop, &c->retry.timer, loop_now(loop));
	*out = c;
	return 0;
}

void client_begin_warm(struct client *c, const struct client_first *first)
{
	c->took_ns = first->took_ns;
	/* Else one is made as ever. */
	c->warm = take(c, first->route, first->ch) == 0;
	if (c->warm)
		loop_set_timer(c->loop, &c->hello_timer, loop_now(c->loop) + CLIENT_WARM_NS);
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	dials_clear(&c->dials);
	loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->steer_timer, LOOP_NEVER);
	steering_free(&c->steering);
	free(c);
	return NULL;
}

const char *client_failure(const struct client *c)
{
	return c->failed ? c->failure : NULL;
}
