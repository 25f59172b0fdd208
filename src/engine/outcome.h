/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ending.h - how a session ended, in words for people and as an exit status
 */
#pragma once

#include "session/session.h"

#define OUTCOME_REASON_LEN 400

enum outcome_exit {
	OUTCOME_OK = 0,
	OUTCOME_NETWORK = 1,
	OUTCOME_SETUP = 2,
	OUTCOME_INCOMPLETE = 3,
	OUTCOME_PEER = 4,
	OUTCOME_SIGNAL = 128, /* plus its number */
};

struct outcome {
	int exit;                        /* enum outcome_exit */
	char reason[OUTCOME_REASON_LEN]; /* one line for people; "complete" */
};

/* last_error: why the last connection closed, NULL: in order. signal: the one that made
 * us end, or 0. */
void outcome_of(const struct session *session, const char *last_error, int signal,
		struct outcome *out);

/* A session or connection could not be taken on: result is what engine_new or engine_attach
 * returned, and is not 0. What REFUSE says of it: no more than a stranger may know, so another
 * key's session is none. WIRE_R_NONE: the text alone says something. */
enum wire_reason outcome_refusal(int result);

/* The same for people here. */
const char *outcome_refusal_text(int result);
