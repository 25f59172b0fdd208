/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/units.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void test_printf_fits(void **state)
{
	char buf[8];

	assert_int_equal(text_printf(buf, sizeof(buf), "%s-%d", "abc", 7), 5);
	assert_string_equal(buf, "abc-7");
	assert_int_equal(text_printf(buf, sizeof(buf), "%s", "1234567"), 7);
	assert_string_equal(buf, "1234567");
}

static void test_printf_truncates(void **state)
{
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	assert_int_equal(text_printf(buf, 4, "%s", "123456789"), 3);
	assert_string_equal(buf, "123");
	assert_int_equal(buf[4], 'x');
	assert_int_equal(text_printf(buf, 1, "%d", 5), 0);
	assert_string_equal(buf, "");
	buf[0] = 'x';
	assert_int_equal(text_printf(buf, 0, "%d", 5), 0);
	assert_int_equal(buf[0], 'x');
}

static void test_quote(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "", 0, "" },
		{ "SSH-2.0-x y~!", 13, "SSH-2.0-x y~!" },
		{ "GET /\r\n", 7, "GET /\\r\\n" },
		{ "\t\"\\", 3, "\\t\\\"\\\\" },
		{ "\0\x1b[2J\x7f", 6, "\\x00\\x1b[2J\\x7f" },
		{ "\x80\x9b\xff", 3, "\\x80\\x9b\\xff" },
		{ "ab\0cd", 5, "ab\\x00cd" },
		{ "abcdef", 3, "abc" },
	};
	char buf[64];

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = text_quote(buf, sizeof(buf), cases[i].in, cases[i].len);

		assert_string_equal(buf, cases[i].out);
		assert_int_equal(n, strlen(cases[i].out));
	}
}

/* At each size the output is terminated, within its bounds, and no escape is cut in two. */
static void test_quote_truncates(void **state)
{
	static const char in[] = "a\nb\x01"
				 "c";
	static const char whole[] = "a\\nb\\x01c";
	static const size_t fits[] = { 0, 0, 1, 1, 3, 4, 4, 4, 4, 8, 9 };
	char buf[16];

	for (size_t size = 0; size < LEN(fits); size++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(text_quote(buf, size, in, sizeof(in) - 1), fits[size]);
		assert_int_equal(buf[size], '#');
		if (size > 0) {
			assert_int_equal(strlen(buf), fits[size]);
			assert_memory_equal(buf, whole, fits[size]);
		}
	}
}

static void test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *out;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 10234, "9.99 KiB" },
		{ 10235, "10.0 KiB" },
		{ 102348, "99.9 KiB" },
		{ 102349, "100 KiB" },
		{ 1023 * 1024, "1023 KiB" },
		{ 1024 * 1024 - 513, "1023 KiB" },
		{ 1024 * 1024 - 512, "1.00 MiB" },
		{ 1024 * 1024 - 1, "1.00 MiB" },
		{ 1ull << 30, "1.00 GiB" },
		{ 2001111111552ull, "1.82 TiB" },
		{ 1ull << 50, "1.00 PiB" },
		{ 1ull << 60, "1.00 EiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[32];

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = text_size(buf, sizeof(buf), cases[i].bytes);

		assert_string_equal(buf, cases[i].out);
		assert_int_equal(n, strlen(buf));
	}
	assert_int_equal(text_size(buf, 4, 1536), 3);
	assert_string_equal(buf, "1.5");
}

static void test_rate(void **state)
{
	static const struct {
		uint64_t bytes, ns;
		const char *out;
	} cases[] = {
		{ 0, 0, "-" },
		{ 1 << 20, 0, "-" },
		{ 0, NS_PER_S, "0 B/s" },
		{ 1 << 20, NS_PER_S, "1.00 MiB/s" },
		{ 112ull << 20, NS_PER_S, "112 MiB/s" },
		{ 1 << 20, NS_PER_S / 2, "2.00 MiB/s" },
		{ 10, 4 * NS_PER_S, "2 B/s" },
		{ 1ull << 50, 1ull << 50, "954 MiB/s" },
	};
	char buf[32];

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = text_rate(buf, sizeof(buf), cases[i].bytes, cases[i].ns);

		assert_string_equal(buf, cases[i].out);
		assert_int_equal(n, strlen(buf));
	}
}

static void test_duration(void **state)
{
	static const struct {
		uint64_t ns;
		const char *out;
	} cases[] = {
		{ 0, "0.00 s" },
		{ 420 * NS_PER_MS, "0.42 s" },
		{ 4 * NS_PER_MS, "0.00 s" },
		{ 5 * NS_PER_MS, "0.01 s" },
		{ 9994 * NS_PER_MS, "9.99 s" },
		{ 9996 * NS_PER_MS, "10.0 s" },
		{ 12300 * NS_PER_MS, "12.3 s" },
		{ 59949 * NS_PER_MS, "59.9 s" },
		{ 59950 * NS_PER_MS, "1:00" },
		{ 187 * NS_PER_S, "3:07" },
		{ 3599 * NS_PER_S, "59:59" },
		{ 3599500 * NS_PER_MS, "1:00:00" },
		{ 3723 * NS_PER_S, "1:02:03" },
		{ 360000 * NS_PER_S, "100:00:00" },
		{ UINT64_MAX, "5124095:34:34" },
	};
	char buf[32];

	for (size_t i = 0; i < LEN(cases); i++) {
		size_t n = text_duration(buf, sizeof(buf), cases[i].ns);

		assert_string_equal(buf, cases[i].out);
		assert_int_equal(n, strlen(buf));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printf_fits), cmocka_unit_test(test_printf_truncates),
		cmocka_unit_test(test_quote),       cmocka_unit_test(test_quote_truncates),
		cmocka_unit_test(test_size),        cmocka_unit_test(test_rate),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
