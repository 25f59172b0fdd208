/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/text.h"

/* A connection that is being made. */
struct dial {
	struct loop_io io;
	struct loop_timer timer;
	struct client *client;
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
	uint64_t heard;     /* bytes from the peer before WELCOME, to see whether more came */
	unsigned next_port; /* of the block: where the search for a free one goes on */
	unsigned failures;  /* in a row */
	unsigned n_dials;
	unsigned n_live; /* as last seen, to notice a loss */
	unsigned n_ready;
	struct dial *dials;
	bool failed;
	char failure[ENGINE_REASON_LEN];
};

static void note(const struct client *c, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(const struct client *c, int level, const char *fmt, ...)
{
	char text[ENGINE_REASON_LEN];
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->events.note(c->events.arg, level, text);
}

static void fail(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(c->failure, sizeof(c->failure), fmt, ap);
	va_end(ap);
	c->failed = true;
	engine_give_up(c->engine);
}

/* Attempts
 * ----------------------------------------------------------------------------------------- */

static void dial_free(struct dial *d, bool close_fd)
{
	struct client *c = d->client;
	struct dial **p = &c->dials;

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	c->n_dials--;
	loop_remove(c->loop, &d->io);
	loop_set_timer(c->loop, &d->timer, LOOP_NEVER);
	if (close_fd)
		close(d->io.fd);
	free(d);
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

static void attempt_failed(struct client *c, int error)
{
	if (c->established)
		join_failed(c, strerror(error));
	else
		first_failed(c, strerror(error));
}

static void dial_done(struct dial *d, int error)
{
	struct client *c = d->client;
	int fd = d->io.fd;
	int r = 0;

	dial_free(d, error != 0);
	if (!error) {
		r = engine_attach(c->engine, fd, NULL, false);
		if (r)
			close(fd);
	}
	if (error || r < 0) {
		attempt_failed(c, error ? error : -r);
		return;
	}
	if (!c->established)
		loop_set_timer(c->loop, &c->hello_timer, loop_now(c->loop) + CLIENT_HELLO_NS);
}

static void dial_event(struct loop_io *io, uint32_t events)
{
	struct dial *d = io->arg;

	dial_done(d, -sock_connected(d->io.fd));
}

static void dial_fired(struct loop_timer *timer)
{
	dial_done(timer->arg, ETIMEDOUT);
}

/* The address to bind: -s of the peer's family, any of it when only a port is wanted. */
static const union sock_addr *source_for(const struct client *c, const union sock_addr *peer,
					 uint16_t port, union sock_addr *buf)
{
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

/* A socket from the next port of the block that is free; when none of them is, from one of as many
 * ports behind it. Our own subflows' ports are among those that are not free. */
static int connect_from_block(struct client *c, const union sock_addr *peer)
{
	unsigned n = c->config.n_ports;
	union sock_addr source;
	int fd = -EADDRNOTAVAIL;

	if (!c->config.source_port)
		return sock_connect(peer, source_for(c, peer, 0, &source), &c->config.socket);
	for (unsigned i = 0; i < 2 * n; i++) {
		unsigned port = c->config.source_port + (i < n ? (c->next_port + i) % n : i);

		if (port > UINT16_MAX)
			break;
		fd = sock_connect(peer, source_for(c, peer, (uint16_t)port, &source),
				  &c->config.socket);
		if (fd == -EADDRINUSE || fd == -EADDRNOTAVAIL) {
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

static uint64_t connect_limit(const struct client *c)
{
	if (c->config.connect_ns != LOOP_NEVER)
		return c->config.connect_ns;
	if (c->established || c->addr + 1 < c->config.n_addrs || may_retry(c))
		return CLIENT_CONNECT_NS;
	return LOOP_NEVER;
}

static void dial(struct client *c)
{
	const union sock_addr *peer = &c->config.addrs[c->addr];
	struct dial *d;
	uint64_t limit = connect_limit(c);
	int fd;

	fd = connect_from_block(c, peer);
	if (fd < 0) {
		attempt_failed(c, -fd);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		close(fd);
		attempt_failed(c, ENOMEM);
		return;
	}
	d->client = c;
	d->io = (struct loop_io){ .fd = fd, .fn = dial_event, .arg = d };
	d->timer = (struct loop_timer){ .fn = dial_fired, .arg = d, .due_ns = LOOP_NEVER };
	d->next = c->dials;
	c->dials = d;
	c->n_dials++;
	if (loop_add(c->loop, &d->io, EPOLLOUT)) {
		dial_free(d, true);
		attempt_failed(c, ENOMEM);
		return;
	}
	if (limit != LOOP_NEVER)
		loop_set_timer(c->loop, &d->timer, loop_now(c->loop) + limit);
}

static void retry_fired(struct loop_timer *timer)
{
	struct client *c = timer->arg;

	if (c->established) {
		client_pumped(c);
	} else {
		dial(c);
	}
}

/* The first connection
 * --------------------------------------------------------------------------------- */

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
	int error = engine_last_error(c->engine);

	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	/* A full house may empty; no other refusal goes away by itself. */
	if (end->kind == SESSION_END_REFUSED && !(end->reason == WIRE_R_BUSY && may_retry(c))) {
		engine_give_up(c->engine);
		return;
	}
	/* Busy there means busy at every address of it. */
	if (end->kind == SESSION_END_REFUSED)
		c->addr = c->config.n_addrs - 1;
	if (end->kind == SESSION_END_REFUSED)
		first_failed(c, end->text);
	else
		first_failed(c,
			     error ? strerror(error) : "it closed the connection without a word");
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

void client_pumped(struct client *c)
{
	struct session *s = engine_session(c->engine);
	unsigned wanted = session_subflows_wanted(s);

	if (c->failed)
		return;
	if (session_state(s) == SESSION_CONNECTING) {
		if (!engine_n_live(c->engine) && !c->n_dials && !c->retry_timer.linked)
			first_lost(c);
		return;
	}
	if (session_state(s) != SESSION_OPEN || session_finished(s))
		return;
	if (!c->established) {
		c->established = true;
		c->delay_ns = 0;
		loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	}
	watch_subflows(c);
	while (c->n_live + c->n_dials < wanted && !c->retry_timer.linked) {
		dial(c);
		c->n_live = engine_n_live(c->engine);
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
	c->retry_until_ns = loop_now(loop) + config->retry_ns;
	c->retry_timer = (struct loop_timer){ .fn = retry_fired, .arg = c, .due_ns = LOOP_NEVER };
	c->hello_timer = (struct loop_timer){ .fn = hello_fired, .arg = c, .due_ns = LOOP_NEVER };
	loop_set_timer(loop, &c->retry_timer, loop_now(loop));
	*out = c;
	return 0;
}

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	while (c->dials)
		dial_free(c->dials, true);
	loop_set_timer(c->loop, &c->retry_timer, LOOP_NEVER);
	loop_set_timer(c->loop, &c->hello_timer, LOOP_NEVER);
	free(c);
	return NULL;
}

const char *client_failure(const struct client *c)
{
	return c->failed ? c->failure : NULL;
}
