/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes over a connection.
 *
 * The first one begins the session: its peer's proof, if it is within TLS, binds all later ones;
 * its addresses are those that links are looked up and ports planned for; the endpoint starts with
 * it. Each later one is a join. Nothing is changed for good before nothing can fail any more, so
 * that the caller still has the connection after an error.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "engine/engine_internal.h"
#include "io/sock.h"
#include "path/sock_wire.h"
#include "session/session_subflow.h"

static void conn_event(struct loop_io *io, uint32_t events)
{
	struct engine *e = io->arg;

	conn_take_events((struct conn *)io /* its first member */, events);
	engine_wake(e);
}

static void on_job_done(void *arg)
{
	engine_wake(arg);
}

/* The peer ------------------------------------------------------------------------------------- */

/* To know a session's number is not enough to join it: it takes the proof that began it. */
static bool is_same_peer(const struct engine *e, const struct tls *tls)
{
	return !tls || e->state == ENGINE_NEW ||
	       memcmp(e->peer.proof, tls_peer(tls), TLS_PEER_LEN) == 0;
}

bool engine_knows(const struct engine *e, const uint8_t source[SOCK_SOURCE_LEN])
{
	for (unsigned i = 0; i < e->peer.n_sources; i++)
		if (memcmp(e->peer.source[i], source, SOCK_SOURCE_LEN) == 0)
			return true;
	return false;
}

static void remember_source(struct engine *e, int fd)
{
	uint8_t source[SOCK_SOURCE_LEN];
	union sock_addr addr;

	if (e->peer.n_sources == ENGINE_SOURCES || sock_peer(fd, &addr))
		return;
	sock_addr_source(source, &addr);
	if (!engine_knows(e, source))
		memcpy(e->peer.source[e->peer.n_sources++], source, SOCK_SOURCE_LEN);
}

/* The subflow ---------------------------------------------------------------------------------- */

/* A client that joins and finds no room has lost a connection that we take for alive. */
static int open_subflow(struct engine *e, struct conn *c, const struct wire_hello *hello,
			const struct wire_names *names)
{
	uint64_t now_ns = loop_now(e->loop);
	int r = session_subflow_open(e->session, hello, names, now_ns, &c->slot);
	uint16_t stale;

	if (r != SESSION_E_LIMIT || !hello || !session_subflow_stale(e->session, now_ns, &stale))
		return r;
	e->conns.slot[stale]->error = ETIMEDOUT;
	engine_conns_close(e, e->conns.slot[stale]);
	return session_subflow_open(e->session, hello, names, now_ns, &c->slot);
}

static bool is_first(const struct engine *e)
{
	return !e->conns.next_id || session_state(e->session) == SESSION_CONNECTING;
}

/* Finds out where it runs, then lets the session have it. */
static int introduce(struct engine *e, struct conn *c, const struct engine_arrival *a)
{
	uint32_t ifindex;
	int r;

	if (is_first(e))
		link_watch_learn(e->links, c->io.fd);
	r = sock_wire_names(c->io.fd, &c->names, &ifindex);
	c->way = r ? 0 : pathmgr_way(link_watch_paths(e->links), &c->names);
	r = open_subflow(e, c, a->hello, r ? NULL : &c->names);
	if (r)
		return r;
	r = loop_add(e->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r) {
		session_subflow_close(e->session, c->slot, loop_now(e->loop));
		return r;
	}
	if (a->greeted)
		session_subflow_greeted(e->session, c->slot);
	if (c->tls)
		session_subflow_sealed(e->session, c->slot);
	if (c->pool)
		session_subflow_lends(e->session, c->slot);
	return 0;
}

/* The first one -------------------------------------------------------------------------------- */

static void start_endpoint(struct engine *e, struct channel ch)
{
	char why[SESSION_TEXT_LEN];

	if (e->events.started && e->events.started(e->events.arg, ch, why))
		session_abort(e->session, WIRE_R_INPUT, 0, why);
	else
		endpoint_start(e->endpoint);
}

static void begin(struct engine *e, struct channel ch)
{
	e->start_ns = loop_now(e->loop);
	cost_begin(&e->cost, e->config.worker_pool);
	if (ch.tls)
		memcpy(e->peer.proof, tls_peer(ch.tls), TLS_PEER_LEN);
	engine_enter(e, ENGINE_RUNNING);
	start_endpoint(e, ch);
}

int engine_attach(struct engine *e, const struct engine_arrival *a)
{
	struct channel ch = a->channel;
	struct conn *c;
	int r = 0;

	if (!engine_is_open(e))
		return -ESHUTDOWN;
	if (!is_same_peer(e, ch.tls))
		return -EACCES;
	c = conn_new(ch, conn_event, e);
	if (!c)
		return -ENOMEM;
	if (e->config.worker_pool)
		r = conn_use_pool(c, e->config.worker_pool, on_job_done, e);
	if (!r)
		r = introduce(e, c, a);
	if (r) {
		conn_free(c);
		return r;
	}
	engine_conns_add(e, c);
	remember_source(e, ch.fd);
	if (e->state == ENGINE_NEW)
		begin(e, ch);
	engine_wake(e);
	return 0;
}
