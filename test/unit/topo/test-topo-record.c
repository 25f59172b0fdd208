/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-topo-record [-s] DIR [ADDRESS...]: records what topo asks of this machine, for fixtures
 *
 * Asks for all bonds and teams, their counters, and the ways to the addresses; -s records /sys too,
 * else the fixture is a machine without it. Attributes that topo has no use for and that are large
 * are left out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "netlink/attr.h"
#include "test-topo-fixture.h"
#include "topo/path.h"
#include "topo/route.h"

#define FILE_LEN (64u << 10)

struct recorder {
	struct topo_source source;
	struct topo_source *machine;
	const char *dir;
	FILE *file; /* of the query under way */
	topo_reply_fn fn;
	void *arg;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Opens DIR/path for writing, and makes the directories above it. */
static FILE *create(const char *dir, const char *path)
{
	char name[FIXTURE_PATH_LEN];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", dir, path);
	for (char *slash = strchr(name + strlen(dir), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(name, 0755) < 0 && errno != EEXIST)
			die(name);
		*slash = '/';
	}
	file = fopen(name, "w");
	if (!file)
		die(name);
	return file;
}

static int is_wanted(const struct nlmsghdr *reply, const struct nlattr *attr)
{
	if (reply->nlmsg_type != RTM_NEWLINK)
		return 1;
	switch (mnl_attr_get_type(attr)) {
	case IFLA_AF_SPEC:
	case IFLA_STATS:
	case IFLA_MAP:
	case IFLA_XDP:
	case IFLA_PROTO_DOWN:
	case IFLA_QDISC:
	case IFLA_BROADCAST:
		return 0;
	}
	return 1;
}

static void write_reply(FILE *file, const struct nlmsghdr *reply)
{
	size_t header = reply->nlmsg_type == RTM_NEWLINK ? sizeof(struct ifinfomsg) : 0;
	size_t end = NLMSG_ALIGN(reply->nlmsg_len), out = NLMSG_LENGTH(header);
	char *copy = calloc(1, end);
	size_t len;

	if (!copy)
		die("calloc");
	memcpy(copy, reply, header ? out : reply->nlmsg_len);
	for (size_t at = out; header && at < reply->nlmsg_len; at += len) {
		const struct nlattr *attr = (const void *)((const char *)reply + at);

		len = NLMSG_ALIGN(attr->nla_len);
		if (!is_wanted(reply, attr))
			continue;
		memcpy(copy + out, attr, attr->nla_len);
		out += len;
	}
	((struct nlmsghdr *)(void *)copy)->nlmsg_seq = 0;
	((struct nlmsghdr *)(void *)copy)->nlmsg_pid = 0;
	if (header)
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)out;
	fwrite(copy, 1, header ? out : end, file);
	free(copy);
}

static int take(const struct nlmsghdr *reply, void *arg)
{
	struct recorder *rec = arg;

	write_reply(rec->file, reply);
	return rec->fn(reply, rec->arg);
}

static void write_error(FILE *file, int error)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
	} message = { { sizeof(message), NLMSG_ERROR, 0, 0, 0 }, { .error = error } };

	fwrite(&message, 1, sizeof(message), file);
}

static int query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn, void *arg)
{
	struct recorder *rec = ctx;
	char path[FIXTURE_KEY_LEN + 16] = "netlink/";
	int r;

	fixture_key(path + strlen(path), family, request);
	rec->file = create(rec->dir, path);
	rec->fn = fn;
	rec->arg = arg;
	r = rec->machine->ops->query(rec->machine->ctx, family, request, take, rec);
	if (r)
		write_error(rec->file, r);
	fclose(rec->file);
	return r;
}

static const struct topo_source_ops ops = { .query = query };

/* What cannot be read is not there for topo either. */
static void copy_file(const struct recorder *rec, const char *path)
{
	static char bytes[FILE_LEN];
	FILE *from = fopen(path, "r");
	size_t len = from ? fread(bytes, 1, sizeof(bytes), from) : 0;
	FILE *to;

	if (from)
		fclose(from);
	if (!len)
		return;
	to = create(rec->dir, path + 1);
	fwrite(bytes, 1, len, to);
	fclose(to);
}

static void copy_sysfs(const struct recorder *rec, const char *device, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", device, file);
	copy_file(rec, path);
}

static void copy_device(const struct recorder *rec, const char *device)
{
	copy_sysfs(rec, device, "ifindex");
	copy_sysfs(rec, device, "address");
	copy_sysfs(rec, device, "speed");
	copy_sysfs(rec, device, "duplex");
	copy_sysfs(rec, device, "bonding/slaves");
	copy_sysfs(rec, device, "device/uevent");
	copy_sysfs(rec, device, "device/current_link_speed");
	copy_sysfs(rec, device, "device/current_link_width");
	copy_sysfs(rec, device, "device/physfn/uevent");
}

static void copy_files(const struct recorder *rec, const struct topo_bond *bond, int sysfs)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/net/bonding/%s", bond->name);
	copy_file(rec, path);
	if (!sysfs)
		return;
	copy_device(rec, bond->name);
	for (size_t i = 0; i < bond->n_links; i++)
		copy_device(rec, bond->links[i].name);
}

static void record_bonds(struct recorder *rec, int sysfs)
{
	static struct topo_counters counters[TOPO_LINKS_MAX];
	struct topo_bond *bonds;
	size_t n;
	int r = topo_bonds(&rec->source, &bonds, &n);

	if (r) {
		errno = -r;
		die("topo_bonds");
	}
	for (size_t i = 0; i < n; i++) {
		copy_files(rec, &bonds[i], sysfs);
		/* From netlink, as counters in files would be out of date by then. */
		for (size_t k = 0; k < bonds[i].n_links; k++)
			bonds[i].links[k].in_sysfs = false;
		r = topo_counters(&rec->source, bonds[i].links, bonds[i].n_links, counters);
		printf("%s: %zu of %zu usable, order %s%s%s\n", bonds[i].name, bonds[i].n_usable,
		       bonds[i].n_links, bonds[i].order_known ? "known" : "unknown",
		       bonds[i].reason[0] ? ": " : "", bonds[i].reason);
	}
	free(bonds);
}

static void record_path(struct recorder *rec, const char *text, int sysfs)
{
	static struct topo_path path;
	struct topo_flow flow = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	uint32_t subnet;
	int r;

	if (inet_pton(flow.family, text, flow.dst) != 1)
		die(text);
	route_subnets(&rec->source, flow.family, flow.dst, &subnet, 1);
	r = topo_path(&rec->source, &flow, &path);
	printf("%s: %d, %zu hops, end %d %s%s\n", text, r, path.n_hops, (int)path.end,
	       path.end ? path.reason : path.bond.name, path.has_dmac ? ", dmac known" : "");
	if (sysfs && path.n_hops)
		copy_device(rec, path.hops[path.n_hops - 1].name);
}

int main(int argc, char **argv)
{
	struct recorder rec = { .source = { .ops = &ops, .ctx = &rec, .root = "" } };
	int sysfs = argc > 1 && strcmp(argv[1], "-s") == 0;
	int first = 1 + sysfs;

	if (argc <= first) {
		fprintf(stderr, "usage: %s [-s] DIR [ADDRESS...]\n", argv[0]);
		return 2;
	}
	rec.dir = argv[first];
	if (mkdir(rec.dir, 0755) < 0 && errno != EEXIST)
		die(rec.dir);
	errno = -topo_source_new(&rec.machine);
	if (errno)
		die("topo_source_new");
	record_bonds(&rec, sysfs);
	for (int i = first + 1; i < argc; i++)
		record_path(&rec, argv[i], sysfs);
	copy_file(&rec, "/proc/sys/kernel/osrelease");
	copy_file(&rec, "/proc/sys/net/ipv4/tcp_reordering");
	copy_file(&rec, "/proc/net/snmp");
	topo_source_free(rec.machine);
	return 0;
}
