/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn.h - one connection of a session: moves bytes between its socket and the session
 *
 * Watched edge-triggered; readable and writable remember what epoll said until the socket says
 * EAGAIN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/tls_pool.h"
#include "io/loop.h"
#include "session/session.h"
#include "tls/channel.h"

/* A connection is dead when its bytes were sent again so many times in a row and nothing was
 * acknowledged for so long. TCP itself would go on for a quarter of an hour. */
#define CONN_DEAD_RETRANSMITS 4
#define CONN_DEAD_MS          10000

/* The same if the peer's window is closed, so that TCP has nothing to send again but asks for it:
 * the last question may be on its way, the one before was not answered. */
#define CONN_DEAD_PROBES 2

struct conn {
	struct loop_io io;        /* io.fd is the socket, owned */
	struct tls *tls;          /* owned; NULL: plain */
	struct tls_pool *crew;    /* with job: seals and opens the records; borrowed */
	struct tls_pool_job *job; /* owned; NULL: the session's thread does all */
	size_t n_unplaced; /* bytes at the end of what the crew received that wait for memory */
	uint16_t slot;
	bool readable;
	bool writable;
	bool ending;        /* epoll told of the end: it tells once, so what is left is read without
			       waiting */
	bool announced;     /* its line was printed */
	bool draining;      /* to be closed once nothing is on its way */
	uint64_t ready_ns;  /* when its HELLO was answered */
	bool shut;          /* our side is shut down: nothing more will be written */
	uint32_t chunk_len; /* for which the socket's low-water mark was set last */
	uint32_t rcvlowat;  /* what the one for reading is */
	int error;          /* errno of a failed write: what was received is still read */
	struct wire_names names;
	int way; /* of its packets (pathmgr.h); -1: not known yet, or ever */
	struct subflow_stats stats;
};

enum conn_result {
	CONN_IDLE,   /* nothing moved */
	CONN_MOVED,  /* some bytes did */
	CONN_CLOSED, /* it is over: conn->error says why, 0: the peer closed it or the session wants
			it closed */
};

/* For a connection that stands; fn and arg as in loop.h. Returns NULL: no memory. */
struct conn *conn_new(struct channel ch, void (*fn)(struct loop_io *io, uint32_t events),
		      void *arg);

/* Leaves the channel as it is. */
void conn_free(struct conn *c);

/* From now on the crew (borrowed) reads and writes; told(arg) says that there is something for
 * conn_read. Returns 0 or -ENOMEM. */
int conn_use_crew(struct conn *c, struct tls_pool *crew, void (*told)(void *arg), void *arg);

/* May conn_channel be used, or has the crew got it? If that is to be waited for, it may. */
bool conn_settle(struct conn *c, bool wait);

/* Reads once, or takes back what the crew has done. */
enum conn_result conn_read(struct conn *c, struct session *s, uint64_t now_ns);

/* Writes one frame, or what the socket takes of it; or has the crew do so and read. */
enum conn_result conn_write(struct conn *c, struct session *s, uint64_t now_ns);

/* The connection's bytes; c still owns them. */
struct channel conn_channel(const struct conn *c);

/* Has the peer's host stopped to acknowledge what was sent? A peer that is stopped, or does not
 * read, still has a kernel that does. */
bool conn_dead(const struct conn *c);

/* Takes the current numbers from the kernel and the session. */
void conn_update_stats(struct conn *c, const struct session *s);
