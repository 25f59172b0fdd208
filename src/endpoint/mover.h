/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mover.h - a thread that moves one stream between a descriptor and the session's window: what
 * input.h and output.h have in common
 *
 *    RUNS --all is moved, for good--> ENDED
 *      |
 *      +--a system call failed------> FAILED
 *
 * What the two threads share:
 *   limit   offset up to which the thread may move bytes; the engine sets it, it only grows
 *   offset  up to which it has; the thread sets it, it only grows
 *   state   the thread sets it, once, after error and value
 * The window's memory in [offset, limit) is the thread's, the rest is the engine's. So no lock is
 * needed, and no byte is copied. Each side wakes the other after a change.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/worker.h"
#include "session/winbuf.h"
#include "wire/digest.h"

enum mover_state { MOVER_RUNS, MOVER_ENDED, MOVER_FAILED };

struct mover_status {
	uint64_t offset;
	enum mover_state state;
	int error;                  /* MOVER_FAILED: errno */
	uint8_t digest[DIGEST_LEN]; /* MOVER_ENDED: of all that was moved */
};

struct mover_config {
	struct winbuf *buf; /* borrowed until mover_end */
	struct wake *news;  /* borrowed as long; raised whenever the status has changed */
	bool command;       /* the descriptor leads to a command that runs: the stream ends well
			       only with mover_command_ended() */
};

struct mover {
	struct worker worker;
	struct winbuf *buf;
	struct wake *news;
	struct digest *digest; /* the thread's */
	_Atomic uint64_t limit;
	_Atomic uint64_t offset;
	atomic_bool command_runs;
	_Atomic enum mover_state state;
	_Atomic uint64_t held_ns; /* it had no limit to move on to */
	uint64_t start_ns;
	_Atomic uint64_t end_ns; /* 0: it has not finished */
	int error;
	uint8_t value[DIGEST_LEN];
};

/* For the engine's thread. */

/* Starts run(arg) in a thread. Returns 0 or -errno. */
int mover_start(struct mover *m, const struct mover_config *config, void (*run)(void *arg),
		void *arg);

/* Ends the thread. Returns false if it has not ended, as worker_end: then it, its descriptor and
 * the window have to stay, and the next call asks again. */
bool mover_end(struct mover *m);

void mover_set_limit(struct mover *m, uint64_t limit);

/* The command has ended well. */
void mover_command_ended(struct mover *m);

void mover_get(const struct mover *m, struct mover_status *out);

/* Time in which the thread did not wait for the engine, and processor time that it used. */
struct mover_time {
	uint64_t busy_ns;
	uint64_t ran_ns;
};

void mover_time(const struct mover *m, struct mover_time *out);

/* For the mover's thread. */

/* As worker_wait. held: it is for the limit, and the descriptor alone would not make it wait. */
int mover_wait(struct mover *m, struct pollfd *p, int ms, bool held);

/* n bytes at p, which are those at the offset, were moved. */
void mover_advance(struct mover *m, const void *p, size_t n);

/* Waits until the command has ended, for ms at most (-1: for ever). Returns as worker_wait. */
int mover_wait_for_command(struct mover *m, int ms);

/* The last word; the thread then returns. */
void mover_finish(struct mover *m, enum mover_state state, int error);
