/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processors.h - how many processors this process may keep busy at once
 *
 * Three things bound that: the machine, the affinity mask (taskset, cpuset), and a quota of time
 * that a control group gets per period, as containers and services of systemd have one. A process
 * with more busy threads than its quota allows is stopped for the rest of each period, all threads
 * together: the transfer then halts for up to 100 ms at a time.
 */
#pragma once

#include <limits.h>

/* There is no quota. */
#define PROCESSORS_NO_QUOTA UINT_MAX

/* All three together. At least 1. */
unsigned processors_allowed(void);

/* The quota alone, in whole processors, rounded down, but at least 1; or PROCESSORS_NO_QUOTA, also
 * where it cannot be read. The smallest one counts, of the process's own group and of all above it
 * that can be seen, of version 2 of cgroups (cpu.max) and of version 1 (cpu.cfs_quota_us). root:
 * the directory below which proc and the mounts lie: "", or a test's. */
unsigned processors_quota(const char *root);
