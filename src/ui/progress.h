/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - the progress line on a terminal
 *
 *   1.82 GiB  447 MiB/s  0:04  4 subflows  [====>     ] 52 %  ETA 0:03
 *
 * Counts bytes that the receiver's output took, never bytes that were merely sent. Redraws at most
 * 10 times a second, fits the terminal's width at each redraw (so a resize is survived), and wipes
 * itself before a message and at the end. When both directions flow it begins with both:
 *
 *   tx 1.20 GiB  rx 300 MiB  447 MiB/s  0:04  4 subflows
 *
 * The rate is that of about the last two and a half seconds. What is left of the line on a narrow
 * terminal is what matters most: bytes, then rate, percentage, ETA, time, subflows, the bar.
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
 * second, ended by \n instead of redrawn in place). expected: length of our input when it is a file
 * of known size, else 0. Returns 0 or -errno. When neither always nor a terminal: *out is NULL,
 * which every function below takes and ignores. On a terminal it sets the hook of log.h, and
 * progress_free unsets it.
 */
int progress_new(struct progress **out, int fd, bool always, uint64_t expected);
struct progress *progress_free(struct progress *p);

/* Draws if PROGRESS_INTERVAL_NS has passed since the last drawing, and for the first time that long
 * after the first call: a short transfer draws nothing. Nothing is drawn either while the terminal
 * is stopped (^S) or belongs to another job. now_ns: monotonic clock. */
void progress_update(struct progress *p, const struct session_stats *stats, uint64_t now_ns);

/* Wipes the line; the next update that is due draws it again. */
void progress_wipe(struct progress *p);

/* The text of the line for a terminal `width` columns wide, at most width - 1 of them, without
 * control characters; for tests. rate_bytes in rate_ns: what was taken lately, in the directions
 * that flow. Returns its length (< size). */
size_t progress_format(char *buf, size_t size, unsigned width, const struct session_stats *stats,
		       uint64_t expected, uint64_t rate_bytes, uint64_t rate_ns);
