/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.h - one program of the simulation: a session between an input, an output and connections
 *
 * Does what a real engine does with a session, and checks at every step what a session promises.
 * A byte of a stream is known from its offset and the stream's seed, so that the output is checked
 * without a copy of the input.
 */
#pragma once

#include "net.h"
#include "session/handshake.h"
#include "session/session.h"

#define HOST_TEXT_LEN 200
/* More than are ever accepted, so that refusals happen. */
#define HOST_SUBS (SUBFLOWS_MAX + 16)

struct source_config {
	uint64_t seed;
	uint64_t len;
	uint64_t read_max;
	unsigned pause_percent;
	uint64_t pause_max_ns;
	bool eof; /* false: after len bytes nothing comes, not even an end */
};

struct sink_config {
	uint64_t seed;
	uint64_t write_max;
	unsigned pause_percent;
	uint64_t pause_max_ns;
	uint64_t rate;     /* bytes per second, 0: no limit */
	uint64_t fail_at;  /* the output fails at this offset */
	uint64_t stop_at;  /* the peer is asked to end its stream there */
	uint64_t stall_at; /* the output takes nothing for stall_ns there */
	uint64_t stall_ns;
};

struct host_config {
	struct session_config session;
	struct source_config source;
	struct sink_config sink;
	unsigned max_connects;
	bool rotate; /* not always the lowest slot is asked first */
};

enum sub_state { SUB_FREE, SUB_HELLO, SUB_OPEN };

struct sub {
	enum sub_state state;
	struct conn *conn;
	struct handshake handshake;
	uint16_t slot;
};

/* What a test may want to know. */
struct host_figures {
	uint64_t output_done_ns; /* the last byte was taken */
	uint64_t last_output_ns;
	uint64_t max_gap_ns; /* the longest pause of the output, while there was more to come */
	uint64_t reinjected;
	size_t max_blocks; /* of both directions */
	unsigned n_faults; /* subflows that the session asked to close */
	unsigned n_checksum_faults;
	unsigned max_open;
	uint64_t path_tx[SUBFLOWS_MAX];
};

struct host {
	enum net_side side;
	struct host_config config;
	struct rng rng;
	struct session *session; /* NULL: a server that waits */
	struct sub subs[HOST_SUBS];
	unsigned n_subs;
	unsigned n_connecting;
	unsigned n_connects;
	bool counts;       /* tells the peer what its links counted: an odd seed does */
	uint64_t retry_ns; /* no connection before */
	uint64_t back_off_ns;
	unsigned next_sub;   /* for rotate */
	uint64_t give_up_ns; /* a failed session's connections are closed then */
	bool over;           /* DONE or FAILED, and all closed */

	uint64_t read; /* of the input */
	uint64_t read_ns;
	bool input_ended;
	struct digest *input_digest;

	uint64_t taken; /* by the output */
	uint64_t write_ns;
	bool stalled;
	struct digest *output_digest;

	struct host_figures figures;
	char wrong[HOST_TEXT_LEN]; /* a broken promise; empty: none so far */
	bool trace;
	uint64_t now_ns;
};

struct host *host_new(enum net_side side, const struct host_config *config, uint64_t seed,
		      bool trace);
struct host *host_free(struct host *h);

/* A connection stands. */
void host_add(struct host *h, struct conn *c, uint64_t now_ns);

/* A connection could not be made. */
void host_connect_failed(struct host *h, uint64_t now_ns);

/* Something may have changed for this host. */
void host_run(struct host *h, uint64_t now_ns);

/* When host_run is due although nothing comes from the net. */
uint64_t host_next(const struct host *h);

/* Does it want one more connection now? The caller counts it in n_connecting. */
bool host_wants_connection(const struct host *h, uint64_t now_ns);

void host_wrong(struct host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
