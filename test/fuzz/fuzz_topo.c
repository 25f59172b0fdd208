/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that answers anything: the messages of netlink, its events, and what /proc says of a
 * bond.
 *
 * The input is a list of records: a letter, a length of two bytes, and that many bytes. The letter
 * says which requests the messages in them answer (l links, r routes, n neighbours, f a bridge's
 * table, a addresses, s statistics, g generic netlink; in turn, if there are several), w events, p
 * the text of /proc/net/bonding/bond0, d the answers of sock_diag.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_input.h"
#include "netlink/attr.h"
#include "netlink/sockets.h"
#include "netlink/watch.h"
#include "path/link_convert.h"
#include "topo/bonding_file.h"
#include "topo/path.h"
#include "wire/frame.h"

#define HEAD_LEN 3

/* An answer that asks to be asked again for ever is given up by the caller, not here. */
#define QUERIES_MAX 10000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/fuzz-topo-XXXXXX";
static char bond_file[sizeof(root) + 32];

static void remove_root(void)
{
	static const char *const dirs[] = { "/proc/net/bonding", "/proc/net", "/proc", "" };
	char path[sizeof(bond_file)];

	unlink(bond_file);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		rmdir(path);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const dirs[] = { "/proc", "/proc/net", "/proc/net/bonding" };
	char path[sizeof(bond_file)];

	must(mkdtemp(root) != NULL);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		must(!mkdir(path, 0700));
	}
	snprintf(bond_file, sizeof(bond_file), "%s/proc/net/bonding/bond0", root);
	atexit(remove_root);
	return 0;
}

struct kernel {
	const uint8_t *data;
	size_t size;
	size_t next[UINT8_MAX + 1]; /* by letter: where the search for its next record begins */
	unsigned n_queries;
};

/* The next record of a letter, in memory of its own (to be freed) that ends where it does. */
static uint8_t *record(struct kernel *k, uint8_t letter, size_t *len_out)
{
	for (size_t at = k->next[letter]; k->size - at >= HEAD_LEN;) {
		size_t len = (size_t)k->data[at + 1] << 8 | k->data[at + 2];
		size_t left = k->size - at - HEAD_LEN;
		const uint8_t *bytes = k->data + at + HEAD_LEN;
		uint8_t *copy;

		len = len < left ? len : left;
		at += HEAD_LEN + len;
		if (bytes[-HEAD_LEN] != letter)
			continue;
		k->next[letter] = at;
		copy = malloc(len + 1);
		must(copy != NULL);
		memcpy(copy, bytes, len);
		*len_out = len;
		return copy;
	}
	return NULL;
}

static uint8_t letter_of(int family, const struct nlmsghdr *request)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(request);

	if (family == NETLINK_GENERIC)
		return 'g';
	switch (request->nlmsg_type) {
	case RTM_GETROUTE:
		return 'r';
	case RTM_GETNEIGH:
		return neighbour->ndm_family == AF_BRIDGE ? 'f' : 'n';
	case RTM_GETSTATS:
		return 's';
	case RTM_GETADDR:
		return 'a';
	default:
		return 'l';
	}
}

static int answer(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn,
		  void *arg)
{
	struct kernel *k = ctx;
	uint8_t letter = letter_of(family, request);
	const struct nlmsghdr *message = NULL;
	size_t len;
	uint8_t *bytes = record(k, letter, &len);
	int r = 0;

	must(++k->n_queries < QUERIES_MAX);
	if (!bytes) {
		/* From the beginning again the next time. */
		k->next[letter] = 0;
		return -ENODEV;
	}
	while (!r && (message = attr_message((const char *)bytes, len, message)))
		r = message->nlmsg_type == NLMSG_ERROR ? -ENOENT : fn(message, arg);
	free(bytes);
	return r;
}

/* What is known goes over the wire, and is planned with. */
static void tell(const struct topo_path *path)
{
	struct wire_facts facts, again;
	struct plan_side side;
	struct side_stats stats;
	struct wire_header h;
	uint8_t frame[2048];
	char text[512];
	size_t n;

	link_convert_of_path(path, "6.1.0", &facts);
	must(facts.n_links <= WIRE_LINKS_MAX);
	n = wire_put_facts(frame, sizeof(frame), 1, &facts);
	must(n && !wire_get_header(frame, &h));
	must(!wire_get_facts(frame + WIRE_HEADER_LEN, h.length, &again));
	must(again.kind == facts.kind && again.n_links == facts.n_links);
	link_convert_plan_side(&again, &side);
	link_convert_side_stats(&again, &stats);
	link_convert_text(&again, text, sizeof(text));
}

static void check_bond(struct topo_source *source, const struct topo_bond *b)
{
	struct topo_counters counters[TOPO_LINKS_MAX];

	must(b->n_links <= TOPO_LINKS_MAX && b->n_links <= b->n_ports);
	must(b->n_usable <= b->n_links && memchr(b->name, '\0', sizeof(b->name)));
	for (size_t i = 0; i < b->n_links; i++) {
		must(memchr(b->links[i].name, '\0', sizeof(b->links[i].name)) != NULL);
		topo_unusable_text(b->links[i].unusable);
	}
	topo_counters(source, b->links, b->n_links, counters);
}

static void look(struct topo_source *source)
{
	static struct topo_path path;
	struct topo_flow flow = { .family = AF_INET, .dst = { 10, 0, 0, 2 }, .dport = 1 };
	struct topo_bond *bonds, *bond;
	size_t n;

	if (!topo_bonds(source, &bonds, &n)) {
		for (size_t i = 0; i < n; i++)
			check_bond(source, &bonds[i]);
		free(bonds);
	}
	for (int i = 0; i < 2; i++) {
		flow.family = i ? AF_INET6 : AF_INET;
		if (topo_path(source, &flow, &path))
			continue;
		must(path.n_hops <= TOPO_HOPS_MAX);
		must(memchr(path.reason, '\0', sizeof(path.reason)) != NULL);
		if (path.end == TOPO_END_BOND)
			check_bond(source, &path.bond);
		tell(&path);
	}
	bond = malloc(sizeof(*bond));
	must(bond != NULL);
	if (!topo_bond(source, 4, bond))
		check_bond(source, bond);
	free(bond);
}

static void watch(struct kernel *k)
{
	static const uint32_t devices[] = { 2, 4 };
	uint8_t *bytes;
	size_t len;
	int fds[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
	while ((bytes = record(k, 'w', &len))) {
		send(fds[1], bytes, len, MSG_DONTWAIT);
		free(bytes);
	}
	must(topo_watch_drain(fds[0], devices, 2) >= 0);
	close(fds[0]);
	close(fds[1]);
}

static void read_proc(struct kernel *k, struct topo_source *source)
{
	struct topo_bond bond = { .name = "bond0", .ifindex = 4 };
	struct bonding_file file;
	size_t len;
	uint8_t *bytes = record(k, 'p', &len);
	FILE *f = fopen(bond_file, "w");

	must(f != NULL);
	if (bytes)
		fwrite(bytes, 1, len, f);
	fclose(f);
	free(bytes);
	if (!bonding_file_load(source, &bond, &file)) {
		must(file.bond.n_links <= TOPO_LINKS_MAX && file.bond.n_links <= file.bond.n_ports);
		bonding_file_complete(&file, "bond0");
		must(file.bond.n_usable <= file.bond.n_links);
	}
}

static void diagnose(struct kernel *k)
{
	const struct nlmsghdr *message = NULL;
	struct topo_socket s;
	size_t len;
	uint8_t *bytes = record(k, 'd', &len);

	while (bytes && (message = attr_message((const char *)bytes, len, message)))
		topo_socket_parse(message, &s);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct topo_source_ops ops = { .query = answer };
	struct kernel k = { .data = data, .size = size };
	struct topo_source source = { .ops = &ops, .ctx = &k, .root = root };

	read_proc(&k, &source);
	look(&source);
	if (!topo_hold(&source)) {
		look(&source);
		topo_release(&source);
	}
	watch(&k);
	diagnose(&k);
	return 0;
}
