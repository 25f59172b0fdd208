/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * saved.h - the bonds of another machine, or of another time, from copies of its /proc/net/bonding
 */
#pragma once

#include "topo/topo.h"

#define SAVED_WHY_LEN 192

struct saved {
	struct topo_bond *bonds; /* owned: free it */
	size_t n;
	char release[TOPO_RELEASE_LEN]; /* of their kernel; "": not known */
};

/* Reads a file, or all files of a directory that are of a bond, by name; "-" is standard input. A
 * bond has the name of its file, or "bond" if that can be no name of a device. What a file does not
 * say, as MTUs and counters, is 0. Returns 0, or -errno with a clause in why that says what is
 * wrong, and what to do. */
int saved_read(const char *path, struct saved *out, char why[SAVED_WHY_LEN]);
