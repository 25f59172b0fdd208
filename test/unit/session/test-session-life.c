/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session answers, how it ends, and what it does with several subflows. */
#include "session-peer.h"

/* What is answered --------------------------------------------------------------------------------
 */

static void test_ping(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_header h;

	assert_int_equal(feed_plain(s, slot, WIRE_PING, 41), 0);
	assert_int_equal(feed_plain(s, slot, WIRE_PING, 42), 0);
	assert_non_null(find(drain(s, slot, MS), 0, WIRE_PONG, &h));
	assert_int_equal(h.value, 42);
	assert_int_equal(drain(s, slot, MS), 0);
	session_free(s);
}

static void test_stop(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_header h;

	session_stop(s);
	assert_non_null(find(drain(s, slot, MS), 0, WIRE_STOP, &h));
	assert_false(session_peer_stopped(s));
	assert_int_equal(feed_plain(s, slot, WIRE_STOP, 0), 0);
	assert_true(session_peer_stopped(s));
	assert_false(session_input_should_end(s, true));
	assert_true(session_input_should_end(s, false));
	session_free(s);
}

static void test_abort(void **state)
{
	struct wire_notice m = { .reason = WIRE_R_OUTPUT, .offset = 77, .text = "disk full" };
	uint16_t slot;
	struct session *s = server(&slot);
	uint8_t frame[256];
	struct wire_header h;

	assert_int_equal(
		feed(s, slot, frame, wire_put_notice(frame, sizeof(frame), WIRE_ABORT, &m), MS), 0);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_PEER);
	assert_int_equal(session_end(s)->reason, WIRE_R_OUTPUT);
	assert_int_equal(session_end(s)->offset, 77);
	assert_string_equal(session_end(s)->text, "disk full");
	assert_true(session_tx_flushed(s, slot));
	session_free(s);

	s = server(&slot);
	session_abort(s, WIRE_R_INPUT, 5, "cannot read");
	assert_false(session_tx_flushed(s, slot));
	assert_non_null(find(drain(s, slot, MS), 0, WIRE_ABORT, &h));
	assert_int_equal(h.value, 5);
	assert_true(session_tx_flushed(s, slot));
	session_free(s);
}

/* The client waits for WELCOME and has to hear it all the same. */
static void test_abort_before_welcome(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	struct wire_header h;
	size_t n;

	session_abort(s, WIRE_R_OUTPUT, 0, "disk full");
	assert_false(session_tx_flushed(s, slot));
	n = drain(s, slot, MS);
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_WELCOME, &h));
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_ABORT, &h));
	assert_true(session_tx_flushed(s, slot));
	session_free(s);
}

static void test_digest_of_the_stream(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	const uint8_t wrong[DIGEST_LEN] = { 0 };
	struct wire_header h;

	assert_int_equal(feed_data(s, slot, 0, 10), 0);
	assert_int_equal(feed_end(s, slot, 10), 0);
	assert_false(session_output_complete(s));
	session_output_taken(s, 10, MS);
	assert_true(session_output_complete(s));
	session_output_finish(s, wrong, MS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_DIGEST);
	assert_false(session_received_confirmed(s));
	assert_non_null(find(drain(s, slot, MS), 0, WIRE_ABORT, &h));
	session_free(s);
}

/* The end -----------------------------------------------------------------------------------------
 */

struct end_rule {
	const char *name;
	enum session_role role;
	enum session_input input;
	bool duplex, send_only, recv_only;
	uint8_t peer;  /* enum wire_side */
	int64_t took;  /* bytes of the peer's whole stream; -1: it has not ended */
	bool sent;     /* something was read from the input before */
	bool end_idle; /* what is said when nothing can be read */
	bool end_readable;
};

#define STREAM   SESSION_INPUT_STREAM
#define TERMINAL SESSION_INPUT_TERMINAL
#define NONE     SESSION_INPUT_NONE

static const struct end_rule end_rules[] = {
	/* A stream is read to its end, whatever the peer does... */
	{ "stream", SESSION_CLIENT, STREAM, .took = -1 },
	{ "stream, peer ended", SESSION_CLIENT, STREAM, .took = 5 },
	{ "stream, peer has no input", SESSION_CLIENT, STREAM, .peer = WIRE_SIDE_NO_INPUT,
	  .took = 0 },
	/* ...but for a listener that received something, sent nothing and has nothing to read. */
	{ "listener, peer ended", SESSION_SERVER, STREAM, .took = 5, .end_idle = true },
	{ "listener, peer goes on", SESSION_SERVER, STREAM, .took = -1 },
	{ "listener received nothing", SESSION_SERVER, STREAM, .took = 0 },
	{ "listener has sent", SESSION_SERVER, STREAM, .took = 5, .sent = true },
	{ "listener, duplex", SESSION_SERVER, STREAM, .duplex = true, .took = 5 },
	/* A terminal, or nothing, ends when the peer's stream has. */
	{ "terminal", SESSION_CLIENT, TERMINAL, .took = -1 },
	{ "terminal, peer ended", SESSION_CLIENT, TERMINAL, .took = 0, .end_idle = true,
	  .end_readable = true },
	{ "terminal has sent", SESSION_SERVER, TERMINAL, .took = 5, .sent = true, .end_idle = true,
	  .end_readable = true },
	{ "terminal, duplex", SESSION_CLIENT, TERMINAL, .duplex = true, .took = 5 },
	{ "none", SESSION_CLIENT, NONE, .took = -1 },
	{ "none, peer ended", SESSION_CLIENT, NONE, .took = 0, .end_idle = true,
	  .end_readable = true },
	{ "recv-only", SESSION_SERVER, STREAM, .recv_only = true, .took = -1 },
	{ "recv-only, peer ended", SESSION_SERVER, STREAM, .recv_only = true, .took = 0,
	  .end_idle = true, .end_readable = true },
	/* Two that wait for each other would wait for ever. */
	{ "none at both ends", SESSION_CLIENT, NONE, .peer = WIRE_SIDE_NO_INPUT, .took = -1,
	  .end_idle = true, .end_readable = true },
	{ "none, duplex", SESSION_CLIENT, NONE, .duplex = true, .took = -1, .end_idle = true,
	  .end_readable = true },
	/* Nobody takes it. */
	{ "peer only sends", SESSION_CLIENT, STREAM, .peer = WIRE_SIDE_SEND_ONLY, .took = -1,
	  .end_idle = true, .end_readable = true },
	{ "peer only sends, duplex", SESSION_SERVER, STREAM, .duplex = true,
	  .peer = WIRE_SIDE_SEND_ONLY, .took = -1, .end_idle = true, .end_readable = true },
	/* One that only sends, sends all. */
	{ "send-only listener", SESSION_SERVER, STREAM, .send_only = true, .took = 0 },
};

static struct session *end_session(const struct end_rule *rule, uint16_t *slot_out)
{
	struct session_config config = { .role = rule->role,
					 .window = WINDOW,
					 .n_subflows = 1,
					 .input = rule->input,
					 .duplex = rule->duplex,
					 .send_only = rule->send_only,
					 .recv_only = rule->recv_only };
	struct wire_hello hello = some_hello;
	struct session *s;

	hello.side = rule->peer;
	assert_int_equal(session_new(&s, &config), 0);
	assert_int_equal(session_subflow_open(s, &hello, NULL, 0, slot_out), 0);
	drain(s, *slot_out, 0);
	/* Nothing is known of the peer before WELCOME. */
	if (rule->role == SESSION_CLIENT) {
		assert_false(session_input_should_end(s, false));
		assert_int_equal(feed_welcome(s, *slot_out, 1, rule->peer), 0);
	}
	return s;
}

static void test_end_rules(void **state)
{
	for (size_t i = 0; i < sizeof(end_rules) / sizeof(end_rules[0]); i++) {
		const struct end_rule *rule = &end_rules[i];
		uint16_t slot;
		struct session *s = end_session(rule, &slot);

		if (rule->sent)
			input(s, 3, MS);
		if (rule->took > 0)
			assert_int_equal(feed_data(s, slot, 0, (size_t)rule->took), 0);
		if (rule->took >= 0)
			assert_int_equal(feed_end(s, slot, (uint64_t)rule->took), 0);
		take(s);
		if (session_input_should_end(s, false) != rule->end_idle ||
		    session_input_should_end(s, true) != rule->end_readable)
			fail_msg("%s", rule->name);
		/* What has ended does not end again. */
		input_end(s, rule->sent ? 3 : 0);
		assert_false(session_input_should_end(s, false));
		session_free(s);
	}
}

static void test_a_whole_life(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	struct wire_header h;
	size_t n;

	assert_int_equal(feed_data(s, slot, 0, 1000), 0);
	assert_int_equal(feed_end(s, slot, 1000), 0);
	assert_int_equal(feed_end(s, slot, 1000), 0);
	/* Nothing is confirmed before the output has taken it. */
	assert_false(sends(s, slot, WIRE_CONFIRM, 2 * MS));
	take(s);
	assert_true(session_received_confirmed(s));
	input(s, 500, 2 * MS);
	input_end(s, 500);
	n = drain(s, slot, 20 * MS);
	assert_non_null(find(n, 0, WIRE_CONFIRM, &h));
	assert_int_equal(h.value, 1000);
	assert_non_null(find(n, 0, WIRE_END, &h));
	assert_non_null(find(n, 0, WIRE_DATA, &h));
	assert_null(find(n, 0, WIRE_DONE, &h));
	assert_int_equal(feed_ack(s, slot, 500, 21 * MS), 0);
	assert_false(session_sent_confirmed(s));
	assert_int_equal(feed_plain(s, slot, WIRE_CONFIRM, 500), 0);
	assert_true(session_finished(s));
	assert_int_equal(session_state(s), SESSION_OPEN);
	assert_true(sends(s, slot, WIRE_DONE, 22 * MS));
	assert_int_equal(feed_plain(s, slot, WIRE_DONE, 0), 0);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);
}

static void test_last_subflow(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	/* With everything confirmed it is the peer's good-bye... */
	input_end(s, 0);
	assert_int_equal(feed_end(s, slot, 0), 0);
	take(s);
	drain(s, slot, MS);
	assert_int_equal(feed_plain(s, slot, WIRE_CONFIRM, 0), 0);
	session_subflow_close(s, slot, MS);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);

	/* ...without, a loss, if there was anything to confirm. */
	s = server(&slot);
	input(s, 1, MS);
	input_end(s, 1);
	assert_int_equal(feed_end(s, slot, 0), 0);
	take(s);
	drain(s, slot, MS);
	session_subflow_close(s, slot, MS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_LOST);
	session_free(s);
}

/* A server with everything confirmed both ways, to which DONE has not come. */
static struct session *finished(uint16_t *slot_out)
{
	struct session *s = server(slot_out);

	input_end(s, 0);
	assert_int_equal(feed_end(s, *slot_out, 0), 0);
	take(s);
	drain(s, *slot_out, MS);
	assert_int_equal(feed_plain(s, *slot_out, WIRE_CONFIRM, 0), 0);
	assert_true(session_finished(s));
	assert_int_equal(session_state(s), SESSION_OPEN);
	return s;
}

static void test_abort_after_all_is_confirmed(void **state)
{
	struct wire_notice m = { .reason = WIRE_R_SIGNAL, .text = "interrupted" };
	uint16_t slot;
	struct session *s = finished(&slot);
	uint8_t frame[256];

	assert_int_equal(
		feed(s, slot, frame, wire_put_notice(frame, sizeof(frame), WIRE_ABORT, &m), MS), 0);
	assert_int_equal(session_state(s), SESSION_DONE);
	assert_int_equal(session_end(s)->kind, SESSION_END_NONE);
	session_free(s);
}

static void test_bytes_after_done_are_not_parsed(void **state)
{
	uint16_t slot;
	struct session *s = finished(&slot);

	assert_int_equal(feed_plain(s, slot, WIRE_DONE, 0), 0);
	assert_int_equal(session_state(s), SESSION_DONE);
	assert_int_equal(feed(s, slot, payload, 100000, MS), 0);
	assert_null(session_subflow_text(s, slot));
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);
}

/* Several subflows --------------------------------------------------------------------------------
 */

static void test_growth_by_bytes(void **state)
{
	uint16_t slot;
	struct session *s = client(&slot);

	input(s, SESSION_GROW_BYTES, MS);
	assert_int_equal(session_subflows_wanted(s), 1);
	session_free(s);
	s = client(&slot);
	input(s, SESSION_GROW_BYTES + 1, MS);
	assert_int_equal(session_subflows_wanted(s), 4);
	session_free(s);
}

/* Who only receives may never be called by the clock while bytes pour in. */
static void test_growth_by_bytes_received_without_a_tick(void **state)
{
	uint16_t slot;
	struct session *s = client(&slot);

	assert_int_equal(feed_data(s, slot, 0, SESSION_GROW_BYTES), 0);
	assert_int_equal(session_subflows_wanted(s), 1);
	assert_int_equal(feed_data(s, slot, SESSION_GROW_BYTES, 1), 0);
	assert_int_equal(session_subflows_wanted(s), 4);
	session_free(s);
}

static void test_growth_by_time(void **state)
{
	uint16_t slot;
	struct session *s = client(&slot);

	input(s, 10, MS);
	assert_int_equal(session_subflows_wanted(s), 1);
	assert_true(session_deadline(s) <= MS + SESSION_GROW_NS);
	session_tick(s, MS + SESSION_GROW_NS - 1);
	assert_int_equal(session_subflows_wanted(s), 1);
	session_tick(s, MS + SESSION_GROW_NS);
	assert_int_equal(session_subflows_wanted(s), 4);
	session_free(s);
}

static void test_no_growth_when_all_is_on_its_way(void **state)
{
	uint16_t slot;
	struct session *s = client(&slot);

	input(s, 10, MS);
	input_end(s, 10);
	drain(s, slot, MS);
	session_tick(s, MS + 2 * SESSION_GROW_NS);
	assert_int_equal(session_subflows_wanted(s), 1);
	session_free(s);
}

static void test_no_growth_when_all_is_acknowledged(void **state)
{
	uint16_t slot;
	struct session *s = client(&slot);

	input(s, 10, MS);
	drain(s, slot, MS);
	assert_int_equal(feed_ack(s, slot, 10, 2 * MS), 0);
	session_tick(s, MS + 2 * SESSION_GROW_NS);
	assert_int_equal(session_subflows_wanted(s), 1);
	session_free(s);
}

static void test_chunks_of_a_dead_subflow(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);
	struct wire_header h;
	const uint8_t *body;

	second = open_subflow(s, 0);
	drain(s, second, 0);
	input(s, 1000, MS);
	drain(s, first, MS);
	assert_int_equal(drain(s, second, MS), 0);
	session_subflow_close(s, first, 2 * MS);
	body = find(drain(s, second, 2 * MS), 0, WIRE_DATA, &h);
	assert_non_null(body);
	assert_int_equal(h.length, 1000);
	assert_memory_equal(body, payload, 1000);
	session_free(s);
}

static void test_late_chunk(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);
	struct session_stats stats;
	uint64_t now_ns = MS;

	second = open_subflow(s, 0);
	drain(s, second, 0);
	input(s, 1000, MS);
	drain(s, first, MS);
	while (!sends(s, second, WIRE_DATA, now_ns)) {
		uint64_t due_ns = session_deadline(s);

		assert_true(due_ns > now_ns && due_ns < 2000 * MS);
		now_ns = due_ns;
		session_tick(s, now_ns);
	}
	session_stats(s, &stats);
	assert_int_equal(stats.tx_reinjected, 1000);
	session_free(s);
}

/* The last ACK may have gone into a hole: it is said again on every subflow. */
static void test_repeated_ack(void **state)
{
	uint16_t slot[3];
	struct session *s = server(&slot[0]);
	uint64_t now_ns = MS;

	for (int i = 1; i < 3; i++) {
		slot[i] = open_subflow(s, 0);
		drain(s, slot[i], 0);
	}
	assert_int_equal(feed_data(s, slot[1], 0, 10), 0);
	assert_false(sends(s, slot[1], WIRE_ACK, now_ns));
	now_ns = session_deadline(s);
	assert_true(now_ns <= 10 * MS);
	session_tick(s, now_ns);
	/* First where something came from. */
	assert_false(sends(s, slot[0], WIRE_ACK, now_ns));
	assert_true(sends(s, slot[1], WIRE_ACK, now_ns));
	assert_false(sends(s, slot[2], WIRE_ACK, now_ns + 100 * MS));
	now_ns = session_deadline(s);
	assert_true(now_ns <= 500 * MS);
	session_tick(s, now_ns);
	for (int i = 0; i < 3; i++)
		assert_true(sends(s, slot[i], WIRE_ACK, now_ns));
	for (int i = 0; i < 3; i++)
		assert_false(sends(s, slot[i], WIRE_ACK, now_ns));
	session_free(s);
}

static void test_ack_goes_elsewhere_when_its_subflow_is_blocked(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);
	uint64_t now_ns;

	second = open_subflow(s, 0);
	drain(s, second, 0);
	assert_int_equal(feed_data(s, second, 0, 10), 0);
	now_ns = session_deadline(s);
	session_tick(s, now_ns);
	assert_false(sends(s, first, WIRE_ACK, now_ns));
	now_ns = session_deadline(s);
	assert_true(now_ns < 20 * MS);
	session_tick(s, now_ns);
	assert_true(sends(s, first, WIRE_ACK, now_ns));
	session_free(s);
}

/* The silent one has no room for PING: it is given up all the same. */
static void test_silent_subflow(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);

	second = open_subflow(s, 0);
	drain(s, second, 0);
	for (uint64_t now_ns = MS; now_ns < 40000 * MS; now_ns += 500 * MS) {
		uint8_t frame[64];

		session_tick(s, now_ns);
		assert_null(session_subflow_text(s, second));
		if (session_subflow_text(s, first)) {
			assert_true(now_ns >= 15000 * MS && now_ns < 25000 * MS);
			session_free(s);
			return;
		}
		drain(s, second, now_ns);
		assert_int_equal(feed(s, second, frame,
				      wire_put_plain(frame, sizeof(frame), WIRE_PONG, 0), now_ns),
				 0);
	}
	fail();
}

static void test_all_silent_is_no_fault(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);

	second = open_subflow(s, 0);
	for (uint64_t now_ns = MS; now_ns < 60000 * MS; now_ns += 500 * MS) {
		session_tick(s, now_ns);
		drain(s, first, now_ns);
		drain(s, second, now_ns);
		assert_null(session_subflow_text(s, first));
		assert_null(session_subflow_text(s, second));
	}
	session_free(s);
}

static void test_bytes_in_any_pieces(void **state)
{
	for (size_t cut = 1; cut < 400; cut += 1 + cut / 3) {
		struct session *a = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
		uint16_t a_slot = open_subflow(a, 0), b_slot;
		struct session *b = start(SESSION_SERVER, SESSION_INPUT_STREAM);
		struct wire_header h;
		size_t n;

		input(a, 300000, MS);
		input_end(a, 300000);
		n = drain(a, a_slot, MS);
		b_slot = open_subflow(b, 0);
		assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_HELLO, &h));
		n -= WIRE_PREFACE_LEN + WIRE_HEADER_LEN + h.length;
		assert_int_equal(feed_cut(b, b_slot,
					  out + WIRE_PREFACE_LEN + WIRE_HEADER_LEN + h.length, n,
					  cut, MS),
				 0);
		n = drain(b, b_slot, MS);
		assert_int_equal(feed_cut(a, a_slot, out, n, cut, MS), 0);
		n = drain(a, a_slot, MS);
		assert_int_equal(feed_cut(b, b_slot, out, n, cut, MS), 0);
		assert_int_equal(session_output_end(b), 300000);
		take(b);
		assert_true(session_received_confirmed(b));
		session_free(a);
		session_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_abort_before_welcome),
		cmocka_unit_test(test_digest_of_the_stream),
		cmocka_unit_test(test_end_rules),
		cmocka_unit_test(test_a_whole_life),
		cmocka_unit_test(test_last_subflow),
		cmocka_unit_test(test_abort_after_all_is_confirmed),
		cmocka_unit_test(test_bytes_after_done_are_not_parsed),
		cmocka_unit_test(test_growth_by_bytes),
		cmocka_unit_test(test_growth_by_bytes_received_without_a_tick),
		cmocka_unit_test(test_growth_by_time),
		cmocka_unit_test(test_no_growth_when_all_is_on_its_way),
		cmocka_unit_test(test_no_growth_when_all_is_acknowledged),
		cmocka_unit_test(test_chunks_of_a_dead_subflow),
		cmocka_unit_test(test_late_chunk),
		cmocka_unit_test(test_repeated_ack),
		cmocka_unit_test(test_ack_goes_elsewhere_when_its_subflow_is_blocked),
		cmocka_unit_test(test_silent_subflow),
		cmocka_unit_test(test_all_silent_is_no_fault),
		cmocka_unit_test(test_bytes_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
