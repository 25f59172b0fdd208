/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/text.h"

#include <stdio.h>
#include <string.h>

#include "util/units.h"

size_t text_vprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n;

	if (size == 0)
		return 0;
	n = vsnprintf(buf, size, fmt, ap);
	if (n < 0) {
		buf[0] = '\0';
		return 0;
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}

size_t text_printf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = text_vprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

/* What stands for one byte, at most "\xNN". Returns its length. */
static size_t quote_byte(char out[5], uint8_t byte)
{
	static const char plain[] = "\r\n\t\"\\", escaped[] = "rnt\"\\";
	static const char hex[] = "0123456789abcdef";
	const char *p = byte ? strchr(plain, byte) : NULL;

	if (p) {
		out[0] = '\\';
		out[1] = escaped[p - plain];
		return 2;
	}
	if (byte >= 0x20 && byte < 0x7f) {
		out[0] = (char)byte;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[byte >> 4];
	out[3] = hex[byte & 0xf];
	return 4;
}

size_t text_quote(char *buf, size_t size, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t used = 0;

	if (size == 0)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char piece[5];
		size_t n = quote_byte(piece, p[i]);

		if (used + n >= size)
			break;
		memcpy(buf + used, piece, n);
		used += n;
	}
	buf[used] = '\0';
	return used;
}

/*
 * Three significant digits, in the unit that leaves less than 1024 of them. The limits are those of
 * rounding: 9.996 has to become 10.0, and 1023.6 KiB has to become 1.00 MiB.
 */
static size_t print_scaled(char *buf, size_t size, double v, const char *per)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t last = sizeof(units) / sizeof(units[0]) - 1, i = 0;
	int decimals = 0;

	while (v >= 1023.5 && i < last) {
		v /= 1024;
		i++;
	}
	if (i > 0 && v < 99.95)
		decimals = v < 9.995 ? 2 : 1;
	return text_printf(buf, size, "%.*f %s%s", decimals, v, units[i], per);
}

size_t text_size(char *buf, size_t size, uint64_t bytes)
{
	return print_scaled(buf, size, (double)bytes, "");
}

size_t text_rate(char *buf, size_t size, uint64_t bytes, uint64_t ns)
{
	if (ns == 0)
		return text_printf(buf, size, "-");
	return print_scaled(buf, size, (double)bytes / (double)ns * (double)NS_PER_S, "/s");
}

/* ns in units of unit_ns, rounded to the nearest; cannot overflow. */
static unsigned long long rounded(uint64_t ns, uint64_t unit_ns)
{
	return ns / unit_ns + (ns % unit_ns >= unit_ns / 2);
}

size_t text_duration(char *buf, size_t size, uint64_t ns)
{
	unsigned long long hundredths = rounded(ns, NS_PER_S / 100);
	unsigned long long tenths = rounded(ns, NS_PER_S / 10);
	unsigned long long s = rounded(ns, NS_PER_S);

	if (hundredths < 1000)
		return text_printf(buf, size, "%llu.%02llu s", hundredths / 100, hundredths % 100);
	if (tenths < 600)
		return text_printf(buf, size, "%llu.%llu s", tenths / 10, tenths % 10);
	if (s < 3600)
		return text_printf(buf, size, "%llu:%02llu", s / 60, s % 60);
	return text_printf(buf, size, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}
