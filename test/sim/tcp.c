/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RTO_MIN_NS (200 * CLOCK_MS)
#define RTO_MAX_NS (120 * CLOCK_SECOND)
#define DELACK_NS  (40 * CLOCK_MS)
/* Timers go by the kernel's ticks, HZ being 250; the short ones are two ticks longer. */
#define TICK_NS    (4 * CLOCK_MS)
#define SHORT_NS   (2 * TICK_NS)
#define DUP_THRESH 3u
#define QUICK_ACKS 16u
#define GSO_MAX    65536u

/* One packet, of data or only an acknowledgement of the other half. */
struct packet {
	struct half *half;
	uint64_t seg; /* the first */
	unsigned n;   /* and how many; 0: only an acknowledgement */
	uint64_t ack; /* position in the log of the other half */
	uint32_t len; /* on the wire */
};

static uint64_t now_of(const struct half *h)
{
	return h->flow->clock->now_ns;
}

static struct half *other(const struct half *h)
{
	return &h->flow->half[!h->dir];
}

static struct segment *seg_of(const struct half *h, uint64_t n)
{
	return &h->segs[n & (h->segs_len - 1)];
}

/* Packets ----------------------------------------------------------------------------------------
 */

static void arrive(void *arg);

static void leave_machine(struct packet *p)
{
	struct half *h = p->half;

	h->queued -= p->len;
	if (h->waits_queue) {
		h->waits_queue = false;
		tcp_output(h);
	}
}

static void pass_switch(void *arg)
{
	struct packet *p = arg;
	uint64_t at_ns = hop_send(p->half->hop[1], p->len);

	if (at_ns == HOP_DROPPED)
		free(p);
	else
		clock_give(p->half->flow->clock, at_ns, arrive, p);
}

static void reach_switch(void *arg)
{
	struct packet *p = arg;
	struct half *h = p->half;

	leave_machine(p);
	if (h->delay_ns)
		clock_give(h->flow->clock, now_of(h) + h->delay_ns, pass_switch, p);
	else
		pass_switch(p);
}

static void send_packet(struct half *h, uint64_t seg, unsigned n)
{
	struct packet *p = clock_alloc(sizeof(*p));
	uint64_t at_ns;

	*p = (struct packet){ h, seg, n, other(h)->log_n, n ? 0 : TCP_HEADERS };
	for (unsigned i = 0; i < n; i++)
		p->len += seg_of(h, seg + i)->len + TCP_HEADERS;
	other(h)->n_unacked = 0;
	other(h)->delays = false;
	at_ns = hop_send(h->hop[0], p->len);
	if (at_ns == HOP_DROPPED) {
		free(p);
		return;
	}
	h->queued += p->len;
	clock_give(h->flow->clock, at_ns, reach_switch, p);
}

/* What is longer than a bucket is taken apart before it. */
static void send_segs(struct half *h, uint64_t seg, unsigned n)
{
	double burst = h->hop[0]->config.burst;

	if (burst > 0 && n * (TCP_MSS + TCP_HEADERS) > burst)
		for (unsigned i = 0; i < n; i++)
			send_packet(h, seg + i, 1);
	else
		send_packet(h, seg, n);
}

/* The receiver
 * ----------------------------------------------------------------------------------- */

static void acknowledge(struct half *h)
{
	send_packet(other(h), 0, 0);
}

static void delay_over(void *arg)
{
	struct half *h = arg;

	h->delay_runs = false;
	if (h->delays)
		acknowledge(h);
}

static void log_receipt(struct half *h, uint64_t seg)
{
	if (h->log_n - h->log_seen == h->log_len) {
		size_t len = h->log_len ? 2 * h->log_len : 256;
		uint32_t *more = clock_alloc(len * sizeof(*more));

		for (uint64_t i = h->log_seen; i < h->log_n; i++)
			more[i & (len - 1)] = h->log[i & (h->log_len - 1)];
		free(h->log);
		h->log = more;
		h->log_len = len;
	}
	h->log[h->log_n++ & (h->log_len - 1)] = (uint32_t)seg;
}

static void check_end(struct half *h)
{
	if (h->fin && !h->fin_arrived && h->arrived == h->written) {
		h->fin_arrived = true;
		if (h->flow->arrived)
			h->flow->arrived(h->flow, !h->dir);
	}
}

/* Has the segment to be acknowledged at once? */
static bool is_urgent(const struct half *h, bool in_order)
{
	return !in_order || h->received < h->highest || h->n_unacked >= 2 ||
	       h->segs_in < QUICK_ACKS;
}

static void take_seg(struct half *h, uint64_t n)
{
	struct segment *s = seg_of(h, n);

	h->segs_in++;
	h->n_unacked++;
	if (n < h->una || s->received)
		return;
	s->received = true;
	log_receipt(h, n);
	if (n >= h->highest)
		h->highest = n + 1;
	while (h->received < h->next && seg_of(h, h->received)->received) {
		struct segment *next = seg_of(h, h->received++);

		h->arrived = next->start + next->len;
	}
}

static void receive(struct half *h, uint64_t seg, unsigned n)
{
	uint64_t before = h->arrived;
	/* What fills a gap is acknowledged at once, too. */
	bool in_order = seg == h->received && h->received == h->highest;

	for (unsigned i = 0; i < n; i++)
		take_seg(h, seg + i);
	if (h->endless || h->flow->closed[!h->dir])
		h->taken = h->arrived;
	if (is_urgent(h, in_order)) {
		acknowledge(h);
	} else {
		h->delays = true;
		if (!h->delay_runs)
			clock_add(h->flow->clock, now_of(h) + DELACK_NS, delay_over, h);
		h->delay_runs = true;
	}
	if (h->arrived > before && h->flow->arrived)
		h->flow->arrived(h->flow, !h->dir);
	check_end(h);
}

/* Timers -----------------------------------------------------------------------------------------
 */

static void timer_fired(void *arg);

static void set_timer(struct half *h, enum tcp_timer timer, uint64_t due_ns)
{
	if (timer != TCP_TIMER_NONE)
		due_ns = (due_ns + TICK_NS - 1) / TICK_NS * TICK_NS;
	h->timer = timer;
	h->timer_ns = due_ns;
	if (timer == TCP_TIMER_NONE || h->timer_at_ns <= due_ns)
		return;
	h->timer_at_ns = due_ns;
	clock_add(h->flow->clock, due_ns, timer_fired, h);
}

static uint64_t rto_of(const struct half *h)
{
	uint64_t var = 4 * h->mdev_ns > RTO_MIN_NS ? 4 * h->mdev_ns : RTO_MIN_NS;
	uint64_t rto = (h->srtt_ns + var) << (h->backoff < 10 ? h->backoff : 10);

	return rto < RTO_MAX_NS ? rto : RTO_MAX_NS;
}

static unsigned n_out(const struct half *h)
{
	return (unsigned)(h->next - h->una);
}

static void rearm(struct half *h)
{
	uint64_t probe_ns = 2 * h->srtt_ns + (n_out(h) == 1 ? RTO_MIN_NS : SHORT_NS);

	if (!n_out(h))
		set_timer(h, TCP_TIMER_NONE, CLOCK_NEVER);
	else if (h->state == TCP_OPEN && !h->sacked_out && !h->backoff && probe_ns < rto_of(h))
		set_timer(h, TCP_TIMER_PROBE, now_of(h) + probe_ns);
	else
		set_timer(h, TCP_TIMER_RTO, now_of(h) + rto_of(h));
}

/* Loss -------------------------------------------------------------------------------------------
 */

static void push_order(struct half *h, uint64_t n)
{
	if (h->by_time_n - h->by_time_first == h->by_time_len) {
		size_t len = h->by_time_len ? 2 * h->by_time_len : 128;
		uint64_t *more = clock_alloc(2 * len * sizeof(*more));

		for (uint64_t i = h->by_time_first; i < h->by_time_n; i++)
			memcpy(&more[2 * (i & (len - 1))],
			       &h->by_time[2 * (i & (h->by_time_len - 1))], 2 * sizeof(*more));
		free(h->by_time);
		h->by_time = more;
		h->by_time_len = len;
	}
	h->by_time[2 * (h->by_time_n & (h->by_time_len - 1))] = n;
	h->by_time[2 * (h->by_time_n++ & (h->by_time_len - 1)) + 1] = h->order;
}

static void mark_lost(struct half *h, uint64_t n)
{
	struct segment *s = seg_of(h, n);

	if (s->lost || s->sacked)
		return;
	h->pipe -= s->out;
	s->out = false;
	s->lost = true;
	h->n_lost++;
	if (n < h->first_lost)
		h->first_lost = n;
}

/* What was sent before something that has arrived since, long enough ago, is lost. */
static unsigned find_lost(struct half *h)
{
	uint64_t now_ns = now_of(h), window_ns = h->min_rtt_ns / 4;
	unsigned n_found = 0;

	if (h->state != TCP_OPEN || h->sacked_out >= DUP_THRESH)
		window_ns = 0;
	for (; h->by_time_first < h->by_time_n; h->by_time_first++) {
		const uint64_t *entry = &h->by_time[2 * (h->by_time_first & (h->by_time_len - 1))];
		struct segment *s = seg_of(h, entry[0]);
		uint64_t due_ns;

		if (entry[0] < h->una || s->order != entry[1] || s->sacked || !s->out)
			continue;
		if (entry[1] >= h->rack_order)
			break;
		due_ns = s->sent_ns + h->rack_rtt_ns + window_ns;
		if (due_ns > now_ns) {
			set_timer(h, TCP_TIMER_REORDER, due_ns + SHORT_NS);
			break;
		}
		mark_lost(h, entry[0]);
		n_found++;
	}
	return n_found;
}

static void begin_recovery(struct half *h)
{
	h->state = TCP_RECOVERY;
	h->recover = h->next;
	h->prior_cwnd = h->cwnd;
	h->prr_delivered = h->prr_out = 0;
	h->ssthresh = cc_reduced(h);
}

static void reduce(struct half *h, const struct ack *a)
{
	double delta = h->ssthresh - h->pipe, n;

	if (!a->delivered || cc_is_bbr(h))
		return;
	h->prr_delivered += a->delivered;
	if (delta < 0) {
		n = ceil(h->ssthresh * h->prr_delivered / h->prior_cwnd) - h->prr_out;
	} else if (a->una_moved && !a->lost) {
		n = fmax((double)h->prr_delivered - h->prr_out, a->delivered) + 1;
		n = fmin(delta, n);
	} else {
		n = fmin(delta, a->delivered);
	}
	n = fmax(n, h->prr_out ? 0 : 1);
	h->cwnd = h->pipe + n;
}

static void probe_tail(struct half *h)
{
	struct segment *s = seg_of(h, h->next - 1);

	if (s->sacked) {
		set_timer(h, TCP_TIMER_RTO, now_of(h) + rto_of(h));
		return;
	}
	h->order++;
	s->order = h->order;
	s->sent_ns = now_of(h);
	s->again = true;
	if (s->lost) {
		s->lost = false;
		h->n_lost--;
	}
	h->pipe += !s->out;
	s->out = true;
	push_order(h, h->next - 1);
	h->bytes_sent += s->len;
	h->bytes_resent += s->len;
	h->n_resent++;
	send_packet(h, h->next - 1, 1);
	set_timer(h, TCP_TIMER_RTO, now_of(h) + rto_of(h));
}

static void time_out(struct half *h)
{
	if (h->state != TCP_LOSS || h->una >= h->recover)
		h->ssthresh = cc_reduced(h);
	h->state = TCP_LOSS;
	h->recover = h->next;
	for (uint64_t n = h->una; n < h->next; n++) {
		seg_of(h, n)->lost = seg_of(h, n)->lost && !seg_of(h, n)->sacked;
		mark_lost(h, n);
	}
	h->first_lost = h->una;
	cc_timed_out(h);
	h->backoff++;
	h->pace_ns = 0;
	tcp_output(h);
	set_timer(h, TCP_TIMER_RTO, now_of(h) + rto_of(h));
}

static void timer_fired(void *arg)
{
	struct half *h = arg;

	if (now_of(h) < h->timer_at_ns)
		return;
	h->timer_at_ns = CLOCK_NEVER;
	if (h->timer == TCP_TIMER_NONE)
		return;
	if (now_of(h) < h->timer_ns) {
		set_timer(h, h->timer, h->timer_ns);
		return;
	}
	if (h->timer == TCP_TIMER_PROBE) {
		probe_tail(h);
	} else if (h->timer == TCP_TIMER_RTO) {
		time_out(h);
	} else {
		rearm(h);
		if (find_lost(h) && h->state == TCP_OPEN)
			begin_recovery(h);
		tcp_output(h);
	}
}

/* Acknowledgements
 * ------------------------------------------------------------------------------- */

static void measure_rtt(struct half *h, uint64_t rtt_ns)
{
	if (!h->srtt_ns) {
		h->srtt_ns = rtt_ns;
		h->mdev_ns = rtt_ns / 2;
	} else {
		uint64_t diff = rtt_ns > h->srtt_ns ? rtt_ns - h->srtt_ns : h->srtt_ns - rtt_ns;

		h->mdev_ns += diff / 4;
		h->mdev_ns -= h->mdev_ns / 4;
		h->srtt_ns += rtt_ns / 8;
		h->srtt_ns -= h->srtt_ns / 8;
	}
	if (!h->min_rtt_ns || rtt_ns < h->min_rtt_ns)
		h->min_rtt_ns = rtt_ns;
}

static void take_receipt(struct half *h, uint64_t n, struct ack *a)
{
	struct segment *s = seg_of(h, n);
	uint64_t rtt_ns = now_of(h) - s->sent_ns;

	if (n < h->una || s->sacked)
		return;
	h->pipe -= s->out;
	h->n_lost -= s->lost;
	s->out = s->lost = false;
	s->sacked = true;
	h->sacked_out++;
	h->delivered++;
	a->delivered++;
	if (!s->again) {
		a->rtt_ns = rtt_ns;
	} else if (rtt_ns < h->min_rtt_ns) {
		/* It was the first transmission that arrived. */
		return;
	}
	if (s->order > h->rack_order) {
		h->rack_order = s->order;
		h->rack_rtt_ns = rtt_ns;
		a->prior_delivered = s->delivered;
		a->prior_ns = s->delivered_ns;
		a->sent_ns = s->sent_ns;
		a->limited = s->limited;
	}
}

static void finish_state(struct half *h)
{
	if (h->state == TCP_OPEN || h->una < h->recover)
		return;
	if (h->state == TCP_RECOVERY && !cc_is_bbr(h))
		h->cwnd = h->ssthresh;
	h->state = TCP_OPEN;
}

static void take_ack(struct half *h, uint64_t position)
{
	struct ack a = { 0 };
	uint64_t una = h->una;

	while (h->log_seen < position) {
		uint64_t n = h->log[h->log_seen++ & (h->log_len - 1)];

		take_receipt(h, n, &a);
	}
	while (h->una < h->next && seg_of(h, h->una)->sacked) {
		h->una_offset = seg_of(h, h->una)->start + seg_of(h, h->una)->len;
		h->una++;
		h->sacked_out--;
	}
	a.una_moved = h->una > una;
	h->last_ack_ns = now_of(h);
	if (!a.delivered)
		return;
	if (h->first_lost < h->una)
		h->first_lost = h->una;
	h->delivered_ns = now_of(h);
	if (a.rtt_ns)
		measure_rtt(h, a.rtt_ns);
	if (a.una_moved)
		h->backoff = 0;
	rearm(h);
	a.lost = find_lost(h);
	finish_state(h);
	if (h->n_lost && h->state == TCP_OPEN)
		begin_recovery(h);
	if (h->state == TCP_RECOVERY)
		reduce(h, &a);
	if (h->state != TCP_RECOVERY || cc_is_bbr(h))
		cc_acked(h, &a);
	tcp_output(h);
	if (h->flow->writable)
		h->flow->writable(h->flow, h->dir);
}

static void arrive(void *arg)
{
	struct packet p = *(struct packet *)arg;

	free(arg);
	take_ack(other(p.half), p.ack);
	if (p.n)
		receive(p.half, p.seg, p.n);
}

/* Sending ----------------------------------------------------------------------------------------
 */

static void pace_over(void *arg)
{
	struct half *h = arg;

	h->waits_pace = false;
	tcp_output(h);
}

static bool is_paced(struct half *h)
{
	if (h->pace <= 0 || now_of(h) >= h->pace_ns)
		return false;
	if (!h->waits_pace)
		clock_add(h->flow->clock, h->pace_ns, pace_over, h);
	h->waits_pace = true;
	return true;
}

static double rate_of(const struct half *h)
{
	if (h->pace > 0)
		return h->pace;
	return (h->cwnd < h->ssthresh / 2 ? 2.0 : 1.2) * h->cwnd * TCP_MSS /
	       ((double)(h->srtt_ns ? h->srtt_ns : CLOCK_MS) / 1e9);
}

/* How much the kernel puts into one packet of its own: a millisecond's worth, and more where round
 * trips are short. */
static double packet_goal(const struct half *h)
{
	uint64_t shift = h->min_rtt_ns / 1000 >> 9;
	double more = shift < 16 ? (double)(GSO_MAX >> shift) : 0;

	return fmin(fmax(rate_of(h) / 1024 + more, 2 * TCP_MSS), GSO_MAX);
}

/* TCP small queues: two such packets, or a millisecond's worth, wait on this machine. */
static bool queue_is_full(struct half *h, double packet)
{
	double most = fmin(fmax(2.2 * packet, rate_of(h) / 1024), 1 << 20);

	if ((double)h->queued < most)
		return false;
	h->waits_queue = true;
	return true;
}

static void note_sent(struct half *h, uint64_t n)
{
	struct segment *s = seg_of(h, n);

	if (!h->pipe)
		h->delivered_ns = now_of(h);
	s->order = ++h->order;
	s->sent_ns = now_of(h);
	s->delivered = h->delivered;
	s->delivered_ns = h->delivered_ns;
	s->limited = h->limited_until > h->delivered;
	s->out = true;
	h->pipe++;
	h->prr_out++;
	h->bytes_sent += s->len;
	h->last_sent_ns = now_of(h);
	push_order(h, n);
	if (h->pace > 0) {
		uint64_t from_ns = h->pace_ns > now_of(h) ? h->pace_ns : now_of(h);

		h->pace_ns = from_ns + (uint64_t)((s->len + TCP_HEADERS) * 1e9 / h->pace);
	}
}

static void transmit(struct half *h, uint64_t seg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		note_sent(h, seg + i);
	send_segs(h, seg, n);
	if (h->timer == TCP_TIMER_NONE || h->timer == TCP_TIMER_PROBE)
		rearm(h);
}

static bool send_again(struct half *h, unsigned most)
{
	unsigned n = 0;

	while (h->first_lost < h->next && !seg_of(h, h->first_lost)->lost)
		h->first_lost++;
	while (n < most && h->first_lost + n < h->next && seg_of(h, h->first_lost + n)->lost) {
		struct segment *s = seg_of(h, h->first_lost + n++);

		h->n_lost--;
		s->lost = false;
		s->again = true;
		h->bytes_resent += s->len;
		h->n_resent++;
	}
	if (!n)
		return false;
	h->first_lost += n;
	transmit(h, h->first_lost - n, n);
	return true;
}

static void more_segs(struct half *h)
{
	size_t len = h->segs_len ? 2 * h->segs_len : 64;
	struct segment *more = clock_alloc(len * sizeof(*more));

	for (uint64_t i = h->una; i < h->next; i++)
		more[i & (len - 1)] = *seg_of(h, i);
	free(h->segs);
	h->segs = more;
	h->segs_len = len;
}

static bool add_seg(struct half *h)
{
	uint64_t left = h->endless ? TCP_MSS : h->written - h->sent;

	if (!left || h->sent - h->una_offset + TCP_MSS > TCP_WINDOW)
		return false;
	if (h->next - h->una == h->segs_len)
		more_segs(h);
	if (h->endless)
		h->written += TCP_MSS;
	*seg_of(h, h->next) = (struct segment){ .start = h->sent,
						.len = left < TCP_MSS ? (uint32_t)left : TCP_MSS };
	h->sent += seg_of(h, h->next)->len;
	h->next++;
	return true;
}

static bool send_new(struct half *h, unsigned most)
{
	bool paused = !n_out(h) && h->next;
	unsigned n = 0;

	while (n < most && add_seg(h))
		n++;
	if (n && paused)
		cc_restarts(h, now_of(h) - h->last_sent_ns);
	if (n)
		transmit(h, h->next - n, n);
	return n;
}

static void next_round(struct half *h)
{
	if (h->una < h->round_end)
		return;
	h->round_end = h->next;
	h->limited_before = h->cwnd_limited;
	h->most_out_before = h->most_out;
	h->cwnd_limited = false;
	h->most_out = 0;
}

void tcp_output(struct half *h)
{
	bool limited = false, more = true;

	if (!h->srtt_ns)
		return;
	next_round(h);
	while (more && !is_paced(h)) {
		unsigned window = (unsigned)(h->cwnd > 1 ? h->cwnd : 1);
		unsigned n = h->gso ? (unsigned)(packet_goal(h) / TCP_MSS) : 1;

		limited = h->pipe >= window;
		if (limited || queue_is_full(h, h->gso ? n * TCP_MSS : packet_goal(h)))
			break;
		if (n > window - h->pipe)
			n = window - h->pipe;
		more = (h->n_lost && send_again(h, n)) || send_new(h, n);
	}
	if (!more)
		h->limited_until = h->delivered + h->pipe;
	h->cwnd_limited |= limited;
	if (n_out(h) > h->most_out)
		h->most_out = n_out(h);
}

/* Its end takes no packet of its own here. */
static void say_end(void *arg)
{
	struct half *h = arg;

	if (h->hop[0]->down || h->hop[1]->down)
		clock_add(h->flow->clock, now_of(h) + RTO_MIN_NS, say_end, h);
	else
		check_end(h);
}

void tcp_end(struct half *h)
{
	h->fin = true;
	clock_add(h->flow->clock, now_of(h) + h->srtt_ns / 2, say_end, h);
}

void tcp_send_endless(struct half *h)
{
	h->endless = true;
	tcp_output(h);
}

void tcp_stop(struct half *h)
{
	h->endless = false;
	h->written = h->sent;
}

/* Life -------------------------------------------------------------------------------------------
 */

void tcp_init(struct tcp *f, struct clock *clock, enum tcp_kind kind, bool gso)
{
	*f = (struct tcp){ .clock = clock };
	for (unsigned i = 0; i < 2; i++) {
		struct half *h = &f->half[i];

		h->flow = f;
		h->dir = i;
		h->kind = kind;
		h->gso = gso;
		h->cwnd = 10;
		h->ssthresh = 1e9;
		h->timer_at_ns = CLOCK_NEVER;
		h->notsent_lowat = 64u << 10;
		cc_init(h);
	}
}

void tcp_stands(struct tcp *f, uint64_t rtt_ns)
{
	for (unsigned i = 0; i < 2; i++) {
		measure_rtt(&f->half[i], rtt_ns ? rtt_ns : 1);
		f->half[i].last_ack_ns = f->clock->now_ns;
	}
}

void tcp_clear(struct tcp *f)
{
	for (unsigned i = 0; i < 2; i++) {
		free(f->half[i].ring);
		free(f->half[i].segs);
		free(f->half[i].log);
		free(f->half[i].by_time);
	}
}
