/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_table.h - a limited number of members, and which one leaves when the table is full
 *
 * Members are counted by their source: the address or network that one person is likely to have
 * (sock_addr_source). When the table is full, the source with most members loses one. So whoever
 * fills the table takes room from himself, and a source with fewer members loses none.
 *
 * Plain memory: no I/O, no clock. Each call takes constant time, however many members there are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/sock.h"

struct source_table;

/* Embedded in each member; it must not move meanwhile. */
struct source_table_member {
	struct source_table_source *source; /* NULL: it is in no table */
	unsigned at;                        /* among the members of the source */
};

/* max: members, at least 1. seed: random, so that nobody can foresee who leaves or aim at one hash
 * bucket. Returns 0 or -ENOMEM. */
int source_table_new(struct source_table **out, unsigned max, uint64_t seed);

/* Its members are in no table then. */
struct source_table *source_table_free(struct source_table *c);

/* Returns 0, -ENOMEM, or -ENOSPC when the table is full. The new member has said nothing yet. */
int source_table_add(struct source_table *c, struct source_table_member *m,
		     const uint8_t source[SOCK_SOURCE_LEN]);

/* Does nothing for one that is in no table. */
void source_table_remove(struct source_table *c, struct source_table_member *m);

/* The member has said something. */
void source_table_heard(struct source_table_member *m);

/* The member that is to leave: of the source with most members, at random among equal sources. Of
 * one source's members, one that has said nothing, else any, at random. NULL: the table is empty.
 */
struct source_table_member *source_table_choose(struct source_table *c);

bool source_table_is_full(const struct source_table *c);

/* Any member of this source; NULL: it has none. */
struct source_table_member *source_table_any(const struct source_table *c,
					     const uint8_t source[SOCK_SOURCE_LEN]);

/* Members of this source. */
unsigned source_table_count(const struct source_table *c, const uint8_t source[SOCK_SOURCE_LEN]);
