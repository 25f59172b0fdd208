/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.h - numbers, sizes, durations and MAC addresses from users
 *
 * The whole string has to be consumed: no leading or trailing space, no sign, decimal only, a
 * fraction with a point and digits on both sides of it.
 * Each function returns 0, -EINVAL (not a number, unknown suffix) or -ERANGE (outside of min..max,
 * or too large for 64 bits), and leaves *out alone unless it returns 0.
 */
#pragma once

#include <stdint.h>

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes: a number, optionally with a fraction, and K, M, G or T (powers of 1024; lower case and a
 * trailing "iB" or "B" are accepted: 64K, 64k, 64KiB, 1.5G). What a fraction leaves below one byte
 * is dropped; a fraction of plain bytes is refused. */
int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* Nanoseconds: a number, optionally with a fraction, and ms, s, m or h; no suffix means seconds. */
int parse_duration(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns);

/* An IP TOS byte: 0..255 decimal, 0x00..0xff, or a DSCP name as OpenBSD netcat knows them
 * (af11..af43, cs0..cs7, ef, lowdelay, throughput, reliability, critical, inetcontrol, netcontrol).
 */
int parse_tos(const char *s, uint8_t *out);

/* An Ethernet address: six bytes of two hexadecimal digits each, with ":" between them all or "-"
 * between them all. Never -ERANGE. */
int parse_mac(const char *s, uint8_t out[6]);
