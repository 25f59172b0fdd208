/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/utsname.h>

#include "netlink/attr.h"
#include "topo/files.h"
#include "util/text.h"

#define REQUEST_LEN 64

static int take_stats(const struct nlmsghdr *reply, void *arg)
{
	const struct nlattr *tb[IFLA_STATS_LINK_64 + 1];
	struct topo_counters *out = arg;
	struct rtnl_link_stats64 stats;

	attr_table(reply, sizeof(struct if_stats_msg), tb, IFLA_STATS_LINK_64 + 1);
	if (!attr_prefix(tb[IFLA_STATS_LINK_64], &stats,
			 offsetof(struct rtnl_link_stats64, rx_errors)))
		return -ENODATA;
	out->rx_bytes = stats.rx_bytes;
	out->tx_bytes = stats.tx_bytes;
	out->rx_packets = stats.rx_packets;
	out->tx_packets = stats.tx_packets;
	return 0;
}

static int query_stats(struct topo_source *source, uint32_t ifindex, struct topo_counters *out)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct if_stats_msg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETSTATS;
	request->nlmsg_flags = NLM_F_REQUEST;
	header->ifindex = ifindex;
	header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	return source->ops->query(source->ctx, NETLINK_ROUTE, request, take_stats, out);
}

int topo_counters(struct topo_source *source, const struct topo_link *links, size_t n,
		  struct topo_counters *out)
{
	for (size_t i = 0; i < n; i++) {
		int r = -ENODEV;

		if (links[i].in_sysfs)
			r = files_counters(source, links[i].name, &out[i]);
		/* Renamed, perhaps. */
		if (r)
			r = query_stats(source, links[i].ifindex, &out[i]);
		if (r)
			return r;
	}
	return 0;
}

int topo_kernel(struct topo_source *source, char out[TOPO_RELEASE_LEN])
{
	struct utsname name;

	if (files_read(source, out, TOPO_RELEASE_LEN, "/proc/sys/kernel/osrelease") > 0)
		return 0;
	if (uname(&name) < 0)
		return -errno;
	text_printf(out, TOPO_RELEASE_LEN, "%s", name.release);
	return 0;
}
