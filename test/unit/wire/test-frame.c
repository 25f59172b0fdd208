/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The golden frames were made by a program that knows nothing of frame.c but doc/PROTOCOL.md. When
 * one of them has to change, the protocol has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire/frame.h"

#define FRAME_MAX  (WIRE_HEADER_LEN + WIRE_CONTROL_MAX)
#define GOLDEN_MAX 128 /* the longest golden frame has 80 bytes */

#define SESSION_ID                                                                            \
	{                                                                                     \
		0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, \
			0x1d, 0x1e, 0x1f                                                      \
	}

static const struct wire_hello golden_hello = {
	.version_min = 1,
	.version_max = 3,
	.features = 0x01020304,
	.kind = WIRE_HELLO_JOIN,
	.side = WIRE_SIDE_NO_INPUT | WIRE_SIDE_RECV_ONLY,
	.n_subflows = 8,
	.session = SESSION_ID,
	.edge = 64 << 20,
};

static const struct wire_welcome golden_welcome = {
	.version = 1,
	.side = WIRE_SIDE_SEND_ONLY,
	.features = 0x01020304,
	.n_subflows = 16,
	.edge = 0x0102030405,
};

static const struct wire_ack golden_ack = {
	.received = 100,
	.taken = 50,
	.edge = 1000,
	.n_ranges = 2,
	.ranges = { { 200, 300 }, { 400, 0x0102030405060708 } },
};

static const char golden_data[] = "hello, world\n";

/* A whole frame of each type, made by its encoder. */

static size_t put_hello(uint8_t *out, size_t size)
{
	return wire_put_hello(out, size, &golden_hello);
}

static size_t put_welcome(uint8_t *out, size_t size)
{
	return wire_put_welcome(out, size, &golden_welcome);
}

static size_t put_refuse(uint8_t *out, size_t size)
{
	struct wire_notice m = { .reason = WIRE_R_BUSY, .text = "busy" };

	return wire_put_notice(out, size, WIRE_REFUSE, &m);
}

static size_t put_data(uint8_t *out, size_t size)
{
	if (size < WIRE_HEADER_LEN + 13)
		return 0;
	wire_put_header(out, WIRE_DATA, 0x0000000100000002, golden_data, 13);
	memcpy(out + WIRE_HEADER_LEN, golden_data, 13);
	return WIRE_HEADER_LEN + 13;
}

static size_t put_empty_ack(uint8_t *out, size_t size)
{
	struct wire_ack m = { .received = 100, .taken = 50, .edge = 1000 };

	return wire_put_ack(out, size, &m);
}

static size_t put_ack(uint8_t *out, size_t size)
{
	return wire_put_ack(out, size, &golden_ack);
}

static size_t put_end(uint8_t *out, size_t size)
{
	uint8_t value[DIGEST_LEN];
	struct digest *d;

	assert_int_equal(digest_new(&d), 0);
	digest_feed_stream(d, golden_data, 13);
	digest_stream_value(d, value);
	digest_free(d);
	return wire_put_end(out, size, 13, value);
}

static size_t put_confirm(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_CONFIRM, 13);
}

static size_t put_stop(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_STOP, 0x0102030405060708);
}

static size_t put_abort(uint8_t *out, size_t size)
{
	struct wire_notice m = { .reason = WIRE_R_OUTPUT, .offset = 12, .text = "disk full" };

	return wire_put_notice(out, size, WIRE_ABORT, &m);
}

static size_t put_ping(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_PING, 0x0102030405060708);
}

static size_t put_pong(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_PONG, 0x0102030405060708);
}

static size_t put_done(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_DONE, 0);
}

static const struct golden {
	enum wire_type type;
	size_t (*put)(uint8_t *out, size_t size);
	const char *header;
	const char *body;
	size_t needed; /* bytes of body without which it is malformed */
} goldens[] = {
	{ WIRE_HELLO, put_hello, "010000000000002400000000000000007c8b9f12e43ed983",
	  "000100030102030401050008101112131415161718191a1b1c1d1e1f0000000004000000", 36 },
	{ WIRE_WELCOME, put_welcome, "0200000000000014000000000000000023bf4b46efb54273",
	  "0001020001020304001000000000000102030405", 20 },
	{ WIRE_REFUSE, put_refuse, "030000000000000800000000000000008c8faea2bf26f8c7",
	  "0001000062757379", 4 },
	{ WIRE_DATA, put_data, "040000000000000d000000010000000233e40544f1a13a3b",
	  "68656c6c6f2c20776f726c640a", 0 },
	{ WIRE_ACK, put_empty_ack, "05000000000000180000000000000064a1647a464680ed6a",
	  "000000000000003200000000000003e80000000000000000", 24 },
	{ WIRE_ACK, put_ack, "0500000000000038000000000000006419e3914462fdfd86",
	  "000000000000003200000000000003e8000000020000000000000000000000c8000000000000012c"
	  "00000000000001900102030405060708",
	  56 },
	{ WIRE_END, put_end, "0600000000000010000000000000000d2d8a6b313cffc10d",
	  "aef7d73364a11a632fc4faefcc422cb8", 16 },
	{ WIRE_CONFIRM, put_confirm, "0700000000000000000000000000000dd9e94ccf9a01bbc9", "", 0 },
	{ WIRE_STOP, put_stop, "08000000000000000102030405060708eb87be22800c9b77", "", 0 },
	{ WIRE_ABORT, put_abort, "090000000000000d000000000000000cb0869480bbfc35af",
	  "000700006469736b2066756c6c", 4 },
	{ WIRE_PING, put_ping, "0a000000000000000102030405060708af124b221ff0a70a", "", 0 },
	{ WIRE_PONG, put_pong, "0b0000000000000001020304050607086ee695f1827424b2", "", 0 },
	{ WIRE_DONE, put_done, "0c00000000000000000000000000000072cb3f8ab89d8b29", "", 0 },
};

#define N_GOLDENS (sizeof(goldens) / sizeof(goldens[0]))

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		const char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static size_t golden_frame(const struct golden *g, uint8_t *out)
{
	size_t n = from_hex(g->header, out);

	assert_int_equal(n, WIRE_HEADER_LEN);
	return n + from_hex(g->body, out + n);
}

/* The decoder of the header's type, on memory that ends where the body does. */
static int decode(const struct wire_header *h, const uint8_t *body)
{
	uint8_t *exact = malloc(h->length ? h->length : 1);
	struct wire_hello hello;
	struct wire_welcome welcome;
	struct wire_notice notice;
	struct wire_ack ack;
	uint8_t digest[DIGEST_LEN];
	int r = 0;

	assert_non_null(exact);
	memcpy(exact, body, h->length);
	if (h->type == WIRE_HELLO)
		r = wire_get_hello(exact, h->length, &hello);
	else if (h->type == WIRE_WELCOME)
		r = wire_get_welcome(exact, h->length, &welcome);
	else if (h->type == WIRE_REFUSE || h->type == WIRE_ABORT)
		r = wire_get_notice(h, exact, &notice);
	else if (h->type == WIRE_ACK)
		r = wire_get_ack(h, exact, &ack);
	else if (h->type == WIRE_END)
		r = wire_get_end(exact, h->length, digest);
	free(exact);
	assert_in_range(r, 0, WIRE_E_MALFORMED);
	return r;
}

static void test_numbers(void **state)
{
	assert_string_equal(WIRE_PREFACE, "mpnc/1\r\n");
	assert_int_equal(WIRE_PREFACE_LEN, 8);
	assert_int_equal(WIRE_HEADER_LEN, 24);
	assert_int_equal(WIRE_DATA_MAX, 1048576);
	assert_int_equal(WIRE_CONTROL_MAX, 4096);
	assert_int_equal(WIRE_ACK_RANGES, 128);
	assert_int_equal(WIRE_INITIAL_WINDOW, 262144);
	assert_int_equal(WIRE_OPTIONAL, 128);
	assert_int_equal(WIRE_SIDE_NO_INPUT, 1);
	assert_int_equal(WIRE_SIDE_SEND_ONLY, 2);
	assert_int_equal(WIRE_SIDE_RECV_ONLY, 4);
	assert_int_equal(WIRE_HELLO_NEW, 0);
	assert_int_equal(WIRE_HELLO_JOIN, 1);
}

static void test_reasons(void **state)
{
	const unsigned known[] = {
		WIRE_R_NONE,     WIRE_R_BUSY,     WIRE_R_NO_SESSION, WIRE_R_VERSION, WIRE_R_LIMIT,
		WIRE_R_CONFLICT, WIRE_R_PROTOCOL, WIRE_R_OUTPUT,     WIRE_R_INPUT,   WIRE_R_SIGNAL,
		WIRE_R_TIMEOUT,  WIRE_R_DIGEST,   WIRE_R_STOPPED,    WIRE_R_MEMORY,  WIRE_R_KEY,
		WIRE_R_PURPOSE,  WIRE_R_TARGET,
	};
	const char *unknown = wire_reason_text(UINT32_MAX);

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(known[i], i);
		assert_string_not_equal(wire_reason_text(i), unknown);
	}
	for (unsigned i = sizeof(known) / sizeof(known[0]); i < 0x10000; i++)
		assert_string_equal(wire_reason_text(i), unknown);
}

static void test_golden_encode(void **state)
{
	for (size_t i = 0; i < N_GOLDENS; i++) {
		uint8_t want[GOLDEN_MAX], got[GOLDEN_MAX];
		size_t len = golden_frame(&goldens[i], want);

		assert_int_equal(goldens[i].put(got, sizeof(got)), len);
		assert_memory_equal(got, want, len);
		/* It fits exactly, and not into less; what is beyond stays untouched. */
		memset(got, 0xaa, sizeof(got));
		assert_int_equal(goldens[i].put(got, len), len);
		assert_memory_equal(got, want, len);
		for (size_t size = 0; size < len; size++) {
			memset(got, 0xaa, sizeof(got));
			assert_int_equal(goldens[i].put(got, size), 0);
			for (size_t k = size; k < sizeof(got); k++)
				assert_int_equal(got[k], 0xaa);
		}
	}
}

static void test_golden_headers(void **state)
{
	for (size_t i = 0; i < N_GOLDENS; i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = golden_frame(&goldens[i], frame);
		struct wire_header h;

		assert_int_equal(wire_get_header(frame, &h), 0);
		assert_int_equal(h.type, goldens[i].type);
		assert_int_equal(h.flags, 0);
		assert_int_equal(h.length, len - WIRE_HEADER_LEN);
		assert_true(wire_check_ok(frame, &h, frame + WIRE_HEADER_LEN));
		assert_int_equal(decode(&h, frame + WIRE_HEADER_LEN), 0);
	}
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

static void assert_same_welcome(const struct wire_welcome *a, const struct wire_welcome *b)
{
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->side, b->side);
	assert_int_equal(a->features, b->features);
	assert_int_equal(a->n_subflows, b->n_subflows);
	assert_int_equal(a->edge, b->edge);
}

static void assert_same_ack(const struct wire_ack *a, const struct wire_ack *b)
{
	assert_int_equal(a->received, b->received);
	assert_int_equal(a->taken, b->taken);
	assert_int_equal(a->edge, b->edge);
	assert_int_equal(a->n_ranges, b->n_ranges);
	assert_memory_equal(a->ranges, b->ranges, a->n_ranges * sizeof(a->ranges[0]));
}

static void test_golden_decode(void **state)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t *body = frame + WIRE_HEADER_LEN;
	struct wire_header h;
	struct wire_hello hello;
	struct wire_welcome welcome;
	static struct wire_ack ack;
	struct wire_notice notice;

	golden_frame(&goldens[0], frame);
	assert_int_equal(wire_get_hello(body, 36, &hello), 0);
	assert_same_hello(&hello, &golden_hello);
	golden_frame(&goldens[1], frame);
	assert_int_equal(wire_get_welcome(body, 20, &welcome), 0);
	assert_same_welcome(&welcome, &golden_welcome);
	golden_frame(&goldens[5], frame);
	assert_int_equal(wire_get_header(frame, &h), 0);
	assert_int_equal(wire_get_ack(&h, body, &ack), 0);
	assert_same_ack(&ack, &golden_ack);
	golden_frame(&goldens[9], frame);
	assert_int_equal(wire_get_header(frame, &h), 0);
	assert_int_equal(wire_get_notice(&h, body, &notice), 0);
	assert_int_equal(notice.reason, WIRE_R_OUTPUT);
	assert_int_equal(notice.offset, 12);
	assert_string_equal(notice.text, "disk full");
}

/* Every body cut at every length, with a right check: malformed if a field is cut. */
static void test_truncated(void **state)
{
	for (size_t i = 0; i < N_GOLDENS; i++) {
		uint8_t frame[FRAME_MAX], header[WIRE_HEADER_LEN];
		size_t len = golden_frame(&goldens[i], frame) - WIRE_HEADER_LEN;
		const uint8_t *body = frame + WIRE_HEADER_LEN;
		struct wire_header h;

		assert_int_equal(wire_get_header(frame, &h), 0);
		for (size_t cut = goldens[i].type == WIRE_DATA; cut < len; cut++) {
			wire_put_header(header, goldens[i].type, h.value, body, cut);
			assert_int_equal(wire_get_header(header, &h), 0);
			assert_true(wire_check_ok(header, &h, body));
			assert_int_equal(decode(&h, body),
					 cut < goldens[i].needed ? WIRE_E_MALFORMED : 0);
		}
	}
}

/* What a later version puts behind the fields that we know is ignored. */
static void test_extended(void **state)
{
	for (size_t i = 0; i < N_GOLDENS; i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = golden_frame(&goldens[i], frame);
		struct wire_header h;

		memset(frame + len, 0xff, sizeof(frame) - len);
		/* HELLO and WELCOME have items there: one of no known type. */
		if (goldens[i].type == WIRE_HELLO || goldens[i].type == WIRE_WELCOME) {
			frame[len + 2] = (uint8_t)((sizeof(frame) - len - 4) >> 8);
			frame[len + 3] = (uint8_t)(sizeof(frame) - len - 4);
		}
		assert_int_equal(wire_get_header(frame, &h), 0);
		wire_put_header(frame, goldens[i].type, h.value, frame + WIRE_HEADER_LEN,
				WIRE_CONTROL_MAX);
		assert_int_equal(wire_get_header(frame, &h), 0);
		assert_int_equal(decode(&h, frame + WIRE_HEADER_LEN), 0);
	}
}

static int header_of(uint8_t type, uint32_t length, uint64_t value)
{
	uint8_t in[WIRE_HEADER_LEN] = { type,
					0,
					0,
					0,
					(uint8_t)(length >> 24),
					(uint8_t)(length >> 16),
					(uint8_t)(length >> 8),
					(uint8_t)length };
	struct wire_header h;

	for (int i = 0; i < 8; i++)
		in[8 + i] = (uint8_t)(value >> (56 - 8 * i));
	return wire_get_header(in, &h);
}

static void test_header_limits(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		bool known = type >= 1 && type <= 16;
		int ok = known || type >= 128 ? 0 : WIRE_E_MALFORMED;

		if (type == WIRE_DATA)
			continue;
		assert_int_equal(header_of((uint8_t)type, 0, UINT64_MAX), ok);
		assert_int_equal(header_of((uint8_t)type, 4096, 0), ok);
		assert_int_equal(header_of((uint8_t)type, 4097, 0), WIRE_E_MALFORMED);
		assert_int_equal(header_of((uint8_t)type, UINT32_MAX, 0), WIRE_E_MALFORMED);
	}
	assert_int_equal(header_of(WIRE_DATA, 0, 0), WIRE_E_MALFORMED);
	assert_int_equal(header_of(WIRE_DATA, 1, 0), 0);
	assert_int_equal(header_of(WIRE_DATA, 1 << 20, 0), 0);
	assert_int_equal(header_of(WIRE_DATA, (1 << 20) + 1, 0), WIRE_E_MALFORMED);
	assert_int_equal(header_of(WIRE_DATA, 1, UINT64_MAX - 1), 0);
	assert_int_equal(header_of(WIRE_DATA, 1, UINT64_MAX), WIRE_E_MALFORMED);
	assert_int_equal(header_of(WIRE_DATA, 100, UINT64_MAX - 100), 0);
	assert_int_equal(header_of(WIRE_DATA, 101, UINT64_MAX - 100), WIRE_E_MALFORMED);
}

/* Flags and the reserved field say nothing yet, but the check covers them. */
static void test_header_reserved(void **state)
{
	for (size_t at = 1; at < 4; at++) {
		uint8_t frame[FRAME_MAX];
		struct wire_header h;

		golden_frame(&goldens[0], frame);
		frame[at] = 0x80;
		assert_int_equal(wire_get_header(frame, &h), 0);
		assert_int_equal(h.flags, at == 1 ? 0x80 : 0);
		assert_false(wire_check_ok(frame, &h, frame + WIRE_HEADER_LEN));
		h.check = digest_check(frame + WIRE_HEADER_LEN, h.length, wire_seed(frame));
		assert_true(wire_check_ok(frame, &h, frame + WIRE_HEADER_LEN));
	}
}

/* Is this ACK taken? */
static int ack_of(uint64_t received, uint64_t taken, uint64_t edge, uint32_t n,
		  const struct wire_range *ranges)
{
	static uint8_t frame[FRAME_MAX];
	static struct wire_ack in, out;
	struct wire_header h;
	int r;

	in = (struct wire_ack){ .received = received, .taken = taken, .edge = edge, .n_ranges = n };
	memcpy(in.ranges, ranges, n * sizeof(ranges[0]));
	assert_true(wire_put_ack(frame, sizeof(frame), &in) > 0);
	assert_int_equal(wire_get_header(frame, &h), 0);
	r = wire_get_ack(&h, frame + WIRE_HEADER_LEN, &out);
	if (!r)
		assert_same_ack(&in, &out);
	return r;
}

static void test_ack_rules(void **state)
{
	const struct {
		struct wire_range ranges[2];
		int result;
	} cases[] = {
		{ { { 101, 102 }, { 103, 104 } }, 0 },
		{ { { 100, 102 }, { 103, 104 } }, WIRE_E_MALFORMED }, /* touches received */
		{ { { 99, 102 }, { 103, 104 } }, WIRE_E_MALFORMED },
		{ { { 101, 103 }, { 103, 104 } }, WIRE_E_MALFORMED }, /* touch each other */
		{ { { 101, 104 }, { 103, 105 } }, WIRE_E_MALFORMED }, /* overlap */
		{ { { 103, 104 }, { 101, 102 } }, WIRE_E_MALFORMED }, /* descend */
		{ { { 101, 101 }, { 103, 104 } }, WIRE_E_MALFORMED }, /* empty */
		{ { { 102, 101 }, { 103, 104 } }, WIRE_E_MALFORMED }, /* backwards */
		{ { { 101, 102 }, { 103, 103 } }, WIRE_E_MALFORMED },
		{ { { 101, 102 }, { 103, UINT64_MAX } }, 0 },
		{ { { 101, UINT64_MAX }, { 0, 1 } }, WIRE_E_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ack_of(100, 100, 100, 2, cases[i].ranges), cases[i].result);
	assert_int_equal(ack_of(100, 101, 200, 0, cases[0].ranges), WIRE_E_MALFORMED);
	assert_int_equal(ack_of(100, 0, 99, 0, cases[0].ranges), WIRE_E_MALFORMED);
	assert_int_equal(ack_of(0, 0, 0, 0, cases[0].ranges), 0);
	assert_int_equal(ack_of(UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, cases[0].ranges), 0);
}

static void test_ack_limit(void **state)
{
	static struct wire_range ranges[WIRE_ACK_RANGES];
	static uint8_t frame[FRAME_MAX];
	struct wire_ack ack;
	struct wire_header h;

	for (uint32_t i = 0; i < WIRE_ACK_RANGES; i++)
		ranges[i] = (struct wire_range){ .start = 10 * i + 5, .end = 10 * i + 10 };
	assert_int_equal(ack_of(1, 1, 10, WIRE_ACK_RANGES, ranges), 0);

	/* More than may be, though all of them are there; and more than are there. */
	ack = (struct wire_ack){ .received = 1, .edge = 10, .n_ranges = WIRE_ACK_RANGES };
	memcpy(ack.ranges, ranges, sizeof(ranges));
	wire_put_ack(frame, sizeof(frame), &ack);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *body = frame + WIRE_HEADER_LEN;
		size_t at = 24 + 16 * WIRE_ACK_RANGES;

		memcpy(body + at, (const uint8_t[16]){ [0] = 1, [8] = 2 }, 16);
		body[19] = i ? 0xff : WIRE_ACK_RANGES + 1;
		body[16] = i ? 0xff : 0;
		wire_put_header(frame, WIRE_ACK, 1, body, at + 16);
		assert_int_equal(wire_get_header(frame, &h), 0);
		assert_int_equal(wire_get_ack(&h, body, &ack), WIRE_E_MALFORMED);
	}
}

static void test_hello_rules(void **state)
{
	struct wire_hello m = golden_hello, got;
	uint8_t frame[FRAME_MAX];

	m.kind = WIRE_HELLO_PROVE + 1;
	wire_put_hello(frame, sizeof(frame), &m);
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, 36, &got), WIRE_E_MALFORMED);
	m.kind = WIRE_HELLO_NEW;
	m.version_min = 4;
	wire_put_hello(frame, sizeof(frame), &m);
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, 36, &got), WIRE_E_MALFORMED);
	m.version_max = 4;
	wire_put_hello(frame, sizeof(frame), &m);
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, 36, &got), 0);
	assert_same_hello(&got, &m);
}

/* A notice of n bytes of text that are all the same. */
static void get_notice(char byte, size_t n, struct wire_notice *out)
{
	uint8_t frame[FRAME_MAX] = { 0 }, *body = frame + WIRE_HEADER_LEN;
	struct wire_header h;

	memset(body + 4, byte, n);
	wire_put_header(frame, WIRE_ABORT, 77, body, 4 + n);
	assert_int_equal(wire_get_header(frame, &h), 0);
	memset(out, 'x', sizeof(*out));
	assert_int_equal(wire_get_notice(&h, body, out), 0);
	assert_int_equal(out->offset, 77);
}

static void test_notice_text(void **state)
{
	struct wire_notice m;

	for (size_t n = 0; n <= WIRE_CONTROL_MAX - 4; n += n < 300 ? 1 : 61) {
		get_notice('a', n, &m);
		assert_int_equal(strlen(m.text), n < WIRE_TEXT_MAX ? n : WIRE_TEXT_MAX);
	}
	for (int byte = -128; byte < 128; byte++) {
		get_notice((char)byte, 2, &m);
		assert_int_equal(strlen(m.text), 2);
		assert_int_equal(m.text[1], byte >= ' ' && byte <= '~' ? byte : '?');
	}
	/* Text that fills its array is sent whole. */
	memset(m.text, 'b', WIRE_TEXT_MAX);
	m.text[WIRE_TEXT_MAX] = '\0';
	{
		uint8_t frame[FRAME_MAX];

		assert_int_equal(wire_put_notice(frame, sizeof(frame), WIRE_REFUSE, &m),
				 WIRE_HEADER_LEN + 4 + WIRE_TEXT_MAX);
	}
}

static void random_ack(struct rng *r, struct wire_ack *m)
{
	uint64_t at;

	m->received = rng_any_size(r) >> 1;
	m->taken = m->received - rng_any_size(r) % (m->received + 1);
	m->edge = m->received + (rng_any_size(r) >> 1);
	m->n_ranges = (uint32_t)rng_below(r, WIRE_ACK_RANGES + 1);
	at = m->received;
	for (uint32_t i = 0; i < m->n_ranges; i++) {
		m->ranges[i].start = at += 1 + (rng_any_size(r) >> 16);
		m->ranges[i].end = at += 1 + (rng_any_size(r) >> 16);
	}
}

/* decode(encode(x)) == x */
static void test_round_trip(void **state)
{
	struct rng r = rng_start();
	uint8_t frame[FRAME_MAX];
	const uint8_t *body = frame + WIRE_HEADER_LEN;

	for (int i = 0; i < 20000; i++) {
		static struct wire_hello hello, hello_got;
		static struct wire_welcome welcome, welcome_got;
		uint8_t digest[DIGEST_LEN], digest_got[DIGEST_LEN];
		uint64_t total = rng_any_size(&r);
		struct wire_header h;

		rng_fill(&r, &hello, sizeof(hello));
		hello.kind &= 1;
		hello.items = (struct wire_items){ 0 }; /* test-facts.c has these */
		hello.version_max |= hello.version_min;
		assert_int_equal(wire_put_hello(frame, sizeof(frame), &hello), 24 + 36);
		assert_int_equal(wire_get_hello(body, 36, &hello_got), 0);
		assert_same_hello(&hello, &hello_got);

		rng_fill(&r, &welcome, sizeof(welcome));
		welcome.items = (struct wire_items){ 0 };
		assert_int_equal(wire_put_welcome(frame, sizeof(frame), &welcome), 24 + 20);
		assert_int_equal(wire_get_welcome(body, 20, &welcome_got), 0);
		assert_same_welcome(&welcome, &welcome_got);

		rng_fill(&r, digest, sizeof(digest));
		assert_int_equal(wire_put_end(frame, sizeof(frame), total, digest), 24 + 16);
		assert_int_equal(wire_get_header(frame, &h), 0);
		assert_int_equal(h.value, total);
		assert_int_equal(wire_get_end(body, 16, digest_got), 0);
		assert_memory_equal(digest, digest_got, sizeof(digest));
	}
	for (int i = 0; i < 2000; i++) {
		struct wire_ack ack;

		random_ack(&r, &ack);
		assert_int_equal(
			ack_of(ack.received, ack.taken, ack.edge, ack.n_ranges, ack.ranges), 0);
	}
}

/* Changes some bytes of a frame. Returns whether it is another one now. */
static bool mutate(struct rng *r, uint8_t *frame, size_t len)
{
	uint8_t before[GOLDEN_MAX];

	memcpy(before, frame, len);
	for (uint64_t n = 1 + rng_below(r, 4); n; n--) {
		size_t at = rng_below(r, rng_below(r, 2) ? WIRE_HEADER_LEN : len);

		if (rng_below(r, 2))
			frame[at] ^= (uint8_t)(1 << rng_below(r, 8));
		else
			frame[at] = (uint8_t)rng_next(r);
	}
	return memcmp(before, frame, len) != 0;
}

/* No changed frame passes its check; with a check made right no decoder is led astray. */
static void test_mutations(void **state)
{
	struct rng r = rng_start();

	for (int i = 0; i < 200000; i++) {
		uint8_t frame[FRAME_MAX], *body = frame + WIRE_HEADER_LEN;
		size_t len = golden_frame(&goldens[rng_below(&r, N_GOLDENS)], frame);
		bool changed = mutate(&r, frame, len);
		struct wire_header h;

		memset(frame + len, (int)rng_below(&r, 256), sizeof(frame) - len);
		if (wire_get_header(frame, &h) || h.length > WIRE_CONTROL_MAX)
			continue;
		assert_int_equal(wire_check_ok(frame, &h, body), !changed);
		decode(&h, body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),         cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_golden_encode),   cmocka_unit_test(test_golden_headers),
		cmocka_unit_test(test_golden_decode),   cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_extended),        cmocka_unit_test(test_header_limits),
		cmocka_unit_test(test_header_reserved), cmocka_unit_test(test_ack_rules),
		cmocka_unit_test(test_ack_limit),       cmocka_unit_test(test_hello_rules),
		cmocka_unit_test(test_notice_text),     cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
