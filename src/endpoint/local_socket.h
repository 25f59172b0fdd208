/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * local_socket.h - a connected stream socket as a session's endpoint: what comes on it is our
 * stream, and the peer's stream is written to it
 *
 * The event loop serves it, without threads, straight from and into the session's windows. What a
 * connection can say passes through: the end of what comes is the end of our stream and the other
 * way round, each direction by itself; a connection that is reset aborts the session, and a session
 * that fails resets the connection (a unix socket cannot be reset, so it is closed). A socket that
 * is full stops the peer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "session/session.h"

struct local_socket;

/* fd: TCP or unix, non-blocking, consumed unless this fails. session is borrowed. news is called
 * when there is something to move. Returns 0 or -errno. */
int local_socket_new(struct local_socket **out, struct loop *loop, struct session *session, int fd,
		     void (*news)(void *arg), void *arg);

/* Closes the connection: in order, or with a reset. */
struct local_socket *local_socket_free(struct local_socket *ls, bool reset);

/* Has the connection not been reset? If it has, the session is aborted. */
bool local_socket_sound(struct local_socket *ls);

/* One read into the session. Returns whether anything moved. */
bool local_socket_read(struct local_socket *ls, uint64_t now_ns);

/* Our stream ends here, whatever may still come. */
void local_socket_end_input(struct local_socket *ls, uint64_t now_ns);

/* Is there something to read as far as is known? */
bool local_socket_readable(const struct local_socket *ls);

/* One write from the session, and the end of the output when all is written. Returns whether
 * anything moved. */
bool local_socket_write(struct local_socket *ls, uint64_t now_ns);
