/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay.h - many sessions in one process, each between a plain connection here and a peer
 *
 * The near side makes a session of every plain connection that it accepts (plain_listen.h); the far
 * side connects every session that comes to it (listener.h) to a target. A session that fails
 * resets its connection, and the other way round. All of them share one loop, one pool of memory
 * and one descriptor for questions to the kernel.
 *
 * The pool has a limit, whatever strangers do. Sources share it, and the sessions of each source
 * share the part of that source, by the rules of winpool.h. While the pool or a part of it is
 * short, sessions there that hold memory in vain are ended: first those that hold bytes beyond a
 * gap, then those whose consumers rest.
 */
#pragma once

#include "client/client.h"
#include "engine/engine.h"
#include "io/addr_list.h"
#include "server/hello.h"

/* Sessions at once, if nothing else is said: those of a busy server. */
#define RELAY_SESSIONS 4096

/* The most that -m may ask for: their table is made at once, 24 bytes for each. */
#define RELAY_SESSIONS_MAX (1u << 20)

/* Of these from one source (sock_addr_source), so that one client does not keep all others out. */
#define RELAY_PER_SOURCE 2048

/* The same where peers need not prove who they are. */
#define RELAY_PER_SOURCE_OPEN 256

/* What is kept apart for each session: the block in which each of its streams goes on. For all
 * sessions together that is at most half of the memory, the rest is shared. */
#define RELAY_SESSION_MEMORY (2ull * WINBUF_BLOCK)

/* While memory is short, sessions are looked at this often. */
#define RELAY_LOOK_NS 1000000000ull

/* Connections to the far side that have not said HELLO: all of one peer may come at once. */
#define RELAY_STRANGERS RELAY_PER_SOURCE

/* Descriptors of an idle session: its plain connection, and one subflow. */
#define RELAY_FDS 2

/* And for all else but preconnections: the listening sockets, strangers, a few more subflows. */
#define RELAY_FDS_RESERVED 64

/* Free blocks of windows that are kept: what a few busy sessions have in their hands. */
#define RELAY_POOL 32

/* A target has this long to answer. */
#define RELAY_CONNECT_NS 10000000000ull

/* Sessions that run when the relay is to stop have this long to end. */
#define RELAY_STOP_NS 30000000000ull

#define RELAY_NAME_LEN (SOCK_ADDR_LEN + 64 + WIRE_TARGET_LEN)

/* Where sessions of the far side may go. */
struct relay_target {
	char name[WIRE_TARGET_LEN]; /* by which a near side asks for it; "": if it asks for none */
	struct addr_list addrs;
};

struct relay_config {
	struct engine_config engine; /* of each session; ids, memory and streams are the relay's */
	struct client_config client; /* near: where to */
	const struct relay_target *targets; /* far; borrowed */
	unsigned n_targets;
	uint64_t connect_ns;   /* far: for the target */
	unsigned max_sessions; /* at most what relay_fitting says */
	unsigned max_per_source;
	uint64_t memory;       /* for the windows of all sessions together, bytes */
	unsigned n_preconnect; /* near: connections to keep ready (preconnect.h); 0: none */
};

struct relay_totals {
	uint64_t n_served; /* with those that run */
	uint64_t n_failed;
	uint64_t n_refused;
	uint64_t n_preconnected; /* of those served: that began on a connection that was ready */
	unsigned n_running;
	uint64_t memory_used; /* by windows, of relay_config.memory */
	uint64_t tx_bytes;    /* taken by the peers' ends, of the sessions that have ended */
	uint64_t rx_bytes;    /* taken by our ends */
};

struct relay_events {
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	/* A session is over. name: "session 7 of 192.0.2.1 port 40312 to db". quiet: it ended well,
	 * or by one of the two programs, which is their affair, or by a signal to the peer's
	 * program when all that it sent had arrived. */
	void (*ended)(void *arg, const char *name, const struct outcome *end, bool quiet,
		      const struct session_stats *stats);
	/* Far: a peer asks what is here (QUERY), or for its connection to be kept (WARM); its
	 * channel is the callee's. */
	void (*asked)(void *arg, const struct hello_peer *peer);
	/* After relay_stop: the last session has ended. */
	void (*stopped)(void *arg);
	void *arg;
};

struct relay;

/* Returns 0 or -errno. */
int relay_new(struct relay **out, struct loop *loop, const struct relay_config *config,
	      const struct relay_events *events);

/* Sessions that run are dropped. */
struct relay *relay_free(struct relay *r);

/* How many sessions the process has descriptors for besides n_preconnect: wanted, or less. */
unsigned relay_fitting(unsigned wanted, unsigned n_preconnect);

/* And this much memory for their windows: wanted, or less; at least 1. */
unsigned relay_fitting_memory(unsigned wanted, uint64_t memory);

/* Near: a plain connection (consumed) from this address (NULL: a unix socket). */
void relay_accept(struct relay *r, int fd, const union sock_addr *from);

/* Far: a peer said HELLO; its channel is consumed. */
void relay_hello(struct relay *r, const struct hello_peer *peer);

/* Does a session run that this source (sock_addr_source) began? */
bool relay_knows(const struct relay *r, const uint8_t source[SOCK_SOURCE_LEN]);

/* No new sessions; stopped is called when the others have ended, which they are made to after
 * RELAY_STOP_NS. */
void relay_stop(struct relay *r);

/* Ends all sessions for this signal, and says so to their peers. */
void relay_kill(struct relay *r, int signal);

/* With the bytes of those that run. */
void relay_totals(struct relay *r, struct relay_totals *out);

/* Calls fn for each session that runs. */
void relay_each(struct relay *r,
		void (*fn)(void *arg, const char *name, const struct session_stats *stats),
		void *arg);
