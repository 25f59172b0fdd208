/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "topo/ports.h"

#define NET "/proc/sys/net/ipv4/"

static char root[64];
static struct topo_source source = { .root = root };

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s" NET "%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_root(void **state)
{
	static const char *const dirs[] = { "/proc", "/proc/sys", "/proc/sys/net", NET };
	char path[256];

	strcpy(root, "/tmp/mpnc-test-ports-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		if (mkdir(path, 0700))
			return -1;
	}
	return 0;
}

static int remove_root(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	return system(command);
}

static void is_range(uint16_t first, uint16_t last)
{
	struct topo_ports ports = topo_local_ports(&source);

	assert_int_equal(ports.first, first);
	assert_int_equal(ports.last, last);
}

static void test_local_ports(void **state)
{
	is_range(32768, 60999);
	write_file("ip_local_port_range", "1024\t65535\n");
	is_range(1024, 65535);
	write_file("ip_local_port_range", "40000\t40000\n");
	is_range(40000, 40000);
	/* What no kernel says. */
	write_file("ip_local_port_range", "50000\t40000\n");
	is_range(32768, 60999);
	write_file("ip_local_port_range", "1024\t70000\n");
	is_range(32768, 60999);
	write_file("ip_local_port_range", "1024\n");
	is_range(32768, 60999);
	write_file("ip_local_port_range", "");
	is_range(32768, 60999);
}

static void test_reserved_ports(void **state)
{
	struct topo_ports out[TOPO_RESERVED_MAX];
	static char many[8192];

	assert_int_equal(topo_reserved_ports(&source, out), 0);
	write_file("ip_local_reserved_ports", "\n");
	assert_int_equal(topo_reserved_ports(&source, out), 0);
	write_file("ip_local_reserved_ports", "8080,9148,10000-10100\n");
	assert_int_equal(topo_reserved_ports(&source, out), 3);
	assert_int_equal(out[0].first, 8080);
	assert_int_equal(out[0].last, 8080);
	assert_int_equal(out[2].first, 10000);
	assert_int_equal(out[2].last, 10100);
	write_file("ip_local_reserved_ports", "8080,what\n");
	assert_int_equal(topo_reserved_ports(&source, out), 1);
	/* More than are heeded. */
	for (unsigned port = 1; port < 1000; port += 2)
		sprintf(many + strlen(many), "%u,", port);
	write_file("ip_local_reserved_ports", many);
	assert_int_equal(topo_reserved_ports(&source, out), TOPO_RESERVED_MAX);
	assert_int_equal(out[TOPO_RESERVED_MAX - 1].first, 2 * TOPO_RESERVED_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_ports),
		cmocka_unit_test(test_reserved_ports),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
