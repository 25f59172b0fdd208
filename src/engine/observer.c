/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/tcpinfo.h"
#include "plan/lanes.h"
#include "plan/steer.h"
#include "session/session_links.h"
#include "session/session_subflow.h"

_Static_assert(LANES_LINKS_MAX == WIRE_LINKS_MAX, "lanes are told by the numbers of the facts");

struct bytes {
	uint64_t tx;
	uint64_t rx;
};

/* A connection by its number in lanes.h. */
struct observed {
	const struct conn *conn; /* NULL: the number is free, or: */
	uint64_t gone_ns;        /* it has ended then, and nobody knows for sure where it was; 0 */
	struct tcpinfo told;     /* by the kernel, last */
	struct bytes by_now;
	struct bytes before;  /* our links were counted, this time */
	struct bytes counted; /* of this the last sample knew */
	struct steer_loss loss;
	int link;  /* by which it arrived last, if the kernel tells; else -1 */
	bool same; /* and the time before */
};

struct direction {
	struct lanes *lanes; /* NULL: there is nothing to tell apart */
	struct lane lane[LANES_FLOWS_MAX];
	bool news; /* since they were told apart last */
	/* What has come together since the last sample. */
	uint64_t dt_ns;
	uint64_t flow[LANES_FLOWS_MAX];
	uint64_t gone[WIRE_LINKS_MAX]; /* of connections that have ended */
	uint64_t seen[WIRE_LINKS_MAX]; /* the links' counters, then */
};

struct observer {
	struct session *session;
	struct pathmgr *paths;
	struct direction tx;
	struct direction rx;
	bool begun;
	uint64_t seen_ns;
	uint64_t solved_ns;
	uint64_t news_ns; /* connections came or went */
	unsigned n_solved;
	struct observed seen[LANES_FLOWS_MAX];
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
	/* Of a connection that closes from here on we do not hear. */
	memset(o->seen, 0, sizeof(o->seen));
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

static void begin(struct observer *o, const struct wire_links *counted, uint64_t now_ns)
{
	const struct wire_facts *f = pathmgr_facts(o->paths);
	uint32_t all = f->n_links < 32 ? (1u << f->n_links) - 1 : UINT32_MAX;

	o->begun = true;
	memset(o->seen, 0, sizeof(o->seen));
	memset(&o->tx, 0, sizeof(o->tx));
	memset(&o->rx, 0, sizeof(o->rx));
	for (unsigned i = 0; i < counted->n; i++) {
		o->tx.seen[i] = counted->link[i].tx_bytes;
		o->rx.seen[i] = counted->link[i].rx_bytes;
	}
	o->seen_ns = o->solved_ns = o->news_ns = now_ns;
	/* Without memory the lanes stay unknown, which is no error. */
	if (!pathmgr_spreads(o->paths) && lanes_new(&o->tx.lanes, f->n_links, f->usable))
		o->tx.lanes = NULL;
	if (lanes_new(&o->rx.lanes, f->n_links, all))
		o->rx.lanes = NULL;
}

/* Connections ---------------------------------------------------------------------------------- */

/* Counters that go back were reset by their driver. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

/* Returns LANES_FLOWS_MAX for one that has no number. */
static unsigned number_of(const struct observer *o, const struct conn *c)
{
	unsigned i = 0;

	while (i < LANES_FLOWS_MAX && o->seen[i].conn != c)
		i++;
	return i;
}

static void release(struct observer *o, unsigned i)
{
	o->seen[i].gone_ns = 0;
	if (o->tx.lanes)
		lanes_close(o->tx.lanes, i);
	if (o->rx.lanes)
		lanes_close(o->rx.lanes, i);
}

/* One that is free, or that of the one that has gone first. */
static unsigned free_number(struct observer *o)
{
	unsigned found = LANES_FLOWS_MAX;

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (!o->seen[i].conn &&
		    (found == LANES_FLOWS_MAX || o->seen[i].gone_ns < o->seen[found].gone_ns))
			found = i;
	if (found < LANES_FLOWS_MAX && o->seen[found].gone_ns)
		release(o, found);
	return found;
}

/* Takes in what the kernel tells. Returns false if it does not. */
static bool look(struct observed *seen)
{
	struct tcpinfo now;

	if (!seen->conn || tcpinfo_get(seen->conn->io.fd, &now))
		return false;
	seen->by_now.tx += grown(seen->told.sent, now.sent);
	seen->by_now.rx += (uint64_t)(now.segs_in - seen->told.segs_in) * now.seg_len;
	seen->told = now;
	return true;
}

static void add(struct observer *o, unsigned i, struct bytes now)
{
	struct observed *seen = &o->seen[i];

	o->tx.flow[i] += grown(seen->counted.tx, now.tx);
	o->rx.flow[i] += grown(seen->counted.rx, now.rx);
	seen->counted = now;
}

/* One that began after the last sample is counted from its beginning, any other from here. */
static void watch(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = free_number(o);
	struct observed *seen = &o->seen[i];

	if (i == LANES_FLOWS_MAX)
		return;
	*seen = (struct observed){ .conn = c, .link = -1 };
	look(seen);
	seen->before = seen->by_now;
	if (c->ready_ns < o->seen_ns)
		seen->counted = seen->by_now;
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

/* What it has carried since the last sample. */
static void take_leave(struct direction *d, unsigned i)
{
	int link = lanes_only(d->lane[i].possible);

	if (link >= 0)
		d->gone[link] += d->flow[i];
}

/* Its bytes are taken from the link where it was. A guess that is wrong would spoil what is known
 * of that link and of the true one, so one that is not sure remains as one that is silent, until
 * what it carried is forgotten. */
void observer_closed(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = number_of(o, c);

	if (!o->begun || i == LANES_FLOWS_MAX)
		return;
	if (look(&o->seen[i]))
		add(o, i, o->seen[i].by_now);
	o->seen[i].conn = NULL;
	o->seen[i].gone_ns = now_ns;
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
		if (o->seen[i].gone_ns && now_ns - o->seen[i].gone_ns > OBSERVER_GONE_NS)
			release(o, i);
}

/* Samples -------------------------------------------------------------------------------------- */

/* What has come together for one direction makes a sample once it is worth its arithmetic: where
 * only acknowledgements flow there is nothing to tell apart. */
static void take(struct direction *d, uint64_t dt_ns, const struct wire_links *counted, bool tx)
{
	uint64_t link[WIRE_LINKS_MAX], sum = 0;

	d->dt_ns += dt_ns;
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		sum += d->flow[i];
	if (!d->lanes || (sum < OBSERVER_SAMPLE_BYTES && d->dt_ns < OBSERVER_SLOW_NS))
		return;
	for (unsigned i = 0; i < counted->n; i++) {
		uint64_t now = tx ? counted->link[i].tx_bytes : counted->link[i].rx_bytes;
		uint64_t new = grown(d->seen[i], now);
		/* A counter that is late has not moved yet. */
		uint64_t gone = d->gone[i] < new ? d->gone[i] : new;

		link[i] = new - gone;
		d->gone[i] -= gone;
		d->seen[i] = now;
	}
	lanes_sample(d->lanes, d->dt_ns, d->flow, link);
	d->news |= sum >= OBSERVER_SAMPLE_BYTES;
	d->dt_ns = 0;
	memset(d->flow, 0, sizeof(d->flow));
}

void observer_before(struct observer *o)
{
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++)
		if (look(&o->seen[i]))
			o->seen[i].before = o->seen[i].by_now;
}

/* In the middle between before and after is when the links were counted: a few milliseconds of one
 * and not of the other look like other traffic. */
static uint64_t meanwhile(uint64_t before, uint64_t after)
{
	return before + grown(before, after) / 2;
}

static void count(struct observer *o, const struct wire_links *counted, uint64_t now_ns)
{
	uint64_t dt_ns = now_ns - o->seen_ns;

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		struct observed *seen = &o->seen[i];

		if (!look(seen))
			continue;
		add(o, i,
		    (struct bytes){ meanwhile(seen->before.tx, seen->by_now.tx),
				    meanwhile(seen->before.rx, seen->by_now.rx) });
		steer_is_lossy(&seen->loss,
			       &(struct steer_sent){ seen->told.sent, seen->told.resent,
						     seen->told.rtt_us, seen->told.min_rtt_us },
			       now_ns);
	}
	take(&o->tx, dt_ns, counted, true);
	take(&o->rx, dt_ns, counted, false);
}

/* What was known holds until something else is. */
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

/* What was told otherwise, and is sure. */
static struct lane told(int link)
{
	return link >= 0 ? (struct lane){ (int8_t)link, 1u << link } : (struct lane){ -1, 0 };
}

static bool tell(struct observer *o)
{
	struct subflow_stats rule;
	bool news = false;

	/* Where a rule tells by which link we send, whatever the port, to see it is a check, which
	 * can wait. */
	pathmgr_lanes(o->paths, 1, &rule);
	if (rule.tx_link < 0 || pathmgr_several(o->paths) || o->n_solved % OBSERVER_TX_TURN == 0)
		solve(&o->tx);
	o->n_solved++;
	solve(&o->rx);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		const struct observed *seen = &o->seen[i];
		struct lane tx, rx = o->rx.lane[i];
		struct wire_lane lane;

		if (!seen->conn)
			continue;
		/* An address leaves by its own device. */
		tx = told(pathmgr_sends_by(o->paths, seen->conn->way));
		if (!tx.possible)
			tx = o->tx.lane[i];
		if (seen->same)
			rx = told(seen->link);
		lane = (struct wire_lane){
			.tx_possible = tx.possible,
			.rx_possible = rx.possible,
			.tx = tx.possible ? (uint8_t)tx.link : WIRE_LANE_NONE,
			.rx = rx.possible ? (uint8_t)rx.link : WIRE_LANE_NONE,
			.flags = seen->loss.lossy ? WIRE_LANE_LOSSY : 0,
		};
		news |= session_subflow_set_lane(o->session, seen->conn->slot, &lane);
	}
	return news;
}

/* Does it run over the links that are counted, and has it begun? */
static bool is_seen(const struct observer *o, const struct conn *c)
{
	return c && pathmgr_counts(o->paths, c->way) && session_subflow_ready(o->session, c->slot);
}

static bool is_fast(const struct observer *o, uint64_t now_ns)
{
	return now_ns - o->news_ns < OBSERVER_NEWS_NS;
}

/* Where the kernel tells by which link bytes arrive, counters are not needed. */
static void ask(struct observer *o)
{
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		struct observed *seen = &o->seen[i];
		int link = seen->conn ? pathmgr_received_by(o->paths, seen->conn->io.fd) : -1;

		/* What a peer sends may be spread over all links. */
		seen->same = link >= 0 && link == seen->link;
		seen->link = link;
	}
}

bool observer_sample(struct observer *o, const struct wire_links *counted,
		     struct conn *const *conns, unsigned n_conns, uint64_t now_ns)
{
	const struct wire_facts *facts = pathmgr_facts(o->paths);
	unsigned n = 0;
	bool began;

	for (unsigned i = 0; i < n_conns; i++)
		n += is_seen(o, conns[i]);
	/* One connection says nothing that would be of use. */
	if (!can_tell(facts) || counted->n != facts->n_links || (!o->begun && n < 2))
		return false;
	began = !o->begun;
	if (began)
		begin(o, counted, now_ns);
	for (unsigned i = 0; i < n_conns; i++)
		if (is_seen(o, conns[i]) && number_of(o, conns[i]) == LANES_FLOWS_MAX)
			watch(o, conns[i], now_ns);
	if (!began)
		count(o, counted, now_ns);
	ask(o);
	forget_gone(o, now_ns);
	o->seen_ns = now_ns;
	if (now_ns - o->solved_ns < OBSERVER_SOLVE_NS)
		return false;
	o->solved_ns = now_ns;
	return tell(o);
}

uint64_t observer_next(const struct observer *o, uint64_t now_ns)
{
	return now_ns + (o->begun && !is_fast(o, now_ns) ? OBSERVER_SLOW_NS : OBSERVER_FAST_NS);
}
