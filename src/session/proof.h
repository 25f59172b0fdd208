/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proof.h - hashes of a session's number, for places where the number itself has to stay secret
 *
 * Without a key, a peer that knows the number can join the session.
 */
#pragma once

#include <stdint.h>

#include "wire/frame.h"

/* A name as text: 32 hex digits and the NUL. */
#define PROOF_TEXT_LEN (2 * WIRE_PROOF_LEN + 1)

/* The name of a session: the same on both sides, and it does not give the number away. For reports,
 * logs, the environment of commands, and to ask a listener for the session. */
void proof_name(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN]);
void proof_name_text(char out[PROOF_TEXT_LEN], const uint8_t id[WIRE_SESSION_ID_LEN]);

/* Proves that its maker knows the number and got this challenge at this address. So no other
 * listener can be made to produce it. */
void proof_make(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN],
		const uint8_t challenge[WIRE_SESSION_ID_LEN], const struct wire_addr *listener);
