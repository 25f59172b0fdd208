/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.c - each frame as bytes: a header of 24 bytes, then the body
 *
 *   0      1       2      4        8        16       24
 *   | type | flags | zero | length | value  | check  | body: length bytes
 *   `------------- seed of the check -----'
 *
 * doc/PROTOCOL.md, "Frames", has the meaning of every field. All numbers are big-endian; cursors
 * (wire/cursor.h) do that.
 *
 * What always holds:
 * - The check covers type, length and value through its seed, and the body through its bytes: a
 *   flip anywhere in a frame is found, and a body cannot pass under another header.
 * - On a connection that authenticates its bytes, the check of DATA covers the header alone: the
 *   body's digest would be computed twice (wire_put_sealed_header).
 * - A decoder accepts what any later version may append, and refuses what contradicts itself.
 * - A put_ function and its get_ function name the same fields in the same order.
 */
#include "wire/frame.h"

#include <string.h>

#include "wire/cursor.h"

/* The part of the header that seeds the check: all before the check itself. */
#define SEED_LEN 16

uint64_t wire_seed(const uint8_t header[WIRE_HEADER_LEN])
{
	return digest_check(header, SEED_LEN, 0);
}

/* A header whose check covers the first checked bytes of the body. */
static void put_header(uint8_t out[WIRE_HEADER_LEN], enum wire_type type, uint64_t value,
		       const void *body, size_t length, size_t checked)
{
	struct cursor_out c = { .p = out, .left = WIRE_HEADER_LEN };

	cursor_put_u8(&c, (uint8_t)type);
	cursor_put_u8(&c, 0);
	cursor_put_u16(&c, 0);
	cursor_put_u32(&c, (uint32_t)length);
	cursor_put_u64(&c, value);
	cursor_put_u64(&c, digest_check(body, checked, wire_seed(out)));
}

void wire_put_header(uint8_t out[WIRE_HEADER_LEN], enum wire_type type, uint64_t value,
		     const void *body, size_t length)
{
	put_header(out, type, value, body, length, length);
}

void wire_put_sealed_header(uint8_t out[WIRE_HEADER_LEN], uint64_t value, size_t length)
{
	put_header(out, WIRE_DATA, value, "", length, 0);
}

/* The longest body of a type, and whether the type is one that may come. */
static int length_limit(uint8_t type, uint32_t *limit)
{
	if (type == WIRE_DATA)
		*limit = WIRE_DATA_MAX;
	else if ((type >= WIRE_HELLO && type < WIRE_TYPES) || type >= WIRE_OPTIONAL)
		*limit = WIRE_CONTROL_MAX;
	else
		return WIRE_E_MALFORMED;
	return 0;
}

int wire_get_header(const uint8_t in[WIRE_HEADER_LEN], struct wire_header *out)
{
	struct cursor_in c = { .p = in, .left = WIRE_HEADER_LEN };
	uint32_t limit;

	out->type = cursor_get_u8(&c);
	out->flags = cursor_get_u8(&c);
	cursor_get_u16(&c);
	out->length = cursor_get_u32(&c);
	out->value = cursor_get_u64(&c);
	out->check = cursor_get_u64(&c);
	if (length_limit(out->type, &limit) || out->length > limit)
		return WIRE_E_MALFORMED;
	if (out->type == WIRE_DATA && (!out->length || out->value > UINT64_MAX - out->length))
		return WIRE_E_MALFORMED;
	return 0;
}

bool wire_check_ok(const uint8_t in[WIRE_HEADER_LEN], const struct wire_header *h, const void *body)
{
	return digest_check(body, h->length, wire_seed(in)) == h->check;
}

/* Puts the header before a body that a cursor has written at out + WIRE_HEADER_LEN. */
static size_t finish(uint8_t *out, const struct cursor_out *c, enum wire_type type, uint64_t value)
{
	size_t length;

	if (c->bad)
		return 0;
	length = (size_t)(c->p - out) - WIRE_HEADER_LEN;
	wire_put_header(out, type, value, out + WIRE_HEADER_LEN, length);
	return WIRE_HEADER_LEN + length;
}

static struct cursor_out body_of(uint8_t *out, size_t size)
{
	struct cursor_out c = { .bad = size < WIRE_HEADER_LEN };

	if (!c.bad) {
		c.p = out + WIRE_HEADER_LEN;
		c.left = size - WIRE_HEADER_LEN;
	}
	return c;
}

size_t wire_put_hello(uint8_t *out, size_t size, const struct wire_hello *m)
{
	struct cursor_out c = body_of(out, size);

	cursor_put_u16(&c, m->version_min);
	cursor_put_u16(&c, m->version_max);
	cursor_put_u32(&c, m->features);
	cursor_put_u8(&c, m->kind);
	cursor_put_u8(&c, m->side);
	cursor_put_u16(&c, m->n_subflows);
	cursor_put_bytes(&c, m->session, sizeof(m->session));
	cursor_put_u64(&c, m->edge);
	wire_put_items(&c, &m->items);
	return finish(out, &c, WIRE_HELLO, 0);
}

int wire_get_hello(const uint8_t *body, size_t length, struct wire_hello *out)
{
	struct cursor_in c = { .p = body, .left = length };

	out->version_min = cursor_get_u16(&c);
	out->version_max = cursor_get_u16(&c);
	out->features = cursor_get_u32(&c);
	out->kind = cursor_get_u8(&c);
	out->side = cursor_get_u8(&c);
	out->n_subflows = cursor_get_u16(&c);
	cursor_get_bytes(&c, out->session, sizeof(out->session));
	out->edge = cursor_get_u64(&c);
	wire_get_items(&c, &out->items);
	if (c.bad || out->version_min > out->version_max || out->kind >= WIRE_HELLO_KINDS)
		return WIRE_E_MALFORMED;
	return 0;
}

size_t wire_put_welcome(uint8_t *out, size_t size, const struct wire_welcome *m)
{
	struct cursor_out c = body_of(out, size);

	cursor_put_u16(&c, m->version);
	cursor_put_u8(&c, m->side);
	cursor_put_u8(&c, 0);
	cursor_put_u32(&c, m->features);
	cursor_put_u16(&c, m->n_subflows);
	cursor_put_u16(&c, 0);
	cursor_put_u64(&c, m->edge);
	wire_put_items(&c, &m->items);
	return finish(out, &c, WIRE_WELCOME, 0);
}

int wire_get_welcome(const uint8_t *body, size_t length, struct wire_welcome *out)
{
	struct cursor_in c = { .p = body, .left = length };

	out->version = cursor_get_u16(&c);
	out->side = cursor_get_u8(&c);
	cursor_get_u8(&c);
	out->features = cursor_get_u32(&c);
	out->n_subflows = cursor_get_u16(&c);
	cursor_get_u16(&c);
	out->edge = cursor_get_u64(&c);
	wire_get_items(&c, &out->items);
	return c.bad ? WIRE_E_MALFORMED : 0;
}

size_t wire_put_ack(uint8_t *out, size_t size, const struct wire_ack *m)
{
	struct cursor_out c = body_of(out, size);

	cursor_put_u64(&c, m->taken);
	cursor_put_u64(&c, m->edge);
	cursor_put_u32(&c, m->n_ranges);
	cursor_put_u32(&c, 0);
	for (uint32_t i = 0; i < m->n_ranges; i++) {
		cursor_put_u64(&c, m->ranges[i].start);
		cursor_put_u64(&c, m->ranges[i].end);
	}
	return finish(out, &c, WIRE_ACK, m->received);
}

int wire_get_ack(const struct wire_header *h, const uint8_t *body, struct wire_ack *out)
{
	struct cursor_in c = { .p = body, .left = h->length };
	uint64_t low = h->value;

	out->received = h->value;
	out->taken = cursor_get_u64(&c);
	out->edge = cursor_get_u64(&c);
	out->n_ranges = cursor_get_u32(&c);
	cursor_get_u32(&c);
	if (c.bad || out->n_ranges > WIRE_ACK_RANGES || out->taken > out->received ||
	    out->edge < out->received)
		return WIRE_E_MALFORMED;
	for (uint32_t i = 0; i < out->n_ranges; i++) {
		struct wire_range *r = &out->ranges[i];

		r->start = cursor_get_u64(&c);
		r->end = cursor_get_u64(&c);
		/* A range that touched the one before it, or `received`, would be part of it. */
		if (c.bad || r->start <= low || r->end <= r->start)
			return WIRE_E_MALFORMED;
		low = r->end;
	}
	return 0;
}

size_t wire_put_end(uint8_t *out, size_t size, uint64_t total, const uint8_t digest[DIGEST_LEN])
{
	struct cursor_out c = body_of(out, size);

	cursor_put_bytes(&c, digest, DIGEST_LEN);
	return finish(out, &c, WIRE_END, total);
}

int wire_get_end(const uint8_t *body, size_t length, uint8_t digest[DIGEST_LEN])
{
	struct cursor_in c = { .p = body, .left = length };

	cursor_get_bytes(&c, digest, DIGEST_LEN);
	return c.bad ? WIRE_E_MALFORMED : 0;
}

size_t wire_put_links(uint8_t *out, size_t size, const struct wire_links *m)
{
	struct cursor_out c = body_of(out, size);

	wire_put_counters(&c, m);
	return finish(out, &c, WIRE_LINKS, m->time_ns);
}

int wire_get_links(const struct wire_header *h, const uint8_t *body, struct wire_links *out)
{
	struct cursor_in c = { .p = body, .left = h->length };

	wire_get_counters(&c, out);
	out->time_ns = h->value;
	return c.bad ? WIRE_E_MALFORMED : 0;
}

size_t wire_put_lane(uint8_t *out, size_t size, const struct wire_lane *m)
{
	struct cursor_out c = body_of(out, size);

	wire_put_lane_body(&c, m);
	return finish(out, &c, WIRE_LANE, 0);
}

int wire_get_lane(const struct wire_header *h, const uint8_t *body, struct wire_lane *out)
{
	struct cursor_in c = { .p = body, .left = h->length };

	wire_get_lane_body(&c, out);
	return c.bad ? WIRE_E_MALFORMED : 0;
}

size_t wire_put_facts(uint8_t *out, size_t size, uint64_t serial, const struct wire_facts *m)
{
	struct wire_items items = { .facts = *m };
	struct cursor_out c = body_of(out, size);

	wire_put_items(&c, &items);
	return finish(out, &c, WIRE_FACTS, serial);
}

int wire_get_facts(const uint8_t *body, size_t length, struct wire_facts *out)
{
	struct cursor_in c = { .p = body, .left = length };
	struct wire_items items;

	wire_get_items(&c, &items);
	*out = items.facts;
	return c.bad ? WIRE_E_MALFORMED : 0;
}

size_t wire_put_notice(uint8_t *out, size_t size, enum wire_type type, const struct wire_notice *m)
{
	struct cursor_out c = body_of(out, size);

	cursor_put_u16(&c, m->reason);
	cursor_put_u16(&c, 0);
	cursor_put_bytes(&c, m->text, strnlen(m->text, WIRE_TEXT_MAX));
	return finish(out, &c, type, m->offset);
}

int wire_get_notice(const struct wire_header *h, const uint8_t *body, struct wire_notice *out)
{
	struct cursor_in c = { .p = body, .left = h->length };
	size_t n;

	out->offset = h->value;
	out->reason = cursor_get_u16(&c);
	cursor_get_u16(&c);
	if (c.bad)
		return WIRE_E_MALFORMED;
	n = c.left < WIRE_TEXT_MAX ? c.left : WIRE_TEXT_MAX;
	cursor_get_bytes(&c, out->text, n);
	out->text[n] = '\0';
	/* It goes to a terminal: nothing in it may steer one. */
	for (char *p = out->text; p < out->text + n; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return 0;
}

size_t wire_put_cost(uint8_t *out, size_t size, const struct wire_cost *m)
{
	struct cursor_out c = body_of(out, size);

	cursor_put_u64(&c, m->busiest_ns);
	cursor_put_u8(&c, (uint8_t)m->busiest);
	for (int i = 0; i < WIRE_STAGES; i++)
		cursor_put_u8(&c, m->busy[i]);
	return finish(out, &c, WIRE_COST, m->cpu_ns);
}

int wire_get_cost(const struct wire_header *h, const uint8_t *body, struct wire_cost *out)
{
	struct cursor_in c = { .p = body, .left = h->length };
	uint8_t busiest;

	out->cpu_ns = h->value;
	out->busiest_ns = cursor_get_u64(&c);
	busiest = cursor_get_u8(&c);
	for (int i = 0; i < WIRE_STAGES; i++) {
		uint8_t busy = cursor_get_u8(&c);

		out->busy[i] = busy <= 100 ? busy : WIRE_BUSY_UNKNOWN;
	}
	if (c.bad || busiest >= WIRE_STAGES)
		return WIRE_E_MALFORMED;
	out->busiest = (enum wire_stage)busiest;
	return 0;
}

size_t wire_put_plain(uint8_t *out, size_t size, enum wire_type type, uint64_t value)
{
	struct cursor_out c = body_of(out, size);

	return finish(out, &c, type, value);
}

const char *wire_reason_text(unsigned reason)
{
	static const char *const text[] = {
		[WIRE_R_NONE] = "no reason given",
		[WIRE_R_BUSY] = "another session is running there",
		[WIRE_R_NO_SESSION] = "the session is not known there",
		[WIRE_R_VERSION] = "no protocol version in common",
		[WIRE_R_LIMIT] = "too many connections",
		[WIRE_R_CONFLICT] = "both ends only send or both only receive",
		[WIRE_R_PROTOCOL] = "the protocol was broken",
		[WIRE_R_OUTPUT] = "writing its output failed",
		[WIRE_R_INPUT] = "reading its input failed",
		[WIRE_R_SIGNAL] = "interrupted by a signal",
		[WIRE_R_TIMEOUT] = "idle for too long",
		[WIRE_R_DIGEST] = "the stream does not match its digest",
		[WIRE_R_STOPPED] = "it was asked to stop and had more to send",
		[WIRE_R_MEMORY] = "out of memory",
		[WIRE_R_KEY] = "it wants a key (--key) or a certificate (--cert)",
		[WIRE_R_PURPOSE] = "it is there for mpnc bench only",
		[WIRE_R_TARGET] = "the relay's target cannot be reached",
	};

	if (reason < sizeof(text) / sizeof(text[0]) && text[reason])
		return text[reason];
	return "a reason that this version does not know";
}
