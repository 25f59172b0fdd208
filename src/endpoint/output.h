/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - the peer's stream's destination: a descriptor of any kind, written by a thread of its
 * own
 *
 * A write may block for as long as it likes (a disk, a consumer that does not read) without holding
 * up the network. The thread writes straight from the session's window. What the two threads share:
 *   end    offset up to which bytes may be written; set by the engine, only grows
 *   taken  offset up to which they were written; set by the output's thread, only grows
 * The memory in [taken, end) is the thread's, the rest is the engine's.
 *
 * A consumer that goes away (the reading end of a pipe is closed) is noticed at once, even while
 * there is nothing to write. One that has read all there was is forgiven if the stream's end comes
 * within OUTPUT_LEFT_MS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/wake.h"
#include "session/winbuf.h"
#include "wire/digest.h"

/* The end comes right behind the last bytes, or after a retransmission. */
#define OUTPUT_LEFT_MS 1000

enum output_state { OUTPUT_WRITING, OUTPUT_FINISHED, OUTPUT_FAILED };

struct output_status {
	uint64_t taken;
	enum output_state state;
	int error;                  /* OUTPUT_FAILED: errno */
	bool lost;                  /* the consumer went early, which is none of our business */
	uint8_t digest[DIGEST_LEN]; /* OUTPUT_FINISHED: of all that was written */
};

struct output;

/* Starts writing to fd (borrowed) from buf (borrowed until output_free); otherwise as input_new.
 * last: nothing else will be written to fd after this stream, so its consumer is told of the end.
 * held: the consumer is a command, whose exit status will say whether it took the stream well. It
 * may go before the end, and the rest is then dropped as if it had been taken; OUTPUT_FINISHED
 * waits for output_release.
 */
int output_new(struct output **out, int fd, bool last, bool held, struct winbuf *buf,
	       struct wake *news);

/* The consumer has ended well. */
void output_release(struct output *o);

/* As input_free. */
bool output_free(struct output *o);

void output_set_end(struct output *o, uint64_t end);

/*
 * Nothing comes after `end`: asks for OUTPUT_FINISHED once all is written and the destination has
 * taken it for good. A block device is synced, as its errors show only then. A regular file is
 * flushed as close() does it (which is when network file systems report a full disk), not synced. A
 * last stream's pipe is closed, and its socket shut down, so that a consumer that reads to the end
 * can go on, and answer.
 */
void output_finish(struct output *o);

void output_get(struct output *o, struct output_status *out);
