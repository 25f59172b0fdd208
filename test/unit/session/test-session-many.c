/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session that is one of many: its memory is shared, and it has more subflows only while much
 * moves. */
#include "session-peer.h"

#define S_NS (1000 * MS)

static struct winpool *pool;

static struct session *start_frugal(void)
{
	struct session_config config = { .role = SESSION_SERVER,
					 .window = WINDOW,
					 .n_subflows = 4,
					 .duplex = true,
					 .frugal = true,
					 .id = "an id of a test" };
	struct session *s;

	assert_int_equal(winpool_new(&pool, 0), 0);
	config.pool = pool;
	assert_int_equal(session_new(&s, &config), 0);
	return s;
}

static void end(struct session *s)
{
	session_free(s);
	assert_null(winpool_free(pool));
}

/* Reads from a socket, as much as there is room for and at most len. Returns how much. */
static size_t read_some(struct session *s, uint64_t at, size_t len, uint64_t now_ns)
{
	uint8_t *space;
	size_t n = session_input_space(s, &space);

	if (!n)
		return 0;
	n = n < len ? n : len;
	memcpy(space, payload + at, n);
	session_input_advance(s, at + n, now_ns);
	return n;
}

/* All of it, and the peer acknowledges it at once. */
static void pass(struct session *s, uint16_t slot, uint64_t *at, size_t len, uint64_t now_ns)
{
	for (size_t n = 0; n < len;) {
		size_t part = read_some(s, *at, len - n, now_ns);

		assert_true(part > 0);
		n += part;
		*at += part;
		drain(s, slot, now_ns);
		assert_int_equal(feed_ack(s, slot, *at, now_ns), 0);
	}
}

static void memory_is_given_back_when_all_is_acknowledged(void **state)
{
	struct session *s = start_frugal();
	uint16_t slot = open_subflow(s, MS);
	uint64_t at = 0;

	assert_int_equal(winpool_n_blocks(pool), 0);
	assert_int_equal(read_some(s, 0, 100, MS), 100);
	assert_int_equal(winpool_n_blocks(pool), 1);
	drain(s, slot, MS);
	/* A part is not enough. */
	assert_int_equal(read_some(s, 100, 100, MS), 100);
	drain(s, slot, MS);
	assert_int_equal(feed_ack(s, slot, 100, MS), 0);
	assert_int_equal(winpool_n_blocks(pool), 1);
	assert_int_equal(feed_ack(s, slot, 200, MS), 0);
	assert_int_equal(winpool_n_blocks(pool), 0);
	at = 200;
	pass(s, slot, &at, 3 * WINBUF_BLOCK, MS);
	assert_int_equal(winpool_n_blocks(pool), 0);
	end(s);
}

static void memory_is_given_back_when_all_is_taken(void **state)
{
	struct session *s = start_frugal();
	uint16_t slot = open_subflow(s, MS);

	assert_int_equal(feed_data(s, slot, 0, 1000), 0);
	assert_int_equal(feed_data(s, slot, 1000, 1000), 0);
	assert_int_equal(winpool_n_blocks(pool), 1);
	session_output_taken(s, 1000, MS);
	assert_int_equal(winpool_n_blocks(pool), 1);
	session_output_taken(s, 2000, MS);
	assert_int_equal(winpool_n_blocks(pool), 0);
	end(s);
}

/* What is coming in has its place. */
static void memory_stays_for_a_chunk_that_is_half_there(void **state)
{
	struct session *s = start_frugal();
	uint16_t slot = open_subflow(s, MS), other = open_subflow(s, MS);
	uint8_t header[WIRE_HEADER_LEN];

	wire_put_header(header, WIRE_DATA, 1000, payload + 1000, 1000);
	assert_int_equal(feed(s, other, header, sizeof(header), MS), 0);
	assert_int_equal(feed(s, other, payload + 1000, 400, MS), 0);
	assert_int_equal(feed_data(s, slot, 0, 1000), 0);
	session_output_taken(s, 1000, MS);
	assert_int_equal(winpool_n_blocks(pool), 1);
	assert_int_equal(feed(s, other, payload + 1400, 600, MS), 0);
	assert_int_equal(session_output_end(s), 2000);
	session_output_taken(s, 2000, MS);
	assert_int_equal(winpool_n_blocks(pool), 0);
	end(s);
}

/* Neither a long time nor many bytes over a long time, as with other sessions. */
static void one_subflow_while_little_moves(void **state)
{
	struct session *s = start_frugal();
	uint16_t slot = open_subflow(s, MS);
	uint64_t at = 0, now_ns = MS;

	assert_int_equal(read_some(s, 0, 1000, now_ns), 1000);
	drain(s, slot, now_ns);
	now_ns += 10 * SESSION_GROW_NS;
	session_tick(s, now_ns);
	assert_int_equal(session_subflows_wanted(s), 1);
	assert_int_equal(feed_ack(s, slot, 1000, now_ns), 0);
	at = 1000;
	for (int i = 0; i < 8; i++) {
		now_ns += 2 * S_NS;
		pass(s, slot, &at, SESSION_GROW_BYTES / 4, now_ns);
	}
	assert_true(at > SESSION_GROW_BYTES);
	assert_int_equal(session_subflows_wanted(s), 1);
	end(s);
}

static void more_while_much_moves_and_one_again_after_it(void **state)
{
	struct session *s = start_frugal();
	uint16_t slot = open_subflow(s, MS);
	uint64_t at = 0, now_ns = 5 * S_NS;

	pass(s, slot, &at, SESSION_GROW_BYTES + 1000, now_ns);
	assert_int_equal(session_subflows_wanted(s), 4);
	open_subflow(s, now_ns);
	assert_false(session_calm(s));
	now_ns += SESSION_CALM_NS - MS;
	session_tick(s, now_ns);
	assert_int_equal(session_subflows_wanted(s), 4);
	now_ns += MS;
	session_tick(s, now_ns);
	assert_int_equal(session_subflows_wanted(s), 1);
	assert_true(session_calm(s));
	pass(s, slot, &at, SESSION_GROW_BYTES + 1000, now_ns);
	assert_int_equal(session_subflows_wanted(s), 4);
	assert_false(session_calm(s));
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_given_back_when_all_is_acknowledged),
		cmocka_unit_test(memory_is_given_back_when_all_is_taken),
		cmocka_unit_test(memory_stays_for_a_chunk_that_is_half_there),
		cmocka_unit_test(one_subflow_while_little_moves),
		cmocka_unit_test(more_while_much_moves_and_one_again_after_it),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
