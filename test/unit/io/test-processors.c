/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What quotas leave of the processors, in trees of files as kernels and containers show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/processors.h"

#define V2_MOUNT     "25 1 0:22 / /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT     "32 31 0:29 / /cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V1_OTHER     "36 31 0:33 / /devices rw - cgroup cgroup rw,devices\n"
#define CPUSET_MOUNT "35 31 0:32 / /cpuset rw - cgroup cgroup rw,cpuset\n"
#define NOISE        "21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\nno line of it\n"

#define FILES_MAX 6

static const struct row {
	const char *name, *mounts, *groups;
	struct {
		const char *path, *text;
	} files[FILES_MAX];
	unsigned wanted;
} rows[] = {
	{ "nothing is mounted", NOISE, "0::/\n", { { 0 } }, PROCESSORS_NO_QUOTA },
	{ "a group without a quota",
	  NOISE V2_MOUNT,
	  "0::/a\n",
	  { { "cg/a/cpu.max", "max 100000\n" } },
	  PROCESSORS_NO_QUOTA },
	{ "the controller is not there", V2_MOUNT, "0::/a\n", { { 0 } }, PROCESSORS_NO_QUOTA },
	{ "two", V2_MOUNT, "0::/a\n", { { "cg/a/cpu.max", "200000 100000\n" } }, 2 },
	{ "two and a half", V2_MOUNT, "0::/a\n", { { "cg/a/cpu.max", "250000 100000\n" } }, 2 },
	{ "a half", V2_MOUNT, "0::/a\n", { { "cg/a/cpu.max", "50000 100000\n" } }, 1 },
	{ "a short period", V2_MOUNT, "0::/a\n", { { "cg/a/cpu.max", "40000 10000\n" } }, 4 },
	{ "a group above has less",
	  V2_MOUNT,
	  "0::/a/b/c\n",
	  { { "cg/a/cpu.max", "300000 100000\n" },
	    { "cg/a/b/cpu.max", "max 100000\n" },
	    { "cg/a/b/c/cpu.max", "800000 100000\n" } },
	  3 },
	{ "a container's own top has it",
	  V2_MOUNT,
	  "0::/\n",
	  { { "cg/cpu.max", "300000 100000\n" } },
	  3 },
	{ "a group beside ours has less",
	  V2_MOUNT,
	  "0::/a\n",
	  { { "cg/a/cpu.max", "500000 100000\n" }, { "cg/b/cpu.max", "100000 100000\n" } },
	  5 },
	{ "no numbers",
	  V2_MOUNT,
	  "0::/a\n",
	  { { "cg/a/cpu.max", "many\n" } },
	  PROCESSORS_NO_QUOTA },
	{ "zeros", V2_MOUNT, "0::/a\n", { { "cg/a/cpu.max", "100000 0\n" } }, PROCESSORS_NO_QUOTA },
	{ "version 1",
	  V1_OTHER V1_MOUNT,
	  "5:devices:/x\n3:cpu,cpuacct:/a\n",
	  { { "cpu/a/cpu.cfs_quota_us", "600000\n" }, { "cpu/a/cpu.cfs_period_us", "100000\n" } },
	  6 },
	{ "version 1 without a quota",
	  V1_MOUNT,
	  "3:cpu,cpuacct:/a\n",
	  { { "cpu/a/cpu.cfs_quota_us", "-1\n" }, { "cpu/a/cpu.cfs_period_us", "100000\n" } },
	  PROCESSORS_NO_QUOTA },
	{ "version 1 below /docker, which the mount does not show",
	  "32 31 0:29 /docker/1f /cpu ro - cgroup cgroup rw,cpuacct,cpu\n",
	  "3:cpuacct,cpu:/docker/1f/in\n",
	  { { "cpu/in/cpu.cfs_quota_us", "400000\n" }, { "cpu/in/cpu.cfs_period_us", "100000\n" } },
	  4 },
	{ "a mount that begins elsewhere shows the group itself",
	  "32 31 0:29 /docker/1f /cpu ro - cgroup cgroup rw,cpu\n",
	  "3:cpu:/docker/1fa\n",
	  { { "cpu/cpu.cfs_quota_us", "400000\n" }, { "cpu/cpu.cfs_period_us", "100000\n" } },
	  4 },
	{ "the cpuset is no quota",
	  CPUSET_MOUNT,
	  "3:cpuset:/a\n",
	  { { "cpuset/a/cpu.cfs_quota_us", "100000\n" },
	    { "cpuset/a/cpu.cfs_period_us", "100000\n" } },
	  PROCESSORS_NO_QUOTA },
	{ "both versions: the smaller one",
	  V1_MOUNT V2_MOUNT,
	  "3:cpu,cpuacct:/a\n0::/b\n",
	  { { "cpu/a/cpu.cfs_quota_us", "700000\n" },
	    { "cpu/a/cpu.cfs_period_us", "100000\n" },
	    { "cg/b/cpu.max", "300000 100000\n" } },
	  3 },
};

/* Makes the file and all folders that it lies in. */
static void put_file(const char *root, const char *path, const char *text)
{
	char name[512];
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		assert_true(mkdir(name, 0700) == 0 || errno == EEXIST);
	}
	f = fopen(name, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void test_quotas(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char root[] = "/tmp/test-processors-XXXXXX";
		unsigned n;

		assert_non_null(mkdtemp(root));
		put_file(root, "proc/self/mountinfo", rows[i].mounts);
		put_file(root, "proc/self/cgroup", rows[i].groups);
		for (int f = 0; f < FILES_MAX && rows[i].files[f].path; f++)
			put_file(root, rows[i].files[f].path, rows[i].files[f].text);
		n = processors_quota(root);
		nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		if (n != rows[i].wanted)
			fail_msg("%s: %u, not %u", rows[i].name, n, rows[i].wanted);
	}
}

static void test_no_files(void **state)
{
	assert_int_equal(processors_quota("/nowhere"), PROCESSORS_NO_QUOTA);
}

/* One processor is left, whatever the machine has. */
static void test_affinity(void **state)
{
	cpu_set_t before, one;
	size_t first = 0;

	assert_true(processors_allowed() >= 1);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_true(processors_allowed() <= (unsigned)CPU_COUNT(&before));
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(processors_allowed(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quotas),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
