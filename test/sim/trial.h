/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trial.h - one session of the real client and listener while connections fail
 *
 * A seed gives the machines, the stream, the options of both sides, and a list of what goes wrong
 * and when. At the end the trial is judged; trial.c has the rules.
 */
#pragma once

#include "world.h"

enum trial_kind {
	TRIAL_SOUND,   /* nothing fails */
	TRIAL_REFUSED, /* nobody listens: for a while, or ever */
	TRIAL_SILENT,  /* no SYN is answered: for a while, or ever */
	TRIAL_NO_WAY,  /* ENETUNREACH: for a while, or ever */
	TRIAL_PAIRS,   /* several addresses, and one of them works */
	TRIAL_RESETS,  /* connections are reset, one by one */
	TRIAL_ALL,     /* all of them at the same time, more than once */
	TRIAL_HALF,    /* the server's kernel forgets all connections, without a word */
	TRIAL_DOWN,    /* the way is dead for a while, or ever */
	TRIAL_DIES,    /* the listener's process dies, and may start anew */
	TRIAL_FILES,   /* EMFILE, for a while: of socket or accept */
	TRIAL_MIX,     /* several of these */
	TRIAL_CUT,     /* the same, and both sides are freed in the middle, as by a signal */
	N_TRIALS
};

struct trial {
	enum trial_kind kind;
	bool wrong, ended;
	char why[500];     /* it is wrong */
	int exit[2];       /* -1: there was no session */
	double seconds;    /* simulated, until all was over */
	double wakes;      /* of the loop, in the busiest second, without one for each event */
	unsigned turns;    /* of the loop at most in one moment */
	double memory;     /* of the program, at most, in bytes */
	unsigned n_opened; /* connections */
};

const char *trial_name(enum trial_kind kind);

void trial_run(uint64_t seed, bool trace, struct trial *out);
