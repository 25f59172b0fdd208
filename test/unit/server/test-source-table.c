/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model is a list of members with their sources. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "server/source_table.h"

#define MEMBERS 300
#define SOURCES 40

struct model {
	struct source_table *crowd;
	unsigned max, n;
	unsigned count[SOURCES]; /* members of each source */
	unsigned silent[SOURCES];
	struct entry {
		struct source_table_member member;
		int source; /* -1: it has no place */
		bool heard;
	} entry[MEMBERS];
};

static const uint8_t *key(unsigned source)
{
	static uint8_t bytes[SOCK_SOURCE_LEN];

	/* They differ in either half. */
	memset(bytes, 0, sizeof(bytes));
	bytes[source % 2 ? 3 : 12] = (uint8_t)(1 + source);
	return bytes;
}

static unsigned most(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SOURCES; i++)
		n = m->count[i] > n ? m->count[i] : n;
	return n;
}

static void assert_same(struct model *m)
{
	const struct source_table_member *chosen = source_table_choose(m->crowd);
	const struct entry *e = (const void *)chosen; /* the member is its first field */

	assert_int_equal(source_table_is_full(m->crowd), m->n == m->max);
	for (unsigned i = 0; i < SOURCES; i++)
		assert_int_equal(source_table_count(m->crowd, key(i)), m->count[i]);
	assert_int_equal(!chosen, !m->n);
	if (!chosen)
		return;
	assert_true(e->source >= 0);
	assert_int_equal(m->count[e->source], most(m));
	assert_true(!e->heard || !m->silent[e->source]);
}

static void change(struct model *m, struct rng *r)
{
	struct entry *e = &m->entry[rng_below(r, MEMBERS)];
	/* Some sources come often. */
	unsigned source = (unsigned)rng_below(r, 1 + rng_below(r, SOURCES));

	if (e->source < 0) {
		int result = source_table_add(m->crowd, &e->member, key(source));

		assert_int_equal(result, m->n == m->max ? -ENOSPC : 0);
		if (result)
			return;
		*e = (struct entry){ .member = e->member, .source = (int)source };
		m->n++;
		m->count[source]++;
		m->silent[source]++;
	} else if (rng_below(r, 3)) {
		source_table_heard(&e->member);
		m->silent[e->source] -= !e->heard;
		e->heard = true;
	} else {
		source_table_remove(m->crowd, &e->member);
		assert_null(e->member.source);
		m->n--;
		m->count[e->source]--;
		m->silent[e->source] -= !e->heard;
		e->source = -1;
	}
}

static void test_random(void **state)
{
	struct rng r = rng_start();

	for (int round = 0; round < 40; round++) {
		static struct model m;

		m = (struct model){ .max = 1 + (unsigned)rng_below(&r, MEMBERS) };
		for (unsigned i = 0; i < MEMBERS; i++)
			m.entry[i].source = -1;
		assert_int_equal(source_table_new(&m.crowd, m.max, rng_next(&r)), 0);
		assert_same(&m);
		for (int step = 0; step < 2000; step++) {
			change(&m, &r);
			assert_same(&m);
		}
		source_table_free(m.crowd);
		for (unsigned i = 0; i < MEMBERS; i++)
			assert_true(m.entry[i].source < 0 || !m.entry[i].member.source);
	}
}

/* Each that may have to leave has to, sooner or later. */
static void choice_is_random(void **state)
{
	struct rng r = rng_start();
	struct source_table_member m[20];
	struct source_table *c;

	assert_int_equal(source_table_new(&c, 20, rng_next(&r)), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(source_table_add(c, &m[i], key(i / 5)), 0);
	/* Sources 0 and 1 lose one each, so 2 and 3 have most. Of 2 all were heard, of 3 but two.
	 */
	source_table_remove(c, &m[0]);
	source_table_remove(c, &m[5]);
	for (unsigned i = 10; i < 18; i++)
		source_table_heard(&m[i]);
	for (unsigned i = 10; i < 20; i++) {
		int tries = 10000;
		bool possible = i < 15 || i >= 18;

		while (tries > 0 && source_table_choose(c) != &m[i])
			tries--;
		assert_int_equal(tries > 0, possible);
	}
	source_table_free(c);
}

/* A source that takes all places takes them from itself alone. */
static void a_flood_keeps_nobody_out(void **state)
{
	enum { MAX = 256, OTHERS = 100 };
	struct rng r = rng_start();
	static struct source_table_member flood[MAX], other[OTHERS];
	struct source_table *c;

	assert_int_equal(source_table_new(&c, MAX, rng_next(&r)), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct source_table_member *gone = NULL;

		if (source_table_is_full(c)) {
			gone = source_table_choose(c);
			assert_true(gone >= flood && gone < flood + MAX);
			source_table_remove(c, gone);
		}
		if (i % 200 == 100) {
			assert_int_equal(source_table_add(c, &other[i / 200], key(1 + i / 200 % 3)),
					 0);
			continue;
		}
		for (unsigned j = 0; !gone; j++)
			gone = flood[j].source ? NULL : &flood[j];
		assert_int_equal(source_table_add(c, gone, key(0)), 0);
		/* It may talk as well. */
		if (i % 3)
			source_table_heard(gone);
	}
	for (unsigned i = 0; i < OTHERS; i++)
		assert_non_null(other[i].source);
	source_table_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(choice_is_random),
		cmocka_unit_test(a_flood_keeps_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
