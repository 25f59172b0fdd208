/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bonds that are made up with one thing wrong each, and the recorded machines of
 * test/fixtures/topo.
 */
#include "cmd/status/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "test-topo-fixture.h"

#define RELEASE "6.1.0"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Nothing is wrong with it, but it has a past. */
static void make_bond(struct topo_bond *b)
{
	fixture_bond(b);
	for (size_t i = 0; i < b->n_links; i++) {
		b->links[i].failures = 3;
		b->links[i].counters.rx_bytes = i == 0 ? 3000 : 0;
		b->links[i].counters.tx_bytes = 1000;
	}
}

static const char *check(struct topo_bond *b, const struct status_past *past)
{
	size_t n_lines = 0, n;
	FILE *out;

	topo_judge(b);
	out = open_output();
	n = status_check(out, &(struct status_subject){ .bonds = b, .n = 1, .past = past }).n;
	fclose(out);
	for (size_t i = 0; i < output_len; i++)
		n_lines += output[i] == '\n';
	assert_int_equal(n, n_lines);
	return output;
}

static void to_json(const struct topo_bond *bonds, size_t n)
{
	FILE *out = open_output();

	assert_int_equal(status_json(out, bonds, n, RELEASE), 0);
	fclose(out);
}

static void set_down(struct topo_bond *b)
{
	b->links[1].up = false;
}

static void cut_carrier(struct topo_bond *b)
{
	b->links[1].carrier = false;
	b->links[1].speed = 10; /* as some cards say without carrier */
}

static void fail_mii(struct topo_bond *b)
{
	b->links[1].mii = TOPO_MII_DOWN;
}

static void split(struct topo_bond *b)
{
	b->links[2].aggregator = 3;
}

static void not_enabled(struct topo_bond *b)
{
	b->links[2].backup = true;
}

/* Nobody said that nothing goes over such a bond. */
static void lose_active(struct topo_bond *b)
{
	b->mode = TOPO_MODE_ACTIVE_BACKUP;
	b->active = 0;
}

static void not_heard(struct topo_bond *b)
{
	b->links[2].backup = true;
	b->links[2].partner_state = 0x47;
}

static void lose_aggregator(struct topo_bond *b)
{
	b->has_aggregator = false;
}

static void lose_partner(struct topo_bond *b)
{
	memset(b->partner_mac, 0, TOPO_MAC_LEN);
	for (size_t i = 0; i < b->n_links; i++)
		memset(b->links[i].partner_mac, 0, TOPO_MAC_LEN);
}

static void lose_one_partner(struct topo_bond *b)
{
	memset(b->links[3].partner_mac, 0, TOPO_MAC_LEN);
}

/* As seen by a user, who is not shown the links' partners. */
static void lose_one_partner_unseen(struct topo_bond *b)
{
	for (size_t i = 0; i < b->n_links; i++)
		b->links[i].has_partner = false;
	b->links[3].actor_state |= TOPO_LACP_DEFAULTED;
}

static void slow_down(struct topo_bond *b)
{
	b->links[0].speed = 0; /* not known: no difference */
	b->links[3].speed = 1000;
}

static void shrink(struct topo_bond *b)
{
	b->links[0].mtu = 1400;
	b->links[3].mtu = 9000;
}

static void set_bond_down(struct topo_bond *b)
{
	b->up = false;
}

static void lose_links(struct topo_bond *b)
{
	b->n_links = b->n_ports = 0;
}

static void spoil_name(struct topo_bond *b)
{
	strcpy(b->links[1].name, "e\033[1m");
	b->links[1].up = false;
}

static void test_findings(void **state)
{
	const struct {
		void (*spoil)(struct topo_bond *b);
		const char *finding;
	} cases[] = {
		{ set_down, "bond0: eth1 is down (set down)\n" },
		{ cut_carrier, "bond0: eth1 is down (no carrier)\n" },
		{ fail_mii, "bond0: eth1 is down (held for down by the bond's link monitoring)\n" },
		{ split, "bond0: eth2 is in aggregator 3, but 1 is the active one\n" },
		{ not_enabled, "bond0: eth2 carries nothing (LACP has not enabled it)\n" },
		{ not_heard,
		  "bond0: eth2 carries nothing (the LACP partner hears nothing from here)\n" },
		{ lose_active, "bond0: no link can be used, although the bond has carrier\n" },
		{ lose_aggregator, "bond0: no LACP aggregator is active\n" },
		{ lose_partner, "bond0: the LACP partner is zero (nobody answers)\n" },
		{ lose_one_partner, "bond0: eth3 has no LACP partner (nobody answers)\n" },
		{ lose_one_partner_unseen, "bond0: eth3 has no LACP partner (nobody answers)\n" },
		{ slow_down, "bond0: speeds differ: eth1 10000, eth2 10000, eth3 1000 Mbit/s\n" },
		{ shrink, "bond0: MTUs differ: bond0 1500, eth0 1400, eth3 9000\n" },
		{ set_bond_down, "bond0: the bond is down (set down)\n" },
		{ lose_links, "bond0: the bond has no links\n" },
		{ spoil_name, "bond0: e\\x1b[1m is down (set down)\n" },
	};
	static struct topo_bond b;

	for (size_t i = 0; i < LEN(cases); i++) {
		make_bond(&b);
		assert_string_equal(check(&b, NULL), "");
		cases[i].spoil(&b);
		assert_string_equal(check(&b, NULL), cases[i].finding);
	}
}

static void test_nothing_wrong(void **state)
{
	static struct topo_bond b;

	/* Whose links are in reserve, as they should. */
	make_bond(&b);
	b.mode = TOPO_MODE_ACTIVE_BACKUP;
	b.active = 2;
	b.links[1].backup = true;
	assert_string_equal(check(&b, NULL), "");

	/* What LACP leaves behind plays no part in other modes. */
	make_bond(&b);
	lose_partner(&b);
	split(&b);
	b.mode = TOPO_MODE_BALANCE_XOR;
	assert_string_equal(check(&b, NULL), "");

	/* Made when the module was loaded, and never used. */
	make_bond(&b);
	lose_links(&b);
	b.up = b.carrier = false;
	assert_string_equal(check(&b, NULL), "");

	make_bond(&b);
	b.kind = TOPO_KIND_TEAM;
	b.links[1].backup = true;
	strcpy(b.team_mode, "loadbalance");
	assert_string_equal(check(&b, NULL), "bond0: eth1 is disabled in the team\n");
	strcpy(b.team_mode, "activebackup");
	assert_string_equal(check(&b, NULL), "");
}

/* Reads text as --since does. */
static int read_past(const char *text, struct status_past **out)
{
	char message[STATUS_MESSAGE_LEN] = "";
	char *copy = strdup(*text ? text : " ");
	FILE *in = fmemopen(copy, strlen(copy), "r");
	int r;

	assert_non_null(in);
	r = status_past_read(in, out, message);
	assert_true((r == -EINVAL) == (message[0] != '\0'));
	fclose(in);
	free(copy);
	return r;
}

static struct status_past *past_of(const struct topo_bond *b)
{
	struct status_past *past;

	to_json(b, 1);
	assert_int_equal(read_past(output, &past), 0);
	return past;
}

static void test_since(void **state)
{
	static struct topo_bond b;
	struct status_past *past;

	make_bond(&b);
	past = past_of(&b);
	assert_string_equal(check(&b, past), "");
	b.links[1].failures = 4;
	b.links[2].failures = 13;
	assert_string_equal(check(&b, past), "bond0: eth1: 1 new failure, 4 in all\n"
					     "bond0: eth2: 10 new failures, 13 in all\n");

	/* Counted from zero again since the machine has started anew. */
	make_bond(&b);
	b.links[1].failures = 2;
	b.links[2].failures = 0;
	assert_string_equal(check(&b, past), "bond0: eth1: 2 new failures, 2 in all\n");

	/* One link gone, and one that was not known then. */
	make_bond(&b);
	strcpy(b.links[3].name, "eth9");
	assert_string_equal(check(&b, past), "bond0: eth3 is no longer one of its links\n");
	strcpy(b.links[3].name, "eth3");
	strcpy(b.name, "bond1");
	assert_string_equal(check(&b, past), "bond0: gone\n");
	status_past_free(past);

	/* A name that is no UTF-8 is found again. */
	make_bond(&b);
	strcpy(b.links[0].name, "e\xff");
	past = past_of(&b);
	b.links[0].failures++;
	assert_string_equal(check(&b, past), "bond0: e\\xff: 1 new failure, 4 in all\n");
	status_past_free(past);

	make_bond(&b);
	b.kind = TOPO_KIND_TEAM;
	past = past_of(&b);
	b.links[0].carrier_changes += 2;
	b.links[1].failures++; /* which the driver of teams does not count */
	assert_string_equal(check(&b, past), "bond0: eth0: 2 new carrier changes, 2 in all\n");
	status_past_free(past);
}

static void test_since_files(void **state)
{
	static const char *const refused[] = {
		"bonds",
		"{}",
		"[]",
		"1",
		"{\"schema\":2,\"bonds\":[]}",
		"{\"schema\":1}",
		"{\"schema\":1,\"bonds\":{}}",
		"{\"schema\":1,\"bonds\":[{}]}",
		"{\"schema\":1,\"bonds\":[1]}",
		"{\"schema\":1,\"bonds\":[{\"name\":\"b\"}]}",
		"{\"schema\":1,\"bonds\":[{\"name\":\"b\",\"links\":[{\"name\":1}]}]}",
		"{\"schema\":1,\"bonds\":[{\"name\":\"b\",\"li",
		/* A line that was cut short, and the next. */
		"{\"schema\":1,\"bo{\"schema\":1,\"bonds\":[]}\n",
	};
	static struct topo_bond b;
	struct status_past *past;
	char *old, *log;

	for (size_t i = 0; i < LEN(refused); i++) {
		assert_int_equal(read_past(refused[i], &past), -EINVAL);
		assert_null(past);
	}

	make_bond(&b);
	assert_int_equal(read_past("", &past), 0);
	assert_string_equal(check(&b, past), "");
	status_past_free(past);

	/* A log: its last line counts. */
	to_json(&b, 1);
	old = strdup(output);
	b.links[0].failures = 5;
	to_json(&b, 1);
	assert_true(asprintf(&log, "%s%s\n", old, output) > 0);
	assert_int_equal(read_past(log, &past), 0);
	assert_string_equal(check(&b, past), "");
	status_past_free(past);
	free(old);
	free(log);
}

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static void test_json(void **state)
{
	static struct topo_bond b[2];
	json_t *root, *bond, *link;

	make_bond(&b[0]);
	make_bond(&b[1]);
	b[1].kind = TOPO_KIND_TEAM;
	b[1].mode = TOPO_MODE_UNKNOWN;
	strcpy(b[1].name, "team\"\xff");
	b[1].links[0].speed = 0;
	b[1].links[0].counters.rx_bytes = 0;
	to_json(b, 2);
	assert_ptr_equal(strchr(output, '\n'), output + output_len - 1);
	root = json_loads(output, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_object_size(root), 2);
	assert_int_equal(number_of(root, "schema"), STATUS_SCHEMA);
	assert_int_equal(json_array_size(json_object_get(root, "bonds")), 2);

	bond = json_array_get(json_object_get(root, "bonds"), 0);
	assert_string_equal(string_of(bond, "name"), "bond0");
	assert_string_equal(string_of(bond, "kind"), "bond");
	assert_string_equal(string_of(bond, "mode"), "802.3ad");
	assert_string_equal(string_of(bond, "policy"), "layer3+4");
	assert_non_null(string_of(bond, "hash_variant"));
	assert_string_equal(string_of(bond, "partner"), "02:00:00:00:00:01");
	assert_int_equal(number_of(bond, "miimon_ms"), 100);
	assert_int_equal(number_of(bond, "aggregator"), 1);
	assert_int_equal(number_of(bond, "n_usable"), 4);
	assert_int_equal(json_array_size(json_object_get(bond, "links")), 4);
	link = json_array_get(json_object_get(bond, "links"), 0);
	assert_string_equal(string_of(link, "name"), "eth0");
	assert_string_equal(string_of(link, "state"), "up");
	assert_string_equal(string_of(link, "mii"), "up");
	assert_int_equal(number_of(link, "speed"), 10000);
	assert_int_equal(number_of(link, "mtu"), 1500);
	assert_int_equal(number_of(link, "failures"), 3);
	assert_int_equal(number_of(link, "rx_bytes"), 3000);
	assert_float_equal(json_real_value(json_object_get(link, "rx_percent")), 100, 0.001);
	assert_float_equal(json_real_value(json_object_get(link, "tx_percent")), 25, 0.001);

	bond = json_array_get(json_object_get(root, "bonds"), 1);
	assert_string_equal(string_of(bond, "name"), "team\\\"\\xff");
	assert_true(json_is_null(json_object_get(bond, "policy")));
	assert_true(json_is_null(json_object_get(bond, "partner")));
	link = json_array_get(json_object_get(bond, "links"), 0);
	assert_true(json_is_null(json_object_get(link, "speed")));
	assert_true(json_is_null(json_object_get(link, "failures")));
	assert_true(json_is_null(json_object_get(link, "rx_percent")));
	json_decref(root);

	to_json(NULL, 0);
	assert_string_equal(output, "{\"schema\":1,\"bonds\":[]}\n");
}

static void test_prom(void **state)
{
	static const char *const lines[] = {
		"mpnc_bonds 1\n",
		"# HELP mpnc_link_failures_total ",
		"# TYPE mpnc_link_failures_total counter\n",
		"mpnc_bond_up{bond=\"b\\\"\\\\\"} 1\n",
		"mpnc_bond_miimon_seconds{bond=\"b\\\"\\\\\"} 0.1\n",
		"mpnc_bond_lacp_partner{bond=\"b\\\"\\\\\"} 1\n",
		"mpnc_link_up{bond=\"b\\\"\\\\\",link=\"eth1\"} 0\n",
		"mpnc_link_failures_total{bond=\"b\\\"\\\\\",link=\"eth1\"} 3\n",
		"mpnc_link_speed_bits_per_second{bond=\"b\\\"\\\\\",link=\"eth0\"} 10000000000\n",
		"mpnc_link_transmit_share_ratio{bond=\"b\\\"\\\\\",link=\"eth0\"} 0.25\n",
		"link=\"a\\nb\"} 9007199254740991\n",
	};
	static struct topo_bond b;
	FILE *out;

	make_bond(&b);
	strcpy(b.name, "b\"\\");
	b.links[1].up = false;
	strcpy(b.links[3].name, "a\nb");
	b.links[3].counters.rx_bytes = (1ull << 53) - 1;
	topo_judge(&b);
	out = open_output();
	status_prom(out, &b, 1, RELEASE);
	fclose(out);
	for (size_t i = 0; i < LEN(lines); i++)
		if (!strstr(output, lines[i]))
			fail_msg("missing: %s", lines[i]);
	assert_null(strstr(output, "} -"));
}

static void test_table(void **state)
{
	static struct topo_bond b;
	size_t width = 0;
	FILE *out;

	make_bond(&b);
	b.links[1].carrier = false;
	b.links[3].aggregator = 2;
	lose_one_partner(&b);
	topo_judge(&b);
	out = open_output();
	status_table(out, &b, 1, "");
	fclose(out);
	assert_string_equal(
		strchr(output, '\n') + 1,
		"bond0: 802.3ad layer3+4 (rule unknown), MII 100 ms, MTU 1500, up, 2 of 4 links, "
		"aggregator 1\n"
		"  eth0   10000   1500 up              3    1 02:00:00:00:00:01 2.93 KiB 100%   "
		"1000 B  25%\n"
		"  eth1   10000   1500 no-carrier      3    1 02:00:00:00:00:01      0 B   0%   "
		"1000 B  25%\n"
		"  eth2   10000   1500 up              3    1 02:00:00:00:00:01      0 B   0%   "
		"1000 B  25%\n"
		"  eth3   10000   1500 other-group     3    2 none                   0 B   0%   "
		"1000 B  25%\n");
	for (const char *line = output; *line; line += width + 1) {
		width = strcspn(line, "\n");
		assert_in_range(width, 1, 100);
	}
	out = open_output();
	status_table(out, NULL, 0, "");
	fclose(out);
	assert_string_equal(output, "no bond or team here\n");
}

/* Of a recorded machine. Findings of programs' formats are appended to the output. */
static int run(const char *machine, const struct status_options *o)
{
	char dir[FIXTURE_PATH_LEN];
	struct fixture f;
	FILE *out;
	int result;

	snprintf(dir, sizeof(dir), "%s/%s", FIXTURES, machine);
	fixture_open(&f, dir);
	out = open_output();
	result = status_run(&f.source, o, out, out);
	fclose(out);
	return result;
}

static void test_machines(void **state)
{
	const struct {
		const char *machine, *findings;
	} cases[] = {
		{ "lacp", "" },
		{ "vlan", "" },
		{ "bridge", "" },
		{ "team", "" },
		{ "none", "no bond or team here\n" },
		{ "team-root", "" },
		{ "tlb", "bond0: eth1 is down (set down)\n" },
		{ "xor-down", "bond0: eth2 is down (no carrier)\n" },
		{ "lacp-alone", "bond0: the LACP partner is zero (nobody answers)\n"
				"bond0: eth1 is in aggregator 2, but 1 is the active one\n" },
		{ "lacp-split", "bond0: eth0 is down (no carrier)\n"
				"bond0: eth3 is in aggregator 3, but 1 is the active one\n"
				"bond0: eth3 has no LACP partner (nobody answers)\n" },
	};
	json_t *root;

	for (size_t i = 0; i < LEN(cases); i++) {
		bool fine = !*cases[i].findings || strcmp(cases[i].machine, "none") == 0;

		assert_int_equal(run(cases[i].machine, &(struct status_options){ .check = true }),
				 fine ? STATUS_FINE : STATUS_FINDINGS);
		assert_string_equal(output, cases[i].findings);
		assert_int_equal(run(cases[i].machine, &(struct status_options){ 0 }), STATUS_FINE);
		if (getenv("SHOW"))
			fputs(output, stdout);
		assert_int_equal(
			run(cases[i].machine, &(struct status_options){ .format = STATUS_JSON }),
			STATUS_FINE);
		root = json_loads(output, 0, NULL);
		assert_non_null(root);
		json_decref(root);
		assert_int_equal(
			run(cases[i].machine, &(struct status_options){ .format = STATUS_PROM }),
			STATUS_FINE);
	}
	/* JSON and findings in one run. */
	assert_int_equal(
		run("xor-down", &(struct status_options){ .format = STATUS_JSON, .check = true }),
		STATUS_FINDINGS);
	assert_non_null(strstr(output, "}]}]}\nbond0: eth2 is down (no carrier)\n"));
}

/* Plugin --------------------------------------------------------------------------------------- */

static void test_expect_words(void **state)
{
	static const char *const bad[] = { "",
					   ":",
					   "bond0:",
					   "bond0:0",
					   "bond0:x",
					   "bond0:33",
					   "bond0:4:",
					   "bond0:4:l2",
					   ":4",
					   "bond0::layer2",
					   "bond0:4:layer2:",
					   "a-name-of-16-ch:",
					   "a-name-of-16-chr" };
	struct status_expect e;

	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(status_expect_parse(bad[i], &e), -EINVAL);
	assert_int_equal(status_expect_parse("bond0", &e), 0);
	assert_int_equal(e.n_links, 0);
	assert_string_equal(e.policy, "");
	assert_int_equal(status_expect_parse("b:32:layer2+3", &e), 0);
	assert_string_equal(e.name, "b");
	assert_int_equal(e.n_links, 32);
	assert_string_equal(e.policy, "layer2+3");
}

/* What a monitoring system reads, and the exit status that it goes by. */
static void test_plugin(void **state)
{
	static const struct {
		const char *machine, *expect;
		enum status_severity result;
		const char *line; /* how it begins */
	} cases[] = {
		{ "lacp", NULL, STATUS_OK,
		  "BOND OK - bond0 4 of 4 links 40 Gbit/s | 'bond0.usable'=4;4:;1:;0;4 "
		  "'bond0.eth0.rx_bytes'=" },
		{ "lacp", "bond0:4:layer3+4", STATUS_OK, "BOND OK - " },
		{ "lacp", "bond0:5", STATUS_WARNING,
		  "BOND WARNING - bond0: 4 usable links, although 5 are expected | " },
		{ "lacp", "bond0:4:layer2", STATUS_WARNING,
		  "BOND WARNING - bond0: transmit hash policy layer3+4, although layer2 is "
		  "expected | " },
		{ "lacp", "bond1", STATUS_CRITICAL,
		  "BOND CRITICAL - bond1: not here, although it is expected | 'bond0.usable'=" },
		{ "tlb", NULL, STATUS_WARNING, "BOND WARNING - bond0: eth1 is down (set down) | " },
		{ "lacp-alone", NULL, STATUS_WARNING,
		  "BOND WARNING - bond0: the LACP partner is zero (nobody answers); bond0: eth1 is "
		  "in aggregator 2, but 1 is the active one | " },
		{ "none", NULL, STATUS_UNKNOWN,
		  "BOND UNKNOWN - no bond or team is here; name those that have to be with "
		  "--expect\n" },
		{ "none", "bond0:2", STATUS_CRITICAL,
		  "BOND CRITICAL - bond0: not here, although it is expected\n" },
		{ "no-such-machine", NULL, STATUS_UNKNOWN,
		  "BOND UNKNOWN - cannot list the links of this machine: No such file or "
		  "directory\n" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct status_expect e;
		struct status_options o = { .format = STATUS_PLUGIN, .expects = &e };

		if (cases[i].expect)
			assert_int_equal(status_expect_parse(cases[i].expect, &e), 0);
		o.n_expects = cases[i].expect != NULL;
		assert_int_equal(run(cases[i].machine, &o), cases[i].result);
		assert_ptr_equal(strchr(output, '\n'), output + output_len - 1);
		if (strncmp(output, cases[i].line, strlen(cases[i].line)) != 0)
			fail_msg("not \"%s\", but \"%s\"", cases[i].line, output);
	}
}

/* Each state of a bond is critical in which nothing goes over it, and no other. */
static void test_severities(void **state)
{
	const struct {
		void (*spoil)(struct topo_bond *b);
		enum status_severity worst;
	} cases[] = {
		{ set_down, STATUS_WARNING },         { split, STATUS_WARNING },
		{ lose_partner, STATUS_WARNING },     { slow_down, STATUS_WARNING },
		{ shrink, STATUS_WARNING },           { set_bond_down, STATUS_CRITICAL },
		{ lose_aggregator, STATUS_CRITICAL }, { lose_active, STATUS_CRITICAL },
		{ lose_links, STATUS_CRITICAL },
	};
	static struct topo_bond b;

	for (size_t i = 0; i < LEN(cases); i++) {
		FILE *out;

		make_bond(&b);
		cases[i].spoil(&b);
		topo_judge(&b);
		out = open_output();
		assert_int_equal(
			status_check(out, &(struct status_subject){ .bonds = &b, .n = 1 }).worst,
			cases[i].worst);
		fclose(out);
	}
}

/* A name must not begin the performance data, nor end its label. */
static void test_plugin_names(void **state)
{
	static struct topo_bond b;
	FILE *out;

	make_bond(&b);
	strcpy(b.name, "b|'=\n");
	out = open_output();
	status_plugin(out, &(struct status_subject){ .bonds = &b, .n = 1 }, STATUS_OK,
		      "b|'=: x\ny\n");
	fclose(out);
	assert_int_equal(strncmp(output, "BOND OK - b!'=: x; y | 'b___\\n.usable'=4;", 41), 0);
	assert_ptr_equal(strchr(output, '\n'), output + output_len - 1);
}

static void test_unreadable(void **state)
{
	struct status_options o = { .check = true, .since = "/nowhere/at/all" };
	char path[] = "/tmp/test-status-XXXXXX";
	int fd;

	assert_int_equal(run("lacp", &o), STATUS_USAGE);
	o.since = "/";
	assert_int_equal(run("lacp", &o), STATUS_USAGE);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	o.since = path;
	assert_int_equal(run("lacp", &o), STATUS_FINE);
	assert_int_equal(write(fd, "{}", 2), 2);
	close(fd);
	assert_int_equal(run("lacp", &o), STATUS_USAGE);
	unlink(path);
	assert_int_equal(run("no-such-machine", &(struct status_options){ 0 }), STATUS_USAGE);
}

static void test_usage(void **state)
{
	static const char *const refused[][3] = {
		{ "--frob" },
		{ "-x" },
		{ "word" },
		{ "--json=1" },
		{ "--since" },
		{ "--since", "/dev/null" },
		{ "--json", "--prom" },
		{ "--expect", "bond0" },
		{ "--check", "--expect", "bond0:x" },
		{ "--from" },
		{ "--check", "--", "word" },
		{ "--help=1" },
	};

	for (size_t i = 0; i < LEN(refused); i++) {
		char *argv[5] = { strdup("status") };
		int argc = 1;

		for (size_t j = 0; j < 3 && refused[i][j]; j++)
			argv[argc++] = strdup(refused[i][j]);
		assert_int_equal(status_main(argc, argv), STATUS_USAGE);
		for (size_t j = 0; j < LEN(argv); j++)
			free(argv[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_findings, free_output),
		cmocka_unit_test_teardown(test_nothing_wrong, free_output),
		cmocka_unit_test_teardown(test_since, free_output),
		cmocka_unit_test_teardown(test_since_files, free_output),
		cmocka_unit_test_teardown(test_json, free_output),
		cmocka_unit_test_teardown(test_prom, free_output),
		cmocka_unit_test_teardown(test_table, free_output),
		cmocka_unit_test_teardown(test_machines, free_output),
		cmocka_unit_test(test_expect_words),
		cmocka_unit_test_teardown(test_plugin, free_output),
		cmocka_unit_test_teardown(test_severities, free_output),
		cmocka_unit_test_teardown(test_plugin_names, free_output),
		cmocka_unit_test_teardown(test_unreadable, free_output),
		cmocka_unit_test_teardown(test_usage, free_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
