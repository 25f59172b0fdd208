/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash/flow.h"

#define SYN_LEN 74

struct world *world;

void world_addresses(unsigned side, uint8_t addr[4], uint8_t mac[6])
{
	const uint8_t a[4] = { 10, 9, 0, (uint8_t)(side + 1) };
	const uint8_t m[6] = { 2, 0, 0, 0, 9, (uint8_t)(side + 1) };

	memcpy(addr, a, sizeof(a));
	memcpy(mac, m, sizeof(m));
}

/* Ways -------------------------------------------------------------------------------------------
 */

struct hash_bond world_bond(unsigned side)
{
	const struct machine_config *m = &world->net->machine[side];
	struct hash_bond b = { .mode = HASH_8023AD,
			       .policy = m->policy,
			       .variant = HASH_5_18,
			       .n_links = m->n_links,
			       .active = -1 };

	for (unsigned i = 0; i < m->n_links; i++)
		b.usable |= (uint32_t)world->device[side][i].carrier << i;
	return b;
}

static struct flow flow_from(unsigned side, uint16_t port)
{
	struct flow f = { .family = FLOW_IPV4, .protocol = FLOW_TCP, .macs_known = true };

	f.sport = side ? WORLD_PORT : port;
	f.dport = side ? port : WORLD_PORT;
	world_addresses(side, f.src, f.smac);
	world_addresses(!side, f.dst, f.dmac);
	return f;
}

static unsigned nth_usable(const struct hash_bond *b, uint64_t n)
{
	unsigned i = 0;

	n %= (unsigned)__builtin_popcount(b->usable | !b->usable);
	while (i < b->n_links - 1 && (!(b->usable >> i & 1) || n-- > 0))
		i++;
	return i;
}

static unsigned link_out(unsigned side, uint16_t port)
{
	struct hash_bond b = world_bond(side);
	struct flow f = flow_from(side, port);
	unsigned link;

	if (hash_link(&b, &f, &link) == HASH_OK)
		return link;
	return nth_usable(&b, clock_mix(world->clock.n_added * 2 + side, port));
}

static unsigned link_in(unsigned side, uint16_t port)
{
	struct hash_bond b = world_bond(side);
	struct flow f = flow_from(!side, port);
	enum switch_hash how = world->net->machine[side].towards;
	unsigned link = 0;

	if (how == SWITCH_LAYER2)
		return nth_usable(&b, b.n_links / 2);
	if (how == SWITCH_FOREIGN)
		return nth_usable(&b, clock_mix(side + 77, port * 7919u));
	b.mode = HASH_BALANCE_XOR;
	b.policy = HASH_LAYER34;
	return hash_link(&b, &f, &link) == HASH_OK ? link : 0;
}

void world_route(struct connection *c)
{
	for (unsigned side = 0; side < 2; side++) {
		struct half *h = &c->tcp.half[side];
		unsigned out = link_out(side, c->tcp.port), in = link_in(!side, c->tcp.port);

		c->out[side] = (int8_t)out;
		c->in[side] = (int8_t)in;
		h->hop[0] = &world->device[side][out].out;
		h->hop[1] = &world->device[!side][in].in;
		h->delay_ns = world->net->delay_ns + world->net->machine[!side].link[in].delay_ns;
	}
	for (unsigned i = 0; i < 4; i++)
		c->way[i] = c->tcp.half[i / 2].hop[i % 2];
}

/* Handshakes -------------------------------------------------------------------------------------
 */

/* As with tcp_syn_retries: after 127 s. */
#define SYN_TRIES 7

static void refused(void *arg)
{
	kernel_break(arg, 0, ECONNREFUSED);
}

static enum connect_fate fate_of(const struct connection *c)
{
	if (!world->faults || c->step != 0)
		return CONNECT_STANDS;
	return world->faults->fate(world->faults->arg, c->net);
}

static void shake(void *arg)
{
	struct connection *c = arg;
	enum connect_fate fate = fate_of(c);
	uint64_t at_ns;

	if (c->fd[0] < 0)
		return;
	if (c->step == 4) {
		kernel_stands(c, 0);
		return;
	}
	if (world->faults && c->tries == SYN_TRIES) {
		kernel_break(c, 0, ETIMEDOUT);
		return;
	}
	at_ns = hop_send(c->way[c->step], SYN_LEN);
	if (fate == CONNECT_SILENT)
		at_ns = HOP_DROPPED;
	if (fate == CONNECT_REFUSED && at_ns != HOP_DROPPED) {
		clock_add(&world->clock, at_ns + c->tcp.half[0].delay_ns + c->tcp.half[1].delay_ns,
			  refused, c);
		return;
	}
	if (at_ns == HOP_DROPPED) {
		c->step = c->step < 2 ? 0 : 2;
		clock_add(&world->clock, world->clock.now_ns + (CLOCK_SECOND << c->tries++), shake,
			  c);
		return;
	}
	if (c->step % 2 == 0)
		at_ns += c->tcp.half[c->step / 2].delay_ns;
	c->step++;
	clock_add(&world->clock, at_ns, shake, c);
}

void world_shake(struct connection *c)
{
	c->step = c->tries = 0;
	shake(c);
}

/* Others -----------------------------------------------------------------------------------------
 */

static void send_other(void *arg)
{
	const struct other *o = arg;
	struct device *d = &world->device[o->side][o->link];
	uint64_t now_ns = world->clock.now_ns - CLOCK_SECOND;

	if (now_ns >= o->to_ns)
		return;
	hop_send(&d->in, TCP_MSS + TCP_HEADERS);
	clock_add(&world->clock,
		  world->clock.now_ns + (uint64_t)((TCP_MSS + TCP_HEADERS) * 1e9 / o->rate),
		  send_other, arg);
}

static void end_other(void *arg)
{
	struct connection *c = arg;

	tcp_stop(&c->tcp.half[!c->other->side]);
}

/* Its sender is another machine, whose link is no limit. */
static void begin_other(void *arg)
{
	static const struct hop_config wide = { .rate = 1.25e9, .limit = 1e7 };
	struct other *o = arg;
	struct connection *c;
	struct half *h;

	if (o->rate > 0) {
		send_other(o);
		return;
	}
	c = clock_alloc(sizeof(*c));
	tcp_init(&c->tcp, &world->clock, world->net->tcp, world->net->gso);
	c->fd[0] = c->fd[1] = -1;
	c->other = o;
	c->next = world->connections;
	world->connections = c;
	for (unsigned i = 0; i < 2; i++) {
		struct hop *hop = clock_alloc(sizeof(*hop));

		hop_init(hop, &world->clock, &wide);
		c->way[i] = hop;
		c->tcp.half[i].hop[0] = hop;
		c->tcp.half[i].hop[1] = hop;
		c->tcp.half[i].delay_ns = world->net->delay_ns;
		c->tcp.half[i].endless = i != o->side;
	}
	h = &c->tcp.half[!o->side];
	h->hop[1] = &world->device[o->side][o->link].in;
	tcp_stands(&c->tcp, 2 * world->net->delay_ns + CLOCK_MS / 10);
	clock_add(&world->clock, CLOCK_SECOND + o->to_ns, end_other, c);
	tcp_send_endless(h);
}

/* Failure ----------------------------------------------------------------------------------------
 */

static void set_down(const struct failure *f, bool down)
{
	struct device *d = &world->device[f->side][f->link];

	d->out.down = d->in.down = down;
	if (!f->carrier)
		return;
	d->carrier = !down;
	for (struct connection *c = world->connections; c; c = c->next)
		if (!c->other)
			world_route(c);
	kernel_changed();
}

static void fail(void *arg)
{
	set_down(arg, true);
}

static void come_back(void *arg)
{
	set_down(arg, false);
}

/* Counters ---------------------------------------------------------------------------------------
 */

struct shown {
	struct device *device;
	uint64_t out, in;
};

static void show(void *arg)
{
	struct shown *s = arg;

	s->device->out_shown = s->out;
	s->device->in_shown = s->in;
	free(s);
}

static void renew(void *arg)
{
	const struct network *net = world->net;
	uint64_t now_ns = world->clock.now_ns;
	uint64_t every_ns = net->renewed_ns ? net->renewed_ns : 20 * CLOCK_MS;

	for (unsigned i = 0; i < 2 * WORLD_LINKS; i++) {
		struct device *d = &world->device[i / WORLD_LINKS][i % WORLD_LINKS];
		struct shown *s = clock_alloc(sizeof(*s));

		*s = (struct shown){ d, hop_bytes(&d->out), hop_bytes(&d->in) };
		clock_give(&world->clock, now_ns + net->late_ns, show, s);
	}
	clock_add(&world->clock, now_ns + every_ns, renew, NULL);
}

/* Life -------------------------------------------------------------------------------------------
 */

static void begin_devices(struct world *w)
{
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < WORLD_LINKS; i++) {
			const struct link_config *l = &w->net->machine[side].link[i];
			struct device *d = &w->device[side][i];

			hop_init(&d->out, &w->clock, &l->out);
			hop_init(&d->in, &w->clock, &l->in);
			d->carrier = true;
		}
	}
}

void world_begin(struct world *w, const struct network *net, uint64_t seed)
{
	*w = (struct world){ .net = net, .listening = -1 };
	world = w;
	clock_init(&w->clock, clock_mix(seed, 12));
	begin_devices(w);
	for (unsigned i = 0; i < net->n_others; i++)
		clock_add(&w->clock, CLOCK_SECOND + net->other[i].from_ns, begin_other,
			  (void *)(uintptr_t)&net->other[i]);
	w->failure = net->failure;
	if (net->failure.at_ns)
		clock_add(&w->clock, CLOCK_SECOND + net->failure.at_ns, fail, &w->failure);
	if (net->failure.back_ns)
		clock_add(&w->clock, CLOCK_SECOND + net->failure.back_ns, come_back, &w->failure);
	if (net->renewed_ns || net->late_ns)
		renew(NULL);
}

void world_end(struct world *w)
{
	while (w->connections) {
		struct connection *c = w->connections;

		w->connections = c->next;
		tcp_clear(&c->tcp);
		for (unsigned i = 0; i < 2 && c->other; i++) {
			hop_clear(c->way[i]);
			free(c->way[i]);
		}
		free(c);
	}
	for (unsigned i = 0; i < 2 * WORLD_LINKS; i++) {
		hop_clear(&w->device[i / WORLD_LINKS][i % WORLD_LINKS].out);
		hop_clear(&w->device[i / WORLD_LINKS][i % WORLD_LINKS].in);
	}
	kernel_end(w);
	clock_clear(&w->clock);
	world = NULL;
}
