/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink/attr.h"

#include <string.h>

const struct nlmsghdr *attr_message(const char *buffer, size_t len, const struct nlmsghdr *previous)
{
	const struct nlmsghdr *message = (const void *)buffer;
	size_t left = len;

	if (previous) {
		size_t end = (size_t)((const char *)previous - buffer) +
			     NLMSG_ALIGN((size_t)previous->nlmsg_len);

		left = end < len ? len - end : 0;
		message = (const void *)(buffer + len - left);
	}
	if (left < sizeof(*message) || message->nlmsg_len < sizeof(*message) ||
	    message->nlmsg_len > left)
		return NULL;
	return message;
}

/* The attribute after previous, or the first; NULL when no whole one is left. */
static const struct nlattr *next(const char *begin, size_t len, const struct nlattr *previous)
{
	const char *at = previous ? (const char *)mnl_attr_next(previous) : begin;
	const struct nlattr *attr = (const void *)at;

	/* Padding of the last one may go beyond the end. */
	return mnl_attr_ok(attr, (int)(begin + len - at)) ? attr : NULL;
}

static void fill(const char *begin, size_t len, const struct nlattr **tb, unsigned n)
{
	const struct nlattr *attr = next(begin, len, NULL);

	memset(tb, 0, n * sizeof(*tb));
	for (; attr; attr = next(begin, len, attr)) {
		unsigned type = mnl_attr_get_type(attr);

		if (type < n)
			tb[type] = attr;
	}
}

void attr_table(const struct nlmsghdr *message, size_t header_len, const struct nlattr **tb,
		unsigned n)
{
	size_t len = mnl_nlmsg_get_payload_len(message);
	size_t skip = NLMSG_ALIGN(header_len);

	if (len < skip)
		len = skip;
	fill((const char *)mnl_nlmsg_get_payload(message) + skip, len - skip, tb, n);
}

void attr_nested(const struct nlattr *nest, const struct nlattr **tb, unsigned n)
{
	if (nest)
		fill(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), tb, n);
	else
		memset(tb, 0, n * sizeof(*tb));
}

const struct nlattr *attr_each(const struct nlattr *nest, const struct nlattr *previous)
{
	return next(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), previous);
}

const void *attr_header(const struct nlmsghdr *message, size_t header_len)
{
	if (mnl_nlmsg_get_payload_len(message) < header_len)
		return NULL;
	return mnl_nlmsg_get_payload(message);
}

uint64_t attr_u64(const struct nlattr *attr, uint64_t otherwise)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (attr_bytes(attr, &u8, sizeof(u8)))
		return u8;
	if (attr_bytes(attr, &u16, sizeof(u16)))
		return u16;
	if (attr_bytes(attr, &u32, sizeof(u32)))
		return u32;
	return attr_bytes(attr, &u64, sizeof(u64)) ? u64 : otherwise;
}

bool attr_bytes(const struct nlattr *attr, void *dst, size_t len)
{
	return attr && mnl_attr_get_payload_len(attr) == len && attr_prefix(attr, dst, len);
}

bool attr_prefix(const struct nlattr *attr, void *dst, size_t len)
{
	if (!attr || mnl_attr_get_payload_len(attr) < len)
		return false;
	memcpy(dst, mnl_attr_get_payload(attr), len);
	return true;
}

void attr_text(const struct nlattr *attr, char *dst, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(dst, mnl_attr_get_payload(attr), len);
	dst[len] = '\0';
}
