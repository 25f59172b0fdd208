/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure_server.h - lets others measure the way to a listener that is there for something else
 *
 * mpnc doctor asks for it. What comes is thrown away, what goes is made up, and neither touches
 * what the listener is there for. Since anyone may ask who can reach the port, all of it has
 * limits.
 */
#pragma once

#include "cmd/cli/config.h"
#include "engine/engine.h"
#include "server/listener.h"

/* Of one measurement, each way: enough to fill a link of 1 Gbit/s for half a second. */
#define MEASURE_SERVER_BYTES (64ull << 20)

/* Window each way, as a stranger may fill it and leave it so. doctor sends 19 MiB at most, so a
 * larger one would be of use for a moment only, and on paths of more than 1 Gbit/s and 64 ms. */
#define MEASURE_SERVER_WINDOW (8ull << 20)

/* A slow link takes as long for what doctor sends over it. */
#define MEASURE_SERVER_NS 30000000000ull

/* Of all measurements together, both ways: what one doctor needs at once, four times. */
#define MEASURE_SERVER_BUDGET (512ull << 20)

/* What grows again each second, so that in the long run strangers get no more of the line. */
#define MEASURE_SERVER_REFILL (4ull << 20)

/* What each one costs at least, so that they cannot come by the thousand. */
#define MEASURE_SERVER_LEAST (1ull << 20)

struct measure_server;

/* config is borrowed. Returns 0 or -ENOMEM. */
int measure_server_new(struct measure_server **out, struct loop *loop, const struct config *config);

/* Returns false as engine_free: a thread has not ended, and m has to stay. */
bool measure_server_free(struct measure_server *m);

/* HELLO (measure) came on ch (consumed): serves it, or refuses it through l. busy: the listener is
 * at its work, which is not to be disturbed. One is served at a time. */
void measure_server_serve(struct measure_server *m, struct listener *l, struct channel ch,
			  const struct wire_hello *hello, bool busy);

/* Does this HELLO belong to the measurement under way? Then measure_server_join takes it (ch
 * consumed).
 */
bool measure_server_knows(const struct measure_server *m, const struct wire_hello *hello);
void measure_server_join(struct measure_server *m, struct listener *l, struct channel ch,
			 const struct wire_hello *hello);

/* The number of the measurement under way; NULL: none. Borrowed. */
const uint8_t *measure_server_id(const struct measure_server *m);
