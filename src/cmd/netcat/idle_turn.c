/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/netcat/idle_turn.h"

enum turn turn_round(struct turn_count *t, const struct turn_state *state)
{
	unsigned most = state->complete ? TURN_SYNC_ROUNDS : TURN_IDLE_ROUNDS;

	t->n_lost = state->lost ? t->n_lost + 1 : 0;
	t->n_idle = state->moved == t->moved ? t->n_idle + 1 : 0;
	t->moved = state->moved;
	if (t->n_lost >= TURN_LOST_ROUNDS)
		return TURN_LOST;
	return state->limited && t->n_idle >= most ? TURN_IDLE : TURN_GOES_ON;
}
