/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device a NAPI instance belongs to, against a kernel of our own making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/genetlink.h>

#include "netlink/attr.h"
#include "netlink/source.h"
#include "topo/topo.h"

/* linux/netdev.h */
#define FAMILY         33
#define CMD_NAPI_GET   11
#define A_NAPI_IFINDEX 1
#define A_NAPI_ID      2

struct kernel {
	bool knows;     /* the family */
	unsigned lists; /* how often it was asked for a device's */
};

static struct nlmsghdr *message(char *buffer, uint16_t type, uint8_t command)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(m, sizeof(*header));

	m->nlmsg_type = type;
	header->cmd = command;
	return m;
}

/* Device 4 has the instances 8193 and 8194, device 5 has 8195, and a message that lacks all. */
static int list(struct kernel *k, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	static const struct {
		uint32_t ifindex, id;
	} napis[] = { { 4, 8193 }, { 4, 8194 }, { 5, 8195 } };
	const struct nlattr *tb[A_NAPI_ID + 1];
	char buffer[256];
	int r;

	k->lists++;
	assert_true(request->nlmsg_flags & NLM_F_DUMP);
	attr_table(request, sizeof(struct genlmsghdr), tb, A_NAPI_ID + 1);
	for (size_t i = 0; i < sizeof(napis) / sizeof(napis[0]); i++) {
		struct nlmsghdr *m = message(buffer, FAMILY, CMD_NAPI_GET);

		if (napis[i].ifindex != attr_u32(tb[A_NAPI_IFINDEX], 0))
			continue;
		mnl_attr_put_u32(m, A_NAPI_IFINDEX, napis[i].ifindex);
		mnl_attr_put_u32(m, A_NAPI_ID, napis[i].id);
		r = fn(m, arg);
		if (r)
			return r;
	}
	return fn(message(buffer, FAMILY, CMD_NAPI_GET), arg);
}

static int query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(request);
	struct kernel *k = ctx;
	struct nlmsghdr *m;
	char buffer[256];

	assert_int_equal(family, NETLINK_GENERIC);
	if (request->nlmsg_type == FAMILY && header->cmd == CMD_NAPI_GET)
		return list(k, request, fn, arg);
	assert_int_equal(request->nlmsg_type, GENL_ID_CTRL);
	if (!k->knows)
		return -ENOENT;
	m = message(buffer, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	mnl_attr_put_u16(m, CTRL_ATTR_FAMILY_ID, FAMILY);
	return fn(m, arg);
}

static const struct topo_source_ops ops = { query };

static void test_devices(void **state)
{
	struct kernel k = { .knows = true };
	struct topo_source source = { .ops = &ops, .ctx = &k, .root = "" };

	assert_int_equal(topo_has_napi(&source, 4, 8193), 1);
	assert_int_equal(topo_has_napi(&source, 4, 8194), 1);
	assert_int_equal(topo_has_napi(&source, 4, 8195), 0);
	assert_int_equal(topo_has_napi(&source, 5, 8195), 1);
	assert_int_equal(topo_has_napi(&source, 6, 8193), 0);
}

static void test_old_kernel(void **state)
{
	struct kernel k = { .knows = false };
	struct topo_source source = { .ops = &ops, .ctx = &k, .root = "" };

	assert_int_equal(topo_has_napi(&source, 4, 8193), -ENOENT);
	assert_int_equal(k.lists, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_old_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
