/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cidr.h - blocks of IP addresses: 10.0.0.0/8, 2001:db8::/32, or one address
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv4 block is one of IPv4-mapped addresses, ::ffff:0:0/96 being all of them. */
struct cidr {
	uint8_t addr[16]; /* 0 behind the prefix */
	uint8_t bits;     /* of the prefix, 0 to 128 */
	bool ipv4;
};

/* Reads the first len bytes of s. Bits behind the prefix may be set, and are dropped. Returns 0 or
 * -EINVAL, and leaves *out alone unless it returns 0. */
int cidr_parse(const char *s, size_t len, struct cidr *out);

/* addr: an IPv6 address, which is an IPv4 one if it is mapped. A block has no addresses of the
 * other family: ::/0 is no IPv4 address. */
bool cidr_contains(const struct cidr *block, const uint8_t addr[16]);
