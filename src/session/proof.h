/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proof.h - what may be said of a session's number where the number itself must not be said
 *
 * Without a key the number is all that it takes to join a session. Hashes, and nothing else: no
 * I/O.
 */
#pragma once

#include <stdint.h>

#include "wire/frame.h"

/* A name as text: 32 hex digits and the NUL. */
#define PROOF_TEXT_LEN (2 * WIRE_PROOF_LEN + 1)

/* The name of a session: the same at both ends, and no way back to the number. For reports, logs,
 * the environment of commands, and to ask a listener for the session. */
void proof_name(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN]);
void proof_name_text(char out[PROOF_TEXT_LEN], const uint8_t id[WIRE_SESSION_ID_LEN]);

/* Says that its maker knows the number and was asked this challenge at this end of the connection.
 * So nobody can have it made by a listener at another address. */
void proof_make(uint8_t out[WIRE_PROOF_LEN], const uint8_t id[WIRE_SESSION_ID_LEN],
		const uint8_t challenge[WIRE_SESSION_ID_LEN], const struct wire_addr *listener);
