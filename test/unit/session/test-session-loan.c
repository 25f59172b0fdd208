/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payload that another thread moves: who may touch it, and whose word counts. */
#include "session-peer.h"

#include "session/session_loan.h"
#include "wire/digest.h"

#define CHUNK SESSION_LOAN_MIN

struct fixture {
	struct session *s;
	uint16_t slot[2];
	struct digest *scratch;
	struct session_chunk chunk;
	struct iovec iov[SESSION_IOV];
	int n_iov;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(digest_new(&f->scratch), 0);
	f->s = start(SESSION_SERVER, SESSION_INPUT_NONE);
	for (int i = 0; i < 2; i++) {
		f->slot[i] = open_subflow(f->s, MS);
		session_subflow_lends(f->s, f->slot[i]);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	session_free(f->s);
	digest_free(f->scratch);
	free(f);
	return 0;
}

/* The header of a chunk comes, with the check of these bytes. */
static void feed_header(struct fixture *f, int i, uint64_t offset, const uint8_t *bytes, size_t len)
{
	uint8_t header[WIRE_HEADER_LEN];

	wire_put_header(header, WIRE_DATA, offset, bytes, len);
	assert_int_equal(feed(f->s, f->slot[i], header, sizeof(header), MS), 0);
}

static void borrow(struct fixture *f, int i)
{
	assert_true(session_rx_lends(f->s, f->slot[i]));
	f->n_iov = session_rx_space(f->s, f->slot[i], f->iov);
	assert_true(f->n_iov > 0);
	assert_true(session_rx_loan(f->s, f->slot[i], &f->chunk));
}

/* The thread receives len bytes, and gives back what it has. */
static int give_back(struct fixture *f, int i, const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	for (int k = 0; k < f->n_iov && done < len; k++) {
		size_t part = len - done < f->iov[k].iov_len ? len - done : f->iov[k].iov_len;

		memcpy(f->iov[k].iov_base, bytes + done, part);
		done += part;
	}
	session_rx_return(f->s, f->slot[i], session_verify(&f->chunk, len, f->scratch));
	return len ? session_rx(f->s, f->slot[i], len, MS) : 0;
}

static uint64_t received(const struct fixture *f)
{
	struct session_stats stats;

	session_stats(f->s, &stats);
	return stats.rx_received;
}

static void in_two_parts(void **state)
{
	struct fixture *f = *state;

	feed_header(f, 0, 0, payload, 4 * CHUNK);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload, CHUNK), 0);
	assert_int_equal(received(f), 0);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload + CHUNK, 3 * CHUNK), 0);
	assert_int_equal(received(f), 4 * CHUNK);
}

static void nothing_came(void **state)
{
	struct fixture *f = *state;

	feed_header(f, 0, 0, payload, CHUNK);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload, 0), 0);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload, CHUNK), 0);
	assert_int_equal(received(f), CHUNK);
}

static void spoilt_chunk_closes_its_connection(void **state)
{
	struct fixture *f = *state;

	feed_header(f, 0, 0, payload, CHUNK);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload + 1, CHUNK), SESSION_E_CLOSE);
	assert_int_equal(received(f), 0);
}

static void one_copy_at_a_time_is_lent(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[SESSION_IOV];

	feed_header(f, 0, 0, payload, 2 * CHUNK);
	feed_header(f, 1, CHUNK, payload + CHUNK, CHUNK);
	borrow(f, 0);
	assert_int_equal(session_rx_space(f->s, f->slot[1], iov), 0);
	assert_int_equal(give_back(f, 0, payload, CHUNK), 0);
	borrow(f, 1);
	assert_int_equal(session_rx_space(f->s, f->slot[0], iov), 0);
	/* The other one's connection dies meanwhile. */
	session_subflow_close(f->s, f->slot[1], MS);
	borrow(f, 0);
	assert_int_equal(give_back(f, 0, payload + CHUNK, CHUNK), 0);
	assert_int_equal(received(f), 2 * CHUNK);
}

static void neighbours_are_lent_at_once(void **state)
{
	struct fixture *f = *state;
	struct iovec iov[SESSION_IOV];

	feed_header(f, 0, 0, payload, CHUNK);
	feed_header(f, 1, CHUNK, payload + CHUNK, CHUNK);
	borrow(f, 0);
	assert_true(session_rx_space(f->s, f->slot[1], iov) > 0);
}

static void small_chunk_stays(void **state)
{
	struct fixture *f = *state;

	feed_header(f, 0, 0, payload, CHUNK - 1);
	assert_false(session_rx_lends(f->s, f->slot[0]));
	assert_int_equal(feed(f->s, f->slot[0], payload, CHUNK - 1, MS), 0);
	assert_int_equal(received(f), CHUNK - 1);
}

static void signed_header_is_the_usual_one(void **state)
{
	uint8_t usual[WIRE_HEADER_LEN], lent[WIRE_HEADER_LEN];
	const struct session_header h = {
		.out = lent, .offset = 77, .payload = payload, .length = CHUNK
	};

	wire_put_header(usual, WIRE_DATA, 77, payload, CHUNK);
	session_sign(&h);
	assert_memory_equal(usual, lent, sizeof(usual));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_two_parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(spoilt_chunk_closes_its_connection, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(one_copy_at_a_time_is_lent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neighbours_are_lent_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(small_chunk_stays, set_up, tear_down),
		cmocka_unit_test(signed_header_is_the_usual_one),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
