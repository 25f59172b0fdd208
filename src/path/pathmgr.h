/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pathmgr.h - the path manager of one session: what is known of the links at both ends, over which
 * of them a connection runs, and what the links have counted. pathmgr_plan.h: which source ports to
 * connect from
 *
 * Ports are planned for the addresses of the first connection. Others may have other addresses, and
 * other links (egress.h): those are known, counted and told as well.
 *
 * Only reads from this machine; makes no connection. Ports are always the client's, on whichever
 * side this runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/sock.h"
#include "netlink/source.h"
#include "plan/plan.h"
#include "plan/steer.h"
#include "session/stats.h"
#include "wire/facts.h"

/* Taken ports that are remembered. */
#define PATHMGR_AVOID_MAX 64

/* Ranges of ports that a user may give. */
#define PATHMGR_RANGES_MAX 16

struct pathmgr;

struct pathmgr_config {
	bool client;
	struct topo_source *source; /* whom to ask; borrowed, NULL: one of its own */
	/* To choose from; n_ranges 0: what the kernel would choose from, less what is reserved. */
	struct plan_range ranges[PATHMGR_RANGES_MAX];
	unsigned n_ranges;
};

/* Returns 0 or -ENOMEM. Where netlink is forbidden nothing will be known, which is no error. */
int pathmgr_new(struct pathmgr **out, const struct pathmgr_config *config);
struct pathmgr *pathmgr_free(struct pathmgr *p);

/* The session's first connection stands: finds the way of its packets, and counts from here. What
 * was known before is forgotten. */
void pathmgr_learn(struct pathmgr *p, int fd, uint64_t now_ns);

/* Another connection of the session stands. Finds the way of its packets, unless there is one
 * between these addresses already, and returns its number; -1: there are too many. changed:
 * pathmgr_facts are others now; links that are new in them are counted from here. */
int pathmgr_join(struct pathmgr *p, int fd, bool *changed_out);

/* The number of the way between these addresses, 0: that of the first connection; -1: it was not
 * looked for. */
int pathmgr_way(const struct pathmgr *p, const struct wire_names *names);

/* Looks again at the ways that were found. Counting goes on, for links that are new from
 * here. Returns true if the facts have changed; a way that has vanished changes nothing, as it says
 * nothing of what will be there next. */
bool pathmgr_relearn(struct pathmgr *p);

/* A descriptor to be watched for EPOLLIN, valid as long as p is: something may have changed in
 * pathmgr_facts, or may do so in a moment. It is opened by the first call: what changed
 * before that is found by pathmgr_relearn. -1: none. */
int pathmgr_watch(struct pathmgr *p);

/* It is readable: returns true if it is about the links of the session. Reads a limited number of
 * events. */
bool pathmgr_events(struct pathmgr *p);

/* Of our side; kind WIRE_FACTS_NONE: not known. Borrowed. */
const struct wire_facts *pathmgr_facts(const struct pathmgr *p);

/* What the peer announces of its links. Copied: from here on the path manager has the only copy
 * that anybody asks. Returns true if plans made from now on can differ. */
bool pathmgr_set_peer_facts(struct pathmgr *p, const struct wire_facts *facts);

/* As set last; kind WIRE_FACTS_NONE: not known. Borrowed. */
const struct wire_facts *pathmgr_peer_facts(const struct pathmgr *p);

/* names: the two ends of the connection on fd as the peer sees them. Returns true if it sees other
 * addresses or ports than we do: somebody translates them, so that nothing can be predicted of the
 * peer's links any more. */
bool pathmgr_compare_names(struct pathmgr *p, int fd, const struct wire_names *names);

/* Has an end links that belong to different addresses? Then ports alone decide little. */
bool pathmgr_several(const struct pathmgr *p);

/* What the links on the way from local (port and family may be 0: the kernel's choice) to remote
 * can carry on this machine, in Mbit/s; 0: not known. */
uint32_t pathmgr_speed(struct pathmgr *p, const union sock_addr *local,
		       const union sock_addr *remote);

/* Does this address mean this machine? Asks the kernel for the route, so that addresses that no
 * interface has are known too. */
bool pathmgr_is_here(const struct pathmgr *p, const union sock_addr *addr);

/* Fills the four links that a connection between the first one's addresses has, as planned, if the
 * client makes it from this port. */
void pathmgr_lanes(const struct pathmgr *p, uint16_t port, struct subflow_stats *out);

/* The same for a connection that is there, by its way. Told by rules: where an end has several
 * bonds or devices, only what leaves by a device, or by the first connection's bond, is known. */
void pathmgr_place(const struct pathmgr *p, int way, uint16_t port, struct subflow_stats *out);

/* Had this way vanished when it was last looked at? */
bool pathmgr_gone(const struct pathmgr *p, int way);

/* Are the links on this way among those that are counted? */
bool pathmgr_counts(const struct pathmgr *p, int way);

/* Where our links belong to different addresses: by which of them packets leave on this way. -1: by
 * a bond, or that is not known. */
int pathmgr_sends_by(const struct pathmgr *p, int way);

/* Is there a bond here that spreads each connection over all its links? */
bool pathmgr_spreads(const struct pathmgr *p);

/* Reads our links' counters. Returns false without any to read. */
bool pathmgr_count(struct pathmgr *p, uint64_t now_ns, struct wire_links *out);

/* What the last pathmgr_count has read; n 0: nothing. Borrowed. */
const struct wire_links *pathmgr_counted(const struct pathmgr *p);

/* What has been counted, here (by pathmgr_count) and there (as the peer told). */
void pathmgr_stats(const struct pathmgr *p, const struct wire_links *peer, struct side_stats *here,
		   struct side_stats *there);

/* Client: the links of both ends, as far as they are known: fills capacity and distinct. */
void pathmgr_view(const struct pathmgr *p, struct steer_view *out);

/* By which of our links came what a connection received last: its number in the facts, told by the
 * kernel. -1: it does not say. */
int pathmgr_received_by(struct pathmgr *p, int fd);
