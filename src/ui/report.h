/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the summary for -v and the JSON lines of --json
 *
 * JSON: one object per line, each with "schema": REPORT_SCHEMA, "event": "start", "interval" or
 * "end" and "time" (seconds since the start, a real number). Written to the named file or to
 * stderr, never to stdout. A field is only ever added within one schema number.
 *
 * start:    role, session, host, port, subflows (how many are planned), window, version
 * interval: seconds, sent, received (bytes within these seconds), send_rate, receive_rate (bytes
 * per second), bytes_sent, bytes_received (since the start), subflows_live end:      bytes_sent,
 * bytes_received, seconds, exit, reason, reinjected, and subflows, an array of id, src, sport, dst,
 * dport, sent, received, retransmits, rtt_us, live
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

/* role "client" or "listener"; session: 32 hex digits; host and port as text; any of them NULL when
 * it is not known. With -k there is one start per session: time and intervals begin anew. */
void report_start(struct report *r, const char *role, const char *session, const char *host,
		  const char *port, unsigned n_subflows, uint64_t window);

/* Bytes each way so far and in this interval, rates in bytes per second, live subflows. */
void report_interval(struct report *r, const struct session_stats *stats);

/* Bytes each way, seconds, exit, reason, and per subflow: ports, addresses, bytes, retransmits. */
void report_end(struct report *r, const struct session_stats *stats, const struct report_end *end);

/* The line of -v: "sent 1.00 GiB, received 0 B in 2.31 s (443 MiB/s) over 4 subflows" into buf. */
size_t report_summary(char *buf, size_t size, const struct session_stats *stats);
