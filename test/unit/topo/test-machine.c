/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files as a kernel shows them, in a temporary directory; and addresses as netlink lists them.
 */
#include "topo/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topo/route.h"

#define PATH_LEN 256

static char root[] = "/tmp/test-machine-XXXXXX";
static struct topo_source source = { .root = root };

static int make_root(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[PATH_LEN];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	return system(command);
}

/* Makes the directories above it too. */
static void put_file(const char *path, const char *text)
{
	char name[PATH_LEN];
	FILE *file;

	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = strchr(name + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(name, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_cards(void **state)
{
	struct topo_link link = { .name = "eth0", .ifindex = 2, .mac = { 2, 0, 0, 0, 0, 9 } };
	struct topo_card card, none = { 0 };

	machine_card(&source, &link, &card);
	assert_memory_equal(&card, &none, sizeof(card));
	put_file("/sys/class/net/eth0/ifindex", "2\n");
	put_file("/sys/class/net/eth0/address", "02:00:00:00:00:09\n");
	machine_card(&source, &link, &card);
	assert_memory_equal(&card, &none, sizeof(card));

	put_file("/sys/class/net/eth0/device/uevent",
		 "DRIVER=ixgbe\nPCI_CLASS=20000\nPCI_SLOT_NAME=0000:3b:00.1\nMODALIAS=pci:v8086\n");
	machine_card(&source, &link, &card);
	assert_string_equal(card.driver, "ixgbe");
	assert_string_equal(card.slot, "0000:3b:00");
	assert_int_equal(card.slot_mbits, 0);
	assert_false(card.virtual_function);

	put_file("/sys/class/net/eth0/device/current_link_width", "4\n");
	put_file("/sys/class/net/eth0/device/current_link_speed", "2.5 GT/s PCIe\n");
	put_file("/sys/class/net/eth0/device/physfn/uevent", "DRIVER=ixgbe\n");
	machine_card(&source, &link, &card);
	assert_int_equal(card.slot_mbits, 8000);
	assert_true(card.virtual_function);
	/* As Linux up to 4.x writes it. */
	put_file("/sys/class/net/eth0/device/current_link_speed", "8 GT/s\n");
	machine_card(&source, &link, &card);
	assert_int_equal(card.slot_mbits, 4 * 7877);
	put_file("/sys/class/net/eth0/device/current_link_speed", "Unknown speed\n");
	machine_card(&source, &link, &card);
	assert_int_equal(card.slot_mbits, 0);
	put_file("/sys/class/net/eth0/device/current_link_speed", "16.0 GT/s PCIe\n");
	put_file("/sys/class/net/eth0/device/current_link_width", "0\n");
	machine_card(&source, &link, &card);
	assert_int_equal(card.slot_mbits, 0);

	/* Another device of this name, in another namespace's /sys. */
	link.ifindex = 3;
	machine_card(&source, &link, &card);
	assert_memory_equal(&card, &none, sizeof(card));
}

static void test_sysctl(void **state)
{
	assert_int_equal(machine_sysctl(&source, "net/ipv4/tcp_reordering"), 0);
	put_file("/proc/sys/net/ipv4/tcp_reordering", "127\n");
	assert_int_equal(machine_sysctl(&source, "net/ipv4/tcp_reordering"), 127);
	put_file("/proc/sys/net/ipv4/tcp_reordering", "many\n");
	assert_int_equal(machine_sysctl(&source, "net/ipv4/tcp_reordering"), 0);
}

static void test_snmp(void **state)
{
	assert_int_equal(machine_snmp(&source, "Ip", "FragCreates"), 0);
	put_file("/proc/net/snmp", "Ip: Forwarding ReasmReqds FragCreates\n"
				   "Ip: 1 34 56\n"
				   "Icmp: InMsgs FragCreates\n"
				   "Icmp: 7 8\n"
				   "Udp: Short Missing\n"
				   "Udp: 5\n"
				   "Last: Alone\n");
	assert_int_equal(machine_snmp(&source, "Ip", "FragCreates"), 56);
	assert_int_equal(machine_snmp(&source, "Ip", "ReasmReqds"), 34);
	assert_int_equal(machine_snmp(&source, "Icmp", "FragCreates"), 8);
	assert_int_equal(machine_snmp(&source, "Ip", "Frag"), 0);
	assert_int_equal(machine_snmp(&source, "I", "FragCreates"), 0);
	assert_int_equal(machine_snmp(&source, "Udp", "Missing"), 0);
	assert_int_equal(machine_snmp(&source, "Last", "Alone"), 0);
	put_file("/proc/net/snmp", "");
	assert_int_equal(machine_snmp(&source, "Ip", "FragCreates"), 0);
}

struct address {
	uint32_t ifindex;
	int family;
	const char *text;
	uint8_t prefix_len;
};

static const struct address addresses[] = {
	{ 2, AF_INET, "10.0.0.1", 24 },  { 3, AF_INET, "10.0.0.9", 28 },
	{ 4, AF_INET, "192.0.2.1", 31 }, { 5, AF_INET, "10.0.0.0", 40 },
	{ 6, AF_INET6, "fd00::1", 64 },  { 7, AF_INET6, "fd00:0:0:0:8000::1", 65 },
	{ 8, AF_INET, "172.16.0.1", 0 },
};

static int query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	const struct ifaddrmsg *wanted = mnl_nlmsg_get_payload(request);
	char buffer[256] __attribute__((aligned(8)));
	int r = *(int *)ctx;

	assert_int_equal(request->nlmsg_type, RTM_GETADDR);
	for (size_t i = 0; !r && i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const struct address *a = &addresses[i];
		struct nlmsghdr *reply = mnl_nlmsg_put_header(buffer);
		struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(reply, sizeof(*header));
		uint8_t bytes[16];

		/* Before Linux 4.20 a dump may hold more than was asked for. */
		assert_true(wanted->ifa_family == AF_INET || wanted->ifa_family == AF_INET6);
		assert_int_equal(inet_pton(a->family, a->text, bytes), 1);
		reply->nlmsg_type = RTM_NEWADDR;
		header->ifa_family = (unsigned char)a->family;
		header->ifa_prefixlen = a->prefix_len;
		header->ifa_index = a->ifindex;
		mnl_attr_put(reply, IFA_ADDRESS, a->family == AF_INET ? 4 : 16, bytes);
		r = fn(reply, arg);
	}
	return r;
}

static int subnets(int family, const char *text, uint32_t *ifindexes, size_t max, int error)
{
	static const struct topo_source_ops ops = { .query = query };
	struct topo_source netlink = { .ops = &ops, .ctx = &error, .root = root };
	uint8_t addr[16] = { 0 };

	assert_int_equal(inet_pton(family, text, addr), 1);
	return route_subnets(&netlink, family, addr, ifindexes, max);
}

static void test_subnets(void **state)
{
	uint32_t found[4];

	assert_int_equal(subnets(AF_INET, "10.0.0.200", found, 4, 0), 2);
	assert_int_equal(found[0], 2);
	assert_int_equal(found[1], 8);
	assert_int_equal(subnets(AF_INET, "10.0.0.14", found, 4, 0), 3);
	assert_int_equal(found[1], 3);
	assert_int_equal(subnets(AF_INET, "10.0.0.14", found, 1, 0), 1);
	assert_int_equal(subnets(AF_INET, "192.0.2.0", found, 4, 0), 2);
	assert_int_equal(subnets(AF_INET, "192.0.2.2", found, 4, 0), 1);
	assert_int_equal(subnets(AF_INET6, "fd00::7000:0:0:1", found, 4, 0), 1);
	assert_int_equal(found[0], 6);
	assert_int_equal(subnets(AF_INET6, "fd00::8000:0:0:2", found, 4, 0), 2);
	assert_int_equal(found[1], 7);
	assert_int_equal(subnets(AF_INET, "10.0.0.14", found, 4, -EPERM), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cards),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_snmp),
		cmocka_unit_test(test_subnets),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
