/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/steering.h"
#include "util/text.h"

/* A connection that is being made. */
struct dial {
	struct loop_io io;
	struct loop_timer timer;
	struct client *client;
	struct tls *tls; /* its handshake is under way; NULL: connecting */
	uint16_t port;   /* the local one; 0: the kernel's choice */
	bool late;       /* another one is made in its place */
	uint64_t began_ns;
	struct dial *next;
};

struct client {
	struct loop *loop;
	struct engine *engine;
	struct client_config config;
	struct engine_events events;
	bool established; /* WELCOME came: from here on connections join */
	int addr;         /* index of the address in use */
	uint64_t retry_until_ns;
	uint64_t delay_ns; /* before the next attempt */
	struct loop_timer retry_timer;
	struct loop_timer hello_timer;
	struct loop_timer steer_timer;
	struct steering steering;
	uint64_t heard;        /* bytes from the peer before WELCOME, to see whether more came */
	unsigned next_port;    /* of the block: where the search for a free one goes on */
	union sock_addr local; /* of the first connection: the others have the same */
	struct plan plan;
	unsigned n_planned; /* connections; 0: there is no plan yet */
	unsigned failures;  /* in a row */
	bool lost;          /* no connection is left that works, as last seen */
	uint64_t again_ns;  /* when that was over last */
	unsigned n_dials;
	unsigned n_late;  /* of them */
	uint64_t took_ns; /* the first one, to connect */
	unsigned n_live;  /* as last seen, to notice a loss */
	unsigned n_ready;
	struct dial *dials;
	bool failed;
	char failure[ENGINE_REASON_LEN];
};

__attribute__((format(printf, 3, 4))) static void note(const struct client *c, int level,
						       const char *fmt, ...)
{
	char text[ENGINE_REASON_LEN];
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

/* Returns the connection, which is open. */
static struct channel dial_free(struct dial *d)
{
	struct client *c = d->client;
	struct channel ch = { .fd = d->io.fd, .tls = d->tls };
	struct dial **p = &c->dials;

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	c->n_dials--;
	c->n_late -= d->late;
	loop_remove(c->loop, &d->io);
	loop_set_timer(c->loop, &d->timer, LOOP_NEVER);
	free(d);
	return ch;
}

static uint64_t next_delay(struct client *c)
{
	uint64_t delay = c->delay_ns ? c->delay_ns : CLIENT_RETRY_MIN_NS;

	c->delay_ns = 2 * delay < CLIENT_RETRY_MAX_NS ? 2 * delay : CLIENT_RETRY_MAX_NS;
	return delay;
}

static bool may_retry(const struct client *c)
{
	return loop_now(c->loop) < c->retry_until_ns;
}

/* An attempt for the first connection failed: the next address, the next round, or the end. */
static void first_failed(struct client *c, const char *why)
{
	char addr[STATS_ADDR_LEN];

	sock_addr_text(addr, &c->config.addrs[c->addr]);
	note(c, 1, "%s port %s: %s", addr, c->config.port, why);
	if (++c->addr < c->config.n_addrs) {
		loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop));
		return;
	}
	c->addr = 0;
	if (may_retry(c))
		loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop) + next_delay(c));
	else
		fail(c, "cannot connect to %s port %s: %s", c->config.host, c->config.port, why);
}

/* One more connection could not be made. The session goes on with those it has. */
static void join_failed(struct client *c, const char *why)
{
	uint64_t delay = next_delay(c);

	note(c, 2, "one more subflow: %s", why);
	if (++c->failures == CLIENT_FAILURES_MAX)
		note(c, 1, "%u attempts to open one more subflow failed, the last one: %s",
		     c->failures, why);
	if (c->failures >= CLIENT_FAILURES_MAX)
		delay = CLIENT_RETRY_SLOW_NS;
	loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop) + delay);
}

/* All connections were lost, and another one could not be made. The session knows for how long that
 * may go on; but when everything is confirmed it waits only for the peer's sake. */
static void redial_failed(struct client *c, int error, const char *why)
{
	note(c, 2, "trying to connect again: %s", why);
	if (error == ECONNREFUSED && session_finished(engine_session(c->engine)))
		engine_give_up(c->engine);
	else
		loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop) + next_delay(c));
}

static void attempt_failed(struct client *c, int error, const char *why)
{
	if (!c->established)
		first_failed(c, why);
	else if (session_lost(engine_session(c->engine)))
		redial_failed(c, error, why);
	else
		join_failed(c, why);
}

static void dial_failed(struct dial *d, int error)
{
	struct client *c = d->client;
	struct channel ch = dial_free(d);
	char why[TLS_TEXT_LEN];

	text_printf(why, sizeof(why), "%s", channel_text(ch) ? channel_text(ch) : strerror(error));
	/* Who has another key will have it in a minute, too. */
	if (error == EPROTO)
		c->retry_until_ns = 0;
	channel_close(ch);
	attempt_failed(c, error, why);
}

static void dial_done(struct dial *d)
{
	struct client *c = d->client;
	struct channel ch = dial_free(d);
	int r = engine_attach(c->engine, ch, NULL, false);

	if (r) {
		channel_close(ch);
		if (r < 0)
			attempt_failed(c, -r, strerror(-r));
		return;
	}
	if (c->established)
		return;
	sock_local(ch.fd, &c->local);
	loop_set_timer(c->loop, &c->hello_timer, loop_now(c->loop) + CLIENT_HELLO_NS);
}

static void dial_shake(struct dial *d)
{
	int r = tls_handshake(d->tls);

	if (r == -EAGAIN)
		loop_change(d->client->loop, &d->io,
			    tls_flushed(d->tls) ? EPOLLIN : EPOLLIN | EPOLLOUT);
	else if (r)
		dial_failed(d, -r);
	else
		dial_done(d);
}

static void dial_connected(struct dial *d)
{
	struct client *c = d->client;
	int r = sock_connected(d->io.fd);

	if (!c->established)
		c->took_ns = loop_now(c->loop) - d->began_ns;
	if (!r && !c->config.tls) {
		dial_done(d);
		return;
	}
	if (!r)
		r = tls_new(&d->tls, c->config.tls, d->io.fd);
	if (r) {
		dial_failed(d, -r);
		return;
	}
	loop_set_timer(c->loop, &d->timer, loop_now(c->loop) + CLIENT_HELLO_NS);
	dial_shake(d);
}

static void dial_event(struct loop_io *io, uint32_t events)
{
	struct dial *d = io->arg;

	if (d->tls)
		dial_shake(d);
	else
		dial_connected(d);
}

static uint64_t connect_limit(const struct client *c)
{
	if (c->lost && c->config.connect_ns > CLIENT_REDIAL_NS)
		return CLIENT_REDIAL_NS;
	if (c->config.connect_ns != LOOP_NEVER)
		return c->config.connect_ns;
	if (c->established || c->addr + 1 < c->config.n_addrs || may_retry(c))
		return CLIENT_CONNECT_NS;
	return LOOP_NEVER;
}

/* A SYN that is lost is sent again after a second, and then two: another connection from another
 * port is there sooner. Should this one come yet, it is welcome. */
static void replace_late(struct dial *d)
{
	struct client *c = d->client;

	d->late = true;
	c->n_late++;
	loop_set_timer(c->loop, &d->timer, d->began_ns + connect_limit(c));
	loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop));
}

static bool is_join(const struct client *c)
{
	return c->established && !session_lost(engine_session(c->engine));
}

static void dial_fired(struct loop_timer *timer)
{
	struct dial *d = timer->arg;
	struct client *c = d->client;

	if (!d->tls && !d->late && is_join(c)) {
		replace_late(d);
		return;
	}
	if (!d->tls) {
		dial_failed(d, ETIMEDOUT);
		return;
	}
	channel_close(dial_free(d));
	attempt_failed(c, ETIMEDOUT, "it accepts connections but says nothing: is it mpnc?");
}

/* The address to bind: that of the first connection, on which the plan rests; before there is one,
 * -s of the peer's family, or any of it when only a port is wanted. */
static const union sock_addr *source_for(const struct client *c, const union sock_addr *peer,
					 uint16_t port, union sock_addr *buf)
{
	if (c->established) {
		*buf = c->local;
		sock_addr_set_port(buf, port);
		return buf;
	}
	for (int i = 0; i < c->config.n_sources; i++) {
		if (c->config.sources[i].sa.sa_family == peer->sa.sa_family) {
			*buf = c->config.sources[i];
			sock_addr_set_port(buf, port);
			return buf;
		}
	}
	if (!port)
		return NULL;
	memset(buf, 0, sizeof(*buf));
	buf->sa.sa_family = peer->sa.sa_family;
	sock_addr_set_port(buf, port);
	return buf;
}

static int connect_from(struct client *c, uint16_t port)
{
	const union sock_addr *peer = &c->config.addrs[c->addr];
	union sock_addr source;

	return sock_connect(peer, source_for(c, peer, port, &source), &c->config.socket);
}

static bool is_taken(int error)
{
	return error == -EADDRINUSE || error == -EADDRNOTAVAIL;
}

/* A socket from the next port of the block that is free; when none of them is, from one of as many
 * ports behind it. Our own subflows' ports are among those that are not free. */
static int connect_from_block(struct client *c, uint16_t *port_out)
{
	unsigned n = c->config.n_flows;
	int fd = -EADDRNOTAVAIL;

	for (unsigned i = 0; i < 2 * n; i++) {
		unsigned port = c->config.source_port + (i < n ? (c->next_port + i) % n : i);

		if (port > UINT16_MAX)
			break;
		fd = connect_from(c, (uint16_t)port);
		*port_out = (uint16_t)port;
		if (is_taken(fd)) {
			/* Our own are found so: the connection exists already. */
			note(c, fd == -EADDRNOTAVAIL ? 2 : 1, "source port %u: %s", port,
			     strerror(-fd));
			continue;
		}
		c->next_port = i < n ? c->next_port + i + 1 : 0;
		break;
	}
	return fd;
}

/* Goes on with a socket that is connecting, or takes note of why there is none. */
static void dial(struct client *c, int fd, uint16_t port)
{
	struct dial *d;
	uint64_t limit = connect_limit(c);

	if (fd < 0) {
		attempt_failed(c, -fd, strerror(-fd));
		return;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		close(fd);
		attempt_failed(c, ENOMEM, strerror(ENOMEM));
		return;
	}
	d->client = c;
	d->port = port;
	d->began_ns = loop_now(c->loop);
	d->io = (struct loop_io){ .fd = fd, .fn = dial_event, .arg = d };
	d->timer = (struct loop_timer){ .fn = dial_fired, .arg = d, .due_ns = LOOP_NEVER };
	d->next = c->dials;
	c->dials = d;
	c->n_dials++;
	if (loop_add(c->loop, &d->io, EPOLLOUT)) {
		channel_close(dial_free(d));
		attempt_failed(c, ENOMEM, strerror(ENOMEM));
		return;
	}
	if (is_join(c) && limit > CLIENT_LATE_NS + 2 * c->took_ns)
		limit = CLIENT_LATE_NS + 2 * c->took_ns;
	if (limit != LOOP_NEVER)
		loop_set_timer(c->loop, &d->timer, d->began_ns + limit);
}

static void dial_block(struct client *c)
{
	uint16_t port = 0;
	int fd = connect_from_block(c, &port);

	dial(c, fd, port);
}

/* Ports ---------------------------------------------------------------------------------------- */

/* The planned port of a flow, or another that does the same. */
static int connect_planned(struct client *c, unsigned flow, uint16_t *port_out)
{
	struct pathmgr *paths = engine_paths(c->engine);
	uint16_t port = c->plan.flows[flow].port;
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && port && is_taken(fd); i++) {
		*port_out = port;
		fd = connect_from(c, port);
		if (!is_taken(fd))
			break;
		note(c, 2, "source port %u: %s", port, strerror(-fd));
		pathmgr_avoid(paths, port);
		port = pathmgr_alternate(paths, &c->plan, flow, port);
	}
	return fd;
}

/* Of the connections that are there, and those under way and not late. Returns how many. */
static unsigned open_ports(const struct client *c, uint16_t out[SUBFLOWS_MAX])
{
	unsigned n = engine_ports(c->engine, out);

	for (const struct dial *d = c->dials; d && n < SUBFLOWS_MAX; d = d->next)
		if (!d->late)
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
	return pathmgr_plan(engine_paths(c->engine), &wish, &c->plan);
}

static void say_plan(struct client *c)
{
	uint16_t ports[PLAN_FLOWS_MAX];
	char text[ENGINE_REASON_LEN];

	for (unsigned i = 0; i < c->plan.n_flows; i++)
		ports[i] = c->plan.flows[i].port;
	pathmgr_verdict(engine_paths(c->engine), ports, c->plan.n_flows, text, sizeof(text));
	note(c, 1, "%s", text);
	if (pathmgr_explain(engine_paths(c->engine), &c->plan, text, sizeof(text)))
		note(c, 1, "%s", text);
}

/* Opens the connections that the plan has beside those that are there. Returns false if ports are
 * taken for which the plan has none instead: a new plan will. */
static bool dial_planned(struct client *c, bool last_try)
{
	unsigned have = engine_n_live(c->engine) + c->n_dials - c->n_late;

	for (unsigned i = have; i < c->plan.n_flows && !c->retry_timer.linked; i++) {
		uint16_t port = 0;
		int fd = connect_planned(c, i, &port);

		if (is_taken(fd) && !last_try)
			return false;
		dial(c, fd, port);
	}
	return true;
}

static void dial_plan(struct client *c, unsigned most)
{
	unsigned before = c->n_planned;

	for (int i = 0; i < CLIENT_PLAN_TRIES; i++) {
		int r = make_plan(c, most);

		if (r) {
			join_failed(c, strerror(-r));
			return;
		}
		c->n_planned = c->plan.n_flows;
		if (dial_planned(c, i == CLIENT_PLAN_TRIES - 1))
			break;
	}
	if (c->n_planned != before)
		say_plan(c);
}

static void dial_first(struct client *c)
{
	uint16_t port = 0;
	int fd;

	if (c->config.source_port) {
		dial_block(c);
		return;
	}
	/* The kernel's choice is as good as any: what follows is planned around it. */
	if (!c->config.ports_given)
		fd = connect_from(c, 0);
	else if ((fd = make_plan(c, 1)) == 0)
		fd = connect_planned(c, 0, &port);
	dial(c, fd, port);
}

/* One connection in place of all that were lost, from a port that none of them had. The others
 * follow as planned when it is answered. */
static void dial_again(struct client *c)
{
	uint16_t port = 0;
	int fd;

	loop_set_timer(c->loop, &c->retry_timer, loop_now(c->loop) + CLIENT_REDIAL_NS);
	if (c->config.source_port)
		fd = connect_from_block(c, &port);
	else if (make_plan(c, 1) == 0)
		fd = connect_planned(c, 0, &port);
	else
		fd = connect_from(c, 0);
	dial(c, fd, port);
}

/* How many connections are to be there, of which the session allows so many. */
static void open_missing(struct client *c, unsigned allowed)
{
	unsigned wanted = c->config.source_port ? c->config.n_flows : c->n_planned;

	if (wanted > allowed)
		wanted = allowed;
	if (c->config.source_port) {
		while (c->n_live + c->n_dials - c->n_late < wanted && !c->retry_timer.linked) {
			dial_block(c);
			c->n_live = engine_n_live(c->engine);
		}
		return;
	}
	if (allowed > 1 && (!wanted || c->n_live + c->n_dials - c->n_late < wanted))
		dial_plan(c, allowed);
}

/* Steering ------------------------------------------------------------------------------------- */

/* One more connection, to see where it leads. */
static void dial_candidate(struct client *c, const uint32_t want[COVER_ENDS])
{
	struct pathmgr *paths = engine_paths(c->engine);
	uint16_t open[SUBFLOWS_MAX], port = 0;
	unsigned n = open_ports(c, open);
	int fd = -EADDRINUSE;

	for (int i = 0; i < CLIENT_PORT_TRIES && is_taken(fd); i++) {
		port = pathmgr_candidate(paths, open, n, want);
		if (!port)
			return;
		fd = connect_from(c, port);
		if (is_taken(fd))
			pathmgr_avoid(paths, port);
	}
	dial(c, fd, port);
}

static void say_verdict(struct client *c)
{
	char text[ENGINE_REASON_LEN];

	if (!steering_news(&c->steering, c->engine, text, sizeof(text)))
		return;
	engine_set_verdict(c->engine, text);
	note(c, 1, "%s", text[0] ? text : "all links that can be used are in use");
}

static void steer(struct client *c, unsigned allowed)
{
	unsigned keep = c->config.follow_plan ? 1 : c->config.n_flows;
	struct steer_action act;

	if (steering_step(&c->steering, c->engine, keep, allowed, loop_now(c->loop), &act))
		return;
	for (unsigned i = 0; i < act.n_close; i++)
		engine_drain(c->engine, act.close[i]);
	if (act.n_open)
		note(c, 2, "%u more subflows are tried", act.n_open);
	for (unsigned i = 0; i < act.n_open; i++)
		dial_candidate(c, act.want[i]);
	c->n_live = engine_n_live(c->engine);
	if (act.n_open || act.n_close)
		c->n_planned = c->n_live + c->n_dials;
	say_verdict(c);
}

/* While all connections are made as planned, and none is being made. */
static void steer_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;
	struct session *s = engine_session(c->engine);

	if (c->failed || session_state(s) != SESSION_OPEN || session_finished(s))
		return;
	/* client_pumped begins again. */
	if (session_subflows_wanted(s) < 2)
		return;
	if (!session_lost(s) && !c->retry_timer.linked && !c->n_dials && c->n_planned)
		steer(c, session_subflows_wanted(s));
	loop_set_timer(c->loop, timer, steering_next(&c->steering, loop_now(c->loop)));
}

void client_replan(struct client *c)
{
	steering_reset(&c->steering);
	c->n_planned = 0;
}

static void retry_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;

	if (c->established)
		client_pumped(c);
	else
		dial_first(c);
}

/* The first connection ------------------------------------------------------------------------- */

static void hello_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;
	uint64_t heard = session_heard(engine_session(c->engine));

	if (heard > c->heard) {
		c->heard = heard;
		loop_set_timer(c->loop, timer, loop_now(c->loop) + CLIENT_HELLO_NS);
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
	/* A full house may empty; no other refusal goes away by itself. */
	if (end->kind == SESSION_END_REFUSED && !(end->reason == WIRE_R_BUSY && may_retry(c))) {
		engine_give_up(c->engine);
		return;
	}
	/* Busy there means busy at every address of it. */
	if (end->kind == SESSION_END_REFUSED) {
		c->addr = c->config.n_addrs - 1;
		error = end->text;
	}
	first_failed(c, error ? error : "it closed the connection without a word");
}

/* One that was lost, or refused, is not replaced at once: that could go on as fast as it fails. */
static void watch_subflows(struct client *c)
{
	unsigned live = engine_n_live(c->engine);
	unsigned ready = session_subflows_ready(engine_session(c->engine));

	if (ready > c->n_ready) {
		c->failures = 0;
		c->delay_ns = 0;
	}
	c->n_ready = ready;
	if (live < c->n_live)
		join_failed(c, "the connection was lost");
	c->n_live = live;
}

static void redial(struct client *c)
{
	unsigned live = engine_n_live(c->engine);
	uint64_t now_ns = loop_now(c->loop);

	if (!c->lost) {
		c->lost = true;
		c->delay_ns = 0;
		if (now_ns - c->again_ns < CLIENT_REDIAL_PAUSE_NS)
			loop_set_timer(c->loop, &c->retry_timer, now_ns + next_delay(c));
		else
			loop_set_timer(c->loop, &c->retry_timer, LOOP_NEVER);
	} else if (live < c->n_live) {
		loop_set_timer(c->loop, &c->retry_timer, now_ns + next_delay(c));
	}
	c->n_live = live;
	if (!c->retry_timer.linked && !c->n_dials && live < CLIENT_REDIALS_MAX)
		dial_again(c);
}

static void found_again(struct client *c)
{
	c->lost = false;
	c->again_ns = loop_now(c->loop);
	c->delay_ns = 0;
	c->failures = 0;
	c->n_live = engine_n_live(c->engine);
	c->n_ready = 0;
	loop_set_timer(c->loop, &c->retry_timer, LOOP_NEVER);
}

/* One connection is enough again. */
static void close_surplus(struct client *c)
{
	uint16_t ports[SUBFLOWS_MAX];
	unsigned n = engine_ports(c->engine, ports);

	for (unsigned i = 1; i < n; i++)
		engine_drain(c->engine, ports[i]);
	c->n_live = engine_n_live(c->engine);
}

/* When there is something to steer. Who names the ports has chosen the lanes. */
static void start_steering(struct client *c)
{
	if (c->steer_timer.linked || c->config.source_port ||
	    session_subflows_wanted(engine_session(c->engine)) < 2)
		return;
	loop_set_timer(c->loop, &c->steer_timer, loop_now(c->loop) + STEERING_FAST_NS);
}

void client_pumped(struct client *c)
{
	struct session *s = engine_session(c->engine);

	if (c->failed)
		return;
	if (session_state(s) == SESSION_CONNECTING) {
		if (!engine_n_live(c->engine) && !c->n_dials && !c->retry_timer.linked)
			first_lost(c);
		return;
	}
	if (session_state(s) != SESSION_OPEN)
		return;
	if (!c->established) {
		c->established = true;
		c->delay_ns = 0;
		loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	}
	if (session_lost(s)) {
		redial(c);
		return;
	}
	if (c->lost)
		found_again(c);
	if (session_finished(s))
		return;
	watch_subflows(c);
	if (session_calm(s))
		close_surplus(c);
	start_steering(c);
	if (!c->retry_timer.linked)
		open_missing(c, session_subflows_wanted(s));
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
	c->retry_until_ns = loop_now(loop) + config->retry_ns;
	c->retry_timer = (struct loop_timer){ .fn = retry_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->hello_timer = (struct loop_timer){ .fn = hello_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->steer_timer = (struct loop_timer){ .fn = steer_fired, .arg = c, .due_ns = LOOP_NEVER };
	loop_set_timer(loop, &c->retry_timer, loop_now(loop));
	*out = c;
	return 0;
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	while (c->dials)
		channel_close(dial_free(c->dials));
	loop_set_timer(c->loop, &c->retry_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->steer_timer, LOOP_NEVER);
	free(c);
	return NULL;
}

const char *client_failure(const struct client *c)
{
	return c->failed ? c->failure : NULL;
}
