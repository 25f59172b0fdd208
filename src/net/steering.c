/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/steering.h"

#include <string.h>

#include "plan/lanes.h"
#include "util/text.h"

void steering_reset(struct steering *st)
{
	*st = (struct steering){ .said = st->said };
}

/* What is seen -------------------------------------------------------------------------------- */

struct seen {
	uint32_t possible;
	uint8_t link;
};

/* What a rule says of the sender's link holds unless the counters say otherwise. What is assumed
 * of a switch is no rule. */
static struct seen end_of(struct seen counted, int8_t told)
{
	if (told < 0 || (counted.possible && !(counted.possible >> told & 1)))
		return counted;
	return (struct seen){ 1u << told, (uint8_t)told };
}

static void fill_flow(struct engine *e, const struct engine_subflow *sf, struct steer_flow *out)
{
	struct subflow_stats told;
	struct seen ends[COVER_ENDS] = {
		[COVER_OUT_LEFT] = { sf->here.tx_possible, sf->here.tx },
		[COVER_OUT_RIGHT] = { sf->peer.rx_possible, sf->peer.rx },
		[COVER_IN_LEFT] = { sf->peer.tx_possible, sf->peer.tx },
		[COVER_IN_RIGHT] = { sf->here.rx_possible, sf->here.rx },
	};

	pathmgr_lanes(engine_paths(e), sf->port, &told);
	ends[COVER_OUT_LEFT] = end_of(ends[COVER_OUT_LEFT], told.tx_link);
	ends[COVER_IN_LEFT] = end_of(ends[COVER_IN_LEFT], told.peer_tx_link);
	*out = (struct steer_flow){
		.port = sf->port,
		.age_ns = sf->age_ns,
		.lossy = { [COVER_OUT] = sf->here.flags & WIRE_LANE_LOSSY,
			   [COVER_IN] = sf->peer.flags & WIRE_LANE_LOSSY },
	};
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		out->possible[end] = ends[end].possible;
		/* A peer may say anything. */
		out->node[end] = ends[end].link < COVER_NODES_MAX ? ends[end].link : 0;
	}
}

/* An end of which nothing was seen for long will not be. */
static void find_told(struct steer_view *v, const struct steer_flow *flows)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		bool seen = false, young = true;

		for (unsigned i = 0; i < v->n_flows; i++) {
			seen |= flows[i].possible[end] != 0;
			young &= flows[i].age_ns < STEER_SETTLE_NS;
		}
		v->told[end] &= seen || young;
	}
}

int steering_step(struct steering *st, struct engine *e, unsigned keep, unsigned most,
		  uint64_t now_ns, struct steer_action *out)
{
	struct engine_subflow subflows[STEER_FLOWS_MAX];
	struct steer_flow flows[STEER_FLOWS_MAX];
	struct steer_view v = { .now_ns = now_ns, .flows = flows, .keep = keep, .most = most };
	struct session_stats stats;

	session_stats(engine_session(e), &stats);
	v.busy[COVER_OUT] = steer_is_busy(&st->use[COVER_OUT], stats.tx_acked, now_ns);
	v.crowded = session_frugal(engine_session(e));
	v.busy[COVER_IN] = steer_is_busy(&st->use[COVER_IN], stats.rx_received, now_ns);
	*out = (struct steer_action){ 0 };
	if (engine_n_live(e) > STEER_FLOWS_MAX)
		return 0;
	v.n_flows = engine_subflows(e, subflows, STEER_FLOWS_MAX);
	/* Those that are not answered yet would be missing. */
	if (v.n_flows < engine_n_live(e))
		return 0;
	for (unsigned i = 0; i < v.n_flows; i++)
		fill_flow(e, &subflows[i], &flows[i]);
	pathmgr_view(engine_paths(e), &v);
	find_told(&v, flows);
	st->blind = !memchr(v.told, true, sizeof(v.told));
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

/* What is known of the end of which the verdict speaks. */
static void explain(const struct steer *s, struct engine *e, char *buf, size_t size)
{
	bool in = s->verdict_way == COVER_IN;
	const struct wire_facts *here = session_facts(engine_session(e));
	const struct wire_facts *peer = session_peer_facts(engine_session(e));
	const struct wire_facts *from = in ? peer : here, *to = in ? here : peer;
	uint32_t left = s->seen[2 * s->verdict_way], right = s->seen[2 * s->verdict_way + 1];
	char names[STATS_LINKS_MAX * (STATS_NAME_LEN + 2)], idle[sizeof(names)];
	const char *where = in ? "here" : "at the peer";

	names_of(to, right, names, sizeof(names));
	names_of(to, to->usable & ~right, idle, sizeof(idle));
	if (s->verdict == STEER_ONE_LINK && lanes_only(right) >= 0) {
		text_printf(
			buf, size,
			"everything arrives on %s %s, whatever the port: the switch seems to "
			"choose by MAC or IP address; ask for a src-dst-ip-port (layer 4) hash on "
			"the port-channel towards that host, or use several addresses",
			names, where);
	} else if (s->verdict == STEER_ONE_LINK && lanes_only(left) >= 0) {
		names_of(from, left, names, sizeof(names));
		text_printf(buf, size,
			    "everything leaves by %s %s, whatever the port: the bond there seems "
			    "to choose by MAC or IP address",
			    names, in ? "at the peer" : "here");
	} else if (right && idle[0]) {
		text_printf(buf, size,
			    "%s %s %s idle: of all ports that were tried, none was sent there by "
			    "the switch, only to %s",
			    idle, where, strchr(idle, ',') ? "stay" : "stays", names);
	} else {
		text_printf(buf, size, "no choice of ports uses all links of both ends at once");
	}
}

bool steering_news(struct steering *st, struct engine *e, char *buf, size_t size)
{
	enum steer_verdict now = st->steer.verdict;

	if (now == st->said || now == STEER_UNKNOWN || now == STEER_SEARCHES)
		return false;
	if (now == STEER_ALL)
		buf[0] = '\0';
	else
		explain(&st->steer, e, buf, size);
	st->said = now;
	return true;
}
