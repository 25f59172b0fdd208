/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What topo knows of a bond has to arrive at the peer's planner as if the bond were its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "path/link_convert.h"

#define RELEASE "6.1.0-18-amd64"

static struct topo_path bonded(uint8_t mode, uint8_t policy, unsigned n)
{
	struct topo_path path = { .end = TOPO_END_BOND, .has_smac = true, .has_dmac = true };
	struct topo_bond *b = &path.bond;

	b->kind = TOPO_KIND_BOND;
	strcpy(b->name, "bond0");
	b->mode = mode;
	b->policy = policy;
	b->order_known = true;
	b->n_ports = b->n_links = b->n_usable = n;
	b->has_aggregator = true;
	b->aggregator = 3;
	b->active = 11;
	for (unsigned i = 0; i < n; i++) {
		struct topo_link *l = &b->links[i];

		l->name[0] = (char)('a' + i);
		l->ifindex = 10 + i;
		l->speed = 1000;
		l->aggregator = 3;
	}
	path.smac[5] = 1;
	path.dmac[5] = 2;
	path.n_vlans = 1;
	path.vlan = 7;
	return path;
}

/* Over the wire and back. */
static struct wire_facts told(const struct topo_path *path)
{
	static struct wire_items items, got;
	static uint8_t buf[1024];
	struct cursor_out out = { .p = buf, .left = sizeof(buf) };
	struct cursor_in in = { .p = buf };

	link_convert_of_path(path, RELEASE, &items.facts);
	wire_put_items(&out, &items);
	in.left = sizeof(buf) - out.left;
	wire_get_items(&in, &got);
	assert_false(in.bad);
	return got.facts;
}

static void assert_same_bond(const struct hash_bond *a, const struct hash_bond *b)
{
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->policy, b->policy);
	assert_int_equal(a->variant, b->variant);
	assert_int_equal(a->order, b->order);
	assert_int_equal(a->dynamic, b->dynamic);
	assert_int_equal(a->n_links, b->n_links);
	assert_int_equal(a->usable, b->usable);
	assert_int_equal(a->joined, b->joined);
	assert_int_equal(a->active, b->active);
	assert_int_equal(a->team_parts, b->team_parts);
}

static void test_bonds_arrive_unchanged(void **state)
{
	for (uint8_t mode = 0; mode <= TOPO_MODE_BALANCE_ALB; mode++) {
		for (uint8_t policy = 0; policy <= TOPO_POLICY_VLAN_SRCMAC; policy++) {
			static struct topo_path path;
			struct hash_bond ours;
			struct wire_facts facts;
			struct plan_side side;

			path = bonded(mode, policy, 4);
			path.bond.links[2].unusable = TOPO_UNUSABLE_CARRIER;
			path.bond.links[3].aggregator = 4;
			path.bond.tlb_dynamic_lb = mode & 1;
			ours = link_convert_hash_bond(&path.bond, RELEASE, HASH_VARIANT_UNKNOWN);
			facts = told(&path);
			link_convert_plan_side(&facts, &side);
			assert_true(side.known && side.macs_known && !side.double_tagged);
			assert_same_bond(&side.bond, &ours);
			assert_int_equal(side.bond.usable, 0xb);
			assert_int_equal(side.bond.joined, 0x7);
			assert_int_equal(side.bond.active, 1);
			assert_int_equal(side.speed[3], 1000);
			assert_int_equal(side.mac[5], 1);
			assert_int_equal(side.next_hop[5], 2);
			assert_int_equal(side.vlan_tci, 7);
		}
	}
}

/* A number that no kernel has must not be taken for the team's, or for any. */
static void test_numbers_of_no_kernel(void **state)
{
	struct topo_path path = bonded(4, 1, 2);
	struct wire_facts facts = told(&path);
	struct plan_side side;

	facts.mode = HASH_TEAM;
	facts.policy = 250;
	facts.variant = 99;
	facts.active = 2;
	link_convert_plan_side(&facts, &side);
	assert_int_equal(side.bond.mode, HASH_N_MODES);
	assert_int_equal(side.bond.policy, HASH_N_POLICIES);
	assert_int_equal(side.bond.variant, HASH_VARIANT_UNKNOWN);
	assert_int_equal(side.bond.active, -1);
}

/* Links whose order is not known cannot be counted, however well the rule is known. */
static void test_unknown_order(void **state)
{
	struct topo_path path = bonded(4, 1, 2);
	struct wire_facts facts;
	struct plan_side side;

	path.bond.order_known = false;
	facts = told(&path);
	link_convert_plan_side(&facts, &side);
	assert_int_equal(side.bond.variant, HASH_VARIANT_UNKNOWN);
}

static void test_plain_device(void **state)
{
	static struct topo_path path = { .end = TOPO_END_PLAIN,
					 .link = { .name = "eth0", .speed = 100 } };
	struct wire_facts facts = told(&path);
	struct plan_side side;

	link_convert_plan_side(&facts, &side);
	assert_true(side.known);
	assert_int_equal(side.bond.n_links, 1);
	assert_int_equal(side.speed[0], 100);
	/* As a guest's device shows itself. */
	path.link.speed = 0;
	facts = told(&path);
	link_convert_plan_side(&facts, &side);
	assert_false(side.known);
	path.end = TOPO_END_TUNNEL;
	facts = told(&path);
	assert_int_equal(facts.kind, WIRE_FACTS_NONE);
}

static void is_text(const struct topo_path *path, const char *text)
{
	struct wire_facts facts = told(path);
	char buf[200];

	assert_int_equal(link_convert_text(&facts, buf, sizeof(buf)), strlen(text));
	assert_string_equal(buf, text);
}

static void test_text(void **state)
{
	static struct topo_path path;

	path = bonded(4, 1, 4);
	is_text(&path, "bond0 802.3ad layer3+4 4x1000");
	path.bond.links[3].unusable = TOPO_UNUSABLE_MII;
	is_text(&path, "bond0 802.3ad layer3+4 3x1000");
	path.bond.links[1].speed = 100;
	path.bond.links[2].speed = 0;
	is_text(&path, "bond0 802.3ad layer3+4 1000+100+?");
	path.bond.links[0].speed = path.bond.links[1].speed = 0;
	is_text(&path, "bond0 802.3ad layer3+4 3 links");
	for (unsigned i = 0; i < 3; i++)
		path.bond.links[i].unusable = TOPO_UNUSABLE_MII;
	is_text(&path, "bond0 802.3ad layer3+4 no usable link");
	path = bonded(1, 1, 2);
	is_text(&path, "bond0 active-backup 2x1000");
	path = (struct topo_path){ .end = TOPO_END_PLAIN,
				   .link = { .name = "eth0", .speed = 100 } };
	is_text(&path, "eth0 100");
	path.end = TOPO_END_LOCAL;
	is_text(&path, "?");
}

static void test_side_stats(void **state)
{
	static struct topo_path path;
	struct side_stats side;
	struct wire_facts facts;

	path = bonded(4, 1, 2);
	path.bond.links[1].unusable = TOPO_UNUSABLE_MII;
	facts = told(&path);
	link_convert_side_stats(&facts, &side);
	assert_string_equal(side.name, "bond0");
	assert_string_equal(side.kind, "802.3ad layer3+4");
	assert_false(side.counted);
	assert_int_equal(side.n_links, 2);
	assert_true(side.link[0].usable && !side.link[1].usable);
	assert_string_equal(side.link[1].name, "b");
}

static struct wire_facts device(const char *name, uint32_t speed)
{
	static struct topo_path path = { .end = TOPO_END_PLAIN,
					 .link = { .up = true, .carrier = true } };
	struct wire_facts facts;

	path.link.speed = speed;
	strcpy(path.link.name, name);
	link_convert_of_one(&path, RELEASE, &facts);
	return facts;
}

/* Two interfaces, then a bond: all their links, and no rule that would hold for all. */
static void test_several(void **state)
{
	static struct topo_path path;
	static struct wire_facts all, one;
	struct plan_side side;
	char buf[200];

	one = device("left", 100);
	assert_true(link_convert_add(&all, &one));
	one = device("right", 1000);
	assert_true(link_convert_add(&all, &one));
	assert_int_equal(all.kind, WIRE_FACTS_SEVERAL);
	link_convert_text(&all, buf, sizeof(buf));
	assert_string_equal(buf, "left+right 100+1000");
	path = bonded(4, 1, 2);
	path.bond.links[0].unusable = TOPO_UNUSABLE_MII;
	one = told(&path);
	assert_true(link_convert_add(&all, &one));
	assert_int_equal(all.n_links, 4);
	assert_int_equal(all.usable, 0xb);
	assert_int_equal(all.joined, 0);
	assert_int_equal(all.policy, 255);
	assert_string_equal(all.link[1].name, "right");
	assert_string_equal(all.link[3].name, "b");
	/* Too long for a name by now, and for good. */
	assert_string_equal(all.name, "several");
	one = device("x", 100);
	assert_true(link_convert_add(&all, &one));
	assert_string_equal(all.name, "several");
	link_convert_plan_side(&all, &side);
	assert_false(side.known);
	/* No room, and nothing to add. */
	path = bonded(4, 1, WIRE_LINKS_MAX - 4);
	one = told(&path);
	assert_false(link_convert_add(&all, &one));
	one.n_links = 0;
	assert_false(link_convert_add(&all, &one));
	assert_int_equal(all.n_links, 5);
	path = bonded(4, 1, WIRE_LINKS_MAX - 5);
	one = told(&path);
	assert_true(link_convert_add(&all, &one));
	assert_int_equal(all.usable, 0xfffffffb);
}

static void test_interface_alone(void **state)
{
	static struct topo_path path = { .link = { .name = "eth0", .up = true, .carrier = true } };
	struct wire_facts facts;

	for (int end = 0; end <= TOPO_END_LOST; end++) {
		bool known = end == TOPO_END_PLAIN || end == TOPO_END_NAMESPACE ||
			     end == TOPO_END_TUNNEL || end == TOPO_END_UNKNOWN;

		if (end == TOPO_END_BOND)
			continue;
		path.end = (enum topo_end)end;
		link_convert_of_one(&path, RELEASE, &facts);
		assert_int_equal(facts.kind, known ? WIRE_FACTS_PLAIN : WIRE_FACTS_NONE);
		assert_int_equal(facts.usable, known);
	}
	path.end = TOPO_END_PLAIN;
	path.link.carrier = false;
	link_convert_of_one(&path, RELEASE, &facts);
	assert_int_equal(facts.usable, 0);
}

/* The peer's bond, for which ports were planned, is the first of several now. */
static void test_follow(void **state)
{
	static struct topo_path path;
	static struct wire_facts all, bond, right, before;

	right = device("right", 100);
	path = bonded(4, 1, 4);
	bond = told(&path);
	path.bond.links[2].unusable = TOPO_UNUSABLE_CARRIER;
	path.bond.links[1].speed = 10;
	right.usable = 0;
	before = told(&path);
	assert_true(link_convert_add(&all, &before) && link_convert_add(&all, &right));
	link_convert_follow(&bond, &all);
	assert_true(wire_facts_same(&bond, &before));
	assert_int_equal(bond.kind, WIRE_FACTS_BOND);
	assert_int_equal(bond.usable, 0xb);
	assert_int_equal(bond.link[1].speed, 10);
	/* Other links, or fewer: not known any more. */
	all.link[3].name[0] = 'x';
	link_convert_follow(&bond, &all);
	assert_int_equal(bond.kind, WIRE_FACTS_NONE);
	bond = before;
	all.n_links = 3;
	link_convert_follow(&bond, &all);
	assert_int_equal(bond.kind, WIRE_FACTS_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bonds_arrive_unchanged),
		cmocka_unit_test(test_numbers_of_no_kernel),
		cmocka_unit_test(test_unknown_order),
		cmocka_unit_test(test_plain_device),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_side_stats),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_interface_alone),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
