/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - one running session: joins it to its connections, its endpoint and the links
 *
 * A client (client.h) or a listener (listener.h) makes the connections and hands them over with
 * engine_attach. From there on the engine moves bytes, closes what is over, and says how it ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "endpoint/endpoint.h"
#include "engine/outcome.h"
#include "engine/worker_pool.h"
#include "io/loop.h"
#include "path/addr_pairs.h"
#include "path/pathmgr.h"
#include "session/session.h"
#include "tls/channel.h"

/* A failed session's ABORT has this long to reach the peer, and an orderly end's DONE. */
#define ENGINE_ABORT_NS 2000000000ull
#define ENGINE_DONE_NS  5000000000ull

struct engine_config {
	struct session_config session; /* the engine sets input, by endpoint */
	struct pathmgr_config paths;
	struct endpoint_config endpoint; /* the engine sets no_output, by session; the streams of a
					    command end well only with engine_command_ended() */
	struct worker_pool *worker_pool; /* moves payload; NULL: the loop's thread; borrowed */
	uint64_t idle_ns; /* give up when neither stream moves for so long; LOOP_NEVER */
	uint64_t quit_ns; /* -q; LOOP_NEVER */
};

struct engine_events {
	/* A line for people; level as in log.h: 0 error, 1 -v, 2 -vv. */
	void (*note)(void *arg, int level, const char *text);
	/* The first connection, ch, stands: the endpoint starts after this. Returns 0, or -1 and
	 * why it cannot. NULL: nothing to do. */
	int (*started)(void *arg, struct channel ch, char why[SESSION_TEXT_LEN]);
	/* The output is about to get its first byte. NULL: nothing to do. */
	void (*output)(void *arg);
	/* The links of either side have changed: a client plans anew. NULL: nothing to do. */
	void (*replan)(void *arg);
	/* After each pump: a client looks whether more connections are wanted. */
	void (*pumped)(void *arg);
	/* The session is over and everything is closed; engine_free may be called from here on, but
	 * not from within this callback. */
	void (*ended)(void *arg);
	void *arg;
};

struct engine;

/* Starts reading the input only with the first connection. Returns 0 or -errno. */
int engine_new(struct engine **out, struct loop *loop, const struct engine_config *config,
	       const struct engine_events *events);

/* Leaves the loop and ends the threads. Returns false if one has not ended within WORKER_END_MS
 * (worker.h): then the descriptors of its endpoint have to stay, the next call asks again without a
 * wait, and nothing else may be called but engine_session, engine_n_live and engine_knows. */
bool engine_free(struct engine *e);

/* A connection that stands. */
struct engine_arrival {
	struct channel channel;
	const struct wire_hello *hello; /* what came on it (listener); NULL: nothing yet (client) */
	bool greeted;                   /* the preface has been sent on it, as the queue does */
};

/* Takes over a connection. Returns 0, or -errno or enum session_error, after which the channel is
 * still the caller's. -EACCES: its peer proved to have another key or certificate than the
 * session's; -ESHUTDOWN: the session is over. */
int engine_attach(struct engine *e, const struct engine_arrival *a);

/* Has a connection of this source (sock_addr_source) been attached? Remembers the first
 * ENGINE_SOURCES sources, as a client with more interfaces is rare. */
#define ENGINE_SOURCES 16
bool engine_knows(const struct engine *e, const uint8_t source[SOCK_SOURCE_LEN]);

/* The socket of an endpoint that is one, as local_socket_new's fd. Returns 0 or -errno. */
int engine_set_socket(struct engine *e, int fd);

/* The target is unreachable: fails the session with this reason. */
void engine_target_failed(struct engine *e, const char *why);

struct session *engine_session(struct engine *e);
struct pathmgr *engine_paths(struct engine *e);

/* The client's ports of the connections that stand and are not draining: those between this pair of
 * addresses (client), or all (NULL). Returns how many. */
unsigned engine_ports(const struct engine *e, const struct addr_pair *pair,
		      uint16_t out[SUBFLOWS_MAX]);

/* Counts these connections, and those among them whose HELLO was answered. */
void engine_count(const struct engine *e, const struct addr_pair *pair, unsigned *n_live_out,
		  unsigned *n_ready_out);

/* How many connections stand and are not draining. */
unsigned engine_n_live(const struct engine *e);

/* A connection whose HELLO was answered and that is not draining. */
struct engine_subflow {
	uint16_t port;         /* the client's */
	uint64_t age_ns;       /* since its HELLO was answered */
	uint64_t rx_bytes;     /* payload that came on it, duplicates included */
	struct wire_lane here; /* observed in our links' counters */
	struct wire_lane peer; /* announced by the peer last */
};

/* Fills at most size. Returns how many. */
unsigned engine_subflows(const struct engine *e, struct engine_subflow *out, unsigned size);

/* Client: drains the connection from this port: closes it as soon as nothing is on its way on it.
 */
void engine_drain(struct engine *e, uint16_t port);

/* Drains all but one of those that the peer has answered. */
void engine_drain_surplus(struct engine *e);

/* One line about the plan for the statistics; "": nothing. Copied. */
void engine_set_verdict(struct engine *e, const char *text);

/* Why the last connection closed; NULL: in order. Borrowed. */
const char *engine_last_error(const struct engine *e);

/* No connection is left and none will come (client): ends the session, well if all is confirmed. */
void engine_give_up(struct engine *e);

/* The command at our endpoint has ended. failure: why, for the peer; NULL: it had all it wanted,
 * and all it wrote is the stream. The session does not wait for what the peer sends beyond that. */
void engine_command_ended(struct engine *e, const char *failure);

/* Our stream ends with what was read up to now. */
void engine_end_input(struct engine *e);

/* Asks the peer to end its stream. */
void engine_stop_peer(struct engine *e);

/* Fails the session, and tells the peer why. */
void engine_fail(struct engine *e, enum wire_reason reason, const char *text);

/* Closes all connections, as if they had been lost. */
void engine_drop(struct engine *e);

/* Ends the session and closes its connections at once, with nothing more delivered on them: their
 * ports are free then. */
void engine_cut(struct engine *e);

/* A signal: tells the peer and ends with 128 + number. */
void engine_signal(struct engine *e, int number);

/* Valid once ended was called. */
const struct outcome *engine_outcome(const struct engine *e);

/* Borrowed arrays are valid until the next call. */
void engine_stats(struct engine *e, struct session_stats *out);
