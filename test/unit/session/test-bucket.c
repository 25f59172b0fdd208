/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/bucket.h"

#include <stdarg.h>
#include <stddef.h>

#include "seed.h"
#include "session-peer.h"

#define SECOND 1000000000ull

/* Sends whenever that is allowed, sleeping as long as the bucket says and up to late_ns longer;
 * returns the bytes sent. */
static uint64_t send_for(struct bucket *b, struct rng *rng, uint64_t from_ns, uint64_t to_ns,
			 uint32_t chunk, uint64_t late_ns)
{
	uint64_t sent = 0, now_ns = from_ns;

	while (now_ns < to_ns) {
		while (bucket_open(b, now_ns)) {
			bucket_take(b, chunk, now_ns);
			sent += chunk;
		}
		assert_true(bucket_due(b, now_ns) >= now_ns + BUCKET_NAP_NS);
		now_ns = bucket_due(b, now_ns) + (late_ns ? rng_below(rng, late_ns) : 0);
	}
	return sent;
}

/* Neither more than the rate and one burst, nor less but for what is not yet due. */
static void check_rate(uint64_t rate, uint32_t chunk, uint64_t late_ns, struct rng *rng)
{
	struct bucket b = { .rate = rate };
	uint64_t begin = 1000 * SECOND, seconds = 20;
	uint64_t sent = send_for(&b, rng, begin, begin + seconds * SECOND, chunk, late_ns);
	uint64_t burst = rate / (SECOND / BUCKET_BURST_NS);
	uint64_t most = rate * seconds + burst + chunk;

	if (sent > most || sent + rate / 4 + chunk < rate * seconds)
		fail_msg("%llu bytes/s in chunks of %u, up to %llu ns late: %llu bytes in 20 s",
			 (unsigned long long)rate, chunk, (unsigned long long)late_ns,
			 (unsigned long long)sent);
}

static void test_rates(void **state)
{
	static const uint64_t rates[] = { 100,      3001,       65536,          999983,
					  12500000, 1250000001, BUCKET_RATE_MAX };
	struct rng rng = rng_start();

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct bucket b = { .rate = rates[i] };
		uint64_t most = bucket_chunk_len(&b);
		uint32_t chunk = most < 1u << 20 ? (uint32_t)most : 1u << 20;

		check_rate(rates[i], chunk, 0, &rng);
		check_rate(rates[i], chunk, 5000000, &rng);
		check_rate(rates[i], chunk / 3 + 1, 30000000, &rng);
	}
}

static void test_no_limit(void **state)
{
	struct bucket b = { 0 };

	for (int i = 0; i < 1000; i++) {
		assert_true(bucket_open(&b, 5));
		bucket_take(&b, 1u << 29, 5);
	}
	assert_true(bucket_chunk_len(&b) == UINT64_MAX);
}

/* An hour without data is no credit for an hour. */
static void test_idle_gives_one_burst(void **state)
{
	struct bucket b = { .rate = 1000000 };
	uint64_t now_ns = SECOND, sent = 0;

	bucket_take(&b, 1000, now_ns);
	now_ns += 3600 * SECOND;
	for (; bucket_open(&b, now_ns); sent += 1000)
		bucket_take(&b, 1000, now_ns);
	assert_in_range(sent, 50000, 51000);
}

/* A chunk of any size goes, and is paid for before the next one. */
static void test_large_chunk_is_paid_for(void **state)
{
	struct bucket b = { .rate = 1000 };
	uint64_t now_ns = 100 * SECOND;

	assert_true(bucket_open(&b, now_ns));
	bucket_take(&b, 10000, now_ns);
	assert_false(bucket_open(&b, now_ns + 9 * SECOND));
	assert_true(bucket_open(&b, now_ns + 10 * SECOND));
	assert_true(bucket_due(&b, now_ns) > now_ns + 9 * SECOND);
}

/* A session with a limit: what goes out within a second, and that it names the time to go on. */
static void test_session_keeps_to_it(void **state)
{
	struct session_config config = { .role = SESSION_SERVER,
					 .window = WINDOW,
					 .n_subflows = 4,
					 .input = SESSION_INPUT_STREAM,
					 .rate = 100000,
					 .id = "an id of a test" };
	uint64_t now_ns = 5 * SECOND, end_ns = now_ns + SECOND, sent = 0, turns = 0;
	struct session *s;
	uint16_t slots[3];
	uint64_t room;
	size_t len;

	assert_int_equal(session_new(&s, &config), 0);
	for (int i = 0; i < 3; i++)
		slots[i] = open_subflow(s, now_ns);
	assert_int_equal(session_input_room(s, &room), 0);
	memset(winbuf_at(session_tx_buf(s), 0, &len), 1, 512 << 10 < len ? 512 << 10 : len);
	session_input_advance(s, room < 512 << 10 ? room : 512 << 10, now_ns);
	while (now_ns < end_ns) {
		struct iovec iov[SESSION_IOV];
		uint64_t due_ns;

		for (int i = 0; i < 3; i++) {
			int n;

			while ((n = session_tx(s, slots[i], now_ns, iov)) > 0) {
				len = 0;
				for (int k = 0; k < n; k++)
					len += iov[k].iov_len;
				session_tx_done(s, slots[i], len, now_ns);
				sent += len;
			}
		}
		session_tick(s, now_ns);
		due_ns = session_deadline(s);
		assert_true(due_ns > now_ns);
		assert_true(due_ns <= now_ns + SECOND);
		now_ns = due_ns;
		turns++;
	}
	/* With headers and the control frames of three subflows. */
	assert_in_range(sent, 90000, 115000);
	assert_true(turns < 1000);
	session_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_idle_gives_one_burst),
		cmocka_unit_test(test_large_chunk_is_paid_for),
		cmocka_unit_test(test_session_keeps_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
