/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proof.h - what may be said of a session's number where the number itself must not be said
 *
 * Without a key the number is all that it takes to join a session.
 */
#pragma once

#include <stdint.h>

#include "wire/frame.h"

/* With its NUL. */
#define PROOF_NAME_LEN (2 * 16 + 1)

/* The name of a session, 32 hex digits: the same at both ends, and no way back to the number. For
 * reports, logs and the environment of commands. */
void proof_name(char out[PROOF_NAME_LEN], const uint8_t id[WIRE_SESSION_ID_LEN]);
