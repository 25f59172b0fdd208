/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input.h - our stream's source: a descriptor of any kind, read by a thread of its own
 *
 * A read may block for as long as it likes (a disk, a terminal, a slow producer) without holding up
 * the network. The thread reads straight into the session's window. What the two threads share:
 *   room  offset up to which there is memory; set by the engine, only grows
 *   read  offset up to which bytes are there; set by the input's thread, only grows
 * The memory in [read, room) is the thread's, below it is the engine's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/wake.h"
#include "session/session.h"
#include "wire/digest.h"

enum input_state { INPUT_READING, INPUT_ENDED, INPUT_FAILED };

struct input_status {
	uint64_t read;
	enum input_state state;
	int error;                  /* INPUT_FAILED: errno */
	uint8_t digest[DIGEST_LEN]; /* INPUT_ENDED: of all that was read */
};

/* A command that has closed its output ends within this, or does not mean to. */
#define INPUT_HOLD_MS 1000

struct input;

/* Null device or closed: nothing; a terminal; else a stream: pipe, file, block device, socket. A
 * stream too if the kernel does not say: input_new then fails, and nobody takes an input for empty.
 */
enum session_input input_kind(int fd);

/* Length of what can still be read, when fd is a regular file or a block device; 0: not known. */
uint64_t input_size(int fd);

/* Can bytes be read from fd at this moment? The end of a pipe or socket is none. A file or block
 * device counts as readable to its end and there too: its reader knows the position, fd does not.
 */
bool input_readable(int fd);

/*
 * Starts reading fd (borrowed) into buf (borrowed until input_free). news is raised whenever the
 * status has changed. Pipes are enlarged where that is allowed. start >= 0: reads from there on and
 * leaves the file's own position alone, so that it can be read again; -1: reads on where the
 * descriptor stands. held: the producer is a command, whose end of file counts only when
 * input_release is called; one that closes its output and goes on for INPUT_HOLD_MS means it too.
 * Returns 0 or -errno.
 */
int input_new(struct input **out, int fd, int64_t start, bool held, struct winbuf *buf,
	      struct wake *news);

/* The position of a regular file or block device, for input_new; -1: fd cannot be read twice. */
int64_t input_start(int fd);

/* Ends the thread. Returns false if it has not ended, as worker_end: then it, its descriptor and
 * buf have to stay, and the next call asks again. */
bool input_free(struct input *in);

/* The producer has ended well: the end of file is the end of the stream. */
void input_release(struct input *in);

void input_set_room(struct input *in, uint64_t room);

/* Asks for INPUT_ENDED at the offset reached, although the end of the file was not. */
void input_stop(struct input *in);

/* The same; and what else comes is read and thrown away, for a producer that is to end well. */
void input_drain(struct input *in);

void input_get(struct input *in, struct input_status *out);
