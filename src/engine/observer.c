/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observer.c - observes on which local link each connection of a session sends and receives
 *
 * Once per sample, in this order: observer_snapshot() reads the connections; the caller reads the
 * links' counters, which takes milliseconds; observer_sample() reads the connections again. The
 * mean of both is what a connection had when the links were read. What has grown since the last
 * sample goes to plan/lanes.h, one instance for each direction. doc/design/lanes.md has the model,
 * doc/design/switch.md what the answers are for.
 *
 * What always holds:
 * - A number in observed[] is open in both instances of lanes exactly while its connection lives,
 * or has ended and gone_ns is set: then its link is unsure, and it stays as a silent one for
 * OBSERVER_GONE_NS.
 * - conn is borrowed: observer_closed() clears it before the connection is freed.
 * - last and at_link_read of a connection never exceed now.
 * - An answer holds until another one replaces it: lanes_solve() that knows nothing changes
 * nothing.
 *
 * Where the kernel names the link of arrival, or a rule predicts the link of departure by the
 * device alone, that is announced in place of what was observed. Runs in the loop's thread; the
 * search has a bound (LANES_STEPS_MAX).
 */
#include "engine/observer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/tcpinfo.h"
#include "plan/lanes.h"
#include "plan/steer.h"
#include "session/session_links.h"
#include "session/session_subflow.h"

_Static_assert(LANES_LINKS_MAX == WIRE_LINKS_MAX, "lanes and facts number links alike");

struct bytes {
	uint64_t tx;
	uint64_t rx;
};

/* A connection by its number in lanes.h. */
struct observed {
	const struct conn *conn;   /* NULL: the number is free, or the connection has ended */
	uint64_t gone_ns;          /* when it ended, if its link is unsure; else 0 */
	struct tcpinfo snapshot;   /* the kernel's counters when they were read last */
	struct bytes now;          /* bytes of its life, at the snapshot */
	struct bytes at_link_read; /* the same, just before the links' counters were read */
	struct bytes last;         /* the same, as the last sample had it */
	struct steer_loss loss;
	int arrival;         /* link of the last bytes received, if the kernel names it; else -1 */
	bool arrival_steady; /* the same link twice */
};

struct direction {
	struct lanes *lanes; /* NULL: nothing has to be observed */
	struct lane lane[LANES_FLOWS_MAX];
	bool news; /* a sample came after the last lanes_solve() */
	/* Sums since the last sample. */
	uint64_t dt_ns;
	uint64_t flow[LANES_FLOWS_MAX];
	uint64_t gone[WIRE_LINKS_MAX]; /* of connections that have ended */
	uint64_t last[WIRE_LINKS_MAX]; /* the links' counters, as that sample had them */
};

struct observer {
	struct session *session;
	struct pathmgr *paths;
	struct direction tx;
	struct direction rx;
	bool begun;
	uint64_t last_ns; /* of the last sample */
	uint64_t solved_ns;
	uint64_t news_ns; /* connections came or went */
	unsigned n_solved;
	struct observed observed[LANES_FLOWS_MAX];
};

int observer_new(struct observer **out, struct session *session, struct pathmgr *paths)
{
	struct observer *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->session = session;
	o->paths = paths;
	*out = o;
	return 0;
}

static void drop_lanes(struct observer *o)
{
	o->tx.lanes = lanes_free(o->tx.lanes);
	o->rx.lanes = lanes_free(o->rx.lanes);
	/* observer_closed() does nothing while !begun, so no pointer may remain. */
	memset(o->observed, 0, sizeof(o->observed));
	o->begun = false;
}

struct observer *observer_free(struct observer *o)
{
	if (o)
		drop_lanes(o);
	free(o);
	return NULL;
}

void observer_forget(struct observer *o)
{
	drop_lanes(o);
}

static bool can_tell(const struct wire_facts *f)
{
	return f->n_links > 1;
}

static void begin(struct observer *o, const struct wire_links *links_now, uint64_t now_ns)
{
	const struct wire_facts *f = pathmgr_facts(o->paths);
	uint32_t all = f->n_links < 32 ? (1u << f->n_links) - 1 : UINT32_MAX;

	o->begun = true;
	memset(o->observed, 0, sizeof(o->observed));
	memset(&o->tx, 0, sizeof(o->tx));
	memset(&o->rx, 0, sizeof(o->rx));
	for (unsigned i = 0; i < links_now->n; i++) {
		o->tx.last[i] = links_now->link[i].tx_bytes;
		o->rx.last[i] = links_now->link[i].rx_bytes;
	}
	o->last_ns = o->solved_ns = o->news_ns = now_ns;
	/* Without memory the lanes stay unknown, which is no error. */
	if (!pathmgr_spreads(o->paths) && lanes_new(&o->tx.lanes, f->n_links, f->usable))
		o->tx.lanes = NULL;
	if (lanes_new(&o->rx.lanes, f->n_links, all))
		o->rx.lanes = NULL;
}

/* Connections ---------------------------------------------------------------------------------- */

/* Counters that go back were reset by their driver. */
static uint64_t grown(uint64_t last, uint64_t now)
{
	return now > last ? now - last : 0;
}

/* Returns LANES_FLOWS_MAX for one that has no number. */
static unsigned number_of(const struct observer *o, const struct conn *c)
{
	unsigned i = 0;

	while (i < LANES_FLOWS_MAX && o->observed[i].conn != c)
		i++;
	return i;
}

static void release(struct observer *o, unsigned i)
{
	o->observed[i].gone_ns = 0;
	if (o->tx.lanes)
		lanes_close(o->tx.lanes, i);
	if (o->rx.lanes)
		lanes_close(o->rx.lanes, i);
}

/* A free number, or that of the connection that ended first. */
static unsigned free_number(struct observer *o)
{
	unsigned found = LANES_FLOWS_MAX;

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (!o->observed[i].conn && (found == LANES_FLOWS_MAX ||
					     o->observed[i].gone_ns < o->observed[found].gone_ns))
			found = i;
	if (found < LANES_FLOWS_MAX && o->observed[found].gone_ns)
		release(o, found);
	return found;
}

/* Reads the kernel's counters. Returns false if that fails. */
static bool look(struct observed *ob)
{
	struct tcpinfo now;

	if (!ob->conn || tcpinfo_get(ob->conn->io.fd, &now))
		return false;
	ob->now.tx += grown(ob->snapshot.sent, now.sent);
	ob->now.rx += (uint64_t)(now.segs_in - ob->snapshot.segs_in) * now.seg_len;
	ob->snapshot = now;
	return true;
}

static void add(struct observer *o, unsigned i, struct bytes now)
{
	struct observed *ob = &o->observed[i];

	o->tx.flow[i] += grown(ob->last.tx, now.tx);
	o->rx.flow[i] += grown(ob->last.rx, now.rx);
	ob->last = now;
}

/* A connection that began after the last sample counts from its beginning, any other from here. */
static void watch(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = free_number(o);
	struct observed *ob = &o->observed[i];

	if (i == LANES_FLOWS_MAX)
		return;
	assert(!ob->conn && !ob->gone_ns);
	*ob = (struct observed){ .conn = c, .arrival = -1 };
	look(ob);
	ob->at_link_read = ob->now;
	if (c->ready_ns < o->last_ns)
		ob->last = ob->now;
	o->tx.lane[i] = o->rx.lane[i] = (struct lane){ -1, 0 };
	o->tx.flow[i] = o->rx.flow[i] = 0;
	o->news_ns = now_ns;
	if (o->tx.lanes)
		lanes_open(o->tx.lanes, i);
	if (o->rx.lanes)
		lanes_open(o->rx.lanes, i);
}

static bool is_settled(const struct direction *d, unsigned i)
{
	return !d->lanes || !d->lane[i].possible || lanes_only(d->lane[i].possible) >= 0;
}

/* Takes the connection's bytes since the last sample from its link, if that is sure. */
static void take_leave(struct direction *d, unsigned i)
{
	int link = lanes_only(d->lane[i].possible);

	if (link >= 0)
		d->gone[link] += d->flow[i];
}

/* The bytes of a connection that ends are taken from its link. A wrong guess would spoil the sums
 * of two links. So a connection whose link is unsure stays as a silent one until its bytes have
 * faded. */
void observer_closed(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = number_of(o, c);

	if (!o->begun || i == LANES_FLOWS_MAX)
		return;
	if (look(&o->observed[i]))
		add(o, i, o->observed[i].now);
	o->observed[i].conn = NULL;
	o->observed[i].gone_ns = now_ns;
	o->news_ns = now_ns;
	if (!is_settled(&o->tx, i) || !is_settled(&o->rx, i))
		return;
	take_leave(&o->tx, i);
	take_leave(&o->rx, i);
	release(o, i);
}

static void forget_gone(struct observer *o, uint64_t now_ns)
{
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (o->observed[i].gone_ns && now_ns - o->observed[i].gone_ns > OBSERVER_GONE_NS)
			release(o, i);
}

/* Samples -------------------------------------------------------------------------------------- */

/* The sums of one direction make a sample once there is enough: acknowledgements alone say nothing.
 */
static void take(struct direction *d, uint64_t dt_ns, const struct wire_links *links_now, bool tx)
{
	uint64_t link[WIRE_LINKS_MAX], sum = 0;

	d->dt_ns += dt_ns;
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		sum += d->flow[i];
	if (!d->lanes || (sum < OBSERVER_SAMPLE_BYTES && d->dt_ns < OBSERVER_SLOW_NS))
		return;
	for (unsigned i = 0; i < links_now->n; i++) {
		uint64_t now = tx ? links_now->link[i].tx_bytes : links_now->link[i].rx_bytes;
		uint64_t new = grown(d->last[i], now);
		/* A counter that is late has not moved yet. */
		uint64_t gone = d->gone[i] < new ? d->gone[i] : new;

		link[i] = new - gone;
		d->gone[i] -= gone;
		d->last[i] = now;
	}
	lanes_sample(d->lanes, d->dt_ns, d->flow, link);
	d->news |= sum >= OBSERVER_SAMPLE_BYTES;
	d->dt_ns = 0;
	memset(d->flow, 0, sizeof(d->flow));
}

void observer_snapshot(struct observer *o)
{
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (look(&o->observed[i]))
			o->observed[i].at_link_read = o->observed[i].now;
}

/* The links were read between two readings of the connections. Without the mean, a few milliseconds
 * of a fast connection would look like other traffic. */
static uint64_t mean_of(uint64_t before, uint64_t after)
{
	return before + grown(before, after) / 2;
}

static void sample(struct observer *o, const struct wire_links *links_now, uint64_t now_ns)
{
	uint64_t dt_ns = now_ns - o->last_ns;

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		struct observed *ob = &o->observed[i];

		if (!look(ob))
			continue;
		add(o, i,
		    (struct bytes){ mean_of(ob->at_link_read.tx, ob->now.tx),
				    mean_of(ob->at_link_read.rx, ob->now.rx) });
		steer_is_lossy(&ob->loss,
			       &(struct steer_sent){ ob->snapshot.sent, ob->snapshot.resent,
						     ob->snapshot.rtt_us, ob->snapshot.min_rtt_us },
			       now_ns);
	}
	take(&o->tx, dt_ns, links_now, true);
	take(&o->rx, dt_ns, links_now, false);
}

/* An answer holds until another one replaces it. */
static void solve(struct direction *d)
{
	struct lane lane[LANES_FLOWS_MAX];

	if (d->lanes && d->news) {
		lanes_solve(d->lanes, lane);
		for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
			if (lane[i].possible)
				d->lane[i] = lane[i];
	}
	d->news = false;
}

/* A lane that needs no observation. */
static struct lane sure_of(int link)
{
	return link >= 0 ? (struct lane){ (int8_t)link, 1u << link } : (struct lane){ -1, 0 };
}

static bool announce(struct observer *o)
{
	struct subflow_stats rule;
	bool news = false;

	/* Where a rule predicts the link for every port, observation only checks it, and may wait.
	 */
	pathmgr_lanes(o->paths, 1, &rule);
	if (rule.tx_link < 0 || pathmgr_several(o->paths) || o->n_solved % OBSERVER_TX_TURN == 0)
		solve(&o->tx);
	o->n_solved++;
	solve(&o->rx);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		const struct observed *ob = &o->observed[i];
		struct lane tx, rx = o->rx.lane[i];
		struct wire_lane lane;

		if (!ob->conn)
			continue;
		/* A source address may have a device of its own. */
		tx = sure_of(pathmgr_sends_by(o->paths, ob->conn->way));
		if (!tx.possible)
			tx = o->tx.lane[i];
		if (ob->arrival_steady)
			rx = sure_of(ob->arrival);
		lane = (struct wire_lane){
			.tx_possible = tx.possible,
			.rx_possible = rx.possible,
			.tx = tx.possible ? (uint8_t)tx.link : WIRE_LANE_NONE,
			.rx = rx.possible ? (uint8_t)rx.link : WIRE_LANE_NONE,
			.flags = ob->loss.lossy ? WIRE_LANE_LOSSY : 0,
		};
		news |= session_subflow_set_lane(o->session, ob->conn->slot, &lane);
	}
	return news;
}

/* Does the connection use the links whose counters are read, and has it begun? */
static bool is_observable(const struct observer *o, const struct conn *c)
{
	return c && pathmgr_counts(o->paths, c->way) && session_subflow_ready(o->session, c->slot);
}

static bool is_fast(const struct observer *o, uint64_t now_ns)
{
	return now_ns - o->news_ns < OBSERVER_NEWS_NS;
}

/* Where the kernel names the link of arrival, counters are not needed. */
static void ask(struct observer *o)
{
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		struct observed *ob = &o->observed[i];
		int link = ob->conn ? pathmgr_received_by(o->paths, ob->conn->io.fd) : -1;

		/* The peer may spread one connection over all links: only the same link twice
		 * counts. */
		ob->arrival_steady = link >= 0 && link == ob->arrival;
		ob->arrival = link;
	}
}

bool observer_sample(struct observer *o, const struct wire_links *links_now,
		     struct conn *const *conns, unsigned n_conns, uint64_t now_ns)
{
	const struct wire_facts *facts = pathmgr_facts(o->paths);
	unsigned n = 0;
	bool began;

	for (unsigned i = 0; i < n_conns; i++)
		n += is_observable(o, conns[i]);
	/* One connection alone needs no lane. */
	if (!can_tell(facts) || links_now->n != facts->n_links || (!o->begun && n < 2))
		return false;
	began = !o->begun;
	if (began)
		begin(o, links_now, now_ns);
	for (unsigned i = 0; i < n_conns; i++)
		if (is_observable(o, conns[i]) && number_of(o, conns[i]) == LANES_FLOWS_MAX)
			watch(o, conns[i], now_ns);
	if (!began)
		sample(o, links_now, now_ns);
	ask(o);
	forget_gone(o, now_ns);
	o->last_ns = now_ns;
	if (now_ns - o->solved_ns < OBSERVER_SOLVE_NS)
		return false;
	o->solved_ns = now_ns;
	return announce(o);
}

uint64_t observer_next(const struct observer *o, uint64_t now_ns)
{
	return now_ns + (o->begun && !is_fast(o, now_ns) ? OBSERVER_SLOW_NS : OBSERVER_FAST_NS);
}
