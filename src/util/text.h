/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - text made in buffers of fixed size, for messages
 *
 * Every function terminates its output with NUL and truncates what does not fit. None allocates.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* snprintf into a buffer, for modules that may not include stdio.h. Returns the length of what
 * fits, as all functions here do. */
size_t text_printf(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Bytes of a stranger, safe to print: printable ASCII as it is, the rest as \r \n \t \" \\ or \xNN.
 * Used for what a peer sent us, so that it cannot steer the terminal. An escape is never cut. */
size_t text_quote(char *buf, size_t size, const void *bytes, size_t len);

/* 1536 -> "1.50 KiB"; below 1024: "1023 B". Powers of 1024, three significant digits. */
size_t text_size(char *buf, size_t size, uint64_t bytes);

/* bytes in ns as bytes per second, the unit of disks and of text_size: "112 MiB/s". ns 0: "-". */
size_t text_rate(char *buf, size_t size, uint64_t bytes, uint64_t ns);

/* "0.42 s", "12.3 s", "3:07" (minutes:seconds), "1:02:03" from an hour on. */
size_t text_duration(char *buf, size_t size, uint64_t ns);
