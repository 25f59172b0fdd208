/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the budget gives, and in which order those come who wait for it. Costs are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "server/tls_budget.h"

#define MS    1000000ull
#define N_MAX 9

struct stranger {
	struct tls_turn turn;
	char name;
};

struct fixture {
	struct loop *loop;
	struct tls_budget turns;
	struct stranger strangers[N_MAX];
	unsigned n, n_come;
	uint64_t cost_ns; /* of each */
	char order[N_MAX + 1];
};

static struct fixture f;

/* Has the thread anything else to do? Then it needs all the time that there is. */
static bool busy;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	static struct timespec at;

	if (clock != CLOCK_THREAD_CPUTIME_ID)
		return __real_clock_gettime(clock, out);
	if (busy)
		__real_clock_gettime(CLOCK_MONOTONIC, &at);
	*out = at;
	return 0;
}

static int set_up(void **state)
{
	f = (struct fixture){ 0 };
	busy = true;
	if (loop_new(&f.loop))
		return -1;
	tls_budget_init(&f.turns, f.loop);
	return 0;
}

static int tear_down(void **state)
{
	f.loop = loop_free(f.loop);
	return 0;
}

static void come(void *arg)
{
	struct stranger *s = arg;

	tls_budget_spend(&f.turns, &s->turn, f.cost_ns);
	f.order[f.n_come++] = s->name;
	if (f.n_come == f.n)
		loop_stop(f.loop);
}

/* One more stranger, of a source that has one letter. It does not wait yet. */
static struct tls_turn *stranger(char name)
{
	struct stranger *s = &f.strangers[f.n++];

	assert_true(f.n <= N_MAX);
	s->name = name;
	s->turn = (struct tls_turn){ .come = come, .arg = s };
	return &s->turn;
}

/* Small letters are sources that are known. */
static void wait_from(char name, char source)
{
	uint8_t bytes[SOCK_SOURCE_LEN] = { (uint8_t)source };

	tls_budget_wait(&f.turns, stranger(name), bytes, source >= 'a');
}

static void burst_is_free_and_then_a_part_of_the_time(void **state)
{
	struct tls_turn *turn = stranger('a');
	uint64_t begun_ns = loop_now(f.loop), took_ns;

	tls_budget_spend(&f.turns, turn, TLS_BUDGET_BURST_NS);
	assert_true(tls_budget_open(&f.turns));
	tls_budget_spend(&f.turns, turn, 2 * MS);
	assert_false(tls_budget_open(&f.turns));
	f.n = 0;
	wait_from('b', 'B');
	assert_int_equal(loop_run(f.loop), 0);
	took_ns = loop_now(f.loop) - begun_ns;
	assert_true(took_ns >= TLS_BUDGET_PART * 2 * MS);
}

static void who_has_proved_who_it_is_gives_back(void **state)
{
	struct tls_turn *turn = stranger('a'), *other = stranger('b');

	tls_budget_spend(&f.turns, other, TLS_BUDGET_BURST_NS);
	for (int i = 0; i < 1000; i++) {
		tls_budget_spend(&f.turns, turn, 300 * MS);
		tls_budget_spend(&f.turns, turn, 1 * MS);
		assert_false(tls_budget_open(&f.turns));
		tls_budget_give_back(&f.turns, turn);
		assert_true(tls_budget_open(&f.turns));
		/* Once. */
		tls_budget_give_back(&f.turns, turn);
	}
	tls_budget_spend(&f.turns, other, 1 * MS);
	assert_false(tls_budget_open(&f.turns));
}

static void sources_take_turns(void **state)
{
	f.cost_ns = MS / 10;
	tls_budget_spend(&f.turns, &(struct tls_turn){ 0 }, TLS_BUDGET_BURST_NS + MS / 10);
	wait_from('1', 'A');
	wait_from('2', 'A');
	wait_from('3', 'A');
	wait_from('4', 'A');
	wait_from('5', 'B');
	wait_from('6', 'B');
	wait_from('7', 'C');
	wait_from('8', 'd');
	wait_from('9', 'd');
	assert_false(tls_budget_open(&f.turns));
	assert_int_equal(loop_run(f.loop), 0);
	assert_string_equal(f.order, "815792634");
	assert_int_equal(f.turns.timer.due_ns, LOOP_NEVER);
}

static void who_leaves_is_not_called(void **state)
{
	tls_budget_spend(&f.turns, &(struct tls_turn){ 0 }, TLS_BUDGET_BURST_NS + MS);
	for (char name = '1'; name <= '5'; name++)
		wait_from(name, 'A');
	/* The first, one within, the last. */
	tls_budget_leave(&f.turns, &f.strangers[0].turn);
	tls_budget_leave(&f.turns, &f.strangers[2].turn);
	tls_budget_leave(&f.turns, &f.strangers[4].turn);
	tls_budget_leave(&f.turns, &f.strangers[4].turn);
	f.n = 2;
	assert_int_equal(loop_run(f.loop), 0);
	assert_string_equal(f.order, "24");
}

static void thread_with_nothing_else_to_do_does_not_wait(void **state)
{
	busy = false;
	tls_budget_spend(&f.turns, stranger('a'), 1000000 * MS);
	f.n = 0;
	for (char name = '1'; name <= '5'; name++)
		wait_from(name, 'A');
	assert_int_equal(loop_run(f.loop), 0);
	assert_string_equal(f.order, "12345");
}

static void noted(struct loop_timer *timer)
{
	f.order[f.n_come++] = '.';
}

/* A timer of somebody else, due all the time, is called between two of them. */
static void others_are_served_between_two_turns(void **state)
{
	struct loop_timer other = { .fn = noted };

	busy = false;
	tls_budget_spend(&f.turns, &(struct tls_turn){ 0 }, 1000000 * MS);
	f.turns.idle = true;
	wait_from('1', 'A');
	wait_from('2', 'A');
	f.n = 3;
	loop_set_timer(f.loop, &other, loop_now(f.loop) + 2);
	assert_int_equal(loop_run(f.loop), 0);
	assert_string_equal(f.order, "1.2");
}

/* While somebody waits, nobody overtakes it. */
static void who_comes_later_waits_too(void **state)
{
	tls_budget_spend(&f.turns, &(struct tls_turn){ 0 }, TLS_BUDGET_BURST_NS + MS);
	wait_from('1', 'A');
	tls_budget_give_back(&f.turns, &(struct tls_turn){ .cost_ns = MS });
	assert_false(tls_budget_open(&f.turns));
	assert_int_equal(loop_run(f.loop), 0);
	assert_true(tls_budget_open(&f.turns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(burst_is_free_and_then_a_part_of_the_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(who_has_proved_who_it_is_gives_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(sources_take_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_leaves_is_not_called, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thread_with_nothing_else_to_do_does_not_wait,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(others_are_served_between_two_turns, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(who_comes_later_waits_too, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
