/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session that has lost all of its subflows: which side waits, for how long, and what it says
 * then. */
#include "session-peer.h"

#define PATIENCE (10000 * MS)

/* For which a listener waits. */
#define WAITS (PATIENCE + SESSION_LINGER_NS)

static struct session *patient(enum session_role role, uint16_t *slot_out)
{
	struct session_config config = { .role = role,
					 .window = WINDOW,
					 .n_subflows = 4,
					 .reconnect_ns = PATIENCE,
					 .id = "an id of a test" };
	struct session *s;

	assert_int_equal(session_new(&s, &config), 0);
	*slot_out = open_subflow(s, 0);
	drain(s, *slot_out, 0);
	if (role == SESSION_CLIENT)
		assert_int_equal(feed_welcome(s, *slot_out, 1, 0), 0);
	return s;
}

static uint16_t join(struct session *s, uint64_t now_ns)
{
	struct wire_hello hello = some_hello;
	uint16_t slot;

	hello.kind = WIRE_HELLO_JOIN;
	assert_int_equal(session_subflow_open(s, &hello, NULL, now_ns, &slot), 0);
	return slot;
}

static void test_goes_on_where_it_stood(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);
	struct wire_header h;
	size_t n;

	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	assert_int_equal(feed_data(s, slot, 1000, 500), 0);
	input(s, 1000, MS);
	drain(s, slot, 50 * MS);
	session_subflow_close(s, slot, 51 * MS);
	assert_true(session_lost(s));
	assert_int_equal(session_deadline(s), MS + WAITS);
	session_tick(s, PATIENCE);
	assert_int_equal(session_state(s), SESSION_OPEN);
	slot = join(s, PATIENCE);
	n = drain(s, slot, PATIENCE);
	assert_true(session_lost(s));
	assert_int_equal(feed_plain(s, slot, WIRE_PONG, 0), 0);
	assert_false(session_lost(s));
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_ACK, &h));
	assert_int_equal(h.value, 700);
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_DATA, &h));
	assert_int_equal(h.value, 0);
	assert_int_equal(h.length, 1000);
	session_tick(s, 60 * MS + WAITS);
	assert_int_equal(session_state(s), SESSION_OPEN);
	session_free(s);
}

/* It may have been stopped: it has half of the time to find that its connections are gone. */
static void test_lost_after_a_long_silence(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);

	assert_int_equal(feed_plain(s, slot, WIRE_PONG, 0), 0);
	session_subflow_close(s, slot, 10 * PATIENCE);
	assert_int_equal(session_deadline(s), 10 * PATIENCE + PATIENCE / 2 + SESSION_LINGER_NS);
	session_free(s);
}

/* A client that vanished before it had WELCOME does not hold a listener up for long. But one that
 * comes back in time is welcome. */
static void test_vanished_at_once(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);

	session_subflow_close(s, slot, MS);
	assert_int_equal(session_deadline(s), SESSION_NEW_NS);
	slot = join(s, 2000 * MS);
	assert_int_equal(feed_plain(s, slot, WIRE_PONG, 0), 0);
	session_subflow_close(s, slot, 3000 * MS);
	assert_int_equal(session_deadline(s), MS + WAITS);
	session_free(s);
	s = patient(SESSION_SERVER, &slot);
	session_subflow_close(s, slot, MS);
	session_tick(s, SESSION_NEW_NS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_non_null(strstr(session_end(s)->text, "no connection for more than 5"));
	session_free(s);
}

static void test_patience_ends(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);

	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	session_subflow_close(s, slot, MS);
	session_tick(s, WAITS);
	assert_int_equal(session_state(s), SESSION_OPEN);
	session_tick(s, MS + WAITS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_LOST);
	assert_int_equal(session_end(s)->reason, WIRE_R_TIMEOUT);
	assert_int_equal(session_end(s)->offset, 700);
	assert_non_null(strstr(session_end(s)->text, "no connection for more than 10"));
	assert_int_equal(session_deadline(s), SESSION_NO_DEADLINE);
	session_free(s);
}

/* An attempt that a client begins just before the time is over is not made in vain: it has time
 * to be answered, and the listener is still there for it. */
static void test_the_last_attempt(void **state)
{
	const uint64_t last_ns = PATIENCE, answered_ns = last_ns + SESSION_ANSWER_NS;
	uint16_t slot;
	struct session *s = patient(SESSION_CLIENT, &slot);

	assert_false(session_seeks(s, 0));
	session_subflow_close(s, slot, MS);
	assert_true(session_seeks(s, last_ns));
	assert_false(session_seeks(s, MS + PATIENCE));
	slot = open_subflow(s, last_ns);
	drain(s, slot, last_ns);
	session_tick(s, answered_ns);
	assert_int_equal(session_state(s), SESSION_OPEN);
	assert_int_equal(feed_welcome(s, slot, 1, 0), 0);
	assert_false(session_lost(s));
	assert_false(session_seeks(s, answered_ns));
	session_tick(s, 10 * PATIENCE);
	assert_int_equal(session_state(s), SESSION_OPEN);
	session_free(s);

	s = patient(SESSION_SERVER, &slot);
	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	session_subflow_close(s, slot, MS);
	slot = join(s, answered_ns);
	drain(s, slot, answered_ns);
	session_tick(s, PATIENCE + SESSION_LINGER_NS);
	assert_int_equal(session_state(s), SESSION_OPEN);
	assert_int_equal(feed_plain(s, slot, WIRE_PONG, 0), 0);
	assert_false(session_lost(s));
	session_free(s);

	/* Without an answer. */
	s = patient(SESSION_CLIENT, &slot);
	session_subflow_close(s, slot, MS);
	session_tick(s, MS + answered_ns);
	assert_int_equal(session_state(s), SESSION_FAILED);
	session_free(s);
}

/* A session waits for nothing that was not asked for. */
static void test_no_patience(void **state)
{
	const enum session_role roles[] = { SESSION_CLIENT, SESSION_SERVER };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct session *s = start(roles[i], SESSION_INPUT_STREAM);
		uint16_t slot = open_subflow(s, 0);

		drain(s, slot, 0);
		if (roles[i] == SESSION_CLIENT)
			assert_int_equal(feed_welcome(s, slot, 1, 0), 0);
		session_subflow_close(s, slot, MS);
		assert_int_equal(session_state(s), SESSION_FAILED);
		assert_false(session_seeks(s, MS));
		session_free(s);
	}
}

/* What accepts the connection may be a proxy without anybody to pass it to. */
static void test_unanswered_joins_buy_no_time(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_CLIENT, &slot);

	session_subflow_close(s, slot, MS);
	for (uint64_t now_ns = 1000 * MS; now_ns < PATIENCE; now_ns += 1000 * MS) {
		slot = open_subflow(s, now_ns);
		drain(s, slot, now_ns);
		assert_true(session_lost(s));
		assert_true(session_deadline(s) <= MS + PATIENCE + SESSION_ANSWER_NS);
		session_subflow_close(s, slot, now_ns + MS);
	}
	slot = open_subflow(s, PATIENCE);
	session_tick(s, MS + PATIENCE + SESSION_ANSWER_NS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	session_free(s);
}

/* They reach us, but our answer does not reach the client, which gives up when it is time. */
static void test_joins_that_hear_no_answer_buy_no_time(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);

	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	session_subflow_close(s, slot, MS);
	for (uint64_t now_ns = 1000 * MS; now_ns < PATIENCE; now_ns += 1000 * MS) {
		slot = join(s, now_ns);
		drain(s, slot, now_ns);
		session_tick(s, now_ns);
		assert_true(session_deadline(s) <= MS + WAITS);
		session_subflow_close(s, slot, now_ns + MS);
	}
	join(s, PATIENCE);
	session_tick(s, MS + WAITS);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_LOST);
	session_free(s);
}

static void feed_refuse(struct session *s, uint16_t slot, enum wire_reason reason)
{
	struct wire_notice m = { .reason = (uint16_t)reason };
	uint8_t frame[256] = WIRE_PREFACE;
	size_t n = wire_put_notice(frame + WIRE_PREFACE_LEN, sizeof(frame) - WIRE_PREFACE_LEN,
				   WIRE_REFUSE, &m);

	assert_int_equal(feed(s, slot, frame, WIRE_PREFACE_LEN + n, 2 * MS), SESSION_E_CLOSE);
}

static void test_nobody_knows_the_session(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_CLIENT, &slot);

	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	session_subflow_close(s, slot, MS);
	slot = open_subflow(s, 2 * MS);
	feed_refuse(s, slot, WIRE_R_LIMIT);
	session_subflow_close(s, slot, 2 * MS);
	assert_true(session_lost(s));
	slot = open_subflow(s, 2 * MS);
	feed_refuse(s, slot, WIRE_R_NO_SESSION);
	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_REFUSED);
	assert_int_equal(session_end(s)->offset, 700);
	session_free(s);
}

/* As long as others work it is only one that was refused. */
static void test_a_refused_join_beside_others(void **state)
{
	uint16_t first, second;
	struct session *s = patient(SESSION_CLIENT, &first);

	second = open_subflow(s, MS);
	feed_refuse(s, second, WIRE_R_NO_SESSION);
	assert_int_equal(session_state(s), SESSION_OPEN);
	session_free(s);
}

/* Everything is confirmed both ways; DONE has not come. */
static struct session *finished(enum session_role role, uint16_t *slot_out)
{
	struct session *s = patient(role, slot_out);

	input_end(s, 0);
	drain(s, *slot_out, MS);
	assert_int_equal(feed_end(s, *slot_out, 0), 0);
	take(s);
	drain(s, *slot_out, MS);
	assert_int_equal(feed_plain(s, *slot_out, WIRE_CONFIRM, 0), 0);
	assert_true(session_finished(s));
	return s;
}

static void test_the_peer_may_lack_our_confirmation(void **state)
{
	uint16_t slot;
	struct session *s = finished(SESSION_SERVER, &slot);
	struct wire_header h;
	size_t n;

	session_subflow_close(s, slot, MS);
	assert_true(session_lost(s));
	slot = join(s, 5 * MS);
	n = drain(s, slot, 5 * MS);
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_CONFIRM, &h));
	assert_non_null(find(n, WIRE_PREFACE_LEN, WIRE_DONE, &h));
	assert_int_equal(feed_plain(s, slot, WIRE_DONE, 0), 0);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);
}

/* A server that has taken all that came and said all that it had, this many bytes: what lacks is
 * that the peer knows. */
static struct session *unconfirmed(size_t sent, uint16_t *slot)
{
	struct session *s = patient(SESSION_SERVER, slot);

	assert_int_equal(feed_data(s, *slot, 0, 700), 0);
	if (sent)
		input(s, 1, MS);
	input_end(s, sent);
	assert_int_equal(feed_end(s, *slot, 700), 0);
	take(s);
	drain(s, *slot, MS);
	assert_false(session_finished(s));
	return s;
}

/* All that came was taken, and what we had to send was nothing: that the peer knows it got lost. */
static void test_an_empty_stream_needs_no_confirmation(void **state)
{
	for (int sent = 0; sent < 2; sent++) {
		uint16_t slot;
		struct session *s = unconfirmed((size_t)sent, &slot);

		session_subflow_close(s, slot, MS);
		session_tick(s, MS + WAITS);
		assert_int_equal(session_state(s), sent ? SESSION_FAILED : SESSION_DONE);
		session_free(s);
	}
}

/* The connection stands, as a proxy holds it or the peer is stopped, but nobody answers. */
static void test_a_peer_that_fell_silent_at_the_end(void **state)
{
	for (int sent = 0; sent < 2; sent++) {
		uint16_t slot;
		struct session *s = unconfirmed((size_t)sent, &slot);

		for (uint64_t now_ns = MS; now_ns < 15000 * MS; now_ns += 1000 * MS) {
			session_tick(s, now_ns);
			drain(s, slot, now_ns);
		}
		assert_int_equal(session_state(s), SESSION_OPEN);
		session_tick(s, MS + 15000 * MS);
		/* A stream sent from here that may not have arrived is another matter. */
		assert_int_equal(session_state(s), sent ? SESSION_OPEN : SESSION_DONE);
		session_free(s);
	}
}

/* It takes its time, but it answers. */
static void test_a_peer_that_confirms_late(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);
	uint8_t pong[64];
	size_t n = wire_put_plain(pong, sizeof(pong), WIRE_PONG, 0);

	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	input_end(s, 0);
	assert_int_equal(feed_end(s, slot, 700), 0);
	take(s);
	for (uint64_t now_ns = MS; now_ns < 60000 * MS; now_ns += 1000 * MS) {
		session_tick(s, now_ns);
		if (sends(s, slot, WIRE_PING, now_ns))
			assert_int_equal(feed(s, slot, pong, n, now_ns), 0);
		assert_int_equal(session_state(s), SESSION_OPEN);
	}
	session_free(s);
}

static void test_all_is_confirmed_and_nobody_comes(void **state)
{
	uint16_t slot;
	struct session *s = finished(SESSION_SERVER, &slot);

	session_subflow_close(s, slot, MS);
	session_tick(s, MS + WAITS);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);

	/* A client that hears that nobody has the session any more. */
	s = finished(SESSION_CLIENT, &slot);
	session_subflow_close(s, slot, MS);
	slot = open_subflow(s, 2 * MS);
	feed_refuse(s, slot, WIRE_R_NO_SESSION);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);

	s = finished(SESSION_CLIENT, &slot);
	session_subflow_close(s, slot, MS);
	session_give_up(s);
	assert_int_equal(session_state(s), SESSION_DONE);
	session_free(s);
}

/* The output takes the last bytes while nobody is there. */
static void test_the_end_while_nobody_is_there(void **state)
{
	uint16_t slot;
	struct session *s = patient(SESSION_SERVER, &slot);
	struct wire_header h;

	input_end(s, 0);
	drain(s, slot, MS);
	assert_int_equal(feed_plain(s, slot, WIRE_CONFIRM, 0), 0);
	assert_int_equal(feed_data(s, slot, 0, 700), 0);
	assert_int_equal(feed_end(s, slot, 700), 0);
	session_subflow_close(s, slot, MS);
	take(s);
	assert_true(session_finished(s));
	assert_true(session_lost(s));
	slot = join(s, 5 * MS);
	assert_non_null(find(drain(s, slot, 5 * MS), WIRE_PREFACE_LEN, WIRE_CONFIRM, &h));
	session_free(s);
}

/* A client that has lost all of its connections without our seeing it. */
static void test_the_stalest_makes_room(void **state)
{
	uint16_t slot[4], stale, other;
	struct session *s = patient(SESSION_SERVER, &slot[0]);

	for (unsigned i = 1; i < 4; i++)
		slot[i] = join(s, i * MS);
	assert_int_equal(session_subflow_open(s, &some_hello, NULL, 5 * MS, &other),
			 SESSION_E_LIMIT);
	assert_false(session_subflow_stale(s, 5 * MS, &stale));
	assert_int_equal(feed_data(s, slot[0], 0, 10), 0);
	assert_true(session_subflow_stale(s, 3 * MS + SESSION_STALE_NS, &stale));
	assert_int_equal(stale, slot[0]);
	session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_where_it_stood),
		cmocka_unit_test(test_lost_after_a_long_silence),
		cmocka_unit_test(test_vanished_at_once),
		cmocka_unit_test(test_patience_ends),
		cmocka_unit_test(test_the_last_attempt),
		cmocka_unit_test(test_no_patience),
		cmocka_unit_test(test_unanswered_joins_buy_no_time),
		cmocka_unit_test(test_joins_that_hear_no_answer_buy_no_time),
		cmocka_unit_test(test_nobody_knows_the_session),
		cmocka_unit_test(test_a_refused_join_beside_others),
		cmocka_unit_test(test_the_peer_may_lack_our_confirmation),
		cmocka_unit_test(test_all_is_confirmed_and_nobody_comes),
		cmocka_unit_test(test_an_empty_stream_needs_no_confirmation),
		cmocka_unit_test(test_a_peer_that_fell_silent_at_the_end),
		cmocka_unit_test(test_a_peer_that_confirms_late),
		cmocka_unit_test(test_the_end_while_nobody_is_there),
		cmocka_unit_test(test_the_stalest_makes_room),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
