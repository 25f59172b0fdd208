/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "session/handshake.h"

static const struct wire_hello some_hello = {
	.version_min = 1,
	.version_max = 7,
	.features = 0x80000001,
	.kind = WIRE_HELLO_JOIN,
	.side = WIRE_SIDE_NO_INPUT,
	.n_subflows = 9,
	.session = "0123456789abcde",
	.edge = 1 << 20,
};

/* Preface and HELLO; returns their length. */
static size_t put_opening(uint8_t *out, size_t size, const struct wire_hello *m)
{
	memcpy(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	return WIRE_PREFACE_LEN +
	       wire_put_hello(out + WIRE_PREFACE_LEN, size - WIRE_PREFACE_LEN, m);
}

/*
 * A connection that brings `in`, at most max bytes at a time. Returns what the handshake made of
 * it; *used_out: how many bytes it took for that.
 */
static enum handshake_result talk(const void *in, size_t len, size_t max, struct wire_hello *hello,
				  char text[HANDSHAKE_TEXT_LEN], size_t *used_out)
{
	enum handshake_result result = HANDSHAKE_MORE;
	struct handshake h;
	const uint8_t *p = in;
	size_t used = 0;

	/* Nothing may hang on what the memory held before. */
	memset(&h, 0x6d, sizeof(h));
	handshake_init(&h);
	memset(text, 'x', HANDSHAKE_TEXT_LEN);
	while (used < len && result == HANDSHAKE_MORE) {
		size_t room, n = len - used < max ? len - used : max;
		void *to = handshake_space(&h, &room);

		assert_true(room > 0);
		assert_true((uint8_t *)to + room <= h.buf + sizeof(h.buf));
		n = n < room ? n : room;
		memcpy(to, p + used, n);
		used += n;
		result = handshake_read(&h, n, hello, text);
	}
	*used_out = used;
	return result;
}

static void assert_same_hello(const struct wire_hello *a, const struct wire_hello *b)
{
	assert_int_equal(a->version_min, b->version_min);
	assert_int_equal(a->version_max, b->version_max);
	assert_int_equal(a->features, b->features);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->side, b->side);
	assert_int_equal(a->n_subflows, b->n_subflows);
	assert_memory_equal(a->session, b->session, sizeof(a->session));
	assert_int_equal(a->edge, b->edge);
}

/* However the bytes come: HELLO is understood, and nothing after it is taken. */
static void test_hello(void **state)
{
	uint8_t in[200];
	size_t len = put_opening(in, sizeof(in), &some_hello);

	memset(in + len, 0xff, sizeof(in) - len);
	for (size_t max = 1; max <= sizeof(in); max++) {
		struct wire_hello hello = { 0 };
		char text[HANDSHAKE_TEXT_LEN];
		size_t used;

		assert_int_equal(talk(in, sizeof(in), max, &hello, text, &used), HANDSHAKE_HELLO);
		assert_int_equal(used, len);
		assert_same_hello(&hello, &some_hello);
	}
	/* One byte is missing: it waits. */
	for (size_t cut = 0; cut < len; cut++) {
		struct wire_hello hello;
		char text[HANDSHAKE_TEXT_LEN];
		size_t used;

		assert_int_equal(talk(in, cut, cut, &hello, text, &used), HANDSHAKE_MORE);
	}
}

/* A later version's HELLO has more items: up to the limit of a control frame. Zeros are items of
 * no known type and no length. */
static void test_long_hello(void **state)
{
	static uint8_t in[WIRE_PREFACE_LEN + WIRE_HEADER_LEN + WIRE_CONTROL_MAX + 4];
	uint8_t *header = in + WIRE_PREFACE_LEN, *body = header + WIRE_HEADER_LEN;

	put_opening(in, sizeof(in), &some_hello);
	for (size_t extra = 4; extra <= WIRE_CONTROL_MAX - 36 + 4; extra += 100) {
		bool fits = 36 + extra <= WIRE_CONTROL_MAX;
		struct wire_hello hello = { 0 };
		char text[HANDSHAKE_TEXT_LEN];
		size_t used, len = (size_t)(body - in) + 36 + extra;

		wire_put_header(header, WIRE_HELLO, 0, body, 36 + extra);
		assert_int_equal(talk(in, len, 1000, &hello, text, &used),
				 fits ? HANDSHAKE_HELLO : HANDSHAKE_STRANGER);
		if (fits)
			assert_same_hello(&hello, &some_hello);
	}
	wire_put_header(header, WIRE_HELLO, 0, body, WIRE_CONTROL_MAX);
	{
		struct wire_hello hello;
		char text[HANDSHAKE_TEXT_LEN];
		size_t used;

		assert_int_equal(talk(in, sizeof(in), sizeof(in), &hello, text, &used),
				 HANDSHAKE_HELLO);
		assert_int_equal(used, sizeof(in) - 4);
	}
}

/* What is asked comes as it was meant, and as short as it is said to be. */
static void test_ask(void **state)
{
	for (enum wire_hello_kind kind = WIRE_HELLO_QUERY; kind <= WIRE_HELLO_WARM; kind++) {
		uint8_t in[HANDSHAKE_ASK_LEN];
		size_t len = handshake_ask(in, sizeof(in), kind), used;
		struct wire_hello hello = { 0 };
		char text[HANDSHAKE_TEXT_LEN];

		assert_true(len > 0);
		assert_int_equal(talk(in, len, len, &hello, text, &used), HANDSHAKE_HELLO);
		assert_int_equal(hello.kind, kind);
		assert_int_equal(handshake_version(&hello), WIRE_VERSION_MAX);
		assert_int_equal(handshake_ask(in, len - 1, kind), 0);
	}
}

static void assert_stranger(const void *in, size_t len, const char *quoted, const char *first)
{
	struct wire_hello hello;
	char text[HANDSHAKE_TEXT_LEN];
	size_t used;

	assert_int_equal(talk(in, len, len, &hello, text, &used), HANDSHAKE_STRANGER);
	assert_string_equal(text, quoted);
	/* Byte by byte, the first wrong one ends it. */
	assert_int_equal(talk(in, len, 1, &hello, text, &used), HANDSHAKE_STRANGER);
	assert_string_equal(text, first);
}

static void test_strangers(void **state)
{
	assert_stranger("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, "GET / HT", "G");
	assert_stranger("SSH-2.0-OpenSSH_9.2\r\n", 21, "SSH-2.0-", "S");
	assert_stranger("mpnc/2\r\n", 8, "mpnc/2\\r\\n", "mpnc/2");
	assert_stranger("mpnc\n", 5, "mpnc\\n", "mpnc\\n");
	assert_stranger("\x16\x03\x01\x02\0\x01", 6, "\\x16\\x03\\x01\\x02\\x00\\x01", "\\x16");
	assert_stranger("\033[2J\033]0;", 8, "\\x1b[2J\\x1b]0;", "\\x1b");
	assert_stranger("\0", 1, "\\x00", "\\x00");
	/* The preface alone, and then something else: a type that is no HELLO. */
	assert_stranger("mpnc/1\r\nhello, world, here I am!", 32,
			"mpnc/1\\r\\nhello, world, here I am!",
			"mpnc/1\\r\\nhello, world, here I am!");
}

/* The preface is right, what follows is not. */
static void test_broken_hello(void **state)
{
	struct wire_hello hello, odd = some_hello;
	uint8_t good[200], in[200];
	char text[HANDSHAKE_TEXT_LEN];
	size_t len = put_opening(good, sizeof(good), &some_hello), used;

	/* Any bit beyond the preface: the header's check covers all. A length that grows waits. */
	for (size_t i = 8 * WIRE_PREFACE_LEN; i < 8 * len; i++) {
		enum handshake_result result;

		memcpy(in, good, len);
		in[i / 8] ^= (uint8_t)(1 << i % 8);
		result = talk(in, len, len, &hello, text, &used);
		if (result == HANDSHAKE_MORE)
			assert_in_range(i / 8, WIRE_PREFACE_LEN + 4, WIRE_PREFACE_LEN + 7);
		else
			assert_int_equal(result, HANDSHAKE_STRANGER);
	}
	/* Right checks, wrong contents. */
	odd.version_min = odd.version_max + 1;
	len = put_opening(in, sizeof(in), &odd);
	assert_int_equal(talk(in, len, len, &hello, text, &used), HANDSHAKE_STRANGER);
	odd = some_hello;
	odd.kind = WIRE_HELLO_PROVE + 1;
	len = put_opening(in, sizeof(in), &odd);
	assert_int_equal(talk(in, len, len, &hello, text, &used), HANDSHAKE_STRANGER);
	memcpy(in, good, sizeof(in));
	wire_put_plain(in + WIRE_PREFACE_LEN, WIRE_HEADER_LEN, WIRE_HELLO, 0);
	assert_int_equal(talk(in, 32, 32, &hello, text, &used), HANDSHAKE_STRANGER);
	wire_put_plain(in + WIRE_PREFACE_LEN, WIRE_HEADER_LEN, WIRE_PING, 0);
	assert_int_equal(talk(in, 32, 32, &hello, text, &used), HANDSHAKE_STRANGER);
	for (enum wire_type type = WIRE_WELCOME; type <= WIRE_OPTIONAL; type++) {
		memcpy(in, good, sizeof(in));
		wire_put_header(in + 8, type, 0, in + 32, 36);
		assert_int_equal(talk(in, 68, 68, &hello, text, &used), HANDSHAKE_STRANGER);
	}
	for (size_t n = 1; n < 36; n++) {
		memcpy(in, good, sizeof(in));
		wire_put_header(in + 8, WIRE_HELLO, 0, in + 32, n);
		assert_int_equal(talk(in, 32 + n, 100, &hello, text, &used), HANDSHAKE_STRANGER);
	}
}

/* What a stranger sends is printable and short, whatever it is. */
static void test_random_strangers(void **state)
{
	struct rng r = rng_start();

	for (int round = 0; round < 20000; round++) {
		struct wire_hello hello;
		char text[HANDSHAKE_TEXT_LEN];
		uint8_t in[200];
		size_t used, len = 1 + rng_below(&r, sizeof(in));

		rng_fill(&r, in, len);
		if (rng_below(&r, 2) && len > WIRE_PREFACE_LEN)
			memcpy(in, WIRE_PREFACE, WIRE_PREFACE_LEN);
		if (talk(in, len, 1 + rng_below(&r, len), &hello, text, &used) !=
		    HANDSHAKE_STRANGER)
			continue;
		assert_non_null(memchr(text, '\0', sizeof(text)));
		for (const char *p = text; *p; p++)
			assert_in_range(*p, ' ', '~');
	}
}

static void test_refuse(void **state)
{
	char too_long[400];
	const char *texts[] = { "", "the server is busy", too_long };

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	for (size_t i = 0; i < 3; i++) {
		size_t shown = strlen(texts[i]) < WIRE_TEXT_MAX ? strlen(texts[i]) : WIRE_TEXT_MAX;
		size_t len = WIRE_PREFACE_LEN + WIRE_HEADER_LEN + 4 + shown;
		uint8_t out[1000];
		struct wire_header h;
		struct wire_notice m;

		for (size_t size = 0; size < len; size++)
			assert_int_equal(handshake_refuse(out, size, WIRE_R_BUSY, texts[i]), 0);
		assert_int_equal(handshake_refuse(out, len, WIRE_R_BUSY, texts[i]), len);
		assert_memory_equal(out, "mpnc/1\r\n", 8);
		assert_int_equal(wire_get_header(out + 8, &h), 0);
		assert_int_equal(h.type, WIRE_REFUSE);
		assert_int_equal(h.length, 4 + shown);
		assert_true(wire_check_ok(out + 8, &h, out + 32));
		assert_int_equal(wire_get_notice(&h, out + 32, &m), 0);
		assert_int_equal(m.reason, WIRE_R_BUSY);
		assert_int_equal(strlen(m.text), shown);
		assert_memory_equal(m.text, texts[i], shown);
	}
}

static void test_version(void **state)
{
	const struct {
		uint16_t min, max, chosen;
	} cases[] = {
		{ 1, 1, 1 },      { 0, 0, 0 },      { 0, 1, 1 }, { 1, 2, 1 },
		{ 0, 0xffff, 1 }, { 1, 0xffff, 1 }, { 2, 2, 0 }, { 2, 0xffff, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_hello hello = { .version_min = cases[i].min,
					    .version_max = cases[i].max };

		assert_int_equal(handshake_version(&hello), cases[i].chosen);
	}
}

static void test_conflict(void **state)
{
	enum { NONE = WIRE_SIDE_NO_INPUT, SEND = WIRE_SIDE_SEND_ONLY, RECV = WIRE_SIDE_RECV_ONLY };
	const struct {
		uint8_t a, b;
		bool conflict;
	} cases[] = {
		{ 0, 0, false },
		{ 0, SEND, false },
		{ 0, RECV | NONE, false },
		{ SEND, RECV, false },
		{ SEND, SEND, true },
		{ RECV, RECV, true },
		{ NONE, NONE, false },
		{ NONE, SEND | NONE, false },
		{ SEND | NONE, SEND, true },
		{ RECV | NONE, RECV | NONE, true },
		{ SEND | RECV, SEND, true },
		{ SEND | RECV, NONE, false },
		{ 0xf8, 0xff, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(handshake_conflict(cases[i].a, cases[i].b), cases[i].conflict);
		assert_int_equal(handshake_conflict(cases[i].b, cases[i].a), cases[i].conflict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),        cmocka_unit_test(test_ask),
		cmocka_unit_test(test_long_hello),   cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_broken_hello), cmocka_unit_test(test_random_strangers),
		cmocka_unit_test(test_refuse),       cmocka_unit_test(test_version),
		cmocka_unit_test(test_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
