/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.c - memory and descriptors that the process may use
 *
 * Memory is the least of several limits. Any of them may be missing:
 *
 *   /proc/meminfo                     MemTotal of the machine
 *   /sys/fs/cgroup/GROUP/memory.max   version 2: of the group, and of each one above it
 *   .../memory/GROUP/memory.limit...  version 1, the same
 *   ulimit -v                         address space: what is mapped already counts too
 *
 * What always holds: a limit that cannot be read is none (UINT64_MAX). A container names its group
 * as the host sees it, and its /sys may begin below that, so a group that is not there is passed
 * over in favour of those above.
 */
#include "cmd/cli/limits.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ui/log.h"
#include "util/parse.h"
#include "util/text.h"
#include "util/units.h"

/* Connections, tables, two threads' stacks, and what the allocator keeps. */
#define BESIDE_WINDOWS (4u << 20)

/* Requests of malloc from this length on are mapped: glibc's first value, below a block's length.
 */
#define MAP_FROM (128 << 10)

#define PATH_LEN 2048

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

void limits_return_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, MAP_FROM);
}

/* The number in a file of a control group; "max", or no such file: UINT64_MAX. */
static uint64_t read_limit(const char *path)
{
	char line[64] = "";
	uint64_t n = UINT64_MAX;
	FILE *f = fopen(path, "re");

	if (!f)
		return UINT64_MAX;
	if (fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
	return parse_u64(line, 0, UINT64_MAX, &n) < 0 ? UINT64_MAX : n;
}

/* The least limit of a group and of all above it. A container may name a group that is not in its
 * /sys: then those above it are there. */
static uint64_t group_limit(const char *root, const char *mount, char *group, const char *name)
{
	uint64_t least = UINT64_MAX;
	char path[PATH_LEN];
	char *slash;

	do {
		text_printf(path, sizeof(path), "%s/sys/fs/cgroup%s%s/%s", root, mount, group,
			    name);
		least = min_u64(least, read_limit(path));
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return least;
}

/* A line of /proc/self/cgroup is HIERARCHY:CONTROLLERS:/GROUP. */
static uint64_t line_limit(const char *root, char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(++controllers, ':') : NULL;

	if (!group)
		return UINT64_MAX;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (strcmp(controllers, "memory") == 0)
		return group_limit(root, "/memory", group, "memory.limit_in_bytes");
	return *controllers ? UINT64_MAX : group_limit(root, "", group, "memory.max");
}

static uint64_t groups_limit(const char *root)
{
	char path[PATH_LEN], line[PATH_LEN];
	uint64_t least = UINT64_MAX;
	FILE *f;

	text_printf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f))
		least = min_u64(least, line_limit(root, line));
	fclose(f);
	return least;
}

/* "MemTotal:       24683956 kB" */
static uint64_t machine_memory(const char *root)
{
	char path[PATH_LEN], line[128];
	unsigned long long kib = 0;
	FILE *f;

	text_printf(path, sizeof(path), "%s/proc/meminfo", root);
	f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	while (!kib && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemTotal: %llu kB", &kib) != 1)
			kib = 0;
	fclose(f);
	return kib ? (uint64_t)kib << 10 : UINT64_MAX;
}

uint64_t limits_memory(const char *root)
{
	uint64_t least = min_u64(machine_memory(root), groups_limit(root));
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		least = min_u64(least, limit.rlim_cur);
	return least;
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
