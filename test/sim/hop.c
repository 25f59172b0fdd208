/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hop.h"

#include <math.h>
#include <stdlib.h>

#define CODEL_TARGET   (5 * CLOCK_MS)
#define CODEL_INTERVAL (100 * CLOCK_MS)
#define PACKET_LEN     1514

void hop_init(struct hop *h, struct clock *clock, const struct hop_config *config)
{
	*h = (struct hop){ .config = *config, .clock = clock };
}

void hop_clear(struct hop *h)
{
	free(h->queue);
	h->queue = NULL;
}

static void let_leave(struct hop *h)
{
	while (h->n && h->queue[h->first].at_ns <= h->clock->now_ns) {
		h->bytes += h->queue[h->first].len;
		h->waiting -= h->queue[h->first].len;
		h->packets++;
		h->first = (h->first + 1) & (h->room - 1);
		h->n--;
	}
}

static void queue(struct hop *h, uint64_t at_ns, uint32_t len)
{
	if (h->n == h->room) {
		size_t room = h->room ? 2 * h->room : 64;
		struct leaving *more = clock_alloc(room * sizeof(*more));

		for (size_t i = 0; i < h->n; i++)
			more[i] = h->queue[(h->first + i) & (h->room - 1)];
		free(h->queue);
		h->queue = more;
		h->room = room;
		h->first = 0;
	}
	h->queue[(h->first + h->n++) & (h->room - 1)] = (struct leaving){ at_ns, len };
	h->waiting += len;
}

static bool is_lost(struct hop *h)
{
	const struct hop_config *c = &h->config;

	if (h->down)
		return true;
	if (c->bad_begins > 0) {
		if (clock_part(h->clock) < (h->bad ? 1 / c->bad_packets : c->bad_begins))
			h->bad = !h->bad;
		if (h->bad && clock_part(h->clock) < c->bad_loss)
			return true;
	}
	return c->loss > 0 && clock_part(h->clock) < c->loss;
}

static uint64_t control_law(const struct hop *h, uint64_t from_ns)
{
	return from_ns + (uint64_t)((double)CODEL_INTERVAL / sqrt((double)h->n_drops));
}

/* Would CoDel drop a packet that begins to be sent at start_ns? */
static bool codel_drops(struct hop *h, uint64_t start_ns)
{
	bool late = start_ns - h->clock->now_ns >= CODEL_TARGET && h->waiting > PACKET_LEN, due;

	if (!late)
		h->above_ns = 0;
	else if (!h->above_ns)
		h->above_ns = start_ns + CODEL_INTERVAL;
	due = late && start_ns >= h->above_ns;
	if (h->dropping) {
		if (!due)
			h->dropping = false;
		if (!due || start_ns < h->next_drop_ns)
			return false;
		h->n_drops++;
		h->next_drop_ns = control_law(h, h->next_drop_ns);
		return true;
	}
	if (!due)
		return false;
	h->dropping = true;
	h->n_drops =
		h->n_drops - h->n_before > 1 && start_ns - h->next_drop_ns < 16 * CODEL_INTERVAL
			? h->n_drops - h->n_before
			: 1;
	h->n_before = h->n_drops;
	h->next_drop_ns = control_law(h, start_ns);
	return true;
}

/* When a packet leaves if it is not dropped. Before now the bucket cannot be more than full. */
static double leaves_at(const struct hop *h, uint32_t len, double *full_ns_out)
{
	double byte_ns = 1e9 / h->config.rate, now = (double)h->clock->now_ns;
	double full_ns = h->full_ns > now ? h->full_ns : now;
	double at = full_ns + (len - h->config.burst) * byte_ns;

	*full_ns_out = full_ns + len * byte_ns;
	return at > now ? at : now;
}

uint64_t hop_send(struct hop *h, uint32_t len)
{
	const struct hop_config *c = &h->config;
	uint64_t now_ns = h->clock->now_ns, at_ns;
	double full_ns;

	let_leave(h);
	if (is_lost(h)) {
		h->n_lost++;
		return HOP_DROPPED;
	}
	at_ns = (uint64_t)leaves_at(h, len, &full_ns);
	if (at_ns < h->last_ns)
		at_ns = h->last_ns;
	if (at_ns > now_ns && (c->kind == HOP_POLICER || h->waiting + len > c->limit ||
			       (c->kind == HOP_CODEL && codel_drops(h, at_ns)))) {
		h->n_overflown++;
		return HOP_DROPPED;
	}
	h->full_ns = full_ns;
	h->last_ns = at_ns;
	queue(h, at_ns, len);
	return at_ns;
}

uint64_t hop_bytes(struct hop *h)
{
	let_leave(h);
	return h->bytes;
}

uint64_t hop_wait_ns(const struct hop *h)
{
	double full_ns;

	return (uint64_t)leaves_at(h, PACKET_LEN, &full_ns) - h->clock->now_ns;
}
