/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-topo-fixture.h - the answers of a machine's kernel, in a directory
 *
 * DIR/netlink/KEY holds the messages that answer one request, one behind the other; an error is a
 * message NLMSG_ERROR. DIR/proc and DIR/sys hold the files as they were found. The key names the
 * request without what may change between two versions of mpnc: "link", "route-0a000002",
 * "neigh-0a000002", "fdb", "addr-2", "stats-4", "genl-16-3".
 */
#pragma once

#include "topo/topo.h"

#define FIXTURE_PATH_LEN 512
#define FIXTURE_KEY_LEN  64

/* Changes a message file after it was read, before it is replayed. Returns its new length. */
typedef size_t (*fixture_spoil_fn)(char *bytes, size_t len, void *arg);

struct fixture {
	struct topo_source source;
	char dir[FIXTURE_PATH_LEN];
	fixture_spoil_fn spoil; /* NULL: none */
	const char *spoil_key;  /* NULL: all */
	void *spoil_arg;
};

/* Makes f->source answer from dir, whose name is copied. */
void fixture_open(struct fixture *f, const char *dir);

void fixture_key(char key[FIXTURE_KEY_LEN], int family, const struct nlmsghdr *request);

/* A bond that nothing is wrong with: 802.3ad, four links of 10 Gbit/s in one aggregator with a
 * partner, layer3+4. Judged. */
void fixture_bond(struct topo_bond *b);
