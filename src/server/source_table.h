/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd.h - a limited number of places, and who is to leave when they are all taken
 *
 * Members are counted by their source: the address or network that one person is likely to have
 * (sock_addr_source). When the crowd is full, the source with most members loses one. So whoever
 * takes places in bulk takes them from himself, and a source with fewer members loses none.
 *
 * Plain memory: no I/O, no clock. Each call takes constant time, whatever the number of places.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/sock.h"

struct source_table;

/* Embedded in what takes a place; it must not move meanwhile. */
struct source_table_member {
	struct source_table_source *source; /* NULL: it has no place */
	unsigned at;                        /* among the members of the source */
};

/* max: places, at least 1. seed: random, so that nobody can foresee who leaves or aim at one hash
 * bucket. Returns 0 or -ENOMEM. */
int source_table_new(struct source_table **out, unsigned max, uint64_t seed);

/* Members lose their places. */
struct source_table *source_table_free(struct source_table *c);

/* Returns 0, -ENOMEM, or -ENOSPC when the crowd is full. The new member has said nothing yet. */
int source_table_add(struct source_table *c, struct source_table_member *m,
		     const uint8_t source[SOCK_SOURCE_LEN]);

/* Does nothing for one that has no place. */
void source_table_remove(struct source_table *c, struct source_table_member *m);

/* The member has said something. */
void source_table_heard(struct source_table_member *m);

/* The member that is to leave: of the source with most members, at random among equal sources. Of
 * one source's members, one that has said nothing, else any, at random. NULL: the crowd is empty.
 */
struct source_table_member *source_table_choose(struct source_table *c);

bool source_table_is_full(const struct source_table *c);

/* Any member of this source; NULL: it has none. */
struct source_table_member *source_table_any(const struct source_table *c,
					     const uint8_t source[SOCK_SOURCE_LEN]);

/* Members of this source. */
unsigned source_table_count(const struct source_table *c, const uint8_t source[SOCK_SOURCE_LEN]);
