/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ui/log.h"
#include "util/text.h"
#include "util/units.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

#define TICK PROGRESS_INTERVAL_NS

/* What a drawing in place writes. */
#define DRAWN(line) "\r\033[?7l" line "\033[?7h\033[J\r"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* What one line of the table below shows. */
struct shown {
	const char *what;
	struct session_stats stats;
	uint64_t expected;
	uint64_t rate_bytes, rate_ns;
	unsigned width;
	const char *line;
};

#define SENDING(taken) \
	.elapsed_ns = 4 * NS_PER_S, .tx_read = (taken), .tx_taken = (taken), .n_live = 4
#define RECEIVING(taken) \
	.elapsed_ns = 4 * NS_PER_S, .rx_received = (taken), .rx_taken = (taken), .n_live = 4

static const struct shown shown[] = {
	{ "receiving, length unknown",
	  { RECEIVING(1864 * MIB) },
	  0,
	  447 * MIB,
	  NS_PER_S,
	  80,
	  "1.82 GiB  447 MiB/s  0:04  4 subflows" },
	{ "sending a pipe",
	  { SENDING(1864 * MIB) },
	  0,
	  447 * MIB,
	  NS_PER_S,
	  80,
	  "1.82 GiB  447 MiB/s  0:04  4 subflows" },
	{ "sending a file",
	  { SENDING(512 * MIB) },
	  GIB,
	  128 * MIB,
	  NS_PER_S,
	  80,
	  "512 MiB  128 MiB/s  0:04  4 subflows  [===========>            ] 50 %  ETA 0:04" },
	{ "the bar takes what is left",
	  { SENDING(512 * MIB) },
	  GIB,
	  128 * MIB,
	  NS_PER_S,
	  200,
	  "512 MiB  128 MiB/s  0:04  4 subflows  [==============>               ] 50 %  ETA 0:04" },
	{ "nothing taken yet",
	  { .elapsed_ns = NS_PER_S, .n_live = 1 },
	  GIB,
	  0,
	  NS_PER_S,
	  80,
	  "0 B  0 B/s  0:01  1 subflow  [                              ] 0 %" },
	{ "nothing flows yet",
	  { .elapsed_ns = NS_PER_S, .n_live = 1 },
	  0,
	  0,
	  NS_PER_S,
	  80,
	  "0 B  0 B/s  0:01  1 subflow" },
	{ "read but not taken",
	  { .tx_read = MIB, .elapsed_ns = NS_PER_S },
	  0,
	  0,
	  NS_PER_S,
	  80,
	  "0 B  0 B/s  0:01  0 subflows" },
	{ "no rate yet", { RECEIVING(MIB) }, 0, MIB, 0, 80, "1.00 MiB  -  0:04  4 subflows" },
	{ "all but one byte",
	  { SENDING(GIB - 1) },
	  GIB,
	  KIB,
	  NS_PER_S,
	  80,
	  "1.00 GiB  1.00 KiB/s  0:04  4 subflows  [====================> ] 99 %  ETA 0:00" },
	{ "all",
	  { SENDING(GIB) },
	  GIB,
	  KIB,
	  NS_PER_S,
	  80,
	  "1.00 GiB  1.00 KiB/s  0:04  4 subflows  [==============================] 100 %" },
	{ "all but one byte of very many",
	  { SENDING(UINT64_MAX - 1) },
	  UINT64_MAX,
	  0,
	  NS_PER_S,
	  50,
	  "16.0 EiB  0 B/s  0:04  4 subflows  99 %" },
	{ "the file has grown",
	  { SENDING(GIB + 1) },
	  GIB,
	  MIB,
	  NS_PER_S,
	  80,
	  "1.00 GiB  1.00 MiB/s  0:04  4 subflows" },
	{ "a stall has no ETA",
	  { SENDING(512 * MIB) },
	  GIB,
	  0,
	  NS_PER_S,
	  60,
	  "512 MiB  0 B/s  0:04  4 subflows  [========>         ] 50 %" },
	{ "an ETA beyond days is none",
	  { SENDING(512 * MIB) },
	  GIB,
	  1,
	  NS_PER_S,
	  60,
	  "512 MiB  1 B/s  0:04  4 subflows  [========>         ] 50 %" },
	{ "the end of a stream received",
	  { RECEIVING(30 * MIB), .rx_total_known = true, .rx_total = 40 * MIB },
	  0,
	  5 * MIB,
	  NS_PER_S,
	  60,
	  "30.0 MiB  5.00 MiB/s  0:04  4 subflows  75 %  ETA 0:02" },
	{ "an empty stream",
	  { RECEIVING(0), .rx_total_known = true },
	  0,
	  0,
	  NS_PER_S,
	  80,
	  "0 B  0 B/s  0:04  4 subflows" },
	{ "both directions",
	  { SENDING(1229 * MIB), .rx_received = 300 * MIB, .rx_taken = 300 * MIB },
	  0,
	  447 * MIB,
	  NS_PER_S,
	  80,
	  "tx 1.20 GiB  rx 300 MiB  447 MiB/s  0:04  4 subflows" },
	{ "both, and our end is known",
	  { SENDING(300 * MIB), .rx_received = 300 * MIB, .rx_taken = 300 * MIB },
	  600 * MIB,
	  100 * MIB,
	  NS_PER_S,
	  79,
	  "tx 300 MiB  rx 300 MiB  100 MiB/s  0:04  4 subflows  50 %  "
	  "ETA 0:06" },
	{ "both, and only the peer's end is known",
	  { SENDING(300 * MIB), .rx_received = MIB, .rx_taken = MIB, .rx_total_known = true,
	    .rx_total = MIB },
	  0,
	  MIB,
	  NS_PER_S,
	  80,
	  "tx 300 MiB  rx 1.00 MiB  1.00 MiB/s  0:04  4 subflows" },
	{ "the peer has said how long its stream will be",
	  { RECEIVING(30 * MIB), .rx_expected = 40 * MIB },
	  0,
	  5 * MIB,
	  NS_PER_S,
	  60,
	  "30.0 MiB  5.00 MiB/s  0:04  4 subflows  75 %  ETA 0:02" },
	{ "the peer's stream is longer than it said",
	  { RECEIVING(30 * MIB), .rx_expected = 20 * MIB },
	  0,
	  5 * MIB,
	  NS_PER_S,
	  60,
	  "30.0 MiB  5.00 MiB/s  0:04  4 subflows" },
	{ "the end is known better than what was said",
	  { RECEIVING(30 * MIB), .rx_expected = 300 * MIB, .rx_total_known = true,
	    .rx_total = 40 * MIB },
	  0,
	  5 * MIB,
	  NS_PER_S,
	  60,
	  "30.0 MiB  5.00 MiB/s  0:04  4 subflows  75 %  ETA 0:02" },
	{ "no connection is left",
	  { SENDING(512 * MIB), .lost = true, .lost_left_ns = 22 * NS_PER_S + 1 },
	  GIB,
	  0,
	  NS_PER_S,
	  60,
	  "512 MiB  reconnecting, 23 s left  0:04  [=====>      ] 50 %" },
	{ "... on a narrow terminal",
	  { SENDING(512 * MIB), .lost = true, .lost_left_ns = 22 * NS_PER_S + 1 },
	  GIB,
	  0,
	  NS_PER_S,
	  40,
	  "512 MiB  reconnecting, 23 s left  50 %" },
	{ "... and the last attempt is under way",
	  { SENDING(512 * MIB), .lost = true },
	  0,
	  0,
	  NS_PER_S,
	  60,
	  "512 MiB  reconnecting  0:04" },
	{ "hours",
	  { .elapsed_ns = 3723 * NS_PER_S, .rx_taken = GIB, .n_live = 4 },
	  0,
	  GIB,
	  NS_PER_S,
	  80,
	  "1.00 GiB  1.00 GiB/s  1:02:03  4 subflows" },
};

static void test_format(void **state)
{
	for (size_t i = 0; i < LEN(shown); i++) {
		const struct shown *s = &shown[i];
		struct session_stats stats = s->stats;
		char buf[256];
		size_t n;

		stats.tx_expected = s->expected;
		n = progress_format(buf, sizeof(buf), s->width, &stats,
				    &(struct progress_rate){ s->rate_bytes, s->rate_ns });
		if (strcmp(buf, s->line) != 0)
			fail_msg("%s: \"%s\"", s->what, buf);
		assert_int_equal(n, strlen(buf));
	}
}

/* What gives way on a narrow terminal, and in which order. */
static void test_narrow(void **state)
{
	static const struct {
		unsigned width;
		const char *line;
	} cases[] = {
		{ 69, "512 MiB  128 MiB/s  0:04  4 subflows  [=====>       ] 50 %  ETA 0:04" },
		{ 67, "512 MiB  128 MiB/s  0:04  4 subflows  [====>      ] 50 %  ETA 0:04" },
		{ 66, "512 MiB  128 MiB/s  0:04  4 subflows  [====>     ] 50 %  ETA 0:04" },
		{ 65, "512 MiB  128 MiB/s  0:04  4 subflows  50 %  ETA 0:04" },
		{ 53, "512 MiB  128 MiB/s  0:04  4 subflows  50 %  ETA 0:04" },
		{ 52, "512 MiB  128 MiB/s  0:04  50 %  ETA 0:04" },
		{ 41, "512 MiB  128 MiB/s  0:04  50 %  ETA 0:04" },
		{ 40, "512 MiB  128 MiB/s  50 %  ETA 0:04" },
		{ 34, "512 MiB  128 MiB/s  50 %" },
		{ 24, "512 MiB  128 MiB/s" },
		{ 18, "512 MiB" },
		{ 8, "512 MiB" },
		{ 7, "512 Mi" },
		{ 2, "5" },
		{ 1, "" },
		{ 0, "" },
	};
	const struct session_stats stats = { SENDING(512 * MIB), .tx_expected = GIB };

	for (size_t i = 0; i < LEN(cases); i++) {
		char buf[256];

		progress_format(buf, sizeof(buf), cases[i].width, &stats,
				&(struct progress_rate){ 128 * MIB, NS_PER_S });
		if (strcmp(buf, cases[i].line) != 0)
			fail_msg("%u columns: \"%s\"", cases[i].width, buf);
	}
}

#define MBIT 125000ull

#define LINK(name_, speed_)                                        \
	{                                                          \
		.name = (name_), .speed = (speed_), .usable = true \
	}

static const struct side_stats bond = {
	.name = "bond0",
	.counted = true,
	.n_links = 4,
	.link = { LINK("eth0", 1000), LINK("eth1", 1000), LINK("eth2", 1000), LINK("eth3", 1000) },
};

/* Full, half, a third and nothing to send; no more than a tenth to receive. */
static const struct progress_rate busy = {
	.bytes = 200 * MIB,
	.ns = NS_PER_S,
	.link_ns = NS_PER_S,
	.link_tx = { 985 * MBIT, 500 * MBIT, 333 * MBIT, 0 },
	.link_rx = { 5 * MBIT, 500 * MBIT, 1, 100 * MBIT },
};

static const char *format(unsigned width, const struct session_stats *stats, uint64_t expected,
			  const struct progress_rate *lately)
{
	struct session_stats known = *stats;
	static char buf[400];

	known.tx_expected = expected;
	progress_format(buf, sizeof(buf), width, &known, lately);
	return buf;
}

/* Of the directions that flow, each link's part of its speed. */
static void test_links(void **state)
{
	struct session_stats stats = { SENDING(512 * MIB), .here = &bond };

	assert_string_equal(format(200, &stats, 0, &busy),
			    "512 MiB  200 MiB/s  0:04  4 subflows  "
			    "eth0[########] eth1[####    ] eth2[###     ] eth3[        ]");
	stats.rx_received = stats.rx_taken = 512 * MIB;
	assert_string_equal(format(200, &stats, 0, &busy),
			    "tx 512 MiB  rx 512 MiB  200 MiB/s  0:04  4 subflows  "
			    "eth0[########] eth1[########] eth2[###     ] eth3[#       ]");
	stats = (struct session_stats){ RECEIVING(512 * MIB), .here = &bond };
	assert_string_equal(format(200, &stats, 0, &busy),
			    "512 MiB  200 MiB/s  0:04  4 subflows  "
			    "eth0[        ] eth1[####    ] eth2[        ] eth3[#       ]");
}

/* A link whose speed is not known is compared with the fastest one. */
static void test_links_of_unknown_speed(void **state)
{
	struct side_stats here = bond;
	struct session_stats stats = { SENDING(512 * MIB), .here = &here };
	struct progress_rate idle = { .ns = 1, .link_ns = 1 };

	here.link[1].speed = here.link[2].speed = here.link[3].speed = 0;
	here.link[0].speed = 100000;
	assert_string_equal(format(200, &stats, 0, &busy),
			    "512 MiB  200 MiB/s  0:04  4 subflows  "
			    "eth0[        ] eth1[####    ] eth2[###     ] eth3[        ]");
	here.link[0].speed = 0;
	assert_string_equal(format(200, &stats, 0, &busy),
			    "512 MiB  200 MiB/s  0:04  4 subflows  "
			    "eth0[########] eth1[####    ] eth2[###     ] eth3[        ]");
	assert_string_equal(format(200, &stats, 0, &idle),
			    "512 MiB  0 B/s  0:04  4 subflows  "
			    "eth0[        ] eth1[        ] eth2[        ] eth3[        ]");
}

/* The bars of links shrink, and then are the first to give way. */
static void test_narrow_links(void **state)
{
	static const struct {
		unsigned width;
		const char *line;
	} cases[] = {
		{ 147, "512 MiB  200 MiB/s  0:04  4 subflows  [==============>               ] "
		       "50 %  ETA 0:03  "
		       "eth0[########] eth1[####    ] eth2[###     ] eth3[        ]" },
		{ 146, "512 MiB  200 MiB/s  0:04  4 subflows  [=============>               ] "
		       "50 %  ETA 0:03  "
		       "eth0[########] eth1[####    ] eth2[###     ] eth3[        ]" },
		{ 127, "512 MiB  200 MiB/s  0:04  4 subflows  [====>     ] 50 %  ETA 0:03  "
		       "eth0[########] eth1[####    ] eth2[###     ] eth3[        ]" },
		{ 126, "512 MiB  200 MiB/s  0:04  4 subflows  [=====>       ] 50 %  ETA 0:03  "
		       "eth0[#######] eth1[####   ] eth2[##     ] eth3[       ]" },
		{ 107, "512 MiB  200 MiB/s  0:04  4 subflows  [====>     ] 50 %  ETA 0:03  "
		       "eth0[###] eth1[## ] eth2[#  ] eth3[   ]" },
		{ 106, "512 MiB  200 MiB/s  0:04  4 subflows  [==============>               ] "
		       "50 %  ETA 0:03" },
		{ 66, "512 MiB  200 MiB/s  0:04  4 subflows  [====>     ] 50 %  ETA 0:03" },
		{ 65, "512 MiB  200 MiB/s  0:04  4 subflows  50 %  ETA 0:03" },
	};
	const struct session_stats stats = { SENDING(512 * MIB), .here = &bond };

	for (size_t i = 0; i < LEN(cases); i++) {
		const char *line = format(cases[i].width, &stats, GIB, &busy);

		if (strcmp(line, cases[i].line) != 0)
			fail_msg("%u columns: \"%s\"", cases[i].width, line);
	}
}

static void test_no_bars_of_links(void **state)
{
	static const char *const without = "512 MiB  200 MiB/s  0:04  4 subflows";
	struct side_stats here = bond;
	struct session_stats stats = { SENDING(512 * MIB), .here = &here };
	struct progress_rate lately = busy;

	here.n_links = 1;
	assert_string_equal(format(200, &stats, 0, &busy), without);
	here.n_links = PROGRESS_LINKS_MAX + 1;
	assert_string_equal(format(300, &stats, 0, &busy), without);
	here = bond;
	here.counted = false;
	assert_string_equal(format(200, &stats, 0, &busy), without);
	here.counted = true;
	lately.link_ns = 0;
	assert_string_equal(format(200, &stats, 0, &lately), without);
}

/* Names are cut at the front, as they differ at the end, and cannot steer the terminal. */
static void test_names_of_links(void **state)
{
	struct side_stats here = { .counted = true,
				   .n_links = 4,
				   .link = { LINK("enp129s0f0np0", 0), LINK("ens1f0np", 0),
					     LINK("ens1f0np1", 0), LINK("\x1b\xc3\xa4", 0) } };
	struct session_stats stats = { SENDING(512 * MIB), .here = &here };
	struct progress_rate lately = { .ns = 1, .link_ns = 1 };

	assert_string_equal(format(88, &stats, 0, &lately),
			    "512 MiB  0 B/s  0:04  4 subflows  "
			    "~s0f0np0[   ] ens1f0np[   ] ~s1f0np1[   ] ???[   ]");
}

/* At every width and size of the buffer: within both, terminated, nothing but plain characters. */
static void test_always_fits(void **state)
{
	struct side_stats here = { .counted = true, .n_links = PROGRESS_LINKS_MAX };
	struct progress_rate lately = { .bytes = 1, .ns = UINT64_MAX, .link_ns = 1 };
	struct session_stats huge = { .elapsed_ns = UINT64_MAX,
				      .tx_expected = UINT64_MAX,
				      .tx_read = UINT64_MAX,
				      .tx_taken = UINT64_MAX - 1,
				      .rx_received = UINT64_MAX,
				      .n_live = UINT32_MAX,
				      .here = &here };

	for (unsigned i = 0; i < PROGRESS_LINKS_MAX; i++) {
		memset(here.link[i].name, 'x', sizeof(here.link[i].name) - 1);
		lately.link_tx[i] = lately.link_rx[i] = UINT64_MAX;
	}
	assert_true(strlen(format(400, &huge, UINT64_MAX, &lately)) > 200);
	for (unsigned width = 0; width < 330; width++) {
		for (size_t size = 1; size < 320; size += 7) {
			char buf[336];
			size_t n;

			memset(buf, '\n', sizeof(buf));
			n = progress_format(buf, size, width, &huge, &lately);
			assert_int_equal(n, strlen(buf));
			assert_true(n < size && n + 1 <= (width ? width : 1));
			assert_int_equal(buf[size], '\n');
			for (size_t i = 0; i < n; i++)
				assert_true(buf[i] >= ' ' && buf[i] <= '~');
		}
	}
}

/* A terminal of our own: what is written to one end is read at the other. */
struct terminal {
	int master, slave;
	char text[4096];
};

static void set_width(struct terminal *t, unsigned short width)
{
	struct winsize ws = { .ws_row = 24, .ws_col = width };

	assert_int_equal(ioctl(t->slave, TIOCSWINSZ, &ws), 0);
}

static void open_terminal(struct terminal *t, unsigned short width)
{
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(t->master, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ioctl(t->slave, TIOCSCTTY, 0), 0);
	set_width(t, width);
}

static void close_terminal(struct terminal *t)
{
	assert_int_equal(close(t->master), 0);
	assert_int_equal(close(t->slave), 0);
}

static const char *read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, buf + n, size - n - 1)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	return buf;
}

static const char *terminal_read(struct terminal *t)
{
	return read_all(t->master, t->text, sizeof(t->text));
}

static void test_no_terminal_no_line(void **state)
{
	struct progress *p = (struct progress *)state;
	struct session_stats stats = { .elapsed_ns = 1 };
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(progress_new(&p, fd[1], false), 0);
	assert_null(p);
	progress_update(p, &stats, NS_PER_S);
	progress_wipe(p);
	assert_null(progress_free(p));
	close(fd[0]);
	close(fd[1]);
}

static void test_redraws_in_place(void **state)
{
	struct session_stats stats = { RECEIVING(0) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 80);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	assert_non_null(p);
	stats.elapsed_ns = 1;
	progress_update(p, &stats, now);
	progress_update(p, &stats, now + TICK - 1);
	assert_string_equal(terminal_read(&t), "");
	stats.rx_received = stats.rx_taken = 10 * MIB;
	stats.elapsed_ns += TICK;
	now += TICK;
	progress_update(p, &stats, now);
	assert_string_equal(terminal_read(&t), DRAWN("10.0 MiB  100 MiB/s  0:00  4 subflows"));
	progress_update(p, &stats, now + TICK - 1);
	assert_string_equal(terminal_read(&t), "");
	stats.rx_received = stats.rx_taken = 15 * MIB;
	now += TICK;
	progress_update(p, &stats, now);
	assert_string_equal(terminal_read(&t), DRAWN("15.0 MiB  75.0 MiB/s  0:00  4 subflows"));
	assert_null(progress_free(p));
	assert_string_equal(terminal_read(&t), "\r\033[J");
	close_terminal(&t);
}

static void test_follows_a_resize(void **state)
{
	struct session_stats stats = { RECEIVING(MIB) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 24);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	progress_update(p, &stats, now);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB  250 KiB/s"));
	set_width(&t, 9);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB"));
	set_width(&t, 0);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB  0 B/s  0:04  4 subflows"));
	progress_free(p);
	close_terminal(&t);
}

/* The hook wipes what is drawn, once, and a later update draws again. */
static void test_messages_wipe(void **state)
{
	struct session_stats stats = { RECEIVING(MIB) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 9);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	log_wipe();
	assert_string_equal(terminal_read(&t), "");
	progress_update(p, &stats, now);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB"));
	log_wipe();
	log_wipe();
	assert_string_equal(terminal_read(&t), "\r\033[J");
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB"));
	log_wipe();
	progress_free(p);
	assert_string_equal(terminal_read(&t), "\r\033[J");
	log_wipe();
	assert_string_equal(terminal_read(&t), "");
	close_terminal(&t);
}

/* A rate that changes is seen after two and a half seconds, not averaged over the whole transfer.
 */
static void test_rate_is_recent(void **state)
{
	struct session_stats stats = { RECEIVING(0) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 22);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	stats.elapsed_ns = 1;
	progress_update(p, &stats, now);
	for (int i = 0; i < 600; i++) {
		stats.rx_received = stats.rx_taken += 10 * MIB;
		progress_update(p, &stats, now += TICK);
		terminal_read(&t);
	}
	assert_string_equal(t.text, DRAWN("5.86 GiB  100 MiB/s"));
	for (int i = 0; i < 13; i++) {
		stats.rx_received = stats.rx_taken += 1 * MIB;
		progress_update(p, &stats, now += TICK);
		terminal_read(&t);
	}
	assert_string_equal(t.text, DRAWN("5.87 GiB  53.2 MiB/s"));
	for (int i = 0; i < 13; i++) {
		stats.rx_received = stats.rx_taken += 1 * MIB;
		progress_update(p, &stats, now += TICK);
		terminal_read(&t);
	}
	assert_string_equal(t.text, DRAWN("5.88 GiB  10.0 MiB/s"));
	progress_free(p);
	close_terminal(&t);
}

/* Updates that are rare still give a rate: since the one before. */
static void test_rate_of_rare_updates(void **state)
{
	struct session_stats stats = { RECEIVING(0) };
	struct progress *p;
	struct terminal t;

	open_terminal(&t, 22);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	stats.elapsed_ns = 1;
	progress_update(p, &stats, 100 * NS_PER_S);
	stats.rx_taken = 100 * MIB;
	progress_update(p, &stats, 110 * NS_PER_S);
	assert_string_equal(terminal_read(&t), DRAWN("100 MiB  10.0 MiB/s"));
	stats.rx_taken = 300 * MIB;
	progress_update(p, &stats, 120 * NS_PER_S);
	assert_string_equal(terminal_read(&t), DRAWN("300 MiB  20.0 MiB/s"));
	progress_free(p);
	close_terminal(&t);
}

/* The bars show the same seconds as the rate. A list that changes, as a bond gets and loses links,
 * is not compared with the one before. */
static void test_links_are_recent(void **state)
{
	static const char *const cases[] = {
		DRAWN("20.0 MiB  200 MiB/s  0:00  4 subflows  eth0[########] eth1[####    ]"),
		DRAWN("40.0 MiB  200 MiB/s  0:00  4 subflows  eth0[########] eth1[####    ]"),
		DRAWN("60.0 MiB  200 MiB/s  0:00  4 subflows"),
		DRAWN("80.0 MiB  200 MiB/s  0:00  4 subflows  eth1[####    ] eth2[########]"),
		DRAWN("100 MiB  200 MiB/s  0:00  4 subflows"),
		DRAWN("120 MiB  200 MiB/s  0:00  4 subflows  eth1[####    ] eth2[########]"),
	};
	struct side_stats here = { .counted = true,
				   .n_links = 2,
				   .link = { LINK("eth0", 1000), LINK("eth1", 1000) } };
	struct session_stats stats = { SENDING(0), .here = &here };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 120);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	stats.elapsed_ns = 1;
	progress_update(p, &stats, now);
	for (size_t i = 0; i < LEN(cases); i++) {
		stats.tx_read = stats.tx_taken += 20 * MIB;
		here.link[0].tx_bytes += 100 * MBIT;
		here.link[1].tx_bytes += 50 * MBIT;
		if (i == 2) {
			here.link[0] = here.link[1];
			here.link[1] = (struct link_stats)LINK("eth2", 1000);
			here.link[1].tx_bytes = GIB;
		}
		if (i > 2) {
			here.link[0].tx_bytes -= 50 * MBIT;
			here.link[1].tx_bytes += 50 * MBIT;
		}
		here.counted = i != 4;
		progress_update(p, &stats, now += TICK);
		assert_string_equal(terminal_read(&t), cases[i]);
	}
	/* The window is two and a half seconds long. */
	for (int i = 0; i < 26; i++) {
		here.link[0].tx_bytes += 100 * MBIT;
		progress_update(p, &stats, now += TICK);
		terminal_read(&t);
	}
	assert_string_equal(
		t.text, DRAWN("120 MiB  0 B/s  0:00  4 subflows  eth1[########] eth2[        ]"));
	/* A counter that begins anew is idle, not ahead of time. */
	here.link[0].tx_bytes = 0;
	progress_update(p, &stats, now += TICK);
	assert_string_equal(
		terminal_read(&t),
		DRAWN("120 MiB  0 B/s  0:00  4 subflows  eth1[        ] eth2[        ]"));
	progress_free(p);
	close_terminal(&t);
}

/* A line with everything that there can be is drawn to its end. */
static void test_longest_line(void **state)
{
	struct side_stats here = { .counted = true, .n_links = PROGRESS_LINKS_MAX };
	struct session_stats stats = { .elapsed_ns = 1,
				       .tx_expected = GIB,
				       .tx_read = 1023 * MIB,
				       .rx_received = 1,
				       .n_live = SUBFLOWS_MAX,
				       .here = &here };
	uint64_t now = 4000000 * NS_PER_S;
	struct progress *p;
	struct terminal t;
	size_t n = 0;

	for (unsigned i = 0; i < PROGRESS_LINKS_MAX; i++)
		text_printf(here.link[i].name, STATS_NAME_LEN, "enp129s%uf0np0", i);
	open_terminal(&t, 1000);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	progress_update(p, &stats, now);
	stats.elapsed_ns = 3600000 * NS_PER_S;
	stats.tx_taken = stats.rx_taken = 1023 * MIB;
	for (unsigned i = 0; i < PROGRESS_LINKS_MAX; i++)
		here.link[i].tx_bytes = 1;
	progress_update(p, &stats, now += 2300 * NS_PER_S);
	for (const char *c = terminal_read(&t); *c; c++)
		n += *c == '#';
	assert_int_equal(n, PROGRESS_LINKS_MAX * 8);
	assert_non_null(strstr(t.text,
			       "  1000:00:00  256 subflows  [============================> ]"
			       " 99 %  ETA 0:02  ~s0f0np0[########] "));
	assert_non_null(strstr(t.text, " ~s7f0np0[########]\033[?7h\033[J\r"));
	progress_free(p);
	close_terminal(&t);
}

/* With -k the next session counts from zero again. */
static void test_next_session(void **state)
{
	struct session_stats stats = { RECEIVING(100 * MIB) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 22);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	progress_update(p, &stats, now);
	progress_update(p, &stats, now += TICK);
	stats = (struct session_stats){ 0 };
	progress_update(p, &stats, now += TICK);
	terminal_read(&t);
	stats.elapsed_ns = TICK;
	stats.rx_taken = MIB;
	progress_update(p, &stats, now += TICK);
	stats.elapsed_ns += TICK;
	stats.rx_taken = 2 * MIB;
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("2.00 MiB  10.0 MiB/s"));
	progress_free(p);
	close_terminal(&t);
}

/* Output that was stopped with ^S is not waited for. */
static void test_stopped_terminal(void **state)
{
	struct session_stats stats = { RECEIVING(MIB) };
	struct progress *p;
	struct terminal t;
	uint64_t now = 1000 * NS_PER_S;

	open_terminal(&t, 9);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	progress_update(p, &stats, now);
	assert_int_equal(tcflow(t.slave, TCOOFF), 0);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), "");
	assert_int_equal(tcflow(t.slave, TCOON), 0);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB"));
	progress_free(p);
	close_terminal(&t);
}

/* The terminal is another job's: nothing is drawn over what that shows. */
static void test_terminal_of_another(void **state)
{
	struct session_stats stats = { RECEIVING(MIB) };
	uint64_t now = 1000 * NS_PER_S;
	struct progress *p;
	struct terminal t;
	pid_t other;

	open_terminal(&t, 9);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	progress_update(p, &stats, now);
	signal(SIGTTOU, SIG_IGN);
	other = fork();
	if (other == 0)
		for (;;)
			pause();
	assert_int_equal(setpgid(other, other), 0);
	assert_int_equal(tcsetpgrp(t.slave, other), 0);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), "");
	assert_false(progress_was_drawn(p));
	assert_int_equal(tcsetpgrp(t.slave, getpgrp()), 0);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), DRAWN("1.00 MiB"));
	assert_true(progress_was_drawn(p));
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	progress_free(p);
	close_terminal(&t);
}

/* A terminal that erases nothing is written over with spaces. */
static void test_dumb_terminal(void **state)
{
	struct session_stats stats = { RECEIVING(1000 * MIB) };
	uint64_t now = 1000 * NS_PER_S;
	struct progress *p;
	struct terminal t;

	open_terminal(&t, 9);
	setenv("TERM", "dumb", 1);
	assert_int_equal(progress_new(&p, t.slave, false), 0);
	setenv("TERM", "xterm", 1);
	progress_update(p, &stats, now);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), "\r1000 MiB\r");
	stats.rx_received = stats.rx_taken = 0;
	stats.elapsed_ns = 2 * TICK;
	progress_update(p, &stats, now += TICK);
	progress_update(p, &stats, now += TICK);
	assert_string_equal(terminal_read(&t), "\r0 B     \r");
	progress_free(p);
	assert_string_equal(terminal_read(&t), "\r   \r");
	close_terminal(&t);
}

/* --progress=always into a file or pipe: a whole line each second, no control characters. */
static void test_lines(void **state)
{
	struct session_stats stats = { RECEIVING(0) };
	uint64_t now = 1000 * NS_PER_S;
	char text[1024];
	struct progress *p;
	int fd[2];

	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	assert_int_equal(progress_new(&p, fd[1], true), 0);
	assert_non_null(p);
	stats.elapsed_ns = 1;
	for (int i = 0; i <= 25; i++) {
		progress_update(p, &stats, now);
		now += TICK;
		stats.elapsed_ns += TICK;
		stats.rx_received = stats.rx_taken += MIB;
		log_wipe();
	}
	progress_free(p);
	assert_string_equal(read_all(fd[0], text, sizeof(text)),
			    "10.0 MiB  10.0 MiB/s  0:01  4 subflows\n"
			    "20.0 MiB  10.0 MiB/s  0:02  4 subflows\n");
	close(fd[0]);
	close(fd[1]);
}

/* The terminals of these tests are one after the other that of a session of our own. */
static int run(void);

int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		setsid();
		signal(SIGHUP, SIG_IGN); /* a terminal has gone */
		setenv("TERM", "xterm", 1);
		exit(run());
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

static int run(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_links_of_unknown_speed),
		cmocka_unit_test(test_narrow_links),
		cmocka_unit_test(test_no_bars_of_links),
		cmocka_unit_test(test_names_of_links),
		cmocka_unit_test(test_always_fits),
		cmocka_unit_test(test_no_terminal_no_line),
		cmocka_unit_test(test_redraws_in_place),
		cmocka_unit_test(test_follows_a_resize),
		cmocka_unit_test(test_messages_wipe),
		cmocka_unit_test(test_rate_is_recent),
		cmocka_unit_test(test_rate_of_rare_updates),
		cmocka_unit_test(test_links_are_recent),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_next_session),
		cmocka_unit_test(test_stopped_terminal),
		cmocka_unit_test(test_terminal_of_another),
		cmocka_unit_test(test_dumb_terminal),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
