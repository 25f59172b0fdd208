/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Congestion control: CUBIC with HyStart and Reno's friendliness, as Linux 6.1 has it, and the
 * first version of BBR without its model of policers.
 */
#include <math.h>

#include "tcp.h"

#define BETA       (717.0 / 1024)
#define C          0.4
#define LOW_WINDOW 16

static uint64_t now_of(const struct half *h)
{
	return h->flow->clock->now_ns;
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* Was the window what held the sender back, in this round or the one before? */
static bool is_limited(const struct half *h)
{
	unsigned most = h->most_out > h->most_out_before ? h->most_out : h->most_out_before;

	if (h->cwnd_limited || h->limited_before)
		return true;
	return h->cwnd < h->ssthresh && h->cwnd < 2.0 * most;
}

/* CUBIC ------------------------------------------------------------------------------------------
 */

static void begin_round(struct half *h)
{
	struct cubic *c = &h->cubic;

	c->round_ns = c->last_ack_ns = now_of(h);
	c->round_end = h->next;
	c->round_least_ns = UINT64_MAX;
	c->n_samples = 0;
}

/* Leaves slow start when acknowledgements come in one train that is as long as half the round trip,
 * or when round trips become longer. */
static void hystart(struct half *h, uint64_t rtt_ns)
{
	struct cubic *c = &h->cubic;
	uint64_t now_ns = now_of(h);

	if (h->una > c->round_end)
		begin_round(h);
	if (now_ns - c->last_ack_ns <= 2 * CLOCK_MS) {
		c->last_ack_ns = now_ns;
		if (now_ns - c->round_ns > c->least_ns / 2)
			h->ssthresh = h->cwnd;
	}
	if (rtt_ns < c->round_least_ns)
		c->round_least_ns = rtt_ns;
	if (c->n_samples < 8)
		c->n_samples++;
	else if (c->round_least_ns >
		 c->least_ns + clamp(c->least_ns / 8, 4 * CLOCK_MS, 16 * CLOCK_MS))
		h->ssthresh = h->cwnd;
}

static void begin_epoch(struct half *h, unsigned n_acked)
{
	struct cubic *c = &h->cubic;

	c->epoch_ns = now_of(h);
	c->n_acked = n_acked;
	c->reno = h->cwnd;
	c->k = c->last_max > h->cwnd ? cbrt((c->last_max - h->cwnd) / C) : 0;
	c->origin = c->last_max > h->cwnd ? c->last_max : h->cwnd;
}

static void cubic_grow(struct half *h, unsigned n_acked)
{
	struct cubic *c = &h->cubic;
	double t, target, count, per_reno = h->cwnd * (1 + BETA) / (3 * (1 - BETA));

	if (c->epoch_ns)
		c->n_acked += n_acked;
	else
		begin_epoch(h, n_acked);
	t = (double)(now_of(h) - c->epoch_ns + c->least_ns) / 1e9 - c->k;
	target = c->origin + C * t * t * t;
	count = target > h->cwnd ? h->cwnd / (target - h->cwnd) : 100 * h->cwnd;
	if (c->last_max <= 0 && count > 20)
		count = 20;
	for (; c->n_acked > per_reno; c->n_acked -= per_reno)
		c->reno++;
	if (c->reno > h->cwnd)
		count = fmin(count, h->cwnd / (c->reno - h->cwnd));
	h->cwnd += n_acked / fmax(count, 2);
}

static void cubic_acked(struct half *h, const struct ack *a)
{
	struct cubic *c = &h->cubic;
	unsigned n = a->delivered;

	if (a->rtt_ns && (!c->least_ns || a->rtt_ns < c->least_ns))
		c->least_ns = a->rtt_ns;
	if (a->rtt_ns && h->cwnd < h->ssthresh && h->cwnd >= LOW_WINDOW)
		hystart(h, a->rtt_ns);
	if (!is_limited(h))
		return;
	if (h->cwnd < h->ssthresh) {
		double grown = fmin(h->cwnd + n, h->ssthresh);

		n -= (unsigned)(grown - h->cwnd);
		h->cwnd = grown;
	}
	if (n && h->cwnd >= h->ssthresh)
		cubic_grow(h, n);
}

static double cubic_reduced(struct half *h)
{
	struct cubic *c = &h->cubic;

	c->epoch_ns = 0;
	c->last_max = h->cwnd < c->last_max ? h->cwnd * (1 + BETA) / 2 : h->cwnd;
	return fmax(h->cwnd * BETA, 2);
}

/* BBR --------------------------------------------------------------------------------------------
 */

enum { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };

#define HIGH_GAIN 2.885

static const double cycle[8] = { 1.25, 0.75, 1, 1, 1, 1, 1, 1 };

static double best_rate(const struct bbr *b)
{
	double best = 0;

	for (unsigned i = 0; i < 10; i++)
		best = fmax(best, b->rates[i]);
	return best;
}

/* Segments that fill the path, by the best rate and the shortest round trip. */
static double path_holds(const struct half *h)
{
	return best_rate(&h->bbr) * (double)h->bbr.least_ns / 1e9;
}

static void take_rate(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;
	uint64_t took_ns = now_of(h) - a->prior_ns;
	double rate;

	b->round_start = false;
	if (!a->prior_ns)
		return;
	if (a->prior_delivered >= b->round_delivered) {
		b->round_delivered = h->delivered;
		b->round++;
		b->round_start = true;
		b->rates[b->round % 10] = 0;
	}
	if (took_ns < h->min_rtt_ns)
		return;
	rate = (double)(h->delivered - a->prior_delivered) / ((double)took_ns / 1e9);
	if (a->limited && rate < best_rate(b))
		return;
	b->rates[b->round % 10] = fmax(b->rates[b->round % 10], rate);
}

static void check_filled(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;

	if (b->filled || !b->round_start || a->limited)
		return;
	if (best_rate(b) >= b->full_rate * 1.25) {
		b->full_rate = best_rate(b);
		b->n_full = 0;
	} else {
		b->filled = ++b->n_full >= 3;
	}
}

static void next_phase(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;
	bool over = now_of(h) - b->phase_ns > b->least_ns;
	double gain = cycle[b->phase];

	if (gain > 1)
		over &= a->lost || h->pipe >= gain * path_holds(h);
	else if (gain < 1)
		over |= h->pipe <= path_holds(h);
	if (!over)
		return;
	b->phase = (b->phase + 1) % 8;
	b->phase_ns = now_of(h);
}

static void probe_bw(struct half *h)
{
	h->bbr.state = PROBE_BW;
	h->bbr.phase = 2 + (unsigned)clock_below(h->flow->clock, 6);
	h->bbr.phase_ns = now_of(h);
}

/* Every 10 s the queue is emptied, to see the shortest round trip. */
static void probe_rtt(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;
	bool expired = now_of(h) > b->least_at_ns + 10 * CLOCK_SECOND;

	if (a->rtt_ns && (!b->least_ns || a->rtt_ns <= b->least_ns || expired)) {
		b->least_ns = a->rtt_ns;
		b->least_at_ns = now_of(h);
	}
	if (expired && b->state != PROBE_RTT && b->least_ns) {
		b->state = PROBE_RTT;
		b->prior_cwnd = h->cwnd;
		b->probe_done_ns = 0;
	}
	if (b->state != PROBE_RTT)
		return;
	if (!b->probe_done_ns && h->pipe <= 4)
		b->probe_done_ns = now_of(h) + 200 * CLOCK_MS;
	if (!b->probe_done_ns || now_of(h) < b->probe_done_ns)
		return;
	b->least_at_ns = now_of(h);
	h->cwnd = fmax(h->cwnd, b->prior_cwnd);
	if (b->filled)
		probe_bw(h);
	else
		b->state = STARTUP;
}

static void bbr_set(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;
	double gain = b->state == STARTUP     ? HIGH_GAIN
		      : b->state == DRAIN     ? 1 / HIGH_GAIN
		      : b->state == PROBE_RTT ? 1
					      : cycle[b->phase];
	double window = b->state == PROBE_BW ? 2 : HIGH_GAIN;
	double target = ceil(path_holds(h) * window) + 3;
	double pace = gain * best_rate(b) * (TCP_MSS + TCP_HEADERS) * 0.99;

	if (b->filled || pace > h->pace)
		h->pace = pace;
	if (h->state == TCP_LOSS && b->restores) {
		h->cwnd = fmax(h->pipe + a->delivered, b->prior_cwnd);
		b->restores = false;
	}
	if (b->filled)
		h->cwnd = fmin(h->cwnd + a->delivered, target);
	else if (h->cwnd < target || h->delivered < 10)
		h->cwnd += a->delivered;
	h->cwnd = fmax(h->cwnd, 4);
	if (b->state == PROBE_RTT)
		h->cwnd = fmin(h->cwnd, 4);
}

static void bbr_acked(struct half *h, const struct ack *a)
{
	struct bbr *b = &h->bbr;

	take_rate(h, a);
	check_filled(h, a);
	if (b->state == STARTUP && b->filled)
		b->state = DRAIN;
	if (b->state == DRAIN && h->pipe <= path_holds(h))
		probe_bw(h);
	else if (b->state == PROBE_BW)
		next_phase(h, a);
	probe_rtt(h, a);
	if (best_rate(b) > 0)
		bbr_set(h, a);
}

/* For both ---------------------------------------------------------------------------------------
 */

bool cc_is_bbr(const struct half *h)
{
	return h->kind == TCP_BBR;
}

void cc_init(struct half *h)
{
	if (cc_is_bbr(h))
		h->bbr = (struct bbr){ .least_at_ns = now_of(h) };
	else
		h->cubic = (struct cubic){ .round_least_ns = UINT64_MAX };
}

void cc_acked(struct half *h, const struct ack *a)
{
	if (cc_is_bbr(h))
		bbr_acked(h, a);
	else
		cubic_acked(h, a);
}

double cc_reduced(struct half *h)
{
	if (!cc_is_bbr(h))
		return cubic_reduced(h);
	h->bbr.prior_cwnd = h->cwnd;
	return 1e9;
}

void cc_timed_out(struct half *h)
{
	if (cc_is_bbr(h))
		h->bbr.restores = true;
	h->cwnd = 1;
}

void cc_restarts(struct half *h, uint64_t pause_ns)
{
	uint64_t rto_ns = h->srtt_ns + 200 * CLOCK_MS;

	if (cc_is_bbr(h))
		return;
	if (h->cubic.epoch_ns)
		h->cubic.epoch_ns += pause_ns;
	if (h->cubic.epoch_ns > now_of(h))
		h->cubic.epoch_ns = now_of(h);
	for (; pause_ns > rto_ns && h->cwnd > 10; pause_ns -= rto_ns)
		h->cwnd = fmax(h->cwnd / 2, 10);
}
