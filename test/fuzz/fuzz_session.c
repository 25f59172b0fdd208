/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session against a peer that does what the input says: frames with right checks but any
 * content, raw bytes, in any pieces, over up to four subflows, mixed with input, output and time.
 *
 * Besides not crashing, the session must never
 *  - send anything but well-formed frames, HELLO or WELCOME first, with bytes of its input in DATA,
 *  - send beyond the edge that it was given, or END and CONFIRM that are not true,
 *  - offer its output anything but the peer's stream, or more of it than its END said.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "session/session.h"
#include "session/session_stream.h"
#include "session/session_subflow.h"

#define LINES         4
#define FIFO_LEN      (2u << 20)
#define FRAME_MAX     (WIRE_HEADER_LEN + WIRE_DATA_MAX)
#define SENT_MAX      64
#define STREAM_PERIOD 65521

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A connection, seen from the peer. */
struct line {
	bool open;
	uint16_t slot;
	/* To the session. */
	size_t fifo_head;
	size_t fifo_len;
	/* From the session. */
	bool preface_seen;
	bool first_seen;
	bool aborted;
	uint64_t acked_edge;
	size_t have;
};

struct world {
	struct fuzz_input in;
	struct session *s;
	struct session_config config;
	uint64_t now;
	struct line lines[LINES];
	bool opened; /* server: the first HELLO came */
	/* The session's stream. */
	uint64_t granted; /* the peer lets it send below */
	bool ended;
	uint64_t seen; /* end of the highest DATA */
	/* The peer's stream. */
	uint64_t next;
	uint64_t taken;
	struct {
		uint64_t offset;
		uint32_t len;
	} sent[SENT_MAX]; /* chunks of the peer, for sending them again */
	size_t n_sent;
};

/* Too large for the stack; one world at a time. */
static uint8_t fifos[LINES][FIFO_LEN];
static uint8_t taps[LINES][FRAME_MAX];
static uint8_t scratch[WIRE_DATA_MAX];
/* Both streams repeat themselves after a prime number of bytes, so that no two blocks are the same.
 */
static uint8_t stream[STREAM_PERIOD + WIRE_DATA_MAX];

static void fill_stream(uint8_t *to, uint64_t offset, size_t len)
{
	memcpy(to, stream + offset % STREAM_PERIOD, len);
}

static void check_stream(const uint8_t *p, uint64_t offset, size_t len)
{
	must(!memcmp(p, stream + offset % STREAM_PERIOD, len));
}

static bool is_over(const struct world *w)
{
	return session_state(w->s) == SESSION_FAILED || session_state(w->s) == SESSION_DONE;
}

static struct line *take_line(struct world *w)
{
	return &w->lines[take(&w->in, 1) % LINES];
}

/* What the session says
 * ---------------------------------------------------------------------------- */

static void tap_data(struct world *w, const struct wire_header *h, const uint8_t *body)
{
	struct session_stats stats = { 0 };

	session_stats(w->s, &stats);
	must(h->value + h->length <= stats.tx_read);
	must(h->value + h->length <= w->granted);
	check_stream(body, h->value, h->length);
	if (h->value + h->length > w->seen)
		w->seen = h->value + h->length;
}

static void tap_ack(struct world *w, struct line *l, const struct wire_header *h,
		    const uint8_t *body)
{
	static struct wire_ack ack;

	must(!wire_get_ack(h, body, &ack));
	must(ack.edge - ack.taken == w->config.window && ack.edge >= l->acked_edge);
	l->acked_edge = ack.edge;
}

static void tap_hello(struct world *w, const struct wire_header *h, const uint8_t *body)
{
	struct wire_welcome welcome;
	struct wire_hello hello;

	if (w->config.role == SESSION_CLIENT)
		must(h->type == WIRE_HELLO && !wire_get_hello(body, h->length, &hello) &&
		     !memcmp(hello.session, w->config.id, sizeof(hello.session)));
	else
		must(h->type == WIRE_WELCOME && !wire_get_welcome(body, h->length, &welcome));
}

static void tap_frame(struct world *w, struct line *l, const uint8_t *frame)
{
	const uint8_t *body = frame + WIRE_HEADER_LEN;
	struct session_stats stats = { 0 };
	struct wire_notice notice;
	struct wire_header h;

	must(!wire_get_header(frame, &h) && wire_check_ok(frame, &h, body));
	must(h.type < WIRE_OPTIONAL && h.type != WIRE_REFUSE && !l->aborted);
	if (!l->first_seen) {
		tap_hello(w, &h, body);
		l->first_seen = true;
		return;
	}
	must(h.type != WIRE_HELLO && h.type != WIRE_WELCOME);
	session_stats(w->s, &stats);
	if (h.type == WIRE_DATA)
		tap_data(w, &h, body);
	else if (h.type == WIRE_ACK)
		tap_ack(w, l, &h, body);
	else if (h.type == WIRE_END)
		must(w->ended && h.value == stats.tx_read);
	else if (h.type == WIRE_CONFIRM)
		must(stats.rx_total_known && h.value == stats.rx_total && w->taken == h.value);
	else if (h.type == WIRE_DONE)
		must(session_finished(w->s));
	if (h.type == WIRE_ABORT) {
		must(!wire_get_notice(&h, body, &notice) && session_state(w->s) == SESSION_FAILED);
		l->aborted = true;
	}
}

/* n bytes came from the session, cut anywhere. */
static void tap_bytes(struct world *w, struct line *l, const uint8_t *p, size_t n)
{
	uint8_t *tap = taps[l - w->lines];

	while (n) {
		size_t want = WIRE_PREFACE_LEN, step;
		struct wire_header h;

		if (l->preface_seen) {
			want = WIRE_HEADER_LEN;
			if (l->have >= want) {
				must(!wire_get_header(tap, &h));
				want += h.length;
			}
		}
		step = want - l->have < n ? want - l->have : n;
		memcpy(tap + l->have, p, step);
		l->have += step;
		p += step;
		n -= step;
		if (l->have < want)
			continue;
		if (!l->preface_seen) {
			must(!memcmp(tap, WIRE_PREFACE, WIRE_PREFACE_LEN));
			l->preface_seen = true;
			l->have = 0;
			continue;
		}
		must(!wire_get_header(tap, &h));
		if (l->have == WIRE_HEADER_LEN + h.length) {
			tap_frame(w, l, tap);
			l->have = 0;
		}
	}
}

/* Operations: subflows
 * ------------------------------------------------------------------------------- */

static void put_fifo(struct world *w, struct line *l, const void *p, size_t n)
{
	uint8_t *fifo = fifos[l - w->lines];

	if (l->fifo_head) {
		memmove(fifo, fifo + l->fifo_head, l->fifo_len);
		l->fifo_head = 0;
	}
	if (!l->open || !n || n > FIFO_LEN - l->fifo_len)
		return;
	memcpy(fifo + l->fifo_len, p, n);
	l->fifo_len += n;
}

static void close_line(struct world *w, struct line *l)
{
	if (!l->open)
		return;
	l->open = false;
	session_subflow_close(w->s, l->slot, w->now);
}

static unsigned n_open(const struct world *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < LINES; i++)
		n += w->lines[i].open;
	return n;
}

static void op_open(struct world *w)
{
	struct line *l = take_line(w);
	uint8_t how = (uint8_t)take(&w->in, 1);
	struct wire_hello hello = {
		.version_min = 1,
		.version_max = 1,
		.kind = w->opened ? WIRE_HELLO_JOIN : WIRE_HELLO_NEW,
		.side = how & 7,
		.n_subflows = how >> 5,
		.edge = how & 8 ? take(&w->in, 8) : WIRE_INITIAL_WINDOW,
	};
	int r;

	if (l->open || is_over(w))
		return;
	/* A client has one connection until it is answered. */
	if (session_state(w->s) == SESSION_CONNECTING && n_open(w))
		return;
	memset(l, 0, sizeof(*l));
	r = session_subflow_open(w->s, w->config.role == SESSION_SERVER ? &hello : NULL, NULL,
				 w->now, &l->slot);
	must(r == 0 || r == SESSION_E_LIMIT);
	if (r)
		return;
	l->open = true;
	if (w->config.role == SESSION_SERVER && !w->opened && hello.edge > w->granted)
		w->granted = hello.edge;
	w->opened = true;
	if (w->config.role == SESSION_CLIENT && !(how & 16))
		put_fifo(w, l, WIRE_PREFACE, WIRE_PREFACE_LEN);
	/* A client that was kept waiting: the listener has sent the preface. */
	if (w->config.role == SESSION_SERVER && how & 16) {
		session_subflow_greeted(w->s, l->slot);
		l->preface_seen = true;
	}
}

static void op_close(struct world *w)
{
	close_line(w, take_line(w));
}

/* Brings up to n bytes of the line's fifo to the session. */
static void deliver(struct world *w, struct line *l, size_t n)
{
	while (n && l->open && l->fifo_len) {
		struct iovec iov[SESSION_IOV];
		int n_iov = session_rx_space(w->s, l->slot, iov);
		size_t total = 0;

		must(n_iov >= 1 && n_iov <= (int)SESSION_IOV);
		for (int i = 0; i < n_iov && n && l->fifo_len; i++) {
			size_t step = iov[i].iov_len < n ? iov[i].iov_len : n;

			must(iov[i].iov_len > 0);
			step = step < l->fifo_len ? step : l->fifo_len;
			memcpy(iov[i].iov_base, fifos[l - w->lines] + l->fifo_head, step);
			l->fifo_head += step;
			l->fifo_len -= step;
			total += step;
			n -= step;
		}
		if (session_rx(w->s, l->slot, total, w->now)) {
			session_subflow_text(w->s, l->slot);
			close_line(w, l);
		}
	}
}

static void op_deliver_some(struct world *w)
{
	struct line *l = take_line(w);

	deliver(w, l, take(&w->in, 2));
}

static void op_deliver_all(struct world *w)
{
	deliver(w, take_line(w), SIZE_MAX);
}

static void pull(struct world *w, struct line *l, size_t n)
{
	while (n && l->open) {
		struct iovec iov[SESSION_IOV];
		int n_iov = session_tx(w->s, l->slot, w->now, iov);
		size_t total = 0;

		must(n_iov >= 0 && n_iov <= (int)SESSION_IOV);
		if (!n_iov)
			return;
		for (int i = 0; i < n_iov && n; i++) {
			size_t step = iov[i].iov_len < n ? iov[i].iov_len : n;

			tap_bytes(w, l, iov[i].iov_base, step);
			total += step;
			n -= step;
		}
		session_tx_done(w->s, l->slot, total, w->now);
	}
}

static void op_pull_some(struct world *w)
{
	struct line *l = take_line(w);

	pull(w, l, take(&w->in, 2));
}

/* At most: an ACK may be due again as soon as it is sent, but not for nothing and for ever. */
static void op_pull_all(struct world *w)
{
	pull(w, take_line(w), 8u << 20);
}

/* Operations: what the peer says -----------------------------------------------------------------
 */

/* Everything that lets the session send more, right or wrong, is noted when it is sent. */
static void note_grant(struct world *w, uint8_t type, uint64_t value, const uint8_t *body,
		       size_t len)
{
	static struct wire_ack ack;
	struct wire_header h = { .type = type, .length = (uint32_t)len, .value = value };
	struct wire_welcome welcome;

	if (type == WIRE_ACK && !wire_get_ack(&h, body, &ack) && ack.edge > w->granted)
		w->granted = ack.edge;
	if (type == WIRE_WELCOME && !wire_get_welcome(body, len, &welcome) &&
	    welcome.edge > w->granted)
		w->granted = welcome.edge;
}

static void send_frame(struct world *w, struct line *l, uint8_t type, uint64_t value,
		       const uint8_t *body, size_t len)
{
	uint8_t header[WIRE_HEADER_LEN];

	wire_put_header(header, (enum wire_type)type, value, body, len);
	note_grant(w, type, value, body, len);
	if (FIFO_LEN - l->fifo_len < sizeof(header) + len)
		return;
	put_fifo(w, l, header, sizeof(header));
	put_fifo(w, l, body, len);
}

static void send_chunk(struct world *w, struct line *l, uint64_t offset, uint32_t len)
{
	fill_stream(scratch, offset, len);
	send_frame(w, l, WIRE_DATA, offset, scratch, len);
	w->sent[w->n_sent % SENT_MAX].offset = offset;
	w->sent[w->n_sent % SENT_MAX].len = len;
	w->n_sent++;
	if (offset + len > w->next)
		w->next = offset + len;
}

static uint32_t take_len(struct world *w)
{
	uint8_t size = (uint8_t)take(&w->in, 1);

	if (size < 0xf0)
		return 1 + size;
	if (size < 0xfe)
		return 1 + (uint32_t)take(&w->in, 2);
	return 1 + (uint32_t)(take(&w->in, 3) % WIRE_DATA_MAX);
}

static void op_data_next(struct world *w)
{
	struct line *l = take_line(w);

	send_chunk(w, l, w->next, take_len(w));
}

static void op_data_gap(struct world *w)
{
	struct line *l = take_line(w);

	w->next += take_len(w);
	send_chunk(w, l, w->next, take_len(w));
}

static void op_data_again(struct world *w)
{
	struct line *l = take_line(w);
	size_t i = take(&w->in, 1) % SENT_MAX;

	if (i < w->n_sent)
		send_chunk(w, l, w->sent[i].offset, w->sent[i].len);
}

static void op_data_anywhere(struct world *w)
{
	struct line *l = take_line(w);
	uint64_t offset = take(&w->in, 1) & 1 ? take(&w->in, 8) : take(&w->in, 3);
	uint32_t len = take_len(w);

	if (offset <= UINT64_MAX - len)
		send_chunk(w, l, offset, len);
}

static void op_ack(struct world *w)
{
	struct line *l = take_line(w);
	uint8_t how = (uint8_t)take(&w->in, 1);
	struct session_stats stats = { 0 };
	static uint8_t frame[WIRE_HEADER_LEN + WIRE_CONTROL_MAX];
	static struct wire_ack ack;
	uint64_t at;

	session_stats(w->s, &stats);
	ack.received = how & 1 ? w->seen : stats.tx_acked + take(&w->in, 2);
	ack.taken = how & 2 ? ack.received : ack.received / 2;
	ack.edge = ack.received + (how & 4 ? take(&w->in, 3) : 4 * WIRE_INITIAL_WINDOW);
	ack.n_ranges = how >> 3;
	at = ack.received;
	for (uint32_t i = 0; i < ack.n_ranges; i++) {
		ack.ranges[i].start = at += 1 + take(&w->in, 2);
		ack.ranges[i].end = at += 1 + take(&w->in, 2);
	}
	wire_put_ack(frame, sizeof(frame), &ack);
	send_frame(w, l, WIRE_ACK, ack.received, frame + WIRE_HEADER_LEN, 24 + 16 * ack.n_ranges);
}

static void op_welcome(struct world *w)
{
	struct line *l = take_line(w);
	uint8_t how = (uint8_t)take(&w->in, 1);
	struct wire_welcome m = {
		.version = how & 64 ? (uint16_t)take(&w->in, 2) : 1,
		.side = how & 7,
		.n_subflows = (uint16_t)(how >> 3 & 7),
		.edge = how & 128 ? take(&w->in, 8) : 4 * WIRE_INITIAL_WINDOW,
	};
	uint8_t frame[WIRE_HEADER_LEN + 64];
	size_t n = wire_put_welcome(frame, sizeof(frame), &m) - WIRE_HEADER_LEN;

	send_frame(w, l, WIRE_WELCOME, 0, frame + WIRE_HEADER_LEN, n);
}

/* The digest of the peer's stream is always this in here: output_finish says whether it is right.
 */
static void op_end(struct world *w)
{
	struct line *l = take_line(w);
	uint8_t how = (uint8_t)take(&w->in, 1), digest[DIGEST_LEN] = { 0 };

	digest[0] = how & 2;
	send_frame(w, l, WIRE_END, how & 1 ? take(&w->in, 3) : w->next, digest, sizeof(digest));
}

static void op_confirm(struct world *w)
{
	struct line *l = take_line(w);
	struct session_stats stats = { 0 };

	session_stats(w->s, &stats);
	send_frame(w, l, WIRE_CONFIRM, take(&w->in, 1) & 1 ? take(&w->in, 3) : stats.tx_read, NULL,
		   0);
}

static void op_plain(struct world *w)
{
	static const uint8_t types[] = { WIRE_STOP, WIRE_PING, WIRE_PONG, WIRE_DONE };
	struct line *l = take_line(w);
	uint8_t type = types[take(&w->in, 1) % sizeof(types)];

	send_frame(w, l, type, take(&w->in, 1), NULL, 0);
}

static void op_any_frame(struct world *w)
{
	struct line *l = take_line(w);
	uint8_t type = (uint8_t)take(&w->in, 1), body[256];
	uint64_t value = take(&w->in, 1) & 1 ? take(&w->in, 8) : take(&w->in, 2);
	size_t len = take(&w->in, 1);

	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)take(&w->in, 1);
	/* Only bytes of its stream: what comes out is compared with it. */
	if (type == WIRE_DATA && value <= UINT64_MAX - len)
		fill_stream(body, value, len);
	send_frame(w, l, type, value, body, len);
}

static void op_raw(struct world *w)
{
	struct line *l = take_line(w);
	size_t len = take(&w->in, 1);
	uint8_t bytes[256];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)take(&w->in, 1);
	put_fifo(w, l, bytes, len);
}

/* Damages a byte that is on its way. */
static void op_damage(struct world *w)
{
	struct line *l = take_line(w);
	size_t at = take(&w->in, 2);

	if (at < l->fifo_len)
		fifos[l - w->lines][l->fifo_head + at] ^= (uint8_t)take(&w->in, 1);
}

/* Operations: this end
 * ------------------------------------------------------------------------------- */

static void op_input(struct world *w)
{
	struct session_stats stats = { 0 };
	uint64_t room, len = take_len(w);

	if (w->ended || is_over(w) || session_input_room(w->s, &room))
		return;
	session_stats(w->s, &stats);
	must(room >= stats.tx_read);
	len = len < room - stats.tx_read ? len : room - stats.tx_read;
	for (uint64_t at = stats.tx_read; at < stats.tx_read + len;) {
		size_t contiguous, left = (size_t)(stats.tx_read + len - at);
		uint8_t *p = winbuf_at(session_tx_buf(w->s), at, &contiguous);

		contiguous = contiguous < left ? contiguous : left;
		fill_stream(p, at, contiguous);
		at += contiguous;
	}
	session_input_advance(w->s, stats.tx_read + len, w->now);
}

static void op_input_end(struct world *w)
{
	static const uint8_t digest[DIGEST_LEN] = { 7 };
	bool readable = take(&w->in, 1) & 1;

	session_input_should_end(w->s, readable);
	session_peer_stopped(w->s);
	if (w->ended || is_over(w))
		return;
	session_input_end(w->s, digest, w->now);
	w->ended = true;
}

static void op_output(struct world *w)
{
	uint64_t end = session_output_end(w->s),
		 len = take(&w->in, 1) & 1 ? take(&w->in, 2) : UINT64_MAX;

	if (is_over(w))
		return;
	must(end >= w->taken);
	end = end - w->taken < len ? end : w->taken + len;
	while (w->taken < end) {
		size_t contiguous, left = (size_t)(end - w->taken);
		const uint8_t *p = winbuf_at(session_rx_buf(w->s), w->taken, &contiguous);

		contiguous = contiguous < left ? contiguous : left;
		check_stream(p, w->taken, contiguous);
		w->taken += contiguous;
	}
	session_output_taken(w->s, end, w->now);
}

static void op_finish(struct world *w)
{
	uint8_t digest[DIGEST_LEN] = { 0 };

	digest[0] = (uint8_t)(take(&w->in, 1) & 2);
	if (session_output_complete(w->s))
		session_output_finish(w->s, digest, w->now);
}

static void op_time(struct world *w)
{
	uint64_t due = session_deadline(w->s);

	if (take(&w->in, 1) & 1)
		w->now += take(&w->in, 4) * 1000;
	else if (due != SESSION_NO_DEADLINE && due > w->now)
		w->now = due;
	session_tick(w->s, w->now);
	must(session_deadline(w->s) > w->now);
	for (size_t i = 0; i < LINES; i++)
		if (w->lines[i].open && session_subflow_text(w->s, w->lines[i].slot))
			close_line(w, &w->lines[i]);
}

static void op_give_up(struct world *w)
{
	switch (take(&w->in, 1) & 3) {
	case 0:
		session_stop(w->s);
		break;
	case 1:
		session_abort(w->s, WIRE_R_OUTPUT, w->taken, "disk full");
		break;
	case 2:
		if (session_state(w->s) == SESSION_CONNECTING)
			session_give_up(w->s);
		break;
	default:
		session_subflows_wanted(w->s);
		break;
	}
}

typedef void (*op_fn)(struct world *w);

static const op_fn ops[] = {
	op_open,      op_close,     op_deliver_some, op_deliver_all,   op_pull_some, op_pull_all,
	op_data_next, op_data_gap,  op_data_again,   op_data_anywhere, op_ack,       op_welcome,
	op_end,       op_confirm,   op_plain,        op_any_frame,     op_raw,       op_damage,
	op_input,     op_input_end, op_output,       op_finish,        op_time,      op_give_up,
};

static void check_world(const struct world *w)
{
	struct session_stats stats = { 0 };

	session_stats(w->s, &stats);
	for (size_t i = 0; i < LINES; i++) {
		uint64_t tx, rx;

		if (!w->lines[i].open)
			continue;
		session_subflow_bytes(w->s, w->lines[i].slot, &tx, &rx);
		session_tx_flushed(w->s, w->lines[i].slot);
	}
	must(stats.n_live == n_open(w));
	must(stats.rx_taken == w->taken && stats.rx_received >= w->taken);
	must(stats.tx_acked <= stats.tx_read && stats.tx_taken <= stats.tx_read);
	if (session_state(w->s) != SESSION_FAILED)
		must(!stats.rx_total_known || stats.rx_received <= stats.rx_total);
	must((session_state(w->s) == SESSION_FAILED) ==
	     (session_end(w->s)->kind != SESSION_END_NONE &&
	      session_state(w->s) != SESSION_CONNECTING));
	/* Of an empty stream nothing is missing without a confirmation. */
	if (session_state(w->s) == SESSION_DONE)
		must((session_sent_confirmed(w->s) || (w->ended && !stats.tx_read)) &&
		     session_received_confirmed(w->s));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (uint32_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)((i % STREAM_PERIOD) * 0x9e3779b1u >> 24);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .in = { data, size }, .now = 1, .granted = WIRE_INITIAL_WINDOW };
	uint8_t how = (uint8_t)take(&w.in, 1), flags = (uint8_t)take(&w.in, 1);

	if (size > 4096)
		return 0;
	w.config.role = how & 1 ? SESSION_SERVER : SESSION_CLIENT;
	w.config.id[0] = 42;
	w.config.window = WIRE_INITIAL_WINDOW << (how >> 1 & 3);
	w.config.n_subflows = 1 + (how >> 3 & 3);
	w.config.input = (enum session_input)((how >> 5) % 3);
	w.config.duplex = flags & 1;
	w.config.send_only = flags & 2;
	w.config.recv_only = flags & 4;
	must(session_new(&w.s, &w.config) == 0);
	while (w.in.left) {
		ops[take(&w.in, 1) % (sizeof(ops) / sizeof(ops[0]))](&w);
		check_world(&w);
	}
	session_free(w.s);
	return 0;
}
