/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - where topo's facts come from: this machine, or what a test puts in its place
 *
 * A source answers netlink requests and has a directory under which sys/ and proc/ are found. It
 * belongs to one thread at a time.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>

/* Takes one message of the answer, valid during the call. It has the length that its header says
 * and nothing more is checked. Returns 0, or -errno to end the query with it. */
typedef int (*topo_reply_fn)(const struct nlmsghdr *reply, void *arg);

struct topo_source_ops {
	/* Sends request (type, flags, length and payload set; the rest is the source's) to the
	 * family NETLINK_ROUTE or NETLINK_GENERIC and passes each message of the answer to fn, but
	 * not the end mark. Returns 0, what fn returned, the kernel's -errno, or -EINTR: what was
	 * listed changed meanwhile, ask again. */
	int (*query)(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn,
		     void *arg);
};

struct devs;

struct topo_source {
	const struct topo_source_ops *ops;
	void *ctx;        /* for ops */
	const char *root; /* put before "/sys/..." and "/proc/..."; "" for the real ones */
	/* What topo_hold keeps, and how to drop it; NULL: every question is asked anew. */
	struct devs *held;
	void (*drop_held)(struct topo_source *source);
};

/* The machine we run on, in the network namespace of the calling thread at this moment. Needs no
 * privilege. Returns 0 or -errno. */
int topo_source_new(struct topo_source **out);

/* Only for sources of topo_source_new. */
struct topo_source *topo_source_free(struct topo_source *source);
