/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "hash/release.h"
#include "hash/xmit_hash.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct flow tcp(const char *src, const char *dst, uint16_t sport, uint16_t dport)
{
	struct flow f = { .sport = sport, .dport = dport, .protocol = FLOW_TCP };
	int af = strchr(src, ':') ? AF_INET6 : AF_INET;

	f.family = af == AF_INET6 ? FLOW_IPV6 : FLOW_IPV4;
	assert_int_equal(inet_pton(af, src, f.src), 1);
	assert_int_equal(inet_pton(af, dst, f.dst), 1);
	return f;
}

static struct flow with_macs(struct flow f)
{
	const uint8_t smac[6] = { 0x02, 0x01, 0x23, 0x45, 0x67, 0x11 };
	const uint8_t dmac[6] = { 0x02, 0x89, 0xab, 0xcd, 0xef, 0x22 };

	f.macs_known = true;
	memcpy(f.smac, smac, 6);
	memcpy(f.dmac, dmac, 6);
	return f;
}

static struct hash_bond bond_of(unsigned n)
{
	return (struct hash_bond){ .mode = HASH_8023AD,
				   .policy = HASH_LAYER34,
				   .variant = HASH_5_18,
				   .n_links = n,
				   .usable = n < 32 ? (1u << n) - 1 : UINT32_MAX,
				   .active = -1 };
}

static uint32_t value(enum hash_policy p, enum hash_variant v, enum hash_order o, struct flow f)
{
	uint32_t h = 0;

	assert_int_equal(hash_value(p, v, o, &f, &h), HASH_OK);
	return h;
}

static unsigned link_of(struct hash_bond b, struct flow f)
{
	unsigned link = 99;

	assert_int_equal(hash_link(&b, &f, &link), HASH_OK);
	return link;
}

static int reason_of(struct hash_bond b, struct flow f)
{
	unsigned link;

	return hash_link(&b, &f, &link);
}

/* A small generator: these tests need variety, not luck. */
static uint32_t next(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*x >> 32);
}

static struct flow random_flow(uint64_t *x)
{
	struct flow f = { .family = next(x) & 1 ? FLOW_IPV6 : FLOW_IPV4, .protocol = FLOW_TCP };

	for (int i = 0; i < 16; i++) {
		f.src[i] = (uint8_t)next(x);
		f.dst[i] = (uint8_t)next(x);
	}
	f.sport = (uint16_t)next(x);
	f.dport = (uint16_t)next(x);
	return with_macs(f);
}

/* Known answers of real drivers and of the formula, on little endian, to port 5201. --------------
 */

static const struct vector {
	const char *src, *dst;
	uint16_t sport;
	uint32_t h; /* 4.15 and later */
	unsigned link[5];
	uint32_t unshifted; /* 3.13 */
	uint32_t old;
	uint8_t team;
} vectors[] = {
	{ "10.1.0.1", "10.1.0.77", 40000, 0x0e84a4ea, { 0, 1, 2, 4, 2 }, 0x1d0949d5, 0x885d, 0xd5 },
	{ "10.1.0.1", "10.1.0.77", 40001, 0x0e84a46a, { 0, 2, 2, 1, 2 }, 0x1d0948d4, 0x885c, 0xd4 },
	{ "10.1.0.1", "10.1.0.77", 40002, 0x0e84a5eb, { 1, 0, 3, 1, 3 }, 0x1d094bd7, 0x885f, 0xd7 },
	{ "10.1.0.1", "10.1.0.77", 40003, 0x0e84a56b, { 1, 1, 3, 3, 3 }, 0x1d094ad6, 0x885e, 0xd6 },
	{ "10.1.0.1", "10.1.0.77", 51514, 0x0e8499fd, { 1, 0, 1, 2, 5 }, 0x1d0933fa, 0xdd27, 0xfa },
	{ "192.168.10.21",
	  "192.168.10.200",
	  40000,
	  0x464c6c22,
	  { 0, 0, 2, 3, 2 },
	  0x8c98d844,
	  0x88cc,
	  0x44 },
	{ "192.168.10.21",
	  "192.168.10.200",
	  40001,
	  0x464c6ca2,
	  { 0, 2, 2, 1, 2 },
	  0x8c98d945,
	  0x88cd,
	  0x45 },
	{ "192.168.10.21",
	  "192.168.10.200",
	  40002,
	  0x464c6d23,
	  { 1, 2, 3, 0, 3 },
	  0x8c98da46,
	  0x88ce,
	  0x46 },
	{ "192.168.10.21",
	  "192.168.10.200",
	  51514,
	  0x464c5135,
	  { 1, 1, 1, 0, 5 },
	  0x8c98a26b,
	  0xddb6,
	  0x6b },
	{ "fd00:1::1:2:3",
	  "fd00:1::a1b2:77",
	  40000,
	  0x1218607e,
	  { 0, 0, 2, 4, 6 },
	  0x2430c0fd,
	  0x75754dfd,
	  0xfd },
	{ "fd00:1::1:2:3",
	  "fd00:1::a1b2:77",
	  40001,
	  0x121860fe,
	  { 0, 2, 2, 2, 6 },
	  0x2430c1fc,
	  0x75754dfc,
	  0xfc },
	{ "fd00:1::1:2:3",
	  "fd00:1::a1b2:77",
	  51514,
	  0x12185d69,
	  { 1, 0, 1, 0, 1 },
	  0x2430bad2,
	  0x757518d2,
	  0xd2 },
};

static void test_layer34_vectors(void **state)
{
	const enum hash_variant shifted[] = { HASH_4_15, HASH_5_15, HASH_5_18, HASH_EL8 };
	const unsigned counts[] = { 2, 3, 4, 5, 8 };

	for (size_t i = 0; i < N(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct flow f = tcp(v->src, v->dst, v->sport, 5201);

		for (size_t k = 0; k < N(shifted); k++)
			assert_int_equal(value(HASH_LAYER34, shifted[k], HASH_LITTLE, f), v->h);
		assert_int_equal(value(HASH_LAYER34, HASH_3_13, HASH_LITTLE, f), v->unshifted);
		assert_int_equal(value(HASH_LAYER34, HASH_3_19, HASH_LITTLE, f), v->unshifted);
		assert_int_equal(value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f), v->old);
		for (size_t k = 0; k < N(counts); k++)
			assert_int_equal(link_of(bond_of(counts[k]), f), v->link[k]);
	}
}

static void test_team_vectors(void **state)
{
	const uint8_t parts = HASH_TEAM_IPV4 | HASH_TEAM_IPV6 | HASH_TEAM_L4;

	for (size_t i = 0; i < N(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct flow f = tcp(v->src, v->dst, v->sport, 5201);
		uint8_t lost = (uint8_t)(v->sport ^ v->sport >> 8);
		uint32_t h;

		assert_int_equal(hash_team_value(parts, &f, &h), HASH_OK);
		/* The vector is what teamd means to do; with IPv6 it loses the source port. */
		assert_int_equal(h, f.family == FLOW_IPV6 ? v->team ^ lost : v->team);
	}
}

static void test_layer23_vectors(void **state)
{
	struct flow f = with_macs(tcp("192.168.10.21", "192.168.10.200", 40000, 5201));

	assert_int_equal(value(HASH_LAYER23, HASH_5_18, HASH_LITTLE, f), 0xddddd5e6);
	assert_int_equal(value(HASH_LAYER23, HASH_EL8, HASH_LITTLE, f), 0xdddddde6);
	assert_int_equal(value(HASH_LAYER23, HASH_3_19, HASH_LITTLE, f), 0xdddddde6);
	assert_int_equal(value(HASH_LAYER23, HASH_4_15, HASH_LITTLE, f), 0xdddddde6 >> 1);
	assert_int_equal(value(HASH_LAYER23, HASH_5_15, HASH_LITTLE, f), 0xddddd5e6 >> 1);
	/* Without packet type: (0x33 ^ dd000000) mixed. */
	assert_int_equal(value(HASH_LAYER23, HASH_3_13, HASH_LITTLE, f), 0xddddddee);
	/* (c0a80a15 ^ c0a80ac8) & ffff = dd, ^ 11 ^ 22 */
	assert_int_equal(value(HASH_LAYER23, HASH_3_7, HASH_LITTLE, f), 0xdd ^ 0x33);
	assert_int_equal(value(HASH_LAYER23, HASH_3_7, HASH_BIG, f), 0xdd ^ 0x33);
	/* Ports do not count. */
	f.sport++;
	assert_int_equal(value(HASH_LAYER23, HASH_5_18, HASH_LITTLE, f), 0xddddd5e6);
	assert_int_equal(value(HASH_ENCAP23, HASH_5_18, HASH_LITTLE, f), 0xddddd5e6);
}

static void test_layer2(void **state)
{
	struct flow v4 = with_macs(tcp("10.0.0.1", "10.0.0.2", 1, 2));
	struct flow v6 = with_macs(tcp("fd00::1", "fd00::2", 1, 2));
	struct flow arp = { .family = FLOW_OTHER, .ethertype = 0x0806 };

	arp = with_macs(arp);
	for (unsigned v = HASH_3_7; v < HASH_N_VARIANTS; v++) {
		bool none = v <= HASH_3_13, number = v == HASH_5_15 || v == HASH_5_18;

		assert_int_equal(value(HASH_LAYER2, v, HASH_LITTLE, v4), none     ? 0x33
									 : number ? 0x833
										  : 0x3b);
		assert_int_equal(value(HASH_LAYER2, v, HASH_LITTLE, v6), none     ? 0x33
									 : number ? 0x86ee
										  : 0xddb5);
		/* On big endian both ways are the same number. */
		assert_int_equal(value(HASH_LAYER2, v, HASH_BIG, v6), none ? 0x33 : 0x86ee);
		/* What is no IP falls back to layer2, without a shift. */
		assert_int_equal(value(HASH_LAYER34, v, HASH_LITTLE, arp),
				 value(HASH_LAYER2, v, HASH_LITTLE, arp));
		assert_int_equal(value(HASH_LAYER23, v, HASH_LITTLE, arp),
				 value(HASH_LAYER2, v, HASH_LITTLE, arp));
		assert_int_equal(value(HASH_LAYER2, v, HASH_BIG, arp), none ? 0x33 : 0x835);
	}
}

static void test_vlan_srcmac(void **state)
{
	struct flow f = with_macs(tcp("10.0.0.1", "10.0.0.2", 1, 2));

	assert_int_equal(value(HASH_VLAN_SRCMAC, HASH_5_18, HASH_LITTLE, f), 0x020123 ^ 0x456711);
	f.vlan_tci = 0x2064;
	assert_int_equal(value(HASH_VLAN_SRCMAC, HASH_5_18, HASH_BIG, f),
			 0x020123 ^ 0x456711 ^ 0x2064);
}

/* Properties ------------------------------------------------------------------------------------
 */

/* The reference in other words: fold everything into four bytes of the wire, then shift as the
 * sender's processor would. */
static uint32_t layer34_reference(const struct flow *f, enum hash_order order, unsigned shift)
{
	uint8_t w[4] = { (uint8_t)(f->sport >> 8), (uint8_t)f->sport, (uint8_t)(f->dport >> 8),
			 (uint8_t)f->dport };
	uint32_t h = 0;

	for (int i = 0; i < (f->family == FLOW_IPV4 ? 4 : 16); i++)
		w[i % 4] ^= f->src[i] ^ f->dst[i];
	for (int i = 0; i < 4; i++)
		h |= (uint32_t)w[i] << 8 * (order == HASH_BIG ? 3 - i : i);
	h ^= h >> 16;
	h ^= h >> 8;
	return h >> shift;
}

static void test_layer34_reference(void **state)
{
	uint64_t x = 1;

	for (int i = 0; i < 20000; i++) {
		struct flow f = random_flow(&x);
		enum hash_order o = next(&x) & 1;

		assert_int_equal(value(HASH_LAYER34, HASH_5_18, o, f), layer34_reference(&f, o, 1));
		assert_int_equal(value(HASH_LAYER34, HASH_3_19, o, f), layer34_reference(&f, o, 0));
	}
}

/* Both directions of a flow take the same index with 2, 4, 8, 16 links, and need not otherwise. */
static void test_reverse(void **state)
{
	uint64_t x = 2;
	unsigned differ[17] = { 0 };

	for (int i = 0; i < 5000; i++) {
		struct flow f = random_flow(&x), r = flow_reverse(&f);

		for (unsigned n = 2; n <= 16; n++)
			differ[n] += link_of(bond_of(n), f) != link_of(bond_of(n), r);
	}
	for (unsigned n = 2; n <= 16; n++) {
		if (n & (n - 1))
			assert_true(differ[n] > 1000);
		else
			assert_int_equal(differ[n], 0);
	}
}

/* With a power of two of links both byte orders agree; otherwise they need not. */
static void test_byte_orders(void **state)
{
	uint64_t x = 3;
	unsigned differ[17] = { 0 };

	for (int i = 0; i < 5000; i++) {
		struct flow f = random_flow(&x);

		for (unsigned n = 2; n <= 16; n++) {
			struct hash_bond little = bond_of(n), big = bond_of(n);

			big.order = HASH_BIG;
			differ[n] += link_of(little, f) != link_of(big, f);
		}
	}
	for (unsigned n = 2; n <= 16; n++) {
		if (n & (n - 1))
			assert_true(differ[n] > 1000);
		else
			assert_int_equal(differ[n], 0);
	}
}

/* Bit 0 of the source port is dropped: neighbours share a link when that number is a power of two.
 */
static void test_neighbour_ports(void **state)
{
	for (uint16_t port = 40000; port < 41000; port += 2) {
		struct flow even = tcp("10.1.0.1", "10.1.0.77", port, 5201), odd = even;

		odd.sport++;
		assert_int_equal(link_of(bond_of(2), even), link_of(bond_of(2), odd));
		assert_int_equal(link_of(bond_of(4), even), link_of(bond_of(4), odd));
		assert_int_equal(link_of(bond_of(8), even), link_of(bond_of(8), odd));
	}
}

/* An aligned block of 2n ports puts two on each of n = 2, 4, 8 links, shifted or not. */
static void test_aligned_block(void **state)
{
	const enum hash_variant both[] = { HASH_3_19, HASH_5_18 };

	for (unsigned n = 2; n <= 8; n *= 2) {
		for (size_t k = 0; k < 2 * N(both); k++) {
			struct hash_bond b = bond_of(n);
			unsigned used[8] = { 0 };

			b.variant = both[k / 2];
			b.order = k % 2;
			for (uint16_t i = 0; i < 2 * n; i++)
				used[link_of(b, tcp("10.1.0.1", "10.9.8.7", 40000 + i, 5201))]++;
			/* Without the shift the block goes round twice. */
			for (unsigned i = 0; i < n; i++)
				assert_int_equal(used[i], 2);
		}
	}
}

static void test_mapped_addresses(void **state)
{
	struct flow v4 = with_macs(tcp("10.1.0.1", "10.1.0.77", 40000, 5201));
	struct flow v6 = with_macs(tcp("::ffff:10.1.0.1", "::ffff:10.1.0.77", 40000, 5201));

	for (unsigned v = HASH_3_7; v < HASH_N_VARIANTS; v++)
		for (unsigned o = 0; o < HASH_N_ORDERS; o++)
			for (unsigned p = HASH_LAYER2; p <= HASH_LAYER23; p++)
				assert_int_equal(value(p, v, o, v4), value(p, v, o, v6));
}

static void test_rule_is_link(void **state)
{
	uint64_t x = 5;

	for (int i = 0; i < 2000; i++) {
		struct flow f = random_flow(&x);
		struct hash_bond b = bond_of(1 + next(&x) % 16);
		struct hash_rule r;

		b.variant = 1 + next(&x) % (HASH_N_VARIANTS - 1);
		b.usable = next(&x) & ((1u << b.n_links) - 1);
		if (!b.usable)
			continue;
		assert_int_equal(hash_prepare(&b, &f, &r), HASH_OK);
		for (int k = 0; k < 4; k++) {
			unsigned link = link_of(b, f);

			assert_true(b.usable >> link & 1);
			assert_int_equal(hash_rule_link(&r, f.sport, f.dport), link);
			f.sport = (uint16_t)next(&x);
		}
	}
}

/* Selection -------------------------------------------------------------------------------------
 */

/* Links that are down are not counted since 3.19; before, the next one stands in. */
static void test_dead_links(void **state)
{
	uint64_t x = 6;

	for (int i = 0; i < 1000; i++) {
		struct flow f = random_flow(&x);
		struct hash_bond b = bond_of(4);
		const unsigned left[3] = { 0, 1, 3 }, stand_in[4] = { 0, 1, 3, 3 };
		const unsigned wrapped[4] = { 0, 1, 2, 0 };

		b.usable = 0xb; /* 0, 1, 3 */
		b.mode = HASH_BALANCE_XOR;
		assert_int_equal(link_of(b, f),
				 left[value(HASH_LAYER34, HASH_5_18, HASH_LITTLE, f) % 3]);
		b.variant = HASH_3_13;
		assert_int_equal(link_of(b, f),
				 stand_in[value(HASH_LAYER34, HASH_3_13, HASH_LITTLE, f) % 4]);
		b.variant = HASH_3_7;
		assert_int_equal(link_of(b, f),
				 stand_in[value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f) % 4]);
		b.usable = 7;
		assert_int_equal(link_of(b, f),
				 wrapped[value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f) % 4]);
		/* 802.3ad counts the aggregator's links: 1, 2, 3, and 2 is down. */
		b.mode = HASH_8023AD;
		b.usable = 0xa;
		b.joined = 0xe;
		assert_int_equal(link_of(b, f),
				 stand_in[1 + value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f) % 3]);
		b.joined = 0;
		assert_int_equal(link_of(b, f),
				 value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f) % 2 ? 3 : 1);
	}
}

/* These facts come from the peer: with none of its own links in the aggregator, no link was left to
 * choose from. */
static void test_joined_beyond_the_links(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 40000, 5201);

	for (enum hash_variant v = HASH_3_7; v <= HASH_3_13; v++) {
		struct hash_bond b = bond_of(2), sound = bond_of(2);

		b.variant = sound.variant = v;
		b.joined = 1u << 31;
		assert_int_equal(link_of(b, f), link_of(sound, f));
	}
}

static void test_modes(void **state)
{
	struct flow f = tcp("10.1.0.1", "10.1.0.77", 40002, 5201);
	struct flow arp = { .family = FLOW_OTHER, .ethertype = 0x0806, .macs_known = true };
	struct hash_bond b = bond_of(4);

	for (unsigned m = 0; m < HASH_N_MODES; m++) {
		const int reasons[] = {
			HASH_R_ROUND_ROBIN, HASH_R_ACTIVE,  0,          HASH_R_BROADCAST, 0,
			HASH_R_DYNAMIC,     HASH_R_DYNAMIC, HASH_R_TEAM
		};

		b.mode = m;
		b.dynamic = true;
		assert_int_equal(reason_of(b, f), reasons[m]);
		/* With one link left there is nothing to decide. */
		b.usable = 4;
		assert_int_equal(link_of(b, f), 2);
		b.usable = 0;
		assert_int_equal(reason_of(b, f), HASH_R_NO_LINK);
		b.usable = 0xf;
	}
	b.dynamic = false;
	b.mode = HASH_BALANCE_TLB;
	assert_int_equal(link_of(b, f), 3);
	assert_int_equal(reason_of(b, arp), HASH_R_ACTIVE);
	b.active = 1;
	assert_int_equal(link_of(b, arp), 1);
	b.mode = HASH_BALANCE_ALB;
	assert_int_equal(link_of(b, f), 3);
	b.variant = HASH_3_13;
	assert_int_equal(reason_of(b, f), HASH_R_DYNAMIC);
	b.mode = HASH_ACTIVE_BACKUP;
	assert_int_equal(link_of(b, f), 1);
	b.active = 4;
	assert_int_equal(reason_of(b, f), HASH_R_ACTIVE);
	b.mode = 8;
	assert_int_equal(reason_of(b, f), HASH_R_UNKNOWN);
	b.n_links = HASH_LINKS_MAX + 1;
	assert_int_equal(reason_of(b, f), HASH_R_LINKS);
}

static void test_team(void **state)
{
	struct flow v4 = with_macs(tcp("10.1.0.1", "10.1.0.77", 40000, 5201));
	struct flow v6 = with_macs(tcp("fd00:1::1:2:3", "fd00:1::a1b2:77", 40000, 5201));
	struct hash_bond b = bond_of(3);
	uint32_t h;

	b.mode = HASH_TEAM;
	b.team_parts = HASH_TEAM_IPV4 | HASH_TEAM_L4;
	assert_int_equal(link_of(b, v4), 0xd5 % 3);
	b.usable = 5;
	assert_int_equal(link_of(b, v4), 2);
	b.team_parts |= HASH_TEAM_ETH | HASH_TEAM_VLAN;
	v4.vlan_tci = 0x2064;
	/* MAC bytes: 02 01 23 45 67 11 -> 13; 02 89 ab cd ef 22 -> 20 */
	assert_int_equal(hash_team_value(b.team_parts, &v4, &h), HASH_OK);
	assert_int_equal(h, 0xd5 ^ 0x02 ^ 0x01 ^ 0x23 ^ 0x45 ^ 0x67 ^ 0x11 ^ 0x02 ^ 0x89 ^ 0xab ^
				    0xcd ^ 0xef ^ 0x22 ^ 0x20 ^ 0x64);
	/* The default of teamd. */
	b.team_parts = HASH_TEAM_ETH | HASH_TEAM_IPV4 | HASH_TEAM_IPV6;
	assert_int_equal(hash_spread(&b, &v4, false), HASH_SPREAD_NONE);
	b.team_parts |= HASH_TEAM_L4;
	assert_int_equal(hash_spread(&b, &v4, false), HASH_SPREAD_PORTS);
	assert_int_equal(hash_spread(&b, &v6, false), HASH_SPREAD_NONE);
	assert_int_equal(hash_spread(&b, &v6, true), HASH_SPREAD_PORTS);
	v4.macs_known = false;
	assert_int_equal(reason_of(b, v4), HASH_R_MACS);
	b.team_parts = 0;
	assert_int_equal(reason_of(b, v4), HASH_R_TEAM);
	assert_int_equal(hash_spread(&b, &v4, false), HASH_SPREAD_RANDOM);
}

static void test_never_a_guess(void **state)
{
	struct flow f = tcp("10.1.0.1", "10.1.0.77", 40000, 5201);
	struct hash_bond b = bond_of(4);
	uint32_t h;

	b.policy = HASH_ENCAP34;
	assert_int_equal(reason_of(b, f), HASH_R_RANDOM);
	assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_RANDOM);
	/* As long as the kernel did not take the socket's number, it was layer3+4. */
	b.variant = HASH_3_13;
	assert_int_equal(hash_value(HASH_ENCAP34, HASH_3_13, HASH_LITTLE, &f, &h), HASH_OK);
	assert_int_equal(h, 0x1d0949d5);
	assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_PORTS);
	b.variant = HASH_3_7;
	assert_int_equal(reason_of(b, f), HASH_R_VARIANT);

	b = bond_of(4);
	b.policy = HASH_LAYER23;
	assert_int_equal(reason_of(b, f), HASH_R_MACS);
	b.policy = HASH_VLAN_SRCMAC;
	assert_int_equal(reason_of(b, f), HASH_R_MACS);
	b.variant = HASH_3_19;
	assert_int_equal(reason_of(b, with_macs(f)), HASH_R_VARIANT);
	b.policy = HASH_LAYER34;
	b.variant = HASH_VARIANT_UNKNOWN;
	assert_int_equal(reason_of(b, f), HASH_R_VARIANT);
	b.variant = HASH_5_18;
	f.double_tagged = true;
	assert_int_equal(reason_of(b, f), HASH_R_DOUBLE_TAG);
	assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_NONE);
	f.double_tagged = false;
	f.fragmented = true;
	assert_int_equal(reason_of(b, f), HASH_R_FRAGMENTED);
	b.policy = HASH_LAYER23;
	assert_int_equal(reason_of(b, with_macs(f)), HASH_OK);
	b.policy = HASH_N_POLICIES;
	assert_int_equal(reason_of(b, f), HASH_R_UNKNOWN);
}

static void test_protocols(void **state)
{
	const uint8_t with[] = { 6, 17, 33, 132, 136 }, without[] = { 0, 2, 4, 41, 47, 89 };
	const uint8_t other[] = { 1, 50, 51, 58 };
	struct flow f = tcp("10.1.0.1", "10.1.0.77", 40000, 5201);
	struct hash_bond b = bond_of(4);

	for (size_t i = 0; i < N(with); i++) {
		f.protocol = with[i];
		assert_int_equal(value(HASH_LAYER34, HASH_5_18, HASH_LITTLE, f), 0x0e84a4ea);
		assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_PORTS);
	}
	for (size_t i = 0; i < N(without); i++) {
		f.protocol = without[i];
		/* 4c << 24, mixed and shifted */
		assert_int_equal(value(HASH_LAYER34, HASH_5_18, HASH_LITTLE, f), 0x4c4c4c4c >> 1);
		assert_int_equal(value(HASH_LAYER34, HASH_3_7, HASH_LITTLE, f), 0x4c);
		assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_NONE);
	}
	for (size_t i = 0; i < N(other); i++) {
		f.protocol = other[i];
		assert_int_equal(reason_of(b, f), HASH_R_PROTOCOL);
	}
}

static void test_spread(void **state)
{
	struct flow f = tcp("10.1.0.1", "10.1.0.77", 40000, 5201);

	for (unsigned m = 0; m < HASH_N_MODES; m++) {
		for (unsigned p = 0; p < HASH_N_POLICIES; p++) {
			struct hash_bond b = bond_of(4);
			enum hash_spread got, hashed = p == HASH_LAYER34   ? HASH_SPREAD_PORTS
						       : p == HASH_ENCAP34 ? HASH_SPREAD_RANDOM
									   : HASH_SPREAD_NONE;

			b.mode = m;
			b.policy = p;
			got = hash_spread(&b, &f, false);
			if (m == HASH_BALANCE_RR)
				assert_int_equal(got, HASH_SPREAD_PACKETS);
			else if (m == HASH_ACTIVE_BACKUP || m == HASH_BROADCAST)
				assert_int_equal(got, HASH_SPREAD_NONE);
			else if (m != HASH_TEAM)
				assert_int_equal(got, hashed);
			assert_int_equal(hash_policy_uses_ports(p), hashed != HASH_SPREAD_NONE);
			b.dynamic = true;
			if (m == HASH_BALANCE_TLB)
				assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_RANDOM);
			if (m == HASH_BALANCE_ALB)
				assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_NONE);
			b.usable = 2;
			assert_int_equal(hash_spread(&b, &f, false), HASH_SPREAD_NONE);
		}
	}
}

/* Kernels ---------------------------------------------------------------------------------------
 */

static void test_releases(void **state)
{
	static const struct {
		const char *release;
		enum hash_variant likely;
		enum hash_variant layer34, layer23; /* settled */
	} cases[] = {
		{ "6.1.0-18-amd64", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "6.18.44", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "7.0.0-rc1+", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "6.12.0-55.el10.x86_64", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "5.18", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "5.17.6", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "5.17.5-200.fc35.x86_64", HASH_5_15, HASH_5_15, HASH_5_15 },
		{ "5.15.37", HASH_5_15, HASH_5_15, HASH_5_15 },
		{ "5.15.107+", HASH_5_18, HASH_5_18, HASH_5_18 },
		{ "5.15.0-91-generic", HASH_5_18, HASH_5_18, HASH_VARIANT_UNKNOWN },
		{ "5.15.0-100.96.32.el8uek.x86_64", HASH_5_18, HASH_5_18, HASH_VARIANT_UNKNOWN },
		{ "5.14.0-427.el9.x86_64", HASH_5_18, HASH_5_18, HASH_VARIANT_UNKNOWN },
		{ "5.14.21-150500.55-default", HASH_4_15, HASH_4_15, HASH_VARIANT_UNKNOWN },
		{ "5.10.0-28-amd64", HASH_4_15, HASH_4_15, HASH_VARIANT_UNKNOWN },
		{ "5.10.50", HASH_4_15, HASH_4_15, HASH_4_15 },
		{ "5.4.0-150-generic", HASH_4_15, HASH_4_15, HASH_VARIANT_UNKNOWN },
		{ "4.19.0-26-amd64", HASH_4_15, HASH_4_15, HASH_VARIANT_UNKNOWN },
		{ "4.18.0-553.el8_10.x86_64", HASH_EL8, HASH_EL8, HASH_EL8 },
		{ "4.18.0-372.9.1.el8.x86_64", HASH_EL8, HASH_EL8, HASH_VARIANT_UNKNOWN },
		{ "4.18.0-305.el8.x86_64", HASH_4_15, HASH_4_15, HASH_4_15 },
		{ "4.15.0-213-generic", HASH_4_15, HASH_4_15, HASH_4_15 },
		{ "4.14.1", HASH_3_19, HASH_3_19, HASH_3_19 },
		{ "4.14.2", HASH_4_15, HASH_4_15, HASH_4_15 },
		{ "4.12.14-122.37-default", HASH_3_19, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "4.9.0-8-amd64", HASH_4_15, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "4.9.20", HASH_3_19, HASH_3_19, HASH_3_19 },
		{ "4.9.65", HASH_3_19, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "4.4.302", HASH_4_15, HASH_4_15, HASH_4_15 },
		{ "3.16.0-4-amd64", HASH_3_13, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "3.13.0-24-generic", HASH_3_13, HASH_3_13, HASH_3_13 },
		{ "3.10.0-1160.el7.x86_64", HASH_3_19, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "3.10.0-229.el7.x86_64", HASH_3_13, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "3.10.33", HASH_3_7, HASH_3_7, HASH_3_7 },
		{ "2.6.32-754.el6.x86_64", HASH_3_7, HASH_VARIANT_UNKNOWN, HASH_VARIANT_UNKNOWN },
		{ "99999999999.1.99999999999", HASH_5_18, HASH_5_18, HASH_5_18 },
	};
	const char *const wrong[] = { "", "linux", "6", "6.", "6.x", "-1.2" };
	struct hash_guess g;

	for (size_t i = 0; i < N(cases); i++) {
		assert_int_equal(hash_variant_of(cases[i].release, &g), 0);
		if (g.likely != cases[i].likely)
			fail_msg("%s: likely %s", cases[i].release, hash_variant_name(g.likely));
		assert_true(g.candidates >> g.likely & 1);
		if (hash_variant_settled(&g, HASH_8023AD, HASH_LAYER34) != cases[i].layer34)
			fail_msg("%s: layer3+4", cases[i].release);
		if (hash_variant_settled(&g, HASH_8023AD, HASH_LAYER23) != cases[i].layer23)
			fail_msg("%s: layer2+3", cases[i].release);
		assert_int_equal(hash_variant_settled(&g, HASH_TEAM, HASH_LAYER34), g.likely);
	}
	for (size_t i = 0; i < N(wrong); i++)
		assert_int_equal(hash_variant_of(wrong[i], &g), -EINVAL);
}

static void test_names(void **state)
{
	enum hash_mode m;
	enum hash_policy p;
	enum hash_variant v;
	enum hash_order o;

	for (unsigned i = 0; i < HASH_N_MODES; i++) {
		assert_int_equal(hash_mode_parse(hash_mode_name(i), &m), 0);
		assert_int_equal(m, i);
	}
	for (unsigned i = 0; i < HASH_N_POLICIES; i++) {
		assert_int_equal(hash_policy_parse(hash_policy_name(i), &p), 0);
		assert_int_equal(p, i);
	}
	for (unsigned i = 0; i < HASH_N_VARIANTS; i++) {
		assert_int_equal(hash_variant_parse(hash_variant_name(i), &v), 0);
		assert_int_equal(v, i);
	}
	for (unsigned i = 0; i < HASH_N_ORDERS; i++) {
		assert_int_equal(hash_order_parse(hash_order_name(i), &o), 0);
		assert_int_equal(o, i);
	}
	for (int i = -1; i <= HASH_N_REASONS; i++)
		assert_true(strlen(hash_reason_text(i)) > 0);
	assert_int_equal(hash_mode_parse("802.3", &m), -EINVAL);
	assert_int_equal(hash_policy_parse("layer3", &p), -EINVAL);
	assert_int_equal(hash_variant_parse("5.19", &v), -EINVAL);
	assert_int_equal(hash_order_parse("", &o), -EINVAL);
	assert_string_equal(hash_mode_name(HASH_N_MODES), "?");
	assert_string_equal(hash_policy_name(HASH_LAYER34), "layer3+4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layer34_vectors),
		cmocka_unit_test(test_team_vectors),
		cmocka_unit_test(test_layer23_vectors),
		cmocka_unit_test(test_layer2),
		cmocka_unit_test(test_vlan_srcmac),
		cmocka_unit_test(test_layer34_reference),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_byte_orders),
		cmocka_unit_test(test_neighbour_ports),
		cmocka_unit_test(test_aligned_block),
		cmocka_unit_test(test_mapped_addresses),
		cmocka_unit_test(test_rule_is_link),
		cmocka_unit_test(test_dead_links),
		cmocka_unit_test(test_joined_beyond_the_links),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_team),
		cmocka_unit_test(test_never_a_guess),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_releases),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
