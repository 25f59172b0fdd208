/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections through switches that hash in ways of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "plan/steer.h"

#define S  1000000000ull
#define MS 1000000ull

struct network {
	uint64_t seed;
	unsigned n_tx, n_rx;
	bool by_port; /* the switch looks at ports */
	bool in;      /* the peer sends */
	bool tx_told; /* a port can be chosen for its tx link */
};

struct sim {
	struct network net;
	struct steer steer;
	struct steer_flow flows[STEER_FLOWS_MAX];
	struct steer_view view;
	unsigned n_opened, n_closed, n_live_max;
	uint16_t next_port;
};

static uint64_t scramble(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static unsigned tx_of(const struct sim *m, uint16_t port)
{
	return (unsigned)(scramble(port * 77ull + 5) % m->net.n_tx);
}

static unsigned rx_of(const struct sim *m, uint16_t port)
{
	if (!m->net.by_port)
		return (unsigned)(m->net.seed % m->net.n_rx);
	return (unsigned)(scramble(m->net.seed * 65536 + port) % m->net.n_rx);
}

static void open_flow(struct sim *m, const uint32_t want[COVER_ENDS])
{
	unsigned tx = m->net.in ? COVER_IN_TX : COVER_OUT_TX;
	struct steer_flow *f = &m->flows[m->view.n_flows++];

	m->next_port++;
	while (m->net.tx_told && want[tx] && !(want[tx] >> tx_of(m, m->next_port) & 1))
		m->next_port++;
	*f = (struct steer_flow){ .port = m->next_port };
	m->n_opened++;
	if (m->view.n_flows > m->n_live_max)
		m->n_live_max = m->view.n_flows;
}

static void close_flow(struct sim *m, uint16_t port)
{
	unsigned i = 0;

	while (m->flows[i].port != port)
		i++;
	memmove(m->flows + i, m->flows + i + 1, (--m->view.n_flows - i) * sizeof(m->flows[0]));
	m->n_closed++;
}

/* Lanes become known 300 ms after a connection was opened. */
static void age(struct sim *m, uint64_t ns)
{
	unsigned tx = m->net.in ? COVER_IN_TX : COVER_OUT_TX;

	m->view.now_ns += ns;
	for (unsigned i = 0; i < m->view.n_flows; i++) {
		struct steer_flow *f = &m->flows[i];

		f->age_ns += ns;
		if (f->age_ns < 300 * MS)
			continue;
		f->node[tx] = (uint8_t)tx_of(m, f->port);
		f->node[tx + 1] = (uint8_t)rx_of(m, f->port);
		f->possible[tx] = 1u << f->node[tx];
		f->possible[tx + 1] = 1u << f->node[tx + 1];
	}
}

static void start(struct sim *m, const struct network *net, unsigned flows)
{
	static const uint32_t any[COVER_ENDS];
	unsigned tx = net->in ? COVER_IN_TX : COVER_OUT_TX;

	memset(m, 0, sizeof(*m));
	m->net = *net;
	m->next_port = (uint16_t)(1000 + net->seed % 1000);
	m->view.flows = m->flows;
	m->view.most = 64;
	m->view.busy[net->in ? COVER_IN : COVER_OUT] = true;
	m->view.distinct[tx] = m->view.distinct[tx + 1] = true;
	for (unsigned i = 0; i < net->n_tx; i++)
		m->view.capacity[tx][i] = 1000;
	for (unsigned i = 0; i < net->n_rx; i++)
		m->view.capacity[tx + 1][i] = 1000;
	for (unsigned i = 0; i < flows; i++)
		open_flow(m, any);
}

static void step(struct sim *m)
{
	struct steer_action act;

	assert_int_equal(steer_step(&m->steer, &m->view, &act), 0);
	for (unsigned i = 0; i < act.n_close; i++)
		close_flow(m, act.close[i]);
	for (unsigned i = 0; i < act.n_open; i++)
		open_flow(m, act.want[i]);
	age(m, 50 * MS);
}

static void run(struct sim *m, uint64_t ns)
{
	for (uint64_t t = 0; t < ns; t += 50 * MS)
		step(m);
}

/* Any number of links, any hash of ports, either way: all that the links can carry, with as few
 * connections as that takes. */
static void test_all_links_are_found(void **state)
{
	unsigned missed = 0, runs = 0, late = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		for (unsigned n_tx = 1; n_tx <= 5; n_tx++) {
			for (unsigned n_rx = 2; n_rx <= 5; n_rx++) {
				struct network net = { seed * 100 + n_tx * 10 + n_rx,
						       n_tx,
						       n_rx,
						       true,
						       seed & 1,
						       seed & 2 };
				static struct sim m;
				unsigned most = n_tx < n_rx ? n_tx : n_rx;

				start(&m, &net, n_tx > n_rx ? n_tx : n_rx);
				run(&m, 3 * S);
				late += m.steer.verdict != STEER_ALL;
				run(&m, 17 * S);
				runs++;
				missed += m.steer.verdict != STEER_ALL;
				if (m.steer.verdict == STEER_ALL) {
					assert_int_equal(m.steer.reach, most * 1000);
					assert_true(m.view.n_flows <= n_tx + n_rx - 1);
				}
			}
		}
	}
	assert_true(missed * 200 <= runs);
	assert_true(late * 20 <= runs);
}

/* Nothing helps: bounded tries, then as few connections as are of use, and rest. */
static void test_a_switch_that_ignores_ports(void **state)
{
	for (unsigned n = 2; n <= 8; n++) {
		struct network net = { 7, n, n, false, false, true };
		static struct sim m;
		unsigned opened;

		start(&m, &net, n);
		run(&m, 10 * S);
		assert_int_equal(m.steer.verdict, STEER_ONE_LINK);
		assert_int_equal(m.steer.verdict_dir, COVER_OUT);
		assert_int_equal(m.view.n_flows, 1);
		opened = m.n_opened;
		/* What chance does once in a thousand, and one batch on top. */
		assert_true(opened <= (n == 2 ? 15 : n + n * STEER_BATCH_PER_LINK));
		run(&m, 45 * S);
		assert_int_equal(m.n_opened, opened);
		run(&m, 20 * S);
		assert_true(m.n_opened > opened);
	}
}

/* -P says how many, and -P at the listener how many at most. */
static void test_limits(void **state)
{
	struct network net = { 3, 4, 4, false, false, true };
	static struct sim m;

	start(&m, &net, 4);
	m.view.keep = 4;
	m.view.most = 6;
	run(&m, 60 * S);
	assert_int_equal(m.view.n_flows, 4);
	assert_true(m.n_live_max <= 6);
	assert_int_equal(m.steer.verdict, STEER_ONE_LINK);
}

/* Where the sender's links are told apart and the receiver's are not, nothing is tried. */
static void test_unseen_links(void **state)
{
	struct network net = { 3, 4, 4, true, false, true };
	static struct sim m;

	start(&m, &net, 2);
	m.view.distinct[COVER_OUT_TX] = m.view.distinct[COVER_OUT_RX] = false;
	run(&m, 10 * S);
	assert_int_equal(m.n_opened, 2);
	assert_int_equal(m.n_closed, 0);
	assert_int_equal(m.steer.verdict, STEER_UNKNOWN);
}

/* Connections that are tried come from all of the sender's links: many from one would share it. */
static void test_all_senders_are_used(void **state)
{
	struct network net = { 3, 4, 4, true, false, true };
	static struct sim m;
	struct steer_action act;
	unsigned used[4] = { 0 };

	start(&m, &net, 4);
	for (unsigned i = 0; i < 4; i++) {
		m.flows[i].age_ns = STEER_SETTLE_NS;
		m.flows[i].node[COVER_OUT_TX] = (uint8_t)i;
		m.flows[i].node[COVER_OUT_RX] = i == 0 ? 1 : 3;
		m.flows[i].possible[COVER_OUT_TX] = 1u << i;
		m.flows[i].possible[COVER_OUT_RX] = i == 0 ? 2 : 8;
	}
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 8);
	for (unsigned i = 0; i < act.n_open; i++)
		used[__builtin_ctz(act.want[i][COVER_OUT_TX])]++;
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(used[i], 1, 3);
}

/* Before all lanes are sure, those are closed that run where another surely does. */
static void test_certain_surplus(void **state)
{
	struct network net = { 3, 2, 2, true, false, true };
	static struct sim m;
	struct steer_action act;

	start(&m, &net, 4);
	for (unsigned i = 0; i < 4; i++) {
		m.flows[i].age_ns = STEER_SETTLE_NS - 1;
		m.flows[i].node[COVER_OUT_TX] = i & 1;
		m.flows[i].possible[COVER_OUT_TX] = 1u << (i & 1);
	}
	/* 0 and 2 are alike; of 1 and 3 one is on the other link. */
	m.flows[0].possible[COVER_OUT_RX] = m.flows[2].possible[COVER_OUT_RX] = 1;
	m.flows[1].possible[COVER_OUT_RX] = m.flows[3].possible[COVER_OUT_RX] = 3;
	m.flows[3].node[COVER_OUT_RX] = 1;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	assert_int_equal(act.n_close, 1);
	assert_true(act.close[0] == m.flows[0].port || act.close[0] == m.flows[2].port);
	for (unsigned i = 0; i < 4; i++)
		m.flows[i].age_ns = STEER_SETTLE_NS;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, 2);
	assert_true(m.steer.surplus);
}

/* The stream without gaps stands still for 0.4 s behind a late chunk, while all links are full:
 * that is no pause in which all connections but one are surplus. */
static void test_a_late_chunk_is_no_pause(void **state)
{
	struct steer_use use = { 0 };
	uint64_t now_ns = S, bytes = 0;

	assert_false(steer_is_busy(&use, bytes, true, now_ns));
	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 1 << 20, true, now_ns += 50 * MS);
	for (unsigned i = 0; i < 8; i++)
		assert_true(steer_is_busy(&use, bytes, true, now_ns += 50 * MS));
	/* But when nothing comes any more it is over. */
	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 10 << 10, true, now_ns += 50 * MS);
	assert_false(steer_is_busy(&use, bytes, true, now_ns));
}

/* Puts a connection on the link i of both ends. */
static void put(struct steer_flow *f, unsigned i)
{
	f->age_ns = STEER_SETTLE_NS;
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		f->node[end] = (uint8_t)i;
		f->possible[end] = 1u << i;
	}
}

/* Connections over a network whose lanes are all known: each link of four in turn. */
static void start_known(struct sim *m, unsigned flows)
{
	static const struct network net = { 3, 4, 4, true, false, true };

	start(m, &net, flows);
	for (unsigned i = 0; i < flows; i++)
		put(&m->flows[i], i % 4);
}

/* What all links of the receiver carry, as their counters say. */
static void set_rates(struct sim *m, uint64_t rate)
{
	m->view.measured[COVER_OUT_RX] = true;
	for (unsigned i = 0; i < m->net.n_rx; i++)
		m->view.rate[COVER_OUT_RX][i] = rate;
}

/* One step, as a client takes it; new connections come to the link where they are wanted, or to
 * that link. */
static unsigned step_known(struct sim *m, uint64_t ns, int link)
{
	unsigned before = m->n_opened;
	struct steer_action act;

	m->view.now_ns += ns;
	for (unsigned i = 0; i < m->view.n_flows; i++)
		m->flows[i].age_ns += ns;
	assert_int_equal(steer_step(&m->steer, &m->view, &act), 0);
	for (unsigned i = 0; i < act.n_close; i++)
		close_flow(m, act.close[i]);
	for (unsigned i = 0; i < act.n_open; i++) {
		assert_true(act.want[i][COVER_OUT_RX]);
		open_flow(m, act.want[i]);
		put(&m->flows[m->view.n_flows - 1],
		    link < 0 ? (unsigned)__builtin_ctz(act.want[i][COVER_OUT_RX]) : (unsigned)link);
	}
	return m->n_opened - before;
}

/* Where one connection loses what it sends, others help it one by one as long as that pays, and
 * leave when the losses are over. */
static void test_company_where_packets_are_lost(void **state)
{
	static struct sim m;

	start_known(&m, 4);
	set_rates(&m, 1000);
	/* The other way nothing is sent: there it is all the same. */
	m.flows[2].lossy[COVER_IN] = true;
	assert_int_equal(step_known(&m, 50 * MS, -1), 0);
	m.flows[1].lossy[COVER_OUT] = true;
	for (unsigned n = 1; n < STEER_COMPANY; n++) {
		assert_int_equal(step_known(&m, 50 * MS, -1), 1);
		assert_int_equal(m.flows[3 + n].node[COVER_OUT_RX], 1);
		assert_int_equal(step_known(&m, STEER_TRIAL_NS - 1, -1), 0);
		m.view.rate[COVER_OUT_RX][1] += 500;
		assert_int_equal(m.steer.company.state, STEER_COMPANY_TRIAL);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(step_known(&m, 500 * MS, -1), 0);
	assert_int_equal(m.view.n_flows, 4 + STEER_COMPANY - 1);
	assert_false(m.steer.surplus);
	m.flows[1].lossy[COVER_OUT] = false;
	step_known(&m, 50 * MS, -1);
	assert_int_equal(m.view.n_flows, 4);
}

/* Company that gains nothing is sent away, and the next try waits longer each time. */
static void test_company_that_does_not_pay(void **state)
{
	uint64_t opened_ns[4] = { 0 };
	unsigned n_opened = 0;
	static struct sim m;

	start_known(&m, 4);
	set_rates(&m, 1000);
	m.flows[1].lossy[COVER_OUT] = true;
	while (n_opened < 4) {
		if (step_known(&m, 100 * MS, -1))
			opened_ns[n_opened++] = m.view.now_ns;
		assert_true(m.view.n_flows <= 5);
		assert_true(m.view.now_ns < 200 * S);
	}
	assert_in_range(opened_ns[1] - opened_ns[0], STEER_PAUSE_NS, STEER_PAUSE_NS + 4 * S);
	assert_in_range(opened_ns[2] - opened_ns[1], 2 * STEER_PAUSE_NS,
			2 * STEER_PAUSE_NS + 4 * S);
	assert_in_range(opened_ns[3] - opened_ns[2], 4 * STEER_PAUSE_NS,
			4 * STEER_PAUSE_NS + 4 * S);
}

/* What one link gains another may lose: that is no gain. */
static void test_company_at_the_cost_of_others(void **state)
{
	static struct sim m;

	start_known(&m, 4);
	set_rates(&m, 1000);
	m.flows[1].lossy[COVER_OUT] = true;
	assert_int_equal(step_known(&m, 50 * MS, -1), 1);
	m.view.rate[COVER_OUT_RX][1] = 1200;
	m.view.rate[COVER_OUT_RX][0] = m.view.rate[COVER_OUT_RX][2] = 700;
	step_known(&m, STEER_TRIAL_NS, -1);
	assert_int_equal(m.steer.company.extra[COVER_OUT][1], 0);
	assert_int_equal(m.view.n_flows, 4);
}

/* A full link loses packets because it is full; and without counters no gain can be seen. */
static void test_no_company_on_a_full_link(void **state)
{
	static struct sim m;

	start_known(&m, 4);
	m.flows[1].lossy[COVER_OUT] = true;
	assert_int_equal(step_known(&m, 50 * MS, -1), 0);
	set_rates(&m, 1000);
	m.view.full[COVER_OUT_TX] = 2;
	assert_int_equal(step_known(&m, 50 * MS, -1), 0);
	m.view.full[COVER_OUT_TX] = 0;
	m.view.full[COVER_OUT_RX] = 2;
	assert_int_equal(step_known(&m, 50 * MS, -1), 0);
	/* Another link is. */
	m.view.full[COVER_OUT_RX] = 1;
	assert_int_equal(step_known(&m, 50 * MS, -1), 1);
}

/* Eight links with short queues: packets are lost on all because they are full, and their
 * counters do not say so: one experiment at a time, not two more connections for each. */
static void test_short_queues_do_not_breed_connections(void **state)
{
	static const struct network net = { 3, 8, 8, true, false, true };
	static struct sim m;

	start(&m, &net, 8);
	set_rates(&m, 1000);
	for (unsigned i = 0; i < 8; i++) {
		put(&m.flows[i], i);
		m.flows[i].lossy[COVER_OUT] = true;
	}
	for (unsigned i = 0; i < 1200; i++) {
		step_known(&m, 50 * MS, -1);
		for (unsigned k = 0; k < m.view.n_flows; k++)
			m.flows[k].lossy[COVER_OUT] = true;
		assert_true(m.view.n_flows <= 9);
	}
	assert_in_range(m.n_opened, 9, 8 + 4);
}

/* One that is not needed is none's company because it loses packets itself: a crowd on one link
 * does. Nor is one to stay, or to be opened, while links are looked for: they are worth more. */
static void test_company_is_for_the_needed(void **state)
{
	static struct sim m;
	struct steer_action act;

	start_known(&m, 5);
	set_rates(&m, 1000);
	m.flows[0].node[COVER_OUT_RX] = 1;
	m.flows[0].possible[COVER_OUT_RX] = 2;
	m.flows[0].lossy[COVER_OUT] = true;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	assert_int_equal(act.n_close, 1);
	assert_int_equal(act.close[0], m.flows[0].port);
	close_flow(&m, act.close[0]);
	m.flows[3].lossy[COVER_OUT] = true;
	m.view.crowded = true;
	assert_int_equal(step_known(&m, 50 * MS, -1), 0);
	m.view.crowded = false;
	assert_int_equal(step_known(&m, 50 * MS, -1), 1);
	/* Link 3 of the receiver is lost: connections with company make room for others. */
	put(&m.flows[2], 2);
	m.view.most = m.view.n_flows;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	assert_true(act.n_close >= 1);
}

/* Company is not sent away because it seems to be elsewhere in its first moments. */
static void test_company_that_is_young(void **state)
{
	static struct sim m;
	struct steer_action act;

	start_known(&m, 4);
	set_rates(&m, 1000);
	m.flows[1].lossy[COVER_OUT] = true;
	assert_int_equal(step_known(&m, 50 * MS, 0), 1);
	m.flows[4].node[COVER_OUT_TX] = 1;
	m.flows[4].possible[COVER_OUT_TX] = 2;
	m.flows[4].possible[COVER_OUT_RX] = 3;
	m.flows[4].age_ns = STEER_SETTLE_NS - 1;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, 0);
	m.flows[4].age_ns = STEER_SETTLE_NS;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, 1);
	assert_int_equal(act.close[0], m.flows[4].port);
}

/* Ports that lead elsewhere, as with a switch that nobody knows, prove nothing of company, and are
 * not tried for ever. */
static void test_company_that_is_not_to_be_had(void **state)
{
	static struct sim m;
	unsigned n_opened = 0;

	start_known(&m, 4);
	set_rates(&m, 1000);
	m.flows[0].lossy[COVER_OUT] = true;
	for (uint64_t t = 0; t < STEER_REST_NS; t += 50 * MS) {
		n_opened += step_known(&m, 50 * MS, 2);
		assert_true(m.view.n_flows <= 5);
	}
	assert_in_range(n_opened, 5, STEER_COMPANY_TRIES);
	assert_int_equal(m.steer.company.pause_ns, 0);
}

/* Whatever is believed of the links, connections stay few. */
static void test_a_bound_of_connections(void **state)
{
	for (unsigned n = 2; n <= 16; n++) {
		unsigned bound = STEER_FLOWS_PER_LINK * n < 32 ? STEER_FLOWS_PER_LINK * n : 32;
		struct network net = { 7, n, n, true, false, false };
		static struct sim m;

		start(&m, &net, n);
		run(&m, 150 * S);
		assert_true(m.n_live_max <= bound);
		assert_true(m.n_opened > n);
	}
}

/* Steps until connections are opened or closed, with that progress. Returns how long it took. */
static uint64_t wait_for_action(struct sim *m, uint64_t progress)
{
	uint64_t begin_ns = m->view.now_ns;
	struct steer_action act;

	m->view.progress[COVER_OUT] = progress;
	do {
		m->view.now_ns += 50 * MS;
		assert_int_equal(steer_step(&m->steer, &m->view, &act), 0);
		assert_false(act.restore);
		assert_true(m->view.now_ns < begin_ns + 1000 * S);
	} while (!act.n_open && !act.n_close);
	return m->view.now_ns - begin_ns;
}

/* Steps for so long. Returns whether the plan is to be restored. */
static bool restores(struct sim *m, uint64_t ns)
{
	struct steer_action act;

	for (uint64_t t = 0; t < ns; t += 50 * MS) {
		m->view.now_ns += 50 * MS;
		assert_int_equal(steer_step(&m->steer, &m->view, &act), 0);
		if (act.restore)
			return true;
	}
	return false;
}

/* Steps for so long. Returns whether connections were opened or closed. */
static bool acts(struct sim *m, uint64_t ns)
{
	struct steer_action act;

	for (uint64_t t = 0; t < ns; t += 50 * MS) {
		m->view.now_ns += 50 * MS;
		assert_int_equal(steer_step(&m->steer, &m->view, &act), 0);
		if (act.n_open || act.n_close)
			return true;
	}
	return false;
}

/* What makes the session slower is undone, whatever was believed, and then nothing is changed for a
 * time that doubles. */
static void test_changes_that_do_harm_are_undone(void **state)
{
	static struct sim m;

	/* All lanes are known and the fifth connection is surplus, so it is closed again and again.
	 */
	start_known(&m, 5);
	for (uint64_t pause_ns = STEER_FREEZE_NS; pause_ns <= 4 * STEER_FREEZE_NS; pause_ns *= 2) {
		wait_for_action(&m, 1000);
		m.view.n_flows = 4;
		m.view.progress[COVER_OUT] = 1000 * STEER_HARM_PERCENT / 100 - 1;
		assert_false(restores(&m, STEER_WATCH_NS - 50 * MS));
		assert_true(restores(&m, 50 * MS));
		m.view.n_flows = 5;
		/* Frozen for all of the pause. */
		m.view.progress[COVER_OUT] = 1000;
		assert_false(acts(&m, pause_ns - 100 * MS));
	}
}

/* A producer that pauses, or a stream that is over, makes the session slower too. */
static void test_a_stream_that_rests_is_no_harm(void **state)
{
	static struct sim m;

	start_known(&m, 5);
	wait_for_action(&m, 1000);
	m.view.n_flows = 4;
	m.view.progress[COVER_OUT] = 0;
	m.view.rested[COVER_OUT] = true;
	assert_false(restores(&m, 5 * S));
	/* It goes on, as fast as before; then the next change is judged for itself. */
	m.view.progress[COVER_OUT] = 1000;
	m.view.rested[COVER_OUT] = false;
	assert_false(restores(&m, STEER_WATCH_NS));
	m.view.n_flows = 5;
	assert_true(wait_for_action(&m, 1000) < STEER_FREEZE_NS);
	/* The comparison waits, and finds the harm when the stream has much to move again. */
	m.view.n_flows = 4;
	m.view.rested[COVER_OUT] = true;
	assert_false(restores(&m, 2 * STEER_WATCH_NS));
	m.view.progress[COVER_OUT] = 100;
	m.view.rested[COVER_OUT] = false;
	assert_true(restores(&m, 50 * MS));
}

/* What the peer sends counts for nothing where it was next to nothing before. */
static void test_a_minor_stream_is_left_out(void **state)
{
	static struct sim m;

	start_known(&m, 5);
	m.view.progress[COVER_IN] = 10;
	m.view.rested[COVER_IN] = true;
	wait_for_action(&m, 1000);
	m.view.n_flows = 4;
	m.view.progress[COVER_OUT] = 100;
	m.view.progress[COVER_IN] = 100000;
	assert_true(restores(&m, STEER_WATCH_NS));
}

/* Before progress is known, a stream that rests keeps no comparison waiting. */
static void test_unknown_progress_is_no_harm(void **state)
{
	static struct sim m;

	start_known(&m, 5);
	m.view.rested[COVER_IN] = true;
	wait_for_action(&m, 0);
	m.view.n_flows = 4;
	m.view.progress[COVER_OUT] = 1000;
	assert_false(restores(&m, STEER_WATCH_NS));
	m.view.n_flows = 5;
	wait_for_action(&m, 1000);
	m.view.n_flows = 4;
	m.view.progress[COVER_OUT] = 100;
	assert_true(restores(&m, STEER_WATCH_NS));
}

/* Else a source that comes in bursts would end at the longest pause. */
static void test_changes_without_harm_shorten_the_pause(void **state)
{
	static struct sim m;

	start_known(&m, 5);
	for (int i = 0; i < 4; i++) {
		wait_for_action(&m, 1000);
		m.view.n_flows = 4;
		m.view.progress[COVER_OUT] = 100;
		assert_true(restores(&m, STEER_WATCH_NS));
		m.view.n_flows = 5;
		assert_in_range(wait_for_action(&m, 1000), STEER_FREEZE_NS,
				STEER_FREEZE_NS + 100 * MS);
		m.view.n_flows = 4;
		assert_false(restores(&m, 2 * STEER_WATCH_NS));
		m.view.n_flows = 5;
	}
}

/* What was opened is closed again, and nothing else. */
static void test_tries_that_do_harm_are_closed(void **state)
{
	struct network net = { 3, 4, 4, true, false, true };
	static struct sim m;
	struct steer_action act = { 0 };

	start(&m, &net, 4);
	for (unsigned i = 0; i < 4; i++) {
		put(&m.flows[i], i ? 0 : 1);
		m.flows[i].age_ns = 10 * S;
	}
	m.view.progress[COVER_OUT] = 1000;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_true(act.n_open > 0);
	for (unsigned i = 0; i < act.n_open; i++)
		open_flow(&m, act.want[i]);
	m.view.progress[COVER_OUT] = 100;
	/* Young connections whose lanes are not known: nothing else happens meanwhile. */
	m.view.now_ns += STEER_WATCH_NS;
	for (unsigned i = 4; i < m.view.n_flows; i++)
		m.flows[i].age_ns = STEER_WATCH_NS - 10 * MS;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	/* Nothing that the plan has was closed. */
	assert_false(act.restore);
	assert_int_equal(act.n_close, m.view.n_flows - 4);
	for (unsigned i = 0; i < act.n_close; i++)
		for (unsigned k = 0; k < 4; k++)
			assert_int_not_equal(act.close[i], m.flows[k].port);
	assert_int_equal(act.most, 4 * STEER_FLOWS_PER_LINK);
}

/* Nothing is undone that costs little, nor before progress is known, nor long after the change. */
static void test_changes_that_do_no_harm_stay(void **state)
{
	static struct sim m;

	start_known(&m, 5);
	wait_for_action(&m, 0);
	m.view.n_flows = 4;
	assert_false(restores(&m, 2 * STEER_WATCH_NS));
	m.view.n_flows = 5;
	wait_for_action(&m, 1000);
	m.view.n_flows = 4;
	m.view.progress[COVER_OUT] = 1000 * STEER_HARM_PERCENT / 100;
	assert_false(restores(&m, 2 * STEER_WATCH_NS));
	m.view.progress[COVER_OUT] = 1;
	assert_false(restores(&m, 2 * STEER_WATCH_NS));
}

/* Each search in vain is followed by a longer rest. */
static void test_rests_grow(void **state)
{
	struct network net = { 7, 4, 4, false, false, true };
	static struct sim m;
	unsigned opened;

	start(&m, &net, 4);
	run(&m, 30 * S);
	opened = m.n_opened;
	run(&m, 60 * S);
	assert_true(m.n_opened > opened);
	opened = m.n_opened;
	run(&m, 90 * S);
	assert_int_equal(m.n_opened, opened);
	run(&m, 60 * S);
	assert_true(m.n_opened > opened);
}

/* No link is called idle while its counter says that it carries its part; and what was said is
 * taken back when the counters begin to say so. */
static void test_verdicts_follow_the_counters(void **state)
{
	struct network net = { 7, 4, 4, false, false, true };
	static struct sim m;

	start(&m, &net, 4);
	run(&m, 10 * S);
	assert_int_equal(m.steer.verdict, STEER_ONE_LINK);
	m.view.active[COVER_OUT_RX] = m.steer.observed[COVER_OUT_RX];
	step(&m);
	assert_int_equal(m.steer.verdict, STEER_ONE_LINK);
	m.view.active[COVER_OUT_RX] = 15;
	step(&m);
	assert_int_equal(m.steer.verdict, STEER_UNKNOWN);
	start(&m, &net, 4);
	m.view.active[COVER_OUT_RX] = 15;
	for (unsigned i = 0; i < 200; i++) {
		step(&m);
		assert_true(m.steer.verdict == STEER_UNKNOWN || m.steer.verdict == STEER_SEARCHES);
	}
}

/* Three connections can reach all of three links. The eight of the plan stay nevertheless, unless
 * there is next to nothing for each. */
static void test_connections_of_the_plan_stay(void **state)
{
	struct network net = { 3, 3, 3, true, false, true };
	static struct sim m;

	start(&m, &net, 12);
	m.view.planned = 8;
	run(&m, 10 * S);
	assert_int_equal(m.steer.verdict, STEER_ALL);
	assert_int_equal(m.view.n_flows, 8);
	m.view.measured[COVER_OUT_RX] = true;
	for (unsigned i = 0; i < 3; i++)
		m.view.rate[COVER_OUT_RX][i] = 8ull * STEER_LEAST_RATE;
	run(&m, 10 * S);
	assert_int_equal(m.view.n_flows, 8);
	for (unsigned i = 0; i < 3; i++)
		m.view.rate[COVER_OUT_RX][i] = 2ull * STEER_LEAST_RATE;
	run(&m, 10 * S);
	assert_true(m.view.n_flows <= 5);
}

/* Where all run over one link, the plan's number gains nothing. */
static void test_one_link_needs_no_plan(void **state)
{
	struct network net = { 7, 4, 4, false, false, true };
	static struct sim m;

	start(&m, &net, 4);
	m.view.planned = 4;
	run(&m, 20 * S);
	assert_int_equal(m.steer.verdict, STEER_ONE_LINK);
	assert_int_equal(m.view.n_flows, 1);
}

/* A sender that spreads at random gets more connections while a link is idle, and not for a better
 * distribution. */
static void test_random_senders(void **state)
{
	struct network net = { 7, 4, 4, false, false, false };
	static struct sim m;

	for (unsigned idle = 0; idle < 2; idle++) {
		start(&m, &net, 4);
		m.view.random[COVER_OUT_TX] = true;
		m.view.active[COVER_OUT_TX] = 15;
		m.view.active[COVER_OUT_RX] = idle ? 7 : 15;
		run(&m, 2 * S);
		assert_int_equal(m.n_opened > 4, idle);
	}
}

struct sender {
	struct steer_loss loss;
	struct steer_sent now;
	uint64_t now_ns;
};

/* Sends these bytes more, and some of them again, and looks. */
static bool sends(struct sender *c, uint64_t sent, uint64_t resent, uint64_t ns)
{
	c->now.sent += sent;
	c->now.resent += resent;
	c->now_ns += ns;
	return steer_is_lossy(&c->loss, &c->now, c->now_ns);
}

/* How a connection begins, and that it finds the limit now and then, is no loss of the path's. */
static void test_what_is_lossy(void **state)
{
	const uint64_t second = STEER_LOSSY_NS, much = 1 << 20;
	struct sender c = { .now = { .rtt_us = 1200, .min_rtt_us = 1000 }, .now_ns = S };

	assert_false(sends(&c, 0, 0, 0));
	assert_false(sends(&c, much, much / 10, second));
	assert_false(sends(&c, much, much / 100, second));
	assert_false(sends(&c, much, much / 20, second));
	/* Between looks nothing changes. */
	assert_false(sends(&c, much, much / 20, second - 1));
	assert_true(sends(&c, 0, 0, 1));
	assert_true(sends(&c, much, much / 100, second));
	/* A pause says nothing. */
	assert_true(sends(&c, 0, 0, second));
	assert_false(sends(&c, much, much / 1000, second));
	/* A few bytes say nothing, however long it takes. */
	for (unsigned i = 0; i < 10; i++)
		assert_false(sends(&c, 2000, 1000, second));
	/* What loses so much that it can send but little is lossy all the same. */
	for (unsigned i = 0; i < 10; i++)
		sends(&c, much / 10, much / 50, second);
	assert_true(c.loss.lossy);
}

/* Losses with a full queue are those of a full link, at any rate and distance. */
static void test_losses_of_a_full_queue(void **state)
{
	static const uint32_t min_us[] = { 100, 5000, 80000 };

	for (unsigned i = 0; i < 3; i++) {
		struct sender c = { .now = { .min_rtt_us = min_us[i] }, .now_ns = S };

		c.now.rtt_us = 2 * min_us[i] + STEER_QUEUE_US + 1;
		for (unsigned k = 0; k < 100; k++)
			assert_false(sends(&c, 1 << 20, 1 << 16, 100 * MS));
		/* The queue is short most of the time: then it is not the queue. */
		for (unsigned k = 0; k < 100; k++) {
			c.now.rtt_us = 2 * min_us[i] + STEER_QUEUE_US + (k % 3 == 0);
			sends(&c, 1 << 20, 1 << 16, 100 * MS);
		}
		assert_true(c.loss.lossy);
	}
}

/* Steering waits a while for a lane that is not sure. */
static void test_waits_for_lanes(void **state)
{
	struct network net = { 3, 2, 2, true, false, true };
	static struct sim m;

	start(&m, &net, 1);
	m.flows[0].possible[COVER_OUT_TX] = 1;
	m.flows[0].possible[COVER_OUT_RX] = 3;
	m.flows[0].age_ns = STEER_SETTLE_NS - 1;
	step(&m);
	assert_int_equal(m.n_opened, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_links_are_found),
		cmocka_unit_test(test_a_switch_that_ignores_ports),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_unseen_links),
		cmocka_unit_test(test_all_senders_are_used),
		cmocka_unit_test(test_certain_surplus),
		cmocka_unit_test(test_a_late_chunk_is_no_pause),
		cmocka_unit_test(test_company_where_packets_are_lost),
		cmocka_unit_test(test_company_that_does_not_pay),
		cmocka_unit_test(test_company_at_the_cost_of_others),
		cmocka_unit_test(test_no_company_on_a_full_link),
		cmocka_unit_test(test_short_queues_do_not_breed_connections),
		cmocka_unit_test(test_company_is_for_the_needed),
		cmocka_unit_test(test_company_that_is_young),
		cmocka_unit_test(test_company_that_is_not_to_be_had),
		cmocka_unit_test(test_a_bound_of_connections),
		cmocka_unit_test(test_changes_that_do_harm_are_undone),
		cmocka_unit_test(test_tries_that_do_harm_are_closed),
		cmocka_unit_test(test_changes_that_do_no_harm_stay),
		cmocka_unit_test(test_a_stream_that_rests_is_no_harm),
		cmocka_unit_test(test_a_minor_stream_is_left_out),
		cmocka_unit_test(test_unknown_progress_is_no_harm),
		cmocka_unit_test(test_changes_without_harm_shorten_the_pause),
		cmocka_unit_test(test_rests_grow),
		cmocka_unit_test(test_verdicts_follow_the_counters),
		cmocka_unit_test(test_connections_of_the_plan_stay),
		cmocka_unit_test(test_one_link_needs_no_plan),
		cmocka_unit_test(test_random_senders),
		cmocka_unit_test(test_what_is_lossy),
		cmocka_unit_test(test_losses_of_a_full_queue),
		cmocka_unit_test(test_waits_for_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
