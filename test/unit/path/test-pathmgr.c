/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions over several pairs of addresses, on recorded machines: what is said about their links,
 * and where connections are said to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "path/egress.h"
#include "path/link_convert.h"
#include "path/pathmgr_plan.h"
#include "test-topo-fixture.h"

/* A connection is a number: a thousand times our address, and the peer's; both of 10.0.0.0/24. */
#define CONNECTION(ours, theirs) ((ours)*1000 + (theirs))

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

static int fill(struct sockaddr *addr, int host, uint16_t port)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr = { htonl(0x0a000000 + (uint32_t)host) } };

	memcpy(addr, &in, sizeof(in));
	return 0;
}

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return fill(addr, fd / 1000, 40000);
}

int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	return fill(addr, fd % 1000, 4000);
}

static const struct topo_source_ops *recorded;
static unsigned n_queries;

static int count_query(void *ctx, int family, const struct nlmsghdr *request, topo_reply_fn fn,
		       void *arg)
{
	n_queries++;
	return recorded->query(ctx, family, request, fn, arg);
}

static const struct topo_source_ops counting = { count_query };

/* A path manager on this machine, whose first connection is this. */
static struct pathmgr *begin(struct fixture *f, const char *machine, int connection)
{
	struct pathmgr_config config = {
		.client = true, .source = &f->source, .ranges = { { 40000, 50000 } }, .n_ranges = 1
	};
	char dir[FIXTURE_PATH_LEN] = FIXTURES "/";
	struct pathmgr *p;

	fixture_open(f, strcat(dir, machine));
	recorded = f->source.ops;
	f->source.ops = &counting;
	assert_int_equal(pathmgr_new(&p, &config), 0);
	pathmgr_learn(p, connection, 0);
	return p;
}

static int join(struct pathmgr *p, int connection, bool changed)
{
	bool is_changed;
	int way = pathmgr_join(p, connection, &is_changed);

	assert_int_equal(is_changed, changed);
	return way;
}

/* The peer's links are as ours. */
static void mirror(struct pathmgr *p)
{
	struct wire_facts facts = *pathmgr_facts(p);

	pathmgr_set_peer_facts(p, &facts);
}

/* Another pair of addresses over the same bond: nothing new to tell, and its lanes are what they
 * would be if it had been the first. */
static void test_same_bond(void **state)
{
	struct fixture f, g;
	struct pathmgr *p = begin(&f, "lacp", CONNECTION(1, 2));
	struct pathmgr *alone = begin(&g, "lacp", CONNECTION(5, 9));
	unsigned n_others = 0;

	assert_int_equal(pathmgr_facts(p)->kind, WIRE_FACTS_BOND);
	assert_int_equal(join(p, CONNECTION(5, 9), false), 1);
	assert_int_equal(join(p, CONNECTION(1, 2), false), 0);
	assert_false(pathmgr_several(p));
	assert_int_equal(pathmgr_facts(p)->n_links, 4);
	mirror(p);
	mirror(alone);
	for (uint16_t port = 40000; port < 40064; port++) {
		struct subflow_stats got, wanted, first;

		pathmgr_place(p, 1, port, &got);
		pathmgr_place(p, 0, port, &first);
		pathmgr_lanes(alone, port, &wanted);
		assert_in_range(got.tx_link, 0, 3);
		assert_int_equal(got.tx_link, wanted.tx_link);
		assert_int_equal(got.rx_link, wanted.rx_link);
		assert_int_equal(got.peer_tx_link, wanted.peer_tx_link);
		assert_int_equal(got.peer_rx_link, wanted.peer_rx_link);
		n_others += got.tx_link != first.tx_link;
	}
	assert_true(n_others > 16);
	pathmgr_free(p);
	pathmgr_free(alone);
}

/* A bond, and another interface. */
static void test_bond_and_interface(void **state)
{
	struct wire_links counted;
	struct side_stats here, there;
	struct subflow_stats lanes;
	struct fixture f;
	struct pathmgr *p = begin(&f, "bridge", CONNECTION(1, 2));
	const struct pathmgr_flow flows[] = { { 0, 40000 }, { 1, 40001 }, { 1, 40002 } };
	char text[200];

	assert_int_equal(pathmgr_facts(p)->n_links, 2);
	pathmgr_count(p, 1, &counted);
	assert_int_equal(counted.n, 2);
	assert_int_equal(join(p, CONNECTION(1, 3), true), 1);
	assert_int_equal(pathmgr_facts(p)->kind, WIRE_FACTS_SEVERAL);
	assert_string_equal(pathmgr_facts(p)->link[2].name, "guest");
	pathmgr_count(p, 2, &counted);
	assert_int_equal(counted.n, 3);
	pathmgr_stats(p, &counted, &here, &there);
	assert_true(here.counted);
	assert_string_equal(here.name, "bond0+guest");
	assert_true(pathmgr_several(p));
	/* Known are the bond's active link, and the interface. */
	pathmgr_place(p, 0, 40000, &lanes);
	assert_int_equal(lanes.tx_link, 0);
	assert_int_equal(lanes.rx_link, -1);
	assert_int_equal(pathmgr_sends_by(p, 0), -1);
	pathmgr_place(p, 1, 40000, &lanes);
	assert_int_equal(lanes.tx_link, 2);
	assert_int_equal(pathmgr_sends_by(p, 1), 2);
	assert_true(pathmgr_counts(p, 1) && !pathmgr_counts(p, -1));
	pathmgr_place(p, -1, 40000, &lanes);
	assert_int_equal(lanes.tx_link, -1);
	pathmgr_state(p, flows, 3, text, sizeof(text));
	assert_non_null(strstr(text, ": 3 subflows, tx 1/2, rx ?"));
	assert_null(strstr(text, "back"));
	pathmgr_free(p);
}

/* The peer's bond, for which ports are planned, becomes one of several: the plan is the same. */
static void test_peer_has_several(void **state)
{
	const struct wire_facts right = { .kind = WIRE_FACTS_PLAIN,
					  .n_links = 1,
					  .usable = 1,
					  .name = "right",
					  .link = { { "right", 100 } } };
	struct fixture f;
	struct pathmgr *p = begin(&f, "lacp", CONNECTION(1, 2));
	struct wire_facts all = { 0 };

	mirror(p);
	link_convert_add(&all, pathmgr_facts(p));
	link_convert_add(&all, &right);
	join(p, CONNECTION(1, 9), false);
	for (uint16_t port = 40000; port < 40008; port++) {
		struct subflow_stats before, after, other;

		mirror(p);
		pathmgr_lanes(p, port, &before);
		assert_false(pathmgr_set_peer_facts(p, &all));
		pathmgr_lanes(p, port, &after);
		assert_int_equal(after.peer_tx_link, before.peer_tx_link);
		assert_int_equal(after.peer_rx_link, before.peer_rx_link);
		/* Of a connection to its other address only what leaves here. */
		pathmgr_place(p, 1, port, &other);
		assert_int_equal(other.peer_tx_link, -1);
		assert_int_equal(other.peer_rx_link, -1);
		assert_in_range(other.tx_link, 0, 3);
	}
	assert_true(pathmgr_several(p));
	all.usable &= ~1u;
	assert_true(pathmgr_set_peer_facts(p, &all));
	pathmgr_free(p);
}

/* A peer that comes from ever other addresses. */
static void test_many_addresses(void **state)
{
	struct fixture f;
	struct pathmgr *p = begin(&f, "lacp", CONNECTION(1, 2));
	unsigned n;

	for (int i = 1; i < EGRESS_MAX; i++)
		assert_int_equal(join(p, CONNECTION(1 + i, 2), false), i);
	n = n_queries;
	for (int i = EGRESS_MAX; i < 250; i++)
		assert_int_equal(join(p, CONNECTION(1 + i, 2), false), -1);
	assert_int_equal(join(p, CONNECTION(2, 2), false), 1);
	assert_int_equal(n_queries, n);
	pathmgr_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bond),
		cmocka_unit_test(test_bond_and_interface),
		cmocka_unit_test(test_peer_has_several),
		cmocka_unit_test(test_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
