/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink/genl.h"

#include <errno.h>
#include <linux/genetlink.h>

#include "netlink/attr.h"

struct nlmsghdr *genl_start(char buffer[GENL_REQUEST_LEN], uint16_t type, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST;
	header->cmd = command;
	header->version = 1;
	return request;
}

static int take_family(const struct nlmsghdr *reply, void *arg)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	uint16_t *family = arg;

	attr_table(reply, sizeof(struct genlmsghdr), tb, CTRL_ATTR_MAX + 1);
	*family = attr_u16(tb[CTRL_ATTR_FAMILY_ID], 0);
	return 0;
}

int genl_family(struct topo_source *source, const char *name, uint16_t *out)
{
	char buffer[GENL_REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = genl_start(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int r;

	*out = 0;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, name);
	r = source->ops->query(source->ctx, NETLINK_GENERIC, request, take_family, out);
	return r || *out ? r : -ENOENT;
}
