/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prove_reply.h - a listener's answer to a client that asks for the proof of a session (prove.h)
 */
#pragma once

#include "server/listener.h"
#include "session/handshake.h"
#include "session/proof.h"

/* Does it ask for the session with this number? */
bool prove_fits(const struct wire_hello *hello, const uint8_t id[WIRE_SESSION_ID_LEN]);

/* Answers with the proof, and keeps ch (consumed) for the HELLO that follows. */
void prove_answer(struct listener *l, struct channel ch, const struct wire_hello *hello,
		  const uint8_t id[WIRE_SESSION_ID_LEN]);
