/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The golden items were written by hand from doc/PROTOCOL.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire/frame.h"

#define FIXED_LEN 20 /* WELCOME's fields before its items */

static const struct wire_welcome bonded = {
	.version = 1,
	.n_subflows = 8,
	.edge = 1 << 20,
	.items = { .facts = { .kind = WIRE_FACTS_BOND,
			      .flags = WIRE_FACTS_ORDER | WIRE_FACTS_MACS,
			      .mode = 4,
			      .policy = 1,
			      .variant = 6,
			      .active = 255,
			      .n_links = 2,
			      .vlan_tci = 7,
			      .usable = 3,
			      .joined = 3,
			      .mac = { 2, 0, 0, 0, 0, 1 },
			      .next_hop = { 2, 0, 0, 0, 0, 2 },
			      .name = "bond0",
			      .link = { { "eth0", 10000 }, { "eth1", 25000 } } },
		   .names = { .local = { 4, { 10, 0, 0, 1 }, 31337 },
			      .remote = { 4, { 10, 0, 0, 2 }, 40001 } } },
};

static const uint8_t golden[] = {
	/* facts: type, length 56 */
	0, 1, 0, 56,
	/* bond, flags, 802.3ad, layer3+4, rule 6, no team, nothing active, 2 links */
	2, 12, 4, 1, 6, 0, 255, 2,
	/* VLAN 7, usable, joined */
	0, 7, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3,
	/* addresses */
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2,
	/* names and speeds */
	5, 'b', 'o', 'n', 'd', '0', 0, 0, 0x27, 0x10, 4, 'e', 't', 'h', '0', 0, 0, 0x61, 0xa8, 4,
	'e', 't', 'h', '1',
	/* names: type, length 40; local, remote */
	0, 2, 0, 40, 4, 0, 0x7a, 0x69, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0x9c,
	0x41, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};

/* What HELLO asks to be sent. */
static void test_wanted(void **state)
{
	static const uint8_t item[] = { 0, 3, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2 };
	struct wire_hello hello = { .version_min = 1,
				    .version_max = 1,
				    .kind = WIRE_HELLO_MEASURE,
				    .items = { .wanted = (1ull << 32) + 2 } },
			  got;
	uint8_t frame[256];
	size_t n = wire_put_hello(frame, sizeof(frame), &hello);

	assert_memory_equal(frame + n - sizeof(item), item, sizeof(item));
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_true(got.items.wanted == hello.items.wanted);
	assert_int_equal(got.kind, WIRE_HELLO_MEASURE);
	/* One byte short. */
	frame[n - sizeof(item) + 3] = 7;
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN - 1, &got),
			 WIRE_E_MALFORMED);
}

/* Where a listener can be reached as well. */
static void test_addrs(void **state)
{
	static const uint8_t item[] = { 0,    4, 0,   44,   0, 0, 0, 2, 0, 0, 0, 4, 10, 0, 1, 1,
					0,    0, 0,   0,    0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 6,
					0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 1 };
	struct wire_welcome m = { .version = 1 }, got;
	uint8_t frame[256];
	size_t n;

	m.items.addrs = (struct wire_addrs){
		.n = 2,
		.addr = { { .family = 4, .addr = { 10, 0, 1, 1 } },
			  { .family = 6, .addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 } } },
	};
	n = wire_put_welcome(frame, sizeof(frame), &m);
	assert_int_equal(n, WIRE_HEADER_LEN + FIXED_LEN + sizeof(item));
	assert_memory_equal(frame + n - sizeof(item), item, sizeof(item));
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_int_equal(got.items.addrs.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(got.items.addrs.addr[i].family, m.items.addrs.addr[i].family);
		assert_memory_equal(got.items.addrs.addr[i].addr, m.items.addrs.addr[i].addr, 16);
	}
	/* A later version's family is passed over. */
	frame[n - sizeof(item) + 11] = 5;
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_int_equal(got.items.addrs.n, 1);
	assert_int_equal(got.items.addrs.addr[0].family, 6);
	/* More than there may be, or than there are. */
	frame[n - sizeof(item) + 7] = WIRE_ADDRS_MAX + 1;
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
			 WIRE_E_MALFORMED);
	frame[n - sizeof(item) + 7] = 3;
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
			 WIRE_E_MALFORMED);
}

/* By which a client asks for a session, and the listener answers. */
static void test_proof(void **state)
{
	static const uint8_t item[] = { 0, 6, 0, 16, 1,  2,  3,  4,  5,  6,
					7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct wire_hello hello = { .version_max = 1, .kind = WIRE_HELLO_PROVE }, got;
	uint8_t frame[256];
	size_t n;

	hello.items.has_proof = true;
	memcpy(hello.items.proof, item + 4, WIRE_PROOF_LEN);
	n = wire_put_hello(frame, sizeof(frame), &hello);
	assert_memory_equal(frame + n - sizeof(item), item, sizeof(item));
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got.items, &hello.items, sizeof(got.items));
	/* One byte short. */
	frame[n - sizeof(item) + 3] = 15;
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN - 1, &got),
			 WIRE_E_MALFORMED);
}

/* How long the sender's stream will be. */
static void test_size(void **state)
{
	static const uint8_t item[] = { 0, 7, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2 };
	struct wire_welcome welcome = { .version = 1, .items = { .size = (1ull << 32) + 2 } }, got;
	uint8_t frame[256];
	size_t n = wire_put_welcome(frame, sizeof(frame), &welcome);

	assert_memory_equal(frame + n - sizeof(item), item, sizeof(item));
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_true(got.items.size == welcome.items.size);
	/* One byte short. */
	frame[n - sizeof(item) + 3] = 7;
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN - 1, &got),
			 WIRE_E_MALFORMED);
}

/* Which target of a relay HELLO asks for. */
static void test_target(void **state)
{
	static const uint8_t item[] = { 0, 5, 0, 5, 4, 'd', 'b', '-', '1' };
	struct wire_hello hello = { .version_max = 1, .items = { .target = "db-1" } }, got;
	uint8_t frame[256], *at;
	size_t n = wire_put_hello(frame, sizeof(frame), &hello);

	at = frame + n - sizeof(item);
	assert_memory_equal(at, item, sizeof(item));
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_string_equal(got.items.target, "db-1");
	/* Another character, which might steer a terminal or end the name. */
	for (unsigned c = 0; c < 256; c++) {
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';

		at[8] = (uint8_t)c;
		assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
				 ok ? 0 : WIRE_E_MALFORMED);
	}
	/* Longer than the item; nothing. */
	at[8] = '1';
	at[4] = 5;
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
			 WIRE_E_MALFORMED);
	at[4] = 0;
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
			 WIRE_E_MALFORMED);
	/* As long as a name may be, and one more. */
	memset(hello.items.target, 'x', WIRE_TARGET_LEN - 1);
	n = wire_put_hello(frame, sizeof(frame), &hello);
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got.items, &hello.items, sizeof(got.items));
	frame[n++] = 'x';
	at = frame + n - WIRE_TARGET_LEN - 5;
	at[3] = WIRE_TARGET_LEN + 1;
	at[4] = WIRE_TARGET_LEN;
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got),
			 WIRE_E_MALFORMED);
	assert_false(wire_is_target(""));
	assert_false(wire_is_target("a b"));
}

static void test_golden(void **state)
{
	uint8_t frame[512];
	struct wire_welcome got;
	size_t n = wire_put_welcome(frame, sizeof(frame), &bonded);

	assert_int_equal(n, WIRE_HEADER_LEN + FIXED_LEN + sizeof(golden));
	assert_memory_equal(frame + WIRE_HEADER_LEN + FIXED_LEN, golden, sizeof(golden));
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got.items, &bonded.items, sizeof(got.items));
}

/* What is not known is not sent. */
static void test_unknown_is_left_out(void **state)
{
	struct wire_welcome m = bonded, got;
	uint8_t frame[512];

	m.items.facts.kind = WIRE_FACTS_NONE;
	assert_int_equal(wire_put_welcome(frame, sizeof(frame), &m),
			 WIRE_HEADER_LEN + FIXED_LEN + 44);
	m.items.names.local.family = 0;
	assert_int_equal(wire_put_welcome(frame, sizeof(frame), &m), WIRE_HEADER_LEN + FIXED_LEN);
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(wire_get_welcome(frame + WIRE_HEADER_LEN, FIXED_LEN, &got), 0);
	assert_int_equal(got.items.facts.kind, WIRE_FACTS_NONE);
	assert_int_equal(got.items.names.local.family, 0);
}

static int get_items(const uint8_t *p, size_t n, struct wire_items *out)
{
	struct cursor_in c = { .p = p, .left = n };

	wire_get_items(&c, out);
	return c.bad ? WIRE_E_MALFORMED : 0;
}

/* Cut anywhere but between two items: malformed. */
static void test_cut(void **state)
{
	struct wire_items items;

	for (size_t n = 0; n <= sizeof(golden); n++) {
		bool whole = n == 0 || n == 60 || n == sizeof(golden);

		assert_int_equal(get_items(golden, n, &items), whole ? 0 : WIRE_E_MALFORMED);
	}
}

/* Of several interfaces; and a later version's kind, which is not known and no fault. */
static void test_kinds(void **state)
{
	uint8_t in[sizeof(golden)];
	struct wire_items items;

	memcpy(in, golden, sizeof(in));
	in[4] = 4;
	assert_int_equal(get_items(in, sizeof(in), &items), 0);
	assert_int_equal(items.facts.kind, WIRE_FACTS_SEVERAL);
	assert_int_equal(items.facts.n_links, 2);
	for (unsigned kind = 5; kind < 256; kind++) {
		in[4] = (uint8_t)kind;
		assert_int_equal(get_items(in, sizeof(in), &items), 0);
		assert_int_equal(items.facts.kind, WIRE_FACTS_NONE);
		assert_int_equal(items.facts.n_links, 0);
		assert_int_equal(items.names.local.family, 4);
	}
}

/* Bytes behind an item's fields, and items of another type, are a later version's. */
static void test_extended(void **state)
{
	uint8_t in[sizeof(golden) + 16] = { 0 };
	struct wire_items items;

	in[1] = 77;
	in[3] = 2;
	memcpy(in + 6, golden, 60);
	in[6 + 3] = 60; /* four bytes more */
	memcpy(in + 70, golden + 60, 44);
	assert_int_equal(get_items(in, 70 + 44, &items), 0);
	assert_memory_equal(&items, &bonded.items, sizeof(items));
}

static void test_limits(void **state)
{
	uint8_t in[sizeof(golden)];
	struct wire_items items;

	memcpy(in, golden, sizeof(in));
	in[11] = WIRE_LINKS_MAX + 1;
	assert_int_equal(get_items(in, sizeof(in), &items), WIRE_E_MALFORMED);
	memcpy(in, golden, sizeof(in));
	in[36] = WIRE_NAME_LEN; /* of the bond's name */
	assert_int_equal(get_items(in, sizeof(in), &items), WIRE_E_MALFORMED);
	/* A name that would steer a terminal. */
	memcpy(in, golden, sizeof(in));
	in[37] = '\033';
	in[38] = ' ';
	assert_int_equal(get_items(in, sizeof(in), &items), 0);
	assert_string_equal(items.facts.name, "??nd0");
}

/* The largest HELLO fits into a control frame. */
static void test_largest(void **state)
{
	struct wire_hello m = { .version_max = 1 }, got;
	uint8_t frame[WIRE_HEADER_LEN + WIRE_CONTROL_MAX];
	size_t n;

	m.items.facts.kind = WIRE_FACTS_BOND;
	m.items.facts.n_links = WIRE_LINKS_MAX;
	for (unsigned i = 0; i < WIRE_LINKS_MAX; i++) {
		memset(m.items.facts.link[i].name, 'x', WIRE_NAME_LEN - 1);
		m.items.facts.link[i].speed = UINT32_MAX - i;
	}
	m.items.names.local.family = m.items.names.remote.family = 6;
	memset(m.items.target, 'x', WIRE_TARGET_LEN - 1);
	n = wire_put_hello(frame, sizeof(frame), &m);
	assert_true(n > 0 && n < 970);
	assert_int_equal(wire_get_hello(frame + WIRE_HEADER_LEN, n - WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got.items, &m.items, sizeof(got.items));
}

static void test_links(void **state)
{
	struct wire_links m = { .time_ns = 5, .n = 2, .link = { { 1, 2 }, { 3, 1ull << 40 } } };
	uint8_t frame[WIRE_HEADER_LEN + WIRE_CONTROL_MAX];
	struct wire_links got;
	struct wire_header h;
	size_t n = wire_put_links(frame, sizeof(frame), &m);

	assert_int_equal(n, WIRE_HEADER_LEN + 8 + 2 * 16);
	assert_int_equal(wire_get_header(frame, &h), 0);
	assert_int_equal(wire_get_links(&h, frame + WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got, &m, sizeof(got));
	h.length--;
	assert_int_equal(wire_get_links(&h, frame + WIRE_HEADER_LEN, &got), WIRE_E_MALFORMED);
	h.length++;
	frame[WIRE_HEADER_LEN + 3] = WIRE_LINKS_MAX + 1;
	assert_int_equal(wire_get_links(&h, frame + WIRE_HEADER_LEN, &got), WIRE_E_MALFORMED);
}

static void test_lane(void **state)
{
	struct wire_lane m = { .tx_possible = 6,
			       .rx_possible = 1u << 31,
			       .tx = 2,
			       .rx = 31,
			       .flags = WIRE_LANE_LOSSY };
	uint8_t frame[WIRE_HEADER_LEN + WIRE_CONTROL_MAX];
	struct wire_lane got = { 0 };
	struct wire_header h;

	assert_int_equal(wire_put_lane(frame, sizeof(frame), &m), WIRE_HEADER_LEN + 12);
	assert_int_equal(wire_get_header(frame, &h), 0);
	assert_int_equal(wire_get_lane(&h, frame + WIRE_HEADER_LEN, &got), 0);
	assert_memory_equal(&got, &m, sizeof(got));
	h.length--;
	assert_int_equal(wire_get_lane(&h, frame + WIRE_HEADER_LEN, &got), WIRE_E_MALFORMED);
}

/* A change of the facts alone, with its number. */
static void test_changed(void **state)
{
	struct wire_facts got;
	struct wire_header h;
	uint8_t frame[512];
	size_t n = wire_put_facts(frame, sizeof(frame), 7, &bonded.items.facts);

	assert_int_equal(wire_get_header(frame, &h), 0);
	assert_int_equal(h.type, WIRE_FACTS);
	assert_int_equal(h.value, 7);
	assert_int_equal(n, WIRE_HEADER_LEN + h.length);
	assert_int_equal(wire_get_facts(frame + WIRE_HEADER_LEN, h.length, &got), 0);
	assert_true(wire_facts_same(&got, &bonded.items.facts));
	assert_int_equal(wire_get_facts(frame + WIRE_HEADER_LEN, h.length - 1, &got),
			 WIRE_E_MALFORMED);
	/* Nothing is known any more. */
	assert_int_equal(wire_get_facts(frame, 0, &got), 0);
	assert_int_equal(got.kind, WIRE_FACTS_NONE);
	assert_false(wire_facts_same(&got, &bonded.items.facts));
}

static void test_same(void **state)
{
	struct wire_facts a = bonded.items.facts, b = bonded.items.facts;

	b.link[a.n_links].speed = 1;
	assert_true(wire_facts_same(&a, &b));
	b.link[0].speed++;
	assert_false(wire_facts_same(&a, &b));
	b = a;
	b.usable ^= 1;
	assert_false(wire_facts_same(&a, &b));
	b = a;
	b.n_links--;
	assert_false(wire_facts_same(&a, &b));
}

/* Nothing that comes can be read beyond its end, or make more links than there is room for. */
static void test_random(void **state)
{
	struct rng r = rng_start();

	for (int i = 0; i < 100000; i++) {
		uint8_t in[sizeof(golden)];
		struct wire_items items;

		memcpy(in, golden, sizeof(in));
		for (unsigned k = 0; k < 1 + rng_below(&r, 4); k++)
			in[rng_below(&r, sizeof(in))] = (uint8_t)rng_below(&r, 256);
		if (get_items(in, rng_below(&r, sizeof(in) + 1), &items) == 0) {
			assert_true(items.facts.n_links <= WIRE_LINKS_MAX);
			assert_true(strnlen(items.facts.name, WIRE_NAME_LEN) < WIRE_NAME_LEN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addrs),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_unknown_is_left_out),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_lane),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
