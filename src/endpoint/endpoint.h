/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * streams.h - the end of a session on this machine: the input that becomes our stream, and the
 * output that takes the peer's
 *
 * Moves bytes between this end and the session's windows, and keeps the rules of a stream's end.
 * The end is two descriptors, which may block, so that each has a thread (input.h, output.h), or
 * one socket, which needs none (plug.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "session/session.h"

struct streams_config {
	bool plugged; /* the end is a socket, that comes with streams_plug; the rest is not used */

	int in_fd;        /* borrowed */
	int64_t in_start; /* as input_new's start */
	int out_fd;       /* borrowed */
	bool keep_output; /* another session will write to out_fd */
	bool no_input;    /* do not read in_fd */
	bool no_output;   /* the session takes nothing */
	bool endless;     /* in_fd has no end, or one that does not matter: our stream ends well
			     when the peer asks for it, or with streams_end_input() */
	bool command;     /* both streams end well only with streams_release() */
};

struct streams;

/* What the input is, for the session. */
enum session_input streams_input_kind(const struct streams_config *config);

/* session is borrowed. news is called when there is something to move. Nothing is read before
 * streams_start. Returns 0 or -errno. */
int streams_new(struct streams **out, struct loop *loop, struct session *session,
		const struct streams_config *config, void (*news)(void *arg), void *arg);

/* Ends the threads. Returns false if one has not ended: then the descriptors and the session have
 * to stay, nothing else may be called any more, and the next call asks again, without a wait. */
bool streams_free(struct streams *st);

/* The peer is there: from here on bytes are moved. */
void streams_start(struct streams *st);

/* The socket: as plug_new's fd. Returns 0 or -errno. */
int streams_plug(struct streams *st, int fd);

/* The session is over: the socket is closed, in order or with a reset. */
void streams_unplug(struct streams *st, bool reset);

/* Takes over what was read, and ends our stream when it is time. Returns whether there may be more
 * to read at once. */
bool streams_take_input(struct streams *st, uint64_t now_ns);

/* Our stream ends with what was read up to now. */
void streams_end_input(struct streams *st, uint64_t now_ns);

/* Offers what came, and confirms the peer's stream when all of it is taken. Returns as above. */
bool streams_give_output(struct streams *st, uint64_t now_ns);

/* The command at our end has ended, well or not: what it wrote is the stream. */
void streams_release(struct streams *st);

/* Has a command that has ended well left early? Then the peer's stream need not be waited for. */
bool streams_consumer_gone(const struct streams *st);
