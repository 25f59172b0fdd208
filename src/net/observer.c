/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/tcpinfo.h"
#include "plan/lanes.h"

_Static_assert(LANES_LINKS_MAX == WIRE_LINKS_MAX, "lanes are told by the numbers of the facts");

/* Modes of bonding (IFLA_BOND_MODE) that spread each connection over all links. */
enum { MODE_BALANCE_RR = 0, MODE_BROADCAST = 3 };

/* A connection by its number in lanes.h. */
struct observed {
	const struct conn *conn; /* NULL: the number is free */
	uint64_t tx;
	uint64_t rx; /* as last counted */
};

struct observer {
	struct lanes *tx; /* NULL: there is nothing to tell apart */
	struct lanes *rx;
	bool begun;
	struct wire_links last;
	uint64_t seen_ns;
	uint64_t solved_ns;
	uint64_t news_ns; /* connections came or went */
	unsigned n_solved;
	struct observed seen[LANES_FLOWS_MAX];
	struct lane tx_lane[LANES_FLOWS_MAX];
	struct lane rx_lane[LANES_FLOWS_MAX];
};

int observer_new(struct observer **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void drop_lanes(struct observer *o)
{
	o->tx = lanes_free(o->tx);
	o->rx = lanes_free(o->rx);
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

static bool keeps_to_a_link(const struct wire_facts *f)
{
	return f->kind != WIRE_FACTS_BOND ||
	       (f->mode != MODE_BALANCE_RR && f->mode != MODE_BROADCAST);
}

static void begin(struct observer *o, const struct wire_facts *f, const struct wire_links *counted,
		  uint64_t now_ns)
{
	uint32_t all = f->n_links < 32 ? (1u << f->n_links) - 1 : UINT32_MAX;

	o->begun = true;
	memset(o->seen, 0, sizeof(o->seen));
	o->last = *counted;
	o->seen_ns = o->solved_ns = o->news_ns = now_ns;
	/* Without memory the lanes stay unknown, which is no error. */
	if (keeps_to_a_link(f) && lanes_new(&o->tx, f->n_links, f->usable))
		o->tx = NULL;
	if (lanes_new(&o->rx, f->n_links, all))
		o->rx = NULL;
}

/* Connections ---------------------------------------------------------------------------------- */

/* Returns LANES_FLOWS_MAX for one that has no number. */
static unsigned number_of(const struct observer *o, const struct conn *c)
{
	unsigned i = 0;

	while (i < LANES_FLOWS_MAX && o->seen[i].conn != c)
		i++;
	return i;
}

static void watch(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = number_of(o, NULL);
	struct observed *seen = &o->seen[i];

	if (i == LANES_FLOWS_MAX || tcpinfo_bytes(c->io.fd, &seen->tx, &seen->rx))
		return;
	seen->conn = c;
	o->tx_lane[i] = o->rx_lane[i] = (struct lane){ -1, 0 };
	o->news_ns = now_ns;
	if (o->tx)
		lanes_open(o->tx, i);
	if (o->rx)
		lanes_open(o->rx, i);
}

void observer_closed(struct observer *o, const struct conn *c, uint64_t now_ns)
{
	unsigned i = number_of(o, c);

	if (!o->begun || i == LANES_FLOWS_MAX)
		return;
	o->seen[i].conn = NULL;
	o->news_ns = now_ns;
	if (o->tx)
		lanes_close(o->tx, i);
	if (o->rx)
		lanes_close(o->rx, i);
}

/* Samples -------------------------------------------------------------------------------------- */

/* Counters that go back were reset by their driver. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static void count(struct observer *o, const struct wire_links *counted, uint64_t dt_ns)
{
	uint64_t tx[LANES_FLOWS_MAX] = { 0 }, rx[LANES_FLOWS_MAX] = { 0 };
	uint64_t link_tx[WIRE_LINKS_MAX], link_rx[WIRE_LINKS_MAX];

	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		struct observed now, *seen = &o->seen[i];

		if (!seen->conn || tcpinfo_bytes(seen->conn->io.fd, &now.tx, &now.rx))
			continue;
		tx[i] = grown(seen->tx, now.tx);
		rx[i] = grown(seen->rx, now.rx);
		seen->tx = now.tx;
		seen->rx = now.rx;
	}
	for (unsigned i = 0; i < counted->n; i++) {
		link_tx[i] = grown(o->last.link[i].tx_bytes, counted->link[i].tx_bytes);
		link_rx[i] = grown(o->last.link[i].rx_bytes, counted->link[i].rx_bytes);
	}
	o->last = *counted;
	if (o->tx)
		lanes_sample(o->tx, dt_ns, tx, link_tx);
	if (o->rx)
		lanes_sample(o->rx, dt_ns, rx, link_rx);
}

static bool tell(struct observer *o, struct session *s)
{
	bool news = false;

	/* By which link we send is mostly told by a rule; to see it is a check, which can wait. */
	if (o->tx && o->n_solved++ % OBSERVER_TX_TURN == 0)
		lanes_solve(o->tx, o->tx_lane);
	if (o->rx)
		lanes_solve(o->rx, o->rx_lane);
	for (unsigned i = 0; i < LANES_FLOWS_MAX; i++) {
		const struct lane *tx = &o->tx_lane[i], *rx = &o->rx_lane[i];
		struct wire_lane lane = {
			.tx_possible = tx->possible,
			.rx_possible = rx->possible,
			.tx = tx->possible ? (uint8_t)tx->link : WIRE_LANE_NONE,
			.rx = rx->possible ? (uint8_t)rx->link : WIRE_LANE_NONE,
		};

		if (o->seen[i].conn)
			news |= session_subflow_set_lane(s, o->seen[i].conn->slot, &lane);
	}
	return news;
}

static bool is_fast(const struct observer *o, uint64_t now_ns)
{
	return now_ns - o->news_ns < OBSERVER_NEWS_NS;
}

bool observer_sample(struct observer *o, struct session *s, const struct wire_facts *facts,
		     const struct wire_links *counted, struct conn *const *conns, unsigned n_conns,
		     uint64_t now_ns)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_conns; i++)
		n += conns[i] && session_subflow_ready(s, conns[i]->slot);
	/* One connection says nothing that would be of use. */
	if (!can_tell(facts) || counted->n != facts->n_links || (!o->begun && n < 2))
		return false;
	if (!o->begun)
		begin(o, facts, counted, now_ns);
	else
		count(o, counted, now_ns - o->seen_ns);
	o->seen_ns = now_ns;
	for (unsigned i = 0; i < n_conns; i++)
		if (conns[i] && session_subflow_ready(s, conns[i]->slot) &&
		    number_of(o, conns[i]) == LANES_FLOWS_MAX)
			watch(o, conns[i], now_ns);
	if (now_ns - o->solved_ns < OBSERVER_SOLVE_NS)
		return false;
	o->solved_ns = now_ns;
	return tell(o, s);
}

uint64_t observer_next(const struct observer *o, uint64_t now_ns)
{
	return now_ns + (o->begun && !is_fast(o, now_ns) ? OBSERVER_SLOW_NS : OBSERVER_FAST_NS);
}
