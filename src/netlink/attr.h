/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attr.h - netlink messages and attributes, read without trusting their number, order or length
 *
 * A table of attributes is indexed by type; those that are absent are NULL, and each getter takes
 * NULL. Tables point into the message and live as long as it does.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The message after previous in a buffer of len bytes, or the first one (NULL); NULL: no whole one
 * is left. Unlike mnl_nlmsg_ok this is right for lengths from 2 GiB on too. */
const struct nlmsghdr *attr_message(const char *buffer, size_t len,
				    const struct nlmsghdr *previous);

/* Of the payload after a fixed header of header_len bytes. */
void attr_table(const struct nlmsghdr *message, size_t header_len, const struct nlattr **tb,
		unsigned n);

/* Of an attribute that holds others. */
void attr_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned n);

/* The attributes inside nest one by one, when there are several of one type: previous is NULL for
 * the first. NULL: no more. */
const struct nlattr *attr_each(const struct nlattr *nest, const struct nlattr *previous);

/* The fixed header, or NULL if the message is too short for it. */
const void *attr_header(const struct nlmsghdr *message, size_t header_len);

/* A number of 1, 2, 4 or 8 bytes in host order, cut to the type; without one, otherwise. */
uint64_t attr_u64(const struct nlattr *attr, uint64_t otherwise);

static inline uint32_t attr_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return (uint32_t)attr_u64(attr, otherwise);
}

static inline uint16_t attr_u16(const struct nlattr *attr, uint16_t otherwise)
{
	return (uint16_t)attr_u64(attr, otherwise);
}

static inline uint8_t attr_u8(const struct nlattr *attr, uint8_t otherwise)
{
	return (uint8_t)attr_u64(attr, otherwise);
}

/* Copies exactly len bytes; false, and nothing copied, if the attribute is of another length. */
bool attr_bytes(const struct nlattr *attr, void *dst, size_t len);

/* The same of an attribute that may be longer, as structs that grew in newer kernels. */
bool attr_prefix(const struct nlattr *attr, void *dst, size_t len);

/* Copies a string, with or without its NUL; "" without one, cut to what fits. */
void attr_text(const struct nlattr *attr, char *dst, size_t size);
