/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client before it has a session: CONNECTING, PRECONNECTED and GREETING of client.c.
 *
 * A round tries each pair of addresses once: the next one when the one before failed or is late, so
 * that several may be under way; the first that stands wins, and the others are closed. A round in
 * which all failed is followed by another one, after a pause, while --retry lasts. A connection
 * that stood and was spoilt before WELCOME, as by a flipped bit, has its own few tries
 * (CLIENT_GREETINGS) over the same pair, whatever --retry says.
 *
 *   What always holds: in CONNECTING a dial is under way or attempt_timer runs; in the other two
 *   welcome_timer runs, and no dial is under way.
 */
#include "client/client_internal.h"

#include <assert.h>
#include <errno.h>

#include "path/own_addrs.h"
#include "path/sock_wire.h"
#include "session/session_links.h"
#include "util/text.h"

__attribute__((format(printf, 2, 3))) static void fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(c->failure, sizeof(c->failure), fmt, ap);
	va_end(ap);
	client_give_up(c);
}

bool client_may_retry(const struct client *c)
{
	return loop_now(c->loop) < c->retry_until;
}

/* CONNECTING ----------------------------------------------------------------------------------- */

/* The next pair of this round, if one is left and no attempt is due yet. */
void client_first_late(struct client *c)
{
	if (!loop_timer_is_set(&c->attempt_timer) && c->pair + 1 < c->pairs.n) {
		c->pair++;
		client_wait(c, &c->attempt_timer, 0);
	}
}

/* An attempt failed: the next pair, the next round, or the end. */
static void try_on(struct client *c, unsigned pair, const char *why)
{
	char addrs[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_text(&c->pairs.pair[pair], addrs);
	client_note(c, 1, "%s port %s: %s", addrs, c->config.port, why);
	client_first_late(c);
	if (loop_timer_is_set(&c->attempt_timer) || c->dials.n)
		return;
	c->pair = 0;
	if (client_may_retry(c))
		client_wait(c, &c->attempt_timer, client_next_delay(c));
	else
		fail(c, "cannot connect to %s port %s: %s", c->config.host, c->config.port,
		     c->greeting.spoilt[0] ? c->greeting.spoilt : why);
	c->greeting.spoilt[0] = '\0';
}

/* The first connection stood and ended before WELCOME. */
static void spoilt(struct client *c, unsigned pair, int error, const char *why)
{
	text_printf(c->greeting.spoilt, sizeof(c->greeting.spoilt), "%s", why);
	/* That it speaks no TLS is seen at once. */
	c->greeting.n_unproved += error == EPROTONOSUPPORT ? CLIENT_GREETINGS : error == EPROTO;
	if (c->greeting.n_unproved < CLIENT_GREETINGS &&
	    ++c->greeting.n_spoilt < CLIENT_GREETINGS) {
		client_note(c, 1, "%s port %s: %s; once more", c->config.host, c->config.port, why);
		c->pair = pair;
		c->greeting.id_said = true;
		client_wait(c, &c->attempt_timer, client_next_delay(c));
		return;
	}
	/* A peer with another key will have it in a minute, too. */
	if (c->greeting.n_unproved >= CLIENT_GREETINGS)
		c->retry_until = 0;
	try_on(c, pair, why);
}

void client_first_failed(struct client *c, unsigned pair, bool stood, int error, const char *why)
{
	assert(c->state == CLIENT_CONNECTING);
	if (stood && error == ETIMEDOUT)
		c->greeting.spoilt[0] = '\0';
	if (stood && error != ETIMEDOUT)
		spoilt(c, pair, error, why);
	else
		try_on(c, pair, why);
}

/* PRECONNECTED, GREETING ----------------------------------------------------------------------- */

void client_first_stands(struct client *c, unsigned pair, enum client_state next)
{
	client_enter(c, next);
	c->pairs.first = c->pair = pair;
	dials_clear(&c->dials);
	client_wait(c, &c->welcome_timer,
		    next == CLIENT_PRECONNECTED ? CLIENT_PRECONNECTED_NS : CLIENT_HELLO_NS);
}

void client_welcome_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;
	uint64_t heard = session_heard(engine_session(c->engine));

	if (heard > c->greeting.heard) {
		c->greeting.heard = heard;
		client_wait(c, timer, CLIENT_HELLO_NS);
	} else if (c->state == CLIENT_PRECONNECTED) {
		engine_drop(c->engine);
	} else {
		fail(c, "%s port %s accepts connections but says nothing: is it mpnc?",
		     c->config.host, c->config.port);
	}
}

/* A full house may empty; no other refusal goes away by itself. Busy there means busy at every
 * address of it. */
static void refused(struct client *c, const struct session_end *end)
{
	if (end->reason != WIRE_R_BUSY || !client_may_retry(c)) {
		client_give_up(c);
		return;
	}
	client_enter(c, CLIENT_CONNECTING);
	c->pair = c->pairs.n - 1;
	try_on(c, c->pairs.first, end->text);
}

void client_greeting_lost(struct client *c)
{
	const struct session_end *end = session_end(engine_session(c->engine));
	const char *error = engine_last_error(c->engine);

	if (end->kind == SESSION_END_REFUSED) {
		refused(c, end);
		return;
	}
	client_enter(c, CLIENT_CONNECTING);
	spoilt(c, c->pairs.first, 0,
	       error ? error : "it closed the connection without sending a byte");
}

void client_preconnected_lost(struct client *c)
{
	const struct session_end *end = session_end(engine_session(c->engine));

	if (end->kind == SESSION_END_REFUSED) {
		refused(c, end);
		return;
	}
	client_note(c, 2, "the connection that was ready is gone: another one is made");
	client_enter(c, CLIENT_CONNECTING);
	c->greeting.id_said = true;
	/* Our addresses and the routes may have changed since it was made. */
	if (!c->config.n_sources)
		c->pairs.pair[c->pairs.first].local.sa.sa_family = AF_UNSPEC;
	c->pair = 0;
	client_wait(c, &c->attempt_timer, 0);
}

/* WELCOME -------------------------------------------------------------------------------------- */

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

void client_establish(struct client *c)
{
	struct addr_pair *first = &c->pairs.pair[c->pairs.first];

	client_enter(c, CLIENT_JOINING);
	c->delay_ns = 0;
	addr_pairs_answered(first);
	add_announced(c);
	for (unsigned i = 0; i < c->pairs.n; i++) {
		struct addr_pair *pair = &c->pairs.pair[i];

		pair->no_joins = pair != first &&
				 (!c->config.all_pairs ||
				  (!c->config.both_families &&
				   pair->remote.sa.sa_family != first->remote.sa.sa_family));
	}
}
