/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "networks.h"
#include "util/parse.h"
#include "util/text.h"

#define MBIT    (1e6 / 8)
#define SECONDS 20
#define PACKET  1514

/* Draws ------------------------------------------------------------------------------------------
 */

static uint64_t draw(uint64_t *rng)
{
	*rng = clock_mix(*rng, 1);
	return *rng;
}

static double part(uint64_t *rng)
{
	return (double)(draw(rng) >> 11) / 9007199254740992.0;
}

static bool chance(uint64_t *rng, double percent)
{
	return part(rng) * 100 < percent;
}

/* On a logarithmic scale. */
static double scale(uint64_t *rng, double low, double high)
{
	return low * pow(high / low, part(rng));
}

static unsigned below(uint64_t *rng, unsigned n)
{
	return (unsigned)(draw(rng) % n);
}

static uint64_t seconds(uint64_t *rng, double low, double high)
{
	return (uint64_t)((low + part(rng) * (high - low)) * 1e9);
}

/* Which of several, by their percentages. */
static unsigned choose(uint64_t *rng, const unsigned *percent)
{
	double left = part(rng) * 100;
	unsigned i = 0;

	while (left >= percent[i])
		left -= percent[i++];
	return i;
}

/* Known ------------------------------------------------------------------------------------------
 */

/* As tbf: what waits for `latency_ms` at most, and what may pass at once. */
static struct hop_config tbf(double mbit, double burst, double latency_ms)
{
	return (struct hop_config){ .rate = mbit * MBIT,
				    .burst = burst,
				    .limit = mbit * MBIT * latency_ms / 1e3 + burst };
}

static void same_links(struct network *net, unsigned n, const struct hop_config *hop,
		       uint32_t speed)
{
	for (unsigned side = 0; side < 2; side++) {
		struct machine_config *m = &net->machine[side];

		m->n_links = n;
		m->policy = HASH_LAYER34;
		for (unsigned i = 0; i < n; i++)
			m->link[i] =
				(struct link_config){ .out = *hop, .in = *hop, .speed = speed };
	}
}

/* The lab: veth pairs, and both hosts and the switch shape. */
static void lab(struct network *net, unsigned n, double mbit, enum switch_hash towards)
{
	struct hop_config hop = tbf(mbit, 65536, 20);

	same_links(net, n, &hop, 10000);
	net->machine[0].towards = net->machine[1].towards = towards;
	net->gso = true;
	net->delay_ns = 50000;
}

static const struct known {
	const char *name;
	unsigned n;
	double mbit;
	enum switch_hash towards;
	double loss; /* of link 1 */
} known[] = {
	{ "8x10-short", 8, 10, SWITCH_SAME, 0 },
	{ "8x10-short-foreign", 8, 10, SWITCH_FOREIGN, 0 },
	{ "4x50", 4, 50, SWITCH_SAME, 0 },
	{ "4x50-foreign", 4, 50, SWITCH_FOREIGN, 0 },
	{ "4x50-layer2", 4, 50, SWITCH_LAYER2, 0 },
	{ "4x50-lossy", 4, 50, SWITCH_SAME, 0.05 },
	{ "2x50-foreign", 2, 50, SWITCH_FOREIGN, 0 },
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static void make_known(const struct known *k, struct network *net)
{
	text_printf(net->name, sizeof(net->name), "%s", k->name);
	lab(net, k->n, k->mbit, k->towards);
	net->machine[0].link[1].out.loss = k->loss;
}

/* Drawn ------------------------------------------------------------------------------------------
 */

static unsigned draw_links(uint64_t *rng)
{
	static const unsigned percent[] = { 25, 35, 20, 8, 12 };
	static const unsigned n[] = { 2, 4, 8, 16 };
	unsigned which = choose(rng, percent);

	return which < 4 ? n[which] : 3 + below(rng, 10);
}

/* The rates of an end's links: their sum is given. */
static void draw_rates(uint64_t *rng, unsigned n, double sum, double *out)
{
	static const unsigned percent[] = { 55, 25, 20 };
	unsigned how = choose(rng, percent);
	double ratio = scale(rng, 2, 10), total = 0;

	for (unsigned i = 0; i < n; i++) {
		out[i] = how == 0 ? 1 : how == 1 ? (i % 2 ? ratio : 1) : scale(rng, 1, 100);
		total += out[i];
	}
	for (unsigned i = 0; i < n; i++)
		out[i] *= sum / total;
}

static double at_least(double v, double least)
{
	return v > least ? v : least;
}

/* Queues of switches, one kind in a network. A card's own queue is long, and TCP keeps it short. */
static struct hop_config draw_queue(uint64_t *rng, bool virtual)
{
	static const unsigned percent[] = { 65, 20, 15 };
	struct hop_config c = { .kind = HOP_TAIL, .limit = scale(rng, 1, 200) };
	unsigned kind = choose(rng, percent);
	double burst = scale(rng, 32e3, 256e3);

	if (virtual) {
		c.burst = 65536;
		c.limit = scale(rng, 10, 100);
	} else if (kind) {
		c.kind = kind == 1 ? HOP_CODEL : HOP_POLICER;
		c.limit = 1000;
		c.burst = kind == 1 ? 0 : burst;
	}
	return c;
}

/* The same kind for a link of this rate: its limit is in milliseconds so far. */
static struct hop_config queue_of(const struct hop_config *kind, double mbit)
{
	struct hop_config c = *kind;

	c.rate = mbit * MBIT;
	c.limit = at_least(c.rate * kind->limit / 1e3, 10 * PACKET) + c.burst;
	return c;
}

static void draw_machine(uint64_t *rng, struct network *net, unsigned side,
			 const struct hop_config *queue, double sum)
{
	struct machine_config *m = &net->machine[side];
	bool known_speeds = chance(rng, 60), far = chance(rng, 20);
	double rate[WORLD_LINKS];

	draw_rates(rng, m->n_links, sum, rate);
	for (unsigned i = 0; i < m->n_links; i++) {
		struct link_config *l = &m->link[i];

		l->in = queue_of(queue, rate[i]);
		l->out = net->gso ? l->in
				  : (struct hop_config){ .rate = rate[i] * MBIT, .limit = 1.5e6 };
		l->speed = known_speeds ? (uint32_t)at_least(rate[i], 1) : 10000;
		if (far && chance(rng, 50))
			l->delay_ns = (uint64_t)(part(rng) * 2 * (double)net->delay_ns);
	}
}

static void draw_loss(uint64_t *rng, struct network *net)
{
	static const unsigned percent[] = { 60, 15, 12, 13 };
	unsigned how = choose(rng, percent), side = below(rng, 2);
	unsigned only = below(rng, net->machine[side].n_links);
	double small = scale(rng, 1e-4, 0.03), large = 0.01 + 0.04 * part(rng);
	bool all = chance(rng, 50);

	for (unsigned i = 0; i < net->machine[side].n_links; i++) {
		struct link_config *l = &net->machine[side].link[i];
		struct hop_config *h = side == net->sender ? &l->out : &l->in;

		if (how == 1)
			h->loss = small;
		if (how == 2 && i == only)
			h->loss = large;
		if (how != 3 || (!all && i != only))
			continue;
		h->bad_begins = small / 10;
		h->bad_packets = 5 + large * 500;
		h->bad_loss = 0.5;
	}
}

static void draw_others(uint64_t *rng, struct network *net)
{
	net->n_others = chance(rng, 35) ? 1 + below(rng, 4) : 0;
	for (unsigned i = 0; i < net->n_others; i++) {
		struct other *o = &net->other[i];
		double share = 0.2 + 0.4 * part(rng);

		o->side = chance(rng, 85) ? !net->sender : net->sender;
		o->link = below(rng, net->machine[o->side].n_links);
		if (chance(rng, 50))
			o->rate = share * net->machine[o->side].link[o->link].in.rate;
		o->from_ns = seconds(rng, 0, 12);
		o->to_ns = o->from_ns + seconds(rng, 2, 20);
	}
}

/* Does a hash put all on one link, for ever if nobody sees that it is dead? */
static bool is_fixed(const struct network *net)
{
	bool fixed = false;

	for (unsigned side = 0; side < 2; side++)
		fixed |= net->machine[side].policy == HASH_LAYER2 ||
			 net->machine[side].towards == SWITCH_LAYER2;
	return fixed;
}

static void draw_failure(uint64_t *rng, struct network *net)
{
	struct failure f = { .carrier = chance(rng, 50), .side = below(rng, 2) };
	bool back = chance(rng, 50);

	f.link = below(rng, net->machine[f.side].n_links);
	f.at_ns = seconds(rng, 3, 8);
	if (back)
		f.back_ns = f.at_ns + seconds(rng, 3, 8);
	else if (!f.carrier && is_fixed(net))
		f.back_ns = f.at_ns + 5 * CLOCK_SECOND;
	if (chance(rng, 15) && net->machine[f.side].n_links > 1)
		net->failure = f;
}

static void draw_hashes(uint64_t *rng, struct network *net)
{
	static const unsigned percent[] = { 40, 45, 15 };
	static const unsigned bond[] = { 75, 15, 10 };
	static const enum hash_policy policy[] = { HASH_LAYER34, HASH_ENCAP34, HASH_LAYER2 };

	for (unsigned side = 0; side < 2; side++) {
		net->machine[side].towards = (enum switch_hash)choose(rng, percent);
		net->machine[side].policy = policy[choose(rng, bond)];
	}
}

static void draw_counters(uint64_t *rng, struct network *net)
{
	static const unsigned percent[] = { 60, 20, 20 };
	unsigned how = choose(rng, percent);
	uint64_t late_ns = seconds(rng, 0.2, 2);

	net->renewed_ns = how == 1 ? CLOCK_SECOND : 0;
	net->late_ns = how == 2 ? late_ns : 0;
}

static void make_drawn(unsigned n, struct network *net)
{
	uint64_t rng = clock_mix(n, 20250101);
	struct hop_config queue;

	text_printf(net->name, sizeof(net->name), "%u", n);
	net->machine[0].n_links = draw_links(&rng);
	net->machine[1].n_links = draw_links(&rng);
	if (chance(&rng, 60))
		net->machine[1].n_links = net->machine[0].n_links;
	net->gso = chance(&rng, 30);
	net->tcp = chance(&rng, 75) ? TCP_CUBIC : TCP_BBR;
	net->sender = clock_mix(n, 25) % 4 == 0;
	net->delay_ns = (uint64_t)(scale(&rng, 0.05, 100) * 1e6);
	queue = draw_queue(&rng, net->gso);
	for (unsigned side = 0; side < 2; side++)
		draw_machine(&rng, net, side, &queue, scale(&rng, 20, 200));
	draw_loss(&rng, net);
	draw_hashes(&rng, net);
	draw_counters(&rng, net);
	draw_others(&rng, net);
	draw_failure(&rng, net);
}

/* -----------------------------------------------------------------------------------------------
 */

double network_rate(const struct network *net)
{
	double sum[2] = { 0 };

	const struct machine_config *from = &net->machine[net->sender];
	const struct machine_config *to = &net->machine[!net->sender];

	for (unsigned i = 0; i < from->n_links; i++)
		sum[0] += from->link[i].out.rate;
	for (unsigned i = 0; i < to->n_links; i++)
		sum[1] += to->link[i].in.rate;
	return sum[0] < sum[1] ? sum[0] : sum[1];
}

void network_numbered(unsigned n, struct network *out)
{
	memset(out, 0, sizeof(*out));
	if (n < N_KNOWN)
		make_known(&known[n], out);
	else
		make_drawn(n, out);
	out->bytes = (uint64_t)(SECONDS * network_rate(out));
}

bool network_named(const char *name, struct network *out)
{
	uint64_t n;

	for (unsigned i = 0; i < N_KNOWN; i++) {
		if (strcmp(name, known[i].name) == 0) {
			network_numbered(i, out);
			return true;
		}
	}
	if (parse_u64(name, 0, UINT32_MAX, &n))
		return false;
	network_numbered((unsigned)n, out);
	return true;
}

static bool is_lossy(const struct network *net)
{
	bool lossy = false;

	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < net->machine[side].n_links; i++) {
			const struct link_config *l = &net->machine[side].link[i];

			lossy |= l->in.loss > 0 || l->out.loss > 0 || l->in.bad_begins > 0 ||
				 l->out.bad_begins > 0;
		}
	return lossy;
}

void network_text(const struct network *net, char *buf, size_t size)
{
	static const char *const hash[] = { "same", "foreign", "layer2" };
	static const char *const queue[] = { "", " codel", " policer" };
	const struct machine_config *a = &net->machine[net->sender];
	const struct machine_config *b = &net->machine[!net->sender];

	text_printf(buf, size, "%s%u+%u %.0fM %.1fms %s%s %s%s%s%s%s%s%s",
		    net->sender ? "back " : "", a->n_links, b->n_links, network_rate(net) / MBIT,
		    2 * (double)net->delay_ns / 1e6, hash[b->towards],
		    a->policy == HASH_LAYER34   ? ""
		    : a->policy == HASH_ENCAP34 ? " encap"
						: " fixed",
		    net->tcp == TCP_BBR ? "bbr" : "cubic", net->gso ? " gso" : "",
		    queue[b->link[0].in.kind], is_lossy(net) ? " loss" : "",
		    net->renewed_ns ? " 1s"
		    : net->late_ns  ? " late"
				    : "",
		    net->n_others ? " others" : "", net->failure.at_ns ? " fails" : "");
}
