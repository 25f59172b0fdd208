/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_budget.h - which stranger may begin a handshake, as handshakes cost the thread that moves
 * everybody's bytes
 *
 * Strangers together have a budget of processor time: a part of the time that passes, and a burst
 * when they have used little. While it is used up they wait for their turn. Sources take turns, so
 * that a source with many strangers waits longer than a source with one. A stranger that has proved
 * who it is gives back what it has cost: the budget limits those alone who prove nothing.
 *
 * While the thread has little else to do, there is nothing to protect: one stranger after the other
 * has its turn, and between two of them all that has come meanwhile is served.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "server/source_table.h"

/* The budget is one part in this many: 5 ms of each 100. A transfer that needs all of the thread
 * keeps 0.95 of its rate. */
#define TLS_BUDGET_PART 20

/* The burst: more than 64 connections of one session, or 200 programs that reach a relay at once,
 * cost before the first one is proved. */
#define TLS_BUDGET_BURST_NS 100000000ull

/* The thread has little else to do if that takes less than one part in this many, over this time.
 * Of the thread's time a transfer at 100 MiB/s takes 3 % or more, and to take in 100 strangers a
 * second 1 %. */
#define TLS_BUDGET_IDLE_PART 50
#define TLS_BUDGET_LOOK_NS   100000000ull

struct tls_turn {
	/* Set by the owner: called by the loop when the turn has come. */
	void (*come)(void *arg);
	void *arg;
	/* Private */
	uint64_t cost_ns; /* spent on it so far */
	bool waits;
	unsigned rank;
	uint8_t source[SOCK_SOURCE_LEN];
	struct tls_turn *prev, *next;
};

struct tls_budget {
	struct loop *loop;
	struct loop_timer timer;
	uint64_t paid_ns;
	uint64_t spent_ns; /* on strangers, ever */
	uint64_t looked_ns,
		others_ns; /* when idle was found out, and what else had taken by then */
	bool idle;
	struct tls_turn *first, *last; /* waiting, in the order in which they came */
};

void tls_budget_init(struct tls_budget *t, struct loop *loop);

/* May a stranger begin at once? If not, it is to wait. */
bool tls_budget_open(const struct tls_budget *t);

/* turn: outlives its wait; it is called once, unless tls_budget_leave comes first. known: a session
 * runs with this source, so that this is likely to be one of its connections. */
void tls_budget_wait(struct tls_budget *t, struct tls_turn *turn,
		     const uint8_t source[SOCK_SOURCE_LEN], bool known);

/* Waits no longer; whether it does or not. */
void tls_budget_leave(struct tls_budget *t, struct tls_turn *turn);

/* Processor time of the calling thread, in ns. It stands still while others have the processor. */
uint64_t tls_budget_clock(void);

/* The stranger has cost so much. */
void tls_budget_spend(struct tls_budget *t, struct tls_turn *turn, uint64_t cost_ns);

/* The stranger has proved who it is. */
void tls_budget_give_back(struct tls_budget *t, struct tls_turn *turn);
