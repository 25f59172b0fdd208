/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/genetlink.h>

#include "netlink/attr.h"
#include "netlink/genl.h"
#include "topo/topo.h"

/* linux/netdev.h of Linux 6.8, which older systems do not have. */
#define FAMILY_NAME "netdev"

enum { CMD_NAPI_GET = 11 };

enum { A_NAPI_IFINDEX = 1, A_NAPI_ID = 2 };

struct search {
	uint32_t id;
	int found;
};

static int take_napi(const struct nlmsghdr *reply, void *arg)
{
	const struct nlattr *tb[A_NAPI_ID + 1];
	struct search *s = arg;

	attr_table(reply, sizeof(struct genlmsghdr), tb, A_NAPI_ID + 1);
	s->found |= attr_u32(tb[A_NAPI_ID], 0) == s->id;
	return 0;
}

int topo_has_napi(struct topo_source *source, uint32_t ifindex, uint32_t id)
{
	char buffer[GENL_REQUEST_LEN] __attribute__((aligned(8)));
	struct search search = { .id = id };
	struct nlmsghdr *request;
	uint16_t family;
	int r = genl_family(source, FAMILY_NAME, &family);

	if (r)
		return r;
	/* All of the device, as an answer about one id may be of another namespace's device. */
	request = genl_start(buffer, family, CMD_NAPI_GET);
	request->nlmsg_flags |= NLM_F_DUMP;
	mnl_attr_put_u32(request, A_NAPI_IFINDEX, ifindex);
	r = source->ops->query(source->ctx, NETLINK_GENERIC, request, take_napi, &search);
	return r ? r : search.found;
}
