/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devs.c - RTM_NEWLINK messages into devices and bonds
 *
 * Each message is one device. A bond or team is listed twice: as a device in list, and with what
 * only bonds have in bonds, where dev->bond is its index.
 *
 * What always holds:
 * - A dump is from one moment: if the kernel says that devices changed during it (EINTR), it begins
 *   anew, TRIES times at most. Pointers into the lists are valid until devs_clear.
 * - An attribute that is missing has the value that its parse_ function names as a default, as an
 *   old kernel leaves out what it does not know. Structs of the kernel may be longer than ours, and
 *   shorter ones count as missing.
 * - A device whose name could not be one of the kernel's is skipped: names become paths in sysfs.
 *
 * In a container the lower device (IFLA_LINK) may be in another namespace, and its number one of
 * that namespace: elsewhere says so.
 */
#include "topo/devs.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/attr.h"

/* How often a dump is asked for, if changes disturb it. */
#define TRIES 4

/* First allocation; then twice as many each time. */
#define DEVS_START 16

#define REQUEST_LEN 64

#define TABLE(type, max) const struct nlattr *type[(max) + 1]

/* Makes room for one element more, and zeroes it. */
static int grow(void **list, size_t *size, size_t n, size_t element)
{
	size_t wanted = *size ? *size * 2 : DEVS_START;
	void *more;

	if (n == *size) {
		more = reallocarray(*list, wanted, element);
		if (!more)
			return -ENOMEM;
		*list = more;
		*size = wanted;
	}
	memset((char *)*list + n * element, 0, element);
	return 0;
}

static const struct {
	const char *name;
	enum topo_kind kind;
} kinds[] = {
	{ "bond", TOPO_KIND_BOND },        { "team", TOPO_KIND_TEAM },
	{ "vlan", TOPO_KIND_VLAN },        { "macvlan", TOPO_KIND_MACVLAN },
	{ "macvtap", TOPO_KIND_MACVLAN },  { "ipvlan", TOPO_KIND_IPVLAN },
	{ "ipvtap", TOPO_KIND_IPVLAN },    { "bridge", TOPO_KIND_BRIDGE },
	{ "vrf", TOPO_KIND_VRF },          { "veth", TOPO_KIND_VETH },
	{ "tun", TOPO_KIND_TUNNEL },       { "wireguard", TOPO_KIND_TUNNEL },
	{ "vxlan", TOPO_KIND_TUNNEL },     { "geneve", TOPO_KIND_TUNNEL },
	{ "gre", TOPO_KIND_TUNNEL },       { "gretap", TOPO_KIND_TUNNEL },
	{ "erspan", TOPO_KIND_TUNNEL },    { "ip6gre", TOPO_KIND_TUNNEL },
	{ "ip6gretap", TOPO_KIND_TUNNEL }, { "ip6erspan", TOPO_KIND_TUNNEL },
	{ "ipip", TOPO_KIND_TUNNEL },      { "sit", TOPO_KIND_TUNNEL },
	{ "ip6tnl", TOPO_KIND_TUNNEL },    { "vti", TOPO_KIND_TUNNEL },
	{ "vti6", TOPO_KIND_TUNNEL },      { "xfrm", TOPO_KIND_TUNNEL },
	{ "ppp", TOPO_KIND_TUNNEL },       { "gtp", TOPO_KIND_TUNNEL },
	{ "bareudp", TOPO_KIND_TUNNEL },   { "ovpn", TOPO_KIND_TUNNEL },
	{ "netkit", TOPO_KIND_VETH },      { "openvswitch", TOPO_KIND_OVS },
	{ "macsec", TOPO_KIND_TUNNEL },    { "dsa", TOPO_KIND_PLAIN },
	{ "ipoib", TOPO_KIND_PLAIN },      { "wwan", TOPO_KIND_PLAIN },
	{ "rmnet", TOPO_KIND_PLAIN },      { "dummy", TOPO_KIND_PLAIN },
	{ "netdevsim", TOPO_KIND_PLAIN },
};

static enum topo_kind find_kind(const char *name, const struct ifinfomsg *info)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	if (info->ifi_flags & IFF_LOOPBACK)
		return TOPO_KIND_LOOPBACK;
	return name[0] ? TOPO_KIND_OTHER : TOPO_KIND_PLAIN;
}

static void parse_ad_info(const struct nlattr *nest, struct topo_bond *bond)
{
	TABLE(tb, IFLA_BOND_AD_INFO_MAX);

	attr_nested(nest, tb, IFLA_BOND_AD_INFO_MAX + 1);
	bond->has_aggregator = tb[IFLA_BOND_AD_INFO_AGGREGATOR] != NULL;
	bond->aggregator = attr_u16(tb[IFLA_BOND_AD_INFO_AGGREGATOR], 0);
	bond->n_aggregated = attr_u16(tb[IFLA_BOND_AD_INFO_NUM_PORTS], 0);
	bond->actor_key = attr_u16(tb[IFLA_BOND_AD_INFO_ACTOR_KEY], 0);
	bond->partner_key = attr_u16(tb[IFLA_BOND_AD_INFO_PARTNER_KEY], 0);
	attr_bytes(tb[IFLA_BOND_AD_INFO_PARTNER_MAC], bond->partner_mac, TOPO_MAC_LEN);
}

static void parse_bond(const struct nlattr *data, struct topo_bond *bond)
{
	TABLE(tb, IFLA_BOND_MAX);

	attr_nested(data, tb, IFLA_BOND_MAX + 1);
	bond->mode = attr_u8(tb[IFLA_BOND_MODE], TOPO_MODE_UNKNOWN);
	bond->policy = attr_u8(tb[IFLA_BOND_XMIT_HASH_POLICY], TOPO_POLICY_UNKNOWN);
	bond->lacp_rate = attr_u8(tb[IFLA_BOND_AD_LACP_RATE], 0);
	bond->ad_select = attr_u8(tb[IFLA_BOND_AD_SELECT], 0);
	bond->tlb_dynamic_lb = attr_u8(tb[IFLA_BOND_TLB_DYNAMIC_LB], 1);
	bond->lacp_active = attr_u8(tb[IFLA_BOND_AD_LACP_ACTIVE], 1);
	bond->miimon_ms = attr_u32(tb[IFLA_BOND_MIIMON], 0);
	bond->arp_interval_ms = attr_u32(tb[IFLA_BOND_ARP_INTERVAL], 0);
	bond->min_links = attr_u32(tb[IFLA_BOND_MIN_LINKS], 0);
	bond->packets_per_slave = attr_u32(tb[IFLA_BOND_PACKETS_PER_SLAVE], 1);
	bond->active = attr_u32(tb[IFLA_BOND_ACTIVE_SLAVE], 0);
	parse_ad_info(tb[IFLA_BOND_AD_INFO], bond);
}

static int add_bond(struct devs *devs, struct dev *dev, const struct nlattr *data)
{
	void *list = devs->bonds;
	struct topo_bond *bond;
	int r = grow(&list, &devs->bonds_size, devs->n_bonds, sizeof(*devs->bonds));

	devs->bonds = list;
	if (r)
		return r;
	dev->bond = devs->n_bonds++;
	bond = &devs->bonds[dev->bond];
	bond->kind = dev->kind;
	memcpy(bond->name, dev->link.name, sizeof(bond->name));
	bond->ifindex = dev->link.ifindex;
	bond->mtu = dev->link.mtu;
	memcpy(bond->mac, dev->link.mac, sizeof(bond->mac));
	bond->up = dev->link.up;
	bond->carrier = dev->link.carrier;
	parse_bond(dev->kind == TOPO_KIND_BOND ? data : NULL, bond);
	return 0;
}

static void parse_port(const struct nlattr *data, struct topo_link *link)
{
	TABLE(tb, IFLA_BOND_SLAVE_MAX);

	attr_nested(data, tb, IFLA_BOND_SLAVE_MAX + 1);
	link->backup = attr_u8(tb[IFLA_BOND_SLAVE_STATE], 0);
	link->mii = attr_u8(tb[IFLA_BOND_SLAVE_MII_STATUS], 0);
	link->failures = attr_u32(tb[IFLA_BOND_SLAVE_LINK_FAILURE_COUNT], 0);
	attr_bytes(tb[IFLA_BOND_SLAVE_PERM_HWADDR], link->perm_mac, TOPO_MAC_LEN);
	link->queue_id = attr_u16(tb[IFLA_BOND_SLAVE_QUEUE_ID], 0);
	link->aggregator = attr_u16(tb[IFLA_BOND_SLAVE_AD_AGGREGATOR_ID], 0);
	link->actor_state = attr_u8(tb[IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE], 0);
	link->partner_state = attr_u8(tb[IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE], 0);
}

static void parse_info(const struct nlattr *nest, const struct ifinfomsg *info, struct dev *dev,
		       const struct nlattr **data_out)
{
	TABLE(tb, IFLA_INFO_SLAVE_DATA);
	TABLE(vlan, IFLA_VLAN_MAX);

	attr_nested(nest, tb, IFLA_INFO_SLAVE_DATA + 1);
	attr_text(tb[IFLA_INFO_KIND], dev->kind_name, sizeof(dev->kind_name));
	attr_text(tb[IFLA_INFO_SLAVE_KIND], dev->slave_kind, sizeof(dev->slave_kind));
	dev->kind = find_kind(dev->kind_name, info);
	if (strcmp(dev->slave_kind, "bond") == 0)
		parse_port(tb[IFLA_INFO_SLAVE_DATA], &dev->link);
	if (dev->kind == TOPO_KIND_VLAN) {
		attr_nested(tb[IFLA_INFO_DATA], vlan, IFLA_VLAN_MAX + 1);
		dev->vlan = attr_u16(vlan[IFLA_VLAN_ID], 0);
	}
	*data_out = tb[IFLA_INFO_DATA];
}

static void parse_stats(const struct nlattr *attr, struct topo_counters *out)
{
	struct rtnl_link_stats64 stats;

	/* The kernel's struct grows at its end; the four are its first. */
	if (!attr_prefix(attr, &stats, offsetof(struct rtnl_link_stats64, rx_errors)))
		return;
	out->rx_bytes = stats.rx_bytes;
	out->tx_bytes = stats.tx_bytes;
	out->rx_packets = stats.rx_packets;
	out->tx_packets = stats.tx_packets;
}

static void parse_link(const struct ifinfomsg *info, const struct nlattr **tb,
		       struct topo_link *link)
{
	link->ifindex = (uint32_t)info->ifi_index;
	link->type = info->ifi_type;
	link->mtu = attr_u32(tb[IFLA_MTU], 0);
	link->carrier_changes = attr_u32(tb[IFLA_CARRIER_CHANGES], 0);
	attr_bytes(tb[IFLA_ADDRESS], link->mac, TOPO_MAC_LEN);
	attr_bytes(tb[IFLA_PERM_ADDRESS], link->perm_mac, TOPO_MAC_LEN);
	link->up = info->ifi_flags & IFF_UP;
	link->carrier = attr_u8(tb[IFLA_CARRIER], info->ifi_flags & IFF_LOWER_UP ? 1 : 0);
	parse_stats(tb[IFLA_STATS64], &link->counters);
}

/* A name goes into paths of files, so one that the kernel would not accept is not either. */
static bool good_name(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int take_device(const struct nlmsghdr *reply, void *arg)
{
	const struct ifinfomsg *info = attr_header(reply, sizeof(*info));
	const struct nlattr *data;
	struct devs *devs = arg;
	void *list = devs->list;
	struct dev *dev;
	TABLE(tb, IFLA_MAX);
	int r;

	if (reply->nlmsg_type != RTM_NEWLINK || !info || info->ifi_index <= 0)
		return 0;
	r = grow(&list, &devs->size, devs->n, sizeof(*devs->list));
	devs->list = list;
	if (r)
		return r;
	dev = &devs->list[devs->n];
	attr_table(reply, sizeof(*info), tb, IFLA_MAX + 1);
	attr_text(tb[IFLA_IFNAME], dev->link.name, sizeof(dev->link.name));
	if (!good_name(dev->link.name))
		return 0;
	parse_link(info, tb, &dev->link);
	dev->master = attr_u32(tb[IFLA_MASTER], 0);
	dev->lower = attr_u32(tb[IFLA_LINK], 0);
	dev->elsewhere = tb[IFLA_LINK_NETNSID] != NULL;
	if (dev->lower == dev->link.ifindex && !dev->elsewhere)
		dev->lower = 0;
	parse_info(tb[IFLA_LINKINFO], info, dev, &data);
	devs->n++;
	if (dev->kind == TOPO_KIND_BOND || dev->kind == TOPO_KIND_TEAM)
		return add_bond(devs, dev, data);
	return 0;
}

int devs_load(struct topo_source *source, struct devs *out)
{
	char buffer[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	int r = -EINTR;

	memset(out, 0, sizeof(*out));
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	for (unsigned i = 0; i < TRIES && r == -EINTR; i++) {
		out->n = 0;
		out->n_bonds = 0;
		r = source->ops->query(source->ctx, NETLINK_ROUTE, request, take_device, out);
	}
	return r;
}

void devs_clear(struct devs *devs)
{
	free(devs->list);
	free(devs->bonds);
	memset(devs, 0, sizeof(*devs));
}

const struct dev *devs_find(const struct devs *devs, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < devs->n; i++)
		if (devs->list[i].link.ifindex == ifindex)
			return &devs->list[i];
	return NULL;
}
