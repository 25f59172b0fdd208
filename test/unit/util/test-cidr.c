/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "seed.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void address(const char *text, uint8_t out[16])
{
	if (inet_pton(AF_INET6, text, out) == 1)
		return;
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static const struct {
	const char *block, *addr;
	bool contains;
} cases[] = {
	{ "10.0.0.0/8", "10.0.0.0", true },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/8", "9.255.255.255", false },
	{ "10.9.8.7/8", "10.1.1.1", true },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.1/32", "192.0.2.0", false },
	{ "192.0.2.0/31", "192.0.2.1", true },
	{ "192.0.2.0/31", "192.0.2.2", false },
	{ "0.0.0.0/0", "203.0.113.5", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::8000/113", "2001:db8::ffff", true },
	{ "2001:db8::8000/113", "2001:db8::7fff", false },
	{ "::1", "::1", true },
	{ "::1", "::2", false },
	{ "::1/128", "::1", true },
	{ "fe80::/10", "febf::1", true },
	{ "fe80::/10", "fec0::1", false },
	/* the families stay apart */
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "0.0.0.0/0", "::1", false },
	{ "0.0.0.0/0", "::192.0.2.1", false },
};

static void test_contains(void **state)
{
	for (size_t i = 0; i < LEN(cases); i++) {
		struct cidr block;
		uint8_t addr[16];

		assert_int_equal(cidr_parse(cases[i].block, strlen(cases[i].block), &block), 0);
		address(cases[i].addr, addr);
		if (cidr_contains(&block, addr) != cases[i].contains)
			fail_msg("%s and %s", cases[i].block, cases[i].addr);
	}
}

static void test_refused(void **state)
{
	static const char *const words[] = {
		"",
		"/",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/8/8",
		"10.0.0.0/8 ",
		" 10.0.0.0/8",
		"10/8",
		"10.0.0/24",
		"10.0.0.0/255.0.0.0",
		"host",
		"::/129",
		"::/",
		"2001:db8/32",
		"fe80::1%eth0",
		"::ffff:10.0.0.0/104",
		"::ffff:10.0.0.1",
		"010.0.0.1",
		"10.0.0.0/08x",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/128",
	};

	for (size_t i = 0; i < LEN(words); i++) {
		struct cidr block = { .bits = 77 };

		if (cidr_parse(words[i], strlen(words[i]), &block) >= 0)
			fail_msg("\"%s\" was taken", words[i]);
		assert_int_equal(block.bits, 77);
	}
	/* Only as much as the caller allows. */
	struct cidr block;

	assert_int_equal(cidr_parse("10.0.0.0/8,::1", 10, &block), 0);
	assert_int_equal(block.bits, 104);
	assert_int_not_equal(cidr_parse("10.0.0.0\0/8", 11, &block), 0);
}

/* Against bits that are compared one by one. */
static void test_random(void **state)
{
	struct rng rng = rng_start();

	for (int round = 0; round < 100000; round++) {
		uint8_t bytes[16], addr[16];
		char text[INET6_ADDRSTRLEN], word[INET6_ADDRSTRLEN + 8];
		unsigned bits = (unsigned)rng_below(&rng, 129), same = 0;
		struct cidr block;

		rng_fill(&rng, bytes, 16);
		memcpy(addr, bytes, 16);
		addr[rng_below(&rng, 16)] ^= (uint8_t)(1u << rng_below(&rng, 8));
		while (same < 128 && !((bytes[same / 8] ^ addr[same / 8]) >> (7 - same % 8) & 1))
			same++;
		assert_non_null(inet_ntop(AF_INET6, bytes, text, sizeof(text)));
		snprintf(word, sizeof(word), "%s/%u", text, bits);
		assert_int_equal(cidr_parse(word, strlen(word), &block), 0);
		assert_true(cidr_contains(&block, bytes));
		assert_int_equal(cidr_contains(&block, addr), same >= bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
