/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the summary for -v and the JSON lines of --json
 *
 * JSON: one object per line, each with "schema": REPORT_SCHEMA, "event": "start", "interval" or
 * "end" and "time" (seconds since the start, a real number). Written to the named file or to
 * stderr, never to stdout. A field is only ever added within one schema number.
 *
 * - start: role, session, host, port, subflows (how many are planned), window, version
 * - interval: seconds, sent, received (bytes within these seconds), send_rate, receive_rate (bytes
 *   per second), bytes_sent, bytes_received (since the start), subflows_live, and links: an array
 *   of name, tx_bytes, rx_bytes (our links, within these seconds), or null: not counted
 * - end: bytes_sent, bytes_received, seconds, exit, reason, reinjected, subflows, here, peer,
 * verdict (why links stay idle; null: no link does, or the reason is unknown), cost (report_cost.h)
 *
 * subflows is an array of id, src, sport, dst, dport, sent, received, retransmits, rtt_us, live and
 * of the links by name, where they are known: tx_link, peer_rx_link, peer_tx_link, rx_link. seen is
 * an array of those of these four names whose links were observed, not predicted. here and peer
 * have name, kind (null: no bond) and links, an array of name, speed (Mbit/s), usable, tx_bytes,
 * rx_bytes, tx_share, rx_share (0 to 1, of all that the side's links carried that way). What is not
 * known of them is null, and so are here and peer as a whole.
 *
 * Bytes sent are those that the peer's output took, bytes received those that our output took. Text
 * that is not UTF-8 is written as text_quote() does.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "session/stats.h"

#define REPORT_SCHEMA 1

struct report;

/* A session, when it starts. What is not known is NULL. */
struct report_begin {
	const char *role;    /* "client" or "listener" */
	const char *session; /* its name: 32 hex digits */
	const char *host, *port;
	unsigned n_subflows;
	uint64_t window;
};

/* What ended the program's work on one session. */
struct report_end {
	int exit;           /* exit status: 0 1 2 3 4 128+n */
	const char *reason; /* the line that log_error got, or "complete" */
};

/* path NULL: stderr; otherwise borrowed as long as the report lives, and the file is created or
 * truncated. Returns 0, -EEXIST if it is the standard output, or -errno. A NULL report is accepted
 * and ignored by every function below. The first line that cannot be written is named by log_error,
 * and nothing is written after it. */
int report_new(struct report **out, const char *path);
struct report *report_free(struct report *r);

/* With -k there is one start per session: time and intervals begin anew. */
void report_start(struct report *r, const struct report_begin *begin);

/* Bytes each way so far and in this interval, rates in bytes per second, live subflows, and the
 * bytes of each of our links in this interval. */
void report_interval(struct report *r, const struct session_stats *stats);

/* Bytes each way, seconds, exit, reason; per subflow: ports, addresses, bytes, retransmits, links;
 * per link of each side: its bytes. */
void report_end(struct report *r, const struct session_stats *stats, const struct report_end *end);

/* The line of -v: "sent 1.00 GiB, received 0 B in 2.31 s (443 MiB/s) over 4 subflows" into buf. */
size_t report_summary(char *buf, size_t size, const struct session_stats *stats);

/* The line that stays where progress was drawn: "sent 1.00 GiB in 2.31 s (443 MiB/s) over 4 links,
 * verified". The links are ours that carried data, or else subflows. reason: of an outcome with
 * exit status 0. */
size_t report_last(char *buf, size_t size, const struct session_stats *stats, const char *reason);

/* The longest line of report_links(), with its NUL. */
#define REPORT_LINE_LEN 128

/*
 * The lines of -v that follow it: what each link carried, in the directions that had data.
 *
 *   here bond0 (802.3ad layer3+4): tx eth0 50.1 MiB 50.0 %, eth1 50.0 MiB 50.0 %
 *   peer bond0 (802.3ad layer3+4): rx eth2 50.1 MiB 50.0 %, eth3 50.0 MiB 50.0 %
 *
 * Writes line number `line`, from 0, and returns its length; 0: there are no more. An unknown side
 * has no line, one whose counters are not known says so, and one with more links
 * than fit has several. Percentages are of all that the side's links carried that way.
 */
size_t report_links(char *buf, size_t size, const struct session_stats *stats, unsigned line);

/* The longest line of report_pairs(), with its NUL. */
#define REPORT_PAIR_LEN (2 * STATS_ADDR_LEN + 80)

/*
 * The lines of -v for a session over several pairs of addresses: what was sent and received over
 * each, bytes that were sent again too.
 *
 *   between 10.1.0.1 and 10.1.0.2: 8.10 MiB 50.6 % over 4 subflows
 *
 * As report_links; no line when all subflows are between the same addresses.
 */
size_t report_pairs(char *buf, size_t size, const struct session_stats *stats, unsigned line);

/* Logs all lines of both, the cost (report_cost.h), and the verdict on steering. */
void report_say_links(const struct session_stats *stats);
