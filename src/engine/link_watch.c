/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/link_watch.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/observer.h"
#include "plan/lanes.h"
#include "util/text.h"

struct link_watch {
	struct loop *loop;
	struct session *session;
	struct pathmgr *paths;
	bool client;
	struct link_watch_events events;
	struct loop_timer count_timer;
	uint64_t told_ns; /* the last count that went to the peer */
	struct observer *observer;
	struct conn *const *conns;
	const uint16_t *n_slots;
	bool learnt;
	uint64_t moved, counted; /* payload bytes now, and when links were counted last */

	/* Looking anew. */
	struct loop_io watch;
	bool watching;
	struct loop_timer look_timer;
	unsigned looks;       /* at our own links that are still due */
	bool joined;          /* a connection has brought more of them since the last look */
	bool plans;           /* what the peer told since then has others that are planned */
	uint64_t looked_ns;   /* the last one */
	uint64_t peer_serial; /* of its facts, as last seen */
};

/* Counting ------------------------------------------------------------------------------------- */

void link_watch_count(struct link_watch *l)
{
	struct wire_links counted;

	if (pathmgr_count(l->paths, loop_now(l->loop), &counted))
		session_links(l->session, &counted);
}

/* Until nothing has moved since the last count. */
static void count_fired(struct loop_timer *timer)
{
	struct link_watch *l = timer->arg;
	uint64_t now_ns = loop_now(l->loop), next_ns = now_ns + LINK_WATCH_COUNT_NS;
	struct wire_links counted;
	bool news = false;

	if (l->moved == l->counted)
		return;
	l->counted = l->moved;
	observer_before(l->observer);
	if (pathmgr_count(l->paths, now_ns, &counted)) {
		if (l->conns)
			news = observer_sample(l->observer, &counted, l->conns, *l->n_slots,
					       now_ns);
		if (now_ns - l->told_ns >= LINK_WATCH_COUNT_NS) {
			session_links(l->session, &counted);
			l->told_ns = now_ns;
			news = true;
		}
		if (observer_next(l->observer, now_ns) < next_ns)
			next_ns = observer_next(l->observer, now_ns);
	}
	loop_set_timer(l->loop, timer, next_ns);
	if (news)
		l->events.told(l->events.arg);
}

void link_watch_moved(struct link_watch *l, uint64_t moved)
{
	if (moved == l->moved)
		return;
	l->moved = moved;
	if (l->learnt && !l->count_timer.linked)
		loop_set_timer(l->loop, &l->count_timer, loop_now(l->loop) + LINK_WATCH_COUNT_NS);
}

/* Looking anew --------------------------------------------------------------------------------- */

static void look_by(struct link_watch *l, uint64_t due_ns)
{
	if (due_ns < l->looked_ns + LINK_WATCH_LOOK_NS)
		due_ns = l->looked_ns + LINK_WATCH_LOOK_NS;
	if (due_ns < l->look_timer.due_ns)
		loop_set_timer(l->loop, &l->look_timer, due_ns);
}

static void stop_watching(struct link_watch *l)
{
	if (l->watching)
		loop_remove(l->loop, &l->watch);
	l->watching = false;
}

/* Without it everything works but the following of changes. */
static void start_watching(struct link_watch *l)
{
	l->watch.fd = pathmgr_watch(l->paths);
	if (!l->watching && l->watch.fd >= 0)
		l->watching = !loop_add(l->loop, &l->watch, EPOLLIN);
}

/* What else comes waits in the socket until we look, and may overflow there: it is one look either
 * way. */
static void watch_event(struct loop_io *io, uint32_t events)
{
	struct link_watch *l = io->arg;

	if (!pathmgr_events(l->paths))
		return;
	stop_watching(l);
	l->looks = 2;
	look_by(l, loop_now(l->loop) + LINK_WATCH_SETTLE_NS);
}

static bool look_at_ours(struct link_watch *l)
{
	if (!l->looks)
		return false;
	start_watching(l);
	if (--l->looks)
		look_by(l, loop_now(l->loop) + LINK_WATCH_AGAIN_NS);
	if (!pathmgr_relearn(l->paths))
		return false;
	observer_forget(l->observer);
	session_set_facts(l->session, pathmgr_facts(l->paths));
	return true;
}

static bool look_at_theirs(struct link_watch *l, bool *plans)
{
	uint64_t serial = session_peer_facts_serial(l->session);

	if (serial == l->peer_serial)
		return false;
	l->peer_serial = serial;
	/* What it sends may reach us by other links now. */
	observer_forget(l->observer);
	*plans |= pathmgr_peer_changed(l->paths, session_peer_facts(l->session));
	return true;
}

static void look_fired(struct loop_timer *timer)
{
	struct link_watch *l = timer->arg;
	bool plans, changed;

	l->looked_ns = loop_now(l->loop);
	changed = plans = look_at_ours(l);
	changed |= look_at_theirs(l, &plans);
	plans |= l->plans;
	l->plans = false;
	changed |= l->joined;
	l->joined = false;
	if (changed)
		l->events.changed(l->events.arg, plans);
}

void link_watch_heard(struct link_watch *l)
{
	if (session_peer_facts_serial(l->session) != l->peer_serial)
		look_by(l, loop_now(l->loop));
}

/* Connections ---------------------------------------------------------------------------------- */

static void place_by(struct subflow_stats *s, uint32_t possible, enum subflow_end end, int8_t *link)
{
	int only = lanes_only(possible);

	if (only < 0)
		return;
	*link = (int8_t)only;
	s->seen |= (uint8_t)end;
}

static const char *link_name(const struct wire_facts *f, int8_t link)
{
	return link >= 0 && link < f->n_links ? f->link[link].name : "?";
}

void link_watch_place(struct link_watch *l, struct conn *c)
{
	struct subflow_stats *s = &c->stats;
	const struct wire_lane *here = session_subflow_lane(l->session, c->slot);
	const struct wire_lane *peer = session_subflow_peer_lane(l->session, c->slot);

	pathmgr_place(l->paths, c->way, l->client ? s->local_port : s->peer_port, s);
	s->seen = 0;
	/* Where the address tells it, nothing was seen. */
	if (pathmgr_sends_by(l->paths, c->way) < 0)
		place_by(s, here->tx_possible, SUBFLOW_TX, &s->tx_link);
	place_by(s, here->rx_possible, SUBFLOW_RX, &s->rx_link);
	place_by(s, peer->tx_possible, SUBFLOW_PEER_TX, &s->peer_tx_link);
	place_by(s, peer->rx_possible, SUBFLOW_PEER_RX, &s->peer_rx_link);
}

/* A connection between addresses of which nothing is known yet. */
static void join(struct link_watch *l, struct conn *c)
{
	bool changed;

	c->way = pathmgr_join(l->paths, c->io.fd, &changed);
	if (!changed)
		return;
	observer_forget(l->observer);
	session_set_facts(l->session, pathmgr_facts(l->paths));
	l->joined = true;
	look_by(l, loop_now(l->loop) + LINK_WATCH_SETTLE_NS);
}

bool link_watch_of_conn(struct link_watch *l, struct conn *c, char text[LINK_WATCH_TEXT_LEN])
{
	const struct wire_facts *here;
	const struct wire_facts *peer = session_peer_facts(l->session);
	struct subflow_stats *s = &c->stats;
	bool translated;
	size_t used;

	/* Facts that came beside the connection are taken here, before they are looked at. */
	if (session_peer_facts_serial(l->session) != l->peer_serial)
		l->plans |= pathmgr_peer_changed(l->paths, peer);
	translated = pathmgr_peer(l->paths, c->io.fd, peer,
				  session_subflow_peer_names(l->session, c->slot));
	if (c->way < 0)
		join(l, c);
	here = pathmgr_facts(l->paths);
	link_watch_place(l, c);
	/* With one connection there is nothing to be planned anew. If this one came over a way that
	 * had vanished, no event tells that the route is back. */
	if (!l->looks && ((s->id && !l->watching) || pathmgr_gone(l->paths, c->way))) {
		l->looks = 1;
		look_by(l, loop_now(l->loop) + LINK_WATCH_SETTLE_NS);
	}
	used = text_printf(text, LINK_WATCH_TEXT_LEN, "subflow %u: %s port %u to %s port %u", s->id,
			   s->local, s->local_port, s->peer, s->peer_port);
	if (here->n_links || peer->n_links)
		text_printf(text + used, LINK_WATCH_TEXT_LEN - used, ", out %s -> %s, in %s <- %s",
			    link_name(here, s->tx_link), link_name(peer, s->peer_rx_link),
			    link_name(here, s->rx_link), link_name(peer, s->peer_tx_link));
	return translated;
}

void link_watch_learn(struct link_watch *l, int fd)
{
	pathmgr_learn(l->paths, fd, loop_now(l->loop));
	session_set_facts(l->session, pathmgr_facts(l->paths));
	l->learnt = true;
	link_watch_count(l);
}

void link_watch_observe(struct link_watch *l, struct conn *const *conns, const uint16_t *n_slots)
{
	l->conns = conns;
	l->n_slots = n_slots;
}

void link_watch_closed(struct link_watch *l, const struct conn *c)
{
	observer_closed(l->observer, c, loop_now(l->loop));
}

struct pathmgr *link_watch_paths(struct link_watch *l)
{
	return l->paths;
}

/* Life ----------------------------------------------------------------------------------------- */

int link_watch_new(struct link_watch **out, struct loop *loop, struct session *session,
		   const struct pathmgr_config *config, const struct link_watch_events *events)
{
	struct link_watch *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	r = pathmgr_new(&l->paths, config);
	if (!r)
		r = observer_new(&l->observer, session, l->paths);
	if (r) {
		pathmgr_free(l->paths);
		free(l);
		return r;
	}
	l->loop = loop;
	l->session = session;
	l->client = config->client;
	l->events = *events;
	l->count_timer = (struct loop_timer){ .fn = count_fired, .arg = l, .due_ns = LOOP_NEVER };
	l->look_timer = (struct loop_timer){ .fn = look_fired, .arg = l, .due_ns = LOOP_NEVER };
	l->watch = (struct loop_io){ .fd = -1, .fn = watch_event, .arg = l };
	*out = l;
	return 0;
}

void link_watch_stop(struct link_watch *l)
{
	l->learnt = false;
	loop_set_timer(l->loop, &l->count_timer, LOOP_NEVER);
	loop_set_timer(l->loop, &l->look_timer, LOOP_NEVER);
	stop_watching(l);
}

struct link_watch *link_watch_free(struct link_watch *l)
{
	if (!l)
		return NULL;
	link_watch_stop(l);
	observer_free(l->observer);
	pathmgr_free(l->paths);
	free(l);
	return NULL;
}
