/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines that were recorded (test/fixtures/topo), machines that are made up here where recording
 * one is hard, and all of them again with spoilt answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netlink/watch.h"
#include "test-topo-fixture.h"
#include "topo/path.h"

static const uint8_t no_mac[TOPO_MAC_LEN];

static void open_machine(struct fixture *f, const char *name)
{
	char dir[FIXTURE_PATH_LEN];

	snprintf(dir, sizeof(dir), "%s/%s", FIXTURES, name);
	fixture_open(f, dir);
}

static void load_only_bond(const char *name, struct topo_bond *out)
{
	struct topo_bond *bonds;
	struct fixture f;
	size_t n;

	open_machine(&f, name);
	assert_int_equal(topo_bonds(&f.source, &bonds, &n), 0);
	assert_int_equal(n, 1);
	*out = bonds[0];
	free(bonds);
	/* The same bond, asked for alone. */
	assert_int_equal(topo_bond(&f.source, out->ifindex, &(struct topo_bond){ 0 }), 0);
}

static void find_way(struct topo_source *source, const char *peer, struct topo_path *out)
{
	struct topo_flow flow = { .family = strchr(peer, ':') ? AF_INET6 : AF_INET,
				  .protocol = IPPROTO_TCP,
				  .sport = 40000,
				  .dport = 5201 };

	assert_int_equal(inet_pton(flow.family, peer, flow.dst), 1);
	assert_int_equal(topo_path(source, &flow, out), 0);
}

static void load_path(const char *name, const char *peer, struct topo_path *out)
{
	struct fixture f;

	open_machine(&f, name);
	find_way(&f.source, peer, out);
}

/* "eth0 eth2": the links in order. */
static void assert_links(const struct topo_bond *bond, bool usable_only, const char *names)
{
	char found[256] = "";

	for (size_t i = 0; i < bond->n_links; i++) {
		size_t len = strlen(found);

		if (!usable_only || !bond->links[i].unusable)
			snprintf(found + len, sizeof(found) - len, "%s%s", len ? " " : "",
				 bond->links[i].name);
	}
	assert_string_equal(found, names);
}

static void assert_addr(int family, const uint8_t *addr, const char *text)
{
	char found[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(family, addr, found, sizeof(found)));
	assert_string_equal(found, text);
}

static void test_lacp(void **state)
{
	static struct topo_bond b;

	load_only_bond("lacp", &b);
	assert_int_equal(b.kind, TOPO_KIND_BOND);
	assert_string_equal(b.name, "bond0");
	assert_int_equal(b.ifindex, 6);
	assert_int_equal(b.mtu, 1500);
	assert_int_equal(b.mode, TOPO_MODE_8023AD);
	assert_int_equal(b.policy, TOPO_POLICY_LAYER34);
	assert_int_equal(b.lacp_rate, 1);
	assert_int_equal(b.ad_select, 0);
	assert_int_equal(b.miimon_ms, 100);
	assert_int_equal(b.arp_interval_ms, 0);
	assert_true(b.up && b.carrier && b.lacp_active && b.in_sysfs && b.order_known);
	assert_true(b.has_aggregator);
	assert_int_equal(b.n_aggregated, 4);
	assert_int_equal(b.actor_key, 15);
	assert_int_equal(b.partner_key, 15);
	assert_memory_not_equal(b.partner_mac, no_mac, TOPO_MAC_LEN);
	assert_int_equal(b.n_ports, 4);
	assert_int_equal(b.n_usable, 4);
	assert_links(&b, false, "eth0 eth1 eth2 eth3");
	for (size_t i = 0; i < 4; i++) {
		const struct topo_link *link = &b.links[i];

		assert_int_equal(link->ifindex, 2 + i);
		assert_int_equal(link->speed, 10000);
		assert_int_equal(link->duplex, TOPO_DUPLEX_FULL);
		assert_true(link->up && link->carrier && link->in_sysfs && !link->backup);
		assert_int_equal(link->mii, TOPO_MII_UP);
		assert_int_equal(link->aggregator, b.aggregator);
		assert_int_equal(link->actor_state & TOPO_LACP_WORKING, TOPO_LACP_WORKING);
		assert_int_equal(link->partner_state & TOPO_LACP_WORKING, TOPO_LACP_WORKING);
		assert_memory_equal(link->mac, b.mac, TOPO_MAC_LEN);
		assert_memory_not_equal(link->perm_mac, no_mac, TOPO_MAC_LEN);
		assert_true(link->counters.tx_bytes > 0 && link->counters.rx_packets > 0);
		/* Recorded by root. */
		assert_true(link->has_partner);
		assert_int_equal(link->partner_key, 15);
		assert_memory_equal(link->partner_mac, b.partner_mac, TOPO_MAC_LEN);
		assert_false(link->churned);
	}
	assert_int_equal(b.links[3].failures, 1);
}

/* With nothing left in /proc, only what is held can still tell the order. */
static void test_held(void **state)
{
	static struct topo_path fresh, held;
	struct fixture f;

	open_machine(&f, "lacp");
	find_way(&f.source, "10.0.0.2", &fresh);
	assert_int_equal(topo_hold(&f.source), 0);
	f.source.root = "/nonexistent";
	find_way(&f.source, "10.0.0.2", &held);
	assert_int_equal(held.end, TOPO_END_BOND);
	assert_memory_equal(&held.bond, &fresh.bond, sizeof(held.bond));
	find_way(&f.source, "192.0.2.1", &held);
	assert_int_equal(held.end, TOPO_END_UNREACHABLE);

	topo_release(&f.source);
	find_way(&f.source, "10.0.0.2", &held);
	assert_false(held.bond.order_known);
	topo_release(&f.source);
}

static void test_lacp_paths(void **state)
{
	static struct topo_path p;
	uint8_t dmac[TOPO_MAC_LEN];

	load_path("lacp", "10.0.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_string_equal(p.reason, "");
	assert_string_equal(p.bond.name, "bond0");
	assert_string_equal(p.link.name, "bond0");
	assert_int_equal(p.bond.n_usable, 4);
	assert_int_equal(p.n_hops, 1);
	assert_int_equal(p.hops[0].kind, TOPO_KIND_BOND);
	assert_int_equal(p.mtu, 1500);
	assert_int_equal(p.gateway_family, 0);
	assert_true(p.has_src && p.has_smac && p.has_dmac && !p.guessed && !p.n_vlans);
	assert_addr(AF_INET, p.src, "10.0.0.1");
	assert_memory_equal(p.smac, p.bond.mac, TOPO_MAC_LEN);
	memcpy(dmac, p.dmac, TOPO_MAC_LEN);

	load_path("lacp", "fd00::2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_addr(AF_INET6, p.src, "fd00::1");
	assert_true(p.has_dmac);
	assert_memory_equal(p.dmac, dmac, TOPO_MAC_LEN);

	/* Through a gateway: its MAC, not the peer's. */
	load_path("lacp", "203.0.113.1", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_int_equal(p.gateway_family, AF_INET);
	assert_addr(AF_INET, p.gateway, "10.0.0.2");
	assert_true(p.has_dmac);
	assert_memory_equal(p.dmac, dmac, TOPO_MAC_LEN);

	/* Nobody there. */
	load_path("lacp", "10.0.0.9", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_false(p.has_dmac);

	load_path("lacp", "10.0.0.1", &p);
	assert_int_equal(p.end, TOPO_END_LOCAL);
	assert_string_equal(p.reason, "10.0.0.1 is an address of this machine");
	load_path("lacp", "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_UNREACHABLE);
	load_path("lacp", "198.51.100.1", &p);
	assert_int_equal(p.end, TOPO_END_UNREACHABLE);
	assert_string_equal(p.reason, "198.51.100.1 has no route: Invalid argument");
}

/* eth1 was released and taken in again: it is the last now, though its ifindex is the second. */
static void test_lacp_split(void **state)
{
	static struct topo_bond b;

	load_only_bond("lacp-split", &b);
	assert_true(b.order_known && !b.in_sysfs);
	assert_links(&b, false, "eth0 eth2 eth3 eth1");
	assert_links(&b, true, "eth2 eth1");
	assert_int_equal(b.n_usable, 2);
	assert_int_equal(b.links[0].unusable, TOPO_UNUSABLE_CARRIER);
	assert_int_equal(b.links[0].mii, TOPO_MII_DOWN);
	assert_int_equal(b.links[0].failures, 1);
	/* Its switch does not answer. */
	assert_int_equal(b.links[2].unusable, TOPO_UNUSABLE_AGGREGATOR);
	assert_int_equal(b.links[2].mii, TOPO_MII_UP);
	assert_true(b.links[2].actor_state & TOPO_LACP_DEFAULTED);
	assert_int_equal(b.links[2].partner_state, 0);
	/* Recorded by a user: the bond's partner is known, the links' partners are not. */
	assert_memory_not_equal(b.partner_mac, no_mac, TOPO_MAC_LEN);
	assert_false(b.links[1].has_partner);
	assert_int_equal(b.links[1].speed, 10000);
	assert_int_equal(b.links[1].duplex, TOPO_DUPLEX_FULL);
}

static void test_lacp_alone(void **state)
{
	static struct topo_bond b;

	load_only_bond("lacp-alone", &b);
	assert_int_equal(b.policy, TOPO_POLICY_LAYER23);
	assert_int_equal(b.lacp_rate, 0);
	assert_true(b.has_aggregator);
	assert_int_equal(b.n_aggregated, 1);
	assert_memory_equal(b.partner_mac, no_mac, TOPO_MAC_LEN);
	assert_links(&b, true, "eth0");
}

static void test_xor_down(void **state)
{
	static struct topo_bond b;
	static struct topo_path p;

	load_only_bond("xor-down", &b);
	assert_int_equal(b.mode, TOPO_MODE_BALANCE_XOR);
	assert_links(&b, false, "eth1 eth2 eth0");
	assert_links(&b, true, "eth1 eth0");
	/* In this mode a dead port is no backup. */
	assert_false(b.links[1].backup);
	assert_int_equal(b.links[1].unusable, TOPO_UNUSABLE_CARRIER);
	assert_int_equal(b.links[0].mtu, 9000);
	assert_int_equal(b.links[0].aggregator, 0);
	assert_false(b.has_aggregator);

	load_path("xor-down", "10.0.0.2", &p);
	assert_int_equal(p.mtu, 9000);
}

static void test_vlan(void **state)
{
	static struct topo_path p;

	load_path("vlan", "10.0.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_int_equal(p.n_hops, 2);
	assert_string_equal(p.hops[0].name, "bond0.100");
	assert_int_equal(p.hops[0].kind, TOPO_KIND_VLAN);
	assert_int_equal(p.hops[0].vlan, 100);
	assert_string_equal(p.hops[1].name, "bond0");
	assert_int_equal(p.n_vlans, 1);
	assert_int_equal(p.vlan, 100);
	assert_int_equal(p.mtu, 1400);
	assert_links(&p.bond, true, "eth0 eth1");

	load_path("vlan", "10.7.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_int_equal(p.n_hops, 3);
	assert_int_equal(p.n_vlans, 2);
	assert_int_equal(p.vlan, 100);
	assert_int_equal(p.hops[0].vlan, 7);
}

static void test_bridge(void **state)
{
	static struct topo_path p;

	load_path("bridge", "10.0.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_false(p.guessed);
	assert_string_equal(p.hops[0].name, "br0");
	assert_string_equal(p.hops[1].name, "bond0");
	assert_int_equal(p.bond.mode, TOPO_MODE_ACTIVE_BACKUP);
	assert_int_equal(p.bond.active, 2);
	assert_links(&p.bond, true, "eth0");
	assert_int_equal(p.bond.links[1].unusable, TOPO_UNUSABLE_BACKUP);

	/* A guest behind the same bridge. */
	load_path("bridge", "10.0.0.3", &p);
	assert_int_equal(p.end, TOPO_END_NAMESPACE);
	assert_string_equal(p.link.name, "guest");

	/* Not seen yet. */
	load_path("bridge", "10.9.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_false(p.has_dmac);
	assert_true(p.guessed);
}

static void test_team(void **state)
{
	static struct topo_bond b;
	static struct topo_path p;

	load_only_bond("team", &b);
	assert_int_equal(b.kind, TOPO_KIND_TEAM);
	assert_int_equal(b.mode, TOPO_MODE_UNKNOWN);
	assert_int_equal(b.policy, TOPO_POLICY_UNKNOWN);
	assert_string_equal(b.team_mode, "");
	assert_string_equal(b.reason, "the mode and the hash of a team are shown to root only");
	assert_false(b.order_known);
	assert_links(&b, true, "eth0 eth1");
	load_path("team", "10.0.0.2", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_int_equal(p.bond.kind, TOPO_KIND_TEAM);

	load_only_bond("team-root", &b);
	assert_string_equal(b.team_mode, "activebackup");
	assert_string_equal(b.reason, "");
	assert_int_equal(b.active, 3);
	assert_links(&b, true, "eth1");
	assert_int_equal(b.links[0].unusable, TOPO_UNUSABLE_BACKUP);
	assert_int_equal(b.links[2].unusable, TOPO_UNUSABLE_DISABLED);
}

static void test_tlb(void **state)
{
	static struct topo_bond b;

	load_only_bond("tlb", &b);
	assert_int_equal(b.mode, TOPO_MODE_BALANCE_TLB);
	assert_false(b.tlb_dynamic_lb);
	assert_links(&b, true, "eth0");
	assert_int_equal(b.links[1].unusable, TOPO_UNUSABLE_DOWN);
	assert_false(b.links[1].up);
}

static void test_none(void **state)
{
	struct topo_bond *bonds = (void *)1;
	static struct topo_path p;
	struct fixture f;
	size_t n = 1;

	open_machine(&f, "none");
	assert_int_equal(topo_bonds(&f.source, &bonds, &n), 0);
	assert_int_equal(n, 0);
	assert_null(bonds);
	assert_int_equal(topo_bond(&f.source, 2, &p.bond), -ENODEV);
	assert_int_equal(topo_bond(&f.source, 99, &p.bond), -ENODEV);

	load_path("none", "10.0.0.2", &p);
	assert_int_equal(p.end, TOPO_END_NAMESPACE);
	assert_int_equal(p.hops[0].kind, TOPO_KIND_VETH);
	load_path("none", "10.1.0.2", &p);
	assert_int_equal(p.end, TOPO_END_PLAIN);
	assert_string_equal(p.link.name, "eth1");
	assert_string_equal(p.reason, "eth1 is a single link, not a bond");
	load_path("none", "10.2.0.2", &p);
	assert_int_equal(p.end, TOPO_END_NAMESPACE);
	assert_int_equal(p.hops[0].kind, TOPO_KIND_MACVLAN);
	load_path("none", "10.3.0.2", &p);
	assert_int_equal(p.end, TOPO_END_PLAIN);
	assert_int_equal(p.n_hops, 2);
	assert_memory_not_equal(p.smac, p.link.mac, TOPO_MAC_LEN);
	load_path("none", "10.250.0.1", &p);
	assert_int_equal(p.end, TOPO_END_UNREACHABLE);
}

static void test_kernel(void **state)
{
	char release[TOPO_RELEASE_LEN];
	struct fixture f;

	open_machine(&f, "lacp");
	assert_int_equal(topo_kernel(&f.source, release), 0);
	assert_string_equal(release, "6.1.176");
	f.source.root = "/nowhere";
	assert_int_equal(topo_kernel(&f.source, release), 0);
	assert_true(release[0] >= '2');
}

/* Six links, one per state: good, set down, without carrier, MII down, backup, in another
 * aggregator. */
static void make_ports(struct topo_bond *b, uint8_t mode)
{
	memset(b, 0, sizeof(*b));
	b->kind = TOPO_KIND_BOND;
	b->mode = mode;
	b->n_links = 6;
	b->has_aggregator = true;
	b->aggregator = 1;
	for (size_t i = 0; i < b->n_links; i++) {
		b->links[i].name[0] = (char)('0' + i);
		b->links[i].ifindex = (uint32_t)i + 10;
		b->links[i].up = i != 1;
		b->links[i].carrier = i != 1 && i != 2;
		b->links[i].mii = i >= 1 && i <= 3 ? TOPO_MII_DOWN : TOPO_MII_UP;
		b->links[i].backup = i == 4;
		b->links[i].aggregator = i == 5 ? 2 : 1;
	}
}

static void test_usable_by_mode(void **state)
{
	const struct {
		uint8_t mode;
		const char *usable;
	} rules[] = {
		{ TOPO_MODE_BALANCE_RR, "0 5" },  { TOPO_MODE_ACTIVE_BACKUP, "4" },
		{ TOPO_MODE_BALANCE_XOR, "0 5" }, { TOPO_MODE_BROADCAST, "0 4 5" },
		{ TOPO_MODE_8023AD, "0" },        { TOPO_MODE_BALANCE_TLB, "0 5" },
		{ TOPO_MODE_BALANCE_ALB, "0 5" }, { 7, "0 5" },
		{ TOPO_MODE_UNKNOWN, "0 5" },
	};
	static struct topo_bond b;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		make_ports(&b, rules[i].mode);
		b.active = 14;
		topo_judge(&b);
		assert_links(&b, true, rules[i].usable);
		assert_int_equal(b.links[1].unusable, TOPO_UNUSABLE_DOWN);
		assert_int_equal(b.links[2].unusable, TOPO_UNUSABLE_CARRIER);
		assert_int_equal(b.links[3].unusable, TOPO_UNUSABLE_MII);
	}
	make_ports(&b, TOPO_MODE_8023AD);
	b.has_aggregator = false;
	topo_judge(&b);
	assert_int_equal(b.n_usable, 0);
	assert_int_equal(b.links[0].unusable, TOPO_UNUSABLE_NO_GROUP);
	/* A port on its way back is not in use yet. */
	make_ports(&b, TOPO_MODE_BALANCE_XOR);
	b.links[0].mii = TOPO_MII_GOING_BACK;
	topo_judge(&b);
	assert_int_equal(b.links[0].unusable, TOPO_UNUSABLE_MII);
}

static void test_names(void **state)
{
	assert_string_equal(topo_mode_name(TOPO_MODE_8023AD), "802.3ad");
	assert_string_equal(topo_mode_name(TOPO_MODE_UNKNOWN), "unknown");
	assert_string_equal(topo_policy_name(TOPO_POLICY_VLAN_SRCMAC), "vlan+srcmac");
	assert_string_equal(topo_policy_name(6), "unknown");
	assert_string_equal(topo_unusable_text(TOPO_USABLE), "usable");
}

/* A directory for files of our own, below which a test puts sys/ and proc/. */
struct tree {
	char dir[32];
};

static void tree_write(const struct tree *t, const char *path, const char *text)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", t->dir, path);
	for (char *s = strchr(name + strlen(t->dir) + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		mkdir(name, 0755);
		*s = '/';
	}
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int tree_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/test-topo.XXXXXX");
	*state = t;
	return mkdtemp(t->dir) ? 0 : -1;
}

static void remove_tree(const char *dir)
{
	DIR *d = opendir(dir);
	char name[512];

	for (struct dirent *e; d && (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		if (unlink(name) < 0)
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static int tree_teardown(void **state)
{
	struct tree *t = *state;

	remove_tree(t->dir);
	free(t);
	return 0;
}

static void write_identity(const struct tree *t, const char *name, uint32_t ifindex,
			   const uint8_t *mac)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", name);
	snprintf(text, sizeof(text), "%u\n", ifindex);
	tree_write(t, path, text);
	snprintf(path, sizeof(path), "sys/class/net/%s/address", name);
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	tree_write(t, path, text);
}

/* No /proc/net/bonding: sysfs has the order too, if it is of our namespace. */
static void test_order_from_sysfs(void **state)
{
	const struct tree *t = *state;
	static struct topo_bond b;
	struct fixture f;

	load_only_bond("lacp-split", &b);
	open_machine(&f, "lacp-split");
	f.source.root = t->dir;
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known);
	assert_string_equal(b.reason,
			    "the order of the links cannot be read: No such file or directory");
	assert_links(&b, false, "eth0 eth1 eth2 eth3");

	tree_write(t, "sys/class/net/bond0/bonding/slaves", "eth0 eth2 eth3 eth1 \n");
	write_identity(t, "bond0", 7, b.mac);
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known || b.in_sysfs);
	write_identity(t, "bond0", 6, no_mac);
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known || b.in_sysfs);

	write_identity(t, "bond0", 6, b.mac);
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_true(b.order_known && b.in_sysfs);
	assert_links(&b, false, "eth0 eth2 eth3 eth1");
	assert_string_equal(b.reason, "");

	/* A list cut short, and one with a stranger, are no order. */
	tree_write(t, "sys/class/net/bond0/bonding/slaves", "eth0 eth2 ++more++ \n");
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known);
	assert_links(&b, false, "eth0 eth1 eth2 eth3");
	tree_write(t, "sys/class/net/bond0/bonding/slaves", "eth0 eth2 eth9 eth3 eth1\n");
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known);
	tree_write(t, "sys/class/net/bond0/bonding/slaves", "eth0 eth2 eth2 eth3 eth1\n");
	assert_int_equal(topo_bond(&f.source, 6, &b), 0);
	assert_false(b.order_known);
}

static void test_speed_from_sysfs(void **state)
{
	const struct {
		const char *speed, *duplex;
		uint32_t want_speed;
		enum topo_duplex want_duplex;
	} list[] = {
		{ "1000\n", "full\n", 1000, TOPO_DUPLEX_FULL },
		{ "100\n", "half\n", 100, TOPO_DUPLEX_HALF },
		{ "-1\n", "unknown\n", 0, TOPO_DUPLEX_UNKNOWN },
		{ "4294967295\n", "", 0, TOPO_DUPLEX_UNKNOWN },
		{ "", "full", 0, TOPO_DUPLEX_FULL },
		{ "99999999999999999999999\n", "fullx\n", 0, TOPO_DUPLEX_UNKNOWN },
	};
	const struct tree *t = *state;
	static struct topo_path p;
	struct fixture f;

	open_machine(&f, "none");
	f.source.root = t->dir;
	find_way(&f.source, "10.1.0.2", &p);
	assert_int_equal(p.link.speed, 0);
	assert_false(p.link.in_sysfs);
	write_identity(t, "eth1", p.link.ifindex, p.link.mac);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		tree_write(t, "sys/class/net/eth1/speed", list[i].speed);
		tree_write(t, "sys/class/net/eth1/duplex", list[i].duplex);
		find_way(&f.source, "10.1.0.2", &p);
		assert_true(p.link.in_sysfs);
		assert_int_equal(p.link.speed, list[i].want_speed);
		assert_int_equal(p.link.duplex, list[i].want_duplex);
	}
}

static void test_churn(void **state)
{
	const struct tree *t = *state;
	static struct topo_bond b;
	struct fixture f;

	open_machine(&f, "lacp-alone");
	f.source.root = t->dir;
	tree_write(t, "proc/net/bonding/bond0",
		   "Slave Interface: eth1\nSpeed: Unknown\nDuplex: Unknown\n"
		   "Partner Churn State: churned\n\n"
		   "Slave Interface: eth0\nSpeed: 100 Mbps\nDuplex: half\n"
		   "Actor Churn State: monitoring\n");
	assert_int_equal(topo_bond(&f.source, 4, &b), 0);
	assert_true(b.order_known);
	assert_links(&b, false, "eth1 eth0");
	assert_true(b.links[0].churned && !b.links[1].churned);
	assert_int_equal(b.links[0].speed, 0);
	assert_int_equal(b.links[1].speed, 100);
	assert_int_equal(b.links[1].duplex, TOPO_DUPLEX_HALF);
}

static void write_counter(const struct tree *t, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/class/net/eth0/statistics/%s", file);
	tree_write(t, path, text);
}

static void test_counters(void **state)
{
	const struct tree *t = *state;
	struct topo_counters c[4] = { 0 };
	static struct topo_bond b;
	struct fixture f;

	load_only_bond("lacp", &b);
	open_machine(&f, "lacp");
	/* sysfs has none of them in the fixture, so they come from netlink. */
	assert_int_equal(topo_counters(&f.source, b.links, 4, c), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_true(c[i].rx_bytes >= b.links[i].counters.rx_bytes);
		assert_true(c[i].tx_packets >= b.links[i].counters.tx_packets);
		assert_true(c[i].tx_bytes && c[i].rx_packets);
	}
	f.source.root = t->dir;
	write_counter(t, "rx_bytes", "18446744073709551615\n");
	write_counter(t, "tx_bytes", "2\n");
	write_counter(t, "rx_packets", "3\n");
	write_counter(t, "tx_packets", "4\n");
	assert_int_equal(topo_counters(&f.source, b.links, 1, c), 0);
	assert_true(c[0].rx_bytes == UINT64_MAX && c[0].tx_bytes == 2);
	assert_true(c[0].rx_packets == 3 && c[0].tx_packets == 4);
	/* A link that is gone. */
	b.links[1].ifindex = 77;
	c[1].rx_bytes = 5;
	assert_int_equal(topo_counters(&f.source, b.links, 2, c), -ENOENT);
	assert_int_equal(c[1].rx_bytes, 5);
}

/* A made-up machine: devices, one route out of the first, and a bridge that has learnt a port. */
struct made_dev {
	uint32_t ifindex;
	const char *name;
	const char *kind;
	uint32_t lower;
	uint32_t master;
};

struct made {
	struct topo_source source;
	const struct made_dev *devs;
	size_t n;
	uint32_t learnt;      /* port of all bridges to the next hop; 0: none */
	unsigned interrupted; /* this many dumps of links end in -EINTR */
	bool only_dumps;      /* as kernels before 5.0 for neighbours */
	unsigned n_dumps;
};

static const uint8_t next_mac[TOPO_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };

static void put_link(struct nlmsghdr *m, const struct made_dev *dev)
{
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));
	const uint8_t mac[TOPO_MAC_LEN] = { 2, 0, 0, 0, 1, (uint8_t)dev->ifindex };
	struct nlattr *nest;

	m->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = (int)dev->ifindex;
	info->ifi_flags = IFF_UP | IFF_LOWER_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, dev->name);
	mnl_attr_put_u32(m, IFLA_MTU, 1500);
	mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
	if (dev->lower)
		mnl_attr_put_u32(m, IFLA_LINK, dev->lower);
	if (dev->master)
		mnl_attr_put_u32(m, IFLA_MASTER, dev->master);
	nest = mnl_attr_nest_start(m, IFLA_LINKINFO);
	if (dev->kind)
		mnl_attr_put_str(m, IFLA_INFO_KIND, dev->kind);
	mnl_attr_nest_end(m, nest);
}

static void put_route(struct nlmsghdr *m, const struct made *made)
{
	struct rtmsg *route = mnl_nlmsg_put_extra_header(m, sizeof(*route));
	const struct {
		uint16_t family;
		uint8_t addr[16];
	} via = { AF_INET6, { 0xfe, 0x80, [15] = 1 } };
	struct nlattr *nest;

	m->nlmsg_type = RTM_NEWROUTE;
	route->rtm_family = AF_INET;
	route->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(m, RTA_OIF, made->devs[0].ifindex);
	mnl_attr_put(m, RTA_VIA, sizeof(via), &via);
	nest = mnl_attr_nest_start(m, RTA_METRICS);
	mnl_attr_put_u32(m, RTAX_MTU, 1280);
	mnl_attr_nest_end(m, nest);
}

static void put_neighbour(struct nlmsghdr *m, uint8_t family, uint32_t ifindex, uint32_t master)
{
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof(*nd));
	const uint8_t gateway[16] = { 0xfe, 0x80, [15] = 1 };

	m->nlmsg_type = RTM_NEWNEIGH;
	nd->ndm_family = family;
	nd->ndm_ifindex = (int)ifindex;
	nd->ndm_state = NUD_REACHABLE;
	if (family == AF_INET6)
		mnl_attr_put(m, NDA_DST, sizeof(gateway), gateway);
	mnl_attr_put(m, NDA_LLADDR, sizeof(next_mac), next_mac);
	if (master)
		mnl_attr_put_u32(m, NDA_MASTER, master);
}

static int made_links(struct made *made, topo_reply_fn fn, void *arg)
{
	char buffer[512] __attribute__((aligned(8)));
	int r = 0;

	for (size_t i = 0; i < made->n && !r; i++) {
		struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);

		put_link(m, &made->devs[i]);
		r = fn(m, arg);
	}
	made->n_dumps++;
	if (!r && made->interrupted) {
		made->interrupted--;
		return -EINTR;
	}
	return r;
}

static int made_fdb(struct made *made, topo_reply_fn fn, void *arg)
{
	char buffer[512] __attribute__((aligned(8)));

	for (size_t i = 0; i < made->n && made->learnt; i++) {
		struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
		int r;

		if (!made->devs[i].kind || strcmp(made->devs[i].kind, "bridge") != 0)
			continue;
		put_neighbour(m, AF_BRIDGE, made->learnt, made->devs[i].ifindex);
		r = fn(m, arg);
		if (r)
			return r;
	}
	return 0;
}

static int made_query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn,
		      void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(request);
	char buffer[512] __attribute__((aligned(8)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	bool dump = request->nlmsg_flags & NLM_F_DUMP;
	struct made *made = ctx;

	switch (request->nlmsg_type) {
	case RTM_GETLINK:
		return made_links(made, fn, arg);
	case RTM_GETROUTE:
		put_route(m, made);
		return fn(m, arg);
	case RTM_GETNEIGH:
		if (nd->ndm_family == AF_BRIDGE)
			return made_fdb(made, fn, arg);
		if (made->only_dumps && !dump)
			return -EOPNOTSUPP;
		put_neighbour(m, AF_INET6, made->devs[0].ifindex, 0);
		return fn(m, arg);
	}
	return -EOPNOTSUPP;
}

static const struct topo_source_ops made_ops = { .query = made_query };

static void make(struct made *made, const struct made_dev *devs, size_t n)
{
	memset(made, 0, sizeof(*made));
	made->source.ops = &made_ops;
	made->source.ctx = made;
	made->source.root = "/nowhere";
	made->devs = devs;
	made->n = n;
}

#define MAKE(made, devs) make(made, devs, sizeof(devs) / sizeof((devs)[0]))

/* An IPv4 peer whose gateway has an IPv6 address only; the route's MTU is the least. */
static void test_gateway_of_other_family(void **state)
{
	const struct made_dev devs[] = { { 4, "bond0", "bond", 0, 0 } };
	static struct topo_path p;
	struct made made;

	MAKE(&made, devs);
	for (int i = 0; i < 2; i++) {
		made.only_dumps = i;
		find_way(&made.source, "192.0.2.1", &p);
		assert_int_equal(p.end, TOPO_END_BOND);
		assert_int_equal(p.gateway_family, AF_INET6);
		assert_addr(AF_INET6, p.gateway, "fe80::1");
		assert_true(p.has_dmac);
		assert_memory_equal(p.dmac, next_mac, TOPO_MAC_LEN);
		assert_int_equal(p.mtu, 1280);
		assert_false(p.has_src);
		/* A bond without ports, of a kernel that tells nothing of it. */
		assert_int_equal(p.bond.mode, TOPO_MODE_UNKNOWN);
		assert_int_equal(p.bond.n_links, 0);
	}
}

static void test_kinds(void **state)
{
	const struct {
		const char *kind;
		enum topo_end end;
	} list[] = {
		{ "vrf", TOPO_END_PLAIN },
		{ "wireguard", TOPO_END_TUNNEL },
		{ "vxlan", TOPO_END_TUNNEL },
		{ "tun", TOPO_END_TUNNEL },
		{ "openvswitch", TOPO_END_OVS },
		{ NULL, TOPO_END_PLAIN },
		{ "macsec", TOPO_END_TUNNEL },
		{ "dsa", TOPO_END_PLAIN },
		{ "something new", TOPO_END_UNKNOWN },
		{ "vlan", TOPO_END_LOST },
		{ "ipvlan", TOPO_END_LOST },
		{ "bridge", TOPO_END_BRIDGE },
		{ "netkit", TOPO_END_NAMESPACE },
		{ "a kind with a name that is longer than any", TOPO_END_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct made_dev devs[] = { { 4, "x", list[i].kind, 0, 0 } };
		static struct topo_path p;
		struct made made;

		MAKE(&made, devs);
		find_way(&made.source, "192.0.2.1", &p);
		assert_int_equal(p.end, list[i].end);
		assert_true(p.reason[0]);
	}
}

/* Open vSwitch over the kernel's only bond; then over two, and either may be the way; then
 * over cards that it bonds itself. */
static void test_ovs(void **state)
{
	struct made_dev devs[] = {
		{ 6, "br-ex", "openvswitch", 0, 0 }, { 5, "ovs-system", "openvswitch", 0, 0 },
		{ 4, "bond0", "bond", 0, 5 },        { 7, "bond1", NULL, 0, 5 },
		{ 2, "eth0", NULL, 0, 4 },
	};
	static struct topo_path p;
	struct made made;

	MAKE(&made, devs);
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_BOND);
	assert_true(p.guessed);
	assert_string_equal(p.bond.name, "bond0");
	assert_int_equal(p.n_hops, 2);
	devs[3].kind = "bond";
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_OVS);
	assert_false(p.guessed);
	devs[2].kind = devs[3].kind = NULL;
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_OVS);
}

/* veth to a bridge of the same machine, whose port is a VLAN on a bond. */
static void test_long_way(void **state)
{
	const struct made_dev devs[] = {
		{ 4, "v0", "veth", 5, 0 },    { 5, "v1", "veth", 4, 6 },
		{ 6, "br0", "bridge", 0, 0 }, { 7, "bond0.5", "vlan", 8, 6 },
		{ 8, "bond0", "bond", 0, 0 }, { 9, "eth0", NULL, 0, 8 },
		{ 10, "tap0", "tun", 0, 6 },
	};
	const char *const names[] = { "v0", "br0", "bond0.5", "bond0" };
	static struct topo_path p;
	struct made made;

	MAKE(&made, devs);
	for (uint32_t learnt = 0; learnt <= 7; learnt += 7) {
		made.learnt = learnt;
		find_way(&made.source, "192.0.2.1", &p);
		assert_int_equal(p.end, TOPO_END_BOND);
		assert_int_equal(p.guessed, !learnt);
		assert_int_equal(p.n_hops, 4);
		for (size_t i = 0; i < 4; i++)
			assert_string_equal(p.hops[i].name, names[i]);
		assert_int_equal(p.n_vlans, 1);
		assert_int_equal(p.smac[5], 4);
		assert_links(&p.bond, false, "eth0");
	}
	made.learnt = 10;
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_TUNNEL);
}

static void test_circle(void **state)
{
	const struct made_dev devs[] = {
		{ 4, "a", "vlan", 5, 0 },
		{ 5, "b", "macvlan", 4, 0 },
	};
	static struct topo_path p;
	struct made made;

	MAKE(&made, devs);
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_LOST);
	assert_string_equal(p.reason, "the devices under a form a circle");
	assert_int_equal(p.n_hops, TOPO_HOPS_MAX);
}

static void test_egress_gone(void **state)
{
	const struct made_dev devs[] = { { 4, "../x", NULL, 0, 0 }, { 5, "eth0", NULL, 0, 0 } };
	static struct topo_path p;
	struct made made;

	/* A name that is a path is none, so the device is not known. */
	MAKE(&made, devs);
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.end, TOPO_END_LOST);
	assert_int_equal(p.n_hops, 0);
}

static void test_dump_interrupted(void **state)
{
	const struct made_dev devs[] = { { 4, "bond0", "bond", 0, 0 }, { 5, "a", NULL, 0, 4 } };
	struct topo_bond *bonds;
	struct made made;
	size_t n;

	MAKE(&made, devs);
	made.interrupted = 2;
	assert_int_equal(topo_bonds(&made.source, &bonds, &n), 0);
	assert_int_equal(made.n_dumps, 3);
	assert_int_equal(n, 1);
	assert_int_equal(bonds[0].n_links, 1);
	free(bonds);
	/* A network that never comes to rest. */
	made.interrupted = 1000;
	assert_int_equal(topo_bonds(&made.source, &bonds, &n), -EINTR);
	assert_true(made.n_dumps < 30);
}

static void test_more_ports_than_listed(void **state)
{
	static struct made_dev devs[TOPO_LINKS_MAX + 9];
	static char names[TOPO_LINKS_MAX + 9][8];
	const size_t n = sizeof(devs) / sizeof(devs[0]);
	static struct topo_path p;
	struct made made;

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "e%zu", i);
		devs[i] = (struct made_dev){ (uint32_t)(i + 1), names[i], i ? NULL : "bond", 0,
					     i ? 1 : 0 };
	}
	make(&made, devs, n);
	find_way(&made.source, "192.0.2.1", &p);
	assert_int_equal(p.bond.n_ports, n - 1);
	assert_int_equal(p.bond.n_links, TOPO_LINKS_MAX);
	assert_false(p.bond.order_known);
}

static size_t link_event(char *buffer, const struct made_dev *dev, uint16_t type)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);

	put_link(m, dev);
	m->nlmsg_type = type;
	return m->nlmsg_len;
}

static void test_watch(void **state)
{
	const struct made_dev bond = { 4, "bond0", "bond", 0, 0 }, port = { 5, "e", NULL, 0, 4 },
			      other = { 6, "x", NULL, 0, 0 };
	const uint32_t set[] = { 3, 4 };
	char event[512] __attribute__((aligned(8)));
	static char large[8000];
	int fds[2];
	const struct {
		const struct made_dev *dev;
		uint16_t type;
		int want;
	} list[] = {
		{ &bond, RTM_NEWLINK, 1 }, { &port, RTM_NEWLINK, 1 },  { &other, RTM_NEWLINK, 0 },
		{ &bond, RTM_DELLINK, 1 }, { &bond, RTM_NEWROUTE, 0 },
	};

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	assert_int_equal(topo_watch_drain(fds[0], set, 2), 0);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		size_t len = link_event(event, list[i].dev, list[i].type);

		assert_int_equal(send(fds[1], event, len, 0), (ssize_t)len);
		assert_int_equal(topo_watch_drain(fds[0], set, 2), list[i].want);
		/* One that concerns us among others. */
		send(fds[1], event, len, 0);
		len = link_event(event, &other, RTM_NEWLINK);
		send(fds[1], event, len, 0);
		assert_int_equal(topo_watch_drain(fds[0], set, 2), list[i].want);
	}
	/* A storm is read in parts. */
	for (int i = 0; i < TOPO_WATCH_BATCH + 1; i++) {
		size_t len = link_event(event, i < TOPO_WATCH_BATCH ? &other : &port, RTM_NEWLINK);

		assert_int_equal(send(fds[1], event, len, 0), (ssize_t)len);
	}
	assert_int_equal(topo_watch_drain(fds[0], set, 2), 0);
	assert_int_equal(topo_watch_drain(fds[0], set, 2), 1);
	/* Cut short by the sender, or by our buffer. */
	send(fds[1], event, 20, 0);
	assert_int_equal(topo_watch_drain(fds[0], set, 2), 0);
	assert_int_equal(send(fds[1], large, sizeof(large), 0), (ssize_t)sizeof(large));
	assert_int_equal(topo_watch_drain(fds[0], set, 2), 1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(topo_watch_drain(fds[0], set, 2), -EBADF);
}

/* The real one: what every machine has. */
static void test_this_machine(void **state)
{
	struct topo_source *source;
	struct topo_bond *bonds;
	static struct topo_path p;
	size_t n;
	int fd;

	assert_int_equal(topo_source_new(&source), 0);
	assert_int_equal(topo_bonds(source, &bonds, &n), 0);
	free(bonds);
	assert_int_equal(topo_bond(source, 0x7ffffff0, &p.bond), -ENODEV);
	find_way(source, "127.0.0.1", &p);
	assert_true(p.end == TOPO_END_LOCAL || p.end == TOPO_END_UNREACHABLE);
	/* Errors leave the source as good as new. */
	memset(&p.link, 0, sizeof(p.link));
	p.link.ifindex = 0x7ffffff0;
	assert_true(topo_counters(source, &p.link, 1, &p.link.counters) < 0);
	assert_int_equal(topo_bonds(source, &bonds, &n), 0);
	free(bonds);
	assert_null(topo_source_free(source));
	assert_null(topo_source_free(NULL));
	fd = topo_watch_open();
	assert_true(fd >= 0);
	assert_true(topo_watch_drain(fd, NULL, 0) >= 0);
	close(fd);
}

/* One way to spoil an answer: cut it at this byte, or change this byte. */
struct spoil {
	size_t at;
	int mask;     /* -1: cut */
	bool reached; /* an answer was that long */
};

static size_t spoil(char *bytes, size_t len, void *arg)
{
	struct spoil *s = arg;

	if (s->at >= len)
		return len;
	s->reached = true;
	if (s->mask < 0)
		return s->at;
	bytes[s->at] = (char)(bytes[s->at] ^ s->mask);
	return len;
}

static void check_bond(const struct topo_bond *b)
{
	assert_true(memchr(b->name, '\0', sizeof(b->name)));
	assert_true(memchr(b->reason, '\0', sizeof(b->reason)));
	assert_true(memchr(b->team_mode, '\0', sizeof(b->team_mode)));
	assert_true(b->n_links <= TOPO_LINKS_MAX && b->n_links <= b->n_ports);
	assert_true(b->n_usable <= b->n_links);
	for (size_t i = 0; i < b->n_links; i++) {
		assert_true(memchr(b->links[i].name, '\0', sizeof(b->links[i].name)));
		assert_null(strchr(b->links[i].name, '/'));
	}
}

static void ask_all(struct topo_source *source, const char *peer)
{
	struct topo_flow flow = { .family = AF_INET };
	struct topo_bond *bonds = NULL;
	static struct topo_path p;
	size_t n = 0;

	if (topo_bonds(source, &bonds, &n) == 0)
		for (size_t i = 0; i < n; i++)
			check_bond(&bonds[i]);
	free(bonds);
	inet_pton(AF_INET, peer, flow.dst);
	if (topo_path(source, &flow, &p))
		return;
	assert_true(p.n_hops <= TOPO_HOPS_MAX);
	assert_true(memchr(p.reason, '\0', sizeof(p.reason)));
	assert_true(p.end == TOPO_END_BOND || p.reason[0]);
	if (p.end == TOPO_END_BOND)
		check_bond(&p.bond);
}

/* Every cut, and three changes of every byte, of every answer. */
static void test_spoilt_netlink(void **state)
{
	const char *const machines[] = {
		"lacp", "lacp-split", "vlan", "bridge", "team-root", "none"
	};
	const int masks[] = { -1, 0xff, 0x01, 0x40 };
	struct spoil s;
	struct fixture f;

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const char *peer = strcmp(machines[i], "none") ? "10.0.0.2" : "10.2.0.2";

		open_machine(&f, machines[i]);
		f.source.root = "/nowhere";
		f.spoil = spoil;
		f.spoil_arg = &s;
		for (size_t k = 0; k < sizeof(masks) / sizeof(masks[0]); k++) {
			s = (struct spoil){ .mask = masks[k], .reached = true };
			/* All answers of a machine at once. */
			for (; s.reached; s.at++) {
				s.reached = false;
				ask_all(&f.source, peer);
			}
		}
	}
}

static void test_spoilt_counters(void **state)
{
	const int masks[] = { -1, 0xff, 0x01 };
	struct topo_counters c[4];
	static struct topo_bond b;
	struct spoil s;
	struct fixture f;

	load_only_bond("lacp", &b);
	open_machine(&f, "lacp");
	f.spoil = spoil;
	f.spoil_arg = &s;
	for (size_t k = 0; k < sizeof(masks) / sizeof(masks[0]); k++) {
		s = (struct spoil){ .mask = masks[k], .reached = true };
		for (; s.reached; s.at++) {
			s.reached = false;
			topo_counters(&f.source, b.links, 4, c);
		}
	}
}

static void test_spoilt_proc(void **state)
{
	const char *const path = FIXTURES "/lacp/proc/net/bonding/bond0";
	const struct tree *t = *state;
	static char text[8192];
	static struct topo_bond b;
	struct fixture f;
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	assert_true(len > 1000);
	open_machine(&f, "lacp");
	f.source.root = t->dir;
	/* From the end, so that each cut only shortens. */
	for (size_t at = len; at-- > 0;) {
		char was = text[at];

		text[at] = "\n9"[at % 2];
		tree_write(t, "proc/net/bonding/bond0", text);
		assert_int_equal(topo_bond(&f.source, 6, &b), 0);
		check_bond(&b);
		text[at] = was;
		if (at % 4)
			continue;
		/* Lines without their beginning. */
		tree_write(t, "proc/net/bonding/bond0", text + at);
		assert_int_equal(topo_bond(&f.source, 6, &b), 0);
		check_bond(&b);
	}
	for (; len > 3; len -= 3) {
		text[len - 3] = '\0';
		tree_write(t, "proc/net/bonding/bond0", text);
		assert_int_equal(topo_bond(&f.source, 6, &b), 0);
		check_bond(&b);
		assert_int_equal(b.n_links, 4);
	}
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lacp),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_lacp_paths),
		cmocka_unit_test(test_lacp_split),
		cmocka_unit_test(test_lacp_alone),
		cmocka_unit_test(test_xor_down),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_team),
		cmocka_unit_test(test_tlb),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_usable_by_mode),
		cmocka_unit_test(test_names),
		WITH_TREE(test_order_from_sysfs),
		WITH_TREE(test_speed_from_sysfs),
		WITH_TREE(test_churn),
		WITH_TREE(test_counters),
		cmocka_unit_test(test_gateway_of_other_family),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ovs),
		cmocka_unit_test(test_long_way),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_egress_gone),
		cmocka_unit_test(test_dump_interrupted),
		cmocka_unit_test(test_more_ports_than_listed),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_spoilt_netlink),
		cmocka_unit_test(test_spoilt_counters),
		WITH_TREE(test_spoilt_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
