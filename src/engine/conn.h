/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn.h - one connection of a session: moves bytes between its socket and the session
 *
 * Its life, which the engine changes (engine_conns_enter):
 *
 *   GREETING --HELLO was answered--> READY --it is not needed--> DRAINING --nothing on its way--+
 *      |                               |                            |                           |
 *      |       the session failed      |                            |                           v
 *      +-------------------------------+----------------------------+--> SHUT --the peer-->
 * (closed)
 *
 * and from each state to closed when the connection breaks, the peer closes it, or the session
 * finds a fault in what came.
 *
 * The socket is watched edge-triggered: readable and writable remember what epoll said until the
 * socket says EAGAIN. Who makes the system calls is behind conn_ops: the loop's thread itself
 * (conn.c), or the workers of a pool, for payload (conn_pooled.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/worker_pool.h"
#include "io/loop.h"
#include "session/session.h"
#include "tls/channel.h"

/* A connection is dead when TCP has sent its bytes again this many times in a row and nothing was
 * acknowledged for this long. TCP itself would go on for a quarter of an hour. */
#define CONN_DEAD_RETRANSMITS 4
#define CONN_DEAD_MS          10000

/* The same if the peer's window is closed, so that TCP has nothing to send again but asks for it:
 * the last question may be on its way, the one before was not answered. */
#define CONN_DEAD_PROBES 2

enum conn_state {
	CONN_GREETING, /* HELLO is on its way, or its answer */
	CONN_READY,    /* HELLO was answered: data may flow */
	CONN_DRAINING, /* no new chunks; it closes once nothing is on its way */
	CONN_SHUT,     /* the ABORT has left; what still comes is thrown away */
	CONN_STATES,
};

struct conn {
	struct loop_io io; /* io.fd is the socket, owned */
	struct tls *tls;   /* owned; NULL: plain */
	const struct conn_ops *ops;
	struct worker_pool *pool; /* borrowed; NULL: the loop's thread does all */
	struct worker_job *job;   /* owned; NULL as pool */

	enum conn_state state;
	uint16_t slot;     /* of the session */
	uint64_t ready_ns; /* when it entered CONN_READY */

	bool readable;
	bool writable;
	bool hung_up; /* epoll says so once: what is left is read without waiting for another edge
		       */
	int error;    /* errno of a failed write: what was received is still read */
	uint32_t chunk_len; /* for which TCP_NOTSENT_LOWAT was set last */
	uint32_t rcvlowat;  /* SO_RCVLOWAT as set last */

	struct wire_names names;
	int way; /* egress of its packets (pathmgr.h); -1: not known yet, or ever */
	struct subflow_stats stats;
};

enum conn_result {
	CONN_IDLE,   /* nothing moved */
	CONN_MOVED,  /* some bytes did */
	CONN_CLOSED, /* it is over: conn->error says why, 0: the peer closed it or the session wants
			it closed */
};

/* For a connection that stands; fn and arg as in loop.h. Returns NULL: no memory. The caller adds
 * io to its loop. */
struct conn *conn_new(struct channel ch, void (*fn)(struct loop_io *io, uint32_t events),
		      void *arg);

/* Leaves the channel as it is. */
void conn_free(struct conn *c);

/* From now on the pool (borrowed) moves its payload; news(arg) says that there is something for
 * conn_read. Returns 0 or -ENOMEM. */
int conn_use_pool(struct conn *c, struct worker_pool *pool, void (*news)(void *arg), void *arg);

/* What epoll said of its socket. */
void conn_take_events(struct conn *c, uint32_t events);

/* Is conn_channel free for use? False while the pool runs a job of this connection; with wait set,
 * waits for the job first. */
bool conn_settle(struct conn *c, bool wait);

/* Reads once into the session, or takes in what the pool has read. */
enum conn_result conn_read(struct conn *c, struct session *s, uint64_t now_ns);

/* Writes one frame of the session, or what the socket takes of it; or has the pool do so and read.
 */
enum conn_result conn_write(struct conn *c, struct session *s, uint64_t now_ns);

/* The connection's bytes; c still owns them. */
struct channel conn_channel(const struct conn *c);

/* Has the peer's host stopped acknowledging what was sent? A peer that is stopped, or does not
 * read, still has a kernel that does. */
bool conn_dead(const struct conn *c);

/* Takes the current numbers from the kernel and the session. */
void conn_update_stats(struct conn *c, const struct session *s);
