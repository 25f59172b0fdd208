/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-topo-fixture.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/attr.h"
#include "util/text.h"

/* The length of a recorded answer; the fixtures are far smaller. */
#define FILE_LEN (16u << 10)

static void key_addr(char key[FIXTURE_KEY_LEN], const char *word, const struct nlattr *attr)
{
	const uint8_t *addr = attr ? mnl_attr_get_payload(attr) : NULL;
	size_t n = attr ? mnl_attr_get_payload_len(attr) : 0;
	size_t len = text_printf(key, FIXTURE_KEY_LEN, "%s-", word);

	for (size_t i = 0; i < n; i++)
		len += text_printf(key + len, FIXTURE_KEY_LEN - len, "%02x", addr[i]);
}

static void key_neighbour(char key[FIXTURE_KEY_LEN], const struct nlmsghdr *request)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(request);
	const struct nlattr *tb[NDA_DST + 1];

	attr_table(request, sizeof(*header), tb, NDA_DST + 1);
	if (header->ndm_family == AF_BRIDGE)
		text_printf(key, FIXTURE_KEY_LEN, "fdb");
	else
		key_addr(key, "neigh", tb[NDA_DST]);
}

void fixture_key(char key[FIXTURE_KEY_LEN], int family, const struct nlmsghdr *request)
{
	const struct nlattr *tb[RTA_DST + 1];
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
	const struct if_stats_msg *stats = mnl_nlmsg_get_payload(request);
	const struct ifaddrmsg *addresses = mnl_nlmsg_get_payload(request);

	if (family == NETLINK_GENERIC) {
		text_printf(key, FIXTURE_KEY_LEN, "genl-%u-%u", request->nlmsg_type, genl->cmd);
	} else if (request->nlmsg_type == RTM_GETROUTE) {
		attr_table(request, sizeof(struct rtmsg), tb, RTA_DST + 1);
		key_addr(key, "route", tb[RTA_DST]);
	} else if (request->nlmsg_type == RTM_GETNEIGH) {
		key_neighbour(key, request);
	} else if (request->nlmsg_type == RTM_GETSTATS) {
		text_printf(key, FIXTURE_KEY_LEN, "stats-%u", stats->ifindex);
	} else if (request->nlmsg_type == RTM_GETADDR) {
		text_printf(key, FIXTURE_KEY_LEN, "addr-%u", addresses->ifa_family);
	} else {
		text_printf(key, FIXTURE_KEY_LEN, "link");
	}
}

static int replay(char *bytes, size_t len, topo_reply_fn fn, void *arg)
{
	const struct nlmsghdr *message = NULL;
	int r = 0;

	while (!r && (message = attr_message(bytes, len, message))) {
		int32_t error;

		if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
			r = fn(message, arg);
		} else if (message->nlmsg_type == NLMSG_ERROR &&
			   mnl_nlmsg_get_payload_len(message) >= sizeof(error)) {
			memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
			r = error < 0 ? error : 0;
		}
	}
	return r;
}

/* In a buffer of the very length, so that the address sanitizer sees each byte read too far. */
static int replay_file(struct fixture *f, const char *key, FILE *file, char *bytes,
		       topo_reply_fn fn, void *arg)
{
	size_t len = fread(bytes, 1, FILE_LEN, file);
	char *exact;
	int r;

	if (f->spoil && (!f->spoil_key || strcmp(f->spoil_key, key) == 0))
		len = f->spoil(bytes, len, f->spoil_arg);
	exact = malloc(len ? len : 1);
	if (!exact)
		return -ENOMEM;
	memcpy(exact, bytes, len);
	r = replay(exact, len, fn, arg);
	free(exact);
	return r;
}

static int query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	struct fixture *f = ctx;
	char path[FIXTURE_PATH_LEN + FIXTURE_KEY_LEN + 16];
	char key[FIXTURE_KEY_LEN];
	char *bytes;
	FILE *file;
	int r = -ENOMEM;

	fixture_key(key, family, request);
	text_printf(path, sizeof(path), "%s/netlink/%s", f->dir, key);
	file = fopen(path, "r");
	if (!file)
		return -ENOENT;
	bytes = malloc(FILE_LEN);
	if (bytes)
		r = replay_file(f, key, file, bytes, fn, arg);
	free(bytes);
	fclose(file);
	return r;
}

static const struct topo_source_ops ops = { .query = query };

void fixture_open(struct fixture *f, const char *dir)
{
	memset(f, 0, sizeof(*f));
	text_printf(f->dir, sizeof(f->dir), "%s", dir);
	f->source.ops = &ops;
	f->source.ctx = f;
	f->source.root = f->dir;
}

void fixture_bond(struct topo_bond *b)
{
	*b = (struct topo_bond){ .kind = TOPO_KIND_BOND,
				 .name = "bond0",
				 .ifindex = 10,
				 .mtu = 1500,
				 .up = true,
				 .carrier = true,
				 .mode = TOPO_MODE_8023AD,
				 .policy = TOPO_POLICY_LAYER34,
				 .lacp_rate = 1,
				 .lacp_active = true,
				 .tlb_dynamic_lb = true,
				 .miimon_ms = 100,
				 .has_aggregator = true,
				 .aggregator = 1,
				 .n_aggregated = 4,
				 .partner_key = 15,
				 .partner_mac = { 2, 0, 0, 0, 0, 1 },
				 .order_known = true,
				 .n_ports = 4,
				 .n_links = 4 };
	for (size_t i = 0; i < b->n_links; i++)
		b->links[i] = (struct topo_link){
			.name = { 'e', 't', 'h', (char)('0' + i) },
			.ifindex = (uint32_t)i + 2,
			.speed = 10000,
			.duplex = TOPO_DUPLEX_FULL,
			.mtu = 1500,
			.up = true,
			.carrier = true,
			.aggregator = 1,
			.actor_state = 0x3f,
			.partner_state = 0x3f,
			.has_partner = true,
			.partner_key = 15,
			.partner_mac = { 2, 0, 0, 0, 0, 1 },
		};
	topo_judge(b);
}
