/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a quota is found:
 *
 *    /proc/self/mountinfo   ... ROOT MOUNT_POINT ... - cgroup2 ...         version 2
 *                           ... ROOT MOUNT_POINT ... - cgroup ... cpu ...  version 1
 *    /proc/self/cgroup      0::GROUP                                       version 2
 *                           N:...,cpu,...:GROUP                            version 1
 *
 * The files of the group lie in MOUNT_POINT/GROUP, without the ROOT that GROUP begins with: in a
 * container the mount may begin below the top. Where GROUP does not begin with ROOT, the mount
 * shows nothing of our group but, as container engines make it, the group itself: MOUNT_POINT.
 *
 * proc(5) and the kernel's Documentation/admin-guide/cgroup-v2.rst describe these files.
 */
#include "io/processors.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel refuses a mask that is shorter than its own; no Linux has more processors. */
#define PROCESSORS_MIN_MASK 1024
#define PROCESSORS_MAX_MASK (1 << 16)

/* A longer one is as good as none. */
#define PATH_LEN 1024

struct group {
	bool v2;
	char dir[PATH_LEN]; /* of the quota's files */
	size_t top_len;     /* how much of dir is the mount point */
};

/* Affinity ------------------------------------------------------------------------------------- */

static unsigned n_in_mask(int n_bits)
{
	cpu_set_t *set = CPU_ALLOC((size_t)n_bits);
	size_t len = CPU_ALLOC_SIZE((size_t)n_bits);
	unsigned n = 0;

	if (set && sched_getaffinity(0, len, set) == 0)
		n = (unsigned)CPU_COUNT_S(len, set);
	CPU_FREE(set);
	return n;
}

static unsigned n_affine(void)
{
	unsigned n = 0;

	for (int bits = PROCESSORS_MIN_MASK; !n && bits <= PROCESSORS_MAX_MASK; bits *= 2)
		n = n_in_mask(bits);
	return n ? n : 1;
}

/* Quota ---------------------------------------------------------------------------------------- */

static bool read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool has = f && fgets(line, size, f);

	if (f)
		fclose(f);
	return has;
}

static bool read_number(const char *dir, const char *name, long long *out)
{
	char path[PATH_LEN + 32], line[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return read_line(path, line, sizeof(line)) && sscanf(line, "%lld", out) == 1;
}

/* Microseconds of time per microseconds of the period. */
static bool read_quota(const struct group *g, long long *quota, long long *period)
{
	char path[PATH_LEN + 32], line[64];

	if (!g->v2)
		return read_number(g->dir, "cpu.cfs_quota_us", quota) &&
		       read_number(g->dir, "cpu.cfs_period_us", period);
	snprintf(path, sizeof(path), "%s/cpu.max", g->dir);
	/* Without a quota it begins with "max". */
	return read_line(path, line, sizeof(line)) && sscanf(line, "%lld %lld", quota, period) == 2;
}

static unsigned quota_of(const struct group *g)
{
	long long quota, period;

	/* -1 of version 1: no quota. */
	if (!read_quota(g, &quota, &period) || quota <= 0 || period <= 0)
		return PROCESSORS_NO_QUOTA;
	if (quota < period)
		return 1;
	return quota / period < UINT_MAX ? (unsigned)(quota / period) : PROCESSORS_NO_QUOTA;
}

/* The smallest one of the group and of those above it. */
static unsigned quota_up(struct group *g)
{
	unsigned least = quota_of(g);

	while (strlen(g->dir) > g->top_len) {
		unsigned n;

		*strrchr(g->dir, '/') = '\0';
		n = quota_of(g);
		least = n < least ? n : least;
	}
	return least;
}

/* Is word one of the list's, which commas part? */
static bool lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && strchr(",\n", at[len]))
			return true;
	return false;
}

/* The group of the process in this hierarchy, "/..."; false: it is in none. */
static bool find_group(const char *root, bool v2, char *group)
{
	char path[PATH_LEN], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &size, f) > 0) {
		char *list = strchr(line, ':'), *at = list ? strchr(list + 1, ':') : NULL;

		if (!at)
			continue;
		*at++ = '\0';
		found = v2 ? strncmp(line, "0:", 2) == 0 && !list[1] : lists(list + 1, "cpu");
		at[strcspn(at, "\n")] = '\0';
		snprintf(group, PATH_LEN, "%s", at);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* group without what the mount does not show. */
static const char *below(const char *group, const char *mount_root)
{
	size_t len = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);

	if (strncmp(group, mount_root, len) != 0 || (group[len] && group[len] != '/'))
		return "";
	return strcmp(group + len, "/") == 0 ? "" : group + len;
}

/* A line of mountinfo. */
static unsigned quota_of_mount(const char *root, const char *line)
{
	char mount_root[PATH_LEN], point[PATH_LEN], type[32], options[512], group[PATH_LEN];
	const char *rest = strstr(line, " - ");
	struct group g;
	int n;

	if (!rest || sscanf(line, "%*s %*s %*s %1023s %1023s", mount_root, point) != 2 ||
	    sscanf(rest, " - %31s %*s %511s", type, options) != 2)
		return PROCESSORS_NO_QUOTA;
	g.v2 = strcmp(type, "cgroup2") == 0;
	if (!g.v2 && (strcmp(type, "cgroup") != 0 || !lists(options, "cpu")))
		return PROCESSORS_NO_QUOTA;
	if (!find_group(root, g.v2, group))
		return PROCESSORS_NO_QUOTA;
	n = snprintf(g.dir, sizeof(g.dir), "%s%s%s", root, point, below(group, mount_root));
	if (n < 0 || (size_t)n >= sizeof(g.dir))
		return PROCESSORS_NO_QUOTA;
	g.top_len = strlen(root) + strlen(point);
	return quota_up(&g);
}

unsigned processors_quota(const char *root)
{
	unsigned least = PROCESSORS_NO_QUOTA;
	char path[PATH_LEN], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) > 0) {
		unsigned n = quota_of_mount(root, line);

		least = n < least ? n : least;
	}
	free(line);
	if (f)
		fclose(f);
	return least;
}

unsigned processors_allowed(void)
{
	unsigned n = n_affine(), quota = processors_quota("");

	return quota < n ? quota : n;
}
