/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "plan/cover.h"
#include "plan/plan.h"

#define N(a)  (sizeof(a) / sizeof((a)[0]))
#define FIRST 32768
#define LAST  60999

static const struct plan_range usual = { FIRST, LAST };

static uint32_t next(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*x >> 32);
}

static struct plan_side side_of(unsigned n, uint32_t speed)
{
	struct plan_side s = { .known = true };

	s.bond = (struct hash_bond){ .mode = HASH_8023AD,
				     .policy = HASH_LAYER34,
				     .variant = HASH_5_18,
				     .n_links = n,
				     .usable = n < 32 ? (1u << n) - 1 : UINT32_MAX,
				     .active = -1 };
	for (unsigned i = 0; i < n; i++)
		s.speed[i] = speed;
	return s;
}

static struct plan_input input_of(struct plan_side here, struct plan_side peer)
{
	struct plan_input in = { .family = FLOW_IPV4,
				 .remote_port = 5201,
				 .here = here,
				 .peer = peer,
				 .ranges = &usual,
				 .n_ranges = 1,
				 .seed = 7 };

	inet_pton(AF_INET, "10.1.0.1", in.local);
	inet_pton(AF_INET, "10.1.0.77", in.remote);
	return in;
}

static struct plan make(const struct plan_input *in)
{
	struct plan p;

	assert_int_equal(plan_make(in, &p), 0);
	return p;
}

/* The lanes of a port, found without the planner. */
struct lanes {
	unsigned node[4];
};

static struct flow flow_of(const struct plan_input *in, uint16_t port)
{
	struct flow f = {
		.family = in->family, .sport = port, .dport = in->remote_port, .protocol = FLOW_TCP
	};

	memcpy(f.src, in->local, 16);
	memcpy(f.dst, in->remote, 16);
	return f;
}

static struct lanes lanes_of(const struct plan_input *in, uint16_t port)
{
	struct flow out = flow_of(in, port), back = flow_reverse(&out);
	struct lanes l;

	assert_int_equal(hash_link(&in->here.bond, &out, &l.node[0]), 0);
	assert_int_equal(hash_link(&in->peer.bond, &out, &l.node[1]), 0);
	assert_int_equal(hash_link(&in->peer.bond, &back, &l.node[2]), 0);
	assert_int_equal(hash_link(&in->here.bond, &back, &l.node[3]), 0);
	return l;
}

/*
 * The maximum flow without searching for one: by max-flow min-cut, the least over all subsets of
 * the smaller end of what a cut along it costs.
 */
static uint64_t min_cut(unsigned n, const uint32_t *left, const uint32_t *right,
			const uint32_t *edges)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t kept = 0; kept < 1u << n; kept++) {
		uint32_t reached = 0;
		uint64_t cost = 0;

		for (unsigned a = 0; a < n; a++) {
			if (kept >> a & 1)
				reached |= edges[a];
			else
				cost += left[a];
		}
		for (unsigned b = 0; b < 32; b++)
			cost += reached >> b & 1 ? right[b] : 0;
		least = cost < least ? cost : least;
	}
	return least;
}

static uint64_t rate_of(const struct plan_input *in, const struct lanes *l, unsigned n,
			unsigned dir)
{
	const struct plan_side *tx = dir ? &in->peer : &in->here;
	const struct plan_side *rx = dir ? &in->here : &in->peer;
	uint32_t edges[HASH_LINKS_MAX] = { 0 };

	for (unsigned i = 0; i < n; i++)
		edges[l[i].node[cover_sender(dir)]] |= 1u << l[i].node[cover_receiver(dir)];
	return min_cut(tx->bond.n_links, tx->speed, rx->speed, edges);
}

static unsigned larger(const struct plan_input *in)
{
	unsigned a = in->here.bond.n_links, b = in->peer.bond.n_links;

	return a > b ? a : b;
}

static struct lanes every[LAST - FIRST + 1];

/* Speeds do not count in this. */
static void find_all(const struct plan_input *in)
{
	for (unsigned port = FIRST; port <= LAST; port++)
		every[port - FIRST] = lanes_of(in, (uint16_t)port);
}

/* None of the flows can be spared. */
static void check_none_idle(const struct plan_input *in, const struct plan *p,
			    const struct lanes *used)
{
	for (unsigned i = 0; i < p->n_flows; i++) {
		static struct lanes rest[PLAN_FLOWS_MAX];
		unsigned n = 0;

		for (unsigned k = 0; k < p->n_flows; k++)
			if (k != i)
				rest[n++] = used[k];
		assert_true(rate_of(in, rest, n, 0) < p->out.reach ||
			    rate_of(in, rest, n, 1) < p->in.reach);
	}
}

/* What every plan for two known bonds of layer3+4 has to be; find_all() comes before. */
static void check(const struct plan_input *in, const struct plan *p)
{
	static struct lanes used[PLAN_FLOWS_MAX];

	for (unsigned i = 0; i < p->n_flows; i++) {
		const struct plan_flow *f = &p->flows[i];

		assert_in_range(f->port, FIRST, LAST);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(f->port, p->flows[j].port);
		used[i] = lanes_of(in, f->port);
		assert_int_equal(f->out.tx, used[i].node[0]);
		assert_int_equal(f->out.rx, used[i].node[1]);
		assert_int_equal(f->in.tx, used[i].node[2]);
		assert_int_equal(f->in.rx, used[i].node[3]);
	}
	assert_int_equal(p->out.reach, rate_of(in, used, p->n_flows, 0));
	assert_int_equal(p->in.reach, rate_of(in, used, p->n_flows, 1));
	assert_int_equal(p->out.most, rate_of(in, every, N(every), 0));
	assert_int_equal(p->in.most, rate_of(in, every, N(every), 1));
	assert_int_equal(p->out.reach, p->out.most);
	assert_in_range(p->n_flows, 1, 2 * larger(in));
	assert_int_equal(p->in.reach == p->in.most, !(p->notes & PLAN_LIMITED));
	check_none_idle(in, p, used);
}

/* Every pair of 1 to 8 links. With equal speeds no plan has more flows than the larger side, when
 * the smaller side's links are as fast together; that is the proven least number. */
static void test_equal_speeds(void **state)
{
	unsigned flows = 0, plans = 0;

	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned m = 1; m <= 8; m++) {
			struct plan_input in = input_of(side_of(n, 10000), side_of(m, 10000));
			struct plan p = make(&in);

			find_all(&in);
			check(&in, &p);
			assert_false(p.notes & PLAN_LIMITED);
			assert_int_equal(p.out.most, 10000 * (n < m ? n : m));
			assert_int_equal(p.n_flows, n < m ? n : m);
			flows += p.n_flows;
			plans++;
		}
	}
	print_message("equal speeds: %u plans, %u flows\n", plans, flows);
}

static void test_sides_of_different_speed(void **state)
{
	const uint32_t speeds[] = { 1000, 2500, 10000, 25000, 40000 };
	unsigned limited = 0, plans = 0;

	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned m = 1; m <= 8; m++) {
			for (size_t s = 0; s < N(speeds); s++) {
				struct plan_input in =
					input_of(side_of(n, 10000), side_of(m, speeds[s]));
				struct plan p = make(&in);

				if (s == 0)
					find_all(&in);
				check(&in, &p);
				limited += p.notes & PLAN_LIMITED ? 1 : 0;
				plans++;
			}
		}
	}
	print_message("sides of different speed: %u plans, dir in incomplete in %u\n", plans,
		      limited);
	assert_int_equal(limited, 0);
}

static void test_unequal_links(void **state)
{
	const uint32_t speeds[] = { 1000, 2500, 5000, 10000, 25000, 40000 };
	unsigned limited = 0, plans = 0;
	uint64_t x = 11;

	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned m = 1; m <= 8; m++) {
			struct plan_input in = input_of(side_of(n, 0), side_of(m, 0));
			struct plan p;

			for (unsigned i = 0; i < n; i++)
				in.here.speed[i] = speeds[next(&x) % N(speeds)];
			for (unsigned i = 0; i < m; i++)
				in.peer.speed[i] = speeds[next(&x) % N(speeds)];
			in.here.bond.variant = next(&x) & 1 ? HASH_5_18 : HASH_3_19;
			in.peer.bond.order = next(&x) & 1;
			in.remote_port = (uint16_t)next(&x);
			in.remote[3] = (uint8_t)next(&x);
			in.seed = next(&x);
			p = make(&in);
			find_all(&in);
			check(&in, &p);
			limited += p.notes & PLAN_LIMITED ? 1 : 0;
			plans++;
		}
	}
	print_message("unequal links: %u plans, dir in incomplete in %u\n", plans, limited);
	assert_int_equal(limited, 0);
}

/* Many addresses and ports: with 2, 4 and 8 links one flow per link does for both directions. */
static void test_one_flow_per_link(void **state)
{
	uint64_t x = 12;

	for (int i = 0; i < 300; i++) {
		unsigned n = 1 + next(&x) % 8, m = 1 + next(&x) % 8;
		struct plan_input in = input_of(side_of(n, 10000), side_of(m, 10000));
		struct plan p;

		in.family = next(&x) & 1 ? FLOW_IPV6 : FLOW_IPV4;
		for (int k = 0; k < 16; k++) {
			in.local[k] = (uint8_t)next(&x);
			in.remote[k] = (uint8_t)next(&x);
		}
		in.remote_port = (uint16_t)next(&x);
		in.here.bond.order = next(&x) & 1;
		in.peer.bond.order = next(&x) & 1;
		in.here.bond.variant = HASH_3_13 + next(&x) % (HASH_N_VARIANTS - HASH_3_13);
		in.peer.bond.variant = in.here.bond.variant;
		in.here.bond.mode = in.peer.bond.mode = HASH_BALANCE_XOR;
		in.seed = next(&x);
		p = make(&in);
		if (p.out.most == p.in.most && p.out.most == 10000 * (n < m ? n : m))
			assert_int_equal(p.n_flows, n < m ? n : m);
		assert_int_equal(p.out.reach, p.out.most);
		assert_int_equal(p.in.reach, p.in.most);
	}
}

/* The covering by itself -------------------------------------------------------------------- */

static uint64_t cover_rate(const struct cover_task *t, uint32_t chosen, unsigned dir)
{
	uint32_t edges[COVER_NODES_MAX] = { 0 };

	for (unsigned i = 0; i < t->n_classes; i++)
		if (chosen >> i & 1)
			edges[t->classes[i].node[cover_sender(dir)]] |=
				1u << t->classes[i].node[cover_receiver(dir)];
	return min_cut(4, t->capacity[cover_sender(dir)], t->capacity[cover_receiver(dir)], edges);
}

/* For both ways, or for out alone. */
static unsigned brute_force(const struct cover_task *t, bool both)
{
	uint32_t all = (1u << t->n_classes) - 1;
	uint64_t out = cover_rate(t, all, 0), in = cover_rate(t, all, 1);
	unsigned least = 99;

	for (uint32_t set = 0; set <= all; set++) {
		unsigned n = (unsigned)__builtin_popcount(set);

		if (n < least && cover_rate(t, set, 0) == out &&
		    (!both || cover_rate(t, set, 1) == in))
			least = n;
	}
	return least;
}

/* Any few classes between up to 4 links of any speeds: the least number that there is. */
static void test_minimal(void **state)
{
	uint64_t x = 13;
	unsigned more = 0, rounds = 3000;

	for (unsigned round = 0; round < rounds; round++) {
		struct cover_class classes[9];
		struct cover_task t = { .classes = classes, .limit = COVER_FLOWS_MAX };
		unsigned nodes = 2 + next(&x) % 3, least;
		uint32_t scale = 1 + next(&x) % 6, set = 0;
		struct cover c;

		t.n_classes = 1 + next(&x) % N(classes);
		for (unsigned i = 0; i < t.n_classes; i++)
			for (unsigned end = 0; end < COVER_ENDS; end++)
				classes[i].node[end] = (uint8_t)(next(&x) % nodes);
		for (unsigned end = 0; end < COVER_ENDS; end++)
			for (unsigned i = 0; i < nodes; i++)
				t.capacity[end][i] = 1 + next(&x) % scale;
		assert_int_equal(cover_choose(&t, &c), 0);
		for (unsigned i = 0; i < c.n; i++)
			set |= 1u << c.chosen[i];
		assert_int_equal(c.reach[0], cover_rate(&t, set, 0));
		assert_int_equal(c.reach[1], cover_rate(&t, set, 1));
		assert_int_equal(c.reach[0], c.most[0]);
		assert_int_equal(c.reach[1], c.most[1]);
		least = brute_force(&t, true);
		assert_true(c.n >= least);
		more += c.n - least;
		/* With fewer than that, out is complete as long as it can be. */
		t.limit = least - 1;
		assert_int_equal(cover_choose(&t, &c), 0);
		assert_true(c.n <= t.limit);
		if (brute_force(&t, false) <= t.limit)
			assert_int_equal(c.reach[0], c.most[0]);
	}
	print_message("minimal: %u flows too many in %u covers\n", more, rounds);
	assert_int_equal(more, 0);
}

/* A limit: never more, and out as good as it can be when that suffices for it. */
static void test_limit(void **state)
{
	uint64_t x = 14;

	for (unsigned round = 0; round < 500; round++) {
		unsigned n = 2 + next(&x) % 7;
		struct plan_input in = input_of(side_of(n, 10000), side_of(n, 10000));
		struct plan p;

		in.max_flows = 1 + next(&x) % n;
		in.seed = next(&x);
		p = make(&in);
		assert_int_equal(p.n_flows, in.max_flows);
		assert_int_equal(p.out.reach, 10000 * in.max_flows);
		assert_int_equal(p.notes & PLAN_LIMITED, in.max_flows < n ? PLAN_LIMITED : 0);
		/* The first flows of any plan are worth the most. */
		in.max_flows = 0;
		p = make(&in);
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < i; j++)
				assert_int_not_equal(p.flows[i].out.tx, p.flows[j].out.tx);
	}
}

/* Ports ------------------------------------------------------------------------------------------
 */

static void test_same_seed_same_plan(void **state)
{
	struct plan_input in = input_of(side_of(5, 10000), side_of(7, 10000));
	unsigned differ = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		struct plan a, b;

		in.seed = seed;
		a = make(&in);
		b = make(&in);
		assert_memory_equal(&a, &b, sizeof(a));
		in.seed = seed + 1000;
		b = make(&in);
		differ += a.flows[0].port != b.flows[0].port;
	}
	assert_true(differ > 15);
}

static void test_ranges(void **state)
{
	const struct plan_range few[] = { { 0, 3 }, { 1000, 1007 }, { 65530, 65535 } };
	const struct plan_range except[] = { { 1, 1 }, { 1002, 1006 }, { 65531, 65534 } };
	struct plan_input in = input_of(side_of(2, 10000), side_of(2, 10000));

	in.ranges = few;
	in.n_ranges = N(few);
	in.except = except;
	in.n_except = N(except);
	for (in.seed = 0; in.seed < 50; in.seed++) {
		struct plan p = make(&in);

		assert_int_equal(p.n_flows, 2);
		for (unsigned i = 0; i < p.n_flows; i++) {
			uint16_t port = p.flows[i].port;

			assert_true(port == 2 || port == 3 || port == 1000 || port == 1001 ||
				    port == 1007 || port == 65530 || port == 65535);
		}
	}
	in.n_ranges = 0;
	assert_int_equal(plan_make(&in, &(struct plan){ 0 }), -EADDRNOTAVAIL);
	in.n_ranges = 1;
	in.except = few;
	assert_int_equal(plan_make(&in, &(struct plan){ 0 }), -EADDRNOTAVAIL);
	in.family = FLOW_OTHER;
	assert_int_equal(plan_make(&in, &(struct plan){ 0 }), -EINVAL);
}

/* All ports on one link are reached by one flow, and the plan says that it could be better. */
static void test_too_few_ports(void **state)
{
	const struct plan_range two = { 40000, 40001 };
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	struct plan p;

	in.ranges = &two;
	p = make(&in);
	assert_int_equal(p.n_flows, 1);
	assert_int_equal(p.out.most, 10000);
}

/* As many as the user wants: each lane gets its share. */
static void test_more_than_needed(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	unsigned on[4] = { 0 };
	struct plan p;

	in.min_flows = in.max_flows = 16;
	p = make(&in);
	assert_int_equal(p.n_flows, 16);
	for (unsigned i = 0; i < 16; i++) {
		struct plan_flow f = plan_flow_from(&in, p.flows[i].port);

		assert_memory_equal(&f, &p.flows[i], sizeof(f));
		on[f.out.tx]++;
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(p.flows[i].port, p.flows[j].port);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(on[i], 4);
	in.min_flows = in.max_flows = PLAN_FLOWS_MAX;
	assert_int_equal(make(&in).n_flows, PLAN_FLOWS_MAX);
}

/* Ports that make no whole block are used all the same. */
static void test_few_ports_and_nothing_known(void **state)
{
	const struct plan_side unknown = { 0 };
	const struct plan_range six = { 40006, 40011 }, taken = { 40007, 40007 };
	struct plan_input in = input_of(unknown, unknown);
	const uint16_t open = 40010;

	in.ranges = &six;
	in.except = &taken;
	in.n_except = 1;
	in.min_flows = in.max_flows = 5;
	assert_int_equal(make(&in).n_flows, 5);
	in.open = &open;
	in.n_open = 1;
	assert_int_equal(make(&in).n_flows, 5);
	in.min_flows = in.max_flows = 6;
	assert_int_equal(make(&in).n_flows, 5);
}

static void test_taken_ports(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(3, 10000));
	struct plan p = make(&in), q;
	static struct plan_range taken[PLAN_FLOWS_MAX];

	for (unsigned i = 0; i < p.n_flows; i++)
		taken[i] = (struct plan_range){ p.flows[i].port, p.flows[i].port };
	in.except = taken;
	in.n_except = p.n_flows;
	q = make(&in);
	assert_int_equal(q.n_flows, p.n_flows);
	for (unsigned i = 0; i < q.n_flows; i++)
		for (unsigned j = 0; j < p.n_flows; j++)
			assert_int_not_equal(q.flows[i].port, p.flows[j].port);
	find_all(&in);
	check(&in, &q);
}

/* Every alternate has the flow's lanes, none is reserved, none comes twice, all come. */
static void test_alternates(void **state)
{
	const struct plan_range except = { 41000, 42000 };
	struct plan_input in = input_of(side_of(4, 10000), side_of(3, 10000));
	struct plan p;

	in.except = &except;
	in.n_except = 1;
	p = make(&in);
	for (unsigned i = 0; i < p.n_flows; i++) {
		struct lanes want = lanes_of(&in, p.flows[i].port);
		unsigned n = 0, all = 0;
		uint16_t port = p.flows[i].port;

		while ((port = plan_alternate(&in, &p, i, port))) {
			struct lanes got = lanes_of(&in, port);

			assert_memory_equal(&got, &want, sizeof(got));
			assert_in_range(port, FIRST, LAST);
			assert_false(port >= 41000 && port <= 42000);
			n++;
		}
		for (unsigned k = FIRST; k <= LAST; k++) {
			struct lanes got = lanes_of(&in, (uint16_t)k);

			all += !memcmp(&got, &want, sizeof(got)) && (k < 41000 || k > 42000);
		}
		for (unsigned k = 0; k < p.n_flows; k++) {
			struct lanes got = lanes_of(&in, p.flows[k].port);

			all -= !memcmp(&got, &want, sizeof(got));
		}
		assert_int_equal(n, all);
	}
	assert_int_equal(plan_alternate(&in, &p, p.n_flows, 40000), 0);
}

/* A connection that is there is made use of. */
static void test_open_flows(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	const uint16_t open[] = { 50000, 20001, 50000 ^ 2 };
	struct plan p;

	in.open = open;
	for (in.n_open = 1; in.n_open <= 2; in.n_open++) {
		p = make(&in);
		assert_int_equal(p.flows[0].port, 50000);
		assert_int_equal(p.out.reach, 40000);
		assert_int_equal(p.in.reach, 40000);
		/* The second one shares the first one's link: one more than links. */
		assert_int_equal(p.n_flows,
				 in.n_open == 2 && p.flows[1].out.tx == p.flows[0].out.tx ? 5 : 4);
		for (unsigned i = in.n_open; i < p.n_flows; i++)
			assert_in_range(p.flows[i].port, FIRST, LAST);
	}
	/* More than fit: kept, and nothing is added. */
	in.n_open = 3;
	in.max_flows = 2;
	p = make(&in);
	assert_int_equal(p.n_flows, 3);
	/* No port left to choose. */
	in.n_ranges = 0;
	assert_int_equal(make(&in).n_flows, 3);
	in.n_open = PLAN_FLOWS_MAX + 1;
	assert_int_equal(plan_make(&in, &p), -EINVAL);
}

/* What is known ---------------------------------------------------------------------------------
 */

static void assert_block(const struct plan *p, unsigned begin, unsigned n)
{
	assert_int_equal(p->n_flows, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(p->flows[i].port, begin + i);
}

static void test_nothing_known(void **state)
{
	const struct plan_side unknown = { 0 };
	const struct plan_range hole = { 40000, 65535 };
	struct plan_input in = input_of(unknown, unknown);
	const uint16_t open = 34566;
	char text[200];
	struct plan p;

	for (in.seed = 0; in.seed < 50; in.seed++) {
		p = make(&in);
		assert_int_equal(p.flows[0].port % 8, 0);
		assert_block(&p, p.flows[0].port, 8);
		assert_int_equal(p.notes, PLAN_BLIND);
		assert_int_equal(p.flows[0].out.tx, -1);
		/* An alternate takes the same place in another block. */
		assert_int_equal(plan_alternate(&in, &p, 3, p.flows[3].port) % 8, 3);
	}
	plan_explain(&in, &p, text, sizeof(text));
	assert_string_equal(text, "no bond is visible, so a block of consecutive ports is used");
	/* Around the connection that is there. */
	in.open = &open;
	in.n_open = 1;
	p = make(&in);
	assert_int_equal(p.flows[0].port, open);
	assert_int_equal(p.n_flows, 8);
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(p.flows[i].port, 34560 + i - (i <= 6));
	/* Where there is no block, any ports with all low bits. */
	in.n_open = 0;
	in.except = (const struct plan_range[]){ hole, { FIRST, 32768 + 3 }, { 32780, 39990 } };
	in.n_except = 3;
	p = make(&in);
	assert_int_equal(p.n_flows, 8);
	in.max_flows = 3;
	assert_int_equal(make(&in).n_flows, 3);
}

/* A plain interface on one end says nothing about the other. */
static void test_one_plain_end(void **state)
{
	const struct plan_side unknown = { 0 };
	static struct plan_input in;
	static struct plan p;

	in = input_of(side_of(1, 10000), unknown);
	p = make(&in);
	assert_int_equal(p.n_flows, PLAN_BLIND_FLOWS);
	in = input_of(unknown, side_of(1, 10000));
	p = make(&in);
	assert_int_equal(p.n_flows, PLAN_BLIND_FLOWS);
	in = input_of(side_of(1, 10000), side_of(1, 1000));
	p = make(&in);
	assert_int_equal(p.n_flows, 1);
	assert_int_equal(p.notes, 0);
}

static void test_one_side_known(void **state)
{
	const struct plan_side unknown = { 0 };

	for (unsigned n = 2; n <= 8; n++) {
		struct plan_input in = input_of(side_of(n, 0), unknown);
		struct plan p = make(&in);
		uint32_t tx = 0, rx = 0;

		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(p.n_flows, n);
			for (unsigned i = 0; i < n; i++) {
				tx |= 1u << (k ? p.flows[i].in.tx : p.flows[i].out.tx);
				rx |= 1u << (k ? p.flows[i].out.rx : p.flows[i].in.rx);
				assert_int_equal(k ? p.flows[i].out.tx : p.flows[i].out.rx, -1);
			}
			assert_int_equal(tx, (1u << n) - 1);
			assert_int_equal(rx, (1u << n) - 1);
			assert_int_equal(p.out.reach, n);
			assert_int_equal(p.in.reach, n);
			assert_int_equal(p.notes, PLAN_ASSUMED);
			in = input_of(unknown, side_of(n, 0));
			p = make(&in);
			tx = rx = 0;
		}
	}
}

static void test_ports_do_not_matter(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	const struct plan_side unknown = { 0 };
	char text[300];
	struct plan p;

	/* Our data has one lane, the peer's has four. */
	in.here.bond.policy = HASH_LAYER2;
	p = make(&in);
	assert_int_equal(p.n_flows, 4);
	assert_int_equal(p.out.reach, 10000);
	assert_int_equal(p.in.reach, 40000);
	assert_int_equal(p.notes, PLAN_HERE_FIXED | PLAN_ASSUMED);
	assert_int_equal(p.flows[0].out.tx, -1);
	plan_explain(&in, &p, text, sizeof(text));
	assert_string_equal(text,
			    "here: layer2 sends all connections to one peer through one link; "
			    "the switches are assumed to hash like layer3+4");
	/* Which lane, if the MAC addresses are known. */
	in.here.macs_known = true;
	in.here.mac[5] = 0x11;
	in.here.next_hop[5] = 0x22;
	p = make(&in);
	assert_int_equal(p.flows[0].out.tx, 0x833 % 4);
	assert_int_equal(p.out.reach, 10000);
	/* The peer hashes by MAC as well: one flow is all it takes. */
	in.peer.bond.policy = HASH_LAYER23;
	p = make(&in);
	assert_int_equal(p.n_flows, 1);
	assert_int_equal(p.notes, PLAN_HERE_FIXED | PLAN_PEER_FIXED | PLAN_ASSUMED);
	/* Nothing known of the peer: its data may still come over all our links. */
	in.peer = unknown;
	assert_int_equal(make(&in).n_flows, 4);
	/* A bond of balance-alb or -tlb receives a peer's data on one link, one of active-backup
	 * has but one. */
	in.here.bond.policy = HASH_LAYER34;
	in.here.bond.mode = HASH_BALANCE_ALB;
	p = make(&in);
	assert_int_equal(p.n_flows, 4);
	assert_int_equal(p.out.reach, 40000);
	assert_int_equal(p.in.reach, 10000);
	assert_int_equal(p.notes, 0);
	in.here.bond.mode = HASH_ACTIVE_BACKUP;
	in.here.bond.active = 2;
	p = make(&in);
	assert_int_equal(p.n_flows, 1);
	assert_int_equal(p.flows[0].out.tx, 2);
	assert_int_equal(p.flows[0].in.rx, 2);
	assert_int_equal(p.notes, PLAN_HERE_FIXED);
}

static void test_unpredictable(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(1, 40000));
	char text[300];
	struct plan p;

	/* Nothing to steer but our reception: twice the links, evenly. */
	in.here.bond.policy = HASH_ENCAP34;
	p = make(&in);
	assert_int_equal(p.n_flows, 8);
	assert_int_equal(p.notes, PLAN_HERE_RANDOM | PLAN_ASSUMED);
	assert_int_equal(p.here_reason, HASH_R_RANDOM);
	for (int link = 0; link < 4; link++) {
		unsigned n = 0;

		for (unsigned i = 0; i < p.n_flows; i++)
			n += p.flows[i].in.rx == link;
		assert_int_equal(n, 2);
	}
	plan_explain(&in, &p, text, sizeof(text));
	assert_non_null(strstr(text, "here: links cannot be chosen, as encap3+4 uses a random"));
	/* Nor that: the switch was seen to spread by something of its own. */
	in.here.rx_known = true;
	in.here.rx = in.here.bond;
	p = make(&in);
	assert_int_equal(p.flows[0].port % 8, 0);
	assert_block(&p, p.flows[0].port, 8);
	assert_int_equal(p.notes, PLAN_HERE_RANDOM);
	/* Round robin uses all links with one connection. */
	in = input_of(side_of(4, 10000), side_of(1, 40000));
	in.here.bond.mode = HASH_BALANCE_RR;
	in.here.rx_known = true;
	in.here.rx = in.here.bond;
	p = make(&in);
	assert_int_equal(p.n_flows, 1);
	assert_int_equal(p.out.reach, 40000);
	/* Four links by us, any of three by the peer: six, and each local one. */
	in = input_of(side_of(4, 10000), side_of(3, 10000));
	in.peer.bond.mode = HASH_BALANCE_TLB;
	in.peer.bond.dynamic = true;
	p = make(&in);
	assert_int_equal(p.notes & PLAN_PEER_RANDOM, PLAN_PEER_RANDOM);
	assert_int_equal(p.n_flows, 6);
	in.max_flows = 5;
	p = make(&in);
	assert_int_equal(p.n_flows, 5);
	assert_int_equal(p.notes & PLAN_LIMITED, PLAN_LIMITED);
}

/* A measured switch takes the assumption's place. */
static void test_measured_switch(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	struct plan p;

	in.peer.rx_known = in.here.rx_known = true;
	in.peer.rx = in.here.rx = in.peer.bond;
	in.peer.rx.mode = HASH_ACTIVE_BACKUP;
	in.peer.rx.active = 1;
	p = make(&in);
	assert_int_equal(p.out.reach, 10000);
	assert_int_equal(p.in.reach, 40000);
	assert_int_equal(p.n_flows, 4);
	assert_int_equal(p.notes, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(p.flows[i].out.rx, 1);
}

static void test_dead_link(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	struct plan p;

	in.here.bond.usable = 0xb;
	p = make(&in);
	assert_int_equal(p.out.reach, 30000);
	assert_int_equal(p.in.reach, 30000);
	assert_int_equal(p.n_flows, 3);
	for (unsigned i = 0; i < p.n_flows; i++)
		assert_int_not_equal(p.flows[i].out.tx, 2);
	/* None left, or more than can be: like nothing known of that side. */
	in.here.bond.usable = 0xf0;
	assert_int_equal(make(&in).n_flows, 4);
	in.here.bond.n_links = HASH_LINKS_MAX + 1;
	assert_int_equal(make(&in).n_flows, 4);
}

/* A team loses the source port of IPv6, which is the destination's on the way back. */
static void test_team_ipv6(void **state)
{
	struct plan_input in = input_of(side_of(4, 10000), side_of(4, 10000));
	struct plan p;

	in.here.bond.mode = in.peer.bond.mode = HASH_TEAM;
	in.here.bond.team_parts = in.peer.bond.team_parts =
		HASH_TEAM_IPV4 | HASH_TEAM_IPV6 | HASH_TEAM_L4;
	p = make(&in);
	assert_int_equal(p.n_flows, 4);
	assert_int_equal(p.out.reach, 40000);
	in.family = FLOW_IPV6;
	p = make(&in);
	assert_int_equal(p.out.reach, 10000);
	assert_int_equal(p.in.reach, 40000);
	assert_int_equal(p.notes & PLAN_HERE_FIXED, PLAN_HERE_FIXED);
}

/* Up to the largest bonds, whatever the facts are: plans hold, the sanitizers look on. */
static void test_random_facts(void **state)
{
	uint64_t x = 15;

	for (int round = 0; round < 300; round++) {
		struct plan_input in =
			input_of(side_of(1 + next(&x) % 32, 0), side_of(1 + next(&x) % 32, 0));
		struct plan_side *both[2] = { &in.here, &in.peer };
		unsigned largest = 0;
		struct plan p;

		for (int k = 0; k < 2; k++) {
			struct plan_side *s = both[k];
			unsigned usable;

			s->known = next(&x) % 8 != 0;
			s->bond.mode = next(&x) % 3 ? HASH_8023AD : next(&x) % HASH_N_MODES;
			s->bond.policy = next(&x) % 3 ? HASH_LAYER34 : next(&x) % HASH_N_POLICIES;
			s->bond.variant = next(&x) % HASH_N_VARIANTS;
			s->bond.order = next(&x) & 1;
			s->bond.dynamic = next(&x) & 1;
			s->bond.usable &= next(&x) | next(&x) | next(&x);
			s->bond.active = (int)(next(&x) % 34) - 1;
			s->bond.team_parts = (uint8_t)(next(&x) & 31);
			s->macs_known = next(&x) & 1;
			s->double_tagged = next(&x) % 8 == 0;
			for (unsigned i = 0; i < HASH_LINKS_MAX; i++)
				s->speed[i] = next(&x) % 3 ? 0 : next(&x) % 400000;
			usable = (unsigned)__builtin_popcount(s->bond.usable);
			largest = s->known && usable > largest ? usable : largest;
		}
		in.seed = next(&x);
		p = make(&in);
		assert_true(p.out.reach > 0 && p.in.reach > 0);
		assert_true(p.out.reach <= p.out.most && p.in.reach <= p.in.most);
		assert_in_range(p.n_flows, 1, largest > 4 ? 2 * largest : 8);
		if (!(p.notes & PLAN_LIMITED))
			assert_true(p.out.reach == p.out.most && p.in.reach == p.in.most);
		for (unsigned i = 0; i < p.n_flows; i++) {
			char text[40];

			assert_in_range(p.flows[i].port, FIRST, LAST);
			plan_explain(&in, &p, text, i % sizeof(text));
		}
	}
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* No assertion on time: printed for whoever changes the algorithm. */
static void test_time(void **state)
{
	const unsigned sizes[][2] = { { 4, 4 },   { 8, 8 },   { 7, 5 },
				      { 16, 16 }, { 13, 15 }, { 15, 11 } };
	uint64_t x = 16;

	for (size_t i = 0; i < 2 * N(sizes); i++) {
		unsigned n = sizes[i / 2][0], m = sizes[i / 2][1], flows = 0;
		struct plan_input in = input_of(side_of(n, 10000), side_of(m, 10000));
		double worst = 0, sum = 0;

		for (int round = 0; round < 20; round++) {
			double begin;

			for (unsigned k = 0; k < 16 && i % 2; k++) {
				in.here.speed[k] = 1000 * (1 + next(&x) % 40);
				in.peer.speed[k] = 1000 * (1 + next(&x) % 40);
			}
			in.seed = next(&x);
			begin = now_ms();
			flows += make(&in).n_flows;
			begin = now_ms() - begin;
			sum += begin;
			worst = begin > worst ? begin : worst;
		}
		print_message("%2u x %2u links, %s speeds: %4.1f flows, %.2f ms, at most %.2f ms\n",
			      n, m, i % 2 ? "unequal" : "equal", flows / 20.0, sum / 20, worst);
	}
}

static enum hash_spread links(const struct plan_side *here, const struct plan_side *peer,
			      enum cover_end end, uint32_t capacity[HASH_LINKS_MAX])
{
	struct plan_input in = input_of(*here, *peer);

	return plan_links(&in, end, capacity);
}

/* Where no port makes a difference there is one link to steer to, whatever else is there. */
static void test_links_of_an_end(void **state)
{
	struct plan_side even = side_of(3, 1000), fixed = side_of(3, 1000), none = { 0 };
	uint32_t capacity[HASH_LINKS_MAX];

	assert_int_equal(links(&even, &even, COVER_OUT_TX, capacity), HASH_SPREAD_PORTS);
	for (unsigned i = 0; i < HASH_LINKS_MAX; i++)
		assert_int_equal(capacity[i], i < 3 ? 1000 : 0);
	fixed.bond.policy = HASH_LAYER2;
	assert_int_equal(links(&fixed, &even, COVER_OUT_TX, capacity), HASH_SPREAD_NONE);
	assert_int_equal(capacity[0], 1000);
	assert_int_equal(capacity[1], 0);
	/* What the switch in front of it does is another matter. */
	assert_int_equal(links(&even, &fixed, COVER_OUT_RX, capacity), HASH_SPREAD_PORTS);
	assert_int_equal(capacity[2], 1000);
	fixed.bond.mode = HASH_ACTIVE_BACKUP;
	fixed.bond.active = 2;
	assert_int_equal(links(&even, &fixed, COVER_OUT_RX, capacity), HASH_SPREAD_NONE);
	assert_int_equal(capacity[2], 0);
	fixed.bond.mode = HASH_BALANCE_RR;
	assert_int_equal(links(&fixed, &even, COVER_OUT_TX, capacity), HASH_SPREAD_PACKETS);
	assert_int_equal(links(&none, &even, COVER_OUT_TX, capacity), HASH_SPREAD_NONE);
	assert_int_equal(capacity[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_of_an_end),
		cmocka_unit_test(test_equal_speeds),
		cmocka_unit_test(test_sides_of_different_speed),
		cmocka_unit_test(test_unequal_links),
		cmocka_unit_test(test_one_flow_per_link),
		cmocka_unit_test(test_minimal),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_same_seed_same_plan),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_too_few_ports),
		cmocka_unit_test(test_more_than_needed),
		cmocka_unit_test(test_few_ports_and_nothing_known),
		cmocka_unit_test(test_taken_ports),
		cmocka_unit_test(test_alternates),
		cmocka_unit_test(test_open_flows),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_one_plain_end),
		cmocka_unit_test(test_one_side_known),
		cmocka_unit_test(test_ports_do_not_matter),
		cmocka_unit_test(test_unpredictable),
		cmocka_unit_test(test_measured_switch),
		cmocka_unit_test(test_dead_link),
		cmocka_unit_test(test_team_ipv6),
		cmocka_unit_test(test_random_facts),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
