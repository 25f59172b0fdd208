/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_EVENTS   30000000ull
#define CONNECT_FAIL (10 * NET_SECOND)

void run_wrong(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->wrong[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->wrong, sizeof(r->wrong), fmt, ap);
	va_end(ap);
}

/* Connections ------------------------------------------------------------------------------------
 */

static bool path_busy(const struct run *r, unsigned n_path)
{
	for (unsigned i = 0; i < r->n_live; i++)
		if (r->live[i].conn->n_path == n_path && !r->live[i].conn->closed[NET_CLIENT])
			return true;
	for (unsigned i = 0; i < r->n_pending; i++)
		if (r->pending[i].n_path == n_path)
			return true;
	return false;
}

static void start_connects(struct run *r)
{
	struct host *client = r->host[NET_CLIENT];

	while (host_wants_connection(client, r->now_ns) && r->n_pending < HOST_SUBS) {
		struct pending *p = &r->pending[r->n_pending];
		unsigned n_path = 0;
		const struct path *path;

		while (n_path < r->sc->n_paths - 1 && path_busy(r, n_path))
			n_path++;
		path = &r->sc->path[n_path];
		client->n_connects++;
		client->n_connecting++;
		p->n_path = n_path;
		p->fails = r->path_dead[n_path] || r->now_ns < r->cut_over_ns ||
			   rng_chance(&r->rng, r->sc->connect_fail_percent);
		p->ready_ns = r->now_ns + path->delay_ns[0] + path->delay_ns[1] + 1;
		if (r->path_dead[n_path])
			p->ready_ns = r->now_ns + CONNECT_FAIL;
		r->n_pending++;
	}
}

static void stand(struct run *r, unsigned n_path)
{
	const struct scenario *sc = r->sc;
	struct live *l = &r->live[r->n_live];

	if (r->n_live == HOST_SUBS) {
		host_connect_failed(r->host[NET_CLIENT], r->now_ns);
		return;
	}
	l->conn = conn_new(&sc->path[n_path], rng_next(&r->rng), r->now_ns);
	l->conn->id = r->n_conns++;
	l->conn->n_path = n_path;
	l->fault = (struct fault){ 0 };
	if (!r->path_used[n_path])
		l->fault = sc->fault[n_path];
	else if (rng_chance(&r->rng, sc->refault_percent))
		l->fault = random_fault(&r->rng, MIB);
	l->fault.at_ns += r->now_ns;
	r->path_used[n_path] = true;
	r->n_live++;
	host_add(r->host[NET_CLIENT], l->conn, r->now_ns);
	host_add(r->host[NET_SERVER], l->conn, r->now_ns);
}

static bool run_connects(struct run *r)
{
	bool any = false;

	for (unsigned i = 0; i < r->n_pending;) {
		struct pending p = r->pending[i];

		if (p.ready_ns > r->now_ns) {
			i++;
			continue;
		}
		r->pending[i] = r->pending[--r->n_pending];
		r->host[NET_CLIENT]->n_connecting--;
		if (p.fails)
			host_connect_failed(r->host[NET_CLIENT], r->now_ns);
		else
			stand(r, p.n_path);
		any = true;
	}
	return any;
}

/* Faults -----------------------------------------------------------------------------------------
 */

static bool fault_due(const struct run *r, const struct live *l)
{
	const struct fault *f = &l->fault;

	if (f->kind == FAULT_NONE)
		return false;
	if (r->sc->expect == EXPECT_SUCCESS && !r->healthy_up)
		return false;
	return f->at_bytes ? l->conn->pipe[f->dir].arrived >= f->at_bytes : r->now_ns >= f->at_ns;
}

static void strike(struct run *r, struct live *l)
{
	struct fault *f = &l->fault;
	struct conn *c = l->conn;

	if (r->trace)
		printf("%12.6f fault %d on connection %u, path %u\n", (double)r->now_ns / 1e9,
		       f->kind, c->id, c->n_path);
	switch (f->kind) {
	case FAULT_STALL:
		conn_stall(c, f->dir, r->now_ns + f->for_ns);
		if (f->both)
			conn_stall(c, !f->dir, r->now_ns + f->for_ns);
		break;
	case FAULT_SILENT:
		conn_stall(c, NET_CLIENT, NET_NEVER);
		conn_stall(c, NET_SERVER, NET_NEVER);
		/* TCP gives up in the end, each side when it thinks fit. */
		conn_reset(c, r->now_ns + rng_between(&r->rng, 20, 60) * NET_SECOND,
			   r->now_ns + rng_between(&r->rng, 20, 60) * NET_SECOND);
		r->path_dead[c->n_path] |= f->path_too;
		break;
	case FAULT_RESET:
		conn_reset(c, r->now_ns, r->now_ns + rng_below(&r->rng, c->path.delay_ns[0] + 1));
		break;
	default:
		c->pipe[f->dir].flip = true;
	}
	f->kind = FAULT_NONE;
}

static uint64_t next_fault(const struct run *r, const struct live *l)
{
	const struct fault *f = &l->fault;

	if (f->kind == FAULT_NONE || f->at_bytes)
		return NET_NEVER;
	if (r->sc->expect == EXPECT_SUCCESS && !r->healthy_up)
		return NET_NEVER;
	return f->at_ns;
}

/* The cut ------------------------------------------------------------------------------------ */

static bool cut_begins(const struct run *r)
{
	const struct cut *cut = &r->sc->cut;
	const struct host *h = r->host[cut->side];

	switch (cut->when) {
	case CUT_TIME:
		return true;
	case CUT_END:
		return h->input_ended;
	case CUT_CONFIRM:
		return h->session && session_received_confirmed(h->session);
	case CUT_DONE:
		return h->session && session_finished(h->session);
	default:
		return false;
	}
}

static void run_cut(struct run *r)
{
	const struct cut *cut = &r->sc->cut;

	if (r->cut_ns == NET_NEVER && !r->cut_over_ns && cut_begins(r))
		r->cut_ns = r->now_ns + cut->after_ns;
	if (r->now_ns < r->cut_ns)
		return;
	if (r->trace)
		printf("%12.6f all is cut for %.6f s\n", (double)r->now_ns / 1e9,
		       (double)cut->for_ns / 1e9);
	r->cut_ns = NET_NEVER;
	r->cut_over_ns = r->now_ns + cut->for_ns;
	/* A client that was never heard after its HELLO is not waited for as long. */
	r->too_early = r->host[NET_SERVER]->session && cut->for_ns >= SESSION_NEW_NS / 2 &&
		       !session_heard(r->host[NET_SERVER]->session);
	for (unsigned i = 0; i < r->n_live; i++) {
		struct conn *c = r->live[i].conn;

		conn_stall(c, NET_CLIENT, NET_NEVER);
		conn_stall(c, NET_SERVER, NET_NEVER);
		conn_reset(c, r->now_ns, r->now_ns + cut->late_ns);
	}
	for (unsigned i = 0; i < r->n_pending; i++)
		r->pending[i].fails = true;
}

/* One run ----------------------------------------------------------------------------------------
 */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_event(const struct run *r)
{
	uint64_t next = earlier(host_next(r->host[0]), host_next(r->host[1]));

	for (unsigned i = 0; i < r->n_live; i++) {
		next = earlier(next, conn_next(r->live[i].conn));
		next = earlier(next, next_fault(r, &r->live[i]));
	}
	for (unsigned i = 0; i < r->n_pending; i++)
		next = earlier(next, r->pending[i].ready_ns);
	return earlier(next, r->cut_ns);
}

static unsigned run_net(struct run *r)
{
	unsigned sides = 0;

	for (unsigned i = 0; i < r->n_live;) {
		struct live *l = &r->live[i];
		struct conn *c = l->conn;

		if (fault_due(r, l))
			strike(r, l);
		if (conn_next(c) <= r->now_ns)
			sides |= conn_run(c, r->now_ns);
		if (c->n_path == r->sc->healthy && c->up[0] && c->up[1])
			r->healthy_up = true;
		if (c->closed[0] && c->closed[1]) {
			conn_free(c);
			*l = r->live[--r->n_live];
		} else {
			i++;
		}
	}
	return sides;
}

static const char *side_name(int side)
{
	return side == NET_CLIENT ? "client" : "server";
}

/* What a side says must be so. */
static void check_claims(struct run *r, int side)
{
	const struct host *h = r->host[side], *peer = r->host[!side];
	bool sent_all = h->input_ended && peer->taken == h->read;
	bool took_all = peer->input_ended && h->taken == peer->read;

	if (h->wrong[0])
		run_wrong(r, "%s", h->wrong);
	if (!h->session)
		return;
	if (session_sent_confirmed(h->session) && !sent_all)
		run_wrong(r, "%s says that its stream arrived: %llu of %llu did", side_name(side),
			  (unsigned long long)peer->taken, (unsigned long long)h->read);
	if (session_received_confirmed(h->session) && !took_all)
		run_wrong(r, "%s says that it took all: %llu of %llu", side_name(side),
			  (unsigned long long)h->taken, (unsigned long long)peer->read);
	/* Of an empty stream nothing can be missing. */
	if (session_state(h->session) == SESSION_DONE &&
	    ((h->read && !session_sent_confirmed(h->session)) ||
	     !session_received_confirmed(h->session)))
		run_wrong(r, "%s is done, but not all is confirmed", side_name(side));
}

static bool run_over(const struct run *r)
{
	const struct host *client = r->host[NET_CLIENT], *server = r->host[NET_SERVER];

	return client->over && (server->over || (!server->session && !r->n_live));
}

static void step(struct run *r)
{
	unsigned sides;

	run_cut(r);
	sides = run_net(r);
	if (run_connects(r))
		sides = 3;
	for (int side = 0; side < 2; side++) {
		if (!(sides & 1u << side) && host_next(r->host[side]) > r->now_ns)
			continue;
		host_run(r->host[side], r->now_ns);
		check_claims(r, side);
	}
	start_connects(r);
}

static bool succeeded(const struct run *r, int side)
{
	return r->host[side]->session && session_state(r->host[side]->session) == SESSION_DONE;
}

static const char *end_text(const struct run *r, int side)
{
	return r->host[side]->session ? session_end(r->host[side]->session)->text : "no session";
}

static bool any_fault(const struct scenario *sc)
{
	bool any = sc->refault_percent || sc->connect_fail_percent || sc->cut.when;

	for (unsigned i = 0; i < sc->n_paths; i++)
		any |= sc->fault[i].kind != FAULT_NONE;
	return any;
}

/* Unless something keeps it from that, a side that fails tells the other why. */
static void check_notice(struct run *r, int side)
{
	const struct session *s = r->host[side]->session, *peer = r->host[!side]->session;

	if (any_fault(r->sc) || !s || !peer || session_end(s)->kind != SESSION_END_LOCAL)
		return;
	if (session_end(peer)->kind != SESSION_END_PEER &&
	    session_end(peer)->kind != SESSION_END_LOCAL)
		run_wrong(r, "%s was not told why the other side failed, but: %s", side_name(!side),
			  end_text(r, !side));
}

static void judge(struct run *r)
{
	check_notice(r, NET_CLIENT);
	check_notice(r, NET_SERVER);
	for (int side = 0; side < 2; side++)
		if (r->sc->expect == EXPECT_SUCCESS && !r->too_early && !succeeded(r, side))
			run_wrong(r, "%s failed: %s; %s: %s", side_name(side), end_text(r, side),
				  side_name(!side), end_text(r, !side));
}

void run_begin(struct run *r, const struct scenario *sc, bool trace)
{
	uint64_t bytes = sc->host[0].source.len + sc->host[1].source.len;

	*r = (struct run){ .sc = sc, .trace = trace, .rng.state = sc->seed, .cut_ns = NET_NEVER };
	for (int side = 0; side < 2; side++)
		r->host[side] =
			host_new((enum net_side)side, &sc->host[side], rng_next(&r->rng), trace);
	r->limit_ns = 7200 * NET_SECOND;
	/* The slowest path may be the only one that is left. */
	r->limit_ns += 4 * bytes / 20000 * NET_SECOND;
}

bool run_go(struct run *r)
{
	host_run(r->host[NET_CLIENT], 0);
	start_connects(r);
	while (!run_over(r) && !r->wrong[0]) {
		uint64_t next = next_event(r);

		if (next > r->now_ns)
			r->now_ns = next;
		if (next == NET_NEVER)
			run_wrong(r, "nothing will ever happen any more");
		else if (r->now_ns > r->limit_ns || ++r->n_events > MAX_EVENTS)
			run_wrong(r, "no end after %.0f s and %llu events", (double)r->now_ns / 1e9,
				  (unsigned long long)r->n_events);
		else
			step(r);
	}
	judge(r);
	return !r->wrong[0];
}

void run_end(struct run *r)
{
	for (unsigned i = 0; i < r->n_live; i++)
		conn_free(r->live[i].conn);
	for (int side = 0; side < 2; side++)
		host_free(r->host[side]);
}
