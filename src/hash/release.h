/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * release.h - which of the hash variants a kernel has, by uname's release: "6.1.0-18-amd64"
 *
 * Debian and Ubuntu do not tell the stable release in there; Red Hat, Oracle and SUSE build old
 * versions with parts of new ones. All that can be had then are candidates, and a measurement has
 * to decide between them.
 *
 * Source: the mainline commits b5f862180d70 (4.15: layer3+4 drops bit 0) and 49aefd131739 (5.18:
 * only layer3+4 does), the stable releases that took them, and the kernels that enum hash_variant
 * names.
 */
#pragma once

#include <stdint.h>

#include "hash/xmit_hash.h"

struct hash_guess {
	enum hash_variant likely;
	uint32_t candidates; /* bit v: the kernel may have variant v. Bit 0: or a rule of its own,
			      * as before 3.7, which hashed IPv6 by MAC addresses alone. */
};

/* Returns 0, or -EINVAL when the text begins with no version. */
int hash_variant_of(const char *release, struct hash_guess *out);

/* The variant to compute with: the likely one if all candidates agree about this policy in this
 * mode, HASH_VARIANT_UNKNOWN if not. */
enum hash_variant hash_variant_settled(const struct hash_guess *g, enum hash_mode mode,
				       enum hash_policy policy);
