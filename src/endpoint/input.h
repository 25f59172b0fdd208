/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input.h - the source of our stream: a descriptor of any kind, read by a thread of its own
 *
 * A read may block for as long as it likes (a disk, a terminal, a slow producer) without holding up
 * the network. The thread reads straight into the session's window (mover.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "endpoint/mover.h"
#include "session/session.h"

/* A command that has closed its output exits within this, or does not mean to. */
#define INPUT_EXIT_MS 1000

struct input;

/* Null device or closed: nothing; a terminal; else a stream: pipe, file, block device, socket. A
 * stream too if the kernel does not say: input_new then fails, and nobody takes an input for empty.
 */
enum session_input input_kind(int fd);

/* Length of what can still be read, when fd is a regular file or a block device; 0: not known. */
uint64_t input_size(int fd);

/* Can bytes be read from fd at this moment? The end of a pipe or socket does not count. A file or
 * block device counts as readable to its end and there too: its reader knows the position, fd does
 * not. */
bool input_readable(int fd);

/* The position of a regular file or block device, for input_new; -1: fd cannot be read twice. */
int64_t input_start(int fd);

/*
 * Starts reading fd (borrowed). Pipes are enlarged where that is allowed. start >= 0: reads from
 * there on and leaves the file's own position alone, so that it can be read again; -1: reads on
 * where the descriptor stands. If a command writes the descriptor, its end of file counts when the
 * command has ended, or INPUT_EXIT_MS later. Returns 0 or -errno.
 */
int input_new(struct input **out, int fd, int64_t start, const struct mover_config *config);

/* As mover_end. */
bool input_free(struct input *in);

/* limit: the room in the window; offset: read so far. */
struct mover *input_mover(struct input *in);

/* Asks for MOVER_ENDED at the offset reached, before the end of the file. */
void input_stop(struct input *in);

/* The same; the thread reads on and throws away what comes, for a producer that is to end well. */
void input_drain(struct input *in);
