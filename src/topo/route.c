/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: each question is one netlink request, and its take_ function keeps what the answer says:
 * the route of a flow, the neighbour's MAC, the bridge's port for a MAC, the devices of a subnet.
 * What the kernel says of a destination (no route, prohibited) is a result; only a question that
 * fails is an error. A table that changed while it was read counts as read.
 */
#include "topo/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink/attr.h"
#include "util/text.h"

#define REQUEST_LEN 256

static size_t addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

void route_addr_text(char *buf, size_t size, int family, const uint8_t *addr)
{
	if (!inet_ntop(family, addr, buf, (socklen_t)size))
		text_printf(buf, size, "?");
}

struct found {
	bool found;
	uint8_t type;
	uint32_t ifindex;
	const struct topo_flow *flow;
	struct topo_path *path;
};

/* RTA_VIA: a family in host order and an address, as gateway of another family. */
static void parse_via(const struct nlattr *attr, struct topo_path *path)
{
	struct {
		uint16_t family;
		uint8_t addr[16];
	} via;

	if (!attr_prefix(attr, &via.family, sizeof(via.family)) ||
	    (via.family != AF_INET && via.family != AF_INET6))
		return;
	if (!attr_prefix(attr, &via, sizeof(via.family) + addr_len(via.family)))
		return;
	path->gateway_family = via.family;
	memcpy(path->gateway, via.addr, sizeof(via.addr));
}

static int take_route(const struct nlmsghdr *reply, void *arg)
{
	const struct rtmsg *header = attr_header(reply, sizeof(*header));
	const struct nlattr *tb[RTA_MAX + 1];
	const struct nlattr *metrics[RTAX_MAX + 1];
	struct found *f = arg;
	size_t len = addr_len(f->flow->family);

	if (reply->nlmsg_type != RTM_NEWROUTE || !header || f->found)
		return 0;
	attr_table(reply, sizeof(*header), tb, RTA_MAX + 1);
	attr_nested(tb[RTA_METRICS], metrics, RTAX_MAX + 1);
	f->found = true;
	f->type = header->rtm_type;
	f->ifindex = attr_u32(tb[RTA_OIF], 0);
	if (!f->path->has_src)
		f->path->has_src = attr_bytes(tb[RTA_PREFSRC], f->path->src, len);
	if (attr_bytes(tb[RTA_GATEWAY], f->path->gateway, len))
		f->path->gateway_family = f->flow->family;
	parse_via(tb[RTA_VIA], f->path);
	f->path->mtu = attr_u32(metrics[RTAX_MTU], 0);
	return 0;
}

static void put_flow(struct nlmsghdr *request, const struct topo_flow *flow)
{
	size_t len = addr_len(flow->family);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	header->rtm_family = (unsigned char)flow->family;
	header->rtm_dst_len = (unsigned char)(len * 8);
	header->rtm_src_len = flow->has_src ? header->rtm_dst_len : 0;
	mnl_attr_put(request, RTA_DST, len, flow->dst);
	if (flow->has_src)
		mnl_attr_put(request, RTA_SRC, len, flow->src);
	if (flow->ifindex)
		mnl_attr_put_u32(request, RTA_OIF, flow->ifindex);
	if (flow->mark)
		mnl_attr_put_u32(request, RTA_MARK, flow->mark);
	/* Rules of policy routing may match these; an old kernel ignores attributes that it does
	 * not know. */
	if (!flow->protocol)
		return;
	mnl_attr_put_u8(request, RTA_IP_PROTO, flow->protocol);
	if (flow->sport)
		mnl_attr_put_u16(request, RTA_SPORT, htons(flow->sport));
	if (flow->dport)
		mnl_attr_put_u16(request, RTA_DPORT, htons(flow->dport));
}

/* What the kernel says of a destination, not of our question. */
static bool is_verdict(int r)
{
	switch (-r) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES: /* prohibit */
	case EINVAL: /* blackhole, or a source that is not ours */
	case EAGAIN: /* throw */
	case ENETDOWN:
	case ENODEV:
	case EADDRNOTAVAIL:
		return true;
	}
	return false;
}

static void end_route(const struct topo_flow *flow, struct topo_path *path, enum topo_end end,
		      const char *why)
{
	char text[INET6_ADDRSTRLEN];

	route_addr_text(text, sizeof(text), flow->family, flow->dst);
	path->end = end;
	text_printf(path->reason, sizeof(path->reason), "%s %s", text, why);
}

int route_find(struct topo_source *source, const struct topo_flow *flow, struct topo_path *path,
	       uint32_t *ifindex_out)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct found f = { .flow = flow, .path = path };
	char why[64];
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST;
	put_flow(request, flow);
	path->has_src = flow->has_src;
	if (flow->has_src)
		memcpy(path->src, flow->src, sizeof(path->src));
	r = source->ops->query(source->ctx, NETLINK_ROUTE, request, take_route, &f);
	if (r && !is_verdict(r))
		return r;
	if (r) {
		text_printf(why, sizeof(why), "has no route: %s", strerror(-r));
		end_route(flow, path, TOPO_END_UNREACHABLE, why);
	} else if (f.found && f.type == RTN_LOCAL) {
		end_route(flow, path, TOPO_END_LOCAL, "is an address of this machine");
	} else if (!f.found || f.type != RTN_UNICAST || !f.ifindex) {
		end_route(flow, path, TOPO_END_UNREACHABLE, "has no route");
	}
	*ifindex_out = f.ifindex;
	return 0;
}

/* Entries of 4-byte alignment, each with its length. */
static int count_next_hops(const struct nlattr *multipath)
{
	const char *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath), len;
	struct rtnexthop hop;
	int n = 0;

	for (; left >= sizeof(hop); left -= len, at += len) {
		memcpy(&hop, at, sizeof(hop));
		len = (hop.rtnh_len + 3u) & ~(size_t)3;
		if (hop.rtnh_len < sizeof(hop) || len > left)
			break;
		n++;
	}
	return n;
}

static int take_next_hops(const struct nlmsghdr *reply, void *arg)
{
	const struct nlattr *tb[RTA_MAX + 1];
	int *n = arg;

	if (reply->nlmsg_type != RTM_NEWROUTE)
		return 0;
	attr_table(reply, sizeof(struct rtmsg), tb, RTA_MAX + 1);
	if (tb[RTA_MULTIPATH])
		*n = count_next_hops(tb[RTA_MULTIPATH]);
	return 0;
}

int route_next_hops(struct topo_source *source, const struct topo_flow *flow)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_get_payload(request);
	int n = 1, r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST;
	put_flow(request, flow);
	/* Else the answer is the one next hop that this flow takes. */
	header->rtm_flags = RTM_F_FIB_MATCH;
	r = source->ops->query(source->ctx, NETLINK_ROUTE, request, take_next_hops, &n);
	return r ? r : n > 1 ? n : 1;
}

struct neighbour {
	int family;
	const uint8_t *addr;
	uint32_t ifindex;
	struct topo_path *path;
};

static int take_neighbour(const struct nlmsghdr *reply, void *arg)
{
	const struct ndmsg *header = attr_header(reply, sizeof(*header));
	const struct nlattr *tb[NDA_MAX + 1];
	const struct neighbour *nb = arg;
	uint8_t addr[16];
	size_t len = addr_len(nb->family);

	if (reply->nlmsg_type != RTM_NEWNEIGH || !header || header->ndm_family != nb->family ||
	    (uint32_t)header->ndm_ifindex != nb->ifindex)
		return 0;
	attr_table(reply, sizeof(*header), tb, NDA_MAX + 1);
	if (!attr_bytes(tb[NDA_DST], addr, len) || memcmp(addr, nb->addr, len) != 0)
		return 0;
	/* Absent while the address is being asked for. */
	if (attr_bytes(tb[NDA_LLADDR], nb->path->dmac, TOPO_MAC_LEN))
		nb->path->has_dmac = true;
	return 0;
}

static int query_neighbour(struct topo_source *source, struct neighbour *nb, bool dump)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETNEIGH;
	request->nlmsg_flags = NLM_F_REQUEST;
	header->ndm_family = (unsigned char)nb->family;
	if (dump) {
		request->nlmsg_flags |= NLM_F_DUMP;
	} else {
		header->ndm_ifindex = (int)nb->ifindex;
		mnl_attr_put(request, NDA_DST, addr_len(nb->family), nb->addr);
	}
	return source->ops->query(source->ctx, NETLINK_ROUTE, request, take_neighbour, nb);
}

int route_neighbour(struct topo_source *source, const struct topo_flow *flow, uint32_t ifindex,
		    struct topo_path *path)
{
	struct neighbour nb = { flow->family, flow->dst, ifindex, path };
	int r;

	if (path->gateway_family) {
		nb.family = path->gateway_family;
		nb.addr = path->gateway;
	}
	r = query_neighbour(source, &nb, false);
	/* Before Linux 5.0 there are only dumps. */
	if (r == -EOPNOTSUPP || r == -EINVAL)
		r = query_neighbour(source, &nb, true);
	/* No entry; or one of a table that was disturbed while it was read, which is as good. */
	return r == -ENOENT || r == -EINTR ? 0 : r;
}

struct fdb {
	uint32_t bridge;
	const uint8_t *mac;
	uint32_t port;
};

static int take_fdb(const struct nlmsghdr *reply, void *arg)
{
	const struct ndmsg *header = attr_header(reply, sizeof(*header));
	const struct nlattr *tb[NDA_MAX + 1];
	uint8_t mac[TOPO_MAC_LEN];
	struct fdb *fdb = arg;

	if (reply->nlmsg_type != RTM_NEWNEIGH || !header || header->ndm_family != AF_BRIDGE)
		return 0;
	attr_table(reply, sizeof(*header), tb, NDA_MAX + 1);
	/* Entries of a card's own filter have no master. */
	if (attr_u32(tb[NDA_MASTER], 0) != fdb->bridge)
		return 0;
	if (attr_bytes(tb[NDA_LLADDR], mac, sizeof(mac)) &&
	    memcmp(mac, fdb->mac, sizeof(mac)) == 0 && (uint32_t)header->ndm_ifindex != fdb->bridge)
		fdb->port = (uint32_t)header->ndm_ifindex;
	return 0;
}

int route_bridge_port(struct topo_source *source, uint32_t bridge, const uint8_t mac[TOPO_MAC_LEN],
		      uint32_t *ifindex_out)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct fdb fdb = { .bridge = bridge, .mac = mac };
	int r;

	request->nlmsg_type = RTM_GETNEIGH;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->ndm_family = AF_BRIDGE;
	r = source->ops->query(source->ctx, NETLINK_ROUTE, request, take_fdb, &fdb);
	*ifindex_out = fdb.port;
	return r == -EINTR ? 0 : r;
}

struct subnets {
	int family;
	const uint8_t *addr;
	uint32_t *ifindexes;
	int n;
	size_t max;
};

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 && (!rest || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0);
}

static int take_address(const struct nlmsghdr *reply, void *arg)
{
	const struct ifaddrmsg *header = attr_header(reply, sizeof(*header));
	const struct nlattr *tb[IFA_MAX + 1];
	struct subnets *s = arg;
	uint8_t addr[16];
	size_t len = addr_len(s->family);

	if (reply->nlmsg_type != RTM_NEWADDR || !header || header->ifa_family != s->family ||
	    header->ifa_prefixlen > 8 * len || (size_t)s->n == s->max)
		return 0;
	attr_table(reply, sizeof(*header), tb, IFA_MAX + 1);
	/* Of a point-to-point device that is the other end's. */
	if (attr_bytes(tb[IFA_ADDRESS], addr, len) &&
	    same_prefix(addr, s->addr, header->ifa_prefixlen))
		s->ifindexes[s->n++] = header->ifa_index;
	return 0;
}

int route_subnets(struct topo_source *source, int family, const uint8_t *addr, uint32_t *ifindexes,
		  size_t max)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct subnets s = { family, addr, ifindexes, 0, max };
	int r;

	request->nlmsg_type = RTM_GETADDR;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->ifa_family = (unsigned char)family;
	r = source->ops->query(source->ctx, NETLINK_ROUTE, request, take_address, &s);
	return r && r != -EINTR ? r : s.n;
}
