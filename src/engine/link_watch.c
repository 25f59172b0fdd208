/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the path manager's knowledge of the links at both sides up to date, and the peer informed.
 *
 * Counting: while bytes move, a timer reads our links' counters, for the peer (LINKS) and for the
 * observer, which may want them more often.
 *
 * Looking: one timer. A look re-reads our links if that is due, takes in what the peer announced,
 * and reports to the engine what has changed since the last look. Looks are LINK_WATCH_LOOK_NS
 * apart at least, so a storm of events, or of FACTS, costs no more than that.
 *
 *                      an event of the kernel                    after LINK_WATCH_SETTLE_NS
 *    WATCHED --------------------------------------> SETTLING --------------------------+
 *     |  ^                                              ^                               |
 *     |  +-- after LINK_WATCH_AGAIN_NS --+              | an event                      v
 *     |                                  +------------------------------------------- AGAIN
 *     | a connection's egress had vanished                                              ^
 *     +---------------------------------------------------------------------------------+
 *     | a second connection                                                             |
 *    UNWATCHED -------------------------------------------------------------------------+
 *
 * With one connection there is nothing to plan anew, so links are UNWATCHED at first; they stay so,
 * and everything works but the following of changes, where the kernel gives no events. The socket
 * is watched again after a look: what comes before lies in it, or overflows, and is one look
 * either way.
 *
 * The peer's facts belong to the path manager. The session hands them over once
 * (session_take_peer_facts), at the next look, or before a connection's links are looked up. Those
 * that come with the first connection are no change of anything.
 */
#include "engine/link_watch.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/observer.h"
#include "plan/lanes.h"
#include "session/session_links.h"
#include "util/text.h"

/* Of our links; the drawing is above. */
enum watch_state {
	LINKS_UNWATCHED,
	LINKS_WATCHED,
	LINKS_SETTLING, /* an event came: two looks are due */
	LINKS_AGAIN,    /* one look is due */
};

/* What the engine has to hear at the next look; a greater one includes a lesser. */
enum news {
	NEWS_NONE,
	NEWS_LINKS, /* links have changed */
	NEWS_PLANS, /* and plans made from now on can differ */
};

struct link_watch {
	struct loop *loop;
	struct session *session;
	struct pathmgr *paths;
	struct observer *observer;
	struct conn *const *conns;
	const uint16_t *n_slots;
	bool client;
	struct link_watch_events events;

	/* Counting. */
	bool learnt; /* there is something to count */
	struct loop_timer count_timer;
	uint64_t announced_ns;   /* the last count that went to the peer */
	uint64_t moved, counted; /* payload bytes now, and when links were counted last */

	/* Looking. */
	enum watch_state state;
	struct loop_io events_io; /* the kernel's; fd is the path manager's */
	bool watching;            /* events_io is in the loop */
	struct loop_timer look_timer;
	uint64_t looked_ns; /* the last look */
	bool peer_known;    /* the peer's first facts are taken */
	enum news news;
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
	observer_snapshot(l->observer);
	if (pathmgr_count(l->paths, now_ns, &counted)) {
		if (l->conns)
			news = observer_sample(l->observer, &counted, l->conns, *l->n_slots,
					       now_ns);
		if (now_ns - l->announced_ns >= LINK_WATCH_COUNT_NS) {
			session_links(l->session, &counted);
			l->announced_ns = now_ns;
			news = true;
		}
		if (observer_next(l->observer, now_ns) < next_ns)
			next_ns = observer_next(l->observer, now_ns);
	}
	loop_set_timer(l->loop, timer, next_ns);
	if (news)
		l->events.news(l->events.arg);
}

void link_watch_moved(struct link_watch *l, uint64_t moved)
{
	if (moved == l->moved)
		return;
	l->moved = moved;
	if (l->learnt && !l->count_timer.linked)
		loop_set_timer(l->loop, &l->count_timer, loop_now(l->loop) + LINK_WATCH_COUNT_NS);
}

/* Looking -------------------------------------------------------------------------------------- */

static void look_by(struct link_watch *l, uint64_t due_ns)
{
	if (due_ns < l->looked_ns + LINK_WATCH_LOOK_NS)
		due_ns = l->looked_ns + LINK_WATCH_LOOK_NS;
	if (due_ns < l->look_timer.due_ns)
		loop_set_timer(l->loop, &l->look_timer, due_ns);
}

static void add_news(struct link_watch *l, enum news news)
{
	if (news > l->news)
		l->news = news;
}

static void stop_watching(struct link_watch *l)
{
	if (l->watching)
		loop_remove(l->loop, &l->events_io);
	l->watching = false;
}

static void start_watching(struct link_watch *l)
{
	l->events_io.fd = pathmgr_watch(l->paths);
	if (!l->watching && l->events_io.fd >= 0)
		l->watching = !loop_add(l->loop, &l->events_io, EPOLLIN);
}

/* The only place that changes the state. */
static void enter(struct link_watch *l, enum watch_state state)
{
	uint64_t now_ns = loop_now(l->loop);

	switch (state) {
	case LINKS_UNWATCHED:
	case LINKS_WATCHED:
		break;
	case LINKS_SETTLING:
		stop_watching(l);
		look_by(l, now_ns + LINK_WATCH_SETTLE_NS);
		break;
	case LINKS_AGAIN:
		look_by(l, now_ns + (l->state == LINKS_SETTLING ? LINK_WATCH_AGAIN_NS
								: LINK_WATCH_SETTLE_NS));
		break;
	}
	l->state = state;
}

static void on_event(struct loop_io *io, uint32_t events)
{
	struct link_watch *l = io->arg;

	if (pathmgr_events(l->paths))
		enter(l, LINKS_SETTLING);
}

/* Before our links are read: what changes meanwhile makes an event. */
static bool advance(struct link_watch *l)
{
	if (l->state != LINKS_SETTLING && l->state != LINKS_AGAIN)
		return false;
	start_watching(l);
	if (l->state == LINKS_SETTLING)
		enter(l, LINKS_AGAIN);
	else
		enter(l, l->watching ? LINKS_WATCHED : LINKS_UNWATCHED);
	return true;
}

static void announce_ours(struct link_watch *l)
{
	observer_forget(l->observer);
	session_set_facts(l->session, pathmgr_facts(l->paths));
}

static void look_at_ours(struct link_watch *l)
{
	if (!advance(l) || !pathmgr_relearn(l->paths))
		return;
	announce_ours(l);
	add_news(l, NEWS_PLANS);
}

/* Returns whether they have changed. */
static bool look_at_theirs(struct link_watch *l)
{
	const struct wire_facts *facts = session_take_peer_facts(l->session);
	bool plans, first = !l->peer_known;

	if (!facts)
		return false;
	plans = pathmgr_set_peer_facts(l->paths, facts);
	l->peer_known = true;
	if (first)
		return false;
	/* What it sends may reach us by other links now. */
	observer_forget(l->observer);
	add_news(l, plans ? NEWS_PLANS : NEWS_LINKS);
	return true;
}

static void look_fired(struct loop_timer *timer)
{
	struct link_watch *l = timer->arg;
	enum news news;

	l->looked_ns = loop_now(l->loop);
	look_at_ours(l);
	look_at_theirs(l);
	news = l->news;
	l->news = NEWS_NONE;
	if (news)
		l->events.changed(l->events.arg, news == NEWS_PLANS);
}

void link_watch_heard(struct link_watch *l)
{
	if (session_peer_facts_new(l->session))
		look_by(l, loop_now(l->loop));
}

/* Connections ---------------------------------------------------------------------------------- */

/* If one link is left that it can be, by what the counters of one side have shown. */
static void fill_observed(struct subflow_stats *s, uint32_t possible, enum subflow_end end,
			  int8_t *link)
{
	int only = lanes_only(possible);

	if (only < 0)
		return;
	*link = (int8_t)only;
	s->observed |= (uint8_t)end;
}

void link_watch_fill(struct link_watch *l, struct conn *c)
{
	struct subflow_stats *s = &c->stats;
	const struct wire_lane *here = session_subflow_lane(l->session, c->slot);
	const struct wire_lane *peer = session_subflow_peer_lane(l->session, c->slot);

	pathmgr_place(l->paths, c->way, l->client ? s->local_port : s->peer_port, s);
	s->observed = 0;
	/* Where the address decides by which link it leaves, counters have shown nothing. */
	if (pathmgr_sends_by(l->paths, c->way) < 0)
		fill_observed(s, here->tx_possible, SUBFLOW_TX, &s->tx_link);
	fill_observed(s, here->rx_possible, SUBFLOW_RX, &s->rx_link);
	fill_observed(s, peer->tx_possible, SUBFLOW_PEER_TX, &s->peer_tx_link);
	fill_observed(s, peer->rx_possible, SUBFLOW_PEER_RX, &s->peer_rx_link);
}

/* A connection between addresses for which no egress is known yet. */
static void find_egress(struct link_watch *l, struct conn *c)
{
	bool changed;

	c->way = pathmgr_join(l->paths, c->io.fd, &changed);
	if (!changed)
		return;
	announce_ours(l);
	add_news(l, NEWS_LINKS);
	look_by(l, loop_now(l->loop) + LINK_WATCH_SETTLE_NS);
}

/* A second connection makes changes worth following. If one runs over an egress that had vanished,
 * no event says that the route is back. */
static void consider_looking(struct link_watch *l, const struct conn *c)
{
	bool gone = pathmgr_gone(l->paths, c->way);

	if ((l->state == LINKS_UNWATCHED && (c->stats.id || gone)) ||
	    (l->state == LINKS_WATCHED && gone))
		enter(l, LINKS_AGAIN);
}

static const char *link_name(const struct wire_facts *f, int8_t link)
{
	return link >= 0 && link < f->n_links ? f->link[link].name : "?";
}

static void describe(const struct link_watch *l, const struct subflow_stats *s,
		     char text[LINK_WATCH_TEXT_LEN])
{
	const struct wire_facts *here = pathmgr_facts(l->paths);
	const struct wire_facts *peer = pathmgr_peer_facts(l->paths);
	size_t used;

	used = text_printf(text, LINK_WATCH_TEXT_LEN, "subflow %u: %s port %u to %s port %u", s->id,
			   s->local, s->local_port, s->peer, s->peer_port);
	if (here->n_links || peer->n_links)
		text_printf(text + used, LINK_WATCH_TEXT_LEN - used, ", out %s -> %s, in %s <- %s",
			    link_name(here, s->tx_link), link_name(peer, s->peer_rx_link),
			    link_name(here, s->rx_link), link_name(peer, s->peer_tx_link));
}

bool link_watch_greeted(struct link_watch *l, struct conn *c, char text[LINK_WATCH_TEXT_LEN])
{
	bool translated;

	if (look_at_theirs(l))
		look_by(l, loop_now(l->loop));
	translated = pathmgr_compare_names(l->paths, c->io.fd,
					   session_subflow_peer_names(l->session, c->slot));
	if (c->way < 0)
		find_egress(l, c);
	link_watch_fill(l, c);
	consider_looking(l, c);
	describe(l, &c->stats, text);
	return translated;
}

void link_watch_learn(struct link_watch *l, int fd)
{
	pathmgr_learn(l->paths, fd, loop_now(l->loop));
	session_set_facts(l->session, pathmgr_facts(l->paths));
	l->peer_known = false;
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
	l->events_io = (struct loop_io){ .fd = -1, .fn = on_event, .arg = l };
	*out = l;
	return 0;
}

void link_watch_stop(struct link_watch *l)
{
	l->learnt = false;
	loop_set_timer(l->loop, &l->count_timer, LOOP_NEVER);
	loop_set_timer(l->loop, &l->look_timer, LOOP_NEVER);
	stop_watching(l);
	enter(l, LINKS_UNWATCHED);
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
