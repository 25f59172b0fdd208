/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - joins one session to its connections, its input and its output
 *
 * Bytes move in pumps: after each batch of events, every connection that can be read is read, every
 * one that can be written asks the session for a frame, until nothing moves or others' turn has
 * come. Who makes the connections (client.h, listener.h) hands them over with engine_attach.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "endpoint/endpoint.h"
#include "engine/outcome.h"
#include "engine/tls_pool.h"
#include "io/loop.h"
#include "path/addr_pairs.h"
#include "path/pathmgr.h"
#include "session/session.h"
#include "tls/channel.h"

/* A failed session's ABORT has this long to reach the peer, and an orderly end's DONE. */
#define ENGINE_ABORT_NS 2000000000ull
#define ENGINE_DONE_NS  5000000000ull

struct engine_config {
	struct session_config session; /* input is found out from streams */
	struct pathmgr_config paths;
	struct endpoint_config streams; /* no_output is found out from session; a command's end well
					  only with engine_command_ended() */
	struct tls_pool *crew; /* seals and opens TLS; NULL: the loop's thread does; borrowed */
	uint64_t idle_ns;      /* give up when neither stream moves for this long; LOOP_NEVER */
	uint64_t quit_ns;      /* -q; LOOP_NEVER */
};

struct engine_events {
	/* A line for people; level as in log.h: 0 error, 1 -v, 2 -vv. */
	void (*note)(void *arg, int level, const char *text);
	/* The first connection, ch, is there: the streams begin after this. Returns 0, or -1 and
	 * why they cannot. NULL: nothing to do. */
	int (*started)(void *arg, struct channel ch, char why[SESSION_TEXT_LEN]);
	/* The links of either end are others than before: a client plans anew. NULL: nothing to do.
	 */
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
 * (worker.h): then the descriptors of its streams have to stay, the next call asks again without a
 * wait, and nothing else may be called but engine_session, engine_n_live and engine_knows. */
bool engine_free(struct engine *e);

/* Takes over a connection: hello is what came on it (listener), or NULL (client). Returns 0,
 * or -errno or enum session_error, after which ch is still the caller's. -EACCES: its peer proved
 * to have another key or certificate than the session's. greeted: the preface was sent. */
int engine_attach(struct engine *e, struct channel ch, const struct wire_hello *hello,
		  bool greeted);

/* Has a connection of this source (sock_addr_source) been attached? Says so of the first
 * ENGINE_SOURCES sources: a client with more interfaces is rare. */
#define ENGINE_SOURCES 16
bool engine_knows(const struct engine *e, const uint8_t source[SOCK_SOURCE_LEN]);

/* The socket of a session whose end here is one, as local_socket_new's fd. Returns 0 or -errno. */
int engine_plug(struct engine *e, int fd);

/* It is not to be had: ends the session. */
void engine_plug_failed(struct engine *e, const char *why);

struct session *engine_session(struct engine *e);
struct pathmgr *engine_paths(struct engine *e);

/* The client's ports of the connections that live and are to stay: those over this pair of
 * addresses (client), or all (NULL). Returns how many. */
unsigned engine_ports(const struct engine *e, const struct addr_pair *route,
		      uint16_t out[SUBFLOWS_MAX]);

/* How many these are, and of how many of them the HELLO was answered. */
void engine_count(const struct engine *e, const struct addr_pair *route, unsigned *n_live_out,
		  unsigned *n_ready_out);

/* How many. */
unsigned engine_n_live(const struct engine *e);

/* A connection whose HELLO was answered and that is to stay. */
struct engine_subflow {
	uint16_t port;         /* the client's */
	uint64_t age_ns;       /* since its HELLO was answered */
	struct wire_lane here; /* what our links' counters tell of it */
	struct wire_lane peer; /* the peer's, as last told */
};

/* Fills at most size. Returns how many. */
unsigned engine_subflows(const struct engine *e, struct engine_subflow *out, unsigned size);

/* Client: closes the connection from this port as soon as nothing is on its way there. */
void engine_drain(struct engine *e, uint16_t port);

/* The same with all but one of those that the peer has answered. */
void engine_drain_surplus(struct engine *e);

/* What the statistics shall say of the links; "": nothing. Copied. */
void engine_set_verdict(struct engine *e, const char *text);

/* Why the last connection closed, for a client whose first one did not last: NULL: in order.
 * Borrowed. */
const char *engine_last_error(const struct engine *e);

/* No connection is left and none will come (client): ends the session, well if all is confirmed. */
void engine_give_up(struct engine *e);

/* The command at our end has ended. failure: what to tell the peer; NULL: it had all it wanted, and
 * all it wrote is the stream. What the peer sends beyond that is not waited for. */
void engine_command_ended(struct engine *e, const char *failure);

/* Our stream ends with what was read up to now. */
void engine_end_input(struct engine *e);

/* Asks the peer to end its stream. */
void engine_stop_peer(struct engine *e);

/* Gives the session up, and tells the peer why. */
void engine_fail(struct engine *e, enum wire_reason reason, const char *text);

/* Closes all connections, as if they had been lost. */
void engine_drop(struct engine *e);

/* Ends the session and closes its connections at once, with nothing more delivered on them: their
 * ports are free then. */
void engine_cut(struct engine *e);

/* A signal: tells the peer and ends with 128 + number. */
void engine_signal(struct engine *e, int number);

/* Valid once ended was called. */
const struct outcome *engine_end(const struct engine *e);

/* Borrowed arrays are valid until the next call. */
void engine_stats(struct engine *e, struct session_stats *out);
