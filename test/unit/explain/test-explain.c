/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/explain/explain.h"
#include "netlink/sockets.h"
#include "path/link_convert.h"
#include "test-topo-fixture.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct explain_flow flow_of(const char *src, const char *dst)
{
	char message[EXPLAIN_MESSAGE_LEN];
	struct explain_flow f;

	assert_int_equal(explain_parse_flow(src, dst, &f, message), 0);
	return f;
}

static struct explain_bond bond_of(enum hash_policy policy, const char *links)
{
	struct explain_bond b = { .hash = { .mode = HASH_BALANCE_XOR,
					    .policy = policy,
					    .variant = HASH_5_18,
					    .active = -1 } };

	assert_int_equal(explain_parse_links(links, &b), 0);
	return b;
}

static void explain_here(const char *machine, const char *src, const char *dst,
			 struct explanation *out)
{
	struct explain_flow flow = flow_of(src, dst);
	char dir[FIXTURE_PATH_LEN];
	struct fixture f;

	snprintf(dir, sizeof(dir), "%s/%s", FIXTURES, machine);
	fixture_open(&f, dir);
	assert_int_equal(explain_local(&f.source, &flow, HASH_VARIANT_UNKNOWN, out), 0);
}

/* A bond's backup links are not usable, but that is not why the active one is taken. */
static void test_active_link_called_the_only_usable(void **state)
{
	struct explain_bond b = bond_of(HASH_LAYER34, "eth0,eth1");
	struct explain_flow flow = flow_of("10.0.0.1:1", "10.0.0.2:2");
	struct explanation e;

	b.hash.mode = HASH_ACTIVE_BACKUP;
	b.hash.usable = 2;
	b.hash.active = 1;
	explain_given(&b, &flow, &e);
	assert_true(e.tx.predictable);
	assert_string_equal(e.tx.link, "eth1");
	assert_string_equal(e.tx.reason, "active-backup: it is the active link");
}

static void test_parse_flow(void **state)
{
	static const char *const bad[] = { "",
					   "10.0.0.1",
					   "10.0.0.1:",
					   "10.0.0.1:0",
					   "10.0.0.1:65536",
					   "10.0.0.256:1",
					   "host:80",
					   ":80",
					   "fd00::1:80",
					   "[fd00::1]",
					   "[fd00::1]80",
					   "[fd00::1",
					   "[fd00::1%]:1",
					   "[10.0.0.1]:80",
					   "10.0.0.1:1 " };
	char message[EXPLAIN_MESSAGE_LEN];
	struct explain_flow f = flow_of("[fe80::1]:1", "[fe80::2%eth0]:65535");

	assert_int_equal(f.flow.family, FLOW_IPV6);
	assert_int_equal(f.flow.sport, 1);
	assert_int_equal(f.flow.dport, 65535);
	assert_int_equal(f.flow.dst[15], 2);
	assert_string_equal(f.zone, "eth0");
	f = flow_of("[::ffff:10.1.0.1]:40000", "10.1.0.77:5201");
	assert_int_equal(f.flow.family, FLOW_IPV4);
	assert_memory_equal(f.flow.src, ((uint8_t[16]){ 10, 1, 0, 1 }), 16);

	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(explain_parse_flow(bad[i], "10.0.0.1:1", &f, message), -EINVAL);
		assert_int_equal(explain_parse_flow("10.0.0.1:1", bad[i], &f, message), -EINVAL);
		assert_null(strchr(message, '\n'));
	}
	assert_int_equal(explain_parse_flow("10.0.0.1:1", "[::1]:1", &f, message), -EINVAL);
}

static void test_parse_tx_hash(void **state)
{
	static const char *const bad[] = { "", ",", "l5", "ipv4,,l4", "IPV4" };
	struct explain_flow flow = flow_of("10.1.0.1:40000", "10.1.0.77:5201");
	struct explain_bond b = bond_of(HASH_LAYER2, "3");
	struct explanation e;

	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(explain_parse_tx_hash(bad[i], &b), -EINVAL);
	b.hash.team_parts = 0;
	b.hash.mode = HASH_TEAM;
	assert_int_equal(explain_parse_tx_hash("ipv4,ipv6,l4", &b), 0);
	assert_int_equal(b.hash.team_parts, HASH_TEAM_IPV4 | HASH_TEAM_IPV6 | HASH_TEAM_L4);
	/* 0xd5 % 3 */
	explain_given(&b, &flow, &e);
	assert_true(e.tx.predictable);
	assert_int_equal(e.tx.index, 0);
	assert_non_null(strstr(e.tx.reason, "0xd5"));
	assert_null(e.policy);
}

static void test_parse_links(void **state)
{
	static const char *const bad[] = { "", "0", "33", "a,", ",a", "a,,b", "name-of-sixteen-" };
	struct explain_bond b = { 0 };

	assert_int_equal(explain_parse_links("32", &b), 0);
	assert_int_equal(b.hash.n_links, 32);
	assert_int_equal(b.hash.usable, UINT32_MAX);
	assert_int_equal(explain_parse_links("eth0,eth2,1", &b), 0);
	assert_int_equal(b.hash.n_links, 3);
	assert_int_equal(b.hash.usable, 7);
	assert_string_equal(b.links[1], "eth2");
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(explain_parse_links(bad[i], &b), -EINVAL);
}

/* Little endian, as checked against the driver. */
static void test_given(void **state)
{
	static const struct {
		const char *src, *dst;
		int index[5]; /* with 2, 3, 4, 5, 8 links */
	} rows[] = {
		{ "10.1.0.1:40000", "10.1.0.77:5201", { 0, 1, 2, 4, 2 } },
		{ "10.1.0.1:40003", "10.1.0.77:5201", { 1, 1, 3, 3, 3 } },
		{ "192.168.10.21:51514", "192.168.10.200:5201", { 1, 1, 1, 0, 5 } },
		{ "[fd00:1::1:2:3]:40001", "[fd00:1::a1b2:77]:5201", { 0, 2, 2, 2, 6 } },
	};
	static const char *const links[] = { "2", "3", "4", "5", "8" };

	for (size_t i = 0; i < N(rows); i++) {
		struct explain_flow f = flow_of(rows[i].src, rows[i].dst);
		struct explain_flow back = flow_of(rows[i].dst, rows[i].src);

		for (size_t j = 0; j < N(links); j++) {
			struct explain_bond b = bond_of(HASH_LAYER34, links[j]);
			struct explanation e, r;

			explain_given(&b, &f, &e);
			assert_true(e.tx.predictable && e.reverse.predictable);
			assert_int_equal(e.tx.index, rows[i].index[j]);
			assert_string_equal(e.tx.link, "");
			assert_string_equal(e.policy, "layer3+4");
			assert_non_null(strstr(e.note, "same bond"));
			explain_given(&b, &back, &r);
			assert_int_equal(e.reverse.index, r.tx.index);
		}
	}
}

/* layer2: 1 ^ 2 ^ 0x800. layer2+3: that and the addresses, folded. vlan+srcmac: halves and tag. */
static void test_given_macs(void **state)
{
	static const struct {
		enum hash_policy policy;
		uint16_t vlan;
		int tx, reverse; /* of 5 links */
	} rows[] = {
		{ HASH_LAYER2, 0, 0x803 % 5, 0x803 % 5 },
		{ HASH_LAYER23, 0, 0x03030b08 % 5, 0x03030b08 % 5 },
		{ HASH_ENCAP23, 0, 0x03030b08 % 5, 0x03030b08 % 5 },
		{ HASH_VLAN_SRCMAC, 0, 0x525401 % 5, 0x525402 % 5 },
		{ HASH_VLAN_SRCMAC, 10, (0x525401 ^ 10) % 5, (0x525402 ^ 10) % 5 },
	};
	struct explain_flow f = flow_of("10.0.0.1:1", "10.0.0.2:2");
	struct explanation e;

	for (size_t i = 0; i < N(rows); i++) {
		struct explain_bond b = bond_of(rows[i].policy, "5");

		b.has_smac = b.has_dmac = true;
		memcpy(b.smac, (uint8_t[6]){ 0x52, 0x54, 0, 0, 0, 1 }, 6);
		memcpy(b.dmac, (uint8_t[6]){ 0x52, 0x54, 0, 0, 0, 2 }, 6);
		b.vlan = rows[i].vlan;
		explain_given(&b, &f, &e);
		assert_true(e.tx.predictable && e.reverse.predictable);
		assert_int_equal(e.tx.index, rows[i].tx);
		assert_int_equal(e.reverse.index, rows[i].reverse);
		assert_non_null(strstr(e.note, "no router is between"));
	}
}

/* What is lacking is named, and one address does for a policy that looks at one. */
static void test_given_some_macs(void **state)
{
	struct explain_flow f = flow_of("10.0.0.1:1", "10.0.0.2:2");
	struct explain_bond b = bond_of(HASH_LAYER2, "4");
	struct explanation e;

	explain_given(&b, &f, &e);
	assert_string_equal(e.note, "--smac and --dmac give the MAC addresses");
	b.has_smac = true;
	explain_given(&b, &f, &e);
	assert_false(e.tx.predictable || e.reverse.predictable);
	assert_string_equal(e.note, "--dmac gives the other MAC address");
	b.hash.policy = HASH_VLAN_SRCMAC;
	explain_given(&b, &f, &e);
	assert_true(e.tx.predictable);
	assert_false(e.reverse.predictable);
	assert_string_equal(e.note, "--dmac gives the other MAC address");
	b.has_smac = false;
	b.has_dmac = true;
	explain_given(&b, &f, &e);
	assert_false(e.tx.predictable);
	assert_true(e.reverse.predictable);
	assert_string_equal(e.note, "--smac gives the other MAC address");
	b.hash.policy = HASH_LAYER34;
	explain_given(&b, &f, &e);
	assert_true(e.tx.predictable && e.reverse.predictable);
	assert_null(strstr(e.note, "router"));
}

static void test_given_active(void **state)
{
	static const char *const bad[] = { "", "c", "3", "-1", "01x" };
	struct explain_flow f = flow_of("10.0.0.1:1", "10.0.0.2:2");
	struct explain_bond b = bond_of(HASH_LAYER2, "a,0,b");
	struct explanation e;

	b.hash.mode = HASH_ACTIVE_BACKUP;
	explain_given(&b, &f, &e);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_ACTIVE));
	assert_string_equal(e.note, "--active gives the active link");
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(explain_parse_active(bad[i], &b), -EINVAL);
	assert_int_equal(b.hash.active, -1);
	assert_int_equal(explain_parse_active("2", &b), 0);
	assert_int_equal(b.hash.active, 2);
	/* A name comes before an index. */
	assert_int_equal(explain_parse_active("0", &b), 0);
	assert_int_equal(b.hash.active, 1);
	explain_given(&b, &f, &e);
	assert_string_equal(e.tx.link, "0");
	b = bond_of(HASH_LAYER2, "2");
	assert_int_equal(explain_parse_active("2", &b), -EINVAL);
	assert_int_equal(explain_parse_active("", &b), -EINVAL);
	assert_int_equal(explain_parse_active("0", &b), 0);
}

static void test_given_refused(void **state)
{
	struct explain_flow f = flow_of("10.1.0.1:40000", "10.1.0.77:5201");
	struct explain_bond b = bond_of(HASH_LAYER2, "a,b");
	struct explanation e;

	explain_given(&b, &f, &e);
	assert_false(e.tx.predictable);
	assert_int_equal(e.tx.index, -1);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_MACS));
	b.hash.mode = HASH_BALANCE_RR;
	explain_given(&b, &f, &e);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_ROUND_ROBIN));
	b = bond_of(HASH_ENCAP34, "a,b");
	explain_given(&b, &f, &e);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_RANDOM));
	b = bond_of(HASH_LAYER34, "a,b");
	b.hash.variant = HASH_VARIANT_UNKNOWN;
	explain_given(&b, &f, &e);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_VARIANT));
	assert_null(e.variant);
	b = bond_of(HASH_LAYER2, "a");
	explain_given(&b, &f, &e);
	assert_true(e.tx.predictable);
	assert_string_equal(e.tx.link, "a");
}

static void test_output(void **state)
{
	struct explain_flow f = flow_of("10.1.0.1:40000", "10.1.0.77:5201");
	struct explain_bond b = bond_of(HASH_LAYER34, "a,b,c");
	struct explanation e;
	char text[1024];
	json_t *o;
	char *line;
	size_t len;

	explain_given(&b, &f, &e);
	len = explain_text(&e, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_ptr_equal(strstr(text, "10.1.0.1:40000 -> 10.1.0.77:5201\n"
				      "  sent:    b, link 1: balance-xor: the layer3+4 hash is "
				      "0x0e84a4ea by the rule of kernel 5.18, 3 of 3 links are "
				      "usable\n"
				      "  reverse: a, link 0 of the peer's bond: balance-xor: "),
			 text);
	line = explain_json(&e);
	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	o = json_loads(line, 0, NULL);
	free(line);
	assert_string_equal(json_string_value(json_object_get(o, "src")), "10.1.0.1:40000");
	assert_string_equal(json_string_value(json_object_get(o, "dst")), "10.1.0.77:5201");
	assert_string_equal(json_string_value(json_object_get(o, "policy")), "layer3+4");
	assert_string_equal(json_string_value(json_object_get(o, "tx_link")), "b");
	assert_int_equal(json_integer_value(json_object_get(o, "tx_index")), 1);
	assert_true(json_is_true(json_object_get(o, "predictable")));
	assert_true(json_is_null(json_object_get(o, "dev")));
	assert_true(json_is_string(json_object_get(o, "reason")));
	json_decref(o);
}

static void test_local(void **state)
{
	struct explain_bond b = bond_of(HASH_LAYER34, "eth0,eth1,eth2,eth3");
	struct explanation e, given;
	struct explain_flow f = flow_of("10.0.0.1:40002", "10.0.0.2:5201");
	char text[1024];

	explain_here("lacp", "10.0.0.1:40002", "10.0.0.2:5201", &e);
	explain_given(&b, &f, &given);
	assert_true(e.tx.predictable);
	assert_string_equal(e.dev, "bond0");
	assert_string_equal(e.mode, "802.3ad");
	assert_string_equal(e.policy, "layer3+4");
	assert_string_equal(e.variant, "5.18");
	assert_int_equal(e.tx.index, given.tx.index);
	assert_string_equal(e.tx.link, given.tx.link);
	assert_false(e.reverse.predictable);
	assert_string_equal(e.note, "");
	explain_text(&e, text, sizeof(text));
	assert_non_null(strstr(text, " of bond0: 802.3ad: "));

	explain_here("lacp", "[fd00::1]:40002", "[fd00::2]:5201", &e);
	assert_true(e.tx.predictable);
	/* Not in the bond's group, or down. */
	for (unsigned port = 40000; port < 40032; port++) {
		char src[32];

		snprintf(src, sizeof(src), "10.0.0.1:%u", port);
		explain_here("xor-down", src, "10.0.0.2:5201", &e);
		assert_true(e.tx.predictable);
		assert_true(e.tx.index >= 0);
	}
}

static void test_local_refused(void **state)
{
	struct explanation e;

	explain_here("lacp", "10.0.0.1:1", "192.0.2.1:1", &e);
	assert_true(e.no_route);
	assert_false(e.tx.predictable);
	explain_here("lacp", "10.0.0.2:1", "10.0.0.1:1", &e);
	assert_false(e.no_route || e.tx.predictable);
	assert_string_equal(e.tx.reason, "10.0.0.1 is an address of this machine");
	explain_here("none", "10.1.0.1:1", "10.1.0.2:1", &e);
	assert_true(e.tx.predictable);
	assert_string_equal(e.dev, "eth1");
	assert_string_equal(e.tx.link, "eth1");
	assert_int_equal(e.tx.index, -1);
	assert_null(e.policy);
	explain_here("team", "10.0.0.1:1", "10.0.0.2:1", &e);
	assert_false(e.tx.predictable);
	assert_string_equal(e.tx.reason, hash_reason_text(HASH_R_TEAM));
	explain_here("bridge", "10.0.0.1:1", "10.0.0.2:1", &e);
	assert_true(e.tx.predictable);
	assert_string_equal(e.mode, "active-backup");
	assert_null(e.policy);
	explain_here("bridge", "10.9.0.1:1", "10.9.0.2:1", &e);
	assert_string_not_equal(e.note, "");
}

/* netlink does not tell the order of the links, and without it an index means nothing. */
static void test_hash_bond(void **state)
{
	static struct topo_bond t;
	struct hash_bond b;

	t = (struct topo_bond){ .kind = TOPO_KIND_BOND,
				.mode = TOPO_MODE_ACTIVE_BACKUP,
				.policy = TOPO_POLICY_UNKNOWN,
				.active = 8,
				.n_ports = 2,
				.n_links = 2 };
	t.links[0].ifindex = 7;
	t.links[0].unusable = TOPO_UNUSABLE_CARRIER;
	t.links[1].ifindex = 8;
	b = link_convert_hash_bond(&t, "6.1.0-18-amd64", HASH_VARIANT_UNKNOWN);
	assert_int_equal(b.usable, 2);
	assert_int_equal(b.active, 1);
	assert_int_equal(b.policy, HASH_N_POLICIES);
	assert_int_equal(b.variant, HASH_VARIANT_UNKNOWN);
	t.mode = TOPO_MODE_UNKNOWN;
	t.policy = TOPO_POLICY_LAYER34;
	b = link_convert_hash_bond(&t, "what", HASH_EL8);
	assert_int_equal(b.mode, HASH_N_MODES);
	assert_int_equal(b.variant, HASH_EL8);
}

static void test_socket(void **state)
{
	char buffer[256] __attribute__((aligned(8))) = { 0 };
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct inet_diag_msg *diag;
	struct topo_socket s;

	m->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	assert_int_equal(topo_socket_parse(m, &s), -EINVAL);
	diag = mnl_nlmsg_put_extra_header(m, sizeof(*diag));
	assert_int_equal(topo_socket_parse(m, &s), -EINVAL);
	diag->idiag_family = AF_INET;
	diag->id.idiag_sport = htons(40000);
	diag->id.idiag_dport = htons(5201);
	diag->id.idiag_src[0] = htonl(0x0a010001);
	diag->id.idiag_dst[0] = htonl(0x0a01004d);
	diag->id.idiag_dst[1] = 1;
	diag->id.idiag_if = 3;
	assert_int_equal(topo_socket_parse(m, &s), 0);
	assert_int_equal(s.sport, 40000);
	assert_int_equal(s.dport, 5201);
	assert_int_equal(s.ifindex, 3);
	assert_memory_equal(s.src, ((uint8_t[16]){ 10, 1, 0, 1 }), 16);
	assert_memory_equal(s.dst, ((uint8_t[16]){ 10, 1, 0, 77 }), 16);
	diag->idiag_family = AF_INET6;
	assert_int_equal(topo_socket_parse(m, &s), 0);
	assert_int_equal(s.family, AF_INET6);
	for (unsigned i = 0; i < 2; i++) {
		__be32 *addr = i ? diag->id.idiag_dst : diag->id.idiag_src;

		memcpy(addr, (__be32[4]){ 0, 0, htonl(0xffff), htonl(0x0a000001 + i) }, 16);
	}
	assert_int_equal(topo_socket_parse(m, &s), 0);
	assert_int_equal(s.family, AF_INET);
	assert_memory_equal(s.src, ((uint8_t[16]){ 10, 0, 0, 1 }), 16);
	assert_memory_equal(s.dst, ((uint8_t[16]){ 10, 0, 0, 2 }), 16);
}

static int run(const char *line)
{
	char copy[256], *argv[16], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "explain %s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return explain_main(argc, argv);
}

static void test_usage(void **state)
{
	static const char *const bad[] = {
		"",
		"1.1.1.1:1",
		"1.1.1.1:1 x",
		"--bad 1.1.1.1:1 1.1.1.2:1",
		"--policy",
		"--policy layer9 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--policy layer2 1.1.1.1:1 1.1.1.2:1",
		"--links 2 1.1.1.1:1 1.1.1.2:1",
		"--mode 802.3ad 1.1.1.1:1 1.1.1.2:1",
		"--active 0 1.1.1.1:1 1.1.1.2:1",
		"--smac 2:0:0:0:0:1 1.1.1.1:1 1.1.1.2:1",
		"--smac 02:00:00:00:00:01 1.1.1.1:1 1.1.1.2:1",
		"--dmac 02:00:00:00:00:01 1.1.1.1:1 1.1.1.2:1",
		"--vlan 1 1.1.1.1:1 1.1.1.2:1",
		"--vlan 0 --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--vlan 4095 --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--smac 02:00:00:00:00 --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--dmac x --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--active 0 --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--active 2 --mode active-backup --policy layer2 --links 2 1.1.1.1:1 1.1.1.2:1",
		"--policy layer2 --links 0 1.1.1.1:1 1.1.1.2:1",
		"--variant 9.9 1.1.1.1:1 1.1.1.2:1",
		"--variant unknown 1.1.1.1:1 1.1.1.2:1",
		"--sockets a b",
		"--sockets=a b",
		"--sockets --policy layer2 --links 2",
	};

	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(run(bad[i]), 2);
	assert_int_equal(run("--policy layer3+4 --links 2 --variant 5.18 1.1.1.1:1 1.1.1.2:1"), 0);
	assert_int_equal(run("--json 1.1.1.1:1 1.1.1.2:1 --policy layer2+3 --links=a,b "
			     "--variant el8 [::1]:1 [::2]:1"),
			 0);
	assert_int_equal(run("--policy vlan+srcmac --links 2 --variant 5.18 --vlan 4094 --smac "
			     "02:00:00:00:00:01 --dmac 02-00-00-00-00-02 1.1.1.1:1 1.1.1.2:1"),
			 0);
	assert_int_equal(run("--policy layer2 --links a,b --variant 5.18 --mode active-backup "
			     "--active b 1.1.1.1:1 1.1.1.2:1"),
			 0);
	assert_int_equal(run("--help"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_active_link_called_the_only_usable),
		cmocka_unit_test(test_parse_flow),
		cmocka_unit_test(test_parse_tx_hash),
		cmocka_unit_test(test_parse_links),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_given_refused),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_local_refused),
		cmocka_unit_test(test_hash_bond),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_given_macs),
		cmocka_unit_test(test_given_some_macs),
		cmocka_unit_test(test_given_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
