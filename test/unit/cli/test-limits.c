/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a process may use, in directories that stand for machines and containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cmd/cli/limits.h"
#include "util/text.h"

#define GIB (1ull << 30)

static char root[64];

/* A file below root, with its directories. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	text_printf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static int set_up(void **state)
{
	strcpy(root, "/tmp/mpnc-limits-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	text_printf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void nothing_is_known(void **state)
{
	assert_int_equal(limits_memory(root), UINT64_MAX);
}

static void the_machine_s(void **state)
{
	put("/proc/meminfo", "MemTotal:       24683956 kB\nMemFree:         9000000 kB\n");
	assert_int_equal(limits_memory(root), 24683956ull << 10);
}

/* A group without a limit of its own, in one that has one, in one with a higher one. */
static void that_of_any_group_above(void **state)
{
	put("/proc/meminfo", "MemTotal:       8388608 kB\n");
	put("/proc/self/cgroup", "0::/a/b/c\n");
	put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
	put("/sys/fs/cgroup/a/b/memory.max", "2147483648\n");
	put("/sys/fs/cgroup/a/memory.max", "4294967296\n");
	assert_int_equal(limits_memory(root), 2 * GIB);
	put("/sys/fs/cgroup/a/b/c/memory.max", "1073741824\n");
	assert_int_equal(limits_memory(root), GIB);
	/* More than there is. */
	put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
	put("/sys/fs/cgroup/a/b/memory.max", "17179869184\n");
	put("/sys/fs/cgroup/a/memory.max", "max\n");
	assert_int_equal(limits_memory(root), 8 * GIB);
}

/* What a container's process sees: its group's name is that of the host, its /sys is its own. */
static void a_container_s(void **state)
{
	put("/proc/meminfo", "MemTotal:       8388608 kB\n");
	put("/proc/self/cgroup", "0::/../../system.slice/docker-1.scope\n");
	put("/sys/fs/cgroup/memory.max", "1073741824\n");
	assert_int_equal(limits_memory(root), GIB);
}

static void groups_of_version_1(void **state)
{
	put("/proc/meminfo", "MemTotal:       8388608 kB\n");
	put("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x/y\n0::/\n");
	put("/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
	put("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "3221225472\n");
	assert_int_equal(limits_memory(root), 3 * GIB);
}

static void that_of_ulimit(void **state)
{
	struct rlimit before, less;

	put("/proc/meminfo", "MemTotal:       8388608 kB\n");
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	less = before;
	less.rlim_cur = 4 * GIB;
	assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
	assert_int_equal(limits_memory(root), 4 * GIB);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

static void nonsense_is_no_limit(void **state)
{
	put("/proc/meminfo", "MemTotal:       8388608 kB\n");
	put("/proc/self/cgroup", "nothing\n::\n0::/a\n0\n");
	put("/sys/fs/cgroup/a/memory.max", "\n");
	put("/sys/fs/cgroup/memory.max", "-5\n");
	assert_int_equal(limits_memory(root), 8 * GIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known),        TEST(the_machine_s),
		TEST(that_of_any_group_above), TEST(a_container_s),
		TEST(groups_of_version_1),     TEST(that_of_ulimit),
		TEST(nonsense_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
