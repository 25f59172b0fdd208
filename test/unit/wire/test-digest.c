/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire/digest.h"

#define SEED_B 0x9e3779b185ebca87ull

/* XXH3 of the first len bytes of 0, 7, 14, ... modulo 256: one for each of its ways to do it. */
static const struct known {
	size_t len;
	uint64_t unseeded;
	uint64_t seeded; /* with SEED_B */
	const char *stream;
} known[] = {
	{ 0, 0x2d06800538d394c2, 0x07f70f819703314d, "99aa06d3014798d86001c324468d497f" },
	{ 1, 0xc44bdff4074eecdb, 0x719ae0fc4eb5db08, "a6cd5e9392000f6ac44bdff4074eecdb" },
	{ 3, 0xc3489259e968ad9e, 0x06ee5108fc24830d, "656e81c56e41fe02c3489259e968ad9e" },
	{ 8, 0xb88dee77f6bf6980, 0x1213d3fcd935724d, "e4b9dd0b66ff3c50ebabbd0695002ff6" },
	{ 16, 0x9da23836adf2be1e, 0x4370fdff206bd0a8, "ddf6c1254d70f76794eaa17b20756f46" },
	{ 17, 0xf34c3c9cf5a112d1, 0x6f592f36fe656a73, "263f67af63088041735fe434ded90c3c" },
	{ 128, 0x65f3c2c00fa93185, 0x8da2786ff9b61115, "dd9e5aa9bd51cc9cc6bd21ecc865f29f" },
	{ 129, 0x28065c6ec25f5b25, 0x64f48a3811d20c14, "00433635cf8d872e7f4accb76587485b" },
	{ 240, 0x4917a75c0ef8eed7, 0xd703e47f2aa5c7a3, "89e3a0a2ee355d25d10beb4e0599e4b3" },
	{ 241, 0x541b19226f0052e8, 0x0190f591bc57435f, "75f4da43f23cce5a541b19226f0052e8" },
	{ 1024, 0xdc5acf0b043c445b, 0x247d14b2a4355674, "8bbb9f7af37f2f52dc5acf0b043c445b" },
	{ 1025, 0xe1d9cd946277ae26, 0x2e7fe58ccc749f32, "20609de0583fad86e1d9cd946277ae26" },
	{ 4097, 0x0af1caf010aa20b3, 0xee39711577cb4780, "730e2c034cbbf3e60af1caf010aa20b3" },
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static void assert_stream(const struct digest *d, const char *hex)
{
	uint8_t value[DIGEST_LEN];
	char text[2 * DIGEST_LEN + 1];

	digest_stream_value(d, value);
	for (size_t i = 0; i < DIGEST_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", value[i]);
	assert_string_equal(text, hex);
}

static void test_known_values(void **state)
{
	struct digest *d;
	uint8_t data[4097];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	assert_int_equal(digest_new(&d), 0);
	/* A new one is ready for a stream. */
	assert_stream(d, known[0].stream);
	for (size_t i = 0; i < N_KNOWN; i++) {
		const struct known *k = &known[i];

		assert_int_equal(digest_check(data, k->len, 0), k->unseeded);
		assert_int_equal(digest_check(data, k->len, SEED_B), k->seeded);
		digest_begin_check(d, SEED_B);
		digest_feed_check(d, data, k->len);
		assert_int_equal(digest_end_check(d), k->seeded);
		digest_begin_check(d, 0);
		digest_feed_check(d, data, k->len);
		assert_int_equal(digest_end_check(d), k->unseeded);
		digest_begin_stream(d);
		digest_feed_stream(d, data, k->len);
		assert_stream(d, k->stream);
	}
	assert_null(digest_free(d));
	assert_null(digest_free(NULL));
}

static void test_pieces_are_one_shot(void **state)
{
	struct rng r = rng_start();
	size_t max = 600000;
	uint8_t *data = malloc(max);
	struct digest *pieces, *whole;

	assert_non_null(data);
	rng_fill(&r, data, max);
	assert_int_equal(digest_new(&pieces), 0);
	assert_int_equal(digest_new(&whole), 0);
	for (int round = 0; round < 300; round++) {
		size_t len = (size_t)(rng_any_size(&r) % max);
		uint64_t seed = rng_any_size(&r);
		uint8_t got[DIGEST_LEN], want[DIGEST_LEN];

		digest_begin_check(pieces, seed);
		for (size_t at = 0, n; at < len; at += n) {
			n = (size_t)(rng_any_size(&r) % (len - at + 1));
			digest_feed_check(pieces, data + at, n);
		}
		assert_int_equal(digest_end_check(pieces), digest_check(data, len, seed));

		digest_begin_stream(whole);
		digest_feed_stream(whole, data, len);
		digest_stream_value(whole, want);
		digest_begin_stream(pieces);
		for (size_t at = 0, n; at < len; at += n) {
			n = (size_t)(rng_any_size(&r) % (len - at + 1));
			digest_feed_stream(pieces, data + at, n);
			/* Looking at it on the way changes nothing. */
			digest_stream_value(pieces, got);
		}
		digest_stream_value(pieces, got);
		assert_memory_equal(got, want, DIGEST_LEN);
	}
	digest_free(pieces);
	digest_free(whole);
	free(data);
}

static void test_every_bit_counts(void **state)
{
	uint8_t data[300] = { 0 };
	uint64_t plain = digest_check(data, sizeof(data), 1);

	assert_int_not_equal(plain, digest_check(data, sizeof(data), 2));
	assert_int_not_equal(plain, digest_check(data, sizeof(data) - 1, 1));
	for (size_t i = 0; i < 8 * sizeof(data); i++) {
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(plain, digest_check(data, sizeof(data), 1));
		data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_pieces_are_one_shot),
		cmocka_unit_test(test_every_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
