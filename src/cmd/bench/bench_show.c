/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_show.c - what lies between two snapshots of a session, as lines and as JSON
 *
 * A struct span is a pair of snapshots and the time between them: an interval, or all of a session
 * (whole(), whose first snapshot is all zeros). Every figure is a difference over a span, so text
 * and JSON, intervals and sums, come from the same functions.
 *
 * What always holds:
 * - Connections are found again by id and links by name: both may come and go between snapshots.
 *   What is new has counted from zero.
 * - Differences are never negative (growth).
 * - A direction that the session does not have is left out of the text.
 */
#include "cmd/bench/bench_show.h"

#include <string.h>

#include "cmd/cli/json.h"
#include "ui/report.h"
#include "ui/report_cost.h"
#include "util/text.h"
#include "util/units.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static uint64_t growth(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static double bits(uint64_t bytes, uint64_t ns)
{
	return ns ? (double)bytes * 8 * (double)NS_PER_S / (double)ns : 0;
}

/* What lies between two states --------------------------------------------------------------- */

struct span {
	struct bench_ways ways;
	const struct session_stats *before, *now;
	uint64_t ns;
	bool over; /* it is all of a session without any connection left */
};

static struct span span_of(struct bench_ways ways, const struct measure_state *before,
			   const struct measure_state *now)
{
	return (struct span){ .ways = ways,
			      .before = &before->stats,
			      .now = &now->stats,
			      .ns = growth(before->stats.elapsed_ns, now->stats.elapsed_ns) };
}

/* All of a session. */
static struct span whole(struct bench_ways ways, const struct measure *m)
{
	static const struct side_stats no_side;
	static const struct session_stats nothing = { .here = &no_side, .peer = &no_side };

	return (struct span){ .ways = ways,
			      .before = &nothing,
			      .now = &measure_state(m)->stats,
			      .ns = measure_ns(m),
			      .over = true };
}

static uint64_t bytes_of(const struct span *s, bool out)
{
	return out ? growth(s->before->tx_taken, s->now->tx_taken)
		   : growth(s->before->rx_taken, s->now->rx_taken);
}

/* A connection as it was before; all zero: it is new. */
static struct subflow_stats subflow_before(const struct span *s, unsigned id)
{
	for (unsigned i = 0; i < s->before->n_subflows; i++)
		if (s->before->subflow[i].id == id)
			return s->before->subflow[i];
	return (struct subflow_stats){ 0 };
}

/* Found by its name, as a bond may get and lose links. */
static struct link_stats link_before(const struct side_stats *before, const char *name)
{
	for (unsigned i = 0; i < before->n_links; i++)
		if (strcmp(before->link[i].name, name) == 0)
			return before->link[i];
	return (struct link_stats){ 0 };
}

/* Did this one live within the span? */
static bool concerns(const struct span *s, const struct subflow_stats *f)
{
	struct subflow_stats before = subflow_before(s, f->id);

	return f->live || f->tx_bytes != before.tx_bytes || f->rx_bytes != before.rx_bytes;
}

double bench_rate(struct bench_ways ways, const struct measure *m)
{
	struct span s = whole(ways, m);

	return bits(bytes_of(&s, ways.out), s.ns);
}

/* For people ----------------------------------------------------------------------------------- */

static void show_rate(FILE *out, const char *way, uint64_t bytes, uint64_t ns)
{
	char rate[24], size[24];

	bench_bits(rate, sizeof(rate), bits(bytes, ns));
	text_size(size, sizeof(size), bytes);
	fprintf(out, "  %s %s (%s)", way, rate, size);
}

static void show_sums(FILE *out, const struct span *s)
{
	if (s->ways.out)
		show_rate(out, "out", bytes_of(s, true), s->ns);
	if (s->ways.in)
		show_rate(out, "in", bytes_of(s, false), s->ns);
	fputc('\n', out);
}

/* "eth0*": the star marks a link that was observed, not predicted. */
static void show_link(FILE *out, const struct side_stats *side, int link, bool seen)
{
	const char *name = side_link_name(side, link);
	char quoted[STATS_NAME_LEN];

	text_quote(quoted, sizeof(quoted), name ? name : "?", strlen(name ? name : "?"));
	fprintf(out, "%s%s", quoted, name && seen ? "*" : "");
}

static void show_lanes(FILE *out, const struct span *s, const struct subflow_stats *f)
{
	const struct side_stats *here = s->now->here, *peer = s->now->peer;

	if (s->ways.out && (here->n_links || peer->n_links)) {
		fputs("  ", out);
		show_link(out, here, f->tx_link, f->observed & SUBFLOW_TX);
		fputs(" > ", out);
		show_link(out, peer, f->peer_rx_link, f->observed & SUBFLOW_PEER_RX);
	}
	if (s->ways.in && (here->n_links || peer->n_links)) {
		fputs("  ", out);
		show_link(out, here, f->rx_link, f->observed & SUBFLOW_RX);
		fputs(" < ", out);
		show_link(out, peer, f->peer_tx_link, f->observed & SUBFLOW_PEER_TX);
	}
}

static void show_subflow(FILE *out, const struct span *s, const struct subflow_stats *f, bool pair)
{
	struct subflow_stats before = subflow_before(s, f->id);
	char rate[24];

	fprintf(out, "    #%-2u port %-5u", f->id, f->local_port);
	if (s->ways.out) {
		bench_bits(rate, sizeof(rate), bits(growth(before.tx_bytes, f->tx_bytes), s->ns));
		fprintf(out, "  out %11s", rate);
	}
	if (s->ways.in) {
		bench_bits(rate, sizeof(rate), bits(growth(before.rx_bytes, f->rx_bytes), s->ns));
		fprintf(out, "  in %11s", rate);
	}
	fprintf(out, "  %4llu retr  %7.2f ms",
		(unsigned long long)growth(before.retransmits, f->retransmits),
		(double)f->rtt_us / 1000);
	show_lanes(out, s, f);
	if (pair)
		fprintf(out, "  %s to %s", f->local, f->peer);
	fputs(f->live || s->over ? "\n" : "  closed\n", out);
}

/* "    here bond0 out: eth0 48.1 Mbit/s, eth1 47.9 Mbit/s" */
static void show_links(FILE *out, const struct span *s, const char *where,
		       const struct side_stats *before, const struct side_stats *now, bool tx)
{
	char name[STATS_NAME_LEN], rate[24];

	if (!now->name[0] || !now->counted)
		return;
	text_quote(name, sizeof(name), now->name, strlen(now->name));
	fprintf(out, "    %s %s %s:", where, name, tx ? "out" : "in");
	for (unsigned i = 0; i < now->n_links; i++) {
		const struct link_stats *l = &now->link[i];
		struct link_stats old = link_before(before, l->name);

		text_quote(name, sizeof(name), l->name, strlen(l->name));
		bench_bits(rate, sizeof(rate),
			   bits(tx ? growth(old.tx_bytes, l->tx_bytes)
				   : growth(old.rx_bytes, l->rx_bytes),
				s->ns));
		fprintf(out, "%s %s %s", i ? "," : "", name, rate);
	}
	fputc('\n', out);
}

static void show_rows(FILE *out, const struct span *s)
{
	char pair[REPORT_PAIR_LEN];
	bool several = report_pairs(pair, sizeof(pair), s->now, 0) > 0;

	for (unsigned i = 0; i < s->now->n_subflows; i++)
		if (concerns(s, &s->now->subflow[i]))
			show_subflow(out, s, &s->now->subflow[i], several);
	for (unsigned i = 0; s->over && report_pairs(pair, sizeof(pair), s->now, i); i++)
		fprintf(out, "    %s\n", pair);
	if (s->ways.out) {
		show_links(out, s, "here", s->before->here, s->now->here, true);
		show_links(out, s, "peer", s->before->peer, s->now->peer, false);
	}
	if (s->ways.in) {
		show_links(out, s, "here", s->before->here, s->now->here, false);
		show_links(out, s, "peer", s->before->peer, s->now->peer, true);
	}
}

void bench_show_interval(FILE *out, struct bench_ways ways, const struct measure_state *before,
			 const struct measure_state *now)
{
	struct span s = span_of(ways, before, now);

	fprintf(out, "%.1f-%.1f s", seconds(before->stats.elapsed_ns),
		seconds(now->stats.elapsed_ns));
	show_sums(out, &s);
	show_rows(out, &s);
}

static void show_limit(FILE *out, const struct measure *m, bool sending, const char *label)
{
	char text[BENCH_TEXT_LEN];

	measure_judge(m, sending, text);
	fprintf(out, "%s: %s\n", label, text);
}

void bench_show_end(FILE *out, struct bench_ways ways, const struct measure *m)
{
	struct span s = whole(ways, m);
	bool both = ways.out && ways.in;
	char cost[REPORT_COST_LEN];

	fprintf(out, "total %.2f s", seconds(s.ns));
	show_sums(out, &s);
	show_rows(out, &s);
	if (s.now->verdict && s.now->verdict[0])
		fprintf(out, "links: %s\n", s.now->verdict);
	fprintf(out, "    processor: %.0f %% of one here\n", measure_cpu(m) * 100);
	if (report_cost(cost, sizeof(cost), s.now))
		fprintf(out, "    %s\n", cost);
	if (ways.out)
		show_limit(out, m, true, both ? "limit out" : "limit");
	if (ways.in)
		show_limit(out, m, false, both ? "limit in" : "limit");
}

/* JSON ----------------------------------------------------------------------------------------- */

/* Like iperf3's: times are seconds since the start. */
static json_t *stream_json(const struct span *s, const struct subflow_stats *f, bool out)
{
	struct subflow_stats before = subflow_before(s, f->id);
	uint64_t bytes =
		out ? growth(before.tx_bytes, f->tx_bytes) : growth(before.rx_bytes, f->rx_bytes);
	const struct json_field fields[] = {
		{ "socket", json_number(f->id) },
		{ "local_host", json_text(f->local) },
		{ "local_port", json_number(f->local_port) },
		{ "remote_host", json_text(f->peer) },
		{ "remote_port", json_number(f->peer_port) },
		{ "start", json_real(seconds(s->before->elapsed_ns)) },
		{ "end", json_real(seconds(s->before->elapsed_ns + s->ns)) },
		{ "seconds", json_real(seconds(s->ns)) },
		{ "bytes", json_number(bytes) },
		{ "bits_per_second", json_real(bits(bytes, s->ns)) },
		{ "retransmits", json_number(growth(before.retransmits, f->retransmits)) },
		{ "rtt", json_number(f->rtt_us) },
		{ "omitted", json_false() },
		{ "sender", json_boolean(out) },
		{ "live", s->over ? json_null() : json_boolean(f->live) },
		{ "link_here_seen",
		  json_boolean(f->observed & (unsigned)(out ? SUBFLOW_TX : SUBFLOW_RX)) },
		{ "link_peer_seen",
		  json_boolean(f->observed & (unsigned)(out ? SUBFLOW_PEER_RX : SUBFLOW_PEER_TX)) },
		{ "link_here",
		  json_text(side_link_name(s->now->here, out ? f->tx_link : f->rx_link)) },
		{ "link_peer", json_text(side_link_name(s->now->peer,
							out ? f->peer_rx_link : f->peer_tx_link)) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *streams_json(const struct span *s)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < s->now->n_subflows; i++) {
		const struct subflow_stats *f = &s->now->subflow[i];

		if (!concerns(s, f))
			continue;
		if (s->ways.out)
			array = json_add(array, stream_json(s, f, true));
		if (s->ways.in)
			array = json_add(array, stream_json(s, f, false));
	}
	return array;
}

static json_t *sum_json(const struct span *s, bool out)
{
	uint64_t bytes = bytes_of(s, out), retransmits = 0;

	for (unsigned i = 0; i < s->now->n_subflows; i++)
		retransmits += growth(subflow_before(s, s->now->subflow[i].id).retransmits,
				      s->now->subflow[i].retransmits);

	const struct json_field fields[] = {
		{ "start", json_real(seconds(s->before->elapsed_ns)) },
		{ "end", json_real(seconds(s->before->elapsed_ns + s->ns)) },
		{ "seconds", json_real(seconds(s->ns)) },
		{ "bytes", json_number(bytes) },
		{ "bits_per_second", json_real(bits(bytes, s->ns)) },
		{ "retransmits", json_number(retransmits) },
		{ "omitted", json_false() },
		{ "sender", json_boolean(out) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *link_json(const struct span *s, const struct side_stats *before,
			 const struct side_stats *side, unsigned i)
{
	const struct link_stats *l = &side->link[i];
	struct link_stats old = link_before(before, l->name);
	uint64_t tx = growth(old.tx_bytes, l->tx_bytes), rx = growth(old.rx_bytes, l->rx_bytes);
	bool counted = side->counted;
	const struct json_field fields[] = {
		{ "name", json_text(l->name) },
		{ "speed", json_number_if(l->speed, l->speed) },
		{ "usable", json_boolean(l->usable) },
		{ "tx_bytes", json_number_if(counted, tx) },
		{ "rx_bytes", json_number_if(counted, rx) },
		{ "tx_bits_per_second", counted ? json_real(bits(tx, s->ns)) : json_null() },
		{ "rx_bits_per_second", counted ? json_real(bits(rx, s->ns)) : json_null() },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *side_json(const struct span *s, const struct side_stats *before,
			 const struct side_stats *side)
{
	json_t *links;

	if (!side->name[0])
		return json_null();
	links = json_array();
	for (unsigned i = 0; i < side->n_links; i++)
		links = json_add(links, link_json(s, before, side, i));

	const struct json_field fields[] = {
		{ "name", json_text(side->name) },
		{ "kind", json_text(side->kind) },
		{ "links", links },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *links_json(const struct span *s)
{
	const struct json_field fields[] = {
		{ "here", side_json(s, s->before->here, s->now->here) },
		{ "peer", side_json(s, s->before->peer, s->now->peer) },
	};

	return json_make_object(fields, LEN(fields));
}

json_t *bench_json_interval(struct bench_ways ways, const struct measure_state *before,
			    const struct measure_state *now)
{
	struct span s = span_of(ways, before, now);
	const struct json_field fields[] = {
		{ "streams", streams_json(&s) },
		{ "sum", sum_json(&s, ways.out) },
		{ "links", links_json(&s) },
	};
	json_t *object = json_make_object(fields, LEN(fields));

	if (object && ways.out && ways.in)
		json_object_set_new(object, "sum_bidir_reverse", sum_json(&s, false));
	return object;
}

static const char *limit_id(enum bench_limit limit)
{
	static const char *const ids[] = {
		[BENCH_NOT_KNOWN] = "unknown",     [BENCH_CONSUMER] = "consumer",
		[BENCH_SOURCE] = "source",         [BENCH_CPU] = "processor",
		[BENCH_WINDOW] = "window",         [BENCH_ONE_LANE] = "one-lane",
		[BENCH_IDLE_LINKS] = "idle-links", [BENCH_LINKS] = "links",
		[BENCH_BEYOND] = "behind-links",   [BENCH_NETWORK] = "network",
	};

	return ids[limit];
}

static json_t *limit_json(const struct measure *m, bool sending, bool there_is)
{
	char text[BENCH_TEXT_LEN];
	enum bench_limit limit;

	if (!there_is)
		return json_null();
	limit = measure_judge(m, sending, text);
	const struct json_field fields[] = {
		{ "id", json_text(limit_id(limit)) },
		{ "text", json_text(text) },
	};

	return json_make_object(fields, LEN(fields));
}

static json_t *end_json(const struct span *s, const struct measure *m)
{
	bool out = s->ways.out, both = out && s->ways.in;
	const char *reason;
	int status = measure_exit(m, &reason);
	const struct json_field processor[] = {
		{ "host_total", json_real(measure_cpu(m) * 100) },
		{ "host_main_thread", json_real(measure_busy(m) * 100) },
	};
	const struct json_field fields[] = {
		{ "streams", streams_json(s) },
		{ "sum_sent", sum_json(s, out) },
		{ "sum_received", sum_json(s, out) },
		{ "sum_sent_bidir_reverse", both ? sum_json(s, false) : json_null() },
		{ "sum_received_bidir_reverse", both ? sum_json(s, false) : json_null() },
		{ "links", links_json(s) },
		{ "verdict", json_text(s->now->verdict) },
		{ "cpu_utilization_percent", json_make_object(processor, LEN(processor)) },
		{ "cost", report_cost_json(s->now) },
		{ "limit_out", limit_json(m, true, out) },
		{ "limit_in", limit_json(m, false, s->ways.in) },
		{ "exit", json_integer(status) },
		{ "reason", json_text(reason) },
	};

	return json_make_object(fields, LEN(fields));
}

json_t *bench_json_run(struct bench_ways ways, const struct measure *m, const char *role,
		       json_t *intervals)
{
	struct span s = whole(ways, m);
	const struct json_field start[] = {
		{ "version", json_text("mpnc " MPNC_VERSION) },
		{ "role", json_text(role) },
		{ "num_streams", json_number(measure_n_subflows(m)) },
		{ "sends", json_boolean(ways.out) },
		{ "receives", json_boolean(ways.in) },
	};
	const struct json_field fields[] = {
		{ "schema", json_number(BENCH_SCHEMA) },
		{ "start", json_make_object(start, LEN(start)) },
		{ "intervals", intervals },
		{ "end", end_json(&s, m) },
	};

	return json_make_object(fields, LEN(fields));
}
