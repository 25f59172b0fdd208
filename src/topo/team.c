/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo/team.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_team.h>
#include <string.h>

#include "netlink/attr.h"
#include "netlink/genl.h"
#include "util/text.h"

/* A flag is true by being there. */
static void take_port_option(struct topo_bond *team, const char *name, uint32_t ifindex, bool flag)
{
	if (strcmp(name, "enabled") != 0)
		return;
	for (size_t i = 0; i < team->n_links; i++)
		if (team->links[i].ifindex == ifindex)
			team->links[i].backup = !flag;
}

static void take_option(struct topo_bond *team, const struct nlattr *option)
{
	const struct nlattr *tb[TEAM_ATTR_OPTION_MAX + 1];
	char name[TEAM_STRING_MAX_LEN];
	const struct nlattr *data;

	attr_nested(option, tb, TEAM_ATTR_OPTION_MAX + 1);
	attr_text(tb[TEAM_ATTR_OPTION_NAME], name, sizeof(name));
	data = tb[TEAM_ATTR_OPTION_DATA];
	if (tb[TEAM_ATTR_OPTION_PORT_IFINDEX])
		take_port_option(team, name, attr_u32(tb[TEAM_ATTR_OPTION_PORT_IFINDEX], 0), data);
	else if (strcmp(name, "mode") == 0)
		attr_text(data, team->team_mode, sizeof(team->team_mode));
	else if (strcmp(name, "lb_tx_method") == 0)
		attr_text(data, team->team_method, sizeof(team->team_method));
	else if (strcmp(name, "activeport") == 0)
		team->active = attr_u32(data, 0);
}

static int take_options(const struct nlmsghdr *reply, void *arg)
{
	const struct nlattr *tb[TEAM_ATTR_MAX + 1];
	const struct nlattr *list, *option;

	attr_table(reply, sizeof(struct genlmsghdr), tb, TEAM_ATTR_MAX + 1);
	list = tb[TEAM_ATTR_LIST_OPTION];
	option = list ? attr_each(list, NULL) : NULL;
	for (; option; option = attr_each(list, option))
		take_option(arg, option);
	return 0;
}

static int read_options(struct topo_source *source, uint16_t family, struct topo_bond *team)
{
	char buffer[GENL_REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = genl_start(buffer, family, TEAM_CMD_OPTIONS_GET);

	mnl_attr_put_u32(request, TEAM_ATTR_TEAM_IFINDEX, team->ifindex);
	return source->ops->query(source->ctx, NETLINK_GENERIC, request, take_options, team);
}

void team_load(struct topo_source *source, struct topo_bond *team)
{
	uint16_t family;
	int r = genl_family(source, TEAM_GENL_NAME, &family);

	if (!r)
		r = read_options(source, family, team);
	if (r == -EPERM || r == -EACCES)
		text_printf(team->reason, sizeof(team->reason),
			    "the mode and the hash of a team are shown to root only");
	else if (r)
		text_printf(team->reason, sizeof(team->reason),
			    "the team's options cannot be read: %s", strerror(-r));
}
