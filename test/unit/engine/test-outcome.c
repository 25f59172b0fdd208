/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a peer hears whose session or connection could not be taken on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/outcome.h"

/* doc/PROTOCOL.md, 4: a session that another key began is none, as one that has ended. */
static void what_is_not_yours_is_not_there(void **state)
{
	assert_int_equal(outcome_refusal(-EACCES), WIRE_R_NO_SESSION);
	assert_int_equal(outcome_refusal(-ESHUTDOWN), WIRE_R_NO_SESSION);
}

static void too_many_are_not_too_little_memory(void **state)
{
	assert_int_equal(outcome_refusal(SESSION_E_LIMIT), WIRE_R_LIMIT);
	assert_int_equal(outcome_refusal(-EMFILE), WIRE_R_LIMIT);
	assert_int_equal(outcome_refusal(-ENOSPC), WIRE_R_LIMIT);
	assert_int_equal(outcome_refusal(-ENOMEM), WIRE_R_MEMORY);
	assert_int_equal(outcome_refusal(-EIO), WIRE_R_NONE);
}

static void people_here_read_the_cause(void **state)
{
	assert_string_equal(outcome_refusal_text(SESSION_E_LIMIT), "too many connections");
	assert_string_equal(outcome_refusal_text(-EMFILE), "Too many open files");
	assert_string_equal(outcome_refusal_text(-EACCES),
			    "another key or certificate began the session");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_yours_is_not_there),
		cmocka_unit_test(too_many_are_not_too_little_memory),
		cmocka_unit_test(people_here_read_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
