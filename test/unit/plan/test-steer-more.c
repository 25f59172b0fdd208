/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More connections where links carry less than their speeds promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "plan/steer.h"

#define S    1000000000ull
#define MS   1000000ull
#define SLOW (1u << 20) /* bytes per second of a session whose links promise much more */

/* A client that sends over n links to n links. Steering sees what stands in view. */
struct sim {
	struct steer steer;
	struct steer_flow flows[STEER_FLOWS_MAX];
	struct steer_view view;
	struct steer_action act;
	unsigned n_links, n_opened, n_closed;
};

static void add(struct sim *m, unsigned tx, unsigned rx)
{
	struct steer_flow *f = &m->flows[m->view.n_flows++];

	*f = (struct steer_flow){ .port = (uint16_t)(1000 + ++m->n_opened), .assumed = { -1, -1 } };
	f->node[COVER_OUT_TX] = (uint8_t)tx;
	f->node[COVER_OUT_RX] = (uint8_t)rx;
	f->possible[COVER_OUT_TX] = 1u << tx;
	f->possible[COVER_OUT_RX] = 1u << rx;
	f->assumed[COVER_OUT] = (int8_t)tx;
}

/* One connection on each link. cross: the first two arrive where the other was assumed to. */
static void start(struct sim *m, unsigned n_links, bool cross)
{
	*m = (struct sim){ .n_links = n_links };
	m->view.flows = m->flows;
	m->view.most = STEER_FLOWS_MAX;
	m->view.planned = n_links;
	m->view.now_ns = S;
	m->view.busy[COVER_OUT] = m->view.steady[COVER_OUT] = true;
	m->view.progress[COVER_OUT] = SLOW;
	for (unsigned end = COVER_OUT_TX; end <= COVER_OUT_RX; end++) {
		m->view.distinct[end] = true;
		m->view.active[end] = (1u << n_links) - 1;
		for (unsigned i = 0; i < n_links; i++)
			m->view.capacity[end][i] = 1000;
	}
	for (unsigned i = 0; i < n_links; i++)
		add(m, i, cross && i < 2 ? !i : i);
	m->n_opened = 0;
}

/* New connections run from each link to the next one. */
static void step(struct sim *m)
{
	struct steer_view *v = &m->view;

	assert_int_equal(steer_step(&m->steer, v, &m->act), 0);
	for (unsigned i = 0; i < m->act.n_close; i++) {
		unsigned at = 0;

		while (m->flows[at].port != m->act.close[i])
			at++;
		memmove(m->flows + at, m->flows + at + 1,
			(--v->n_flows - at) * sizeof(m->flows[0]));
		m->n_closed++;
	}
	for (unsigned i = 0; i < m->act.n_open; i++)
		add(m, i % m->n_links, (i + 1) % m->n_links);
}

static void pass(struct sim *m, uint64_t ns)
{
	for (uint64_t t = 0; t < ns; t += 50 * MS) {
		m->view.now_ns += 50 * MS;
		for (unsigned i = 0; i < m->view.n_flows; i++)
			m->flows[i].age_ns += 50 * MS;
		step(m);
	}
}

/* From a fast link to a slow one, and from a slow one to a fast one: all links are in use, and the
 * connection that is missing is the one from fast to fast. */
static void test_more_lanes_that_carry_more_stay(void **state)
{
	struct sim m;

	start(&m, 2, true);
	pass(&m, STEER_WATCH_NS);
	assert_int_equal(m.n_opened, 2);
	m.view.progress[COVER_OUT] = 2 * SLOW;
	pass(&m, STEER_TRIAL_NS);
	assert_int_equal(m.n_closed, 0);
	/* What has proved a gain is no surplus, though the speeds say that two are enough. The next
	 * trial, which is in vain, does not change that. */
	pass(&m, 60 * S);
	assert_true(m.view.n_flows >= 4);
	assert_false(m.steer.surplus);
}

static void test_a_trial_in_vain_is_closed(void **state)
{
	uint64_t pause_ns = STEER_MORE_PAUSE_NS;
	struct sim m;

	start(&m, 2, true);
	for (unsigned i = 1; i <= 4; i++) {
		while (m.n_opened < 2 * i)
			pass(&m, 50 * MS);
		pass(&m, STEER_TRIAL_NS);
		assert_int_equal(m.n_closed, 2 * i);
		assert_int_equal(m.view.n_flows, 2);
		/* No other begins in the pause. */
		pass(&m, pause_ns - 50 * MS);
		assert_int_equal(m.n_opened, 2 * i);
		pause_ns *= 2;
	}
}

static void test_full_links_get_no_more(void **state)
{
	struct sim m;

	start(&m, 2, true);
	m.view.progress[COVER_OUT] = 2 * 125000000ull * STEER_FULL_PERCENT / 100;
	pass(&m, 60 * S);
	assert_int_equal(m.n_opened, 0);
}

/* What a rate is compared with must be a rate. */
static void test_unsteady_streams_are_not_compared(void **state)
{
	struct sim m;

	start(&m, 2, true);
	m.view.steady[COVER_OUT] = false;
	pass(&m, 20 * S);
	m.view.steady[COVER_OUT] = true;
	m.view.rested[COVER_OUT] = true;
	pass(&m, 20 * S);
	assert_int_equal(m.n_opened, 0);
	m.view.rested[COVER_OUT] = false;
	pass(&m, 50 * MS);
	assert_int_equal(m.n_opened, 2);
	/* A stream that rests in the trial says nothing of it, for a while. */
	m.view.rested[COVER_OUT] = true;
	pass(&m, STEER_WATCH_MAX_NS - 100 * MS);
	assert_int_equal(m.n_closed, 0);
	pass(&m, 200 * MS);
	assert_int_equal(m.n_closed, 2);
}

/* Where the switch does what was assumed, one more connection can only double a lane. With two
 * links that may be chance. */
static void test_a_switch_as_assumed_has_no_other_lanes(void **state)
{
	struct sim m;

	start(&m, 4, false);
	pass(&m, 60 * S);
	assert_int_equal(m.n_opened, 0);
	start(&m, 2, false);
	pass(&m, STEER_WATCH_NS);
	assert_int_equal(m.n_opened, 2);
	start(&m, 4, true);
	pass(&m, STEER_WATCH_NS);
	assert_int_equal(m.n_opened, 4);
	/* But a lane that loses packets may carry more. */
	start(&m, 4, false);
	m.flows[0].lossy[COVER_OUT] = true;
	pass(&m, STEER_WATCH_NS);
	assert_int_equal(m.n_opened, 4);
}

/* The watch goes first, and the pause that it makes is longer. */
static void test_a_trial_that_does_harm(void **state)
{
	struct sim m;

	start(&m, 2, true);
	pass(&m, STEER_WATCH_NS);
	assert_int_equal(m.n_opened, 2);
	m.view.progress[COVER_OUT] = SLOW / 2;
	while (!m.n_closed)
		pass(&m, 50 * MS);
	assert_false(m.act.restore);
	assert_int_equal(m.view.n_flows, 2);
	pass(&m, STEER_FREEZE_NS - S);
	assert_int_equal(m.n_opened, 2);
	assert_int_equal(m.n_closed, 2);
}

static void test_no_room_no_trial(void **state)
{
	struct sim m;

	start(&m, 2, true);
	m.view.most = 3;
	pass(&m, 20 * S);
	assert_int_equal(m.n_opened, 0);
	/* A relay's sessions share what there is. */
	start(&m, 2, true);
	m.view.crowded = true;
	pass(&m, 20 * S);
	assert_int_equal(m.n_opened, 0);
}

/* Once, a session below 1 MiB/s was never steered: on four links of 2 Mbit/s that all is. */
static void test_a_slow_stream_that_never_rests_is_in_use(void **state)
{
	struct steer_use use = { 0 };
	uint64_t now_ns = S, bytes = 0;

	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 25 << 10, false, now_ns += 50 * MS);
	assert_true(steer_is_busy(&use, bytes, false, now_ns));
	/* The same rate in pieces is a program that speaks now and then. */
	use = (struct steer_use){ 0 };
	for (unsigned i = 0; i < 20; i++)
		steer_is_busy(&use, bytes += 25 << 10, true, now_ns += 50 * MS);
	assert_false(steer_is_busy(&use, bytes, true, now_ns));
	/* And less than that is nothing. */
	for (unsigned i = 0; i < 40; i++)
		steer_is_busy(&use, bytes += 5 << 10, false, now_ns += 50 * MS);
	assert_false(steer_is_busy(&use, bytes, false, now_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_lanes_that_carry_more_stay),
		cmocka_unit_test(test_a_trial_in_vain_is_closed),
		cmocka_unit_test(test_full_links_get_no_more),
		cmocka_unit_test(test_unsteady_streams_are_not_compared),
		cmocka_unit_test(test_a_switch_as_assumed_has_no_other_lanes),
		cmocka_unit_test(test_a_trial_that_does_harm),
		cmocka_unit_test(test_no_room_no_trial),
		cmocka_unit_test(test_a_slow_stream_that_never_rests_is_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
