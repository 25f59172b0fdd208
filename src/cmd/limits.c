/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ui/log.h"

/* Connections, tables, two threads' stacks, and what the allocator keeps. */
#define BESIDE_WINDOWS (4u << 20)

void limits_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* What the process has mapped; 0: not known. */
static uint64_t address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int limits_check_memory(uint64_t window)
{
	uint64_t need = address_space() + 2 * window + BESIDE_WINDOWS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
	    need <= limit.rlim_cur)
		return 0;
	log_error("the limit of memory (ulimit -v) is %llu KiB, and a window of %llu MiB in each "
		  "direction may need %llu KiB: raise the one or lower the other (--window)",
		  (unsigned long long)(limit.rlim_cur >> 10), (unsigned long long)(window >> 20),
		  (unsigned long long)(need >> 10));
	return -ENOMEM;
}
