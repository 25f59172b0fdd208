/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two sides tell each other of their links. */
#include "session-peer.h"

static const struct wire_facts some_facts = {
	.kind = WIRE_FACTS_BOND,
	.mode = 4,
	.n_links = 2,
	.usable = 3,
	.name = "bond0",
	.link = { { "eth0", 1000 }, { "eth1", 1000 } },
};

static const struct wire_names some_names = {
	.local = { 4, { 10, 0, 0, 1 }, 1000 },
	.remote = { 4, { 10, 0, 0, 2 }, 2000 },
};

static struct wire_links counts(uint64_t time_ns)
{
	return (struct wire_links){ .time_ns = time_ns,
				    .n = 2,
				    .link = { { time_ns, 2 * time_ns }, { 3 * time_ns, 0 } } };
}

static int feed_links(struct session *s, uint16_t slot, const struct wire_links *m)
{
	uint8_t frame[256];

	return feed(s, slot, frame, wire_put_links(frame, sizeof(frame), m), MS);
}

/* Facts of the listener come with WELCOME, those of the client with HELLO. */
static void test_facts_are_exchanged(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	struct wire_hello hello = some_hello;
	struct wire_welcome welcome;
	struct wire_header h;
	const uint8_t *body;
	uint16_t slot;

	session_set_facts(s, &some_facts);
	hello.items.facts = some_facts;
	hello.items.facts.n_links = 1;
	hello.items.names = some_names;
	assert_int_equal(session_subflow_open(s, &hello, &some_names, 0, &slot), 0);
	assert_int_equal(session_take_peer_facts(s)->n_links, 1);
	assert_memory_equal(session_subflow_peer_names(s, slot), &some_names, sizeof(some_names));
	body = find(drain(s, slot, 0), WIRE_PREFACE_LEN, WIRE_WELCOME, &h);
	assert_non_null(body);
	assert_int_equal(wire_get_welcome(body, h.length, &welcome), 0);
	assert_memory_equal(&welcome.items.facts, &some_facts, sizeof(some_facts));
	assert_memory_equal(&welcome.items.names, &some_names, sizeof(some_names));

	/* A join says nothing new of the links, but has ends of its own. */
	hello.kind = WIRE_HELLO_JOIN;
	hello.items.facts.n_links = 2;
	assert_int_equal(session_subflow_open(s, &hello, &some_names, 0, &slot), 0);
	assert_null(session_take_peer_facts(s));
	body = find(drain(s, slot, 0), WIRE_PREFACE_LEN, WIRE_WELCOME, &h);
	assert_int_equal(wire_get_welcome(body, h.length, &welcome), 0);
	assert_int_equal(welcome.items.facts.kind, WIRE_FACTS_NONE);
	assert_int_equal(welcome.items.names.remote.port, 2000);
	session_free(s);
}

/* Subflows differ, so an older count may come after a newer one. */
static void test_counts_never_go_back(void **state)
{
	struct wire_hello hello = some_hello;
	struct wire_links m = counts(5);
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	uint16_t slot;

	hello.items.facts = some_facts;
	assert_int_equal(session_subflow_open(s, &hello, NULL, 0, &slot), 0);
	drain(s, slot, 0);
	assert_int_equal(session_peer_links(s)->n, 0);
	assert_int_equal(feed_links(s, slot, &m), 0);
	m = counts(4);
	assert_int_equal(feed_links(s, slot, &m), 0);
	assert_int_equal(session_peer_links(s)->time_ns, 5);
	assert_int_equal(session_peer_links(s)->link[1].tx_bytes, 15);
	/* Not the links that it announced. */
	m = counts(6);
	m.n = 1;
	assert_int_equal(feed_links(s, slot, &m), 0);
	assert_int_equal(session_peer_links(s)->time_ns, 5);
	is_closed(s, slot, feed_frame(s, slot, WIRE_LINKS, 7, payload, 7), "malformed counters");
	session_free(s);
}

/* A count goes out once, on whatever subflow can send. */
static void test_a_count_is_told_once(void **state)
{
	uint16_t slot, join;
	struct wire_hello hello = some_hello;
	struct session *s = server(&slot);
	struct wire_links m = counts(5);

	hello.kind = WIRE_HELLO_JOIN;
	assert_int_equal(session_subflow_open(s, &hello, NULL, 0, &join), 0);
	drain(s, join, 0);
	assert_false(sends(s, slot, WIRE_LINKS, MS));
	session_links(s, &m);
	assert_true(sends(s, join, WIRE_LINKS, MS));
	assert_false(sends(s, slot, WIRE_LINKS, MS));
	assert_false(session_links_due(s));
	session_free(s);
}

/* After DONE nobody reads: what the links counted in all has to come before it, on each subflow. */
static void test_last_count_before_done(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_links m = counts(5);
	struct wire_header h;
	size_t len;

	session_links(s, &m);
	drain(s, slot, MS);
	input_end(s, 0);
	assert_int_equal(feed_end(s, slot, 0), 0);
	take(s);
	assert_int_equal(feed_plain(s, slot, WIRE_CONFIRM, 0), 0);
	assert_true(session_finished(s));
	assert_true(session_links_due(s));
	assert_false(sends(s, slot, WIRE_DONE, MS));
	m = counts(9);
	session_links(s, &m);
	assert_false(session_links_due(s));
	len = drain(s, slot, MS);
	assert_non_null(find(len, 0, WIRE_LINKS, &h));
	assert_int_equal(h.value, 9);
	assert_ptr_equal(find(len, 0, WIRE_DONE, &h), out + len);
	assert_true(session_tx_flushed(s, slot));
	session_free(s);
}

/* What the session has cost goes out with DONE, and nothing that an old peer would not skip. */
static void test_cost_comes_with_done(void **state)
{
	struct wire_cost cost = { .cpu_ns = 5, .busiest_ns = 4, .busiest = WIRE_STAGE_OUTPUT };
	struct session *s;
	struct wire_header h;
	uint8_t frame[64];
	uint16_t slot;
	size_t len;

	s = server(&slot);
	assert_false(session_cost_due(s));
	input_end(s, 0);
	assert_int_equal(feed_end(s, slot, 0), 0);
	take(s);
	assert_int_equal(feed_plain(s, slot, WIRE_CONFIRM, 0), 0);
	assert_true(session_cost_due(s));
	session_set_cost(s, &cost);
	assert_false(session_cost_due(s));
	len = drain(s, slot, MS);
	assert_non_null(find(len, 0, WIRE_COST, &h));
	assert_int_equal(h.value, 5);
	assert_ptr_equal(find(len, 0, WIRE_DONE, &h), out + len);

	assert_int_equal(session_peer_cost(s)->cpu_ns, 0);
	cost.cpu_ns = 7;
	len = wire_put_cost(frame, sizeof(frame), &cost);
	assert_int_equal(feed(s, slot, frame, len, MS), 0);
	assert_int_equal(session_peer_cost(s)->cpu_ns, 7);
	assert_int_equal(session_peer_cost(s)->busiest, WIRE_STAGE_OUTPUT);
	session_free(s);
}

/* It is for reports alone, but a frame that contradicts the protocol is a fault. */
static void test_malformed_cost(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	is_closed(s, slot, feed_frame(s, slot, WIRE_COST, 9, payload, 11), "malformed COST");
	assert_int_equal(session_peer_cost(s)->cpu_ns, 0);
	session_free(s);
}

/* News of a lane go out on its own subflow, and only news. */
static void test_a_lane_is_told_when_it_changes(void **state)
{
	struct wire_lane lane = { .tx_possible = 1, .rx_possible = 3, .tx = 0, .rx = 1 };
	uint8_t frame[64];
	uint16_t slot, join;
	struct session *s = server(&slot);

	join = open_subflow(s, 0);
	drain(s, join, 0);
	session_subflow_set_lane(s, slot, &lane);
	assert_false(sends(s, join, WIRE_LANE, MS));
	assert_true(sends(s, slot, WIRE_LANE, MS));
	session_subflow_set_lane(s, slot, &lane);
	assert_false(sends(s, slot, WIRE_LANE, MS));
	lane.rx_possible = 2;
	session_subflow_set_lane(s, slot, &lane);
	assert_true(sends(s, slot, WIRE_LANE, MS));
	lane.flags = WIRE_LANE_LOSSY;
	session_subflow_set_lane(s, slot, &lane);
	assert_true(sends(s, slot, WIRE_LANE, MS));

	assert_int_equal(session_subflow_peer_lane(s, join)->rx, WIRE_LANE_NONE);
	assert_int_equal(feed(s, join, frame, wire_put_lane(frame, sizeof(frame), &lane), MS), 0);
	assert_int_equal(session_subflow_peer_lane(s, join)->rx_possible, lane.rx_possible);
	assert_int_equal(session_subflow_peer_lane(s, join)->tx_possible, lane.tx_possible);
	assert_int_equal(session_subflow_peer_lane(s, join)->tx, lane.tx);
	assert_int_equal(session_subflow_peer_lane(s, join)->rx, lane.rx);
	assert_int_equal(session_subflow_peer_lane(s, join)->flags, lane.flags);
	assert_int_equal(session_subflow_peer_lane(s, slot)->rx, WIRE_LANE_NONE);
	is_closed(s, slot, feed_frame(s, slot, WIRE_LANE, 0, payload, 11), "malformed lane");
	session_free(s);
}

/* Who is asked to drain answers when nothing of its own is on the way there any more. */
static void test_drain(void **state)
{
	uint16_t slot, join;
	struct session *s = server(&slot);

	input(s, 1, MS);
	assert_true(sends(s, slot, WIRE_DATA, MS));
	join = open_subflow(s, 0);
	drain(s, join, MS);
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	assert_false(sends(s, slot, WIRE_DRAIN, MS));
	input(s, 2, MS);
	assert_false(sends(s, slot, WIRE_DATA, MS));
	assert_true(sends(s, join, WIRE_DATA, MS));
	assert_int_equal(feed_ack(s, join, 2, 2 * MS), 0);
	assert_true(sends(s, slot, WIRE_DRAIN, 2 * MS));
	assert_false(sends(s, slot, WIRE_DRAIN, 2 * MS));
	session_free(s);
}

/* The side that asks says so at once, and closes when both are through. */
static void test_drained(void **state)
{
	uint16_t slot, join;
	struct session *s = server(&slot);

	input(s, 1, MS);
	assert_true(sends(s, slot, WIRE_DATA, MS));
	join = open_subflow(s, 0);
	drain(s, join, MS);
	session_subflow_drain(s, slot);
	assert_false(session_subflow_drained(s, slot));
	assert_true(sends(s, slot, WIRE_DRAIN, MS));
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	assert_false(session_subflow_drained(s, slot));
	assert_int_equal(feed_ack(s, join, 1, 2 * MS), 0);
	assert_true(session_subflow_drained(s, slot));
	session_free(s);
}

/* Both sides ask at once: ours then goes out as an answer, when the peer holds all that was sent
 * there, and the subflow is drained once, whatever is asked again. */
static void test_both_sides_drain(void **state)
{
	uint16_t slot, join;
	struct session *s = server(&slot);

	input(s, 1, MS);
	assert_true(sends(s, slot, WIRE_DATA, MS));
	join = open_subflow(s, 0);
	drain(s, join, MS);
	session_subflow_drain(s, slot);
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	session_subflow_drain(s, slot);
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	assert_false(sends(s, slot, WIRE_DRAIN, MS));
	assert_int_equal(feed_ack(s, join, 1, 2 * MS), 0);
	assert_false(session_subflow_drained(s, slot));
	assert_true(sends(s, slot, WIRE_DRAIN, 2 * MS));
	assert_true(session_subflow_drained(s, slot));
	session_subflow_drain(s, slot);
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	assert_false(sends(s, slot, WIRE_DRAIN, 3 * MS));
	assert_true(session_subflow_drained(s, slot));
	session_free(s);
}

/* A peer that wants every subflow drained stops nothing. */
static void test_the_last_subflow_goes_on(void **state)
{
	uint16_t slot, join;
	struct session *s = server(&slot);

	join = open_subflow(s, 0);
	drain(s, join, 0);
	assert_int_equal(feed_plain(s, slot, WIRE_DRAIN, 0), 0);
	assert_int_equal(feed_plain(s, join, WIRE_DRAIN, 0), 0);
	input(s, 1, MS);
	assert_true(sends(s, join, WIRE_DATA, MS));
	session_free(s);
}

static const struct wire_hello hello_join = {
	.version_min = 1, .version_max = 1, .kind = WIRE_HELLO_JOIN, .session = "an id of a test"
};

/* The FACTS that go out on a subflow now. Returns false without any. */
static bool tells(struct session *s, uint16_t slot, uint64_t *serial_out,
		  struct wire_facts *out_facts)
{
	struct wire_header h;
	const uint8_t *body = find(drain(s, slot, MS), 0, WIRE_FACTS, &h);

	if (!body)
		return false;
	*serial_out = h.value;
	assert_int_equal(wire_get_facts(body, h.length, out_facts), 0);
	return true;
}

/* Any of the subflows may be the one that a change has cut off: it goes out on each, and on those
 * that open later. What did not change is not told again. */
static void test_changed_facts_go_everywhere(void **state)
{
	uint16_t slot, join, later;
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	struct wire_facts facts = some_facts, told;
	uint64_t serial = 0;
	size_t len;
	struct wire_header h;

	session_set_facts(s, &facts);
	slot = open_subflow(s, 0);
	drain(s, slot, 0);
	assert_int_equal(session_subflow_open(s, &hello_join, NULL, 0, &join), 0);
	drain(s, join, 0);
	session_set_facts(s, &facts);
	assert_false(tells(s, slot, &serial, &told));
	facts.usable = 1;
	session_set_facts(s, &facts);
	assert_false(session_tx_flushed(s, slot));
	assert_true(tells(s, slot, &serial, &told));
	assert_int_equal(serial, 1);
	assert_true(wire_facts_same(&told, &facts));
	assert_false(tells(s, slot, &serial, &told));
	facts.usable = 2;
	session_set_facts(s, &facts);
	assert_true(tells(s, join, &serial, &told));
	assert_int_equal(serial, 2);
	assert_true(wire_facts_same(&told, &facts));
	assert_true(tells(s, slot, &serial, &told));
	assert_int_equal(serial, 2);
	assert_int_equal(session_subflow_open(s, &hello_join, NULL, 0, &later), 0);
	len = drain(s, later, 0);
	assert_non_null(find(len, WIRE_PREFACE_LEN, WIRE_FACTS, &h));
	assert_int_equal(h.value, 2);
	session_free(s);
}

/* What HELLO says is what is set when it leaves; a client that changes its mind before WELCOME
 * tells once it has come. */
static void test_facts_changed_before_welcome(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	struct wire_facts facts = some_facts, told;
	uint64_t serial;
	uint16_t slot;

	session_set_facts(s, &facts);
	facts.usable = 1;
	session_set_facts(s, &facts);
	slot = open_subflow(s, 0);
	drain(s, slot, 0);
	facts.usable = 2;
	session_set_facts(s, &facts);
	assert_false(tells(s, slot, &serial, &told));
	assert_int_equal(feed_welcome(s, slot, 1, 0), 0);
	assert_true(tells(s, slot, &serial, &told));
	assert_int_equal(serial, 1);
	assert_int_equal(told.usable, 2);
	session_free(s);
}

static int feed_facts(struct session *s, uint16_t slot, uint64_t serial, const struct wire_facts *m)
{
	uint8_t frame[512];

	return feed(s, slot, frame, wire_put_facts(frame, sizeof(frame), serial, m), MS);
}

/* A client that lost its first connection before WELCOME says HELLO again, as it was. */
static void hello_of_a_running_session_brings_no_older_facts(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_facts facts = some_facts;

	assert_int_equal(feed_facts(s, slot, 3, &facts), 0);
	assert_non_null(session_take_peer_facts(s));
	assert_int_equal(session_subflow_open(s, &some_hello, NULL, 0, &slot), 0);
	assert_null(session_take_peer_facts(s));
	session_free(s);
}

/* Nor does it take back an edge that has risen since, or change what the session is. */
static void test_hello_again_takes_nothing_back(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	struct wire_hello hello = some_hello;
	struct session_stats stats;
	uint16_t first, again;

	assert_int_equal(session_subflow_open(s, &hello, NULL, 0, &first), 0);
	drain(s, first, 0);
	assert_int_equal(feed_ack(s, first, 0, MS), 0);
	hello.edge = WIRE_INITIAL_WINDOW;
	hello.side = WIRE_SIDE_SEND_ONLY;
	hello.n_subflows = 1;
	assert_int_equal(session_subflow_open(s, &hello, NULL, MS, &again), 0);
	session_stats(s, &stats);
	assert_int_equal(stats.tx_edge, WINDOW);
	assert_false(session_input_should_end(s, true));
	session_subflow_close(s, again, MS);
	/* But one that lets us send more does. */
	hello.edge = 2 * WINDOW;
	assert_int_equal(session_subflow_open(s, &hello, NULL, MS, &again), 0);
	session_stats(s, &stats);
	assert_int_equal(stats.tx_edge, 2 * WINDOW);
	session_free(s);
}

/* The newest is believed, whichever way it came, and however many come. */
static void test_newest_facts_are_believed(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_facts facts = some_facts;
	struct wire_links m = counts(5);

	assert_int_equal(session_take_peer_facts(s)->kind, WIRE_FACTS_NONE);
	assert_false(session_peer_facts_new(s));
	assert_int_equal(feed_links(s, slot, &m), 0);
	assert_int_equal(session_peer_links(s)->n, 0);
	assert_int_equal(feed_facts(s, slot, 3, &facts), 0);
	assert_true(session_peer_facts_new(s));
	assert_true(wire_facts_same(session_take_peer_facts(s), &facts));
	assert_int_equal(feed_links(s, slot, &m), 0);
	assert_int_equal(session_peer_links(s)->n, 2);
	facts.usable = 1;
	assert_int_equal(feed_facts(s, slot, 2, &facts), 0);
	assert_int_equal(feed_facts(s, slot, 3, &facts), 0);
	assert_null(session_take_peer_facts(s));
	for (uint64_t i = 4; i < 1000; i++)
		assert_int_equal(feed_facts(s, slot, i, &facts), 0);
	assert_int_equal(session_take_peer_facts(s)->usable, 1);
	facts.kind = WIRE_FACTS_NONE;
	assert_int_equal(feed_facts(s, slot, 1000, &facts), 0);
	assert_int_equal(session_take_peer_facts(s)->kind, WIRE_FACTS_NONE);
	is_closed(s, slot, feed_frame(s, slot, WIRE_FACTS, 1001, payload, 7), "malformed facts");
	session_free(s);
}

/* Who sends FACTS before WELCOME is no listener. */
static void test_facts_before_welcome(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);

	drain(s, slot, 0);
	assert_int_equal(feed(s, slot, (const uint8_t *)WIRE_PREFACE, WIRE_PREFACE_LEN, MS), 0);
	is_closed(s, slot, feed_facts(s, slot, 1, &some_facts), "before WELCOME");
	session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_exchanged),
		cmocka_unit_test(test_counts_never_go_back),
		cmocka_unit_test(test_a_count_is_told_once),
		cmocka_unit_test(test_last_count_before_done),
		cmocka_unit_test(test_cost_comes_with_done),
		cmocka_unit_test(test_malformed_cost),
		cmocka_unit_test(test_a_lane_is_told_when_it_changes),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_both_sides_drain),
		cmocka_unit_test(test_the_last_subflow_goes_on),
		cmocka_unit_test(test_changed_facts_go_everywhere),
		cmocka_unit_test(test_facts_changed_before_welcome),
		cmocka_unit_test(hello_of_a_running_session_brings_no_older_facts),
		cmocka_unit_test(test_newest_facts_are_believed),
		cmocka_unit_test(test_hello_again_takes_nothing_back),
		cmocka_unit_test(test_facts_before_welcome),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
