/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a session opens, and what it makes of a peer that does what it may not. */
#include "session-peer.h"

/* Opening ----------------------------------------------------------------------------------------
 */

static void test_hello(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_NONE);
	uint16_t slot = open_subflow(s, 0);
	struct wire_hello m;
	struct wire_header h;
	const uint8_t *body;
	size_t n = drain(s, slot, 0);

	assert_memory_equal(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	body = find(n, WIRE_PREFACE_LEN, WIRE_HELLO, &h);
	assert_non_null(body);
	assert_int_equal(WIRE_PREFACE_LEN + WIRE_HEADER_LEN + h.length, n);
	assert_int_equal(wire_get_hello(body, h.length, &m), 0);
	assert_int_equal(m.kind, WIRE_HELLO_NEW);
	assert_int_equal(m.side, WIRE_SIDE_NO_INPUT);
	assert_int_equal(m.n_subflows, 4);
	assert_int_equal(m.edge, WINDOW);
	assert_memory_equal(m.session, some_hello.session, WIRE_SESSION_ID_LEN);
	assert_int_equal(session_state(s), SESSION_CONNECTING);
	assert_int_equal(drain(s, slot, 1), 0);
	session_free(s);
}

static void test_data_flies_with_hello(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	struct wire_header h;
	const uint8_t *body;
	size_t n;

	input(s, 100, 0);
	input_end(s, 100);
	n = drain(s, slot, 0);
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_HELLO, &h));
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_END, &h));
	assert_int_equal(h.value, 100);
	body = find(n, WIRE_PREFACE_LEN, WIRE_DATA, &h);
	assert_non_null(body);
	assert_int_equal(h.length, 100);
	assert_memory_equal(body, payload, 100);
	session_free(s);
}

static void test_first_flight_is_bounded(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	uint64_t tx, rx;

	input(s, 700000, 0);
	drain(s, slot, 0);
	session_subflow_bytes(s, slot, &tx, &rx);
	assert_int_equal(tx, WIRE_INITIAL_WINDOW);
	assert_int_equal(feed_welcome(s, slot, 1, 0), 0);
	drain(s, slot, 0);
	session_subflow_bytes(s, slot, &tx, &rx);
	assert_int_equal(tx, 700000);
	session_free(s);
}

static void test_welcome(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	struct wire_welcome m;
	struct wire_header h;
	const uint8_t *body;
	size_t n = drain(s, slot, 0);

	assert_memory_equal(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	body = find(n, WIRE_PREFACE_LEN, WIRE_WELCOME, &h);
	assert_non_null(body);
	assert_int_equal(wire_get_welcome(body, h.length, &m), 0);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.n_subflows, 4);
	assert_int_equal(m.edge, WINDOW);
	session_free(s);
}

static void test_greeted_already(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	struct wire_header h;

	session_subflow_greeted(s, slot);
	assert_non_null(find(drain(s, slot, 0), 0, WIRE_WELCOME, &h));
	session_free(s);
}

static void test_version_that_was_not_offered(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);

	drain(s, slot, 0);
	feed_welcome(s, slot, WIRE_VERSION_MAX + 1, 0);
	is_broken_off(s, slot);
	session_free(s);
}

static void test_features_that_were_not_offered(void **state)
{
	struct wire_welcome m = {
		.version = 1, .features = 1u << 31, .n_subflows = 4, .edge = WINDOW
	};
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	uint8_t frame[256];

	drain(s, slot, 0);
	feed(s, slot, (const uint8_t *)WIRE_PREFACE, WIRE_PREFACE_LEN, MS);
	feed(s, slot, frame, wire_put_welcome(frame, sizeof(frame), &m), MS);
	is_broken_off(s, slot);
	session_free(s);
}

/* A join is answered with another version than the session's: the reason that both users read names
 * the version, and nothing else. */
static void test_join_with_another_version(void **state)
{
	uint16_t first, slot;
	struct session *s = client(&first);

	slot = open_subflow(s, MS);
	drain(s, slot, MS);
	feed_welcome(s, slot, 2, 0);
	is_broken_off(s, slot);
	assert_non_null(strstr(session_end(s)->text, "version"));
	session_free(s);
}

static void test_hello_of_a_later_version(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	struct wire_hello hello = some_hello;
	struct wire_welcome m;
	struct wire_header h;
	const uint8_t *body;
	uint16_t slot;

	hello.version_max = WIRE_VERSION_MAX + 7;
	hello.features = ~0u;
	assert_int_equal(session_subflow_open(s, &hello, NULL, 0, &slot), 0);
	body = find(drain(s, slot, 0), WIRE_PREFACE_LEN, WIRE_WELCOME, &h);
	assert_non_null(body);
	assert_int_equal(wire_get_welcome(body, h.length, &m), 0);
	assert_int_equal(m.version, WIRE_VERSION_MAX);
	assert_int_equal(m.features, WIRE_FEATURES);
	assert_int_equal(session_version(s), WIRE_VERSION_MAX);
	session_free(s);
}

static void test_refuse(void **state)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
	uint16_t slot = open_subflow(s, 0);
	uint8_t frame[512];
	size_t n;

	drain(s, slot, 0);
	n = handshake_refuse(frame, sizeof(frame), WIRE_R_BUSY, "come back later");
	assert_int_equal(feed(s, slot, frame, n, MS), SESSION_E_CLOSE);
	session_subflow_close(s, slot, MS);
	/* The caller may try once more. */
	assert_int_equal(session_state(s), SESSION_CONNECTING);
	session_give_up(s);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_REFUSED);
	assert_int_equal(session_end(s)->reason, WIRE_R_BUSY);
	assert_string_equal(session_end(s)->text, "come back later");
	session_free(s);
}

static void test_refused_join_is_one_subflow(void **state)
{
	uint16_t first, second;
	struct session *s = client(&first);
	struct wire_hello m;
	struct wire_header h;
	uint8_t frame[512];
	const uint8_t *body;
	size_t n;

	second = open_subflow(s, MS);
	input(s, 1000, MS);
	/* Until it is welcomed it carries HELLO alone. */
	n = drain(s, second, MS);
	body = find(n, WIRE_PREFACE_LEN, WIRE_HELLO, &h);
	assert_non_null(body);
	assert_int_equal(n, WIRE_PREFACE_LEN + WIRE_HEADER_LEN + h.length);
	assert_int_equal(wire_get_hello(body, h.length, &m), 0);
	assert_int_equal(m.kind, WIRE_HELLO_JOIN);
	n = handshake_refuse(frame, sizeof(frame), WIRE_R_LIMIT, "");
	is_closed(s, second, feed(s, second, frame, n, MS), wire_reason_text(WIRE_R_LIMIT));
	session_subflow_close(s, second, MS);
	assert_int_equal(session_state(s), SESSION_OPEN);
	session_free(s);
}

static void test_peer_is_not_mpnc(void **state)
{
	static const char greeting[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";

	for (size_t cut = 1; cut < sizeof(greeting); cut += 6) {
		struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
		uint16_t slot = open_subflow(s, 0);

		feed_cut(s, slot, (const uint8_t *)greeting, sizeof(greeting) - 1, cut, MS);
		assert_int_equal(session_state(s), SESSION_FAILED);
		assert_int_equal(session_end(s)->kind, SESSION_END_NOT_MPNC);
		assert_memory_equal(session_end(s)->text, "S", 1);
		assert_null(strchr(session_end(s)->text, '\r'));
		if (cut > 7)
			assert_non_null(strstr(session_end(s)->text, "SSH-2.0"));
		session_free(s);
	}
}

/* Whichever bit flips in the listener's first words, that connection is lost, and no more. */
static void test_any_bit_of_the_answer_flips(void **state)
{
	struct wire_welcome m = { .version = 1, .n_subflows = 4, .edge = WINDOW };
	uint8_t answer[256] = WIRE_PREFACE;
	size_t n = WIRE_PREFACE_LEN + wire_put_welcome(answer + WIRE_PREFACE_LEN,
						       sizeof(answer) - WIRE_PREFACE_LEN, &m);
	unsigned n_closed = 0;

	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);
		uint16_t slot = open_subflow(s, 0);

		drain(s, slot, 0);
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* Or it waits for the rest of a longer one. */
		n_closed += feed(s, slot, answer, n, MS) == SESSION_E_CLOSE;
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(session_state(s), SESSION_CONNECTING);
		session_subflow_close(s, slot, MS);
		assert_int_equal(session_state(s), SESSION_CONNECTING);
		slot = open_subflow(s, 2 * MS);
		drain(s, slot, 2 * MS);
		assert_int_equal(feed(s, slot, answer, n, 2 * MS), 0);
		assert_int_equal(session_state(s), SESSION_OPEN);
		session_free(s);
	}
	assert_true(n_closed > 8 * n - 16);
}

static void test_both_only_send(void **state)
{
	struct session_config config = {
		.role = SESSION_CLIENT, .window = WINDOW, .n_subflows = 1, .send_only = true
	};
	struct session *s;
	uint16_t slot;

	assert_int_equal(session_new(&s, &config), 0);
	slot = open_subflow(s, 0);
	drain(s, slot, 0);
	feed_welcome(s, slot, 1, WIRE_SIDE_SEND_ONLY);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->reason, WIRE_R_CONFLICT);
	session_free(s);
}

static void test_limit_of_subflows(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);
	uint16_t slot;

	for (int i = 0; i < 4; i++)
		open_subflow(s, 0);
	assert_int_equal(session_subflow_open(s, &some_hello, NULL, 0, &slot), SESSION_E_LIMIT);
	session_subflow_close(s, 2, 0);
	assert_int_equal(open_subflow(s, 0), 2);
	session_free(s);
}

/* What a peer may not do --------------------------------------------------------------------------
 */

static void test_data_beyond_the_window(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	assert_int_equal(feed_data(s, slot, WINDOW - 10, 10), 0);
	is_closed(s, slot, feed_data(s, slot, WINDOW - 9, 10), "beyond the window");
	session_free(s);
}

static void test_ack_of_what_was_never_sent(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	input(s, 1000, MS);
	assert_true(sends(s, slot, WIRE_DATA, MS));
	assert_int_equal(feed_ack(s, slot, 1000, MS), 0);
	is_closed(s, slot, feed_ack(s, slot, 1001, MS), "never sent");
	session_free(s);
}

static void test_two_ends_that_differ(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	assert_int_equal(feed_end(s, slot, 10), 0);
	assert_int_equal(feed_end(s, slot, 10), 0);
	assert_int_equal(session_state(s), SESSION_OPEN);
	feed_end(s, slot, 11);
	is_broken_off(s, slot);
	session_free(s);
}

static void test_data_beyond_the_end(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	assert_int_equal(feed_end(s, slot, 10), 0);
	/* Its header may be spoilt, so it is the subflow's fault as far as one knows. */
	is_closed(s, slot, feed_data(s, slot, 5, 6), "beyond the end");
	session_free(s);
}

static void test_end_below_what_came(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	assert_int_equal(feed_data(s, slot, 5, 6), 0);
	feed_end(s, slot, 10);
	is_broken_off(s, slot);
	session_free(s);
}

static void test_end_while_data_beyond_it_is_on_its_way(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);
	uint8_t header[WIRE_HEADER_LEN];

	second = open_subflow(s, 0);
	drain(s, second, 0);
	wire_put_header(header, WIRE_DATA, 0, payload, 20);
	assert_int_equal(feed(s, first, header, sizeof(header), MS), 0);
	assert_int_equal(feed(s, first, payload, 15, MS), 0);
	assert_int_equal(feed_end(s, second, 10), 0);
	feed(s, first, payload + 15, 5, MS);
	assert_int_equal(session_output_end(s), 0);
	is_broken_off(s, second);
	session_free(s);
}

static void test_data_that_overlaps(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);

	second = open_subflow(s, 0);
	drain(s, second, 0);
	assert_int_equal(feed_data(s, first, 100, 100), 0);
	assert_int_equal(feed_data(s, first, 100, 100), 0);
	assert_int_equal(feed_data(s, first, 120, 50), 0);
	is_closed(s, second, feed_data(s, second, 150, 100), "overlaps");
	session_subflow_close(s, second, MS);
	assert_int_equal(feed_data(s, first, 0, 100), 0);
	assert_int_equal(session_output_end(s), 200);
	take(s);
	session_free(s);
}

static void test_wrong_checksum_condemns_the_subflow_only(void **state)
{
	uint16_t first, second;
	struct session *s = server(&first);
	uint8_t frame[WIRE_HEADER_LEN + 1000];

	second = open_subflow(s, 0);
	drain(s, second, 0);
	wire_put_header(frame, WIRE_DATA, 0, payload, 1000);
	memcpy(frame + WIRE_HEADER_LEN, payload, 1000);
	frame[WIRE_HEADER_LEN + 500] ^= 1;
	is_closed(s, second, feed(s, second, frame, sizeof(frame), MS), "checksum");
	session_subflow_close(s, second, MS);
	assert_int_equal(session_output_end(s), 0);
	assert_int_equal(feed_data(s, first, 0, 1000), 0);
	assert_int_equal(session_output_end(s), 1000);
	take(s);
	session_free(s);
}

static void test_any_spoilt_bit_closes_no_session(void **state)
{
	for (size_t bit = 0; bit < 8 * (WIRE_HEADER_LEN + 40); bit++) {
		uint16_t first, second;
		struct session *s = server(&first);
		uint8_t frame[WIRE_HEADER_LEN + 40];

		second = open_subflow(s, 0);
		drain(s, second, 0);
		assert_int_equal(feed_end(s, first, 40), 0);
		wire_put_header(frame, WIRE_DATA, 0, payload, 40);
		memcpy(frame + WIRE_HEADER_LEN, payload, 40);
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		feed(s, second, frame, sizeof(frame), MS);
		assert_int_equal(session_state(s), SESSION_OPEN);
		assert_int_equal(session_output_end(s), 0);
		assert_int_equal(feed_data(s, first, 0, 40), 0);
		assert_int_equal(session_output_end(s), 40);
		session_free(s);
	}
}

static void test_spoilt_control_frame(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);
	uint8_t frame[64];
	size_t n = wire_put_plain(frame, sizeof(frame), WIRE_PING, 7);

	frame[10] ^= 1;
	is_closed(s, slot, feed(s, slot, frame, n, MS), "checksum");
	session_free(s);
}

static void test_confirm_before_end(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	input(s, 10, MS);
	drain(s, slot, MS);
	feed_plain(s, slot, WIRE_CONFIRM, 10);
	is_broken_off(s, slot);
	assert_false(session_sent_confirmed(s));
	session_free(s);
}

static void test_confirm_of_another_length(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	input(s, 10, MS);
	input_end(s, 10);
	drain(s, slot, MS);
	feed_plain(s, slot, WIRE_CONFIRM, 9);
	is_broken_off(s, slot);
	session_free(s);
}

static void test_unknown_frames(void **state)
{
	uint16_t slot;
	struct session *s = server(&slot);

	assert_int_equal(feed_frame(s, slot, WIRE_OPTIONAL + 3, 1, payload, 50), 0);
	assert_int_equal(feed_frame(s, slot, WIRE_OPTIONAL + 3, 1, payload, 0), 0);
	assert_int_equal(feed_data(s, slot, 0, 10), 0);
	assert_int_equal(session_output_end(s), 10);
	is_closed(s, slot, feed_frame(s, slot, WIRE_TYPES, 1, payload, 0), "header");
	session_free(s);
}

static void test_frames_out_of_turn(void **state)
{
	uint16_t slot, join;
	struct session *s = server(&slot);

	is_closed(s, slot, feed_frame(s, slot, WIRE_HELLO, 0, payload, 40), "out of turn");
	session_free(s);
	s = server(&slot);
	is_closed(s, slot, feed_frame(s, slot, WIRE_WELCOME, 0, payload, 20), "out of turn");
	session_free(s);
	s = client(&slot);
	join = open_subflow(s, MS);
	feed(s, join, (const uint8_t *)WIRE_PREFACE, WIRE_PREFACE_LEN, MS);
	is_closed(s, join, feed_data(s, join, 0, 10), "before WELCOME");
	session_free(s);
}

static void test_data_for_one_who_only_sends(void **state)
{
	struct session_config config = {
		.role = SESSION_SERVER, .window = WINDOW, .n_subflows = 1, .send_only = true
	};
	struct session *s;
	uint16_t slot;

	assert_int_equal(session_new(&s, &config), 0);
	slot = open_subflow(s, 0);
	drain(s, slot, 0);
	feed_data(s, slot, 0, 10);
	is_broken_off(s, slot);
	session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_data_flies_with_hello),
		cmocka_unit_test(test_first_flight_is_bounded),
		cmocka_unit_test(test_welcome),
		cmocka_unit_test(test_greeted_already),
		cmocka_unit_test(test_version_that_was_not_offered),
		cmocka_unit_test(test_features_that_were_not_offered),
		cmocka_unit_test(test_join_with_another_version),
		cmocka_unit_test(test_hello_of_a_later_version),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_refused_join_is_one_subflow),
		cmocka_unit_test(test_peer_is_not_mpnc),
		cmocka_unit_test(test_any_bit_of_the_answer_flips),
		cmocka_unit_test(test_both_only_send),
		cmocka_unit_test(test_limit_of_subflows),
		cmocka_unit_test(test_data_beyond_the_window),
		cmocka_unit_test(test_ack_of_what_was_never_sent),
		cmocka_unit_test(test_two_ends_that_differ),
		cmocka_unit_test(test_data_beyond_the_end),
		cmocka_unit_test(test_end_below_what_came),
		cmocka_unit_test(test_end_while_data_beyond_it_is_on_its_way),
		cmocka_unit_test(test_data_that_overlaps),
		cmocka_unit_test(test_wrong_checksum_condemns_the_subflow_only),
		cmocka_unit_test(test_any_spoilt_bit_closes_no_session),
		cmocka_unit_test(test_spoilt_control_frame),
		cmocka_unit_test(test_confirm_before_end),
		cmocka_unit_test(test_confirm_of_another_length),
		cmocka_unit_test(test_unknown_frames),
		cmocka_unit_test(test_frames_out_of_turn),
		cmocka_unit_test(test_data_for_one_who_only_sends),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
