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

struct crowd;

/* Embedded in what takes a place; it must not move meanwhile. */
struct crowd_member {
	struct crowd_source *source; /* NULL: it has no place */
	unsigned at;                 /* among the members of the source */
};

/* max: places, at least 1. seed: random, so that nobody can foresee who leaves or aim at one hash
 * bucket. Returns 0 or -ENOMEM. */
int crowd_new(struct crowd **out, unsigned max, uint64_t seed);

/* Members lose their places. */
struct crowd *crowd_free(struct crowd *c);

/* Returns 0, -ENOMEM, or -ENOSPC when the crowd is full. The new member has said nothing yet. */
int crowd_add(struct crowd *c, struct crowd_member *m, const uint8_t source[SOCK_SOURCE_LEN]);

/* Does nothing for one that has no place. */
void crowd_remove(struct crowd *c, struct crowd_member *m);

/* The member has said something. */
void crowd_heard(struct crowd_member *m);

/* The member that is to leave: of the source with most members, at random among equal sources. Of
 * one source's members, one that has said nothing, else any, at random. NULL: the crowd is empty.
 */
struct crowd_member *crowd_choose(struct crowd *c);

bool crowd_is_full(const struct crowd *c);

/* Any member of this source; NULL: it has none. */
struct crowd_member *crowd_any(const struct crowd *c, const uint8_t source[SOCK_SOURCE_LEN]);

/* Members of this source. */
unsigned crowd_count(const struct crowd *c, const uint8_t source[SOCK_SOURCE_LEN]);
