/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: a source is an array of its members. Members that have said nothing (silent) come first,
 * so that "any silent one" and "any one" are both a random index.
 *
 * Sources stand in one array, rank[], those with more members before those with fewer. n_with[k] is
 * the number of sources with at least k members, so sources with exactly k members are
 * rank[n_with[k + 1]] up to and without rank[n_with[k]]. A source that gains a member changes
 * positions with the first one of its group, and the border of the group moves by one; a source
 * that loses a member does so with the last one. No call looks at more than one group's border.
 *
 * A source is found by its hash in chains. It exists while it has members, so there are never more
 * sources than members.
 */
#include "server/source_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct source_table_source {
	uint8_t key[SOCK_SOURCE_LEN];
	struct source_table_source *next; /* in its chain */
	unsigned at;                      /* in rank */
	unsigned n, n_silent, size;
	struct source_table_member **members;
};

struct source_table {
	unsigned n, max;
	unsigned n_chains; /* a power of two */
	uint64_t seed, random;
	struct source_table_source **chains;
	struct source_table_source **rank;
	unsigned *n_with; /* [max + 1] */
};

/* splitmix64: every bit of the result depends on every bit of x. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static unsigned random_below(struct source_table *c, unsigned n)
{
	c->random = mix(c->random);
	return (unsigned)(c->random % n);
}

int source_table_new(struct source_table **out, unsigned max, uint64_t seed)
{
	struct source_table *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->max = max;
	c->seed = seed;
	c->random = mix(seed);
	c->n_chains = 1;
	while (c->n_chains < max)
		c->n_chains *= 2;
	c->chains = calloc(c->n_chains, sizeof(struct source_table_source *));
	c->rank = calloc(max, sizeof(struct source_table_source *));
	c->n_with = calloc((size_t)max + 1, sizeof(*c->n_with));
	if (!c->chains || !c->rank || !c->n_with) {
		source_table_free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

static void source_free(struct source_table_source *s)
{
	free(s->members);
	free(s);
}

struct source_table *source_table_free(struct source_table *c)
{
	if (!c)
		return NULL;
	for (unsigned i = 0; c->n && i < c->n_with[1]; i++) {
		for (unsigned j = 0; j < c->rank[i]->n; j++)
			c->rank[i]->members[j]->source = NULL;
		source_free(c->rank[i]);
	}
	free(c->chains);
	free(c->rank);
	free(c->n_with);
	free(c);
	return NULL;
}

/* Sources ---------------------------------------------------------------------------------------
 */

/* The link of the chain that points at the source, or the NULL at the end of the chain. */
static struct source_table_source **find(const struct source_table *c,
					 const uint8_t key[SOCK_SOURCE_LEN])
{
	struct source_table_source **link;
	uint64_t half[2];

	memcpy(half, key, sizeof(half));
	link = &c->chains[mix(mix(half[0] ^ c->seed) ^ half[1]) & (c->n_chains - 1)];
	while (*link && memcmp((*link)->key, key, SOCK_SOURCE_LEN) != 0)
		link = &(*link)->next;
	return link;
}

static void move_to(struct source_table *c, struct source_table_source *s, unsigned at)
{
	struct source_table_source *other = c->rank[at];

	assert(c->rank[s->at] == s && other && other->n == s->n);
	c->rank[s->at] = other;
	other->at = s->at;
	c->rank[at] = s;
	s->at = at;
}

static void rank_up(struct source_table *c, struct source_table_source *s)
{
	move_to(c, s, c->n_with[s->n + 1]++);
	s->n++;
}

static void rank_down(struct source_table *c, struct source_table_source *s)
{
	assert(s->n && c->n_with[s->n]);
	move_to(c, s, --c->n_with[s->n]);
	s->n--;
}

static void put(struct source_table_source *s, struct source_table_member *m, unsigned at)
{
	s->members[at] = m;
	m->at = at;
}

static int grow(struct source_table_source *s)
{
	unsigned size = s->size ? 2 * s->size : 4;
	struct source_table_member **members = realloc(s->members, size * sizeof(*members));

	if (!members)
		return -ENOMEM;
	s->members = members;
	s->size = size;
	return 0;
}

/* A source without members, at the end of rank. NULL: no memory. */
static struct source_table_source *source_new(struct source_table *c,
					      const uint8_t key[SOCK_SOURCE_LEN])
{
	struct source_table_source *s = calloc(1, sizeof(*s));

	if (!s || grow(s)) {
		free(s);
		return NULL;
	}
	memcpy(s->key, key, SOCK_SOURCE_LEN);
	s->at = c->n_with[1];
	c->rank[s->at] = s;
	*find(c, key) = s;
	return s;
}

/* Members ---------------------------------------------------------------------------------------
 */

int source_table_add(struct source_table *c, struct source_table_member *m,
		     const uint8_t key[SOCK_SOURCE_LEN])
{
	struct source_table_source *s = *find(c, key);

	if (c->n == c->max)
		return -ENOSPC;
	if (!s)
		s = source_new(c, key);
	if (!s || (s->n == s->size && grow(s)))
		return -ENOMEM;
	/* The first one that was heard makes room among the silent. */
	if (s->n_silent < s->n)
		put(s, s->members[s->n_silent], s->n);
	put(s, m, s->n_silent++);
	m->source = s;
	rank_up(c, s);
	c->n++;
	return 0;
}

void source_table_heard(struct source_table_member *m)
{
	struct source_table_source *s = m->source;
	unsigned at = m->at;

	assert(s->members[at] == m && s->n_silent <= s->n);
	if (at >= s->n_silent)
		return;
	put(s, s->members[--s->n_silent], at);
	put(s, m, s->n_silent);
}

void source_table_remove(struct source_table *c, struct source_table_member *m)
{
	struct source_table_source *s = m->source;

	if (!s)
		return;
	/* Now the gap is among those that were heard, where the last one can fill it. */
	source_table_heard(m);
	put(s, s->members[s->n - 1], m->at);
	m->source = NULL;
	rank_down(c, s);
	assert(c->n);
	c->n--;
	if (s->n)
		return;
	assert(*find(c, s->key) == s && !s->n_silent);
	*find(c, s->key) = s->next;
	source_free(s);
}

struct source_table_member *source_table_choose(struct source_table *c)
{
	const struct source_table_source *s;

	if (!c->n)
		return NULL;
	/* Whoever has most loses one, so a flood from one source costs others nothing. At random:
	 * whoever could foresee the choice could spare its own. */
	s = c->rank[random_below(c, c->n_with[c->rank[0]->n])];
	return s->members[random_below(c, s->n_silent ? s->n_silent : s->n)];
}

bool source_table_is_full(const struct source_table *c)
{
	return c->n == c->max;
}

struct source_table_member *source_table_any(const struct source_table *c,
					     const uint8_t source[SOCK_SOURCE_LEN])
{
	const struct source_table_source *s = *find(c, source);

	return s ? s->members[0] : NULL;
}

unsigned source_table_count(const struct source_table *c, const uint8_t key[SOCK_SOURCE_LEN])
{
	const struct source_table_source *s = *find(c, key);

	return s ? s->n : 0;
}
