/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - the destination of the peer's stream: a descriptor of any kind, written by a thread of
 * its own
 *
 * A write may block for as long as it likes (a disk, a consumer that does not read) without holding
 * up the network. The thread writes straight from the session's window (mover.h).
 *
 * It notices at once when a consumer goes away (the reading end of a pipe is closed), even while
 * there is nothing to write. A consumer that has read all that there was is forgiven if the
 * stream's end comes within OUTPUT_LEFT_MS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "endpoint/mover.h"

/* The end comes right after the last bytes, or after a retransmission. */
#define OUTPUT_LEFT_MS 1000

struct output;

/*
 * Starts writing to fd (borrowed). last: nothing else will be written to fd after this stream, so
 * its consumer sees the end. If the consumer is a command, its exit status will say whether it took
 * the stream well: it may go before the end, the rest is then dropped as if it had been taken, and
 * MOVER_ENDED waits for mover_command_ended. Returns 0 or -errno.
 */
int output_new(struct output **out, int fd, bool last, const struct mover_config *config);

/* As mover_end. */
bool output_free(struct output *o);

/* limit: what was received and may be written; offset: written so far. */
struct mover *output_mover(struct output *o);

/* Has the command left before the end of the stream? */
bool output_consumer_left(const struct output *o);

/*
 * Nothing comes after the limit: asks for MOVER_ENDED once all is written and the destination has
 * taken it for good. A block device is synced, as its errors show only then. A regular file is
 * flushed as close() does it (which is when network file systems report a full disk), not synced. A
 * last stream's pipe is closed, and its socket shut down, so that a consumer that reads to the end
 * can go on, and answer.
 */
void output_finish(struct output *o);
