/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doc/PROTOCOL.md against the program: its tables of numbers against the headers, and each of its
 * vectors against what the encoders make of the values that the vector's words name.
 *
 * The page's bytes were made by a program that knows nothing of src/wire but the page. When one of
 * them has to change, the protocol has changed.
 */
#include "protocol-page.h"

#include <strings.h>

#include "hash/xmit_hash.h"
#include "session/proof.h"
#include "session/reasm.h"
#include "session/sendwin.h"
#include "session/session.h"
#include "tls/keyring.h"

#define PAGE    "doc/PROTOCOL.md"
#define VECTORS "## 11.", "### 11.5"
#define WRONG   "### 11.5", "## 12."

/* Tables
 * ------------------------------------------------------------------------------------------- */

static void assert_same_entries(const struct page_entries *page, const struct page_entries *program)
{
	static const struct page_entry nothing = { "nothing", 0 };

	for (size_t i = 0; i < page->n || i < program->n; i++) {
		const struct page_entry *told = i < page->n ? &page->entry[i] : &nothing;
		const struct page_entry *is = i < program->n ? &program->entry[i] : &nothing;

		if (strcasecmp(told->name, is->name) || told->number != is->number)
			fail_msg("the page says %llu %s, the program %llu %s", told->number,
				 told->name, is->number, is->name);
	}
}

/* Takes out what is no value on the wire. */
static void leave_out(struct page_entries *e, const char *name)
{
	size_t at = 0;

	while (at < e->n && strcmp(e->entry[at].name, name))
		at++;
	assert_true(at < e->n);
	memmove(&e->entry[at], &e->entry[at + 1], (--e->n - at) * sizeof(e->entry[0]));
}

static void assert_table_is_enum(const char *head, const char *header, const char *name,
				 const char *prefix, const char *without)
{
	char *page = page_load(PAGE), *source = page_load(header);
	struct page_entries told, program;

	page_table(page, head, &told);
	page_enum(source, name, prefix, &program);
	for (; *without; without += strlen(without) + 1)
		leave_out(&program, without);
	assert_same_entries(&told, &program);
	free(page);
	free(source);
}

static void test_frame_types(void **state)
{
	assert_table_is_enum("| type | name |", "src/wire/frame.h", "wire_type", "WIRE_",
			     "TYPES\0OPTIONAL\0");
}

static void test_reasons(void **state)
{
	assert_table_is_enum("| number | name |", "src/wire/frame.h", "wire_reason", "WIRE_R_", "");
}

static void test_kinds_of_hello(void **state)
{
	assert_table_is_enum("| kind | HELLO |", "src/wire/frame.h", "wire_hello_kind",
			     "WIRE_HELLO_", "");
}

static void test_side_bits(void **state)
{
	assert_table_is_enum("| bit | name |", "src/wire/frame.h", "wire_side", "WIRE_SIDE_", "");
}

static void test_kinds_of_facts(void **state)
{
	assert_table_is_enum("| kind | facts |", "src/wire/facts.h", "wire_facts_kind",
			     "WIRE_FACTS_", "NONE\0");
}

static void test_flags_of_facts(void **state)
{
	assert_table_is_enum("| bit | flag |", "src/wire/facts.h", "wire_facts_flag", "WIRE_FACTS_",
			     "");
}

static void test_items(void **state)
{
	assert_table_is_enum("| type | item |", "src/wire/facts.c", "item_type", "ITEM_", "");
}

static void test_variants(void **state)
{
	char *page = page_load(PAGE);
	struct page_entries told;

	page_table(page, "| variant | rule |", &told);
	assert_int_equal(told.n, HASH_N_VARIANTS - 1);
	for (unsigned i = 0; i < told.n; i++) {
		assert_int_equal(told.entry[i].number, i + 1);
		assert_string_equal(told.entry[i].name,
				    hash_variant_name((enum hash_variant)(i + 1)));
	}
	free(page);
}

/* "- the type is 0, or 17 to 127," against what the decoder does. */
static void test_types_that_are_malformed(void **state)
{
	char *page = page_load(PAGE);
	const char *p = page_after(page, "A header is malformed");
	bool malformed[256] = { false };

	p = strstr(p, "- the type is ");
	assert_non_null(p);
	for (p += strcspn(p, "0123456789"); *p != '\n'; p += strcspn(p, "0123456789\n")) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;

		if (strncmp(end, " to ", 4) == 0)
			to = strtoul(end + 4, &end, 10);
		assert_true(from <= to && to < 256);
		for (; from <= to; from++)
			malformed[from] = true;
		p = end;
	}
	for (unsigned type = 0; type < 256; type++) {
		uint8_t in[WIRE_HEADER_LEN] = { (uint8_t)type, [7] = 1 };
		struct wire_header h;

		if ((wire_get_header(in, &h) == WIRE_E_MALFORMED) != malformed[type])
			fail_msg("type %u: the page says %s", type,
				 malformed[type] ? "malformed" : "not malformed");
	}
	free(page);
}

static void test_limits(void **state)
{
	static const struct page_entry program[] = {
		{ "body of DATA", WIRE_DATA_MAX },
		{ "body of any other frame", WIRE_CONTROL_MAX },
		{ "text", WIRE_TEXT_MAX },
		{ "window", WIRE_INITIAL_WINDOW },
		{ "ranges in an ACK", WIRE_ACK_RANGES },
		{ "unacknowledged chunks", SENDWIN_CHUNKS },
		{ "gaps in what is held", REASM_RANGES },
		{ "addresses of a listener", WIRE_ADDRS_MAX },
		{ "links of one side", WIRE_LINKS_MAX },
		{ "connections of a session", SUBFLOWS_MAX },
	};
	char *page = page_load(PAGE);
	struct page_entries told;

	page_limits(page, "| limit | value |", &told);
	assert_int_equal(told.n, sizeof(program) / sizeof(program[0]));
	for (size_t i = 0; i < told.n; i++) {
		assert_string_equal(told.entry[i].name, program[i].name);
		assert_int_equal(told.entry[i].number, program[i].number);
	}
	free(page);
}

/* Values
 * ------------------------------------------------------------------------------------------- */

#define SESSION                                                                               \
	{                                                                                     \
		0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, \
			0x1d, 0x1e, 0x1f                                                      \
	}
#define CHALLENGE                                                                             \
	{                                                                                     \
		0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, \
			0xad, 0xae, 0xaf                                                      \
	}
#define EDGE (64ull << 20)

static const uint8_t session_number[] = SESSION, challenge[] = CHALLENGE;

#define CLIENT4                           \
	{                                 \
		4, { 10, 0, 0, 2 }, 40001 \
	}
#define LISTENER4                         \
	{                                 \
		4, { 10, 0, 0, 1 }, 31337 \
	}

static const struct wire_addr listener4 = LISTENER4;

/* Both begin versions 1 to 1. */
static struct wire_hello hello_of(enum wire_hello_kind kind)
{
	return (struct wire_hello){ .version_min = 1, .version_max = 1, .kind = (uint8_t)kind };
}

static struct wire_hello hello_of_session(enum wire_hello_kind kind, uint8_t side)
{
	struct wire_hello m = hello_of(kind);

	m.features = WIRE_FEATURE_PROVE;
	m.side = side;
	m.n_subflows = 4;
	memcpy(m.session, session_number, sizeof(m.session));
	m.edge = EDGE;
	return m;
}

static const struct wire_facts of_a_device = {
	.kind = WIRE_FACTS_PLAIN,
	.flags = WIRE_FACTS_MACS,
	.active = 255,
	.n_links = 1,
	.usable = 1,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.next_hop = { 2, 0, 0, 0, 0, 2 },
	.name = "eth0",
	.link = { { "eth0", 1000 } },
};

static const struct wire_facts of_a_bond = {
	.kind = WIRE_FACTS_BOND,
	.flags = WIRE_FACTS_ORDER | WIRE_FACTS_MACS,
	.mode = 4,
	.policy = 1,
	.variant = HASH_5_18,
	.active = 255,
	.n_links = 2,
	.vlan_tci = 7,
	.usable = 3,
	.joined = 3,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.next_hop = { 2, 0, 0, 0, 0, 2 },
	.name = "bond0",
	.link = { { "eth0", 10000 }, { "eth1", 25000 } },
};

static const struct wire_facts of_a_team = {
	.kind = WIRE_FACTS_TEAM,
	.flags = WIRE_FACTS_MACS,
	.mode = 255,
	.policy = 255,
	.team_parts = HASH_TEAM_ETH | HASH_TEAM_IPV4 | HASH_TEAM_IPV6 | HASH_TEAM_L4,
	.active = 255,
	.n_links = 2,
	.usable = 1,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.next_hop = { 2, 0, 0, 0, 0, 2 },
	.name = "team0",
	.link = { { "eth0", 10000 }, { "eth1", 10000 } },
};

static const struct wire_facts of_several = {
	.kind = WIRE_FACTS_SEVERAL,
	.mode = 255,
	.policy = 255,
	.active = 255,
	.n_links = 2,
	.usable = 3,
	.name = "eth0+eth1",
	.link = { { "eth0", 1000 }, { "eth1", 0 } },
};

/* Vectors
 * ---------------------------------------------------------------------------------------------- */

static size_t hello_new(uint8_t *out, size_t size)
{
	const struct wire_hello m = hello_of_session(WIRE_HELLO_NEW, 0);

	return wire_put_hello(out, size, &m);
}

static size_t hello_with_items(uint8_t *out, size_t size)
{
	struct wire_hello m = hello_of_session(WIRE_HELLO_NEW, 0);

	m.items.facts = of_a_device;
	m.items.names = (struct wire_names){ CLIENT4, LISTENER4 };
	memcpy(m.items.target, "db-1", 5);
	return wire_put_hello(out, size, &m);
}

static size_t hello_join(uint8_t *out, size_t size)
{
	struct wire_hello m = hello_of_session(WIRE_HELLO_JOIN, WIRE_SIDE_NO_INPUT);

	m.items.names = (struct wire_names){
		{ 6, { 0x20, 1, 0xd, 0xb8, [15] = 2 }, 40002 },
		{ 6, { 0x20, 1, 0xd, 0xb8, [15] = 1 }, 31337 },
	};
	return wire_put_hello(out, size, &m);
}

static size_t hello_query(uint8_t *out, size_t size)
{
	const struct wire_hello m = hello_of(WIRE_HELLO_QUERY);

	return wire_put_hello(out, size, &m);
}

static size_t hello_measure(uint8_t *out, size_t size)
{
	struct wire_hello m =
		hello_of_session(WIRE_HELLO_MEASURE, WIRE_SIDE_NO_INPUT | WIRE_SIDE_RECV_ONLY);

	m.items.wanted = 1 << 30;
	return wire_put_hello(out, size, &m);
}

static size_t hello_warm(uint8_t *out, size_t size)
{
	const struct wire_hello m = hello_of(WIRE_HELLO_WARM);

	return wire_put_hello(out, size, &m);
}

static size_t hello_prove(uint8_t *out, size_t size)
{
	struct wire_hello m = hello_of(WIRE_HELLO_PROVE);

	memcpy(m.session, challenge, sizeof(m.session));
	m.items.has_proof = true;
	proof_name(m.items.proof, session_number);
	return wire_put_hello(out, size, &m);
}

static size_t welcome(uint8_t *out, size_t size)
{
	const struct wire_welcome m = {
		.version = 1,
		.side = WIRE_SIDE_NO_INPUT | WIRE_SIDE_RECV_ONLY,
		.features = WIRE_FEATURE_PROVE,
		.n_subflows = 4,
		.edge = EDGE,
	};

	return wire_put_welcome(out, size, &m);
}

static size_t welcome_with_size(uint8_t *out, size_t size)
{
	const struct wire_welcome m = {
		.version = 1,
		.features = WIRE_FEATURES,
		.n_subflows = 4,
		.edge = 64 << 20,
		.items = { .size = 5ull << 30 },
	};

	return wire_put_welcome(out, size, &m);
}

static size_t welcome_with_addresses(uint8_t *out, size_t size)
{
	const struct wire_welcome m = {
		.version = 1,
		.features = WIRE_FEATURE_PROVE,
		.n_subflows = 16,
		.edge = EDGE,
		.items.addrs = { 2,
				 { { 4, { 10, 0, 1, 1 }, 0 },
				   { 6, { 0x20, 1, 0xd, 0xb8, [15] = 1 }, 0 } } },
	};

	return wire_put_welcome(out, size, &m);
}

static size_t welcome_to_prove(uint8_t *out, size_t size)
{
	struct wire_welcome m = { .version = 1 };

	m.items.names = (struct wire_names){ LISTENER4, CLIENT4 };
	m.items.has_proof = true;
	proof_make(m.items.proof, session_number, challenge, &listener4);
	return wire_put_welcome(out, size, &m);
}

static size_t refuse(uint8_t *out, size_t size)
{
	const struct wire_notice m = { .reason = WIRE_R_BUSY, .text = "busy" };

	return wire_put_notice(out, size, WIRE_REFUSE, &m);
}

static const char hello_world[] = "hello, world\n";
#define HELLO_LEN 13

static size_t data(uint8_t *out, size_t size)
{
	wire_put_header(out, WIRE_DATA, 0x100000002, hello_world, HELLO_LEN);
	memcpy(out + WIRE_HEADER_LEN, hello_world, HELLO_LEN);
	return WIRE_HEADER_LEN + HELLO_LEN;
}

static size_t data_within_tls(uint8_t *out, size_t size)
{
	wire_put_sealed_header(out, 0x100000002, HELLO_LEN);
	memcpy(out + WIRE_HEADER_LEN, hello_world, HELLO_LEN);
	return WIRE_HEADER_LEN + HELLO_LEN;
}

static size_t ack_without_ranges(uint8_t *out, size_t size)
{
	const struct wire_ack m = { .received = 100, .taken = 50, .edge = 1000 };

	return wire_put_ack(out, size, &m);
}

static size_t ack(uint8_t *out, size_t size)
{
	const struct wire_ack m = { .received = 100,
				    .taken = 50,
				    .edge = 1000,
				    .n_ranges = 2,
				    .ranges = { { 200, 300 }, { 400, 410 } } };

	return wire_put_ack(out, size, &m);
}

static size_t end_of(uint8_t *out, size_t size, size_t len)
{
	uint8_t value[DIGEST_LEN];
	struct digest *d;

	assert_int_equal(digest_new(&d), 0);
	digest_begin_stream(d);
	digest_feed_stream(d, hello_world, len);
	digest_stream_value(d, value);
	digest_free(d);
	return wire_put_end(out, size, len, value);
}

static size_t end(uint8_t *out, size_t size)
{
	return end_of(out, size, HELLO_LEN);
}

static size_t end_of_nothing(uint8_t *out, size_t size)
{
	return end_of(out, size, 0);
}

static size_t confirm(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_CONFIRM, HELLO_LEN);
}

static size_t stop(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_STOP, HELLO_LEN);
}

static size_t give_up(uint8_t *out, size_t size)
{
	const struct wire_notice m = { .reason = WIRE_R_OUTPUT, .offset = 12, .text = "disk full" };

	return wire_put_notice(out, size, WIRE_ABORT, &m);
}

static size_t ping(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_PING, 0x0102030405060708);
}

static size_t pong(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_PONG, 0x0102030405060708);
}

static size_t done(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_DONE, 0);
}

static size_t drain(uint8_t *out, size_t size)
{
	return wire_put_plain(out, size, WIRE_DRAIN, 0);
}

static size_t links(uint8_t *out, size_t size)
{
	const struct wire_links m = { .time_ns = 1250000000,
				      .n = 2,
				      .link = { { 1000, 2000 }, { 3000, 1ull << 40 } } };

	return wire_put_links(out, size, &m);
}

static size_t lane(uint8_t *out, size_t size)
{
	const struct wire_lane m = { .tx_possible = 6,
				     .rx_possible = 1u << 31,
				     .tx = 2,
				     .rx = 31,
				     .flags = WIRE_LANE_LOSSY };

	return wire_put_lane(out, size, &m);
}

static size_t cost(uint8_t *out, size_t size)
{
	const struct wire_cost m = { .cpu_ns = 500000000,
				     .busiest_ns = 300000000,
				     .busiest = WIRE_STAGE_NETWORK,
				     .busy = { 20, 90, WIRE_BUSY_UNKNOWN } };

	return wire_put_cost(out, size, &m);
}

static size_t facts_device(uint8_t *out, size_t size)
{
	return wire_put_facts(out, size, 1, &of_a_device);
}

static size_t facts_bond(uint8_t *out, size_t size)
{
	return wire_put_facts(out, size, 2, &of_a_bond);
}

static size_t facts_team(uint8_t *out, size_t size)
{
	return wire_put_facts(out, size, 3, &of_a_team);
}

static size_t facts_several(uint8_t *out, size_t size)
{
	return wire_put_facts(out, size, 4, &of_several);
}

static size_t facts_nothing(uint8_t *out, size_t size)
{
	const struct wire_facts none = { .kind = WIRE_FACTS_NONE };

	return wire_put_facts(out, size, 5, &none);
}

static size_t later(uint8_t *out, size_t size)
{
	wire_put_header(out, (enum wire_type)200, 7, "skip", 4);
	memcpy(out + WIRE_HEADER_LEN, "skip", 4);
	return WIRE_HEADER_LEN + 4;
}

static size_t name_of_session(uint8_t *out, size_t size)
{
	proof_name(out, session_number);
	return WIRE_PROOF_LEN;
}

static size_t proof_of_session(uint8_t *out, size_t size)
{
	proof_make(out, session_number, challenge, &listener4);
	return WIRE_PROOF_LEN;
}

/* The identity's text, "mpnc-" and 32 digits. */
static size_t psk_identity(uint8_t *out, size_t size)
{
	uint8_t key[KEY_LEN];

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	assert_int_equal(key_id(key, (char *)out), 0);
	return KEY_ID_LEN;
}

static const struct vector {
	const char *title;
	size_t (*put)(uint8_t *out, size_t size);
	bool no_frame;
	bool sealed;
} vectors[] = {
	{ "HELLO new", hello_new, false, false },
	{ "HELLO new with items", hello_with_items, false, false },
	{ "HELLO join", hello_join, false, false },
	{ "HELLO query", hello_query, false, false },
	{ "HELLO measure", hello_measure, false, false },
	{ "HELLO warm", hello_warm, false, false },
	{ "HELLO prove", hello_prove, false, false },
	{ "WELCOME", welcome, false, false },
	{ "WELCOME with addresses", welcome_with_addresses, false, false },
	{ "WELCOME with a size", welcome_with_size, false, false },
	{ "WELCOME to prove", welcome_to_prove, false, false },
	{ "REFUSE", refuse, false, false },
	{ "DATA", data, false, false },
	{ "DATA within TLS", data_within_tls, false, true },
	{ "ACK without ranges", ack_without_ranges, false, false },
	{ "ACK", ack, false, false },
	{ "END", end, false, false },
	{ "END of an empty stream", end_of_nothing, false, false },
	{ "CONFIRM", confirm, false, false },
	{ "STOP", stop, false, false },
	{ "ABORT", give_up, false, false },
	{ "PING", ping, false, false },
	{ "PONG", pong, false, false },
	{ "DONE", done, false, false },
	{ "DRAIN", drain, false, false },
	{ "LINKS", links, false, false },
	{ "LANE", lane, false, false },
	{ "COST", cost, false, false },
	{ "FACTS of a device", facts_device, false, false },
	{ "FACTS of a bond", facts_bond, false, false },
	{ "FACTS of a team", facts_team, false, false },
	{ "FACTS of several", facts_several, false, false },
	{ "FACTS without an item", facts_nothing, false, false },
	{ "a frame of a later version", later, false, false },
	{ "session name", name_of_session, true, false },
	{ "proof", proof_of_session, true, false },
	{ "PSK identity", psk_identity, true, false },
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static size_t index_of(const char *title)
{
	for (size_t i = 0; i < N_VECTORS; i++)
		if (strcmp(vectors[i].title, title) == 0)
			return i;
	fail_msg("the page has a vector that this test does not know: %s", title);
	return 0;
}

/* Each is what the program sends, and the page has them all. */
static void test_vectors(void **state)
{
	char *page = page_load(PAGE);
	struct page_reader r = page_read(page, VECTORS);
	bool seen[N_VECTORS] = { false };
	struct page_vector v;

	while (page_vector(&r, &v)) {
		size_t i = index_of(v.title);
		uint8_t got[PAGE_BYTES_MAX];

		page_same_bytes(v.title, v.bytes, v.len, got, vectors[i].put(got, sizeof(got)));
		assert_false(seen[i]);
		seen[i] = true;
	}
	for (size_t i = 0; i < N_VECTORS; i++)
		if (!seen[i])
			fail_msg("the page lacks the vector \"%s\"", vectors[i].title);
	free(page);
}

/* Decodes the body of a frame from the page; notes which HELLO, items and facts it has. */
struct cover {
	bool type[256], hello[256], facts[256], item[256];
};

static void cover_items(struct cover *c, const uint8_t *p, size_t len)
{
	struct wire_items items;
	struct cursor_in in = { .p = p, .left = len };

	while (in.left) {
		unsigned type = cursor_get_u16(&in);

		assert_true(type < 256);
		c->item[type] = true;
		cursor_get(&in, cursor_get_u16(&in));
		assert_false(in.bad);
	}
	in = (struct cursor_in){ .p = p, .left = len };
	wire_get_items(&in, &items);
	assert_false(in.bad);
	c->facts[items.facts.kind] = true;
}

static void cover_frame(struct cover *c, const struct wire_header *h, const uint8_t *body)
{
	struct wire_welcome w;
	struct wire_hello m;

	c->type[h->type] = true;
	if (h->type == WIRE_HELLO) {
		assert_int_equal(wire_get_hello(body, h->length, &m), 0);
		assert_int_equal(m.features & ~WIRE_FEATURES, 0);
		c->hello[m.kind] = true;
		cover_items(c, body + 36, h->length - 36);
	} else if (h->type == WIRE_WELCOME) {
		assert_int_equal(wire_get_welcome(body, h->length, &w), 0);
		assert_int_equal(w.features & ~WIRE_FEATURES, 0);
		cover_items(c, body + 20, h->length - 20);
	} else if (h->type == WIRE_FACTS) {
		cover_items(c, body, h->length);
	}
}

/* Every table's numbers have a vector, and every vector passes the decoder's tests. No vector shows
 * a feature that the protocol does not have. */
static void test_every_number_has_a_vector(void **state)
{
	char *page = page_load(PAGE);
	struct page_reader r = page_read(page, VECTORS);
	static struct cover c;
	struct page_entries told;
	struct page_vector v;

	while (page_vector(&r, &v)) {
		const struct vector *known = &vectors[index_of(v.title)];
		struct wire_header h;

		if (known->no_frame)
			continue;
		assert_true(v.len >= WIRE_HEADER_LEN);
		assert_int_equal(wire_get_header(v.bytes, &h), 0);
		assert_int_equal(v.len, WIRE_HEADER_LEN + h.length);
		assert_int_equal(wire_check_ok(v.bytes, &h, v.bytes + WIRE_HEADER_LEN),
				 !known->sealed);
		cover_frame(&c, &h, v.bytes + WIRE_HEADER_LEN);
	}
	page_table(page, "| type | name |", &told);
	for (size_t i = 0; i < told.n; i++)
		assert_true(c.type[told.entry[i].number]);
	page_table(page, "| kind | HELLO |", &told);
	for (size_t i = 0; i < told.n; i++)
		assert_true(c.hello[told.entry[i].number]);
	page_table(page, "| type | item |", &told);
	for (size_t i = 0; i < told.n; i++)
		assert_true(c.item[told.entry[i].number]);
	page_table(page, "| kind | facts |", &told);
	for (size_t i = 0; i < told.n; i++)
		assert_true(c.facts[told.entry[i].number]);
	free(page);
}

/* Frames that close the connection
 * -----------------------------------------------------------------------------------------------
 */

enum stage { HEADER, CHECK, BODY };

static const struct wrong {
	const char *title;
	enum stage stage; /* at which the fault is found */
} wrongs[] = {
	{ "a check that does not match", CHECK },
	{ "a type that is not optional", HEADER },
	{ "a body that is too long", HEADER },
	{ "DATA without bytes", HEADER },
	{ "DATA beyond 64 bits", HEADER },
	{ "HELLO of another kind", BODY },
	{ "HELLO whose versions descend", BODY },
	{ "HELLO that is too short", BODY },
	{ "an item beyond the body", BODY },
	{ "a target with a space", BODY },
	{ "ACK with more taken than held", BODY },
	{ "ACK with an edge below what is held", BODY },
	{ "ACK with a range that touches value", BODY },
	{ "ACK with ranges that touch", BODY },
	{ "END that is too short", BODY },
};

#define N_WRONGS (sizeof(wrongs) / sizeof(wrongs[0]))

static int decode(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_ack ack_got;
	uint8_t digest[DIGEST_LEN];
	struct wire_hello m;

	if (h->type == WIRE_HELLO)
		return wire_get_hello(body, h->length, &m);
	if (h->type == WIRE_ACK)
		return wire_get_ack(h, body, &ack_got);
	assert_int_equal(h->type, WIRE_END);
	return wire_get_end(body, h->length, digest);
}

static void assert_wrong(const struct wrong *w, const struct page_vector *v)
{
	const uint8_t *body = v->bytes + WIRE_HEADER_LEN;
	struct wire_header h;
	uint64_t check;
	int r;

	assert_true(v->len >= WIRE_HEADER_LEN);
	r = wire_get_header(v->bytes, &h);
	assert_int_equal(r, w->stage == HEADER ? WIRE_E_MALFORMED : 0);
	check = digest_check(body, v->len - WIRE_HEADER_LEN, wire_seed(v->bytes));
	/* The one that does not match differs in one bit. */
	assert_int_equal(__builtin_popcountll(check ^ h.check), w->stage == CHECK);
	if (w->stage != HEADER)
		assert_int_equal(v->len, WIRE_HEADER_LEN + h.length);
	if (w->stage == BODY)
		assert_int_equal(decode(&h, body), WIRE_E_MALFORMED);
}

/* Each is refused, at the stage where its fault is. */
static void test_frames_that_close(void **state)
{
	char *page = page_load(PAGE);
	struct page_reader r = page_read(page, WRONG);
	struct page_vector v;

	for (size_t i = 0; i < N_WRONGS; i++) {
		assert_true(page_vector(&r, &v));
		assert_string_equal(v.title, wrongs[i].title);
		assert_wrong(&wrongs[i], &v);
	}
	assert_false(page_vector(&r, &v));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_types),
		cmocka_unit_test(test_types_that_are_malformed),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_kinds_of_hello),
		cmocka_unit_test(test_side_bits),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_kinds_of_facts),
		cmocka_unit_test(test_flags_of_facts),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_number_has_a_vector),
		cmocka_unit_test(test_frames_that_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
