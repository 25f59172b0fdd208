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
	if (!c->retry.timer.linked && c->pair + 1 < c->pairs.n) {
		c->pair++;
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop));
	}
	return c->retry.timer.linked;
}

/* An attempt for the first connection failed: the next pair, the next round, or the end. */
static void first_failed(struct client *c, unsigned pair, const char *why)
{
	char addrs[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_text(&c->pairs.pair[pair], addrs);
	client_note(c, 1, "%s port %s: %s", addrs, c->config.port, why);
	if (try_next(c) || c->dials.n)
		return;
	c->pair = 0;
	if (may_retry(c))
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop) + next_delay(c));
	else
		fail(c, "cannot connect to %s port %s: %s", c->config.host, c->config.port,
		     c->greeting.spoilt[0] ? c->greeting.spoilt : why);
	c->greeting.spoilt[0] = '\0';
}

/* The first connection stood and ended before WELCOME. */
static void first_spoilt(struct client *c, unsigned pair, int error, const char *why)
{
	text_printf(c->greeting.spoilt, sizeof(c->greeting.spoilt), "%s", why);
	/* That it speaks no TLS is seen at once. */
	c->greeting.n_unproved += error == EPROTONOSUPPORT ? CLIENT_GREETINGS : error == EPROTO;
	if (c->greeting.n_unproved < CLIENT_GREETINGS &&
	    ++c->greeting.n_spoilt < CLIENT_GREETINGS) {
		client_note(c, 1, "%s port %s: %s; once more", c->config.host, c->config.port, why);
		c->pair = pair;
		c->again = true;
		loop_set_timer(c->loop, &c->retry.timer, loop_now(c->loop) + next_delay(c));
		return;
	}
	/* A peer with another key will have it in a minute, too. */
	if (c->greeting.n_unproved >= CLIENT_GREETINGS)
		c->retry.until_ns = 0;
	first_failed(c, pair, why);
}

/* The session goes on with those it has. */
void client_join_failed(struct client *c, unsigned i, const char *why, bool refused)
{
	struct addr_pair *pair = &c->pairs.pair[i];
	char addrs[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_failed(pair, refused, loop_now(c->loop));
	addr_pairs_text(pair, addrs);
	/* Said once: of the only pair when it goes on, of one among others when it begins. */
	client_note(c, addr_pairs_n_joining(&c->pairs) > 1 && pair->failures == 1 ? 1 : 2,
		    "one more subflow (%s): %s", addrs, why);
	if (pair->failures == ADDR_PAIRS_FAILURES_MAX)
		client_note(c, 1,
			    "%u attempts to open one more subflow (%s) failed, the last one: %s",
			    pair->failures, addrs, why);
	loop_set_timer(c->loop, &c->retry.timer, addr_pairs_due(&c->pairs, loop_now(c->loop)));
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

static void attempt_failed(struct client *c, unsigned pair, int error, const char *why)
{
	if (!c->established)
		first_failed(c, pair, why);
	else if (session_lost(engine_session(c->engine)))
		redial_failed(c, error, why);
	else
		client_join_failed(c, pair, why, false);
}

static void dial_connected(void *arg, uint64_t took_ns)
{
	struct client *c = arg;

	if (!c->established)
		c->took_ns = took_ns;
}

static void dial_failed(void *arg, unsigned pair, bool stood, int error, const char *why)
{
	struct client *c = arg;

	if (stood && error == ETIMEDOUT)
		c->greeting.spoilt[0] = '\0';
	if (stood && error != ETIMEDOUT && !c->established)
		first_spoilt(c, pair, error, why);
	else
		attempt_failed(c, pair, error, why);
}

/* The connection is the engine's, or closed. Returns 0, or what engine_attach did. */
static int take(struct client *c, unsigned i, struct channel ch)
{
	struct addr_pair *pair = &c->pairs.pair[i];
	int r = engine_attach(c->engine, &(struct engine_arrival){ .channel = ch });

	if (r) {
		channel_close(ch);
		return r;
	}
	/* Later ones are bound to the address that was hashed. */
	if (pair->local.sa.sa_family == AF_UNSPEC) {
		sock_local(ch.fd, &pair->local);
		sock_addr_set_port(&pair->local, 0);
	}
	if (c->established)
		return 0;
	c->pairs.first = c->pair = i;
	dials_clear(&c->dials);
	loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->hello_timer, loop_now(c->loop) + CLIENT_HELLO_NS);
	return 0;
}

static void dial_done(void *arg, unsigned pair, struct channel ch)
{
	int r = take(arg, pair, ch);

	if (r < 0)
		attempt_failed(arg, pair, -r, strerror(-r));
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
	if (c->established || c->again || c->pair + 1 < c->pairs.n || may_retry(c))
		return CLIENT_CONNECT_NS;
	return LOOP_NEVER;
}

static uint64_t late_limit(const struct client *c)
{
	if (!c->established)
		return c->pairs.n > 1 ? CLIENT_LATE_NS : LOOP_NEVER;
	return session_lost(engine_session(c->engine)) ? LOOP_NEVER
						       : CLIENT_LATE_NS + 2 * c->took_ns;
}

/* The number that a listener at this address has to prove to know before it is said there. */
static const uint8_t *number_to_prove(const struct client *c, const struct addr_pair *pair)
{
	const struct session *s = engine_session(c->engine);

	return pair->announced && session_features(s) & WIRE_FEATURE_PROVE ? session_id(s) : NULL;
}

void client_dial(struct client *c, unsigned pair, int fd, uint16_t port)
{
	const struct dial_wish wish = { .pair = pair,
					.port = port,
					.late_ns = late_limit(c),
					.limit_ns = connect_limit(c),
					.session = number_to_prove(c, &c->pairs.pair[pair]) };
	int r = fd < 0 ? fd : dials_add(&c->dials, fd, &wish);

	if (r)
		attempt_failed(c, pair, -r, strerror(-r));
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
	for (unsigned i = 0; i < c->pairs.n; i++) {
		struct addr_pair *pair = &c->pairs.pair[i];

		engine_count(c->engine, pair, &pair->n_live, &pair->n_ready);
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
			c->pairs.pair[c->pairs.first].local.sa.sa_family = AF_UNSPEC;
		c->pair = 0;
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
		c->pair = c->pairs.n - 1;
		first_failed(c, c->pairs.first, end->text);
	} else {
		first_spoilt(c, c->pairs.first, 0,
			     error ? error : "it closed the connection without sending a byte");
	}
}

static void watch_pair(struct client *c, unsigned i)
{
	struct addr_pair *pair = &c->pairs.pair[i];
	unsigned live, ready, before = pair->n_live;

	engine_count(c->engine, pair, &live, &ready);
	if (ready > pair->n_ready)
		addr_pairs_answered(pair);
	pair->n_ready = ready;
	pair->n_live = live;
	if (live < before)
		client_join_failed(c, i,
				   pair->answered ? "the connection was lost"
						  : "the peer closed the connection",
				   !pair->answered);
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
	for (unsigned i = 0; i < c->pairs.n; i++)
		watch_pair(c, i);
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
	for (unsigned i = 0; i < c->pairs.n; i++)
		if (c->pairs.pair[i].answered)
			addr_pairs_fresh(&c->pairs.pair[i]);
	loop_set_timer(c->loop, &c->retry.timer, LOOP_NEVER);
}

/* One connection is enough again. */
static void close_surplus(struct client *c)
{
	engine_drain_surplus(c->engine);
	client_recount(c);
}

/* By what the links of each carry on this side. Pairs without a known speed count alike. */
static void weigh_pairs(struct client *c)
{
	uint32_t speed[ADDR_PAIRS_MAX];
	bool known = addr_pairs_n_joining(&c->pairs) > 1;

	c->weighed = true;
	for (unsigned i = 0; i < c->pairs.n && known; i++) {
		const struct addr_pair *pair = &c->pairs.pair[i];

		speed[i] = pair->no_joins ? 1
					  : pathmgr_speed(engine_paths(c->engine), &pair->local,
							  &pair->remote);
		known = speed[i];
	}
	for (unsigned i = 0; i < c->pairs.n; i++)
		c->pairs.pair[i].weight = known ? speed[i] : 1;
}

/* The peer's other addresses, on the port that it was asked for. It may name any: they are taken
 * only from one whom the user trusts with that, and those only that are another machine's. */
static void add_announced(struct client *c)
{
	const struct wire_addrs *announced = session_peer_addrs(engine_session(c->engine));
	const union sock_addr *first = &c->pairs.pair[c->pairs.first].remote;
	unsigned n = c->pairs.n;

	for (unsigned i = 0; i < announced->n && c->config.all_pairs; i++) {
		union sock_addr addr;

		sock_wire_back(&addr, &announced->addr[i], sock_addr_port(first));
		if (own_addrs_reachable(&addr) && !pathmgr_is_here(engine_paths(c->engine), &addr))
			addr_pairs_add(&c->pairs, &addr, c->config.sources, c->config.n_sources);
	}
	if (c->pairs.n > n && !c->config.multihome) {
		client_note(c, 1, "the peer has other addresses too: --multihome uses them");
		c->pairs.n = n;
	}
	for (; n < c->pairs.n; n++)
		c->pairs.pair[n].announced = true;
}

/* WELCOME came. */
static void establish(struct client *c)
{
	struct addr_pair *first = &c->pairs.pair[c->pairs.first];

	c->established = true;
	c->retry.delay_ns = 0;
	addr_pairs_answered(first);
	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	add_announced(c);
	for (unsigned i = 0; i < c->pairs.n; i++) {
		struct addr_pair *pair = &c->pairs.pair[i];

		pair->no_joins = pair != first &&
				 (!c->config.all_pairs ||
				  (!c->config.both_families &&
				   pair->remote.sa.sa_family != first->remote.sa.sa_family));
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
		weigh_pairs(c);
	client_open_missing(c, session_subflows_wanted(s));
	/* Another pair may still rest when the timer of one is over. */
	if (!c->retry.timer.linked)
		loop_set_timer(c->loop, &c->retry.timer,
			       addr_pairs_due(&c->pairs, loop_now(c->loop)));
}

/* All pairs in the order in which they are tried. */
static void make_pairs(struct client *c)
{
	const struct client_config *config = &c->config;
	char addr[SOCK_ADDR_LEN];

	for (int i = 0; i < config->n_addrs; i++)
		addr_pairs_add(&c->pairs, &config->addrs[i], config->sources, config->n_sources);
	for (int i = 0; i < config->n_sources; i++) {
		bool used = false;

		for (unsigned j = 0; j < c->pairs.n; j++)
			used |= c->pairs.pair[j].local.sa.sa_family ==
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
	make_pairs(c);
	if (!c->pairs.n) {
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
	c->warm = take(c, first->pair, first->ch) == 0;
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
