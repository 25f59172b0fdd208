/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.c - a number, a fraction and a unit, without floating point
 *
 * A value is digits [ "." digits ] [ suffix ], and nothing before or after it. Floating point would
 * lose the last digits of a large size and depends on the locale, so the fraction is scaled as an
 * integer (scale_fraction).
 *
 * What always holds:
 * - Every step that can overflow is checked, and reading goes on to the end of the text: the answer
 *   is -EINVAL for what is no number at all, and -ERANGE only for a number that is too large.
 * - *out is written last, and only after all checks.
 */
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "util/units.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Reads the digits at *s and moves *s past all of them, even when the number is too large: what
 * follows then still decides between "not a number" and "out of range".
 */
static int read_digits(const char **s, uint64_t *out)
{
	uint64_t v = 0;
	bool large = false;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		large |= __builtin_mul_overflow(v, 10u, &v);
		large |= __builtin_add_overflow(v, (uint64_t)(**s - '0'), &v);
	}
	*out = v;
	return large ? -ERANGE : 0;
}

static int in_range(uint64_t v, uint64_t min, uint64_t max, uint64_t *out)
{
	if (v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int r;

	r = read_digits(&s, &v);
	if (r == -EINVAL || *s)
		return -EINVAL;
	return r ? r : in_range(v, min, max, out);
}

/*
 * The digits in [p, end) behind a decimal point, times unit, rounded down. From the last digit to
 * the first, each step divides by ten: no step rounds more than the whole would, and nothing
 * overflows however many digits there are, as long as ten units fit in 64 bits.
 */
static uint64_t scale_fraction(const char *p, const char *end, uint64_t unit)
{
	uint64_t v = 0;

	while (end > p) {
		end--;
		v = ((uint64_t)(*end - '0') * unit + v) / 10;
	}
	return v;
}

/* The factor that a suffix stands for; 0: there is no such suffix. */
typedef uint64_t unit_fn(const char *suffix);

static int parse_scaled(const char *s, unit_fn *unit_of, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *fraction = NULL, *fraction_end = NULL;
	uint64_t v, unit;
	int r;

	r = read_digits(&s, &v);
	if (r == -EINVAL)
		return r;
	if (*s == '.') {
		fraction = ++s;
		while (is_digit(*s))
			s++;
		fraction_end = s;
		if (fraction == fraction_end)
			return -EINVAL;
	}
	unit = unit_of(s);
	if (unit == 0 || (fraction && unit == 1))
		return -EINVAL;
	if (r || __builtin_mul_overflow(v, unit, &v) ||
	    __builtin_add_overflow(v, scale_fraction(fraction, fraction_end, unit), &v))
		return -ERANGE;
	return in_range(v, min, max, out);
}

static uint64_t size_unit(const char *suffix)
{
	static const char letters[] = "kmgt";
	const char *letter = *suffix ? strchr(letters, tolower((unsigned char)*suffix)) : NULL;
	unsigned shift = 0;

	if (letter) {
		shift = 10 * (unsigned)(letter - letters + 1);
		suffix++;
	}
	if (*suffix == '\0' || strcmp(suffix, "B") == 0 || (letter && strcmp(suffix, "iB") == 0))
		return 1ull << shift;
	return 0;
}

int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	return parse_scaled(s, size_unit, min, max, out);
}

static uint64_t duration_unit(const char *suffix)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_S },       { "ms", NS_PER_MS },      { "s", NS_PER_S },
		{ "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(suffix, units[i].suffix) == 0)
			return units[i].ns;
	}
	return 0;
}

int parse_duration(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns)
{
	return parse_scaled(s, duration_unit, min_ns, max_ns, out_ns);
}

/* 0 to 15; -EINVAL: it is none. */
static int hex_digit(char c)
{
	static const char hex[] = "0123456789abcdef";
	const char *digit = c ? strchr(hex, tolower((unsigned char)c)) : NULL;

	return digit ? (int)(digit - hex) : -EINVAL;
}

/* "0x" and one or more hexadecimal digits. */
static int parse_hex_byte(const char *s, uint8_t *out)
{
	unsigned v = 0;
	bool large = false;

	s += 2;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		int digit = hex_digit(*s);

		if (digit < 0)
			return -EINVAL;
		v = v << 4 | (unsigned)digit;
		large |= v > UINT8_MAX;
		v &= UINT8_MAX;
	}
	if (large)
		return -ERANGE;
	*out = (uint8_t)v;
	return 0;
}

/* Assured forwarding: "af", class 1 to 4, drop precedence 1 to 3. Class selector: "cs", 0 to 7. */
static bool tos_class(const char *s, uint8_t *out)
{
	if (strncasecmp(s, "af", 2) == 0 && s[2] >= '1' && s[2] <= '4' && s[3] >= '1' &&
	    s[3] <= '3' && !s[4]) {
		*out = (uint8_t)((s[2] - '0') << 5 | (s[3] - '0') << 3);
		return true;
	}
	if (strncasecmp(s, "cs", 2) == 0 && s[2] >= '0' && s[2] <= '7' && !s[3]) {
		*out = (uint8_t)((s[2] - '0') << 5);
		return true;
	}
	return false;
}

static bool tos_name(const char *s, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t tos;
	} names[] = {
		{ "ef", 0xb8 },          { "lowdelay", 0x10 }, { "throughput", 0x08 },
		{ "reliability", 0x04 }, { "critical", 0xa0 }, { "inetcontrol", 0xc0 },
		{ "netcontrol", 0xe0 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(s, names[i].name) == 0) {
			*out = names[i].tos;
			return true;
		}
	}
	return tos_class(s, out);
}

int parse_tos(const char *s, uint8_t *out)
{
	uint64_t v;
	int r;

	if (tos_name(s, out))
		return 0;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return parse_hex_byte(s, out);
	r = parse_u64(s, 0, UINT8_MAX, &v);
	if (r == 0)
		*out = (uint8_t)v;
	return r;
}

int parse_mac(const char *s, uint8_t out[6])
{
	uint8_t mac[6];
	char separator = ':';

	for (size_t i = 0; i < sizeof(mac); i++, s += 2) {
		int high, low;

		if (i == 1 && *s == '-')
			separator = '-';
		if (i > 0 && *s++ != separator)
			return -EINVAL;
		high = hex_digit(s[0]);
		low = high < 0 ? high : hex_digit(s[1]);
		if (low < 0)
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (*s)
		return -EINVAL;
	memcpy(out, mac, sizeof(mac));
	return 0;
}
