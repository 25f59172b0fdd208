/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - the progress line on a terminal
 *
 *   1.82 GiB  447 MiB/s  0:04  4 subflows  [====>     ] 52 %  ETA 0:03
 *
 * Counts bytes that the receiver's output took, never bytes that were merely sent. Redraws at most
 * 10 times a second, fits the terminal's width at each redraw, and wipes itself before a message
 * and at the end. When both directions flow it begins with both:
 *
 *   tx 1.20 GiB  rx 300 MiB  447 MiB/s  0:04  4 subflows
 *
 * On a wide terminal it ends with a bar for each link of our bond, if their bytes are counted and
 * there are 2 to PROGRESS_LINKS_MAX. A whole bar is the link's speed or, where that is not known,
 * what the fastest carries:
 *
 *   1.82 GiB  447 MiB/s  0:04  4 subflows  eth0[########] eth1[#####   ]
 *
 * While no connection is left, it says how long the session waits for one:
 *
 *   1.82 GiB  reconnecting, 23 s left  0:25
 *
 * The rates are those of about the last two and a half seconds. What is left of the line on a
 * narrow terminal is what matters most: bytes, then rate, percentage, ETA, time, subflows, the bar,
 * links.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/stats.h"

struct progress;

/* Least time between two redraws. */
#define PROGRESS_INTERVAL_NS 100000000ull

/*
 * fd: where to draw, borrowed (stderr). always: draw even if fd is no terminal (then one line per
 * second, ended by \n instead of redrawn in place). Returns 0 or -errno. When neither always nor a
 * terminal: *out is NULL, which every function below takes and ignores. On a terminal it sets the
 * hook of log.h, and progress_free unsets it.
 */
int progress_new(struct progress **out, int fd, bool always);
struct progress *progress_free(struct progress *p);

/* Draws if PROGRESS_INTERVAL_NS has passed since the last drawing, and for the first time that long
 * after the first call: a short transfer draws nothing. Nothing is drawn either while the terminal
 * is stopped (^S) or belongs to another job. now_ns: monotonic clock. */
void progress_update(struct progress *p, const struct session_stats *stats, uint64_t now_ns);

/* Has anything been drawn since the session began? */
bool progress_was_drawn(const struct progress *p);

/* Wipes the line; the next update that is due draws it again. */
void progress_wipe(struct progress *p);

/* Links that can have a bar; the bars of more would not fit on any line. */
#define PROGRESS_LINKS_MAX 8

/* What was carried lately. */
struct progress_rate {
	uint64_t bytes, ns; /* taken by the outputs, in how many nanoseconds */
	uint64_t link_ns;   /* the same for stats->here's links, by index; 0: not known */
	uint64_t link_tx[PROGRESS_LINKS_MAX];
	uint64_t link_rx[PROGRESS_LINKS_MAX];
};

/* The text of the line for a terminal `width` columns wide, at most width - 1 of them, without
 * control characters; for tests. Returns its length (< size). */
size_t progress_format(char *buf, size_t size, unsigned width, const struct session_stats *stats,
		       const struct progress_rate *lately);
