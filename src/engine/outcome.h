/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ending.h - how a session ended, in words for people and as an exit status
 */
#pragma once

#include "session/session.h"

#define ENGINE_REASON_LEN 400

enum engine_exit {
	ENGINE_EXIT_OK = 0,
	ENGINE_EXIT_NETWORK = 1,
	ENGINE_EXIT_SETUP = 2,
	ENGINE_EXIT_INCOMPLETE = 3,
	ENGINE_EXIT_PEER = 4,
	ENGINE_EXIT_SIGNAL = 128, /* plus its number */
};

struct engine_end {
	int exit;                       /* enum engine_exit */
	char reason[ENGINE_REASON_LEN]; /* one line for people; "complete" */
};

/* last_error: why the last connection closed, NULL: in order. signal: the one that made
 * us end, or 0. */
void ending_of(const struct session *session, const char *last_error, int signal,
	       struct engine_end *out);

/* A session or connection could not be taken on: result is what engine_new or engine_attach
 * returned, and is not 0. What REFUSE says of it: no more than a stranger may know, so another
 * key's session is none. WIRE_R_NONE: the text alone says something. */
enum wire_reason ending_refusal(int result);

/* The same for people here. */
const char *ending_refusal_text(int result);
