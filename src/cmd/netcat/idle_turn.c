/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/netcat/idle_turn.h"

enum idle_turn idle_turn_round(struct idle_turn_count *t, const struct idle_turn_state *state)
{
	unsigned most = state->complete ? IDLE_TURN_SYNC_ROUNDS : IDLE_TURN_IDLE_ROUNDS;

	if (state->now_ns > t->round_ns + IDLE_TURN_PAUSE_NS)
		t->n_lost = 0;
	t->round_ns = state->now_ns;
	t->n_lost = state->lost ? t->n_lost + 1 : 0;
	t->n_idle = state->moved == t->moved ? t->n_idle + 1 : 0;
	t->moved = state->moved;
	if (t->n_lost >= IDLE_TURN_LOST_ROUNDS)
		return IDLE_TURN_LOST;
	return state->limited && t->n_idle >= most ? IDLE_TURN_IDLE : IDLE_TURN_GOES_ON;
}
