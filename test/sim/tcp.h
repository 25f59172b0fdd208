/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp.h - TCP connections over hops, packet by packet, as Linux has it
 *
 * Each direction of a connection is a `half`: what is written to it waits unsent until congestion
 * window and the queue of its own machine (TCP small queues) let it go, passes two hops, one of the
 * sender's link and one of the receiver's, and may be lost at either. Receivers acknowledge every
 * second segment, and at once when something is missing. Loss is found by RACK, by the probe of a
 * tail, and by the retransmission timer; the window is reduced by PRR. Cubic has HyStart.
 *
 * Both ends are in one memory, so an acknowledgement is a position in the log of what the receiver
 * got: that is selective acknowledgement without a limit of blocks. There is no reordering within a
 * connection unless its links change, no ECN, no undo. The receiver's window is TCP_WINDOW.
 */
#pragma once

#include "hop.h"

#define TCP_MSS     1448u
#define TCP_HEADERS 66u
/* What can be under way with the kernel's defaults of tcp_rmem and tcp_wmem. */
#define TCP_WINDOW (3u << 20)

enum tcp_kind { TCP_CUBIC, TCP_BBR };
enum tcp_state { TCP_OPEN, TCP_RECOVERY, TCP_LOSS };
enum tcp_timer { TCP_TIMER_NONE, TCP_TIMER_RTO, TCP_TIMER_PROBE, TCP_TIMER_REORDER };

struct segment {
	uint64_t start; /* offset in the stream */
	uint64_t sent_ns;
	uint64_t order;     /* of its last transmission */
	uint64_t delivered; /* by the half, when it was sent */
	uint64_t delivered_ns;
	uint32_t len;
	bool out, sacked, lost, again, received, limited;
};

struct cubic {
	double last_max, origin, k, reno, n_acked;
	uint64_t epoch_ns;
	/* HyStart */
	uint64_t round_ns, last_ack_ns, least_ns, round_least_ns, round_end;
	unsigned n_samples;
};

struct bbr {
	unsigned state; /* enum in bbr.c */
	double rates[10];
	uint64_t round, round_delivered; /* ends when what was sent then is delivered */
	bool round_start;
	double full_rate;
	unsigned n_full, phase;
	bool filled;
	uint64_t phase_ns, least_ns, least_at_ns, probe_done_ns;
	double prior_cwnd;
	bool restores;
};

struct tcp;

struct half {
	struct tcp *flow;
	unsigned dir;
	enum tcp_kind kind;
	bool gso;
	struct hop *hop[2];
	uint64_t delay_ns; /* between them */

	/* Offsets: taken <= arrived <= written; what was acknowledged is forgotten. */
	uint64_t written, arrived, taken, sent;
	uint8_t *ring;
	size_t ring_len; /* 0: the bytes do not matter */
	bool endless;    /* there is always more to send, and what arrives is taken */
	bool fin, fin_arrived;

	/* Segments by number: those from una on are in the ring. */
	struct segment *segs;
	size_t segs_len;
	uint64_t una, next, received;
	uint64_t una_offset;
	uint32_t *log; /* of the receiver: which segments came, in order */
	size_t log_len;
	uint64_t log_n, log_seen;
	/* The receiver */
	unsigned n_unacked;
	uint64_t highest; /* number behind the highest segment that came */
	bool delays;      /* an acknowledgement is held back */
	bool delay_runs;
	uint64_t segs_in;

	/* The sender, in segments as far as nothing else is said */
	enum tcp_state state;
	double cwnd, ssthresh, prior_cwnd;
	unsigned pipe, sacked_out, n_lost, prr_delivered, prr_out, most_out, most_out_before;
	bool cwnd_limited, limited_before;
	uint64_t round_end;
	uint64_t recover; /* number behind the last one when recovery began */
	uint64_t first_lost;
	uint64_t *by_time; /* numbers in the order of transmission, with that order */
	size_t by_time_len;
	uint64_t by_time_first, by_time_n;
	uint64_t order, rack_order, rack_rtt_ns;
	uint64_t srtt_ns, mdev_ns, min_rtt_ns;
	unsigned backoff;
	enum tcp_timer timer;
	uint64_t timer_ns, timer_at_ns; /* due; the event that is there */
	uint64_t queued;                /* bytes in the queue of this machine */
	bool waits_queue, waits_pace;
	double pace; /* bytes per second; 0: not paced */
	uint64_t pace_ns;
	uint64_t delivered, delivered_ns;
	uint64_t limited_until; /* delivered, when what was sent without more to send is */
	uint64_t bytes_sent, bytes_resent, n_resent, last_ack_ns;
	uint64_t last_sent_ns;
	uint64_t notsent_lowat;
	union {
		struct cubic cubic;
		struct bbr bbr;
	};
};

struct tcp {
	struct clock *clock;
	struct half half[2]; /* by the side that sends: 0 the client */
	uint16_t port;
	bool closed[2]; /* the side has closed it */
	/* Bytes or the end came for a side; a side can write more. NULL: nobody cares. */
	void (*arrived)(struct tcp *f, unsigned side);
	void (*writable)(struct tcp *f, unsigned side);
	void *owner;
};

/* gso: all hops carry what the kernel makes of many segments as one packet, as virtual devices do:
 * it is queued, lost and acknowledged as one. Else each segment is a packet. The hops and delays of
 * both halves are set by the caller, before the connection stands and whenever they change. */
void tcp_init(struct tcp *f, struct clock *clock, enum tcp_kind kind, bool gso);
void tcp_clear(struct tcp *f);

/* It stands, after a first round trip of so long. */
void tcp_stands(struct tcp *f, uint64_t rtt_ns);

/* How many bytes a side may write now: as many as the kernel takes in one call. */
size_t tcp_room(const struct half *h);
void tcp_write(struct half *h, const void *bytes, size_t n);
/* Nothing more will be written. */
void tcp_end(struct half *h);
/* Sends without end. */
void tcp_send_endless(struct half *h);
void tcp_stop(struct half *h);

size_t tcp_readable(const struct half *h);
void tcp_read(struct half *h, void *out, size_t n);

/* Sends what may be sent. */
void tcp_output(struct half *h);

/* tcp_cc.c: congestion control, for tcp.c. */
struct ack {
	unsigned delivered; /* segments that this acknowledgement brought */
	uint64_t rtt_ns;    /* 0: no sample */
	bool una_moved;
	unsigned lost; /* new */
	/* Of the newest segment that it brought, as it was when sent */
	uint64_t prior_delivered, prior_ns, sent_ns;
	bool limited;
};

void cc_init(struct half *h);
void cc_acked(struct half *h, const struct ack *a);
/* Loss was found: the window to go down to. */
double cc_reduced(struct half *h);
/* By the timer: what the window is from now on. */
void cc_timed_out(struct half *h);
/* Sends again after a pause. */
void cc_restarts(struct half *h, uint64_t pause_ns);
bool cc_is_bbr(const struct half *h);
