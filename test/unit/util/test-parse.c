/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/units.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* What *out holds before each call, and after one that fails. */
#define UNTOUCHED 0x5a5a5a5a5a5a5a5aull

struct number {
	const char *s;
	uint64_t min, max;
	int result;
	uint64_t value; /* if result is 0 */
};

typedef int parse_fn(const char *s, uint64_t min, uint64_t max, uint64_t *out);

static void check(parse_fn *parse, const struct number *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t out = UNTOUCHED;
		int r = parse(cases[i].s, cases[i].min, cases[i].max, &out);

		if (r != cases[i].result || out != (r ? UNTOUCHED : cases[i].value))
			fail_msg("\"%s\": returned %d and %llu", cases[i].s, r,
				 (unsigned long long)out);
	}
}

static void test_u64(void **state)
{
	static const struct number cases[] = {
		{ "0", 0, UINT64_MAX, 0, 0 },
		{ "1", 1, 1, 0, 1 },
		{ "007", 0, 10, 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0 },
		{ "0", 1, 10, -ERANGE, 0 },
		{ "11", 1, 10, -ERANGE, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ " 1", 0, 10, -EINVAL, 0 },
		{ "1 ", 0, 10, -EINVAL, 0 },
		{ "1\n", 0, 10, -EINVAL, 0 },
		{ "-1", 0, UINT64_MAX, -EINVAL, 0 },
		{ "+1", 0, 10, -EINVAL, 0 },
		{ "0x1", 0, 10, -EINVAL, 0 },
		{ "1.0", 0, 10, -EINVAL, 0 },
		{ "4x", 0, 10, -EINVAL, 0 },
		{ "99999999999999999999999x", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1K", 0, UINT64_MAX, -EINVAL, 0 },
	};

	check(parse_u64, cases, LEN(cases));
}

static void test_size(void **state)
{
	static const struct number cases[] = {
		{ "0", 0, UINT64_MAX, 0, 0 },
		{ "17", 0, UINT64_MAX, 0, 17 },
		{ "17B", 0, UINT64_MAX, 0, 17 },
		{ "64K", 0, UINT64_MAX, 0, 65536 },
		{ "64k", 0, UINT64_MAX, 0, 65536 },
		{ "64KB", 0, UINT64_MAX, 0, 65536 },
		{ "64KiB", 0, UINT64_MAX, 0, 65536 },
		{ "64kiB", 0, UINT64_MAX, 0, 65536 },
		{ "3M", 0, UINT64_MAX, 0, 3ull << 20 },
		{ "1.5G", 0, UINT64_MAX, 0, 3ull << 29 },
		{ "2T", 0, UINT64_MAX, 0, 2ull << 40 },
		{ "0.5K", 0, UINT64_MAX, 0, 512 },
		{ "0.1K", 0, UINT64_MAX, 0, 102 },
		{ "0.0009765625K", 0, UINT64_MAX, 0, 1 },
		{ "0.00097656249999999999999999K", 0, UINT64_MAX, 0, 0 },
		{ "0.99999999999999999999999999999T", 0, UINT64_MAX, 0, (1ull << 40) - 1 },
		{ "16777215T", 0, UINT64_MAX, 0, 16777215ull << 40 },
		{ "16777215.99T", 0, UINT64_MAX, 0, 18446744062714435338ull },
		{ "16777216T", 0, UINT64_MAX, -ERANGE, 0 },
		{ "18446744073709551615.5K", 0, UINT64_MAX, -ERANGE, 0 },
		{ "1K", 1025, UINT64_MAX, -ERANGE, 0 },
		{ "1K", 0, 1023, -ERANGE, 0 },
		{ "", 0, UINT64_MAX, -EINVAL, 0 },
		{ "K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1.5", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1.5B", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1.K", 0, UINT64_MAX, -EINVAL, 0 },
		{ ".5K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1.2.3K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1,5K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1iB", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1Ki", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1Kb", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1KK", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1 K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1X", 0, UINT64_MAX, -EINVAL, 0 },
		{ "-1K", 0, UINT64_MAX, -EINVAL, 0 },
		{ "99999999999999999999Kx", 0, UINT64_MAX, -EINVAL, 0 },
	};

	check(parse_size, cases, LEN(cases));
}

static void test_duration(void **state)
{
	static const struct number cases[] = {
		{ "0", 0, UINT64_MAX, 0, 0 },
		{ "30", 0, UINT64_MAX, 0, 30 * NS_PER_S },
		{ "30s", 0, UINT64_MAX, 0, 30 * NS_PER_S },
		{ "500ms", 0, UINT64_MAX, 0, NS_PER_S / 2 },
		{ "2m", 0, UINT64_MAX, 0, 120 * NS_PER_S },
		{ "1h", 0, UINT64_MAX, 0, 3600 * NS_PER_S },
		{ "1.5", 0, UINT64_MAX, 0, NS_PER_S + NS_PER_S / 2 },
		{ "0.25h", 0, UINT64_MAX, 0, 900 * NS_PER_S },
		{ "0.000000001", 0, UINT64_MAX, 0, 1 },
		{ "0.0000000009", 0, UINT64_MAX, 0, 0 },
		{ "5124095h", 0, UINT64_MAX, 0, 5124095ull * 3600 * NS_PER_S },
		{ "5124096h", 0, UINT64_MAX, -ERANGE, 0 },
		{ "1ms", NS_PER_S, UINT64_MAX, -ERANGE, 0 },
		{ "2", 0, NS_PER_S, -ERANGE, 0 },
		{ "", 0, UINT64_MAX, -EINVAL, 0 },
		{ "s", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1S", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1d", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1us", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1h30m", 0, UINT64_MAX, -EINVAL, 0 },
		{ "-1", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1.", 0, UINT64_MAX, -EINVAL, 0 },
		{ "1e3", 0, UINT64_MAX, -EINVAL, 0 },
	};

	check(parse_duration, cases, LEN(cases));
}

static void test_tos(void **state)
{
	static const struct {
		const char *s;
		int result;
		uint8_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "255", 0, 255 },
		{ "256", -ERANGE, 0 },
		{ "0x0", 0, 0 },
		{ "0xff", 0, 255 },
		{ "0XB8", 0, 0xb8 },
		{ "0x00010", 0, 0x10 },
		{ "0x100", -ERANGE, 0 },
		{ "0x10000000000000000000000001", -ERANGE, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0xg", -EINVAL, 0 },
		{ "af11", 0, 0x28 },
		{ "af12", 0, 0x30 },
		{ "af13", 0, 0x38 },
		{ "af21", 0, 0x48 },
		{ "af32", 0, 0x70 },
		{ "af43", 0, 0x98 },
		{ "AF41", 0, 0x88 },
		{ "af10", -EINVAL, 0 },
		{ "af14", -EINVAL, 0 },
		{ "af51", -EINVAL, 0 },
		{ "af111", -EINVAL, 0 },
		{ "af", -EINVAL, 0 },
		{ "cs0", 0, 0 },
		{ "cs1", 0, 0x20 },
		{ "cs7", 0, 0xe0 },
		{ "cs8", -EINVAL, 0 },
		{ "cs", -EINVAL, 0 },
		{ "ef", 0, 0xb8 },
		{ "lowdelay", 0, 0x10 },
		{ "throughput", 0, 0x08 },
		{ "reliability", 0, 0x04 },
		{ "critical", 0, 0xa0 },
		{ "inetcontrol", 0, 0xc0 },
		{ "netcontrol", 0, 0xe0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "efx", -EINVAL, 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		uint8_t out = 0x5a;
		int r = parse_tos(cases[i].s, &out);

		if (r != cases[i].result || out != (r ? 0x5a : cases[i].value))
			fail_msg("\"%s\": returned %d and 0x%02x", cases[i].s, r, out);
	}
}

static void test_mac(void **state)
{
	static const char *const good[] = { "52:54:00:ab:cd:0f", "52-54-00-AB-cd-0F" };
	static const char *const bad[] = {
		"",
		":",
		"52",
		"52:54:00:ab:cd",
		"52:54:00:ab:cd:",
		"52:54:00:ab:cd:f",
		"52:54:00:ab:cd:0f:",
		"52:54:00:ab:cd:0f:00",
		"52:54:00:ab:cd:0ff",
		"52:54:00:ab:cd:0g",
		"52:54:00:ab:cd:g0",
		"52:54:00:ab:cd:0f ",
		" 52:54:00:ab:cd:0f",
		"52:54-00:ab:cd:0f",
		"52-54:00-ab-cd-0f",
		"52:54:00:ab:cd-0f",
		"525400abcd0f",
		"5254.00ab.cd0f",
		"052:54:00:ab:cd:0f",
		"+2:54:00:ab:cd:0f",
	};
	static const uint8_t bytes[6] = { 0x52, 0x54, 0x00, 0xab, 0xcd, 0x0f };
	static const uint8_t untouched[6] = { 1, 2, 3, 4, 5, 6 };
	uint8_t out[6];

	for (size_t i = 0; i < LEN(good); i++) {
		memset(out, 0, sizeof(out));
		assert_int_equal(parse_mac(good[i], out), 0);
		assert_memory_equal(out, bytes, 6);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		memcpy(out, untouched, sizeof(out));
		if (parse_mac(bad[i], out) != -EINVAL || memcmp(out, untouched, 6) != 0)
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),      cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_tos),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
