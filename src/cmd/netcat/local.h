/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * local.h - the end of a session on this machine: standard input and output, a command (-e, -c), or
 * a unix socket (-U)
 */
#pragma once

#include "cmd/cli/config.h"
#include "io/loop.h"
#include "tls/channel.h"

#define LOCAL_TEXT_LEN 200

struct local;

/* Why a command or socket could not be had. The peer, which may be a stranger, learns no names. */
struct local_failure {
	char here[LOCAL_TEXT_LEN];
	char peer[LOCAL_TEXT_LEN];
};

struct local_events {
	/* The command has ended; failure NULL: with status 0. */
	void (*ended)(void *arg, const char *failure);
	void *arg;
};

/* Is it the standard streams, which outlast a session? */
bool local_is_stdio(const struct config *config);

/* How many bytes our stream will have: --size, or what the file at standard input has left; 0: not
 * known. */
uint64_t local_stream_size(const struct config *config);

/* For one session. Nothing runs yet. Returns 0 or -errno. */
int local_new(struct local **out, struct loop *loop, const struct config *config,
	      const struct local_events *events);

/* What the session reads and writes; valid until local_free. */
int local_in_fd(const struct local *l);
int local_out_fd(const struct local *l);

/* The session's first connection, ch, is there: runs the command or connects the socket. session:
 * its id in hexadecimal. Returns 0, or -1 and why not. */
int local_start(struct local *l, struct channel ch, const char *session,
		struct local_failure *why_out);

/* Ends a command that still runs. Does not wait: *gone (borrowed until local_free) is queued when
 * it has ended, at once without a command. */
void local_end(struct local *l, struct loop_task *gone);

/* The same at once, without giving it time to end by itself; queues nothing. A thread of the
 * session that waits for it goes on. l may be NULL. */
void local_kill(struct local *l);

/* The same, and closes what the session read and wrote. */
struct local *local_free(struct local *l);
