/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor.h - bounds-checked reading and writing of big-endian fields
 *
 * A cursor walks over memory that the caller owns. The first access that does not fit sets `bad`;
 * every later access then does nothing and reads yield 0, so that a decoder needs one check at its
 * end instead of one after each field.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor_in {
	const uint8_t *p;
	size_t left;
	bool bad;
};

struct cursor_out {
	uint8_t *p;
	size_t left;
	bool bad;
};

/* Takes n bytes; NULL and `bad` when fewer are left. The pointer lives as long as the memory. */
static inline const uint8_t *cursor_get(struct cursor_in *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || c->left < n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static inline uint64_t cursor_get_be(struct cursor_in *c, size_t n)
{
	const uint8_t *p = cursor_get(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint8_t cursor_get_u8(struct cursor_in *c)
{
	return (uint8_t)cursor_get_be(c, 1);
}

static inline uint16_t cursor_get_u16(struct cursor_in *c)
{
	return (uint16_t)cursor_get_be(c, 2);
}

static inline uint32_t cursor_get_u32(struct cursor_in *c)
{
	return (uint32_t)cursor_get_be(c, 4);
}

static inline uint64_t cursor_get_u64(struct cursor_in *c)
{
	return cursor_get_be(c, 8);
}

/* Copies n bytes to dst, which stays untouched when they do not fit. */
static inline void cursor_get_bytes(struct cursor_in *c, void *dst, size_t n)
{
	const uint8_t *p = cursor_get(c, n);

	if (p && n)
		memcpy(dst, p, n);
}

static inline void cursor_put_be(struct cursor_out *c, uint64_t v, size_t n)
{
	if (c->bad || c->left < n) {
		c->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		c->p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	c->p += n;
	c->left -= n;
}

static inline void cursor_put_u8(struct cursor_out *c, uint8_t v)
{
	cursor_put_be(c, v, 1);
}

static inline void cursor_put_u16(struct cursor_out *c, uint16_t v)
{
	cursor_put_be(c, v, 2);
}

static inline void cursor_put_u32(struct cursor_out *c, uint32_t v)
{
	cursor_put_be(c, v, 4);
}

static inline void cursor_put_u64(struct cursor_out *c, uint64_t v)
{
	cursor_put_be(c, v, 8);
}

static inline void cursor_put_bytes(struct cursor_out *c, const void *src, size_t n)
{
	if (c->bad || c->left < n) {
		c->bad = true;
		return;
	}
	if (n)
		memcpy(c->p, src, n);
	c->p += n;
	c->left -= n;
}
