/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - a command whose standard input and output are a session's streams
 *
 * It has a process group of its own, so that a shell's whole pipeline ends with it, no descriptors
 * but the three standard ones, no blocked signals, and SIGPIPE as usual.
 */
#pragma once

#include <stdbool.h>

#include "io/loop.h"

#define CHILD_TEXT_LEN 128

/* After SIGTERM a command has this long to end before SIGKILL. */
#define CHILD_TERM_MS 2000

struct child_config {
	char *const *argv; /* borrowed until child_start */
	bool feed;         /* its input is a pipe from us; otherwise it inherits ours */
	bool drain;        /* the same for its output */
	/* It has ended by itself; failure NULL: with status 0. Not called after child_end. */
	void (*ended)(void *arg, const char *failure);
	void *arg;
};

struct child;

/* Makes the pipes only. config is copied. Returns 0 or -errno. */
int child_new(struct child **out, struct loop *loop, const struct child_config *config);

/* Ends of the pipes: to read what it writes, and to write what it reads. -1: no pipe. Ours until
 * child_free. */
int child_out_fd(const struct child *c);
int child_in_fd(const struct child *c);

/* Runs it. env: as execve's. Returns 0 or -errno: it cannot be run. */
int child_start(struct child *c, char *const env[]);

/* Ends it if it still runs: SIGTERM, and after CHILD_TERM_MS SIGKILL. Does not wait: *gone
 * (borrowed until child_free) is queued when it has ended, at once if it does not run. Its input
 * stays open until child_free, as the end of that would look like the end of the stream. */
void child_end(struct child *c, struct loop_task *gone);

/* The same at once, with SIGKILL; queues nothing. */
void child_kill(struct child *c);

/* The same, and closes the pipes. */
struct child *child_free(struct child *c);
