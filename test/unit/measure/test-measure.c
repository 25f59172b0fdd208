/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cmd/bench/bench.h"
#include "cmd/measure/measure_limit.h"

#define MIB (1024.0 * 1024)
#define S   1000000000ull

/* A session of one connection, between two bonds of four links; tests change what they are about.
 */
struct world {
	struct session_stats stats;
	struct subflow_stats subflow;
	struct side_stats here, peer;
	struct bench_seen seen;
	struct bench_case c;
	char text[BENCH_TEXT_LEN];
};

static void set_links(struct side_stats *side, const char *name, unsigned n, uint32_t speed)
{
	*side = (struct side_stats){ .counted = true, .n_links = n };
	strcpy(side->name, name);
	strcpy(side->kind, "802.3ad layer3+4");
	for (unsigned i = 0; i < n; i++) {
		side->link[i] = (struct link_stats){ .speed = speed, .usable = true };
		strcpy(side->link[i].name, "eth0");
		side->link[i].name[3] = (char)('0' + i);
	}
}

/* Data flows all the time, and spreads evenly: 4 x 25 MB in 10 s. */
static void set_up(struct world *w, bool sending)
{
	*w = (struct world){ 0 };
	set_links(&w->here, "bond0", 4, 0);
	set_links(&w->peer, "bond1", 4, 0);
	for (unsigned i = 0; i < 4; i++) {
		w->here.link[i].tx_bytes = w->here.link[i].rx_bytes = 25000000;
		w->peer.link[i].tx_bytes = w->peer.link[i].rx_bytes = 25000000;
	}
	w->stats = (struct session_stats){
		.n_subflows = 1, .subflow = &w->subflow, .here = &w->here, .peer = &w->peer
	};
	w->seen = (struct bench_seen){ .n_sending = 100, .n_receiving = 100 };
	w->c = (struct bench_case){ .sending = sending,
				    .stats = &w->stats,
				    .ns = 10 * S,
				    .seen = &w->seen,
				    .busy = 0.2,
				    .window = 64 << 20 };
}

static void expect(struct world *w, enum bench_limit limit, const char *part)
{
	assert_int_equal(measure_limit(&w->c, w->text), limit);
	if (!strstr(w->text, part))
		fail_msg("\"%s\" does not have \"%s\"", w->text, part);
}

/* The limit ------------------------------------------------------------------------------------ */

static void test_consumer(void **state)
{
	struct world w;

	set_up(&w, true);
	w.seen.n_taker = 51;
	w.c.busy = 1;
	expect(&w, BENCH_CONSUMER, "the peer's output");
	w.seen.n_taker = 50;
	expect(&w, BENCH_CPU, "100 %");
	set_up(&w, false);
	w.seen.n_late = 60;
	expect(&w, BENCH_CONSUMER, "the thread that takes");
	w.c.disk = "out\n";
	expect(&w, BENCH_CONSUMER, "the disk: out\\n is written");
}

static void test_source(void **state)
{
	struct world w;

	set_up(&w, true);
	w.seen.n_starved = 80;
	expect(&w, BENCH_SOURCE, "the thread that makes");
	w.c.disk = "disk.img";
	expect(&w, BENCH_SOURCE, "the disk: all that was read of disk.img");
	/* Who receives does not know. */
	w.c.sending = false;
	expect(&w, BENCH_LINKS, "bond0 here");
}

static void test_processor(void **state)
{
	struct world w;

	set_up(&w, true);
	w.c.busy = 0.95;
	w.seen.n_window = 100;
	expect(&w, BENCH_CPU, "busy 95 %");
}

static void test_window(void **state)
{
	struct world w;

	set_up(&w, true);
	w.seen.n_window = 70;
	expect(&w, BENCH_WINDOW, "--window with 128 MiB at both ends");
}

static void test_one_lane(void **state)
{
	struct world w;

	set_up(&w, true);
	for (unsigned i = 0; i < 4; i++)
		w.peer.link[i].rx_bytes = i == 2 ? 98000000 : 500000;
	expect(&w, BENCH_ONE_LANE, "98 % went in by eth2 of bond1 of the peer, which has 4 links");
	/* Data that comes here leaves the peer evenly. */
	w.c.sending = false;
	expect(&w, BENCH_LINKS, "all 4 links of bond0 here");
	w.here.link[0].rx_bytes = 5000000000;
	expect(&w, BENCH_ONE_LANE, "99 % went in by eth0 of bond0 here");
}

static void test_idle_links(void **state)
{
	struct world w;

	set_up(&w, true);
	w.peer.link[1].rx_bytes = w.peer.link[3].rx_bytes = 1000000;
	expect(&w, BENCH_IDLE_LINKS, "in by 2 of the 4 links of bond1 of the peer (eth1, eth3)");
	/* One that its bond cannot use does not idle. */
	set_up(&w, true);
	w.here.link[1] = (struct link_stats){ .name = "eth1" };
	expect(&w, BENCH_LINKS, "all 3 links of bond0 here");
}

static void test_links(void **state)
{
	struct world w;

	set_up(&w, true);
	expect(&w, BENCH_LINKS, "carried their share, 80.0 Mbit/s together");
	for (unsigned i = 0; i < 4; i++)
		w.peer.link[i].speed = 22;
	expect(&w, BENCH_LINKS, "all 4 links of bond1 of the peer carried 80.0 Mbit/s of 88.0");
	for (unsigned i = 0; i < 4; i++)
		w.peer.link[i].speed = 1000;
	expect(&w, BENCH_BEYOND, "carried 80.0 Mbit/s, but could carry 4.00 Gbit/s");
}

static void test_no_links(void **state)
{
	struct world w;

	set_up(&w, true);
	w.here = w.peer = (struct side_stats){ 0 };
	expect(&w, BENCH_NETWORK, "data was always waiting here");
	w.c.sending = false;
	expect(&w, BENCH_NOT_KNOWN, "nothing here held it up");
}

/* A card of 1 Gbit/s here, and a bond that was not counted there. */
static void test_single_link(void **state)
{
	struct world w;

	set_up(&w, true);
	set_links(&w.here, "eth0", 1, 1000);
	w.here.link[0].tx_bytes = 1180000000;
	w.peer.counted = false;
	expect(&w, BENCH_LINKS, "eth0 here carried 944 Mbit/s of 1.00 Gbit/s");
}

/* Looking -------------------------------------------------------------------------------------- */

static void test_look(void **state)
{
	struct bench_seen seen = { 0 };
	struct subflow_stats f = { .tx_bytes = 100 << 20 };
	struct session_stats s = { .tx_read = 102 << 20,
				   .tx_edge = 164 << 20,
				   .tx_acked = 99 << 20,
				   .tx_taken = 99 << 20,
				   .subflow = &f,
				   .n_subflows = 1 };

	/* The sockets are what data waits for. */
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_sending, 1);
	assert_int_equal(seen.n_taker + seen.n_window + seen.n_starved, 0);
	/* All is sent. */
	s.tx_read = 100 << 20;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_starved, 1);
	/* What went twice is not more. */
	f.tx_bytes = 101 << 20;
	s.tx_reinjected = 1 << 20;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_starved, 2);
	/* The peer's memory is full of what is on its way. */
	s.tx_edge = 100 << 20;
	s.tx_acked = s.tx_taken = 36 << 20;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_window, 1);
	/* The same, of what its output has not taken. */
	s.tx_acked = 90 << 20;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_taker, 1);
	/* The end is no cause. */
	s.tx_ended = true;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_sending, 5);
	assert_int_equal(seen.n_receiving, 0);
}

static void test_look_receiving(void **state)
{
	struct bench_seen seen = { 0 };
	struct session_stats s = { .rx_received = 100 << 20, .rx_taken = 67 << 20 };

	bench_look(&seen, &s, 64 << 20);
	s.rx_taken = 69 << 20;
	bench_look(&seen, &s, 64 << 20);
	assert_int_equal(seen.n_receiving, 2);
	assert_int_equal(seen.n_late, 1);
	assert_int_equal(seen.n_sending, 0);
}

/* Figures -------------------------------------------------------------------------------------- */

static void test_bits(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0 bit/s" },           { 999, "999 bit/s" },       { 1000, "1.00 kbit/s" },
		{ 47.8e6, "47.8 Mbit/s" },  { 999.6e6, "1.00 Gbit/s" }, { 188.2e6, "188 Mbit/s" },
		{ 9.996e9, "10.0 Gbit/s" }, { 1e15, "1000 Tbit/s" },
	};
	char text[24];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bench_bits(text, sizeof(text), cases[i].value);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_median(void **state)
{
	double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };

	assert_true(bench_median(odd, 3) == 2);
	assert_true(bench_median(even, 4) == 2.5);
	assert_true(bench_median(one, 1) == 7);
}

static void test_knee(void **state)
{
	const double four[] = { 48, 95, 188, 191, 190 }, flat[] = { 48, 47, 48 },
		     rising[] = { 1, 2, 4, 8 }, nothing[] = { 0, 0 };

	assert_int_equal(bench_knee(four, 5), 2);
	assert_int_equal(bench_knee(flat, 3), 0);
	assert_int_equal(bench_knee(rising, 4), 3);
	assert_int_equal(bench_knee(nothing, 2), 0);
}

static void test_past_knee(void **state)
{
	const double four[] = { 48, 95, 188, 191, 190 }, late[] = { 48, 48, 96 };

	assert_false(bench_past_knee(four, 3));
	assert_false(bench_past_knee(four, 4));
	assert_true(bench_past_knee(four, 5));
	/* One step that brings nothing is not the end. */
	assert_false(bench_past_knee(late, 2));
	assert_false(bench_past_knee(late, 3));
}

/* Options -------------------------------------------------------------------------------------- */

/* getopt wants words that may be written to. */
static enum opts_result parse(struct bench_options *o, struct config *c, char *message,
			      const char *const words[])
{
	static char copies[8][32];
	char *argv[9] = { NULL };
	int argc = 0;

	for (; words[argc]; argc++) {
		strcpy(copies[argc], words[argc]);
		argv[argc] = copies[argc];
	}
	return bench_opts_parse(argc, argv, o, c, message);
}

#define PARSE(...) parse(&o, &c, message, (const char *[]){ "bench", __VA_ARGS__, NULL })

static void test_options(void **state)
{
	struct bench_options o;
	struct config c;
	char message[OPTS_MESSAGE_LEN];

	assert_int_equal(PARSE("host", "5201"), OPTS_RUN);
	assert_int_equal(o.time_ns, 10 * S);
	assert_int_equal(o.interval_ns, S);
	assert_int_equal(o.rounds, 3);
	assert_false(o.reverse || o.bidir || o.compare || o.sweep || o.one_off || o.disk);
	assert_true(c.subflows_auto);

	assert_int_equal(PARSE("-Rt500ms", "-P4", "-i", "0", "--json", "host", "5201"), OPTS_RUN);
	assert_true(o.reverse && c.json);
	assert_int_equal(o.time_ns, S / 2);
	assert_int_equal(o.interval_ns, 0);
	assert_int_equal(c.n_subflows, 4);

	assert_int_equal(PARSE("-l1", "--disk", "f", "5201"), OPTS_RUN);
	assert_true(c.listen && o.one_off);
	assert_string_equal(o.disk, "f");

	assert_int_equal(PARSE("--multihome", "-s", "a", "-s", "b", "h,i", "1"), OPTS_RUN);
	assert_true(c.multihome);
	assert_int_equal(c.n_sources, 2);
	assert_int_equal(PARSE("--help"), OPTS_HELP);
}

static void test_wrong_options(void **state)
{
	static const char *const cases[][6] = {
		{ "bench", "host" },
		{ "bench", "-t", "0", "host", "1" },
		{ "bench", "-i", "10ms", "host", "1" },
		{ "bench", "-R", "--bidir", "host", "1" },
		{ "bench", "--sweep", "--compare", "host", "1" },
		{ "bench", "--sweep", "-P4", "host", "1" },
		{ "bench", "--bidir", "--disk=f", "host", "1" },
		{ "bench", "--rounds", "0", "host", "1" },
		{ "bench", "-R", "-l", "1" },
		{ "bench", "-1", "host", "1" },
		{ "bench", "-k", "-l", "1" },
		{ "bench", "-e", "cat", "host", "1" },
		{ "bench", "-z", "host", "1" },
		{ "bench", "-x", "host", "1" },
	};
	struct bench_options o;
	struct config c;
	char message[OPTS_MESSAGE_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&o, &c, message, cases[i]), OPTS_USAGE);
		assert_true(message[0]);
	}
	assert_int_equal(PARSE("-k", "-l", "1"), OPTS_USAGE);
	assert_string_equal(message, "bench does not take -k");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consumer),       cmocka_unit_test(test_source),
		cmocka_unit_test(test_processor),      cmocka_unit_test(test_window),
		cmocka_unit_test(test_one_lane),       cmocka_unit_test(test_idle_links),
		cmocka_unit_test(test_links),          cmocka_unit_test(test_no_links),
		cmocka_unit_test(test_single_link),    cmocka_unit_test(test_look),
		cmocka_unit_test(test_look_receiving), cmocka_unit_test(test_bits),
		cmocka_unit_test(test_median),         cmocka_unit_test(test_knee),
		cmocka_unit_test(test_past_knee),      cmocka_unit_test(test_options),
		cmocka_unit_test(test_wrong_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
