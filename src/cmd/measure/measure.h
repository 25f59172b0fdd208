/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure.h - one session that moves data for the sake of being watched: out of nothing and into
 * nothing, or from or to one file
 *
 * The sides of HELLO say which way data goes. The client decides for how long: it ends its own
 * stream, and asks for the end of the peer's with STOP. PROTOCOL.md has a section on it.
 */
#pragma once

#include "cmd/cli/client_setup.h"
#include "cmd/cli/config.h"
#include "cmd/measure/measure_limit.h"
#include "engine/engine.h"

/* The thread is looked at this often. */
#define MEASURE_LOOK_NS 100000000ull

/* Gives up when nothing moves for so long. */
#define MEASURE_IDLE_NS 30000000000ull

struct measure_config {
	const struct config *config;     /* of the command line; borrowed */
	const struct listener *listener; /* that it came to; NULL: we connect; borrowed */
	struct worker_pool *worker_pool; /* as engine.h has it; borrowed */
	const char *disk;                /* read when sending, else written, and removed at the end;
					    borrowed; NULL: memory */
	bool sends, receives;
	unsigned n_subflows;  /* 0: as config says */
	uint64_t time_ns;     /* client: data flows for so long; 0: until the peer ends it */
	uint64_t interval_ns; /* between calls of interval; 0: none */
	uint64_t send_bytes;  /* length of our stream; 0: until the time is over, or STOP */
	uint64_t wanted;      /* client: length of the peer's stream; 0: the same */
	uint64_t max_window;  /* each way; 0: as config says */
	uint64_t max_bytes;   /* received; more fails the session; 0: no limit */
	uint64_t max_ns;      /* the same of time; connections are then cut, not ended */
};

/* What is known at one moment. */
struct measure_state {
	struct session_stats
		stats; /* elapsed_ns: since data began to flow; its pointers lead to: */
	struct side_stats here, peer;
	struct subflow_stats *subflow;
	unsigned room;
	uint64_t cpu_ns;  /* processor time of the whole process */
	uint64_t busy_ns; /* that its main thread ran or wanted to */
};

struct measure;

struct measure_events {
	void (*note)(void *arg, int level, const char *text);
	/* before: at the last call, or at the start; both are borrowed. */
	void (*interval)(void *arg, const struct measure_state *before,
			 const struct measure_state *now);
	/* Over; to be freed, but not from within this callback. */
	void (*ended)(void *arg);
	void *arg;
};

/* Returns 0 or -errno; why says what could not be done with the file, "" if it is not about it. */
int measure_new(struct measure **out, struct loop *loop, const struct measure_config *config,
		const uint8_t id[WIRE_SESSION_ID_LEN], const struct measure_events *events,
		char why[BENCH_TEXT_LEN]);

/* Returns false as engine_free: to be called again. */
bool measure_free(struct measure *m);

/* Client: begins to connect; peer is borrowed. port: the local one of the first connection, 0: as
 * config says; mss: as in sock.h. Returns 0 or -errno. */
int measure_connect(struct measure *m, const struct client_setup *peer, uint16_t port, int mss);

struct engine *measure_engine(struct measure *m);

/* How it ended. reason is borrowed. */
int measure_exit(const struct measure *m, const char **reason_out);

/* From the first byte's way to the last one's confirmation. */
uint64_t measure_ns(const struct measure *m);

/* The same for one direction. */
uint64_t measure_way_ns(const struct measure *m, bool sending);

/* Connections that there were at the end; those that were only tried are not in it. */
unsigned measure_n_subflows(const struct measure *m);

/* The latest state: once it has ended, the last one. Borrowed. */
const struct measure_state *measure_state(const struct measure *m);

/* Processor time of the process, and how busy its main thread was, as parts of measure_ns. */
double measure_cpu(const struct measure *m);
double measure_busy(const struct measure *m);

/* What limited one direction; text as bench_judge. */
enum bench_limit measure_judge(const struct measure *m, bool sending, char text[BENCH_TEXT_LEN]);
