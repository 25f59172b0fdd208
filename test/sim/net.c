/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

#define SEGS_START 64

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return n ? rng_next(r) % n : 0;
}

uint64_t rng_between(struct rng *r, uint64_t low, uint64_t high)
{
	return low + rng_below(r, high - low + 1);
}

uint64_t rng_scale(struct rng *r, uint64_t low, uint64_t high)
{
	unsigned steps = 0;
	uint64_t v;

	while (low << steps < high)
		steps++;
	v = low << rng_below(r, steps ? steps : 1);
	v += rng_below(r, v);
	return v < high ? v : high;
}

bool rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

void path_fill(struct path *p, uint64_t queue_ns)
{
	uint64_t rtt_ns = p->delay_ns[0] + p->delay_ns[1] + 2 * p->jitter_ns;

	for (int i = 0; i < 2; i++) {
		uint64_t worth_ns = rtt_ns + queue_ns;

		p->cwnd[i] = p->rate[i] / 1000000 * worth_ns / 1000 +
			     p->rate[i] % 1000000 * worth_ns / NET_SECOND + 2 * p->seg_max + 16384;
	}
}

static void *need(void *p)
{
	if (!p) {
		fputs("sim: no memory\n", stderr);
		exit(2);
	}
	return p;
}

struct conn *conn_new(const struct path *path, uint64_t seed, uint64_t now_ns)
{
	struct conn *c = need(calloc(1, sizeof(*c)));

	c->path = *path;
	c->rng.state = seed;
	c->since_ns = now_ns;
	c->next_ns = NET_NEVER;
	for (int i = 0; i < 2; i++) {
		c->reset_ns[i] = NET_NEVER;
		c->pipe[i].n_segs = SEGS_START;
		c->pipe[i].segs = need(calloc(SEGS_START, sizeof(struct seg)));
	}
	return c;
}

struct conn *conn_free(struct conn *c)
{
	for (int i = 0; c && i < 2; i++) {
		free(c->pipe[i].ring);
		free(c->pipe[i].segs);
	}
	free(c);
	return NULL;
}

uint64_t conn_next(const struct conn *c)
{
	return c->next_ns;
}

static struct seg *seg_at(const struct pipe *p, size_t i)
{
	return &p->segs[i & (p->n_segs - 1)];
}

/* When the next segment arrives, and when the next is acknowledged, as things stand now. */
static uint64_t next_arrival(const struct pipe *p)
{
	if (p->seg_arrived == p->seg_sent)
		return NET_NEVER;
	return max_u64(seg_at(p, p->seg_arrived)->arrive_ns, p->stall_ns);
}

static uint64_t next_acked(const struct pipe *p, const struct pipe *back)
{
	if (p->seg_acked == p->seg_arrived)
		return NET_NEVER;
	return max_u64(seg_at(p, p->seg_acked)->arrive_ns, back->stall_ns);
}

static uint64_t next_reset(const struct conn *c, int side)
{
	if (c->reset[side] || c->reset_ns[side] == NET_NEVER)
		return NET_NEVER;
	return c->reset_ns[side];
}

static void find_next(struct conn *c)
{
	c->next_ns = NET_NEVER;
	for (int i = 0; i < 2; i++) {
		c->next_ns = min_u64(c->next_ns, next_arrival(&c->pipe[i]));
		c->next_ns = min_u64(c->next_ns, next_acked(&c->pipe[i], &c->pipe[!i]));
		c->next_ns = min_u64(c->next_ns, next_reset(c, i));
	}
}

static void push_seg(struct pipe *p, uint64_t end, uint64_t arrive_ns)
{
	if (p->seg_sent - p->seg_acked == p->n_segs) {
		struct seg *more = need(calloc(2 * p->n_segs, sizeof(*more)));

		for (size_t i = p->seg_acked; i < p->seg_sent; i++)
			more[i & (2 * p->n_segs - 1)] = *seg_at(p, i);
		free(p->segs);
		p->segs = more;
		p->n_segs *= 2;
	}
	p->last_ns = max_u64(p->last_ns, arrive_ns);
	*seg_at(p, p->seg_sent++) = (struct seg){ .end = end, .arrive_ns = p->last_ns };
}

/* What comes behind a lost segment waits for its repair. */
static uint64_t repair_ns(struct conn *c, uint64_t len)
{
	const struct path *path = &c->path;

	if (!path->loss_bytes || rng_below(&c->rng, path->loss_bytes) >= len)
		return 0;
	return rng_below(&c->rng, path->loss_ns + 1);
}

/* Sends what the congestion window allows. */
static void transmit(struct conn *c, int dir, uint64_t now_ns)
{
	struct pipe *p = &c->pipe[dir];
	const struct path *path = &c->path;

	if (c->reset[dir])
		return;
	while (p->sent < p->written && p->sent - p->acked < path->cwnd[dir]) {
		uint64_t len = rng_between(&c->rng, 1, path->seg_max);
		uint64_t jitter_ns = rng_below(&c->rng, path->jitter_ns + 1);

		len = min_u64(len, p->written - p->sent);
		len = min_u64(len, path->cwnd[dir] - (p->sent - p->acked));
		p->busy_ns = max_u64(p->busy_ns, now_ns) + len * NET_SECOND / path->rate[dir];
		p->sent += len;
		push_seg(p, p->sent,
			 p->busy_ns + path->delay_ns[dir] + jitter_ns + repair_ns(c, len));
	}
	if (p->fin && !p->fin_sent && p->sent == p->written) {
		p->fin_sent = true;
		push_seg(p, p->sent, max_u64(p->busy_ns, now_ns) + path->delay_ns[dir]);
	}
}

/* Bytes came to a side that has closed: it answers with a reset, behind all that it has sent. */
static void answer_reset(struct conn *c, int writer, uint64_t now_ns)
{
	struct pipe *back = &c->pipe[!writer];
	uint64_t at_ns = max_u64(now_ns + c->path.delay_ns[!writer], back->last_ns);

	back->written = back->sent;
	c->reset_ns[writer] = min_u64(c->reset_ns[writer], max_u64(at_ns, back->stall_ns));
}

static void flip_byte(struct conn *c, struct pipe *p, uint64_t end)
{
	uint64_t at = p->arrived + rng_below(&c->rng, end - p->arrived);

	p->ring[at & (p->size - 1)] ^= (uint8_t)(1u << rng_below(&c->rng, 8));
	p->flip = false;
}

static unsigned arrive(struct conn *c, int dir, uint64_t now_ns)
{
	struct pipe *p = &c->pipe[dir];
	unsigned sides = 0;

	while (next_arrival(p) <= now_ns) {
		struct seg *seg = seg_at(p, p->seg_arrived++);
		bool empty = seg->end == p->arrived;

		seg->arrive_ns = now_ns + c->path.delay_ns[!dir];
		if (p->flip && !empty)
			flip_byte(c, p, seg->end);
		p->arrived = seg->end;
		if (c->closed[!dir] || c->reset[!dir]) {
			p->read = p->arrived;
			if (!empty)
				answer_reset(c, dir, now_ns);
		} else {
			p->fin_arrived = p->fin_arrived || empty;
			sides |= 1u << !dir;
		}
	}
	return sides;
}

unsigned conn_run(struct conn *c, uint64_t now_ns)
{
	unsigned sides = 0;

	for (int dir = 0; dir < 2; dir++) {
		struct pipe *p = &c->pipe[dir];

		sides |= arrive(c, dir, now_ns);
		while (next_acked(p, &c->pipe[!dir]) <= now_ns) {
			p->acked = seg_at(p, p->seg_acked++)->end;
			sides |= 1u << dir;
		}
		transmit(c, dir, now_ns);
	}
	for (int side = 0; side < 2; side++) {
		if (next_reset(c, side) > now_ns)
			continue;
		c->reset[side] = true;
		sides |= 1u << side;
	}
	find_next(c);
	return sides;
}

size_t conn_room(const struct conn *c, enum net_side side)
{
	const struct pipe *p = &c->pipe[side];
	uint64_t unsent = p->written - p->sent;

	if (c->reset[side] || c->closed[side])
		return 0;
	return unsent < NET_LOWAT ? (size_t)(NET_LOWAT - unsent) : 0;
}

static void make_room(struct pipe *p, size_t n)
{
	size_t size = p->size ? p->size : 4096;
	uint8_t *ring;

	while (p->written - p->read + n > size)
		size *= 2;
	if (size == p->size)
		return;
	ring = need(malloc(size));
	for (uint64_t at = p->read, end; at < p->written; at = end) {
		uint64_t step = p->size - (at & (p->size - 1));

		end = at + min_u64(step, p->written - at);
		memcpy(ring + (at & (size - 1)), p->ring + (at & (p->size - 1)),
		       (size_t)(end - at));
	}
	free(p->ring);
	p->ring = ring;
	p->size = size;
}

void conn_write(struct conn *c, enum net_side side, const void *src, size_t n, uint64_t now_ns)
{
	struct pipe *p = &c->pipe[side];
	size_t at, first;

	make_room(p, n);
	at = (size_t)(p->written & (p->size - 1));
	first = p->size - at < n ? p->size - at : n;
	memcpy(p->ring + at, src, first);
	memcpy(p->ring, (const uint8_t *)src + first, n - first);
	p->written += n;
	transmit(c, (int)side, now_ns);
	find_next(c);
}

size_t conn_readable(const struct conn *c, enum net_side side)
{
	const struct pipe *p = &c->pipe[!side];

	return (size_t)(p->arrived - p->read);
}

void conn_read(struct conn *c, enum net_side side, void *dst, size_t n)
{
	struct pipe *p = &c->pipe[!side];
	size_t at = (size_t)(p->read & (p->size - 1));
	size_t first = p->size - at < n ? p->size - at : n;

	memcpy(dst, p->ring + at, first);
	memcpy((uint8_t *)dst + first, p->ring, n - first);
	p->read += n;
}

bool conn_gone(const struct conn *c, enum net_side side)
{
	const struct pipe *p = &c->pipe[!side];

	return c->reset[side] || (p->fin_arrived && p->read == p->arrived);
}

void conn_close(struct conn *c, enum net_side side, uint64_t now_ns)
{
	c->closed[side] = true;
	c->pipe[side].fin = true;
	if (conn_readable(c, side))
		answer_reset(c, !side, now_ns);
	c->pipe[!side].read = c->pipe[!side].arrived;
	transmit(c, (int)side, now_ns);
	find_next(c);
}

void conn_stall(struct conn *c, enum net_side writer, uint64_t until_ns)
{
	c->pipe[writer].stall_ns = max_u64(c->pipe[writer].stall_ns, until_ns);
	find_next(c);
}

void conn_reset(struct conn *c, uint64_t client_ns, uint64_t server_ns)
{
	c->reset_ns[NET_CLIENT] = min_u64(c->reset_ns[NET_CLIENT], client_ns);
	c->reset_ns[NET_SERVER] = min_u64(c->reset_ns[NET_SERVER], server_ns);
	find_next(c);
}
