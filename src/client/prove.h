/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prove.h - before a client says a session's number on a connection to an address that only the
 * peer named, the listener there proves that it knows the number (PROTOCOL.md 4.3)
 *
 * Without it whoever has the address would learn the number, and could join the session. Not used
 * within TLS, where the listener has proved more.
 */
#pragma once

#include "session/handshake.h"
#include "session/proof.h"

/* A question under way. */
struct prove;

#define PROVE_TEXT_LEN (WIRE_TEXT_MAX + 64)

/* Asks on a plain connection that has just been made. Returns 0 or -errno. */
int prove_ask(struct prove **out, int fd, const uint8_t id[WIRE_SESSION_ID_LEN]);

/* The socket is readable. Returns 0 when the listener has proved it: then the connection is as one
 * that has just been made. -EAGAIN: more has to come. Another -errno, and why as a line: it is not
 * to be used. */
int prove_read(struct prove *p, int fd, char why[PROVE_TEXT_LEN]);

struct prove *prove_free(struct prove *p);
