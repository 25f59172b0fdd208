/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/doctor/doctor_peer_rules.h"
#include "doctor-probes.h"

static struct doctor_probes probes;
static struct doctor_finding finding;

typedef bool (*rule)(const struct doctor_view *v, struct doctor_finding *f);

static bool holds(rule r)
{
	const struct doctor_view v = { .probes = &probes };

	finding = (struct doctor_finding){ 0 };
	return r(&v, &finding);
}

/* Lanes ---------------------------------------------------------------------------------------- */

static void test_lane_end(void **state)
{
	const uint64_t clear[] = { 1000, 820000, 500, 0 }, shared[] = { 400000, 420000 },
		       other[] = { 9000000, 800000 }, little[] = { 100, 90000 };

	assert_int_equal(doctor_lane_end(clear, 4, 786432), 1);
	assert_int_equal(doctor_lane_end(shared, 2, 786432), -1);
	/* Other traffic is more: it may not be told apart. */
	assert_int_equal(doctor_lane_end(other, 2, 786432), 0);
	/* Counters that lag. */
	assert_int_equal(doctor_lane_end(little, 2, 786432), -1);
	assert_int_equal(doctor_lane_end(clear, 4, 0), -1);
	assert_int_equal(doctor_lane_end(NULL, 0, 786432), -1);
}

/* Counters that come one flow late. */
static void test_late_counters(void **state)
{
	fixture_probes(&probes);
	doctor_check_lanes(&probes);
	assert_false(probes.lagging);
	assert_int_equal(probes.flow[5].out.to, 1);
	/* A few that other traffic has spoilt. */
	for (unsigned i = 0; i < 4; i++)
		probes.flow[i].out.from = 3 - probes.flow[i].told;
	doctor_check_lanes(&probes);
	assert_false(probes.lagging);
	for (unsigned i = 0; i < probes.n_flows; i++)
		probes.flow[i].out.from = (int8_t)((i + 3) % 4);
	doctor_check_lanes(&probes);
	assert_true(probes.lagging);
	assert_int_equal(probes.flow[5].out.from, 1);
	assert_int_equal(probes.flow[5].out.to, -1);
	assert_int_equal(probes.flow[5].back.to, -1);
	/* Where there is no rule, nothing contradicts. */
	fixture_probes(&probes);
	for (unsigned i = 0; i < probes.n_flows; i++)
		probes.flow[i].told = -1;
	doctor_check_lanes(&probes);
	assert_false(probes.lagging);
}

static void test_sound(void **state)
{
	fixture_probes(&probes);
	assert_false(holds(rules_lane_mtu));
	assert_false(holds(rules_lane_dead));
	assert_false(holds(rules_lane_slow));
	assert_false(holds(rules_switch_there));
	assert_false(holds(rules_switch_here));
	assert_false(holds(rules_peer_links));
	assert_false(holds(rules_peer_policy_mac));
}

static void test_mtu(void **state)
{
	fixture_probes(&probes);
	/* Two flows of one lane are one thing to say. */
	probes.flow[1].out = probes.flow[5].out = (struct doctor_way){ 1, 2, 0, true, 1360 };
	assert_true(holds(rules_lane_mtu));
	assert_string_equal(finding.detail,
			    "eth1 here > eth2 of the peer passes segments of 1360 bytes");
	assert_false(holds(rules_lane_dead));
	assert_false(holds(rules_lane_slow));
	probes.flow[2].back = (struct doctor_way){ 2, -1, 0, true, 536 };
	assert_true(holds(rules_lane_mtu));
	assert_non_null(
		strstr(finding.detail, ", eth2 of the peer > ? here passes segments of 536 bytes"));
}

static void test_slow(void **state)
{
	fixture_probes(&probes);
	for (unsigned i = 2; i < probes.n_flows; i += 4)
		probes.flow[i].out.rate = 4.7e6;
	assert_true(holds(rules_lane_slow));
	assert_string_equal(finding.detail, "eth2 here > eth2 of the peer carries 4.70 Mbit/s");
	/* One that had bad luck, among others of its lane. */
	probes.flow[2].out.rate = 46e6;
	assert_false(holds(rules_lane_slow));
	/* One alone that was over at once. */
	fixture_probes(&probes);
	for (unsigned i = 0; i < probes.n_flows; i++)
		probes.flow[i].out.rate = 9e9;
	probes.flow[3].out.to = 0;
	probes.flow[3].out.rate = 3e9;
	assert_false(holds(rules_lane_slow));
	probes.flow[3].out.rate = 2e8;
	assert_true(holds(rules_lane_slow));
	/* On which lane is not known. */
	probes.flow[3].out.from = probes.flow[3].out.to = -1;
	assert_false(holds(rules_lane_slow));
}

/* Half of the lanes are slow: the others still set the measure. */
static void test_many_slow(void **state)
{
	fixture_probes(&probes);
	for (unsigned i = 0; i < probes.n_flows; i++)
		if (i % 4 < 2)
			probes.flow[i].back.rate = 5e6;
	assert_true(holds(rules_lane_slow));
	assert_non_null(strstr(finding.detail, "eth0 of the peer > eth0 here carries 5.00 Mbit/s, "
					       "eth1 of the peer > eth1 here"));
}

static void test_switch(void **state)
{
	fixture_probes(&probes);
	for (unsigned i = 0; i < probes.n_flows; i++)
		probes.flow[i].out.to = i < 8 ? 3 : -1;
	assert_true(holds(rules_switch_there));
	assert_string_equal(finding.detail, "all 8 flows that were tried arrived by eth3 of bond1");
	/* It is known of too few. */
	probes.flow[0].out.to = -1;
	assert_false(holds(rules_switch_there));
	/* There is only one to arrive by. */
	probes.flow[0].out.to = 3;
	for (unsigned i = 0; i < 3; i++)
		probes.peer.link[i].usable = false;
	assert_false(holds(rules_switch_there));
}

static void test_peer(void **state)
{
	fixture_probes(&probes);
	probes.peer_facts.usable = 5;
	assert_true(holds(rules_peer_links));
	assert_string_equal(finding.detail, "eth1, eth3");
	assert_string_equal(finding.dev, "bond1");
	/* What hashes nothing has no policy. */
	probes.peer_facts.policy = 0;
	assert_true(holds(rules_peer_policy_mac));
	probes.peer_facts.mode = 5;
	assert_false(holds(rules_peer_policy_mac));
	probes.peer_facts.kind = WIRE_FACTS_PLAIN;
	assert_false(holds(rules_peer_links));
}

/* A peer may say anything. */
static void test_hostile_peer(void **state)
{
	fixture_probes(&probes);
	strcpy(probes.peer_facts.link[1].name, "a\033[1m");
	strcpy(probes.peer.link[1].name, "a\033[1m");
	probes.peer_facts.usable = 5;
	probes.flow[1].out.stuck = true;
	probes.flow[2].out.to = 100;
	probes.flow[2].out.stuck = true;
	assert_true(holds(rules_peer_links));
	assert_null(strchr(finding.detail, '\033'));
	assert_true(holds(rules_lane_dead));
	assert_null(strchr(finding.detail, '\033'));
}

/* Reports -------------------------------------------------------------------------------------- */

static void test_mask(void **state)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{ "10.0.0.1 is 10.0.0.1, not 10.0.0.2.",
		  "<address-1> is <address-1>, not <address-2>." },
		{ "fd09::1: by bond0, ::1 (FD09::1)",
		  "<address-1>: by bond0, <address-2> (<address-1>)" },
		{ "its partner is 02:00:00:00:00:0a.", "its partner is <mac-1>." },
		{ "eth0 of bond0.100 carries 47.8 Mbit/s, 25 % at 12:30",
		  "eth0 of bond0.100 carries 47.8 Mbit/s, 25 % at 12:30" },
		{ "mpnc 0.1.0, Linux 6.1.0-13-amd64\n", "mpnc 0.1.0, Linux 6.1.0-13-amd64\n" },
		{ "port 40000: added face: cafe", "port 40000: added face: cafe" },
		{ "\"peer\":\"192.0.2.7\",\"x\":\"fe80::a:b%eth0\"",
		  "\"peer\":\"<address-1>\",\"x\":\"<address-2>%eth0\"" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(doctor_mask(out, cases[i].text), 0);
		fclose(out);
		assert_string_equal(text, cases[i].masked);
		free(text);
	}
}

static void test_show(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fixture_probes(&probes);
	probes.flow[1].out = (struct doctor_way){ 1, 2, 0, true, 1360 };
	probes.flow[2].back = (struct doctor_way){ 2, -1, 0, true, 0 };
	strcpy(probes.why, "it went away");
	doctor_show_probes(out, &probes);
	fclose(out);
	assert_non_null(strstr(text, "peer: bond1 802.3ad layer3+4"));
	assert_non_null(strstr(text, "one connection:    out 47.0 Mbit/s, back 47.0 Mbit/s\n"));
	assert_non_null(strstr(text, "4 connections:     out 188 Mbit/s, back 188 Mbit/s\n"));
	assert_non_null(strstr(text, "port 40000  eth0 > eth0 45.0 Mbit/s, eth0 < eth0 45.0 "
				     "Mbit/s\n"));
	assert_non_null(strstr(text, "port 40001  eth1 > eth2 only small segments (1360), "));
	assert_non_null(strstr(text, "? < eth2 nothing\n"));
	assert_non_null(strstr(text, "not measured to the end: it went away\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lane_end),      cmocka_unit_test(test_sound),
		cmocka_unit_test(test_late_counters), cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_slow),          cmocka_unit_test(test_many_slow),
		cmocka_unit_test(test_switch),        cmocka_unit_test(test_peer),
		cmocka_unit_test(test_hostile_peer),  cmocka_unit_test(test_mask),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
