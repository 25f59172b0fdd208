/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.c - items: type, length, and the fields of one value
 *
 * The layouts are those of doc/PROTOCOL.md, "Items". Each item has a put_ and a get_ function that
 * name the same fields in the same order.
 *
 * What always holds:
 * - Reading is total: any bytes end in a value within its limits or in c->bad, and cursors never
 *   leave the body. A count is compared with its limit before it is used as an index.
 * - An item reads from a cursor of its own, so a short or long item cannot shift the one after it.
 * - What a later version may send is skipped and not an error: unknown items, bytes after an item's
 *   known fields, other kinds of facts, other address families.
 * - Names are made printable here, once, as they end on terminals. A target is refused instead: it
 *   selects something, and an altered name could select something else.
 */
#include "wire/facts.h"

#include <string.h>

enum item_type {
	ITEM_FACTS = 1,
	ITEM_NAMES = 2,
	ITEM_WANTED = 3,
	ITEM_ADDRESSES = 4,
	ITEM_TARGET = 5,
	ITEM_PROOF = 6,
	ITEM_SIZE = 7,
};

/* size: of the array, which has room for a NUL; at most 256. */
static void put_text(struct cursor_out *c, const char *text, size_t size)
{
	size_t n = strnlen(text, size - 1);

	cursor_put_u8(c, (uint8_t)n);
	cursor_put_bytes(c, text, n);
}

/* It goes to a terminal: nothing in it may steer one. */
static void get_name(struct cursor_in *c, char name[WIRE_NAME_LEN])
{
	size_t n = cursor_get_u8(c);

	memset(name, 0, WIRE_NAME_LEN);
	if (n >= WIRE_NAME_LEN) {
		c->bad = true;
		return;
	}
	cursor_get_bytes(c, name, n);
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~')
			name[i] = '?';
}

static void put_facts(struct cursor_out *c, const struct wire_facts *f)
{
	cursor_put_u8(c, f->kind);
	cursor_put_u8(c, f->flags);
	cursor_put_u8(c, f->mode);
	cursor_put_u8(c, f->policy);
	cursor_put_u8(c, f->variant);
	cursor_put_u8(c, f->team_parts);
	cursor_put_u8(c, f->active);
	cursor_put_u8(c, f->n_links);
	cursor_put_u16(c, f->vlan_tci);
	cursor_put_u16(c, 0);
	cursor_put_u32(c, f->usable);
	cursor_put_u32(c, f->joined);
	cursor_put_bytes(c, f->mac, sizeof(f->mac));
	cursor_put_bytes(c, f->next_hop, sizeof(f->next_hop));
	put_text(c, f->name, WIRE_NAME_LEN);
	for (unsigned i = 0; i < f->n_links; i++) {
		cursor_put_u32(c, f->link[i].speed);
		put_text(c, f->link[i].name, WIRE_NAME_LEN);
	}
}

/* Of facts on the wire: fields, then a name and a speed for the device and for each link. */
#define FACTS_LEN_MAX (64 + WIRE_LINKS_MAX * (4 + WIRE_NAME_LEN))

/* What is compared is what would be sent: padding, and links beyond the last one, are not. */
bool wire_facts_same(const struct wire_facts *a, const struct wire_facts *b)
{
	uint8_t as[FACTS_LEN_MAX], bs[FACTS_LEN_MAX];
	struct cursor_out ca = { .p = as, .left = sizeof(as) },
			  cb = { .p = bs, .left = sizeof(bs) };

	put_facts(&ca, a);
	put_facts(&cb, b);
	return ca.left == cb.left && memcmp(as, bs, sizeof(as) - ca.left) == 0;
}

static void get_facts(struct cursor_in *c, struct wire_facts *f)
{
	*f = (struct wire_facts){ 0 };
	f->kind = cursor_get_u8(c);
	f->flags = cursor_get_u8(c);
	f->mode = cursor_get_u8(c);
	f->policy = cursor_get_u8(c);
	f->variant = cursor_get_u8(c);
	f->team_parts = cursor_get_u8(c);
	f->active = cursor_get_u8(c);
	f->n_links = cursor_get_u8(c);
	f->vlan_tci = cursor_get_u16(c);
	cursor_get_u16(c);
	f->usable = cursor_get_u32(c);
	f->joined = cursor_get_u32(c);
	cursor_get_bytes(c, f->mac, sizeof(f->mac));
	cursor_get_bytes(c, f->next_hop, sizeof(f->next_hop));
	get_name(c, f->name);
	if (f->n_links > WIRE_LINKS_MAX) {
		c->bad = true;
		return;
	}
	for (unsigned i = 0; i < f->n_links; i++) {
		f->link[i].speed = cursor_get_u32(c);
		get_name(c, f->link[i].name);
	}
	/* A later version's kind. */
	if (f->kind > WIRE_FACTS_SEVERAL || f->kind == WIRE_FACTS_NONE)
		*f = (struct wire_facts){ 0 };
}

static void put_addr(struct cursor_out *c, const struct wire_addr *a)
{
	cursor_put_u8(c, a->family);
	cursor_put_u8(c, 0);
	cursor_put_u16(c, a->port);
	cursor_put_bytes(c, a->addr, sizeof(a->addr));
}

static void get_addr(struct cursor_in *c, struct wire_addr *a)
{
	a->family = cursor_get_u8(c);
	cursor_get_u8(c);
	a->port = cursor_get_u16(c);
	cursor_get_bytes(c, a->addr, sizeof(a->addr));
}

static void put_names(struct cursor_out *c, const struct wire_names *n)
{
	put_addr(c, &n->local);
	put_addr(c, &n->remote);
}

static bool is_ip(const struct wire_addr *a)
{
	return a->family == 4 || a->family == 6;
}

static void get_names(struct cursor_in *c, struct wire_names *n)
{
	get_addr(c, &n->local);
	get_addr(c, &n->remote);
	if (!is_ip(&n->local) || !is_ip(&n->remote))
		*n = (struct wire_names){ 0 };
}

static void put_addrs(struct cursor_out *c, const struct wire_addrs *a)
{
	cursor_put_u32(c, a->n);
	for (unsigned i = 0; i < a->n; i++) {
		cursor_put_u32(c, a->addr[i].family);
		cursor_put_bytes(c, a->addr[i].addr, sizeof(a->addr[i].addr));
	}
}

static void get_addrs(struct cursor_in *c, struct wire_addrs *a)
{
	uint32_t n = cursor_get_u32(c);

	memset(a, 0, sizeof(*a));
	if (n > WIRE_ADDRS_MAX) {
		c->bad = true;
		return;
	}
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		uint32_t family = cursor_get_u32(c);
		uint8_t bytes[sizeof(a->addr[0].addr)] = { 0 };

		cursor_get_bytes(c, bytes, sizeof(bytes));
		/* Another is a later version's. */
		if (family != 4 && family != 6)
			continue;
		a->addr[a->n].family = (uint8_t)family;
		memcpy(a->addr[a->n++].addr, bytes, sizeof(bytes));
	}
}

bool wire_is_target(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";
	size_t n = strspn(name, letters);

	return n && n < WIRE_TARGET_LEN && !name[n];
}

/* One that cannot be a name is not made into another: it would be a target that nobody meant. */
static void get_target(struct cursor_in *c, char target[WIRE_TARGET_LEN])
{
	size_t n = cursor_get_u8(c);

	memset(target, 0, WIRE_TARGET_LEN);
	if (n < WIRE_TARGET_LEN)
		cursor_get_bytes(c, target, n);
	c->bad |= strlen(target) != n || !wire_is_target(target);
}

/* Leaves room for type and length; item_end fills it. */
static uint8_t *item_begin(struct cursor_out *c)
{
	uint8_t *start = c->p;

	cursor_put_u32(c, 0);
	return start;
}

static void item_end(struct cursor_out *c, uint8_t *start, enum item_type type)
{
	struct cursor_out head = { .p = start, .left = 4 };

	if (c->bad)
		return;
	cursor_put_u16(&head, (uint16_t)type);
	cursor_put_u16(&head, (uint16_t)(c->p - start - 4));
}

void wire_put_items(struct cursor_out *c, const struct wire_items *items)
{
	uint8_t *start;

	if (items->facts.kind != WIRE_FACTS_NONE) {
		start = item_begin(c);
		put_facts(c, &items->facts);
		item_end(c, start, ITEM_FACTS);
	}
	if (items->names.local.family) {
		start = item_begin(c);
		put_names(c, &items->names);
		item_end(c, start, ITEM_NAMES);
	}
	if (items->addrs.n) {
		start = item_begin(c);
		put_addrs(c, &items->addrs);
		item_end(c, start, ITEM_ADDRESSES);
	}
	if (items->wanted) {
		start = item_begin(c);
		cursor_put_u64(c, items->wanted);
		item_end(c, start, ITEM_WANTED);
	}
	if (items->target[0]) {
		start = item_begin(c);
		put_text(c, items->target, WIRE_TARGET_LEN);
		item_end(c, start, ITEM_TARGET);
	}
	if (items->has_proof) {
		start = item_begin(c);
		cursor_put_bytes(c, items->proof, WIRE_PROOF_LEN);
		item_end(c, start, ITEM_PROOF);
	}
	if (items->size) {
		start = item_begin(c);
		cursor_put_u64(c, items->size);
		item_end(c, start, ITEM_SIZE);
	}
}

static void get_proof(struct cursor_in *c, struct wire_items *out)
{
	cursor_get_bytes(c, out->proof, WIRE_PROOF_LEN);
	out->has_proof = !c->bad;
}

void wire_get_items(struct cursor_in *c, struct wire_items *out)
{
	memset(out, 0, sizeof(*out));
	while (c->left && !c->bad) {
		unsigned type = cursor_get_u16(c);
		size_t length = cursor_get_u16(c);
		struct cursor_in item = { .left = length };

		item.p = cursor_get(c, length);
		if (c->bad)
			return;
		/* Bytes behind an item's known fields are a later version's. */
		if (type == ITEM_FACTS)
			get_facts(&item, &out->facts);
		else if (type == ITEM_NAMES)
			get_names(&item, &out->names);
		else if (type == ITEM_WANTED)
			out->wanted = cursor_get_u64(&item);
		else if (type == ITEM_ADDRESSES)
			get_addrs(&item, &out->addrs);
		else if (type == ITEM_TARGET)
			get_target(&item, out->target);
		else if (type == ITEM_PROOF)
			get_proof(&item, out);
		else if (type == ITEM_SIZE)
			out->size = cursor_get_u64(&item);
		c->bad = item.bad;
	}
}

void wire_put_counters(struct cursor_out *c, const struct wire_links *links)
{
	cursor_put_u32(c, links->n);
	cursor_put_u32(c, 0);
	for (unsigned i = 0; i < links->n; i++) {
		cursor_put_u64(c, links->link[i].tx_bytes);
		cursor_put_u64(c, links->link[i].rx_bytes);
	}
}

void wire_get_counters(struct cursor_in *c, struct wire_links *out)
{
	memset(out, 0, sizeof(*out));
	out->n = cursor_get_u32(c);
	cursor_get_u32(c);
	if (out->n > WIRE_LINKS_MAX) {
		c->bad = true;
		return;
	}
	for (unsigned i = 0; i < out->n; i++) {
		out->link[i].tx_bytes = cursor_get_u64(c);
		out->link[i].rx_bytes = cursor_get_u64(c);
	}
}

void wire_put_lane_body(struct cursor_out *c, const struct wire_lane *lane)
{
	cursor_put_u32(c, lane->tx_possible);
	cursor_put_u32(c, lane->rx_possible);
	cursor_put_u8(c, lane->tx);
	cursor_put_u8(c, lane->rx);
	cursor_put_u16(c, lane->flags);
}

void wire_get_lane_body(struct cursor_in *c, struct wire_lane *out)
{
	out->tx_possible = cursor_get_u32(c);
	out->rx_possible = cursor_get_u32(c);
	out->tx = cursor_get_u8(c);
	out->rx = cursor_get_u8(c);
	out->flags = cursor_get_u16(c);
}
