/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outcome.h - how a session ended: exit status and sentence
 */
#pragma once

#include "session/session.h"

#define OUTCOME_REASON_LEN 400

/* Exit statuses. */
enum outcome_exit {
	OUTCOME_OK = 0,
	OUTCOME_NETWORK = 1,    /* not connected, refused, or lost */
	OUTCOME_SETUP = 2,      /* both sides' options do not fit together */
	OUTCOME_INCOMPLETE = 3, /* a stream did not arrive as a whole */
	OUTCOME_PEER = 4,       /* the peer gave up */
	OUTCOME_SIGNAL = 128,   /* plus its number */
};

struct outcome {
	int exit;                        /* enum outcome_exit */
	char reason[OUTCOME_REASON_LEN]; /* one line for people; "complete". What happened comes
					    first, then "; 8192 bytes had arrived" at a receiver,
					    whose output took them, "... had arrived at the peer" at
					    a sender */
};

/* last_error: why the last connection closed, NULL: in order. signal: the one that made us end, or
 * 0. Valid once the session is done or has failed. */
void outcome_of(const struct session *session, const char *last_error, int signal,
		struct outcome *out);

/* What REFUSE says of a session or connection that could not be taken on: result is what engine_new
 * or engine_attach returned, and is not 0. It says no more than a stranger may know: a session that
 * another key began is unknown to it. WIRE_R_NONE: only the text says something. */
enum wire_reason outcome_refusal(int result);

/* The same for people here. */
const char *outcome_refusal_text(int result);
