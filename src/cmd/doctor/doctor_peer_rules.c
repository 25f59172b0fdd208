/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor_peer_rules.c - predicates of a peer and of the lanes to it, from what doctor_probe()
 * measured
 *
 * Each flow that was tried has a lane each way: a link at its sender and one at its receiver, -1 if
 * not known. A lane is judged by comparison with the others of the same direction:
 *
 *   nothing passes           dead   |  all flows arrive on one link   the switch does not share
 *   only small segments do   MTU    |  far below the median of others  slow
 *
 * What always holds:
 * - Names and numbers of the peer are claims: they are quoted, and used only as text and as indices
 *   that side_link_name() checks.
 * - A lane is reported once, however many flows ran over it.
 * - A comparison needs enough flows (TELLING_FLOWS, HEALTHY_FLOWS): with few of them chance alone
 *   puts all on one link.
 */
#include "cmd/doctor/doctor_peer_rules.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/doctor/doctor_rules.h"
#include "cmd/measure/measure_limit.h"
#include "topo/topo.h"
#include "util/text.h"

/* This many flows with ports of their own would not meet on one link of several by chance. */
#define TELLING_FLOWS 8

/* A lane below this part of the median is slow; different round trips make less of a difference. */
#define SLOW 0.4

/* A flow of this rate took 20 ms for its bytes: too long to be a hiccup. */
#define TELLING_RATE (DOCTOR_FLOW_BYTES * 8 / 0.02)

/* A slow lane needs at least this many sound flows to compare with. */
#define HEALTHY_FLOWS 3

struct name {
	char text[4 * STATS_NAME_LEN];
};

static struct name quoted(const char *name)
{
	struct name q;

	text_quote(q.text, sizeof(q.text), name, strlen(name));
	return q;
}

static struct name link_of(const struct side_stats *side, int link)
{
	const char *name = side_link_name(side, link);

	return quoted(name ? name : "?");
}

/* "eth0 here > eth2 of the peer" */
struct doctor_lane {
	char text[160];
};

/* What the peer says of itself ----------------------------------------------------------------- */

static const struct wire_facts *peer_bond(const struct doctor_view *v)
{
	const struct wire_facts *f = v->probes ? &v->probes->peer_facts : NULL;

	return f && f->kind == WIRE_FACTS_BOND && f->n_links > 1 ? f : NULL;
}

static bool peer_hashes(const struct wire_facts *p)
{
	return p->mode == TOPO_MODE_BALANCE_XOR || p->mode == TOPO_MODE_8023AD;
}

static void set_dev(struct doctor_finding *f, const struct wire_facts *p)
{
	text_printf(f->dev, sizeof(f->dev), "%s", p->name);
}

static bool peer_policy(const struct doctor_view *v, struct doctor_finding *f, uint8_t a, uint8_t b)
{
	const struct wire_facts *p = peer_bond(v);

	if (!p || !peer_hashes(p) || (p->policy != a && p->policy != b))
		return false;
	set_dev(f, p);
	rules_add(f, "%s", topo_policy_name(p->policy));
	return true;
}

bool rules_peer_policy_mac(const struct doctor_view *v, struct doctor_finding *f)
{
	return peer_policy(v, f, TOPO_POLICY_LAYER2, TOPO_POLICY_VLAN_SRCMAC);
}

bool rules_peer_policy_ip(const struct doctor_view *v, struct doctor_finding *f)
{
	return peer_policy(v, f, TOPO_POLICY_LAYER23, TOPO_POLICY_ENCAP23);
}

bool rules_peer_active_backup(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct wire_facts *p = peer_bond(v);

	if (!p || p->mode != TOPO_MODE_ACTIVE_BACKUP)
		return false;
	set_dev(f, p);
	return true;
}

bool rules_peer_links(const struct doctor_view *v, struct doctor_finding *f)
{
	const struct wire_facts *p = peer_bond(v);
	unsigned n_usable = 0;

	if (!p || p->mode == TOPO_MODE_ACTIVE_BACKUP)
		return false;
	for (unsigned i = 0; i < p->n_links; i++) {
		if (p->usable >> i & 1)
			n_usable++;
		else
			rules_add(f, "%s", quoted(p->link[i].name).text);
	}
	set_dev(f, p);
	return n_usable < p->n_links;
}

/* What was found on the way -------------------------------------------------------------------- */

static const struct doctor_way *way_of(const struct doctor_flow *flow, bool out)
{
	return out ? &flow->out : &flow->back;
}

/* Links that have, or could have, received something. */
static unsigned n_links_of(const struct side_stats *side)
{
	unsigned n = 0;

	for (unsigned i = 0; i < side->n_links; i++)
		n += side->link[i].usable;
	return n;
}

/* All flows end on one link of several. */
static bool all_on_one(const struct doctor_view *v, struct doctor_finding *f, bool out)
{
	const struct doctor_probes *p = v->probes;
	const struct side_stats *side;
	unsigned n = 0;
	int link = -1;

	if (!p)
		return false;
	side = out ? &p->peer : &p->here;
	for (unsigned i = 0; i < p->n_flows; i++) {
		int to = way_of(&p->flow[i], out)->to;

		if (to < 0)
			continue;
		if (link >= 0 && to != link)
			return false;
		link = to;
		n++;
	}
	if (n < TELLING_FLOWS || n_links_of(side) < 2)
		return false;
	rules_add(f, "all %u flows that were tried arrived by %s of %s", n,
		  link_of(side, link).text, quoted(side->name).text);
	return true;
}

bool rules_switch_there(const struct doctor_view *v, struct doctor_finding *f)
{
	return all_on_one(v, f, true);
}

bool rules_switch_here(const struct doctor_view *v, struct doctor_finding *f)
{
	return all_on_one(v, f, false);
}

static struct doctor_lane lane_text(const struct doctor_probes *p, const struct doctor_way *w,
				    bool out)
{
	const struct side_stats *from = out ? &p->here : &p->peer, *to = out ? &p->peer : &p->here;
	struct doctor_lane t;

	text_printf(t.text, sizeof(t.text), "%s %s > %s %s", link_of(from, w->from).text,
		    out ? "here" : "of the peer", link_of(to, w->to).text,
		    out ? "of the peer" : "here");
	return t;
}

static bool same_lane(const struct doctor_way *a, const struct doctor_way *b)
{
	return a->from == b->from && a->to == b->to;
}

/* Is something wrong with this flow? median: rate of the sound ones. */
typedef bool (*flow_fn)(const struct doctor_probes *p, unsigned i, bool out, double median);

/* Was the same found on this lane for a flow before? */
static bool is_told(const struct doctor_probes *p, unsigned i, bool out, flow_fn fn, double median)
{
	for (unsigned k = 0; k < i; k++)
		if (fn(p, k, out, median) &&
		    same_lane(way_of(&p->flow[k], out), way_of(&p->flow[i], out)))
			return true;
	return false;
}

static bool drops_large(const struct doctor_probes *p, unsigned i, bool out, double median)
{
	const struct doctor_way *w = way_of(&p->flow[i], out);

	return w->stuck && w->passes;
}

static bool drops_all(const struct doctor_probes *p, unsigned i, bool out, double median)
{
	const struct doctor_way *w = way_of(&p->flow[i], out);

	return w->stuck && !w->passes;
}

/* All flows of the lane are. One alone has to have taken long enough to tell. */
static bool is_slow(const struct doctor_probes *p, unsigned i, bool out, double median)
{
	const struct doctor_way *w = way_of(&p->flow[i], out);
	unsigned n = 0;

	if (w->stuck || w->rate <= 0 || (w->from < 0 && w->to < 0))
		return false;
	for (unsigned k = 0; k < p->n_flows; k++) {
		const struct doctor_way *other = way_of(&p->flow[k], out);

		if (!same_lane(w, other) || other->stuck)
			continue;
		if (other->rate >= SLOW * median)
			return false;
		n++;
	}
	return n > 1 || w->rate < TELLING_RATE;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the upper half: as many slow lanes as others must not make slow the rule. 0: too few. */
static double median_rate(const struct doctor_probes *p, bool out)
{
	double rates[DOCTOR_FLOWS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_flows; i++)
		if (!way_of(&p->flow[i], out)->stuck && way_of(&p->flow[i], out)->rate > 0)
			rates[n++] = way_of(&p->flow[i], out)->rate;
	qsort(rates, n, sizeof(rates[0]), compare);
	return n >= HEALTHY_FLOWS ? rates[n - 1 - n / 4] : 0;
}

static void add_lane(struct doctor_finding *f, const struct doctor_probes *p,
		     const struct doctor_way *w, bool out)
{
	struct doctor_lane lane = lane_text(p, w, out);
	char rate[24];

	bench_bits(rate, sizeof(rate), w->rate);
	if (w->passes)
		rules_add(f, "%s passes segments of %d bytes", lane.text, w->passes);
	else if (w->stuck)
		rules_add(f, "%s", lane.text);
	else
		rules_add(f, "%s carries %s", lane.text, rate);
}

static bool find_lanes(const struct doctor_view *v, struct doctor_finding *f, flow_fn fn)
{
	const struct doctor_probes *p = v->probes;

	for (unsigned k = 0; p && k < 2; k++) {
		bool out = k == 0;
		double median = median_rate(p, out);

		for (unsigned i = 0; i < p->n_flows; i++)
			if (fn(p, i, out, median) && !is_told(p, i, out, fn, median))
				add_lane(f, p, way_of(&p->flow[i], out), out);
	}
	return f->detail[0];
}

bool rules_lane_mtu(const struct doctor_view *v, struct doctor_finding *f)
{
	return find_lanes(v, f, drops_large);
}

bool rules_lane_dead(const struct doctor_view *v, struct doctor_finding *f)
{
	return find_lanes(v, f, drops_all);
}

bool rules_lane_slow(const struct doctor_view *v, struct doctor_finding *f)
{
	return find_lanes(v, f, is_slow);
}
