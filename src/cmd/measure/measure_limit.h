/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_limit.h - what limits a measured transfer, and from how many connections on more are of
 * no use; no I/O
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/stats.h"

#define BENCH_TEXT_LEN 240

/* What was found each time that somebody looked while data flowed: counts of looks. */
struct bench_seen {
	unsigned n_sending; /* our stream had not ended yet */
	unsigned n_taker;   /* no room was left at the peer, and most of it was for its output */
	unsigned n_window;  /* no room was left at the peer, and most of it was under way */
	unsigned n_starved; /* all that was read was sent: there was nothing to send */
	unsigned n_receiving;
	unsigned n_late; /* our output had most of the window still to take */
};

/* Looks once. window: of our receiving direction, bytes. */
void bench_look(struct bench_seen *seen, const struct session_stats *stats, uint64_t window);

enum bench_limit {
	BENCH_NOT_KNOWN, /* receiving, and nothing here held it up */
	BENCH_CONSUMER,
	BENCH_SOURCE,
	BENCH_CPU,
	BENCH_WINDOW,
	BENCH_ONE_LANE,   /* nearly all goes over one link of several */
	BENCH_IDLE_LINKS, /* some links have next to nothing */
	BENCH_LINKS,      /* all are used, and full as far as their speed is known */
	BENCH_BEYOND,     /* all are used, but far from full: what lies beyond is */
	BENCH_NETWORK,    /* no links can be seen */
};

/* One direction of a session that is over. */
struct bench_case {
	bool sending;
	const struct session_stats *stats; /* its links' bytes are those of all the time */
	uint64_t ns;                       /* that data flowed */
	const struct bench_seen *seen;
	double busy;      /* part of the time in which the thread that moves the data here ran, or
			     waited for a processor: 0 to 1 */
	uint64_t window;  /* bytes; of this direction, as far as known here */
	const char *disk; /* the file at our end; NULL: memory */
};

/* One sentence without a full stop, such as "the links: all 4 of bond0 here ...", into text. */
enum bench_limit measure_limit(const struct bench_case *c, char text[BENCH_TEXT_LEN]);

/* "bond0 of the peer" and its like are the judge's; a rate of n bits per second: "188 Mbit/s",
 * powers of 1000, three significant digits. Returns the length. */
size_t bench_bits(char *buf, size_t size, double bits_per_second);

/* Of values, which are sorted by this; n > 0. */
double bench_median(double *values, size_t n);

/* The gain below which more connections count as useless. */
#define BENCH_KNEE_PART 0.95

/* rates[i]: with more connections for each i. The first from which on no more gives noticeably
 * more. n > 0. */
size_t bench_knee(const double *rates, size_t n);

/* Is it known, after these, that more connections give no more? The last two brought nothing. */
bool bench_past_knee(const double *rates, size_t n);
