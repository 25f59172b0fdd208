/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client is in one of these states; each has a look (client_pumped, after the engine has moved
 * something), and its answer to a connection that could not be made or is late.
 *
 *                    client_begin_preconnected
 *       CONNECTING ---------------------> PRECONNECTED
 *        ^ |  ^ ^                          | |
 *        | |  | `--- lost, or silent ------' | WELCOME
 *  lost  | |  stands                         |
 *        | v                                 v       all lost
 *       GREETING -------------------------> JOINING ----------> LOST
 *                 WELCOME                     ^                  |
 *                                             `------------------'
 *                                                 one answers
 *
 *   CONNECTING    no connection stands. Pairs of addresses are tried in turn, round after round,
 *                 while --retry lasts.
 *   PRECONNECTED  a connection stands that was there before the session (relay/preconnect.c). If
 *                 the peer is silent, nothing is wrong yet: another one is made.
 *   GREETING      the first connection stands, and WELCOME has not come.
 *   JOINING       the session runs: more connections join as planned, over pairs that do not rest.
 *   LOST          no connection works any more: one after another is tried, from new ports, for as
 *                 long as the session seeks one.
 *   ENDED         from any state: no connection will be made. The engine ends the session; why
 *                 stands in `failure`, or in the session.
 *
 *   What always holds: a timer of a state runs only in that state, and means one thing. No dial is
 *   under way while a first connection stands. The engine owns each connection that stands.
 */
#include "client/client_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* States --------------------------------------------------------------------------------------- */

static bool may_follow(enum client_state from, enum client_state next)
{
	static const unsigned after[CLIENT_N_STATES] = {
		[CLIENT_CONNECTING] = 1u << CLIENT_PRECONNECTED | 1u << CLIENT_GREETING,
		[CLIENT_PRECONNECTED] = 1u << CLIENT_CONNECTING | 1u << CLIENT_JOINING,
		[CLIENT_GREETING] = 1u << CLIENT_CONNECTING | 1u << CLIENT_JOINING,
		[CLIENT_JOINING] = 1u << CLIENT_LOST,
		[CLIENT_LOST] = 1u << CLIENT_JOINING,
	};

	return next == CLIENT_ENDED || after[from] >> next & 1;
}

static void clear_timers(struct client *c)
{
	loop_set_timer(c->loop, &c->attempt_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->welcome_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->join_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->redial_timer, LOOP_NEVER);
}

void client_enter(struct client *c, enum client_state next)
{
	assert(may_follow(c->state, next));
	c->state = next;
	clear_timers(c);
}

void client_wait(struct client *c, struct loop_timer *timer, uint64_t delay_ns)
{
	loop_set_timer(c->loop, timer, loop_now(c->loop) + delay_ns);
}

uint64_t client_next_delay(struct client *c)
{
	uint64_t delay = c->delay_ns ? c->delay_ns : CLIENT_RETRY_MIN_NS;

	c->delay_ns = 2 * delay < CLIENT_RETRY_MAX_NS ? 2 * delay : CLIENT_RETRY_MAX_NS;
	return delay;
}

void client_give_up(struct client *c)
{
	client_enter(c, CLIENT_ENDED);
	engine_give_up(c->engine);
}

unsigned client_n_open(const struct client *c)
{
	assert(c->dials.n_late <= c->dials.n);
	return engine_n_live(c->engine) + c->dials.n - c->dials.n_late;
}

/* Does the session run? */
static bool has_session(const struct client *c)
{
	return c->state == CLIENT_JOINING || c->state == CLIENT_LOST;
}

/* Dials ---------------------------------------------------------------------------------------- */

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
	loop_set_timer(c->loop, &c->join_timer, addr_pairs_due(&c->pairs, loop_now(c->loop)));
}

/* The session knows for how long it goes on without a connection; but when everything is confirmed
 * it waits only for the peer's sake. */
static void redial_failed(struct client *c, int error, const char *why)
{
	client_note(c, 2, "trying to connect again: %s", why);
	if (error == ECONNREFUSED && session_finished(engine_session(c->engine)))
		client_give_up(c);
	else
		client_wait(c, &c->redial_timer, client_next_delay(c));
}

static void attempt_failed(struct client *c, unsigned pair, bool stood, int error, const char *why)
{
	if (c->state == CLIENT_CONNECTING)
		client_first_failed(c, pair, stood, error, why);
	else if (c->state == CLIENT_JOINING)
		client_join_failed(c, pair, why, false);
	else if (c->state == CLIENT_LOST)
		redial_failed(c, error, why);
}

static void dial_connected(void *arg, uint64_t took_ns)
{
	struct client *c = arg;

	if (c->state == CLIENT_CONNECTING)
		c->took_ns = took_ns;
}

static void dial_failed(void *arg, unsigned pair, bool stood, int error, const char *why)
{
	attempt_failed(arg, pair, stood, error, why);
}

/* The connection is the engine's, or closed. Returns 0, or what engine_attach did. */
static int take(struct client *c, unsigned i, struct channel ch)
{
	struct addr_pair *pair = &c->pairs.pair[i];
	int r = engine_attach(c->engine, &(struct engine_arrival){ .channel = ch });

	assert(i < c->pairs.n);
	if (r) {
		channel_close(ch);
		return r;
	}
	/* Later ones are bound to the address that was hashed. */
	if (pair->local.sa.sa_family == AF_UNSPEC) {
		sock_local(ch.fd, &pair->local);
		sock_addr_set_port(&pair->local, 0);
	}
	return 0;
}

static void dial_done(void *arg, unsigned pair, struct channel ch)
{
	struct client *c = arg;
	int r = take(c, pair, ch);

	if (r)
		attempt_failed(c, pair, false, r < 0 ? -r : ENOBUFS,
			       r < 0 ? strerror(-r) : outcome_refusal_text(r));
	else if (c->state == CLIENT_CONNECTING)
		client_first_stands(c, pair, CLIENT_GREETING);
}

/* A SYN that is lost is sent again after a second, and then two: another connection from another
 * port, or for the first one over another pair, is there sooner. Should this one come yet, it is
 * welcome. */
static bool dial_late(void *arg)
{
	struct client *c = arg;

	if (c->state == CLIENT_CONNECTING)
		client_first_late(c);
	else if (c->state == CLIENT_JOINING)
		client_wait(c, &c->join_timer, 0);
	return c->state != CLIENT_LOST;
}

static uint64_t connect_limit(const struct client *c)
{
	if (c->state == CLIENT_LOST && c->config.connect_ns > CLIENT_REDIAL_NS)
		return CLIENT_REDIAL_NS;
	if (c->config.connect_ns != LOOP_NEVER)
		return c->config.connect_ns;
	/* Again: before the peer has forgotten the session, which may have served some of it. */
	if (has_session(c) || c->greeting.id_said || c->pair + 1 < c->pairs.n ||
	    client_may_retry(c))
		return CLIENT_CONNECT_NS;
	return LOOP_NEVER;
}

static uint64_t late_limit(const struct client *c)
{
	if (c->state == CLIENT_JOINING)
		return CLIENT_LATE_NS + 2 * c->took_ns;
	return c->state == CLIENT_CONNECTING && c->pairs.n > 1 ? CLIENT_LATE_NS : LOOP_NEVER;
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
	int r;

	assert(c->state == CLIENT_CONNECTING || has_session(c));
	r = fd < 0 ? fd : dials_add(&c->dials, fd, &wish);
	if (r)
		attempt_failed(c, pair, false, -r, strerror(-r));
}

void client_recount(struct client *c)
{
	for (unsigned i = 0; i < c->pairs.n; i++) {
		struct addr_pair *pair = &c->pairs.pair[i];

		engine_count(c->engine, pair, &pair->n_live, &pair->n_ready);
	}
	engine_count(c->engine, NULL, &c->seen.n_live, &c->seen.n_ready);
}

/* JOINING -------------------------------------------------------------------------------------- */

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
	if (live == c->seen.n_live && ready == c->seen.n_ready)
		return;
	c->seen.n_live = live;
	c->seen.n_ready = ready;
	for (unsigned i = 0; i < c->pairs.n; i++)
		watch_pair(c, i);
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

static void look_joining(struct client *c)
{
	struct session *s = engine_session(c->engine);

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
	loop_set_timer(c->loop, &c->join_timer, addr_pairs_due(&c->pairs, loop_now(c->loop)));
}

/* LOST ----------------------------------------------------------------------------------------- */

static void enter_lost(struct client *c)
{
	client_enter(c, CLIENT_LOST);
	c->delay_ns = 0;
	c->seen.n_live = engine_n_live(c->engine);
	if (loop_now(c->loop) - c->found_ns < CLIENT_REDIAL_PAUSE_NS)
		client_wait(c, &c->redial_timer, client_next_delay(c));
}

static void leave_lost(struct client *c)
{
	client_enter(c, CLIENT_JOINING);
	c->found_ns = loop_now(c->loop);
	c->delay_ns = 0;
	client_recount(c);
	for (unsigned i = 0; i < c->pairs.n; i++)
		if (c->pairs.pair[i].answered)
			addr_pairs_fresh(&c->pairs.pair[i]);
}

/* Several may stand unanswered: one that closes makes the client pause, one that is silent does
 * not stop the next. */
static void look_lost(struct client *c)
{
	unsigned live = engine_n_live(c->engine);

	if (live < c->seen.n_live)
		client_wait(c, &c->redial_timer, client_next_delay(c));
	c->seen.n_live = live;
	if (!loop_timer_is_set(&c->redial_timer) && c->dials.n == c->dials.n_late &&
	    live < CLIENT_REDIALS_MAX &&
	    session_seeks(engine_session(c->engine), loop_now(c->loop)))
		client_dial_again(c);
}

/* Looks ---------------------------------------------------------------------------------------- */

/* Its dials and its timer go on. */
static void look_connecting(struct client *c)
{
}

static void look_preconnected(struct client *c)
{
	if (!engine_n_live(c->engine))
		client_preconnected_lost(c);
}

static void look_greeting(struct client *c)
{
	if (!engine_n_live(c->engine))
		client_greeting_lost(c);
}

/* The engine may have bytes to send yet; nothing is to be done here. */
static void look_ended(struct client *c)
{
}

/* The states that the session decides on. */
static void follow_session(struct client *c)
{
	const struct session *s = engine_session(c->engine);

	if (c->state == CLIENT_PRECONNECTED || c->state == CLIENT_GREETING)
		client_establish(c);
	if (c->state == CLIENT_JOINING && session_lost(s))
		enter_lost(c);
	else if (c->state == CLIENT_LOST && !session_lost(s))
		leave_lost(c);
}

void client_pumped(struct client *c)
{
	static void (*const look[CLIENT_N_STATES])(struct client * c) = {
		[CLIENT_CONNECTING] = look_connecting,
		[CLIENT_PRECONNECTED] = look_preconnected,
		[CLIENT_GREETING] = look_greeting,
		[CLIENT_JOINING] = look_joining,
		[CLIENT_LOST] = look_lost,
		[CLIENT_ENDED] = look_ended,
	};
	enum session_state session = session_state(engine_session(c->engine));

	if (session == SESSION_OPEN)
		follow_session(c);
	if (session == SESSION_OPEN || session == SESSION_CONNECTING)
		look[c->state](c);
}

static void attempt_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;

	assert(c->state == CLIENT_CONNECTING);
	client_dial_first(c);
}

static void look_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;

	assert(has_session(c));
	client_pumped(c);
}

/* ---------------------------------------------------------------------------------------------- */

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

static void init_timer(struct client *c, struct loop_timer *timer,
		       void (*fn)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){ .fn = fn, .arg = c, .due_ns = LOOP_NEVER };
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
	c->retry_until = loop_now(loop) + config->retry_ns;
	init_timer(c, &c->attempt_timer, attempt_fired);
	init_timer(c, &c->welcome_timer, client_welcome_fired);
	init_timer(c, &c->join_timer, look_fired);
	init_timer(c, &c->redial_timer, look_fired);
	init_timer(c, &c->steer_timer, client_steer_fired);
	client_wait(c, &c->attempt_timer, 0);
	*out = c;
	return 0;
}

void client_begin_preconnected(struct client *c, const struct client_first *first)
{
	c->took_ns = first->took_ns;
	/* If the engine does not take it, one is made as ever. */
	if (!take(c, first->pair, first->ch))
		client_first_stands(c, first->pair, CLIENT_PRECONNECTED);
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	dials_clear(&c->dials);
	clear_timers(c);
	loop_set_timer(c->loop, &c->steer_timer, LOOP_NEVER);
	steering_free(&c->steering);
	free(c);
	return NULL;
}

const char *client_failure(const struct client *c)
{
	return c->failure[0] ? c->failure : NULL;
}
