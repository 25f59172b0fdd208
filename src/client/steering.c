/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills what plan/steer.h looks at. Each of a connection's four ends (cover.h) has a link:
 * predicted by a hash rule where one is known and the counters do not refute it, else observed by
 * counters here or announced by the peer. To it come the rates of the links and of both streams,
 * over STEER_MEAN_NS, and whether a stream rested: then a low rate is no fault of a link.
 *
 *   What always holds: a look is made only while each connection has been answered, or some would
 *   be missing from it. `usage` is NULL, or has room for all ends and both streams.
 *
 * A sentence is news only when the verdict is another one; `said` is the last one that was.
 */
#include "client/steering.h"

#include <stdlib.h>
#include <string.h>

#include "plan/lanes.h"
#include "session/session_links.h"
#include "session/session_subflow.h"
#include "util/text.h"
#include "util/units.h"

#define STREAMS  COVER_ENDS
#define N_USAGES (COVER_ENDS + 1)

void steering_reset(struct steering *st)
{
	struct usage *usage = st->usage;

	*st = (struct steering){ .said = st->said, .usage = usage };
	for (unsigned i = 0; usage && i < N_USAGES; i++)
		usage_reset(&usage[i]);
}

void steering_free(struct steering *st)
{
	free(st->usage);
	st->usage = NULL;
}

/* What is observed ---------------------------------------------------------------------------- */

struct observation {
	uint32_t possible;
	uint8_t link;
};

/* What a rule says of the sender's link holds unless the counters say otherwise. What is assumed
 * of a switch is no rule. */
static struct observation end_of(struct observation counted, int8_t predicted)
{
	if (predicted < 0 || (counted.possible && !(counted.possible >> predicted & 1)))
		return counted;
	return (struct observation){ 1u << predicted, (uint8_t)predicted };
}

static void fill_flow(struct engine *e, const struct engine_subflow *sf, struct steer_view *v,
		      struct steer_flow *out)
{
	struct subflow_stats predicted;
	struct observation ends[COVER_ENDS] = {
		[COVER_OUT_TX] = { sf->here.tx_possible, sf->here.tx },
		[COVER_OUT_RX] = { sf->peer.rx_possible, sf->peer.rx },
		[COVER_IN_TX] = { sf->peer.tx_possible, sf->peer.tx },
		[COVER_IN_RX] = { sf->here.rx_possible, sf->here.rx },
	};

	pathmgr_lanes(engine_paths(e), sf->port, &predicted);
	ends[COVER_OUT_TX] = end_of(ends[COVER_OUT_TX], predicted.tx_link);
	ends[COVER_IN_TX] = end_of(ends[COVER_IN_TX], predicted.peer_tx_link);
	v->random[COVER_OUT_TX] |= predicted.tx_link < 0;
	v->random[COVER_IN_TX] |= predicted.peer_tx_link < 0;
	*out = (struct steer_flow){
		.port = sf->port,
		.age_ns = sf->age_ns,
		.lossy = { [COVER_OUT] = sf->here.flags & WIRE_LANE_LOSSY,
			   [COVER_IN] = sf->peer.flags & WIRE_LANE_LOSSY },
		.assumed = { [COVER_OUT] = predicted.peer_rx_link, [COVER_IN] = predicted.rx_link },
	};
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		out->possible[end] = ends[end].possible;
		/* A peer may say anything. */
		out->node[end] = ends[end].link < COVER_NODES_MAX ? ends[end].link : 0;
	}
}

/* An end without observations for long will have none. */
static void find_distinct(struct steer_view *v, const struct steer_flow *flows)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		bool observed = false, young = true;

		for (unsigned i = 0; i < v->n_flows; i++) {
			observed |= flows[i].possible[end] != 0;
			young &= flows[i].age_ns < STEER_SETTLE_NS;
		}
		v->distinct[end] &= observed || young;
	}
}

/* What the links carry ------------------------------------------------------------------------- */

static void read_end(struct usage *u, const struct wire_links *links, bool tx)
{
	uint64_t bytes[COVER_NODES_MAX];
	unsigned n = links->n < COVER_NODES_MAX ? links->n : COVER_NODES_MAX;

	for (unsigned i = 0; i < n; i++)
		bytes[i] = tx ? links->link[i].tx_bytes : links->link[i].rx_bytes;
	if (n)
		usage_add(u, links->time_ns, bytes, n);
}

/* Speeds are of Mbit/s, 0 where none is known. */
static bool is_full(const struct usage *u, unsigned link, uint32_t speed)
{
	uint64_t now, most = usage_best(u, link), by_speed = (uint64_t)speed * 125000;

	if (!usage_rate(u, link, USAGE_NOW_NS, &now))
		return false;
	return now * 100 >= most * STEER_FULL_PERCENT ||
	       (by_speed && now * 100 >= by_speed * STEER_FULL_PERCENT);
}

static void fill_end(const struct usage *u, const struct wire_facts *f, unsigned end,
		     struct steer_view *v)
{
	for (unsigned i = 0; i < u->n_links && i < f->n_links; i++) {
		v->measured[end] = usage_rate(u, i, STEER_MEAN_NS, &v->rate[end][i]);
		v->full[end] |= (uint32_t)is_full(u, i, f->link[i].speed) << i;
	}
	v->active[end] = usage_active(u, v->capacity[end]);
}

/* Over the longest time that was watched. */
static uint64_t progress_of(const struct usage *u, unsigned dir)
{
	static const uint64_t spans_ns[] = { STEER_MEAN_NS, STEER_MEAN_NS / 2, STEER_MEAN_NS / 4 };
	uint64_t rate = 0;

	for (unsigned i = 0; i < sizeof(spans_ns) / sizeof(spans_ns[0]); i++)
		if (usage_rate(u, dir, spans_ns[i], &rate))
			break;
	return rate;
}

/* Ours: all that may be sent has arrived. The peer's: nothing came for a while on any connection,
 * as its sender alone knows whether there is anything to send. */
static void note_rests(struct steering *st, const struct session_stats *stats,
		       const struct engine_subflow *subflows, struct steer_view *v)
{
	uint64_t received = 0;

	if (stats->tx_acked >= min_u64(stats->tx_read, stats->tx_edge))
		st->rested_ns[COVER_OUT] = v->now_ns;
	for (unsigned i = 0; i < v->n_flows; i++)
		received += subflows[i].rx_bytes;
	if (received != st->received) {
		st->received = received;
		st->received_ns = v->now_ns;
	} else if (v->now_ns - st->received_ns >= STEERING_SILENT_NS) {
		st->rested_ns[COVER_IN] = v->now_ns;
	}
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++)
		v->rested[dir] = v->now_ns - st->rested_ns[dir] <= STEER_MEAN_NS;
}

static bool is_steady(const struct usage *u, unsigned dir)
{
	uint64_t now, mean, least;

	if (!usage_rate(u, dir, STEER_MEAN_NS, &mean) ||
	    !usage_rate(u, dir, STEER_MEAN_NS / 2, &now))
		return false;
	least = now < mean ? now : mean;
	return (now > mean ? now : mean) * 100 <= least * (100 + STEER_STEADY_PERCENT);
}

static void fill_progress(struct steering *st, const struct session_stats *stats,
			  struct steer_view *v)
{
	struct usage *u = &st->usage[STREAMS];
	const uint64_t bytes[COVER_DIRECTIONS] = {
		[COVER_OUT] = stats->tx_sent, [COVER_IN] = stats->rx_highest
	};

	usage_add(u, v->now_ns, bytes, COVER_DIRECTIONS);
	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		v->progress[dir] = progress_of(u, dir);
		v->steady[dir] = is_steady(u, dir);
	}
}

/* Of the sessions of a relay there are too many for that, and they get no company. */
static void fill_usage(struct steering *st, struct engine *e, struct steer_view *v)
{
	struct session *s = engine_session(e);
	const struct wire_links *here = pathmgr_counted(engine_paths(e));
	const struct wire_links *peer = session_peer_links(s);
	const struct wire_facts *f = pathmgr_facts(engine_paths(e));
	const struct wire_facts *peer_f = pathmgr_peer_facts(engine_paths(e));

	if (!st->usage && !v->crowded)
		st->usage = calloc(N_USAGES, sizeof(*st->usage));
	if (!st->usage)
		return;
	read_end(&st->usage[COVER_OUT_TX], here, true);
	read_end(&st->usage[COVER_OUT_RX], peer, false);
	read_end(&st->usage[COVER_IN_TX], peer, true);
	read_end(&st->usage[COVER_IN_RX], here, false);
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		fill_end(&st->usage[end], cover_is_here(end) ? f : peer_f, end, v);
	}
}

int steering_step(struct steering *st, struct engine *e, const struct steering_limits *limits,
		  uint64_t now_ns, struct steer_action *out)
{
	struct engine_subflow subflows[STEER_FLOWS_MAX];
	struct steer_flow flows[STEER_FLOWS_MAX];
	struct steer_view v = { .now_ns = now_ns,
				.flows = flows,
				.keep = limits->keep,
				.planned = limits->planned,
				.most = limits->most };
	struct session_stats stats;

	session_stats(engine_session(e), &stats);
	v.crowded = session_frugal(engine_session(e));
	*out = (struct steer_action){ 0 };
	if (engine_n_live(e) > STEER_FLOWS_MAX)
		return 0;
	v.n_flows = engine_subflows(e, subflows, STEER_FLOWS_MAX);
	/* Those that are not answered yet would be missing. */
	if (v.n_flows < engine_n_live(e))
		return 0;
	for (unsigned i = 0; i < v.n_flows; i++)
		fill_flow(e, &subflows[i], &v, &flows[i]);
	note_rests(st, &stats, subflows, &v);
	v.busy[COVER_OUT] =
		steer_is_busy(&st->use[COVER_OUT], stats.tx_acked, v.rested[COVER_OUT], now_ns);
	v.busy[COVER_IN] =
		steer_is_busy(&st->use[COVER_IN], stats.rx_received, v.rested[COVER_IN], now_ns);
	pathmgr_view(engine_paths(e), &v);
	find_distinct(&v, flows);
	fill_usage(st, e, &v);
	if (st->usage)
		fill_progress(st, &stats, &v);
	memcpy(st->active, v.active, sizeof(st->active));
	st->blind = !memchr(v.distinct, true, sizeof(v.distinct));
	return steer_step(&st->steer, &v, out);
}

uint64_t steering_next(const struct steering *st, uint64_t now_ns)
{
	bool settled = st->steer.verdict != STEER_UNKNOWN && st->steer.verdict != STEER_SEARCHES &&
		       !st->steer.surplus;

	return now_ns + (settled || st->blind ? STEERING_SLOW_NS : STEERING_FAST_NS);
}

/* Words ---------------------------------------------------------------------------------------- */

static size_t names_of(const struct wire_facts *f, uint32_t set, char *buf, size_t size)
{
	size_t used = text_printf(buf, size, "%s", "");

	for (unsigned i = 0; i < f->n_links; i++)
		if (set >> i & 1)
			used += text_printf(buf + used, size - used, "%s%s", used ? ", " : "",
					    f->link[i].name);
	return used;
}

/* What is known of the end that the verdict is about. */
static void explain(const struct steering *st, struct engine *e, char *buf, size_t size)
{
	const struct steer *s = &st->steer;
	bool in = s->verdict_dir == COVER_IN;
	const struct wire_facts *here = pathmgr_facts(engine_paths(e));
	const struct wire_facts *peer = pathmgr_peer_facts(engine_paths(e));
	const struct wire_facts *from = in ? peer : here, *to = in ? here : peer;
	unsigned rx = cover_receiver(s->verdict_dir);
	uint32_t senders = s->observed[cover_sender(s->verdict_dir)], receivers = s->observed[rx];
	char names[STATS_LINKS_MAX * (STATS_NAME_LEN + 2)], idle[sizeof(names)];
	const char *where = in ? "here" : "at the peer";

	names_of(to, receivers, names, sizeof(names));
	names_of(to, to->usable & ~receivers & ~st->active[rx], idle, sizeof(idle));
	if (s->verdict == STEER_ONE_LINK && lanes_only(receivers) >= 0) {
		text_printf(
			buf, size,
			"everything arrives on %s %s, whatever the port: the switch seems to "
			"choose by MAC or IP address; ask for a src-dst-ip-port (layer 4) hash on "
			"the port-channel towards that host, or use several addresses",
			names, where);
	} else if (s->verdict == STEER_ONE_LINK && lanes_only(senders) >= 0) {
		names_of(from, senders, names, sizeof(names));
		text_printf(buf, size,
			    "everything leaves by %s %s, whatever the port: the bond there seems "
			    "to choose by MAC or IP address",
			    names, in ? "at the peer" : "here");
	} else if (receivers && idle[0]) {
		text_printf(buf, size,
			    "%s %s %s idle: of all ports that were tried, none was sent there by "
			    "the switch, only to %s",
			    idle, where, strchr(idle, ',') ? "stay" : "stays", names);
	} else {
		text_printf(buf, size, "no choice of ports uses all links of both ends at once");
	}
}

enum steering_news steering_news(struct steering *st, struct engine *e, char *buf, size_t size)
{
	enum steer_verdict now = st->steer.verdict, before = st->said;

	buf[0] = '\0';
	if (now == before || now == STEER_SEARCHES)
		return STEERING_NO_NEWS;
	/* "Not yet observed" is news after a sentence that turned out wrong. */
	if (now == STEER_UNKNOWN && before != STEER_PARTLY && before != STEER_ONE_LINK)
		return STEERING_NO_NEWS;
	st->said = now;
	if (now == STEER_UNKNOWN)
		return STEERING_TAKEN_BACK;
	if (now == STEER_ALL)
		return STEERING_ALL_USED;
	explain(st, e, buf, size);
	return STEERING_VERDICT;
}
