/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - JSON lines: what was known at the last interval, and the difference to now
 *
 * An event is built as one JSON object and written by one call, so a reader never sees half a line
 * of a report that goes on. NULL stands for a value that could not be made for want of memory;
 * jansson passes it on, and the event is then reported as failed.
 *
 * What always holds:
 * - A report that failed once stays failed and says so once: a line that is missing in the middle
 *   would look like an interval without bytes.
 * - The file is truncated only after it is sure that it is not the transfer's output.
 * - elapsed_ns, sent, received and here are the values of the last interval. Differences never
 *   become negative: a link that left and came back counts from zero.
 * - Integers from the peer are cut to what JSON's integers hold, sums of them are real numbers.
 */
#include "ui/report.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/log.h"
#include "ui/report_cost.h"
#include "util/text.h"
#include "util/units.h"

/* Keeps microseconds in a transfer of ten days, and 2.31 from becoming 2.3100000000000001. */
#define REAL_DIGITS 12

#define TEXT_MAX_LEN 512

struct report {
	int fd;
	const char *path; /* NULL: fd is stderr, borrowed */
	bool failed;
	/* at the last interval */
	uint64_t elapsed_ns;
	uint64_t sent, received;
	struct side_stats here;
};

/* Are both descriptors the same file, so that one would write into the other's bytes? */
static bool is_same(int a, int b)
{
	struct stat sa, sb, null;

	if (fstat(a, &sa) < 0 || fstat(b, &sb) < 0 || sa.st_dev != sb.st_dev ||
	    sa.st_ino != sb.st_ino)
		return false;
	return stat("/dev/null", &null) < 0 || sa.st_rdev != null.st_rdev || !S_ISCHR(sa.st_mode);
}

/* Not truncated before it is sure that it is not the data's. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (is_same(fd, STDOUT_FILENO)) {
		close(fd);
		return -EEXIST;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int report_new(struct report **out, const char *path)
{
	struct report *r;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->path = path;
	r->fd = STDERR_FILENO;
	if (path)
		r->fd = open_file(path);
	if (r->fd < 0) {
		int error = r->fd;

		free(r);
		return error;
	}
	*out = r;
	return 0;
}

static void fail(struct report *r, int error)
{
	if (!r->failed)
		log_error("cannot write the report to %s: %s", r->path ? r->path : "standard error",
			  strerror(error));
	r->failed = true;
}

struct report *report_free(struct report *r)
{
	if (!r)
		return NULL;
	if (r->path && close(r->fd) < 0)
		fail(r, errno);
	free(r);
	return NULL;
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

/* Links ---------------------------------------------------------------------------------------- */

static bool is_known(const struct side_stats *side)
{
	return side && side->name[0];
}

static uint64_t link_bytes(const struct link_stats *link, bool tx)
{
	return tx ? link->tx_bytes : link->rx_bytes;
}

/* A real number: what a peer claims could overflow an integer. */
static double side_bytes(const struct side_stats *side, bool tx)
{
	double sum = 0;

	for (unsigned i = 0; i < side->n_links; i++)
		sum += (double)link_bytes(&side->link[i], tx);
	return sum;
}

/* JSON ----------------------------------------------------------------------------------------- */

/* Below, NULL stands for "out of memory", which json_object_set_new() passes on. */

static json_t *number(uint64_t v)
{
	return json_integer(v < INT64_MAX ? (json_int_t)v : INT64_MAX);
}

static json_t *text(const char *s)
{
	char quoted[TEXT_MAX_LEN];
	json_t *json;

	if (!s)
		return json_null();
	json = json_string(s);
	if (json)
		return json;
	text_quote(quoted, sizeof(quoted), s, strlen(s));
	return json_string(quoted);
}

struct field {
	const char *name;
	json_t *value;
};

/* Takes all values over, even if it fails. */
static int add(json_t *object, const struct field *fields, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		r |= json_object_set_new(object, fields[i].name, fields[i].value);
	return r;
}

#define ADD(object, fields) add(object, fields, sizeof(fields) / sizeof((fields)[0]))

static json_t *object_of(const struct field *fields, size_t n)
{
	json_t *object = json_object();

	if (add(object, fields, n) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

#define OBJECT(fields) object_of(fields, sizeof(fields) / sizeof((fields)[0]))

static int write_object(struct report *r, const json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)), *whole;
	size_t len = line ? strlen(line) : 0;
	int error = -ENOMEM;

	whole = line ? realloc(line, len + 1) : NULL;
	if (whole) {
		line = whole;
		line[len] = '\n';
		if (!r->path)
			log_wipe();
		error = log_write(r->fd, line, len + 1);
	}
	free(line);
	return error;
}

/* Writes one line: what all events have, then fields. */
static void emit(struct report *r, const char *event, uint64_t elapsed_ns,
		 const struct field *fields, size_t n)
{
	const struct field common[] = {
		{ "schema", number(REPORT_SCHEMA) },
		{ "event", text(event) },
		{ "time", json_real(seconds(elapsed_ns)) },
	};
	json_t *object = json_object();
	int error = -ENOMEM;

	if ((ADD(object, common) | add(object, fields, n)) == 0)
		error = write_object(r, object);
	json_decref(object);
	if (error < 0)
		fail(r, -error);
}

#define EMIT(r, event, elapsed_ns, fields) \
	emit(r, event, elapsed_ns, fields, sizeof(fields) / sizeof((fields)[0]))

void report_start(struct report *r, const struct report_begin *begin)
{
	if (!r || r->failed)
		return;
	r->elapsed_ns = r->sent = r->received = 0;
	r->here = (struct side_stats){ 0 };
	EMIT(r, "start", 0,
	     ((struct field[]){
		     { "role", text(begin->role) },
		     { "session", text(begin->session) },
		     { "host", text(begin->host) },
		     { "port", text(begin->port) },
		     { "subflows", number(begin->n_subflows) },
		     { "window", number(begin->window) },
		     { "version", text(MPNC_VERSION) },
	     }));
}

static json_t *rate(uint64_t bytes, uint64_t ns)
{
	return number(ns ? (uint64_t)((double)bytes / seconds(ns) + 0.5) : 0);
}

static uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* The link as it was at the last interval. One that is new since then has no bytes. Found by its
 * name, as a bond may get and lose links. */
static struct link_stats link_before(const struct side_stats *before, const char *name)
{
	for (unsigned i = 0; i < before->n_links; i++)
		if (strcmp(before->link[i].name, name) == 0)
			return before->link[i];
	return (struct link_stats){ 0 };
}

/* What each of our links carried since the last interval. */
static json_t *growth_array(struct report *r, const struct side_stats *here)
{
	json_t *array;

	if (!is_known(here) || !here->counted)
		return json_null();
	array = json_array();
	for (unsigned i = 0; i < here->n_links; i++) {
		const struct link_stats *now = &here->link[i];
		struct link_stats before = link_before(&r->here, now->name);
		const struct field fields[] = {
			{ "name", text(now->name) },
			{ "tx_bytes", number(growth(now->tx_bytes, before.tx_bytes)) },
			{ "rx_bytes", number(growth(now->rx_bytes, before.rx_bytes)) },
		};

		if (json_array_append_new(array, OBJECT(fields)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	r->here = *here;
	return array;
}

void report_interval(struct report *r, const struct session_stats *stats)
{
	uint64_t ns, sent, received;

	if (!r || r->failed)
		return;
	ns = stats->elapsed_ns - r->elapsed_ns;
	sent = stats->tx_taken - r->sent;
	received = stats->rx_taken - r->received;
	r->elapsed_ns = stats->elapsed_ns;
	r->sent = stats->tx_taken;
	r->received = stats->rx_taken;
	EMIT(r, "interval", stats->elapsed_ns,
	     ((struct field[]){
		     { "seconds", json_real(seconds(ns)) },
		     { "sent", number(sent) },
		     { "received", number(received) },
		     { "send_rate", rate(sent, ns) },
		     { "receive_rate", rate(received, ns) },
		     { "bytes_sent", number(stats->tx_taken) },
		     { "bytes_received", number(stats->rx_taken) },
		     { "subflows_live", number(stats->n_live) },
		     { "links", growth_array(r, stats->here) },
	     }));
}

/* The link's part of all that its side carried, to four decimals. */
static json_t *share(const struct side_stats *side, const struct link_stats *link, bool tx)
{
	double sum = side_bytes(side, tx);

	if (!side->counted || sum <= 0)
		return json_null();
	return json_real((double)(long)((double)link_bytes(link, tx) / sum * 1e4 + 0.5) / 1e4);
}

static json_t *side_object(const struct side_stats *side)
{
	json_t *links;

	if (!is_known(side))
		return json_null();
	links = json_array();
	for (unsigned i = 0; i < side->n_links; i++) {
		const struct link_stats *l = &side->link[i];
		const struct field fields[] = {
			{ "name", text(l->name) },
			{ "speed", l->speed ? number(l->speed) : json_null() },
			{ "usable", json_boolean(l->usable) },
			{ "tx_bytes", side->counted ? number(l->tx_bytes) : json_null() },
			{ "rx_bytes", side->counted ? number(l->rx_bytes) : json_null() },
			{ "tx_share", share(side, l, true) },
			{ "rx_share", share(side, l, false) },
		};

		if (json_array_append_new(links, OBJECT(fields)) < 0) {
			json_decref(links);
			return NULL;
		}
	}
	return OBJECT(((struct field[]){
		{ "name", text(side->name) },
		{ "kind", text(side->kind[0] ? side->kind : NULL) },
		{ "links", links },
	}));
}

static json_t *link_name(const struct side_stats *side, int index)
{
	return text(is_known(side) ? side_link_name(side, index) : NULL);
}

/* Which of the links that are named were seen to be so, and are not only told by a rule. */
static json_t *seen_array(uint8_t seen)
{
	static const struct {
		enum subflow_end end;
		const char *name;
	} ends[] = {
		{ SUBFLOW_TX, "tx_link" },
		{ SUBFLOW_PEER_RX, "peer_rx_link" },
		{ SUBFLOW_PEER_TX, "peer_tx_link" },
		{ SUBFLOW_RX, "rx_link" },
	};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!(seen & ends[i].end))
			continue;
		if (json_array_append_new(array, json_string(ends[i].name)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *subflow_object(const struct subflow_stats *s, const struct session_stats *stats)
{
	const struct field fields[] = {
		{ "id", number(s->id) },
		{ "src", text(s->local) },
		{ "sport", number(s->local_port) },
		{ "dst", text(s->peer) },
		{ "dport", number(s->peer_port) },
		{ "sent", number(s->tx_bytes) },
		{ "received", number(s->rx_bytes) },
		{ "retransmits", number(s->retransmits) },
		{ "rtt_us", number(s->rtt_us) },
		{ "live", json_boolean(s->live) },
		{ "tx_link", link_name(stats->here, s->tx_link) },
		{ "peer_rx_link", link_name(stats->peer, s->peer_rx_link) },
		{ "peer_tx_link", link_name(stats->peer, s->peer_tx_link) },
		{ "rx_link", link_name(stats->here, s->rx_link) },
		{ "seen", seen_array(s->observed) },
	};

	return OBJECT(fields);
}

static json_t *subflow_array(const struct session_stats *stats)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < stats->n_subflows; i++) {
		if (json_array_append_new(array, subflow_object(&stats->subflow[i], stats)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

void report_end(struct report *r, const struct session_stats *stats, const struct report_end *end)
{
	if (!r || r->failed)
		return;
	EMIT(r, "end", stats->elapsed_ns,
	     ((struct field[]){
		     { "bytes_sent", number(stats->tx_taken) },
		     { "bytes_received", number(stats->rx_taken) },
		     { "seconds", json_real(seconds(stats->elapsed_ns)) },
		     { "exit", json_integer(end->exit) },
		     { "reason", text(end->reason) },
		     { "reinjected", number(stats->tx_reinjected) },
		     { "subflows", subflow_array(stats) },
		     { "here", side_object(stats->here) },
		     { "peer", side_object(stats->peer) },
		     { "verdict", text(stats->verdict) },
		     { "cost", report_cost_json(stats) },
	     }));
}

/* Text ----------------------------------------------------------------------------------------- */

size_t report_summary(char *buf, size_t size, const struct session_stats *stats)
{
	char sent[24], received[24], duration[24], rate_text[24];

	text_size(sent, sizeof(sent), stats->tx_taken);
	text_size(received, sizeof(received), stats->rx_taken);
	text_duration(duration, sizeof(duration), stats->elapsed_ns);
	text_rate(rate_text, sizeof(rate_text), stats->tx_taken + stats->rx_taken,
		  stats->elapsed_ns);
	return text_printf(buf, size, "sent %s, received %s in %s (%s) over %u subflow%s", sent,
			   received, duration, rate_text, stats->n_subflows,
			   stats->n_subflows == 1 ? "" : "s");
}

/* Our links that carried at least this part of the session's bytes: other traffic and ACKs are
 * counted, too. */
#define USED_PART 0.01

/* 0: not known, or there is no choice. */
static unsigned links_used(const struct session_stats *stats)
{
	const struct side_stats *here = stats->here;
	double least = ((double)stats->tx_taken + (double)stats->rx_taken) * USED_PART;
	unsigned n = 0;

	if (!is_known(here) || !here->counted || here->n_links < 2)
		return 0;
	for (unsigned i = 0; i < here->n_links; i++)
		n += (double)here->link[i].tx_bytes + (double)here->link[i].rx_bytes >= least;
	return n;
}

size_t report_last(char *buf, size_t size, const struct session_stats *stats, const char *reason)
{
	char tx[24], rx[24], duration[24], rate_text[24];
	unsigned links = links_used(stats), n = links ? links : stats->n_subflows;
	bool sent = stats->tx_read > 0, received = stats->rx_received > 0;

	text_size(tx, sizeof(tx), stats->tx_taken);
	text_size(rx, sizeof(rx), stats->rx_taken);
	text_duration(duration, sizeof(duration), stats->elapsed_ns);
	text_rate(rate_text, sizeof(rate_text), stats->tx_taken + stats->rx_taken,
		  stats->elapsed_ns);
	return text_printf(buf, size, "%s%s%s%s%s in %s (%s) over %u %s%s, %s", sent ? "sent " : "",
			   sent ? tx : "", sent && received ? ", " : "",
			   received || !sent ? "received " : "", received || !sent ? rx : "",
			   duration, rate_text, n, links ? "link" : "subflow", n == 1 ? "" : "s",
			   strcmp(reason, "complete") == 0 ? "verified" : reason);
}

/* One direction of one side, when the session has sent data that way. */
struct traffic {
	const char *where;
	const struct side_stats *side;
	bool tx;
	bool flows;
};

/* The only device of a side without a bond has the side's name: said once is enough. */
static bool is_single(const struct side_stats *side)
{
	return side->n_links == 1 && strcmp(side->name, side->link[0].name) == 0;
}

/* "here bond0 (802.3ad layer3+4): tx" */
static size_t print_side(char *buf, size_t size, const struct traffic *t)
{
	char name[STATS_NAME_LEN], kind[sizeof(t->side->kind)];

	text_quote(name, sizeof(name), t->side->name, strlen(t->side->name));
	text_quote(kind, sizeof(kind), t->side->kind, strlen(t->side->kind));
	return text_printf(buf, size, "%s %s%s%s%s: %s", t->where, name, kind[0] ? " (" : "", kind,
			   kind[0] ? ")" : "", t->tx ? "tx" : "rx");
}

/* "eth0 50.1 MiB 25.0 %" */
static size_t print_link(char *buf, size_t size, const struct traffic *t, unsigned i)
{
	const struct link_stats *link = &t->side->link[i];
	uint64_t bytes = link_bytes(link, t->tx);
	double sum = side_bytes(t->side, t->tx);
	char name[STATS_NAME_LEN], volume[24], percent[16] = "";

	text_quote(name, sizeof(name), link->name, strlen(link->name));
	text_size(volume, sizeof(volume), bytes);
	if (is_single(t->side))
		return text_printf(buf, size, "%s", volume);
	if (sum > 0)
		text_printf(percent, sizeof(percent), " %.1f %%", (double)bytes / sum * 100);
	return text_printf(buf, size, "%s %s%s", name, volume, percent);
}

/* One line, with the links from *next on: as many as fit, at least one. */
static size_t print_traffic(char *buf, size_t size, const struct traffic *t, unsigned *next)
{
	size_t n = print_side(buf, size, t), len;
	unsigned first = *next;
	char link[64];

	if (!t->side->counted) {
		*next = t->side->n_links;
		return n + text_printf(buf + n, size - n, " not known");
	}
	while (*next < t->side->n_links) {
		len = print_link(link, sizeof(link), t, *next);
		if (*next > first && n + 2 + len >= REPORT_LINE_LEN)
			break;
		n += text_printf(buf + n, size - n, "%s%s", *next > first ? ", " : " ", link);
		(*next)++;
	}
	return n;
}

size_t report_links(char *buf, size_t size, const struct session_stats *stats, unsigned line)
{
	bool sent = stats->tx_read > 0, received = stats->rx_received > 0;
	const struct traffic traffic[] = {
		{ "here", stats->here, true, sent },
		{ "peer", stats->peer, false, sent },
		{ "here", stats->here, false, received },
		{ "peer", stats->peer, true, received },
	};

	if (size == 0)
		return 0;
	for (size_t i = 0; i < sizeof(traffic) / sizeof(traffic[0]); i++) {
		const struct traffic *t = &traffic[i];
		unsigned next = 0;

		if (!t->flows || !is_known(t->side))
			continue;
		while (next < t->side->n_links) {
			size_t n = print_traffic(buf, size, t, &next);

			if (line-- == 0)
				return n;
		}
	}
	buf[0] = '\0';
	return 0;
}

static bool is_pair(const struct subflow_stats *a, const struct subflow_stats *b)
{
	return strcmp(a->local, b->local) == 0 && strcmp(a->peer, b->peer) == 0;
}

/* Is it the first subflow between its addresses? */
static bool begins_pair(const struct session_stats *stats, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (is_pair(&stats->subflow[j], &stats->subflow[i]))
			return false;
	return true;
}

static size_t print_pair(char *buf, size_t size, const struct session_stats *stats,
			 const struct subflow_stats *pair)
{
	double sum = 0, all = 0;
	char volume[24];
	unsigned n = 0;

	for (unsigned i = 0; i < stats->n_subflows; i++) {
		const struct subflow_stats *s = &stats->subflow[i];
		double bytes = (double)s->tx_bytes + (double)s->rx_bytes;

		all += bytes;
		if (!is_pair(s, pair))
			continue;
		sum += bytes;
		n++;
	}
	text_size(volume, sizeof(volume), (uint64_t)sum);
	return text_printf(buf, size, "between %s and %s: %s %.1f %% over %u subflow%s",
			   pair->local, pair->peer, volume, all > 0 ? sum / all * 100 : 0, n,
			   n == 1 ? "" : "s");
}

size_t report_pairs(char *buf, size_t size, const struct session_stats *stats, unsigned line)
{
	unsigned n = 0, wanted = 0;

	for (unsigned i = 0; i < stats->n_subflows; i++) {
		if (!begins_pair(stats, i))
			continue;
		if (n++ == line)
			wanted = i;
	}
	if (size)
		buf[0] = '\0';
	return n < 2 || line >= n ? 0 : print_pair(buf, size, stats, &stats->subflow[wanted]);
}

void report_say_links(const struct session_stats *stats)
{
	char line[REPORT_LINE_LEN], pair[REPORT_PAIR_LEN], cost[REPORT_COST_LEN];

	for (unsigned i = 0; report_pairs(pair, sizeof(pair), stats, i); i++)
		log_info("%s", pair);
	for (unsigned i = 0; report_links(line, sizeof(line), stats, i); i++)
		log_info("%s", line);
	if (report_cost(cost, sizeof(cost), stats))
		log_info("%s", cost);
	if (stats->verdict)
		log_info("%s", stats->verdict);
}
