/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions that share a pool with a limit: their windows, and when they hold memory in vain. */
#include <errno.h>

#include "session-peer.h"

#define S_NS (1000 * MS)

/* Another owner, which takes shared blocks. */
#define BLOCKS 64

static struct winpool *pool;
static struct winbuf_block *taken[BLOCKS];
static size_t n_taken;

static struct session *start_sharing(uint64_t window, size_t n_shared)
{
	struct session_config config = { .role = SESSION_SERVER,
					 .window = window,
					 .n_subflows = 4,
					 .duplex = true,
					 .frugal = true,
					 .reconnect_ns = 30 * S_NS,
					 .id = "an id of a test" };
	struct session *s;

	assert_int_equal(winpool_new(&pool, 0), 0);
	winpool_limit(pool, n_shared);
	config.pool = pool;
	assert_int_equal(session_new(&s, &config), 0);
	return s;
}

/* The pool has no share for anybody from now on. */
static void use_up(void)
{
	while (winpool_share(pool)) {
		assert_true(n_taken < BLOCKS);
		assert_int_equal(winpool_get(pool, 0, false, &taken[n_taken++]), 0);
	}
}

static void give_back(void)
{
	while (n_taken)
		winpool_put(pool, taken[--n_taken]);
}

static void end(struct session *s)
{
	give_back();
	session_free(s);
	assert_null(winpool_free(pool));
}

static uint64_t now_ns; /* of a test that goes on */
static uint64_t edge;   /* as the peer was last told */

/* What the session has to say by now. */
static void hear(struct session *s, uint16_t slot)
{
	size_t n;

	now_ns += 10 * MS;
	n = drain(s, slot, now_ns);
	for (size_t at = WIRE_PREFACE_LEN * !memcmp(out, WIRE_PREFACE, WIRE_PREFACE_LEN); at < n;) {
		struct wire_header h;
		struct wire_ack ack;
		struct wire_welcome welcome;

		assert_int_equal(wire_get_header(out + at, &h), 0);
		at += WIRE_HEADER_LEN;
		if (h.type == WIRE_ACK && !wire_get_ack(&h, out + at, &ack))
			edge = ack.edge;
		if (h.type == WIRE_WELCOME && !wire_get_welcome(out + at, h.length, &welcome))
			edge = welcome.edge;
		at += h.length;
	}
}

/* The peer's stream from here on, which our output takes at once. */
static void pass_in(struct session *s, uint16_t slot, uint64_t *at, uint64_t len)
{
	for (uint64_t end_at = *at + len; *at < end_at; *at += 64 << 10) {
		uint64_t before = edge;

		assert_true(*at + (64 << 10) <= edge);
		assert_int_equal(feed_data(s, slot, *at, 64 << 10), 0);
		session_output_taken(s, *at + (64 << 10), now_ns);
		hear(s, slot);
		assert_true(edge >= before);
	}
}

static uint16_t open_first(struct session *s)
{
	uint16_t slot = open_subflow(s, MS);

	now_ns = MS;
	hear(s, slot);
	return slot;
}

static void a_window_grows_with_what_goes_through_it(void **state)
{
	struct session *s = start_sharing(WINDOW, 1000);
	uint16_t slot = open_first(s);
	uint64_t at = 0;

	assert_int_equal(edge, SESSION_LEAST);
	pass_in(s, slot, &at, 128 << 10);
	assert_int_equal(edge, at + SESSION_LEAST + SESSION_EARN * at);
	pass_in(s, slot, &at, 512 << 10);
	assert_int_equal(edge, at + WINDOW);
	end(s);
}

/* Sessions alone have all of it at once. */
static void a_session_with_memory_of_its_own_has_its_window(void **state)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_NONE);

	open_first(s);
	assert_int_equal(edge, WINDOW);
	session_free(s);
}

static void an_edge_stops_and_never_falls_while_memory_is_short(void **state)
{
	struct session *s = start_sharing(WINDOW, 32);
	uint16_t slot = open_first(s);
	uint64_t at = 0, before;

	pass_in(s, slot, &at, 128 << 10);
	before = edge;
	assert_true(before > at + SESSION_LEAST);
	use_up();
	pass_in(s, slot, &at, before - at - SESSION_LEAST);
	assert_int_equal(edge, before);
	/* The least is there all the same. */
	pass_in(s, slot, &at, 64 << 10);
	assert_int_equal(edge, at + SESSION_LEAST);
	give_back();
	pass_in(s, slot, &at, 64 << 10);
	assert_true(edge > at + SESSION_LEAST);
	end(s);
}

/* One connection has died with the next bytes. The peer sends them again on the other, behind a
 * chunk for which there is no memory: the session waited for ever. */
static void bytes_behind_a_waiting_chunk_come_on_a_new_connection(void **state)
{
	struct session *s = start_sharing(WINDOW, 32);
	uint16_t dies = open_first(s), waits = open_subflow(s, MS);
	uint64_t at = 0, begin_ns;
	uint8_t header[WIRE_HEADER_LEN];

	hear(s, waits);
	pass_in(s, dies, &at, WINBUF_BLOCK);
	use_up();
	wire_put_header(header, WIRE_DATA, 2 * WINBUF_BLOCK, payload + 2 * WINBUF_BLOCK, 1000);
	assert_int_equal(feed(s, waits, header, sizeof(header), now_ns), 0);
	/* The other connection may bring the next bytes. */
	begin_ns = now_ns;
	for (; now_ns < begin_ns + 3 * SESSION_STUCK_NS; now_ns += 50 * MS) {
		session_tick(s, now_ns);
		drain(s, dies, now_ns);
		assert_null(session_subflow_text(s, waits));
	}
	session_subflow_close(s, dies, now_ns);
	begin_ns = now_ns;
	while (!session_subflow_text(s, waits)) {
		now_ns += 50 * MS;
		session_tick(s, now_ns);
		drain(s, waits, now_ns);
		assert_true(now_ns < begin_ns + 2 * SESSION_STUCK_NS);
	}
	assert_true(now_ns >= begin_ns + SESSION_STUCK_NS);
	assert_int_equal(session_state(s), SESSION_OPEN);
	end(s);
}

static void data_without_memory_stays_in_the_socket(void **state)
{
	struct session *s = start_sharing(WINDOW, 32);
	uint16_t slot = open_first(s);
	uint8_t header[WIRE_HEADER_LEN];
	struct iovec iov[SESSION_IOV];
	uint64_t at = 0, due;

	pass_in(s, slot, &at, WINBUF_BLOCK);
	use_up();
	wire_put_header(header, WIRE_DATA, 2 * WINBUF_BLOCK, payload + 2 * WINBUF_BLOCK, 1000);
	assert_int_equal(feed(s, slot, header, sizeof(header), now_ns), 0);
	assert_int_equal(session_rx_space(s, slot, iov), 0);
	session_tick(s, now_ns);
	assert_int_equal(session_rx_space(s, slot, iov), 0);
	/* It is asked again soon, however silent all are. */
	due = session_deadline(s);
	assert_true(due > now_ns && due <= now_ns + SESSION_RETRY_NS);
	give_back();
	session_tick(s, due);
	assert_int_equal(feed(s, slot, payload + 2 * WINBUF_BLOCK, 1000, due), 0);
	drain(s, slot, due + 10 * MS);
	session_tick(s, due + 10 * MS);
	assert_true(session_deadline(s) > due + 10 * MS + SESSION_RETRY_NS);
	/* What comes next is in order. */
	assert_int_equal(feed_data(s, slot, WINBUF_BLOCK, WINBUF_BLOCK), 0);
	assert_int_equal(session_output_end(s), 2 * WINBUF_BLOCK + 1000);
	session_output_taken(s, 2 * WINBUF_BLOCK + 1000, due);
	assert_int_equal(session_state(s), SESSION_OPEN);
	end(s);
}

/* With nothing but the block that is nobody else's, both streams go on. */
static void without_a_share_both_streams_go_on(void **state)
{
	struct session *s = start_sharing(WINDOW, 32);
	uint16_t slot = open_first(s);
	uint64_t in = 0, sent = 0;
	uint8_t *space;
	size_t n;

	use_up();
	pass_in(s, slot, &in, 3 * WINBUF_BLOCK);
	while (sent < 3 * WINBUF_BLOCK) {
		n = session_input_space(s, &space);
		if (!n) {
			drain(s, slot, now_ns);
			assert_int_equal(feed_ack(s, slot, sent, now_ns), 0);
			n = session_input_space(s, &space);
		}
		assert_true(n > 0);
		memcpy(space, payload + sent, n);
		sent += n;
		session_input_advance(s, sent, now_ns);
		assert_true(session_held(s) <= 2 * WINBUF_BLOCK);
	}
	assert_int_equal(session_state(s), SESSION_OPEN);
	end(s);
}

static void a_gap_that_stays_is_a_stall(void **state)
{
	struct session *s = start_sharing(WINDOW, 1000);
	uint16_t slot = open_subflow(s, MS);

	assert_int_equal(feed_data(s, slot, 1000, 1000), 0);
	assert_int_equal(session_stall(s, MS + SESSION_GAP_NS - 1), SESSION_STALL_NONE);
	assert_int_equal(session_stall(s, MS + SESSION_GAP_NS), SESSION_STALL_GAP);
	/* More bytes beyond it are no excuse, those that are missing are. */
	assert_int_equal(feed_data(s, slot, 2000, 1000), 0);
	assert_int_equal(session_stall(s, MS + SESSION_GAP_NS), SESSION_STALL_GAP);
	assert_int_equal(feed_data(s, slot, 0, 1000), 0);
	assert_int_equal(session_stall(s, MS + SESSION_GAP_NS), SESSION_STALL_NONE);
	end(s);
}

static void an_output_at_rest_is_a_stall(void **state)
{
	struct session *s = start_sharing(WINDOW, 1000);
	uint16_t slot = open_subflow(s, MS);

	assert_int_equal(session_stall(s, 2 * SESSION_STALL_NS), SESSION_STALL_NONE);
	assert_int_equal(feed_data(s, slot, 0, 1000), 0);
	assert_int_equal(session_stall(s, MS + SESSION_STALL_NS - 1), SESSION_STALL_NONE);
	assert_int_equal(session_stall(s, MS + SESSION_STALL_NS), SESSION_STALL_OUTPUT);
	session_output_taken(s, 500, 2 * SESSION_STALL_NS);
	assert_int_equal(session_stall(s, 3 * SESSION_STALL_NS - 1), SESSION_STALL_NONE);
	session_output_taken(s, 1000, 2 * SESSION_STALL_NS);
	assert_int_equal(session_stall(s, 4 * SESSION_STALL_NS), SESSION_STALL_NONE);
	end(s);
}

static void a_peer_that_acknowledges_nothing_is_a_stall(void **state)
{
	struct session *s = start_sharing(WINDOW, 1000);
	uint16_t slot = open_subflow(s, MS);
	uint8_t *space;

	assert_true(session_input_space(s, &space) > 2000);
	memcpy(space, payload, 2000);
	session_input_advance(s, 1000, MS);
	drain(s, slot, MS);
	session_input_advance(s, 2000, SESSION_STALL_NS);
	drain(s, slot, SESSION_STALL_NS);
	assert_int_equal(session_stall(s, MS + SESSION_STALL_NS - 1), SESSION_STALL_NONE);
	assert_int_equal(session_stall(s, MS + SESSION_STALL_NS), SESSION_STALL_PEER);
	assert_int_equal(feed_ack(s, slot, 1000, 2 * SESSION_STALL_NS), 0);
	assert_int_equal(session_stall(s, 2 * SESSION_STALL_NS + MS), SESSION_STALL_NONE);
	assert_int_equal(feed_ack(s, slot, 2000, 2 * SESSION_STALL_NS), 0);
	assert_int_equal(session_stall(s, 9 * SESSION_STALL_NS), SESSION_STALL_NONE);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_grows_with_what_goes_through_it),
		cmocka_unit_test(a_session_with_memory_of_its_own_has_its_window),
		cmocka_unit_test(an_edge_stops_and_never_falls_while_memory_is_short),
		cmocka_unit_test(bytes_behind_a_waiting_chunk_come_on_a_new_connection),
		cmocka_unit_test(data_without_memory_stays_in_the_socket),
		cmocka_unit_test(without_a_share_both_streams_go_on),
		cmocka_unit_test(a_gap_that_stays_is_a_stall),
		cmocka_unit_test(an_output_at_rest_is_a_stall),
		cmocka_unit_test(a_peer_that_acknowledges_nothing_is_a_stall),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
