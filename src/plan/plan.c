/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From addresses and bonds to source ports
 *
 * Both directions are two stages each, and a stage is one end's links:
 *
 *            here                       peer
 *      OUT_TX links  ----- OUT ---->  OUT_RX links
 *      IN_RX links   <---- IN ------  IN_TX links
 *
 * Where a rule predicts the link from the port, each link is a node of the graph of cover.h; else
 * one node stands for all links of the stage. A port is one node at each stage. Ports with the same
 * four nodes are a class; the first one found stands for all:
 *
 *      candidate ports -> classes -> cover_choose() -> flows
 *
 * Without any prediction there is one class, and a block of consecutive ports does what can be
 * done.
 *
 * Always: the open connections are the first flows of a plan, no port occurs twice in it, and every
 * stage has a capacity. No state is kept between calls: the same input makes the same plan.
 */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/cover.h"

_Static_assert(HASH_LINKS_MAX == COVER_NODES_MAX && HASH_LINKS_MAX <= 32, "sets are 32 bits");
_Static_assert(PLAN_FLOWS_MAX == COVER_FLOWS_MAX, "a cover is a plan");

/* Ports that are looked at: all of the usual range, and enough of any. */
#define SCAN_MAX 32768

/* Of more classes only those are kept that have a lane no other has. More would not help: the
 * first ones combine every lane out with several lanes in. */
#define CLASSES_ENOUGH 2048
#define CLASSES_MAX    (CLASSES_ENOUGH + 2 * HASH_LINKS_MAX * HASH_LINKS_MAX)
#define SLOTS          16384 /* of the table of classes: a power of two, well above CLASSES_MAX */

/* Ports that are looked at for one that has a certain link at two ends: of 32 at each, one of 1000
 * does. */
#define CANDIDATE_TRIES 4096

/*
 * One end of one direction. Links are nodes of the graph if the port decides between them in a way
 * that can be predicted; else one node stands for all that the port does not decide.
 */
struct stage {
	bool is_predicted;
	struct hash_rule rule;
	unsigned n; /* nodes */
	uint32_t capacity[HASH_LINKS_MAX];
	int reason; /* enum hash_reason */
	enum hash_spread spread;
	unsigned random_links; /* which flows come to lie on by chance */
};

/* In the order of enum cover_end: our sending, the peer's receiving, and the way back. */
struct stages {
	struct stage end[COVER_ENDS];
	uint16_t remote_port;
};

struct scratch {
	uint8_t candidates[65536 / 8];
	struct cover_class classes[CLASSES_MAX];
	unsigned n_classes;
	uint16_t slots[SLOTS];                            /* index of a class, plus 1 */
	uint32_t lanes[COVER_DIRECTIONS][HASH_LINKS_MAX]; /* bit rx of [tx]: there is a class */
	struct cover_class open[PLAN_FLOWS_MAX];
	struct cover_task task;
	struct cover cover;
};

/* Ends --------------------------------------------------------------------------------------- */

static bool is_usable(const struct hash_bond *b, unsigned link)
{
	return link < b->n_links && b->usable >> link & 1;
}

static unsigned count_usable(const struct hash_bond *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_links; i++)
		n += is_usable(b, i);
	return n;
}

static bool is_visible(const struct plan_side *s)
{
	return s->known && s->bond.n_links <= HASH_LINKS_MAX && count_usable(&s->bond);
}

static uint32_t fastest(const struct plan_side *s)
{
	uint32_t speed = 0;

	for (unsigned i = 0; is_visible(s) && i < s->bond.n_links; i++)
		if (is_usable(&s->bond, i) && s->speed[i] > speed)
			speed = s->speed[i];
	return speed;
}

/* A link of unknown speed is taken for the fastest one of its bond, or at the other end. */
static uint32_t speed_of(const struct plan_side *s, const struct plan_side *other, unsigned link)
{
	uint32_t speed = s->speed[link];

	if (!speed)
		speed = fastest(s);
	if (!speed)
		speed = fastest(other);
	return speed ? speed : 1;
}

/* How the switch in front of a host sends to it, unless something better is known. Modes that make
 * the host receive over one link stay; of the others, layer3+4 is the hopeful assumption: it costs
 * some connections if the switch goes by less, while the contrary would cost links. */
static struct hash_bond switch_of(const struct plan_side *s)
{
	struct hash_bond b = s->bond;

	if (s->rx_known)
		return s->rx;
	if (b.mode == HASH_TEAM && b.team_parts & HASH_TEAM_L4)
		return b;
	if (b.mode == HASH_BALANCE_TLB || b.mode == HASH_BALANCE_ALB)
		b.mode = HASH_ACTIVE_BACKUP;
	if (b.mode == HASH_ACTIVE_BACKUP || b.mode == HASH_BROADCAST)
		return b;
	b.mode = HASH_BALANCE_XOR;
	b.policy = HASH_LAYER34;
	if (b.variant == HASH_VARIANT_UNKNOWN)
		b.variant = HASH_5_18;
	else if (b.variant < HASH_3_19)
		b.variant = HASH_3_19; /* no switch counts links that are down */
	return b;
}

/* One node in place of the links. */
static void pool(const struct hash_bond *b, const struct plan_side *s,
		 const struct plan_side *other, struct stage *st)
{
	bool all = st->spread != HASH_SPREAD_NONE;

	st->n = 1;
	for (unsigned i = 0; i < b->n_links && i < HASH_LINKS_MAX; i++) {
		uint32_t speed = is_usable(b, i) ? speed_of(s, other, i) : 0;

		if (all)
			st->capacity[0] += speed;
		else if (speed > st->capacity[0])
			st->capacity[0] = speed;
	}
	if (st->spread == HASH_SPREAD_PORTS || st->spread == HASH_SPREAD_RANDOM)
		st->random_links = count_usable(b);
}

/* by_dport: the flow runs towards us, and the chosen port is its destination's. */
static void find_stage(const struct hash_bond *b, const struct flow *f, bool by_dport,
		       const struct plan_side *s, const struct plan_side *other, struct stage *st)
{
	*st = (struct stage){ 0 };
	if (!is_visible(s)) {
		st->n = 1;
		return; /* capacity: see open_ends() */
	}
	st->reason = hash_prepare(b, f, &st->rule);
	st->spread = hash_spread(b, f, by_dport);
	if (st->reason) {
		pool(b, s, other, st);
		return;
	}
	st->is_predicted = true;
	st->n = b->n_links;
	for (unsigned i = 0; i < b->n_links; i++)
		st->capacity[i] = is_usable(b, i) ? speed_of(s, other, i) : 0;
}

static uint32_t total_capacity(const struct stage *st)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < st->n; i++)
		sum += st->capacity[i];
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* An unknown end limits nothing. */
static void open_ends(struct stages *s)
{
	for (unsigned end = 0; end < COVER_ENDS; end++) {
		struct stage *st = &s->end[end], *facing = &s->end[cover_facing(end)];

		if (total_capacity(st))
			continue;
		st->capacity[0] = total_capacity(facing) ? total_capacity(facing) : 1;
	}
}

static void send_macs(const struct plan_side *s, struct flow *f)
{
	f->macs_known = s->macs_known;
	memcpy(f->smac, s->mac, sizeof(f->smac));
	memcpy(f->dmac, s->next_hop, sizeof(f->dmac));
	f->vlan_tci = s->vlan_tci;
	f->double_tagged = s->double_tagged;
}

/* The frame as the switch in front of a side sends it there. */
static struct flow received(const struct plan_side *s, const struct flow *f)
{
	struct flow r = *f;

	send_macs(s, &r);
	memcpy(r.smac, s->next_hop, sizeof(r.smac));
	memcpy(r.dmac, s->mac, sizeof(r.dmac));
	r.double_tagged = false;
	return r;
}

static void find_stages(const struct plan_input *in, struct stages *s)
{
	struct flow out = { .family = in->family, .dport = in->remote_port, .protocol = FLOW_TCP };
	struct hash_bond to_here = switch_of(&in->here), to_peer = switch_of(&in->peer);
	struct flow back, f;

	memcpy(out.src, in->local, sizeof(out.src));
	memcpy(out.dst, in->remote, sizeof(out.dst));
	send_macs(&in->here, &out);
	back = flow_reverse(&out);
	send_macs(&in->peer, &back);

	s->remote_port = in->remote_port;
	find_stage(&in->here.bond, &out, false, &in->here, &in->peer, &s->end[COVER_OUT_TX]);
	f = received(&in->peer, &out);
	find_stage(&to_peer, &f, false, &in->peer, &in->here, &s->end[COVER_OUT_RX]);
	find_stage(&in->peer.bond, &back, true, &in->peer, &in->here, &s->end[COVER_IN_TX]);
	f = received(&in->here, &back);
	find_stage(&to_here, &f, true, &in->here, &in->peer, &s->end[COVER_IN_RX]);
	open_ends(s);
}

static unsigned node_of(const struct stages *s, unsigned end, uint16_t port)
{
	const struct stage *st = &s->end[end];

	if (!st->is_predicted)
		return 0;
	if (cover_direction(end) == COVER_OUT)
		return hash_rule_link(&st->rule, port, s->remote_port);
	return hash_rule_link(&st->rule, s->remote_port, port);
}

static struct cover_class class_of(const struct stages *s, uint16_t port)
{
	struct cover_class c = { .port = port };

	for (unsigned end = 0; end < COVER_ENDS; end++)
		c.node[end] = (uint8_t)node_of(s, end, port);
	return c;
}

/* Candidates --------------------------------------------------------------------------------- */

static bool in_ranges(const struct plan_range *r, unsigned n, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (port >= r[i].first && port <= r[i].last)
			return true;
	return false;
}

static bool is_open(const struct plan_input *in, uint16_t port)
{
	for (unsigned i = 0; i < in->n_open; i++)
		if (in->open[i] == port)
			return true;
	return false;
}

static bool is_candidate(const struct plan_input *in, uint16_t port)
{
	return port && in_ranges(in->ranges, in->n_ranges, port) &&
	       !in_ranges(in->except, in->n_except, port);
}

static bool is_set(const uint8_t *bits, uint16_t port)
{
	return bits[port / 8] >> port % 8 & 1;
}

static void mark(uint8_t *bits, const struct plan_range *r, unsigned n, bool set)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned port = r[i].first; port <= r[i].last; port++) {
			uint8_t bit = (uint8_t)(1u << port % 8);

			bits[port / 8] =
				(uint8_t)(set ? bits[port / 8] | bit : bits[port / 8] & ~bit);
		}
	}
}

/* All candidates at once, less the ports that are open. Returns their number. */
static unsigned find_candidates(const struct plan_input *in, uint8_t *bits)
{
	const struct plan_range zero = { 0, 0 };
	unsigned n = 0;

	mark(bits, in->ranges, in->n_ranges, true);
	mark(bits, in->except, in->n_except, false);
	mark(bits, &zero, 1, false);
	for (unsigned i = 0; i < in->n_open; i++)
		mark(bits, &(struct plan_range){ in->open[i], in->open[i] }, 1, false);
	for (unsigned i = 0; i < 65536 / 8; i++)
		n += (unsigned)__builtin_popcount(bits[i]);
	return n;
}

static uint64_t scramble(uint64_t seed)
{
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9 + 0x9e3779b97f4a7c15;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111eb;
	return seed ^ seed >> 31;
}

/* The candidate that the seed falls on. */
static uint16_t first_port(const uint8_t *bits, unsigned n, uint64_t seed)
{
	uint64_t skip = scramble(seed) % n;
	uint16_t port = 1;

	while (!is_set(bits, port) || skip--)
		port++;
	return port;
}

/* Classes ------------------------------------------------------------------------------------ */

static bool is_new_lane(struct scratch *m, const struct cover_class *c)
{
	bool fresh = false;

	for (unsigned dir = 0; dir < COVER_DIRECTIONS; dir++) {
		uint32_t *lanes = &m->lanes[dir][c->node[cover_sender(dir)]];
		uint32_t bit = 1u << c->node[cover_receiver(dir)];

		fresh |= !(*lanes & bit);
		*lanes |= bit;
	}
	return fresh;
}

static void add_class(struct scratch *m, const struct cover_class *c)
{
	uint32_t key, slot;

	memcpy(&key, c->node, sizeof(key));
	slot = (key * 0x9e3779b1u) >> 18;
	for (; m->slots[slot]; slot = (slot + 1) % SLOTS)
		if (!memcmp(m->classes[m->slots[slot] - 1].node, c->node, sizeof(c->node)))
			return;
	if (!is_new_lane(m, c) && m->n_classes >= CLASSES_ENOUGH)
		return;
	m->classes[m->n_classes++] = *c;
	m->slots[slot] = (uint16_t)m->n_classes;
}

static void find_classes(struct scratch *m, const struct stages *s, uint16_t first, unsigned n)
{
	uint16_t port = first;

	for (unsigned i = 0; i < n && i < SCAN_MAX; port++) {
		struct cover_class c;

		if (!is_set(m->candidates, port))
			continue;
		c = class_of(s, port);
		add_class(m, &c);
		i++;
	}
}

/* Flows -------------------------------------------------------------------------------------- */

static int8_t link_at(const struct stages *s, unsigned end, uint16_t port)
{
	return s->end[end].is_predicted ? (int8_t)node_of(s, end, port) : -1;
}

static struct plan_flow flow_from(const struct stages *s, uint16_t port)
{
	return (struct plan_flow){
		.port = port,
		.out = { link_at(s, COVER_OUT_TX, port), link_at(s, COVER_OUT_RX, port) },
		.in = { link_at(s, COVER_IN_TX, port), link_at(s, COVER_IN_RX, port) },
	};
}

static void add_flow(struct plan *p, const struct stages *s, uint16_t port)
{
	p->flows[p->n_flows++] = flow_from(s, port);
}

static bool has_port(const struct plan *p, uint16_t port)
{
	for (unsigned i = 0; i < p->n_flows; i++)
		if (p->flows[i].port == port)
			return true;
	return false;
}

static bool is_alike(const struct stages *s, const struct plan *p, uint16_t a, uint16_t b)
{
	if (p->block)
		return a % p->block == b % p->block;
	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (node_of(s, end, a) != node_of(s, end, b))
			return false;
	return true;
}

static uint16_t next_alike(const struct plan_input *in, const struct stages *s,
			   const struct plan *p, uint16_t like, uint16_t after)
{
	for (uint16_t port = (uint16_t)(after + 1); port != like; port++)
		if (is_candidate(in, port) && is_alike(s, p, port, like) && !has_port(p, port))
			return port;
	return 0;
}

/* Repeats the planned flows, in turn, until there are want. */
static void repeat(const struct plan_input *in, const struct stages *s, struct plan *p,
		   unsigned want)
{
	uint16_t last[PLAN_FLOWS_MAX];
	unsigned n = p->n_flows, dry = 0;

	for (unsigned i = 0; i < n; i++)
		last[i] = p->flows[i].port;
	for (unsigned i = 0; p->n_flows < want && dry < n; i = (i + 1) % n) {
		uint16_t port = next_alike(in, s, p, p->flows[i].port, last[i]);

		dry = port ? 0 : dry + 1;
		if (!port)
			continue;
		last[i] = port;
		add_flow(p, s, port);
	}
}

/* Can the block at `begin` be had, as far as it is not open already? */
static bool is_free(const struct plan_input *in, const uint8_t *bits, unsigned begin, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(begin + i);

		if (!is_set(bits, port) && !is_open(in, port))
			return false;
	}
	return true;
}

/* Does a flow have this place in its block? */
static bool has_place(const struct plan *p, unsigned place)
{
	for (unsigned i = 0; i < p->n_flows; i++)
		if (p->flows[i].port % p->block == place)
			return true;
	return false;
}

/* Consecutive ports from a multiple of a power of two; where there is no such block, ports with the
 * same low bits as one, or any. Around the port that is open, if one is. */
static void add_block(const struct plan_input *in, const struct stages *s, const uint8_t *bits,
		      uint16_t near, unsigned want, struct plan *p)
{
	unsigned begin, tries, any;

	p->block = 1;
	while (p->block < want)
		p->block = (uint16_t)(p->block * 2);
	begin = near - near % p->block;
	for (tries = 65536 / p->block; tries && !is_free(in, bits, begin, want); tries--)
		begin = (begin + p->block) % 65536;

	for (unsigned place = 0; place < want && p->n_flows < want; place++) {
		if (has_place(p, place))
			continue;
		any = begin + place;
		for (tries = 65536 / p->block; tries && !is_set(bits, (uint16_t)any); tries--)
			any = (any + p->block) % 65536;
		if (tries)
			add_flow(p, s, (uint16_t)any);
	}
	/* Of few ports to choose from, those at other places are better than none. */
	for (unsigned port = 1; port < 65536 && p->n_flows < want; port++)
		if (is_set(bits, (uint16_t)port) && !has_port(p, (uint16_t)port))
			add_flow(p, s, (uint16_t)port);
}

/* The plan ----------------------------------------------------------------------------------- */

static bool is_single(const struct plan_side *s)
{
	return is_visible(s) && count_usable(&s->bond) == 1;
}

/* Neither end shows a bond, and one may have one. */
static bool is_blind(const struct plan_input *in)
{
	bool here = is_visible(&in->here), peer = is_visible(&in->peer);

	return (!here && !peer) || (!here && is_single(&in->peer)) ||
	       (!peer && is_single(&in->here));
}

static unsigned side_note(const struct stage *st, const struct plan_side *s, unsigned fixed,
			  unsigned random)
{
	if (!is_visible(s) || count_usable(&s->bond) < 2 || st->spread == HASH_SPREAD_PACKETS)
		return 0;
	if (st->spread == HASH_SPREAD_NONE)
		return fixed;
	return st->reason ? random : 0;
}

static bool is_steered(const struct stage *st)
{
	return st->is_predicted && st->spread == HASH_SPREAD_PORTS;
}

static unsigned notes_of(const struct plan_input *in, const struct stages *s)
{
	const struct stage *e = s->end;
	unsigned notes = is_blind(in) ? PLAN_BLIND : 0;

	notes |= side_note(&e[COVER_OUT_TX], &in->here, PLAN_HERE_FIXED, PLAN_HERE_RANDOM);
	notes |= side_note(&e[COVER_IN_TX], &in->peer, PLAN_PEER_FIXED, PLAN_PEER_RANDOM);
	if ((is_steered(&e[COVER_OUT_RX]) && !in->peer.rx_known) ||
	    (is_steered(&e[COVER_IN_RX]) && !in->here.rx_known))
		notes |= PLAN_ASSUMED;
	return notes;
}

/* No plan has more flows than twice the links of the larger end. */
static unsigned flow_limit(const struct plan_input *in)
{
	unsigned limit = PLAN_BLIND_FLOWS;

	if (!is_blind(in)) {
		unsigned here = is_visible(&in->here) ? count_usable(&in->here.bond) : 1;
		unsigned peer = is_visible(&in->peer) ? count_usable(&in->peer.bond) : 1;

		limit = 2 * (here > peer ? here : peer);
	}
	if (in->min_flows > limit)
		limit = in->min_flows < PLAN_FLOWS_MAX ? in->min_flows : PLAN_FLOWS_MAX;
	if (in->max_flows && in->max_flows < limit)
		limit = in->max_flows;
	return limit > in->n_open ? limit : in->n_open;
}

/* Flows that it takes besides those that can be placed. */
static unsigned flows_wanted(const struct plan_input *in, const struct stages *s)
{
	unsigned most = 0, want;

	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (s->end[end].random_links > most)
			most = s->end[end].random_links;
	want = is_blind(in) ? PLAN_BLIND_FLOWS : 2 * most;
	return in->min_flows > want ? in->min_flows : want;
}

static int cover_links(const struct plan_input *in, const struct stages *s, struct scratch *m)
{
	struct cover_task *t = &m->task;

	for (unsigned end = 0; end < COVER_ENDS; end++)
		memcpy(t->capacity[end], s->end[end].capacity, sizeof(t->capacity[end]));
	for (unsigned i = 0; i < in->n_open; i++)
		m->open[i] = class_of(s, in->open[i]);
	t->classes = m->classes;
	t->n_classes = m->n_classes;
	t->open = m->open;
	t->n_open = in->n_open;
	t->limit = flow_limit(in);
	return cover_choose(t, &m->cover);
}

static void rates(const struct scratch *m, struct plan *p)
{
	p->out = (struct plan_rate){ m->cover.reach[COVER_OUT], m->cover.most[COVER_OUT] };
	p->in = (struct plan_rate){ m->cover.reach[COVER_IN], m->cover.most[COVER_IN] };
}

static int make(const struct plan_input *in, struct scratch *m, struct plan *p)
{
	unsigned n = find_candidates(in, m->candidates), want, limit = flow_limit(in);
	struct stages s;
	uint16_t first = 0;
	int rc;

	if (!n && !in->n_open)
		return -EADDRNOTAVAIL;
	find_stages(in, &s);
	if (n) {
		first = first_port(m->candidates, n, in->seed);
		find_classes(m, &s, first, n);
	}
	rc = cover_links(in, &s, m);
	if (rc)
		return rc;

	p->notes = notes_of(in, &s);
	p->here_reason = s.end[COVER_OUT_TX].reason;
	p->peer_reason = s.end[COVER_IN_TX].reason;
	rates(m, p);
	want = flows_wanted(in, &s);
	if (want > limit)
		want = limit;
	for (unsigned i = 0; i < in->n_open; i++)
		add_flow(p, &s, in->open[i]);
	if (m->n_classes == 1 && want > 1) {
		add_block(in, &s, m->candidates, in->n_open ? in->open[0] : first, want, p);
	} else {
		for (unsigned i = 0; i < m->cover.n; i++)
			add_flow(p, &s, m->classes[m->cover.chosen[i]].port);
		repeat(in, &s, p, want);
	}
	if (p->n_flows < flows_wanted(in, &s) || p->out.reach < p->out.most ||
	    p->in.reach < p->in.most)
		p->notes |= PLAN_LIMITED;
	return 0;
}

int plan_make(const struct plan_input *in, struct plan *out)
{
	struct scratch *m;
	int rc;

	*out = (struct plan){ 0 };
	if (in->n_open > PLAN_FLOWS_MAX || in->family == FLOW_OTHER)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	rc = make(in, m, out);
	free(m);
	return rc;
}

struct plan_flow plan_flow_from(const struct plan_input *in, uint16_t port)
{
	struct stages s;

	find_stages(in, &s);
	return flow_from(&s, port);
}

uint16_t plan_alternate(const struct plan_input *in, const struct plan *p, unsigned flow,
			uint16_t after)
{
	struct stages s;

	if (flow >= p->n_flows)
		return 0;
	find_stages(in, &s);
	return next_alike(in, &s, p, p->flows[flow].port, after);
}

enum hash_spread plan_links(const struct plan_input *in, unsigned end,
			    uint32_t capacity[HASH_LINKS_MAX])
{
	bool here = cover_is_here(end), sends = cover_sends(end);
	const struct plan_side *s = here ? &in->here : &in->peer;
	const struct plan_side *other = here ? &in->peer : &in->here;
	struct hash_bond b = sends ? s->bond : switch_of(s);
	struct stages stages;

	memset(capacity, 0, HASH_LINKS_MAX * sizeof(capacity[0]));
	if (!is_visible(s))
		return HASH_SPREAD_NONE;
	find_stages(in, &stages);
	for (unsigned i = 0; i < b.n_links; i++) {
		uint32_t speed = is_usable(&b, i) ? speed_of(s, other, i) : 0;

		if (stages.end[end].spread != HASH_SPREAD_NONE)
			capacity[i] = speed;
		else if (speed > capacity[0])
			capacity[0] = speed;
	}
	return stages.end[end].spread;
}

static bool is_wanted(const struct stages *s, uint16_t port, const uint32_t *want)
{
	for (unsigned end = 0; end < COVER_ENDS; end++)
		if (want[end] && s->end[end].is_predicted &&
		    !(want[end] >> node_of(s, end, port) & 1))
			return false;
	return true;
}

uint16_t plan_candidate(const struct plan_input *in, const uint32_t *want)
{
	struct {
		uint8_t bits[65536 / 8];
		uint16_t ports[65536];
	} *m = calloc(1, sizeof(*m));
	uint16_t found = 0;
	struct stages s;
	unsigned n = 0;

	if (!m)
		return 0;
	find_candidates(in, m->bits);
	for (unsigned port = 1; port < 65536; port++)
		if (is_set(m->bits, (uint16_t)port))
			m->ports[n++] = (uint16_t)port;
	find_stages(in, &s);
	for (unsigned i = 0; i < CANDIDATE_TRIES && n && !found; i++) {
		uint16_t port = m->ports[scramble(in->seed + i) % n];

		if (is_wanted(&s, port, want))
			found = port;
	}
	free(m);
	return found;
}
