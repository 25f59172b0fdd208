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
	unsigned left = m->net.in ? COVER_IN_LEFT : COVER_OUT_LEFT;
	struct steer_flow *f = &m->flows[m->view.n_flows++];

	m->next_port++;
	while (m->net.tx_told && want[left] && !(want[left] >> tx_of(m, m->next_port) & 1))
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
	unsigned left = m->net.in ? COVER_IN_LEFT : COVER_OUT_LEFT;

	m->view.now_ns += ns;
	for (unsigned i = 0; i < m->view.n_flows; i++) {
		struct steer_flow *f = &m->flows[i];

		f->age_ns += ns;
		if (f->age_ns < 300 * MS)
			continue;
		f->node[left] = (uint8_t)tx_of(m, f->port);
		f->node[left + 1] = (uint8_t)rx_of(m, f->port);
		f->possible[left] = 1u << f->node[left];
		f->possible[left + 1] = 1u << f->node[left + 1];
	}
}

static void start(struct sim *m, const struct network *net, unsigned flows)
{
	static const uint32_t any[COVER_ENDS];
	unsigned left = net->in ? COVER_IN_LEFT : COVER_OUT_LEFT;

	memset(m, 0, sizeof(*m));
	m->net = *net;
	m->next_port = (uint16_t)(1000 + net->seed % 1000);
	m->view.flows = m->flows;
	m->view.most = 64;
	m->view.busy[net->in ? COVER_IN : COVER_OUT] = true;
	m->view.told[left] = m->view.told[left + 1] = true;
	for (unsigned i = 0; i < net->n_tx; i++)
		m->view.capacity[left][i] = 1000;
	for (unsigned i = 0; i < net->n_rx; i++)
		m->view.capacity[left + 1][i] = 1000;
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
		assert_int_equal(m.steer.verdict_way, COVER_OUT);
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
	m.view.told[COVER_OUT_LEFT] = m.view.told[COVER_OUT_RIGHT] = false;
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
		m.flows[i].node[COVER_OUT_LEFT] = (uint8_t)i;
		m.flows[i].node[COVER_OUT_RIGHT] = i == 0 ? 1 : 3;
		m.flows[i].possible[COVER_OUT_LEFT] = 1u << i;
		m.flows[i].possible[COVER_OUT_RIGHT] = i == 0 ? 2 : 8;
	}
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 8);
	for (unsigned i = 0; i < act.n_open; i++)
		used[__builtin_ctz(act.want[i][COVER_OUT_LEFT])]++;
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
		m.flows[i].node[COVER_OUT_LEFT] = i & 1;
		m.flows[i].possible[COVER_OUT_LEFT] = 1u << (i & 1);
	}
	/* 0 and 2 are alike; of 1 and 3 one is on the other link. */
	m.flows[0].possible[COVER_OUT_RIGHT] = m.flows[2].possible[COVER_OUT_RIGHT] = 1;
	m.flows[1].possible[COVER_OUT_RIGHT] = m.flows[3].possible[COVER_OUT_RIGHT] = 3;
	m.flows[3].node[COVER_OUT_RIGHT] = 1;
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

	assert_false(steer_is_busy(&use, bytes, now_ns));
	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 1 << 20, now_ns += 50 * MS);
	for (unsigned i = 0; i < 8; i++)
		assert_true(steer_is_busy(&use, bytes, now_ns += 50 * MS));
	/* But when nothing comes any more it is over. */
	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 10 << 10, now_ns += 50 * MS);
	assert_false(steer_is_busy(&use, bytes, now_ns));
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

/* Where one connection loses what it sends, others help it, and leave when that is over. */
static void test_company_where_packets_are_lost(void **state)
{
	static struct sim m;
	struct steer_action act;

	start_known(&m, 4);
	/* The other way nothing is sent: there it is all the same. */
	m.flows[2].lossy[COVER_IN] = true;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	m.flows[1].lossy[COVER_OUT] = true;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, STEER_COMPANY - 1);
	assert_int_equal(act.n_close, 0);
	for (unsigned i = 0; i < act.n_open; i++) {
		assert_int_equal(act.want[i][COVER_OUT_LEFT], 2);
		assert_int_equal(act.want[i][COVER_OUT_RIGHT], 2);
		open_flow(&m, act.want[i]);
		put(&m.flows[4 + i], 1);
	}
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open + act.n_close, 0);
	assert_false(m.steer.surplus);
	m.flows[1].lossy[COVER_OUT] = false;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, STEER_COMPANY - 1);
}

/* One that is not needed is none's company because it loses packets itself: a crowd on one link
 * does. Nor is one to stay, or to be opened, while links are looked for: they are worth more. */
static void test_company_is_for_the_needed(void **state)
{
	static struct sim m;
	struct steer_action act;

	start_known(&m, 5);
	m.flows[0].node[COVER_OUT_RIGHT] = 1;
	m.flows[0].possible[COVER_OUT_RIGHT] = 2;
	m.flows[0].lossy[COVER_OUT] = true;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	assert_int_equal(act.n_close, 1);
	assert_int_equal(act.close[0], m.flows[0].port);
	close_flow(&m, act.close[0]);
	m.flows[3].lossy[COVER_OUT] = true;
	m.view.crowded = true;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	m.view.crowded = false;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, STEER_COMPANY - 1);
	/* Link 3 of the receiver is lost: who has company needs the room for others. */
	for (unsigned i = 0; i < act.n_open; i++) {
		open_flow(&m, act.want[i]);
		put(&m.flows[4 + i], 0);
	}
	put(&m.flows[2], 2);
	m.view.most = m.view.n_flows;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_open, 0);
	assert_true(act.n_close >= STEER_COMPANY - 1);
}

/* Company is not sent away because it seems to be elsewhere in its first moments. */
static void test_company_that_is_young(void **state)
{
	static struct sim m;
	struct steer_action act;

	start_known(&m, 6);
	m.flows[1].lossy[COVER_OUT] = true;
	for (unsigned i = 4; i < 6; i++) {
		m.flows[i].node[COVER_OUT_LEFT] = 1;
		m.flows[i].possible[COVER_OUT_LEFT] = 2;
		m.flows[i].node[COVER_OUT_RIGHT] = 0;
		m.flows[i].possible[COVER_OUT_RIGHT] = 3;
		m.flows[i].age_ns = STEER_SETTLE_NS - 1;
	}
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, 0);
	m.flows[4].age_ns = STEER_SETTLE_NS;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_int_equal(act.n_close, 1);
	assert_int_equal(act.close[0], m.flows[4].port);
}

/* Ports that lead elsewhere, as with a switch that nobody knows, are not tried for ever. */
static void test_company_that_is_not_to_be_had(void **state)
{
	static struct sim m;
	struct steer_action act;
	unsigned n_opened = 0;

	start_known(&m, 4);
	m.flows[0].lossy[COVER_OUT] = true;
	for (unsigned i = 0; i < 200; i++) {
		m.view.now_ns += 50 * MS;
		assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
		n_opened += act.n_open;
	}
	assert_in_range(n_opened, 1, 4 * STEER_COMPANY_TRIES + STEER_COMPANY);
	m.view.now_ns += STEER_REST_NS;
	assert_int_equal(steer_step(&m.steer, &m.view, &act), 0);
	assert_true(act.n_open);
}

/* How a connection begins, and that it finds the limit now and then, is no loss of the path's. */
static void test_what_is_lossy(void **state)
{
	const uint64_t second = STEER_LOSSY_NS, much = 1 << 20;
	struct steer_loss l = { 0 };
	uint64_t sent = 0, resent = 0, now_ns = S;

	assert_false(steer_is_lossy(&l, sent, resent, now_ns));
	assert_false(steer_is_lossy(&l, sent += much, resent += much / 10, now_ns += second));
	assert_false(steer_is_lossy(&l, sent += much, resent += much / 100, now_ns += second));
	assert_false(steer_is_lossy(&l, sent += much, resent += much / 20, now_ns += second));
	/* Between looks nothing changes. */
	assert_false(steer_is_lossy(&l, sent + much, resent + much, now_ns + second - 1));
	assert_true(steer_is_lossy(&l, sent += much, resent += much / 20, now_ns += second));
	assert_true(steer_is_lossy(&l, sent += much, resent += much / 100, now_ns += second));
	/* A pause says nothing. */
	assert_true(steer_is_lossy(&l, sent, resent, now_ns += second));
	assert_false(steer_is_lossy(&l, sent += much, resent += much / 1000, now_ns += second));
	/* A few bytes say nothing, however long it takes. */
	for (unsigned i = 0; i < 10; i++)
		assert_false(steer_is_lossy(&l, sent += 2000, resent += 1000, now_ns += second));
	/* What loses so much that it can send but little is lossy all the same. */
	for (unsigned i = 0; i < 10; i++)
		steer_is_lossy(&l, sent += much / 10, resent += much / 50, now_ns += second);
	assert_true(l.lossy);
}

/* A lane that is not sure is waited for, for a while. */
static void test_waits_for_lanes(void **state)
{
	struct network net = { 3, 2, 2, true, false, true };
	static struct sim m;

	start(&m, &net, 1);
	m.flows[0].possible[COVER_OUT_LEFT] = 1;
	m.flows[0].possible[COVER_OUT_RIGHT] = 3;
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
		cmocka_unit_test(test_company_is_for_the_needed),
		cmocka_unit_test(test_company_that_is_young),
		cmocka_unit_test(test_company_that_is_not_to_be_had),
		cmocka_unit_test(test_what_is_lossy),
		cmocka_unit_test(test_waits_for_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
