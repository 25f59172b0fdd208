/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net.h - simulated TCP connections between a client and a server, in virtual time
 *
 * A connection is two directed pipes. What is written to a pipe waits unsent until its congestion
 * window lets it go, passes a bottleneck of a given rate, and arrives after a delay, in order, in
 * segments of random sizes. A pipe takes bytes only while little of it is unsent, as a socket with
 * TCP_NOTSENT_LOWAT does. Times are nanoseconds from 0; nothing here sleeps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_NEVER  UINT64_MAX
#define NET_LOWAT  (128u << 10)
#define NET_SECOND 1000000000ull
#define NET_MS     1000000ull

/* A side of a connection; the pipe that a side writes has its number. */
enum net_side { NET_CLIENT, NET_SERVER };

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 .. n - 1 */
uint64_t rng_between(struct rng *r, uint64_t low, uint64_t high);
/* As many between 1 and 2 as between 1000 and 2000. */
uint64_t rng_scale(struct rng *r, uint64_t low, uint64_t high);
bool rng_chance(struct rng *r, unsigned percent);

/* Indexed by the side that writes. */
struct path {
	uint64_t rate[2]; /* bytes per second */
	uint64_t delay_ns[2];
	uint64_t cwnd[2];
	uint64_t jitter_ns;
	uint64_t loss_bytes; /* one loss in this many; 0: none */
	uint64_t loss_ns;    /* costs TCP up to so much until it is repaired */
	uint64_t seg_max;
};

/* Congestion windows that keep a path busy, and queue_ns worth of queue on top. */
void path_fill(struct path *p, uint64_t queue_ns);

struct seg {
	uint64_t end;       /* offset in the pipe behind its last byte; FIN has no bytes */
	uint64_t arrive_ns; /* once it has arrived: when that is known to the sender */
};

struct pipe {
	uint8_t *ring;
	size_t size;
	uint64_t read, arrived, acked, sent, written;
	struct seg *segs;
	size_t n_segs; /* power of two */
	size_t seg_acked, seg_arrived, seg_sent;
	uint64_t busy_ns;  /* the bottleneck is busy until then */
	uint64_t stall_ns; /* nothing gets through until then */
	uint64_t last_ns;  /* latest arrival so far */
	bool fin, fin_sent, fin_arrived;
	bool flip; /* spoil a byte of the next segment */
};

struct conn {
	struct path path;
	struct pipe pipe[2];
	struct rng rng;
	bool closed[2];       /* the side has closed it */
	uint64_t reset_ns[2]; /* the side sees a reset then */
	bool reset[2];        /* has seen it */
	uint64_t next_ns;
	unsigned id;
	unsigned n_path;
	uint64_t since_ns;
	bool up[2]; /* for the test: the side's session knows it */
};

/* NULL: no memory. */
struct conn *conn_new(const struct path *path, uint64_t seed, uint64_t now_ns);
struct conn *conn_free(struct conn *c);

/* When conn_run is due. */
uint64_t conn_next(const struct conn *c);

/* Lets time pass. Returns the sides (bits 1 << side) that may read, write or see an end now. */
unsigned conn_run(struct conn *c, uint64_t now_ns);

size_t conn_room(const struct conn *c, enum net_side side);
void conn_write(struct conn *c, enum net_side side, const void *p, size_t n, uint64_t now_ns);

size_t conn_readable(const struct conn *c, enum net_side side);
void conn_read(struct conn *c, enum net_side side, void *p, size_t n);

/* Has the side seen a reset, or all bytes and then the end? */
bool conn_gone(const struct conn *c, enum net_side side);

/* The side closes: what it wrote still goes out. */
void conn_close(struct conn *c, enum net_side side, uint64_t now_ns);

/* Faults. */
void conn_stall(struct conn *c, enum net_side writer, uint64_t until_ns);
void conn_reset(struct conn *c, uint64_t client_ns, uint64_t server_ns);
