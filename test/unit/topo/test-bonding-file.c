/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bonds of kernels whose netlink says of a bond only that it is one: all else is in
 * /proc/net/bonding. The files are those of test/fixtures/bonding; test/net/bonds/bonding-files.sh
 * compares each of their values with what another reader finds.
 */
#include "topo/bonding_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A kernel before 3.13 with bond0, 10, over eth0, 2, and eth1, 3 ------------------------------- */

static int put_device(const char *name, uint32_t ifindex, uint32_t master, topo_reply_fn fn,
		      void *arg)
{
	char buffer[512] __attribute__((aligned(8)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));
	struct nlattr *nest;

	m->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = (int)ifindex;
	info->ifi_flags = IFF_UP | IFF_LOWER_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	if (master) {
		mnl_attr_put_u32(m, IFLA_MASTER, master);
		return fn(m, arg);
	}
	nest = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "bond");
	mnl_attr_nest_end(m, nest);
	return fn(m, arg);
}

static int query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	int r;

	if (request->nlmsg_type != RTM_GETLINK)
		return -EOPNOTSUPP;
	r = put_device("eth0", 2, 10, fn, arg);
	if (!r)
		r = put_device("eth1", 3, 10, fn, arg);
	return r ? r : put_device("bond0", 10, 0, fn, arg);
}

static char root[] = "/tmp/test-bonding-file.XXXXXX";

static int make_root(void **state)
{
	char path[64];

	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/proc", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/net", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/net/bonding", root);
	return mkdir(path, 0700);
}

static int remove_root(void **state)
{
	static const char *const paths[] = { "/proc/net/bonding/bond0", "/proc/net/bonding",
					     "/proc/net", "/proc", "" };
	char path[64];

	for (size_t i = 0; i < LEN(paths); i++) {
		snprintf(path, sizeof(path), "%s%s", root, paths[i]);
		remove(path);
	}
	return 0;
}

static void load(const char *fixture, struct topo_bond *out)
{
	static const struct topo_source_ops ops = { .query = query };
	struct topo_source source = { .ops = &ops, .root = root };
	char path[64], target[512];

	snprintf(path, sizeof(path), "%s/proc/net/bonding/bond0", root);
	snprintf(target, sizeof(target), BONDING "/%s", fixture);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(topo_bond(&source, 10, out), 0);
	assert_true(out->order_known);
	assert_int_equal(out->n_links, 2);
}

/* They were shown with mode unknown, without monitoring, and nothing was found to be wrong. */
static void test_old_kernels(void **state)
{
	static struct topo_bond b;

	load("old-lacp-no-aggregator", &b);
	assert_int_equal(b.mode, TOPO_MODE_8023AD);
	assert_int_equal(b.policy, TOPO_POLICY_LAYER2);
	assert_int_equal(b.miimon_ms, 100);
	assert_int_equal(b.lacp_rate, 1);
	assert_false(b.has_aggregator);
	assert_false(b.partner_hidden);
	assert_int_equal(b.links[1].failures, 2);
	assert_int_equal(b.links[1].perm_mac[5], 2);
	assert_int_equal(b.links[1].unusable, TOPO_UNUSABLE_NO_GROUP);
	assert_int_equal(b.n_usable, 0);

	load("old-round-robin", &b);
	assert_int_equal(b.mode, TOPO_MODE_BALANCE_RR);
	assert_int_equal(b.miimon_ms, 1000);
	assert_int_equal(b.n_usable, 2);

	load("old-active-backup-arp", &b);
	assert_int_equal(b.mode, TOPO_MODE_ACTIVE_BACKUP);
	assert_int_equal(b.arp_interval_ms, 1000);
	assert_int_equal(b.active, 3);
	assert_int_equal(b.links[0].failures, 1);
	assert_int_equal(b.links[0].unusable, TOPO_UNUSABLE_BACKUP);
	assert_int_equal(b.n_usable, 1);

	load("old-lacp-no-partner", &b);
	assert_true(b.has_aggregator);
	assert_int_equal(b.aggregator, 1);
	assert_int_equal(b.actor_key, 17);
	assert_int_equal(b.links[1].aggregator, 2);
	assert_int_equal(b.links[1].unusable, TOPO_UNUSABLE_AGGREGATOR);
}

/* Files alone ---------------------------------------------------------------------------------- */

static void read_alone(const char *fixture, struct bonding_file *out)
{
	static char text[8192];
	char path[512];
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), BONDING "/%s", fixture);
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	assert_int_equal(bonding_file_parse(text, out), 0);
	bonding_file_complete(out, "bond0");
	assert_string_equal(out->bond.name, "bond0");
}

static void test_usable(void **state)
{
	/* A letter for each link: U usable, C no carrier, M held down, B backup, A other
	 * aggregator, N no aggregator. */
	static const char letters[] = "U-CMBAN";
	static const struct {
		const char *file, *links;
	} files[] = {
		{ "active-backup-arp-flapping", "UB" },
		{ "active-backup-none-active", "BB" },
		{ "active-backup-slow-active", "BU" },
		{ "alb-no-links", "" },
		{ "broadcast-one-down", "CU" },
		{ "lacp-100-of-1000", "AU" },
		{ "lacp-down-keeps-partner", "CU" },
		{ "lacp-individual-one-link", "U" },
		{ "lacp-no-partner", "AU" },
		{ "lacp-one-silent", "UA" },
		{ "lacp-seen-by-user", "UU" },
		{ "lacp-stale-key", "UA" },
		{ "lacp-unheard-all", "BB" },
		{ "lacp-unheard-one", "BU" },
		{ "old-lacp-no-aggregator", "NN" },
		{ "pasted-and-masked", "AU" },
		{ "round-robin-arp-ipv6", "MU" },
		{ "tlb-five-ten", "UU" },
	};

	for (size_t i = 0; i < LEN(files); i++) {
		struct bonding_file f;
		char links[8] = "";

		read_alone(files[i].file, &f);
		for (size_t k = 0; k < f.bond.n_links; k++)
			links[k] = letters[f.bond.links[k].unusable];
		if (strcmp(links, files[i].links) != 0)
			fail_msg("%s: %s, not %s", files[i].file, links, files[i].links);
	}
}

static void test_release(void **state)
{
	struct bonding_file f;

	read_alone("lacp-stale-key", &f);
	assert_string_equal(f.release, "6.8.0-39-generic");
	read_alone("lacp-no-partner", &f);
	assert_string_equal(f.release, "5.10.0+");
	read_alone("tlb-five-ten", &f);
	assert_true(f.bond.tlb_dynamic_lb);
	read_alone("lacp-speed-unknown", &f);
	assert_string_equal(f.release, "");
}

/* By a part of the address in old kernels, by its length in new ones. */
static void test_infiniband(void **state)
{
	char text[] = "Bonding Mode: fault-tolerance (active-backup) (fail_over_mac active)\n"
		      "Slave Interface: ib0\n"
		      "Permanent HW addr: 80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:01:02:"
		      "03\n"
		      "Slave Interface: eth0\n"
		      "Permanent HW addr: 02:00:00:00:00:01\n";
	struct bonding_file f;

	read_alone("active-backup-infiniband", &f);
	assert_int_equal(f.bond.links[0].type, ARPHRD_INFINIBAND);
	assert_int_equal(f.bond.links[1].type, ARPHRD_INFINIBAND);
	assert_int_equal(bonding_file_parse(text, &f), 0);
	assert_int_equal(f.bond.mode, TOPO_MODE_ACTIVE_BACKUP);
	assert_int_equal(f.bond.links[0].type, ARPHRD_INFINIBAND);
	assert_int_equal(f.bond.links[1].type, 0);
	assert_int_equal(f.bond.links[1].perm_mac[5], 1);
}

/* What comes before the first port, and more ports than can be listed. */
static void test_odd_files(void **state)
{
	static char many[4096];
	struct bonding_file f;
	char *end = many;
	char stray[] = "details actor lacp pdu:\nport key: 7\nport state: 9\n"
		       "Bonding Mode: load balancing (xor)\nSlave Interface:\nSpeed: x Mbps\n";
	char none[] = "Slave Interface: eth0\n";

	assert_int_equal(bonding_file_parse(stray, &f), 0);
	assert_int_equal(f.bond.n_links, 1);
	assert_string_equal(f.bond.links[0].name, "");
	assert_int_equal(bonding_file_parse(none, &f), -EINVAL);
	end += sprintf(end, "Bonding Mode: load balancing (xor)\n");
	for (int i = 0; i < TOPO_LINKS_MAX + 3; i++)
		end += sprintf(end, "Slave Interface: e%d\nSpeed: %d Mbps\n", i, i + 1);
	assert_int_equal(bonding_file_parse(many, &f), 0);
	bonding_file_complete(&f, "bond0");
	assert_int_equal(f.bond.n_links, TOPO_LINKS_MAX);
	assert_int_equal(f.bond.n_ports, TOPO_LINKS_MAX + 3);
	assert_int_equal(f.bond.links[TOPO_LINKS_MAX - 1].speed, TOPO_LINKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_old_kernels, make_root, remove_root),
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_infiniband),
		cmocka_unit_test(test_odd_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
