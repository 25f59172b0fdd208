/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "path/addr_pairs.h"
#include "path/own_addrs.h"
#include "seed.h"

#define SECOND 1000000000ull

static union sock_addr addr_of(const char *text, uint16_t port)
{
	union sock_addr a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (a.sa.sa_family == AF_INET)
		assert_int_equal(inet_pton(AF_INET, text, &a.in.sin_addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
	sock_addr_set_port(&a, port);
	return a;
}

/* n pairs; all may join. */
static struct addr_pairs some(unsigned n)
{
	struct addr_pairs r = { 0 };

	for (unsigned i = 0; i < n; i++) {
		union sock_addr a = addr_of("10.0.0.0", 1);

		a.in.sin_addr.s_addr = htonl(0x0a000000 + i);
		assert_int_equal(addr_pairs_add(&r, &a, NULL, 0), 1);
	}
	return r;
}

static void expect_text(const struct addr_pairs *r, unsigned i, const char *text)
{
	char got[ADDR_PAIRS_TEXT_LEN];

	addr_pairs_text(&r->pair[i], got);
	assert_string_equal(got, text);
}

/* Each remote address with each local one of its family. */
static void test_pairs(void **state)
{
	const union sock_addr ours[] = { addr_of("10.0.0.1", 0), addr_of("2001:db8::1", 0),
					 addr_of("10.0.1.1", 0) };
	const union sock_addr four = addr_of("10.9.0.1", 7), six = addr_of("2001:db8::9", 7);
	struct addr_pairs r = { 0 };

	assert_int_equal(addr_pairs_add(&r, &four, ours, 3), 2);
	assert_int_equal(addr_pairs_add(&r, &six, ours, 3), 1);
	assert_int_equal(addr_pairs_add(&r, &four, ours, 3), 0);
	assert_int_equal(r.n, 3);
	expect_text(&r, 0, "10.0.0.1 to 10.9.0.1");
	expect_text(&r, 1, "10.0.1.1 to 10.9.0.1");
	expect_text(&r, 2, "2001:db8::1 to 2001:db8::9");
	assert_int_equal(addr_pairs_add(&r, &six, ours, 1), 0);
	/* The kernel's choice is the one that is there. */
	assert_int_equal(addr_pairs_add(&r, &four, NULL, 0), 0);
	r.n = 0;
	assert_int_equal(addr_pairs_add(&r, &four, NULL, 0), 1);
	expect_text(&r, 0, "10.9.0.1");
}

static void test_limit(void **state)
{
	struct addr_pairs r = some(ADDR_PAIRS_MAX);
	const union sock_addr more = addr_of("10.1.0.1", 7);

	assert_int_equal(addr_pairs_add(&r, &more, NULL, 0), 0);
	assert_int_equal(r.n, ADDR_PAIRS_MAX);
}

static void test_match(void **state)
{
	const union sock_addr ours = addr_of("10.0.0.1", 0), theirs = addr_of("10.9.0.1", 7);
	struct wire_names names = { .local = { 4, { 10, 0, 0, 1 }, 4000 },
				    .remote = { 4, { 10, 9, 0, 1 }, 8 } };
	struct addr_pairs r = { 0 };

	addr_pairs_add(&r, &theirs, &ours, 1);
	assert_true(addr_pairs_match(&r.pair[0], &names));
	names.local.addr[3] = 2;
	assert_false(addr_pairs_match(&r.pair[0], &names));
	r.pair[0].local.sa.sa_family = AF_UNSPEC;
	assert_true(addr_pairs_match(&r.pair[0], &names));
	names.remote.addr[3] = 2;
	assert_false(addr_pairs_match(&r.pair[0], &names));
}

/* Any number of connections is shared as the weights say, as far as whole ones allow. */
static void test_shares(void **state)
{
	struct rng rng = rng_start();

	for (unsigned round = 0; round < 1000; round++) {
		unsigned n = 1 + (unsigned)rng_below(&rng, ADDR_PAIRS_MAX), sum = 0, n_flows;
		unsigned open[ADDR_PAIRS_MAX] = { 0 };
		struct addr_pairs r = some(n);

		for (unsigned i = 0; i < n; i++)
			sum += r.pair[i].weight = 1 + (uint32_t)rng_below(&rng, 4);
		n_flows = sum * (1 + (unsigned)rng_below(&rng, 4));
		for (unsigned i = 0; i < n_flows; i++)
			open[addr_pairs_next(&r, open, 0)]++;
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(open[i] * sum, n_flows * r.pair[i].weight);
	}
}

static void test_each_gets_one(void **state)
{
	struct addr_pairs r = some(4);
	unsigned open[ADDR_PAIRS_MAX] = { 0 };

	for (unsigned i = 0; i < 4; i++)
		open[addr_pairs_next(&r, open, 0)]++;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(open[i], 1);
	assert_int_equal(addr_pairs_bare(&r, open, 0), -1);
	open[2] = 0;
	assert_int_equal(addr_pairs_bare(&r, open, 0), 2);
	r.pair[2].no_joins = true;
	assert_int_equal(addr_pairs_bare(&r, open, 0), -1);
	assert_int_equal(addr_pairs_n_joining(&r), 3);
}

/* One that fails keeps no other one waiting, and is tried again later and later. */
static void test_rest(void **state)
{
	struct addr_pairs r = some(2);
	unsigned open[ADDR_PAIRS_MAX] = { 0, 5 };
	uint64_t now = SECOND, pause = ADDR_PAIRS_REST_MIN_NS;

	assert_int_equal(addr_pairs_due(&r, now), UINT64_MAX);
	for (unsigned i = 1; i < ADDR_PAIRS_FAILURES_MAX; i++) {
		assert_int_equal(addr_pairs_next(&r, open, now), 0);
		addr_pairs_failed(&r.pair[0], false, now);
		assert_int_equal(addr_pairs_next(&r, open, now), 1);
		assert_int_equal(addr_pairs_bare(&r, open, now), -1);
		assert_int_equal(addr_pairs_due(&r, now), now + pause);
		now += pause;
		pause = 2 * pause < ADDR_PAIRS_REST_MAX_NS ? 2 * pause : ADDR_PAIRS_REST_MAX_NS;
	}
	addr_pairs_failed(&r.pair[0], false, now);
	assert_int_equal(addr_pairs_due(&r, now), now + ADDR_PAIRS_REST_SLOW_NS);
	addr_pairs_answered(&r.pair[0]);
	addr_pairs_failed(&r.pair[0], false, now);
	assert_int_equal(addr_pairs_due(&r, now), now + ADDR_PAIRS_REST_MIN_NS);
	addr_pairs_fresh(&r.pair[0]);
	assert_int_equal(addr_pairs_next(&r, open, now), 0);
	addr_pairs_failed(&r.pair[0], false, now);
	addr_pairs_failed(&r.pair[1], true, now);
	assert_int_equal(addr_pairs_next(&r, open, now), -1);
	assert_int_equal(r.pair[1].due_ns, now + ADDR_PAIRS_REST_SLOW_NS);
	assert_int_equal(addr_pairs_due(&r, now), now + ADDR_PAIRS_REST_MIN_NS);
}

/* What the peer named is given up soon, unless it has ever answered. */
static void test_announced(void **state)
{
	struct addr_pairs r = some(2);

	r.pair[0].announced = r.pair[1].announced = true;
	addr_pairs_answered(&r.pair[1]);
	for (unsigned i = 0; i < ADDR_PAIRS_ANNOUNCED_TRIES; i++) {
		assert_false(r.pair[0].no_joins);
		addr_pairs_failed(&r.pair[0], false, 0);
		addr_pairs_failed(&r.pair[1], false, 0);
	}
	assert_true(r.pair[0].no_joins);
	assert_false(r.pair[1].no_joins);
}

/* Only a peer that answered knows the session. */
static void test_again(void **state)
{
	struct addr_pairs r = some(4);

	assert_int_equal(addr_pairs_again(&r, 2), 2);
	r.pair[1].answered = r.pair[3].answered = true;
	assert_int_equal(addr_pairs_again(&r, 0), 1);
	assert_int_equal(addr_pairs_again(&r, 1), 3);
	assert_int_equal(addr_pairs_again(&r, 3), 1);
}

static void test_reachable(void **state)
{
	static const char *const yes[] = { "10.0.0.1", "192.0.2.1", "223.1.2.3", "2001:db8::1",
					   "fd00::1" };
	static const char *const no[] = { "0.0.0.0",         "0.1.2.3",     "127.0.0.1",
					  "127.9.9.9",       "169.254.1.1", "224.0.0.1",
					  "255.255.255.255", "::",          "::1",
					  "fe80::1",         "ff02::1",     "::ffff:10.0.0.1" };

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		union sock_addr a = addr_of(yes[i], 0);

		assert_true(own_addrs_reachable(&a));
	}
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		union sock_addr a = addr_of(no[i], 0);

		assert_false(own_addrs_reachable(&a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),         cmocka_unit_test(test_limit),
		cmocka_unit_test(test_match),         cmocka_unit_test(test_shares),
		cmocka_unit_test(test_each_gets_one), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_announced),     cmocka_unit_test(test_again),
		cmocka_unit_test(test_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
