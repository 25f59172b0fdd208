/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report is read back with a JSON parser, line by line. The messages of log.c are tested here
 * too, as both end up on standard error, which these tests redirect to a file.
 */
#include "ui/report.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ui/log.h"
#include "ui/report_cost.h"
#include "util/text.h"
#include "util/units.h"

#define MIB (1ull << 20)

/* A directory of the test's own, and stderr redirected to a file in it. */
struct fixture {
	char dir[64], path[96], stderr_path[96];
	int saved_stderr;
	char text[8192];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	if (!f)
		return -1;
	text_printf(f->dir, sizeof(f->dir), "/tmp/test-report-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	text_printf(f->path, sizeof(f->path), "%s/report", f->dir);
	text_printf(f->stderr_path, sizeof(f->stderr_path), "%s/stderr", f->dir);
	fd = open(f->stderr_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	f->saved_stderr = dup(STDERR_FILENO);
	if (fd < 0 || f->saved_stderr < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -1;
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dup2(f->saved_stderr, STDERR_FILENO);
	close(f->saved_stderr);
	unlink(f->path);
	unlink(f->stderr_path);
	rmdir(f->dir);
	free(f);
	log_set_hook(NULL, NULL);
	log_set_level(0);
	return 0;
}

static const char *read_file(struct fixture *f, const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, f->text, sizeof(f->text) - 1);

	assert_true(n >= 0);
	f->text[n] = '\0';
	close(fd);
	return f->text;
}

/* The objects of a text, one per line; every line has to end. The caller frees the array. */
static json_t *parse_lines(const char *text)
{
	json_t *array = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		json_error_t error;
		json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

		if (!object)
			fail_msg("%s: %.*s", error.text, (int)len, text);
		assert_int_equal(text[len], '\n');
		json_array_append_new(array, object);
		text += len + 1;
	}
	return array;
}

/* Consumes expected. */
static void check_object(const json_t *object, json_t *expected)
{
	assert_non_null(expected);
	if (!json_equal(object, expected))
		fail_msg("is %s, not %s", json_dumps(object, 0), json_dumps(expected, 0));
	json_decref(expected);
}

static void write_session(struct report *r)
{
	static const struct subflow_stats subflows[] = {
		{ .id = 0,
		  .live = true,
		  .local = "10.0.0.1",
		  .peer = "10.0.0.2",
		  .local_port = 40000,
		  .peer_port = 31337,
		  .tx_bytes = 5 * MIB,
		  .rx_bytes = 1,
		  .retransmits = 7,
		  .rtt_us = 123,
		  .tx_link = -1,
		  .peer_rx_link = -1,
		  .peer_tx_link = -1,
		  .rx_link = -1 },
		{ .id = 2,
		  .local = "fe80::1%bond0",
		  .peer = "fe80::2%bond0",
		  .local_port = 65535,
		  .peer_port = 31337,
		  .rtt_us = UINT64_MAX },
	};
	struct session_stats stats = { .n_live = 2 };

	report_start(r, &(struct report_begin){ "client", "00112233445566778899aabbccddeeff", "new",
						"31337", 4, 64 * MIB });
	stats.elapsed_ns = NS_PER_S;
	stats.tx_read = stats.tx_acked = 4 * MIB;
	stats.tx_taken = 3 * MIB;
	report_interval(r, &stats);
	stats.elapsed_ns = 2 * NS_PER_S + NS_PER_S / 2;
	stats.tx_read = stats.tx_acked = stats.tx_taken = 6 * MIB;
	stats.rx_received = stats.rx_taken = 3000;
	stats.n_live = 1;
	report_interval(r, &stats);
	stats.elapsed_ns = 2 * NS_PER_S + 310000000;
	stats.tx_reinjected = 17;
	stats.n_subflows = 2;
	stats.subflow = subflows;
	report_end(r, &stats, &(struct report_end){ .exit = 3, .reason = "it broke" });
}

static void check_session(const json_t *lines, const char *version)
{
	assert_int_equal(json_array_size(lines), 4);
	check_object(json_array_get(lines, 0),
		     json_pack("{si ss sf ss ss ss ss si sI ss}", "schema", 1, "event", "start",
			       "time", 0.0, "role", "client", "session",
			       "00112233445566778899aabbccddeeff", "host", "new", "port", "31337",
			       "subflows", 4, "window", (json_int_t)(64 * MIB), "version",
			       version));
	check_object(
		json_array_get(lines, 1),
		json_pack("{si ss sf sf sI si sI si sI si si sn}", "schema", 1, "event", "interval",
			  "time", 1.0, "seconds", 1.0, "sent", (json_int_t)(3 * MIB), "received", 0,
			  "send_rate", (json_int_t)(3 * MIB), "receive_rate", 0, "bytes_sent",
			  (json_int_t)(3 * MIB), "bytes_received", 0, "subflows_live", 2, "links"));
	check_object(json_array_get(lines, 2),
		     json_pack("{si ss sf sf sI si sI si sI si si sn}", "schema", 1, "event",
			       "interval", "time", 2.5, "seconds", 1.5, "sent",
			       (json_int_t)(3 * MIB), "received", 3000, "send_rate",
			       (json_int_t)(2 * MIB), "receive_rate", 2000, "bytes_sent",
			       (json_int_t)(6 * MIB), "bytes_received", 3000, "subflows_live", 1,
			       "links"));
	check_object(json_array_get(lines, 3),
		     json_pack("{si ss sf sI si sf si ss si"
			       "s[{si ss si ss si sI si si si sb sn sn sn sn s[]}"
			       "{si ss si ss si si si si sI sb sn sn sn sn s[]}] sn sn sn sn}",
			       "schema", 1, "event", "end", "time", 2.31, "bytes_sent",
			       (json_int_t)(6 * MIB), "bytes_received", 3000, "seconds", 2.31,
			       "exit", 3, "reason", "it broke", "reinjected", 17, "subflows", "id",
			       0, "src", "10.0.0.1", "sport", 40000, "dst", "10.0.0.2", "dport",
			       31337, "sent", (json_int_t)(5 * MIB), "received", 1, "retransmits",
			       7, "rtt_us", 123, "live", 1, "tx_link", "peer_rx_link",
			       "peer_tx_link", "rx_link", "seen", "id", 2, "src", "fe80::1%bond0",
			       "sport", 65535, "dst", "fe80::2%bond0", "dport", 31337, "sent", 0,
			       "received", 0, "retransmits", 0, "rtt_us", (json_int_t)INT64_MAX,
			       "live", 0, "tx_link", "peer_rx_link", "peer_tx_link", "rx_link",
			       "seen", "here", "peer", "verdict", "cost"));
}

static void test_file(void **state)
{
	struct fixture *f = *state;
	struct report *r;
	json_t *lines;

	assert_int_equal(report_new(&r, f->path), 0);
	write_session(r);
	/* Lines are there at once, not when the report is freed. */
	lines = parse_lines(read_file(f, f->path));
	check_session(lines, MPNC_VERSION);
	json_decref(lines);
	assert_non_null(strstr(f->text, "\"time\":2.31,"));
	assert_null(report_free(r));
	assert_string_equal(read_file(f, f->stderr_path), "");
}

static void test_stderr(void **state)
{
	struct fixture *f = *state;
	struct report *r;
	json_t *lines;

	assert_int_equal(report_new(&r, NULL), 0);
	write_session(r);
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->stderr_path));
	check_session(lines, MPNC_VERSION);
	json_decref(lines);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

static void test_file_is_truncated(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CREAT, 0600);
	struct report *r;

	assert_int_equal(log_write(fd, "old\n", 4), 0);
	close(fd);
	assert_int_equal(report_new(&r, f->path), 0);
	assert_string_equal(read_file(f, f->path), "");
	assert_null(report_free(r));
}

static void test_stdout_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_RDWR | O_CREAT, 0600), saved = dup(STDOUT_FILENO);
	struct report *r;
	int to_file, to_null;

	assert_int_equal(log_write(fd, "data\n", 5), 0);
	/* Nothing may fail before the test has its own output back. */
	dup2(fd, STDOUT_FILENO);
	to_file = report_new(&r, f->path);
	close(fd);
	fd = open("/dev/null", O_WRONLY);
	dup2(fd, STDOUT_FILENO);
	to_null = report_new(&r, "/dev/null");
	dup2(saved, STDOUT_FILENO);
	close(fd);
	close(saved);
	assert_int_equal(to_file, -EEXIST);
	assert_string_equal(read_file(f, f->path), "data\n");
	assert_int_equal(to_null, 0);
	assert_null(report_free(r));
}

static void test_cannot_open(void **state)
{
	struct fixture *f = *state;
	struct report *r = (struct report *)f;
	char path[128];

	assert_int_equal(report_new(&r, f->dir), -EISDIR);
	assert_null(r);
	text_printf(path, sizeof(path), "%s/none/report", f->dir);
	assert_int_equal(report_new(&r, path), -ENOENT);
	assert_null(r);
}

static void test_null_is_ignored(void **state)
{
	struct session_stats stats = { 0 };

	report_start(NULL, &(struct report_begin){ .role = "client" });
	report_interval(NULL, &stats);
	report_end(NULL, &stats, &(struct report_end){ 0 });
	assert_null(report_free(NULL));
}

/* The first failure is named, once. */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct report *r;

	if (access("/dev/full", W_OK) < 0)
		skip();
	assert_int_equal(report_new(&r, "/dev/full"), 0);
	write_session(r);
	assert_null(report_free(r));
	assert_string_equal(
		read_file(f, f->stderr_path),
		"mpnc: cannot write the report to /dev/full: No space left on device\n");
}

/* Values that are missing, not UTF-8, or would break a line. */
static void test_awkward_text(void **state)
{
	struct fixture *f = *state;
	struct session_stats stats = { 0 };
	struct report *r;
	json_t *lines;

	assert_int_equal(report_new(&r, f->path), 0);
	report_start(r, &(struct report_begin){ "listener", NULL, NULL, "a\n\"b\"\\", 1, 1 });
	report_start(r, &(struct report_begin){ "listener", "", "caf\xc3\xa9", "\xff\x01", 1,
						UINT64_MAX });
	report_end(r, &stats, &(struct report_end){ .exit = 143, .reason = NULL });
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->path));
	assert_int_equal(json_array_size(lines), 3);
	check_object(json_array_get(lines, 0),
		     json_pack("{si ss sf ss sn sn ss si si ss}", "schema", 1, "event", "start",
			       "time", 0.0, "role", "listener", "session", "host", "port",
			       "a\n\"b\"\\", "subflows", 1, "window", 1, "version", MPNC_VERSION));
	check_object(json_array_get(lines, 1),
		     json_pack("{si ss sf ss ss ss ss si sI ss}", "schema", 1, "event", "start",
			       "time", 0.0, "role", "listener", "session", "", "host",
			       "caf\xc3\xa9", "port", "\\xff\\x01", "subflows", 1, "window",
			       (json_int_t)INT64_MAX, "version", MPNC_VERSION));
	check_object(json_array_get(lines, 2),
		     json_pack("{si ss sf si si sf si sn si s[] sn sn sn sn}", "schema", 1, "event",
			       "end", "time", 0.0, "bytes_sent", 0, "bytes_received", 0, "seconds",
			       0.0, "exit", 143, "reason", "reinjected", 0, "subflows", "here",
			       "peer", "verdict", "cost"));
	json_decref(lines);
}

/* With -k the second session's intervals do not count the first one's bytes. */
static void test_next_session(void **state)
{
	struct fixture *f = *state;
	struct session_stats stats = { .elapsed_ns = NS_PER_S, .rx_taken = 5000 };
	struct report *r;
	json_t *lines;
	const json_t *last;

	assert_int_equal(report_new(&r, f->path), 0);
	report_start(r, &(struct report_begin){ "listener", "1", NULL, "1", 1, 1 });
	report_interval(r, &stats);
	report_start(r, &(struct report_begin){ "listener", "2", NULL, "1", 1, 1 });
	stats.rx_taken = 700;
	report_interval(r, &stats);
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->path));
	last = json_array_get(lines, 3);
	assert_int_equal(json_integer_value(json_object_get(last, "received")), 700);
	assert_int_equal(json_integer_value(json_object_get(last, "receive_rate")), 700);
	json_decref(lines);
}

/* A bond of two links, one of them down, and a peer that has none and whose bytes mean nothing. */
static const struct side_stats bond = {
	.name = "bond0",
	.kind = "802.3ad layer3+4",
	.counted = true,
	.n_links = 2,
	.link = { { .name = "eth0", .speed = 1000, .usable = true, .tx_bytes = 2 * MIB },
		  { .name = "eth1", .tx_bytes = MIB } },
};
static const struct side_stats single = {
	.name = "ens3",
	.n_links = 1,
	.link = { { .name = "ens3",
		    .speed = 10000,
		    .usable = true,
		    .tx_bytes = 9,
		    .rx_bytes = 9 } },
};

static void test_links_at_the_end(void **state)
{
	static const struct subflow_stats subflows[] = {
		{ .tx_link = 1,
		  .peer_rx_link = 0,
		  .peer_tx_link = -1,
		  .rx_link = 0,
		  .observed = SUBFLOW_PEER_RX | SUBFLOW_RX },
		{ .tx_link = 2, .peer_rx_link = 1, .peer_tx_link = 0, .rx_link = -128 },
	};
	struct session_stats stats = {
		.n_subflows = 2,
		.subflow = subflows,
		.here = &bond,
		.peer = &single,
		.verdict = "eth1 stays idle",
	};
	struct fixture *f = *state;
	struct report *r;
	json_t *lines, *end, *array;

	assert_int_equal(report_new(&r, f->path), 0);
	report_end(r, &stats, &(struct report_end){ 0 });
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->path));
	end = json_array_get(lines, 0);
	check_object(json_object_get(end, "here"),
		     json_pack("{ss ss s[{ss si sb sI si sf sn} {ss sn sb sI si sf sn}]}", "name",
			       "bond0", "kind", "802.3ad layer3+4", "links", "name", "eth0",
			       "speed", 1000, "usable", 1, "tx_bytes", (json_int_t)(2 * MIB),
			       "rx_bytes", 0, "tx_share", 0.6667, "rx_share", "name", "eth1",
			       "speed", "usable", 0, "tx_bytes", (json_int_t)MIB, "rx_bytes", 0,
			       "tx_share", 0.3333, "rx_share"));
	check_object(json_object_get(end, "peer"),
		     json_pack("{ss sn s[{ss si sb sn sn sn sn}]}", "name", "ens3", "kind", "links",
			       "name", "ens3", "speed", 10000, "usable", 1, "tx_bytes", "rx_bytes",
			       "tx_share", "rx_share"));
	assert_string_equal(json_string_value(json_object_get(end, "verdict")), "eth1 stays idle");
	array = json_object_get(end, "subflows");
	for (size_t i = 0; i < 2; i++) {
		json_t *links = json_object();

		json_object_update(links, json_array_get(array, i));
		for (const char *const *key =
			     (const char *[]){ "id", "src", "sport", "dst", "dport", "sent",
					       "received", "retransmits", "rtt_us", "live", NULL };
		     *key; key++)
			json_object_del(links, *key);
		check_object(links,
			     i == 0 ? json_pack("{ss ss sn ss s[ss]}", "tx_link", "eth1",
						"peer_rx_link", "ens3", "peer_tx_link", "rx_link",
						"eth0", "seen", "peer_rx_link", "rx_link")
				    : json_pack("{sn sn ss sn s[]}", "tx_link", "peer_rx_link",
						"peer_tx_link", "ens3", "rx_link", "seen"));
		json_decref(links);
	}
	json_decref(lines);
}

/* A side that has no name is not known, whatever else is in it. */
static void test_side_without_name(void **state)
{
	static const struct subflow_stats subflow = { .tx_link = 0 };
	struct side_stats nameless = bond;
	struct session_stats stats = { .tx_read = 1, .n_subflows = 1, .subflow = &subflow };
	struct fixture *f = *state;
	char buf[REPORT_LINE_LEN];
	struct report *r;
	json_t *lines;
	const json_t *end;

	nameless.name[0] = '\0';
	stats.here = &nameless;
	assert_int_equal(report_new(&r, f->path), 0);
	report_interval(r, &stats);
	report_end(r, &stats, &(struct report_end){ 0 });
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->path));
	assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "links")));
	end = json_array_get(lines, 1);
	assert_true(json_is_null(json_object_get(end, "here")));
	end = json_array_get(json_object_get(end, "subflows"), 0);
	assert_true(json_is_null(json_object_get(end, "tx_link")));
	json_decref(lines);
	assert_int_equal(report_links(buf, sizeof(buf), &stats, 0), 0);
}

static const json_t *links_of(const json_t *lines, size_t i)
{
	return json_object_get(json_array_get(lines, i), "links");
}

/* Each interval has its own bytes, by name: bonds get and lose links. A counter that began anew
 * gives 0, and the next session begins at 0. */
static void test_links_in_intervals(void **state)
{
	struct fixture *f = *state;
	struct side_stats here = bond;
	struct session_stats stats = { .here = &here };
	struct report *r;
	json_t *lines;

	assert_int_equal(report_new(&r, f->path), 0);
	report_start(r, &(struct report_begin){ "client", "1", NULL, "1", 1, 1 });
	report_interval(r, &stats);
	here.link[2] = (struct link_stats){ .name = "eth1", .tx_bytes = 3 * MIB, .rx_bytes = 5 };
	here.link[1] = (struct link_stats){ .name = "eth2", .tx_bytes = 7 };
	here.link[0].tx_bytes -= 1;
	here.n_links = 3;
	report_interval(r, &stats);
	here.counted = false;
	report_interval(r, &stats);
	here.counted = true;
	here.link[2].rx_bytes = 6;
	report_interval(r, &stats);
	here = bond;
	report_start(r, &(struct report_begin){ "client", "2", NULL, "1", 1, 1 });
	report_interval(r, &stats);
	assert_null(report_free(r));
	lines = parse_lines(read_file(f, f->path));
	check_object(links_of(lines, 1),
		     json_pack("[{ss sI si} {ss sI si}]", "name", "eth0", "tx_bytes",
			       (json_int_t)(2 * MIB), "rx_bytes", 0, "name", "eth1", "tx_bytes",
			       (json_int_t)MIB, "rx_bytes", 0));
	check_object(links_of(lines, 2),
		     json_pack("[{ss si si} {ss si si} {ss sI si}]", "name", "eth0", "tx_bytes", 0,
			       "rx_bytes", 0, "name", "eth2", "tx_bytes", 7, "rx_bytes", 0, "name",
			       "eth1", "tx_bytes", (json_int_t)(2 * MIB), "rx_bytes", 5));
	assert_true(json_is_null(links_of(lines, 3)));
	check_object(links_of(lines, 4),
		     json_pack("[{ss si si} {ss si si} {ss si si}]", "name", "eth0", "tx_bytes", 0,
			       "rx_bytes", 0, "name", "eth2", "tx_bytes", 0, "rx_bytes", 0, "name",
			       "eth1", "tx_bytes", 0, "rx_bytes", 1));
	assert_true(json_equal(links_of(lines, 6), links_of(lines, 1)));
	json_decref(lines);
}

/* Checks all lines that report_links() gives. */
static void check_links(const struct session_stats *stats, const char *const expected[])
{
	char buf[REPORT_LINE_LEN];
	unsigned i;

	for (i = 0; expected[i]; i++) {
		size_t n = report_links(buf, sizeof(buf), stats, i);

		assert_string_equal(buf, expected[i]);
		assert_int_equal(n, strlen(buf));
	}
	assert_int_equal(report_links(buf, sizeof(buf), stats, i), 0);
	assert_string_equal(buf, "");
}

#define CHECK_LINKS(stats, ...) check_links(stats, (const char *const[]){ __VA_ARGS__, NULL })

/* Over several pairs of addresses: each once, in the order in which they came. */
static void test_pairs(void **state)
{
	const struct subflow_stats subflows[] = {
		{ .local = "10.1.0.1", .peer = "10.1.0.2", .tx_bytes = MIB },
		{ .local = "10.2.0.1", .peer = "10.1.0.2", .rx_bytes = 2 * MIB },
		{ .local = "10.1.0.1",
		  .peer = "10.1.0.2",
		  .tx_bytes = MIB / 2,
		  .rx_bytes = MIB / 2 },
	};
	struct session_stats stats = { .n_subflows = 3, .subflow = subflows };
	char buf[REPORT_PAIR_LEN];
	size_t n;

	n = report_pairs(buf, sizeof(buf), &stats, 0);
	assert_int_equal(n, strlen(buf));
	assert_string_equal(buf, "between 10.1.0.1 and 10.1.0.2: 2.00 MiB 50.0 % over 2 subflows");
	n = report_pairs(buf, sizeof(buf), &stats, 1);
	assert_int_equal(n, strlen(buf));
	assert_string_equal(buf, "between 10.2.0.1 and 10.1.0.2: 2.00 MiB 50.0 % over 1 subflow");
	assert_int_equal(report_pairs(buf, sizeof(buf), &stats, 2), 0);
	assert_string_equal(buf, "");
	stats.n_subflows = 1;
	assert_int_equal(report_pairs(buf, sizeof(buf), &stats, 0), 0);
}

static void test_links(void **state)
{
	struct side_stats here = bond, peer = single;
	struct session_stats stats = { .here = &here, .peer = &peer };

	check_links(&stats, (const char *const[]){ NULL });
	stats.tx_read = 1;
	CHECK_LINKS(&stats,
		    "here bond0 (802.3ad layer3+4): tx eth0 2.00 MiB 66.7 %, eth1 1.00 MiB 33.3 %",
		    "peer ens3: rx not known");
	peer.counted = true;
	peer.link[0].rx_bytes = 3 * MIB;
	CHECK_LINKS(&stats,
		    "here bond0 (802.3ad layer3+4): tx eth0 2.00 MiB 66.7 %, eth1 1.00 MiB 33.3 %",
		    "peer ens3: rx 3.00 MiB");
	stats.rx_received = 1;
	peer.link[0].tx_bytes = 7;
	CHECK_LINKS(&stats,
		    "here bond0 (802.3ad layer3+4): tx eth0 2.00 MiB 66.7 %, eth1 1.00 MiB 33.3 %",
		    "peer ens3: rx 3.00 MiB",
		    "here bond0 (802.3ad layer3+4): rx eth0 0 B, eth1 0 B", "peer ens3: tx 7 B");
	stats.tx_read = 0;
	here.link[1].rx_bytes = 2048;
	CHECK_LINKS(&stats,
		    "here bond0 (802.3ad layer3+4): rx eth0 0 B 0.0 %, eth1 2.00 KiB 100.0 %",
		    "peer ens3: tx 7 B");
	stats.here = NULL;
	CHECK_LINKS(&stats, "peer ens3: tx 7 B");
}

/* Eight links take two lines; 32 with the longest values and names never overrun one. */
static void test_many_links(void **state)
{
	struct side_stats here = bond;
	struct session_stats stats = { .tx_read = 1, .here = &here };
	char buf[REPORT_LINE_LEN + 1];
	unsigned n_links = 0;

	here.n_links = 8;
	for (unsigned i = 0; i < 8; i++) {
		text_printf(here.link[i].name, STATS_NAME_LEN, "eth%u", i);
		here.link[i].tx_bytes = (50 * MIB) + i * MIB / 10;
	}
	CHECK_LINKS(&stats,
		    "here bond0 (802.3ad layer3+4): tx eth0 50.0 MiB 12.4 %, eth1 50.1 MiB 12.4 %, "
		    "eth2 50.2 MiB 12.5 %, eth3 50.3 MiB 12.5 %",
		    "here bond0 (802.3ad layer3+4): tx eth4 50.4 MiB 12.5 %, eth5 50.5 MiB 12.5 %, "
		    "eth6 50.6 MiB 12.6 %, eth7 50.7 MiB 12.6 %");
	here = (struct side_stats){ .counted = true, .n_links = STATS_LINKS_MAX };
	memset(here.name, 'b', sizeof(here.name) - 1);
	memset(here.kind, 'k', sizeof(here.kind) - 1);
	for (unsigned i = 0; i < STATS_LINKS_MAX; i++) {
		memset(here.link[i].name, 'l', sizeof(here.link[i].name) - 1);
		here.link[i].tx_bytes = UINT64_MAX;
	}
	for (unsigned i = 0; report_links(buf, sizeof(buf), &stats, i); i++) {
		assert_true(strlen(buf) < REPORT_LINE_LEN);
		for (const char *p = buf; (p = strstr(p, "16.0 EiB 3.1 %")); p++)
			n_links++;
	}
	assert_int_equal(n_links, STATS_LINKS_MAX);
}

/* What a peer calls its links cannot steer the terminal; a buffer is never overrun. */
static void test_awkward_links(void **state)
{
	struct side_stats here = bond;
	struct session_stats stats = { .tx_read = 1, .here = &here };
	char buf[16];

	text_printf(here.name, sizeof(here.name), "\x1b[2J");
	text_printf(here.kind, sizeof(here.kind), "a\nb");
	text_printf(here.link[0].name, sizeof(here.link[0].name), "\xff");
	here.n_links = 1;
	CHECK_LINKS(&stats, "here \\x1b[2J (a\\nb): tx \\xff 2.00 MiB 100.0 %");
	assert_int_equal(report_links(buf, 8, &stats, 0), 7);
	assert_string_equal(buf, "here \\x");
	assert_int_equal(report_links(NULL, 0, &stats, 0), 0);
}

static void count(void *arg)
{
	int *n = arg;

	(*n)++;
	errno = EIO;
}

/* The progress line gives way to JSON on stderr, but not to JSON in a file. */
static void test_progress_gives_way(void **state)
{
	struct fixture *f = *state;
	struct session_stats stats = { 0 };
	struct report *r;
	int n = 0;

	log_set_hook(count, &n);
	assert_int_equal(report_new(&r, f->path), 0);
	report_interval(r, &stats);
	assert_null(report_free(r));
	assert_int_equal(n, 0);
	assert_int_equal(report_new(&r, NULL), 0);
	report_interval(r, &stats);
	assert_null(report_free(r));
	assert_int_equal(n, 1);
}

static void test_summary(void **state)
{
	static const struct {
		struct session_stats stats;
		const char *text;
	} cases[] = {
		{ { .elapsed_ns = 2310000000, .tx_taken = 1ull << 30, .n_subflows = 4 },
		  "sent 1.00 GiB, received 0 B in 2.31 s (443 MiB/s) over 4 subflows" },
		{ { .elapsed_ns = NS_PER_S, .tx_taken = MIB, .rx_taken = MIB, .n_subflows = 1 },
		  "sent 1.00 MiB, received 1.00 MiB in 1.00 s (2.00 MiB/s) over 1 subflow" },
		{ { .tx_read = 5 }, "sent 0 B, received 0 B in 0.00 s (-) over 0 subflows" },
	};
	char buf[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = report_summary(buf, sizeof(buf), &cases[i].stats);

		assert_string_equal(buf, cases[i].text);
		assert_int_equal(n, strlen(buf));
	}
	assert_int_equal(report_summary(buf, 8, &cases[0].stats), 7);
	assert_string_equal(buf, "sent 1.");
}

/* What it cost, and which stage was never held up by the others. */
static void test_cost(void **state)
{
	struct session_stats stats = {
		.tx_taken = 2000000000,
		.cost = { .cpu_ns = 1000000000,
			  .busiest_ns = 600000000,
			  .busiest = WIRE_STAGE_NETWORK,
			  .busy = { 20, 60, WIRE_BUSY_UNKNOWN } },
		.peer_cost = { .cpu_ns = 900000000,
			       .busiest_ns = 500000000,
			       .busiest = WIRE_STAGE_OUTPUT,
			       .busy = { WIRE_BUSY_UNKNOWN, 40, 97 } },
	};
	char line[REPORT_COST_LEN];
	json_t *json;

	assert_true(report_cost(line, sizeof(line), &stats) > 0);
	assert_string_equal(line, "cost: 0.50 s/GB here (network 0.30), 0.45 s/GB there (output "
				  "0.25); limit: output there, 97 % busy");
	json = report_cost_json(&stats);
	check_object(json,
		     json_pack("{s{sf sf ss sf sf s{si si sn}} s{sf sf ss sf sf s{sn si si}} s{ss "
			       "ss}}",
			       "here", "cpu_seconds", 1.0, "cpu_seconds_per_gb", 0.5, "busiest",
			       "network", "busiest_seconds", 0.6, "busiest_seconds_per_gb", 0.3,
			       "busy", "input", 20, "network", 60, "output", "there", "cpu_seconds",
			       0.9, "cpu_seconds_per_gb", 0.45, "busiest", "output",
			       "busiest_seconds", 0.5, "busiest_seconds_per_gb", 0.25, "busy",
			       "input", "network", 40, "output", 97, "limit", "stage", "output",
			       "side", "there"));

	json_decref(json);

	/* A peer that does not say, and stages that all wait: the links. */
	stats.peer_cost = (struct wire_cost){ 0 };
	report_cost(line, sizeof(line), &stats);
	assert_string_equal(line, "cost: 0.50 s/GB here (network 0.30); limit: links");
	/* Few bytes cost what starting and ending does. */
	stats.tx_taken = 1000;
	assert_int_equal(report_cost(line, sizeof(line), &stats), 0);
}

static void test_log_levels(void **state)
{
	static const char *const expected[] = {
		"mpnc: e0\n",
		"mpnc: e1\nmpnc: i1\n",
		"mpnc: e2\nmpnc: i2\nmpnc: d2\n",
		"mpnc: e3\nmpnc: i3\nmpnc: d3\n",
	};
	struct fixture *f = *state;

	for (int level = 0; level < 4; level++) {
		assert_int_equal(truncate(f->stderr_path, 0), 0);
		log_set_level(level);
		assert_int_equal(log_level(), level);
		log_error("e%d", level);
		log_info("i%d", level);
		log_debug("d%d", level);
		assert_string_equal(read_file(f, f->stderr_path), expected[level]);
	}
}

/* One line whatever is in it, errno as it was, and the progress line wiped before it. */
static void test_log_line(void **state)
{
	struct fixture *f = *state;
	char big[2 * LOG_LINE_LEN];
	int n = 0;

	log_set_hook(count, &n);
	errno = EXDEV;
	log_error("a\nb\x1b[2J\x7f\tcaf\xc3\xa9");
	assert_int_equal(errno, EXDEV);
	assert_int_equal(n, 1);
	assert_string_equal(read_file(f, f->stderr_path), "mpnc: a?b?[2J??caf\xc3\xa9\n");
	log_info("not printed, so nothing is wiped");
	assert_int_equal(n, 1);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(truncate(f->stderr_path, 0), 0);
	log_error("%s", big);
	read_file(f, f->stderr_path);
	assert_int_equal(strlen(f->text), LOG_LINE_LEN);
	assert_int_equal(f->text[LOG_LINE_LEN - 1], '\n');
	assert_int_equal(strspn(f->text + 6, "x"), LOG_LINE_LEN - 7);
}

static void test_log_write_fails(void **state)
{
	int fd[2];
	char byte = 'x';

	assert_int_equal(log_write(-1, &byte, 1), -EBADF);
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	while (write(fd[1], &byte, 1) == 1)
		;
	/* Waits for room, but not for ever. */
	assert_int_equal(log_write(fd[1], &byte, 1), -EAGAIN);
	close(fd[0]);
	close(fd[1]);
}

static void test_full_blocking_pipe(void **state)
{
	int fd[2];
	char byte = 'x';

	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	while (write(fd[1], &byte, 1) == 1)
		;
	assert_int_equal(fcntl(fd[1], F_SETFL, 0), 0);
	/* Ends the test if it does block. */
	alarm(10);
	assert_int_equal(log_write(fd[1], &byte, 1), -EAGAIN);
	alarm(0);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_stderr),
		TEST(test_file_is_truncated),
		TEST(test_stdout_is_refused),
		TEST(test_cannot_open),
		TEST(test_null_is_ignored),
		TEST(test_full_disk),
		TEST(test_awkward_text),
		TEST(test_next_session),
		TEST(test_progress_gives_way),
		TEST(test_links_at_the_end),
		TEST(test_side_without_name),
		TEST(test_links_in_intervals),
		TEST(test_pairs),
		TEST(test_links),
		TEST(test_many_links),
		TEST(test_awkward_links),
		TEST(test_summary),
		TEST(test_cost),
		TEST(test_log_levels),
		TEST(test_log_line),
		TEST(test_log_write_fails),
		TEST(test_full_blocking_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
