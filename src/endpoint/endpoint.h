/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoint.h - what a session's streams are joined to on this machine: the source of our stream,
 * the destination of the peer's
 *
 * Moves bytes between these and the session's windows, and keeps the rules of a stream's end. An
 * endpoint is two descriptors, which may block, so that each has a thread (input.h, output.h), or
 * one socket, which needs none (local_socket.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "session/session.h"

struct endpoint_config {
	bool is_socket; /* the endpoint is one, which comes with endpoint_set_socket; the rest is
			   unused */

	int in_fd;        /* borrowed */
	int64_t in_start; /* as input_new's start */
	int out_fd;       /* borrowed */
	bool keep_output; /* another session will write to out_fd */
	bool no_input;    /* do not read in_fd */
	bool no_output;   /* the session takes nothing */
	bool endless;     /* in_fd has no end, or one without meaning: our stream ends well when
			     the peer asks for it, or with endpoint_end_input() */
	bool command;     /* both streams end well only with endpoint_command_ended() */
};

struct endpoint;

/* What the input is, for the session. */
enum session_input endpoint_input_kind(const struct endpoint_config *config);

/* session is borrowed. news is called when there is something to move. Nothing is read before
 * endpoint_start. Returns 0 or -errno. */
int endpoint_new(struct endpoint **out, struct loop *loop, struct session *session,
		 const struct endpoint_config *config, void (*news)(void *arg), void *arg);

/* Ends the threads. Returns false if one has not ended: then the descriptors and the session have
 * to stay, nothing else may be called any more, and the next call asks again, without a wait. */
bool endpoint_free(struct endpoint *ep);

/* The peer is there: from here on bytes are moved. */
void endpoint_start(struct endpoint *ep);

/* The socket: as local_socket_new's fd. Returns 0 or -errno. */
int endpoint_set_socket(struct endpoint *ep, int fd);

/* The session is over: the socket is closed, in order or with a reset. */
void endpoint_close_socket(struct endpoint *ep, bool reset);

/* Takes over what was read, and ends our stream when it is time. Returns whether there may be more
 * to read at once. */
bool endpoint_take_input(struct endpoint *ep, uint64_t now_ns);

/* Our stream ends with what was read up to now. */
void endpoint_end_input(struct endpoint *ep, uint64_t now_ns);

/* Offers what came, and confirms the peer's stream when all of it is taken. Returns as above. */
bool endpoint_give_output(struct endpoint *ep, uint64_t now_ns);

/* The command has ended, well or not: what it wrote is the stream. */
void endpoint_command_ended(struct endpoint *ep);

/* What its threads have cost, in a session of elapsed_ns, for out->busy, and for out->busiest if
 * one of them has used more than that. */
void endpoint_add_cost(const struct endpoint *ep, uint64_t elapsed_ns, struct wire_cost *out);

/* Has a command that ended well left before the end of the peer's stream? Then nobody needs the
 * rest of it. */
bool endpoint_consumer_gone(const struct endpoint *ep);
