/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: the budget is kept as the moment at which all costs are paid for (paid_ns), as
 * session/bucket.c keeps its own. A cost moves that moment ahead by TLS_BUDGET_PART times as much;
 * the budget is open while the moment lies no further ahead than a burst. A cost is known only
 * afterwards, so that the last one may exceed the burst: then the next stranger waits longer.
 *
 * A waiting client has a rank: how many of the same source waited when it came, and one more
 * unless the source is known. The lowest rank is next, and among equals the one that came first. So
 * the first of each source goes before the second of any, and a known source is one ahead.
 *
 * The thread's clock less what strangers have cost is what all else has cost.
 *
 * The timer is set exactly while a client waits.
 */
#include "server/tls_budget.h"

#include <assert.h>
#include <string.h>

#include "io/clock.h"

/* How far ahead the moment may lie for the budget to be open. */
#define AHEAD_NS (TLS_BUDGET_PART * TLS_BUDGET_BURST_NS)

static bool is_open(const struct tls_budget *t)
{
	return t->paid_ns <= loop_now(t->loop) + AHEAD_NS;
}

static void set_timer(struct tls_budget *t)
{
	uint64_t now_ns = loop_now(t->loop), due_ns = now_ns + TLS_BUDGET_LOOK_NS;

	if (t->paid_ns < AHEAD_NS + due_ns)
		due_ns = t->paid_ns > AHEAD_NS ? t->paid_ns - AHEAD_NS : 0;
	/* Later than now: else the loop would call again before it looks at anything else. */
	if (t->idle || due_ns <= now_ns)
		due_ns = now_ns + 1;
	loop_set_timer(t->loop, &t->timer, t->first ? due_ns : LOOP_NEVER);
}

static struct tls_turn *next_turn(const struct tls_budget *t)
{
	struct tls_turn *next = t->first;

	for (struct tls_turn *turn = t->first; turn; turn = turn->next)
		if (turn->rank < next->rank)
			next = turn;
	return next;
}

/* What else has the thread done since the last look? */
static void look(struct tls_budget *t)
{
	uint64_t passed_ns = loop_now(t->loop) - t->looked_ns;
	uint64_t others_ns = tls_budget_clock() - t->spent_ns;

	if (passed_ns < TLS_BUDGET_LOOK_NS)
		return;
	t->idle = TLS_BUDGET_IDLE_PART * (others_ns - t->others_ns) < passed_ns;
	t->looked_ns += passed_ns;
	t->others_ns = others_ns;
}

/* One at a time: what else has come is served before the next. */
static void tls_budget_fired(struct loop_timer *timer)
{
	struct tls_budget *t = timer->arg;
	struct tls_turn *turn = next_turn(t);

	look(t);
	if (turn && (t->idle || is_open(t))) {
		tls_budget_leave(t, turn);
		turn->come(turn->arg);
	}
	set_timer(t);
}

void tls_budget_init(struct tls_budget *t, struct loop *loop)
{
	*t = (struct tls_budget){ .loop = loop,
				  .looked_ns = loop_now(loop),
				  .others_ns = tls_budget_clock() };
	t->timer = (struct loop_timer){ .fn = tls_budget_fired, .arg = t, .due_ns = LOOP_NEVER };
}

bool tls_budget_open(const struct tls_budget *t)
{
	return !t->first && is_open(t);
}

void tls_budget_wait(struct tls_budget *t, struct tls_turn *turn,
		     const uint8_t source[SOCK_SOURCE_LEN], bool known)
{
	assert(!turn->waits && turn->come);
	turn->rank = !known;
	for (const struct tls_turn *other = t->first; other; other = other->next)
		turn->rank += !memcmp(other->source, source, SOCK_SOURCE_LEN);
	memcpy(turn->source, source, SOCK_SOURCE_LEN);
	turn->waits = true;
	turn->prev = t->last;
	turn->next = NULL;
	*(turn->prev ? &turn->prev->next : &t->first) = turn;
	t->last = turn;
	set_timer(t);
}

void tls_budget_leave(struct tls_budget *t, struct tls_turn *turn)
{
	if (!turn->waits)
		return;
	turn->waits = false;
	assert(t->first && t->last);
	*(turn->prev ? &turn->prev->next : &t->first) = turn->next;
	*(turn->next ? &turn->next->prev : &t->last) = turn->prev;
	set_timer(t);
}

uint64_t tls_budget_clock(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void tls_budget_spend(struct tls_budget *t, struct tls_turn *turn, uint64_t cost_ns)
{
	uint64_t now_ns = loop_now(t->loop);

	if (t->paid_ns < now_ns)
		t->paid_ns = now_ns;
	t->paid_ns += TLS_BUDGET_PART * cost_ns;
	t->spent_ns += cost_ns;
	turn->cost_ns += cost_ns;
}

void tls_budget_give_back(struct tls_budget *t, struct tls_turn *turn)
{
	t->paid_ns -= TLS_BUDGET_PART * turn->cost_ns;
	turn->cost_ns = 0;
	set_timer(t);
}
