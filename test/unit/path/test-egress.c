/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of addresses come and their links with them, each once, and vanish and come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "path/egress.h"

#define RELEASE "6.1.0-18-amd64"

/* One of some, with nothing in it. They are too large for the stack. */
static struct egresses *fresh(unsigned i)
{
	static struct egresses all[3];

	memset(&all[i], 0, sizeof(all[i]));
	return &all[i];
}

static struct wire_names pair(uint8_t ours, uint8_t theirs, uint16_t port)
{
	return (struct wire_names){ .local = { 4, { 10, 0, 0, ours }, port },
				    .remote = { 4, { 10, 0, 0, theirs }, 4000 } };
}

/* With one upon it that has the address. */
static const struct topo_path *device(const char *name, uint32_t ifindex)
{
	static struct topo_path path;

	path = (struct topo_path){
		.end = TOPO_END_PLAIN,
		.n_hops = 1,
		.hops = { { .ifindex = 100 + ifindex } },
		.link = { .ifindex = ifindex, .speed = 1000, .up = true, .carrier = true }
	};
	strcpy(path.link.name, name);
	return &path;
}

static const struct topo_path *bond(unsigned n)
{
	static struct topo_path path;

	path = (struct topo_path){ .end = TOPO_END_BOND,
				   .has_smac = true,
				   .has_dmac = true,
				   .dmac = { 2 },
				   .bond = { .kind = TOPO_KIND_BOND,
					     .name = "bond0",
					     .ifindex = 9,
					     .mode = TOPO_MODE_BALANCE_XOR,
					     .policy = TOPO_POLICY_LAYER34,
					     .order_known = true,
					     .n_ports = n,
					     .n_links = n } };
	for (unsigned i = 0; i < n; i++) {
		path.bond.links[i].name[0] = (char)('a' + i);
		path.bond.links[i].ifindex = 100 + i;
	}
	return &path;
}

/* One more pair, whose way is this. */
static int add(struct egresses *w, const struct topo_path *path)
{
	struct wire_names names = pair((uint8_t)(1 + w->n), 200, 5000);
	int i = egress_add(w, &names, 0, NULL, RELEASE);

	if (i >= 0)
		egress_take(w, (unsigned)i, path, RELEASE, NULL);
	return i;
}

/* As egress_look does. */
static void again(struct egresses *now, const struct topo_path *path, const struct egresses *before)
{
	unsigned i = now->n++;

	now->way[i].flow = before->way[i].flow;
	egress_take(now, i, path, RELEASE, before);
}

static void assert_links(const struct egresses *w, const char *names, uint32_t usable)
{
	const struct wire_facts *f = egress_facts(w);
	char all[WIRE_LINKS_MAX * WIRE_NAME_LEN] = "";

	for (unsigned i = 0; i < f->n_links; i++) {
		strcat(strcat(all, i ? " " : ""), f->link[i].name);
		assert_string_equal(w->links[i].name, f->link[i].name);
	}
	assert_string_equal(all, names);
	assert_int_equal(f->usable, usable);
}

static bool is_watched(const struct egresses *w, uint32_t ifindex)
{
	for (unsigned i = 0; i < w->n_devices; i++)
		if (w->devices[i] == ifindex)
			return true;
	return false;
}

static void test_pairs(void **state)
{
	struct egresses *w = fresh(0);
	struct wire_names names = pair(1, 2, 7);

	assert_int_equal(egress_of(w, &names), -1);
	assert_int_equal(egress_add(w, &names, 0, NULL, RELEASE), 0);
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_NONE);
	names = pair(1, 2, 8);
	assert_int_equal(egress_of(w, &names), 0);
	names = pair(2, 1, 7);
	assert_int_equal(egress_of(w, &names), -1);
	names = pair(1, 2, 7);
	names.local.family = names.remote.family = 6;
	assert_int_equal(egress_of(w, &names), -1);
}

/* Two addresses of one interface have one link. */
static void test_one_device(void **state)
{
	struct egresses *w = fresh(0);

	add(w, device("left", 3));
	add(w, device("left", 3));
	assert_false(egress_several(w));
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_PLAIN);
	assert_links(w, "left", 1);
	assert_int_equal(w->n_devices, 2);
}

static void test_two_devices(void **state)
{
	struct egresses *w = fresh(0);

	add(w, device("left", 3));
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_PLAIN);
	add(w, device("right", 4));
	add(w, device("left", 3));
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_SEVERAL);
	assert_string_equal(egress_facts(w)->name, "left+right");
	assert_links(w, "left right", 3);
	assert_int_equal(egress_link(w, 0), 0);
	assert_int_equal(egress_link(w, 1), 1);
	assert_int_equal(egress_link(w, 2), 0);
	assert_true(is_watched(w, 3) && is_watched(w, 4));
}

/* Of a container's only interface nothing is said, as its host may have a bond. */
static void test_container(void **state)
{
	static struct topo_path path;
	struct egresses *w = fresh(0);

	path = *device("eth0", 3);
	path.end = TOPO_END_NAMESPACE;
	add(w, &path);
	add(w, &path);
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_NONE);
	assert_int_equal(egress_link(w, 0), -1);
	path = *device("eth1", 4);
	path.end = TOPO_END_NAMESPACE;
	add(w, &path);
	assert_links(w, "eth0 eth1", 3);
	assert_int_equal(egress_link(w, 0), 0);
	assert_int_equal(egress_link(w, 2), 1);
}

static void test_bond_and_device(void **state)
{
	struct egresses *w = fresh(0);

	add(w, bond(3));
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_BOND);
	add(w, device("right", 4));
	assert_links(w, "a b c right", 15);
	assert_string_equal(egress_facts(w)->name, "bond0+right");
	/* Plans are made for the first way, as ever. */
	assert_int_equal(w->first.kind, WIRE_FACTS_BOND);
	assert_int_equal(w->first.policy, TOPO_POLICY_LAYER34);
	assert_int_equal(egress_link(w, 0), -1);
	assert_int_equal(egress_link(w, 1), 3);
}

/* A way of whose links nothing is known, first and later: nobody may take the others' for its own.
 */
static void test_unknown(void **state)
{
	static const struct topo_path local = { .end = TOPO_END_LOCAL };
	struct egresses *w = fresh(0);

	add(w, &local);
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_NONE);
	add(w, device("right", 4));
	assert_int_equal(egress_facts(w)->kind, WIRE_FACTS_SEVERAL);
	assert_links(w, "right", 1);
	assert_int_equal(egress_link(w, 0), -1);
	assert_int_equal(egress_link(w, 1), 0);
}

static void test_limits(void **state)
{
	struct egresses *w = fresh(0);

	add(w, bond(WIRE_LINKS_MAX - 1));
	add(w, device("left", 3));
	add(w, device("right", 4));
	assert_int_equal(egress_facts(w)->n_links, WIRE_LINKS_MAX);
	assert_int_equal(egress_link(w, 1), WIRE_LINKS_MAX - 1);
	assert_int_equal(egress_link(w, 2), -1);
	for (int i = 3; i < EGRESS_MAX; i++)
		assert_int_equal(add(w, device("left", 3)), i);
	assert_int_equal(add(w, device("left", 3)), -1);
	assert_int_equal(w->n, EGRESS_MAX);
}

/* Links keep their numbers, whichever way vanishes. */
static void test_vanishes_and_comes_back(void **state)
{
	struct egresses *w = fresh(0), *now = fresh(1), *later = fresh(2);

	add(w, device("left", 3));
	add(w, device("right", 4));
	again(now, NULL, w);
	again(now, device("right", 4), w);
	assert_links(now, "left right", 2);
	assert_int_equal(now->first.kind, WIRE_FACTS_PLAIN);
	assert_true(is_watched(now, 3) && is_watched(now, 103));
	again(later, device("left", 3), now);
	again(later, NULL, now);
	assert_links(later, "left right", 1);
	assert_int_equal(egress_link(later, 1), 1);
}

/* Another pair still leads there. */
static void test_one_of_two_vanishes(void **state)
{
	struct egresses *w = fresh(0), *now = fresh(1);

	add(w, device("left", 3));
	add(w, device("left", 3));
	add(w, device("right", 4));
	again(now, NULL, w);
	again(now, device("left", 3), w);
	again(now, device("right", 4), w);
	assert_links(now, "left right", 3);
}

static void test_loses_carrier(void **state)
{
	struct egresses *w = fresh(0), *now = fresh(1);
	static struct topo_path path;

	add(w, device("left", 3));
	add(w, device("right", 4));
	again(now, device("left", 3), w);
	path = *device("right", 4);
	path.link.carrier = false;
	again(now, &path, w);
	assert_links(now, "left right", 1);
}

/* One way alone, which vanishes, says nothing of what will be there next. */
static void test_only_way_vanishes(void **state)
{
	struct egresses *w = fresh(0), *now = fresh(1);

	add(w, device("left", 3));
	again(now, NULL, w);
	assert_links(now, "left", 1);
}

/* The neighbour's address does not go away when the kernel forgets it for a moment. */
static void test_neighbour_forgotten(void **state)
{
	struct egresses *w = fresh(0), *now = fresh(1);
	static struct topo_path path;

	path = *bond(2);
	add(w, &path);
	path.has_dmac = false;
	path.dmac[0] = 0;
	again(now, &path, w);
	assert_true(wire_facts_same(&w->first, &now->first));
	/* Of another bond it is another one. */
	fresh(1);
	path.bond.ifindex++;
	again(now, &path, w);
	assert_false(now->first.flags & WIRE_FACTS_MACS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_one_device),
		cmocka_unit_test(test_two_devices),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_bond_and_device),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_vanishes_and_comes_back),
		cmocka_unit_test(test_one_of_two_vanishes),
		cmocka_unit_test(test_loses_carrier),
		cmocka_unit_test(test_only_way_vanishes),
		cmocka_unit_test(test_neighbour_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
