/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a session has to make room, in rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/netcat/idle_turn.h"

/* How many rounds it goes on for, up to a limit. */
static unsigned rounds(struct idle_turn_count *t, const struct idle_turn_state *state,
		       enum idle_turn wanted)
{
	for (unsigned n = 1; n < 10000; n++) {
		enum idle_turn turn = idle_turn_round(t, state);

		if (turn) {
			assert_int_equal(turn, wanted);
			return n;
		}
	}
	return 0;
}

/* One stranger that answers PING kept a listener without a key for ever. */
static void idle_session_makes_room(void **state)
{
	struct idle_turn_count t = { 0 };
	const struct idle_turn_state idle = { .limited = true };

	assert_int_equal(rounds(&t, &idle, IDLE_TURN_IDLE), IDLE_TURN_IDLE_ROUNDS);
}

static void progress_begins_the_count_anew(void **state)
{
	struct idle_turn_count t = { 0 };
	struct idle_turn_state s = { .limited = true };

	for (unsigned i = 1; i < 10; i++) {
		for (unsigned n = 1; n < IDLE_TURN_IDLE_ROUNDS; n++)
			assert_int_equal(idle_turn_round(&t, &s), IDLE_TURN_GOES_ON);
		s.moved = i;
		assert_int_equal(idle_turn_round(&t, &s), IDLE_TURN_GOES_ON);
	}
}

static void slow_disk_has_more_time(void **state)
{
	struct idle_turn_count t = { .moved = 7 };
	const struct idle_turn_state s = { .limited = true, .complete = true, .moved = 7 };

	assert_int_equal(rounds(&t, &s, IDLE_TURN_IDLE), IDLE_TURN_SYNC_ROUNDS);
}

/* Two rounds with one waiter, and much later one with another. */
static void losses_of_an_earlier_waiter_do_not_count(void **state)
{
	struct idle_turn_count t = { 0 };
	struct idle_turn_state s = { .lost = true, .now_ns = QUEUE_PING_NS };

	for (unsigned n = 1; n < IDLE_TURN_LOST_ROUNDS; n++, s.now_ns += QUEUE_PING_NS)
		assert_int_equal(idle_turn_round(&t, &s), IDLE_TURN_GOES_ON);
	s.now_ns += 1800 * QUEUE_PING_NS;
	for (unsigned n = 1; n < IDLE_TURN_LOST_ROUNDS; n++, s.now_ns += QUEUE_PING_NS)
		assert_int_equal(idle_turn_round(&t, &s), IDLE_TURN_GOES_ON);
	assert_int_equal(idle_turn_round(&t, &s), IDLE_TURN_LOST);
}

/* With a key, or a limit of the user's own. */
static void without_a_limit_it_stays(void **state)
{
	struct idle_turn_count t = { 0 };
	const struct idle_turn_state s = { 0 };

	assert_int_equal(rounds(&t, &s, IDLE_TURN_IDLE), 0);
}

static void lost_session_makes_room(void **state)
{
	struct idle_turn_count t = { 0 };
	const struct idle_turn_state lost = { .lost = true }, found = { 0 };

	for (int i = 0; i < 3; i++) {
		for (unsigned n = 1; n < IDLE_TURN_LOST_ROUNDS; n++)
			assert_int_equal(idle_turn_round(&t, &lost), IDLE_TURN_GOES_ON);
		assert_int_equal(idle_turn_round(&t, &found), IDLE_TURN_GOES_ON);
	}
	assert_int_equal(rounds(&t, &lost, IDLE_TURN_LOST), IDLE_TURN_LOST_ROUNDS);
	/* Until somebody acts on that. */
	assert_int_equal(idle_turn_round(&t, &lost), IDLE_TURN_LOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_session_makes_room),
		cmocka_unit_test(progress_begins_the_count_anew),
		cmocka_unit_test(slow_disk_has_more_time),
		cmocka_unit_test(losses_of_an_earlier_waiter_do_not_count),
		cmocka_unit_test(without_a_limit_it_stays),
		cmocka_unit_test(lost_session_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
