/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sessions and a network that does what the input says: it passes bytes on in any order of the
 * connections, damages, cuts and repeats them, and closes connections at either end; time passes,
 * and both sides read and write as the input says.
 *
 * Whatever happens,
 *  - what one side puts out is what the other took in, from its beginning,
 *  - who is done has all of it, and has had all of its own confirmed,
 *  - no session ends for what a network did to a connection, but for want of connections,
 *  - from any state on, a network that behaves brings both to a good end, unless one has given up.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "session/handshake.h"
#include "session/session.h"
#include "session/session_stream.h"
#include "session/session_subflow.h"

#define LINES         4
#define PIPE_LEN      (64u << 10)
#define WINDOW        (256u << 10)
#define STREAM_MAX    (3u << 20)
#define STREAM_PERIOD 65521
#define MS            1000000ull
#define RECONNECT_NS  (30000 * MS)

/* Rounds of a network that behaves, of 10 ms each at the least. */
#define ROUNDS_MAX 20000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum side { CLIENT, SERVER };

/* What one end has written and the other has not read. */
struct pipe {
	uint8_t bytes[PIPE_LEN];
	size_t len;
};

struct line {
	bool open[2]; /* to that side */
	bool known;   /* the server's session has it */
	bool spoilt;  /* its bytes are not what was sent */
	uint16_t slot[2];
	struct handshake handshake;
	struct pipe pipe[2]; /* by the side that writes */
};

struct end {
	struct session *s;
	struct digest *in, *out;
	uint64_t read, taken, total;
	bool ended;
};

struct world {
	struct fuzz_input in;
	uint64_t now;
	struct end end[2];
	struct line lines[LINES];
	bool spoilt; /* some line has been */
};

static uint8_t stream[STREAM_PERIOD + WIRE_DATA_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] = (uint8_t)((i % STREAM_PERIOD) * 2654435761u >> 11);
	return 0;
}

/* Each side's stream begins elsewhere. */
static const uint8_t *stream_at(enum side side, uint64_t offset)
{
	return stream + (offset + (side == SERVER ? 4711 : 0)) % STREAM_PERIOD;
}

static bool is_over(const struct end *e)
{
	return session_state(e->s) == SESSION_FAILED || session_state(e->s) == SESSION_DONE;
}

/* Connections -----------------------------------------------------------------------------------
 */

static bool has_session(const struct line *l, enum side side)
{
	return l->open[side] && (side == CLIENT || l->known);
}

static void close_end(struct world *w, struct line *l, enum side side)
{
	if (has_session(l, side))
		session_subflow_close(w->end[side].s, l->slot[side], w->now);
	l->open[side] = false;
}

static void open_line(struct world *w, struct line *l)
{
	if (l->open[CLIENT] || l->open[SERVER] || is_over(&w->end[CLIENT]) ||
	    session_subflow_open(w->end[CLIENT].s, NULL, NULL, w->now, &l->slot[CLIENT]))
		return;
	l->open[CLIENT] = l->open[SERVER] = true;
	l->known = l->spoilt = false;
	l->pipe[CLIENT].len = l->pipe[SERVER].len = 0;
	handshake_init(&l->handshake);
}

/* A side writes up to n bytes. */
static bool write_some(struct world *w, struct line *l, enum side side, size_t n)
{
	struct session *s = w->end[side].s;
	struct pipe *pipe = &l->pipe[side];
	struct iovec iov[SESSION_IOV];
	size_t done = 0;
	int n_iov;

	if (!has_session(l, side))
		return false;
	n = n < PIPE_LEN - pipe->len ? n : PIPE_LEN - pipe->len;
	n_iov = n ? session_tx(s, l->slot[side], w->now, iov) : 0;
	for (int i = 0; i < n_iov && done < n; i++) {
		size_t part = iov[i].iov_len < n - done ? iov[i].iov_len : n - done;

		memcpy(pipe->bytes + pipe->len, iov[i].iov_base, part);
		pipe->len += part;
		done += part;
	}
	if (done)
		session_tx_done(s, l->slot[side], done, w->now);
	return done;
}

static void drop_front(struct pipe *pipe, size_t n)
{
	pipe->len -= n;
	memmove(pipe->bytes, pipe->bytes + n, pipe->len);
}

/* The server reads what comes before its session has the connection. */
static void shake(struct world *w, struct line *l, size_t n)
{
	char text[HANDSHAKE_TEXT_LEN];
	struct wire_hello hello;
	size_t room;
	void *to = handshake_space(&l->handshake, &room);
	enum handshake_result r;

	n = n < room ? n : room;
	memcpy(to, l->pipe[CLIENT].bytes, n);
	drop_front(&l->pipe[CLIENT], n);
	r = handshake_read(&l->handshake, n, &hello, text);
	if (r == HANDSHAKE_MORE)
		return;
	must(r == HANDSHAKE_HELLO || l->spoilt);
	if (r == HANDSHAKE_HELLO && !is_over(&w->end[SERVER])) {
		/* As a listener does with a session that it has. */
		if (session_version(w->end[SERVER].s))
			hello.kind = WIRE_HELLO_JOIN;
		l->known = !session_subflow_open(w->end[SERVER].s, &hello, NULL, w->now,
						 &l->slot[SERVER]);
	}
	if (!l->known)
		l->open[SERVER] = false;
}

/* A side reads up to n bytes. */
static bool read_some(struct world *w, struct line *l, enum side side, size_t n)
{
	struct pipe *pipe = &l->pipe[!side];
	struct iovec iov[SESSION_IOV];
	size_t done = 0;
	int n_iov;

	n = n < pipe->len ? n : pipe->len;
	if (!n || !l->open[side])
		return false;
	if (!has_session(l, side)) {
		shake(w, l, n);
		return true;
	}
	n_iov = session_rx_space(w->end[side].s, l->slot[side], iov);
	for (int i = 0; i < n_iov && done < n; i++) {
		size_t part = iov[i].iov_len < n - done ? iov[i].iov_len : n - done;

		memcpy(iov[i].iov_base, pipe->bytes + done, part);
		done += part;
	}
	drop_front(pipe, done);
	if (session_rx(w->end[side].s, l->slot[side], done, w->now)) {
		/* Of two that bring the same chunk, one may spoil the other's bytes. */
		must(w->spoilt || !session_subflow_text(w->end[side].s, l->slot[side]));
		close_end(w, l, side);
	}
	return true;
}

/* Streams ----------------------------------------------------------------------------------------
 */

static bool input(struct world *w, enum side side, uint64_t n)
{
	struct end *e = &w->end[side];
	uint64_t room, before = e->read;

	if (is_over(e) || e->ended || session_input_room(e->s, &room))
		return false;
	n = n < e->total - e->read ? n : e->total - e->read;
	n = n < room - e->read ? n : room - e->read;
	while (n) {
		size_t step;
		uint8_t *to = winbuf_at(session_tx_buf(e->s), e->read, &step);

		step = step < n ? step : n;
		memcpy(to, stream_at(side, e->read), step);
		digest_feed_stream(e->in, to, step);
		e->read += step;
		n -= step;
	}
	if (e->read > before)
		session_input_advance(e->s, e->read, w->now);
	return e->read > before;
}

static void input_end(struct world *w, enum side side)
{
	struct end *e = &w->end[side];
	uint8_t digest[DIGEST_LEN];

	if (is_over(e) || e->ended)
		return;
	e->ended = true;
	e->total = e->read;
	digest_stream_value(e->in, digest);
	session_input_end(e->s, digest, w->now);
}

static void output(struct world *w, enum side side, uint64_t n)
{
	struct end *e = &w->end[side];
	uint64_t end = session_output_end(e->s);
	uint8_t digest[DIGEST_LEN];

	if (is_over(e))
		return;
	must(end >= e->taken && end <= w->end[!side].read);
	n = n < end - e->taken ? n : end - e->taken;
	while (n) {
		size_t step;
		const uint8_t *from = winbuf_at(session_rx_buf(e->s), e->taken, &step);

		step = step < n ? step : n;
		must(!memcmp(from, stream_at(!side, e->taken), step));
		digest_feed_stream(e->out, from, step);
		e->taken += step;
		n -= step;
	}
	session_output_taken(e->s, e->taken, w->now);
	if (!session_output_complete(e->s))
		return;
	must(w->end[!side].ended && e->taken == w->end[!side].read);
	digest_stream_value(e->out, digest);
	session_output_finish(e->s, digest, w->now);
}

static void tick(struct world *w, enum side side)
{
	struct session *s = w->end[side].s;

	if (session_deadline(s) > w->now)
		return;
	session_tick(s, w->now);
	for (struct line *l = w->lines; l < w->lines + LINES; l++)
		if (has_session(l, side) && session_subflow_text(s, l->slot[side]))
			close_end(w, l, side);
}

static void check_end(const struct world *w, enum side side)
{
	const struct end *e = &w->end[side], *peer = &w->end[!side];
	enum session_end_kind kind = session_end(e->s)->kind;

	if (session_state(e->s) == SESSION_FAILED)
		must(kind == SESSION_END_LOST || kind == SESSION_END_NOT_MPNC);
	if (session_state(e->s) == SESSION_DONE || session_finished(e->s))
		must(peer->ended && e->taken == peer->read && peer->taken == e->read && e->ended);
}

/* What the input says ----------------------------------------------------------------------------
 */

static void damage(struct world *w, struct line *l, enum side side)
{
	struct pipe *pipe = &l->pipe[side];
	uint64_t at = take(&w->in, 2), how = take(&w->in, 1);
	size_t n = 1 + take(&w->in, 1);

	if (!pipe->len)
		return;
	l->spoilt = w->spoilt = true;
	at %= pipe->len;
	n = n < pipe->len - at ? n : pipe->len - at;
	if (how % 3 == 0) {
		pipe->bytes[at] ^= (uint8_t)(1u << how / 3 % 8);
	} else if (how % 3 == 1) { /* a part is missing */
		memmove(pipe->bytes + at, pipe->bytes + at + n, pipe->len - at - n);
		pipe->len -= n;
	} else if (pipe->len + n <= PIPE_LEN) { /* a part comes twice */
		memmove(pipe->bytes + at + n, pipe->bytes + at, pipe->len - at);
		pipe->len += n;
	}
}

/* All that both can do at this moment. Returns whether it was anything. */
static bool behave(struct world *w)
{
	bool any = false;

	for (struct line *l = w->lines; l < w->lines + LINES; l++) {
		for (int side = 0; side < 2; side++) {
			any |= write_some(w, l, (enum side)side, PIPE_LEN);
			any |= read_some(w, l, (enum side) !side, PIPE_LEN);
		}
		/* A close comes behind what was written before it. */
		for (int side = 0; side < 2; side++)
			if (l->open[!side] != l->open[side] && l->open[side] && !l->pipe[!side].len)
				close_end(w, l, (enum side)side);
	}
	for (int side = 0; side < 2; side++) {
		any |= input(w, (enum side)side, UINT64_MAX);
		output(w, (enum side)side, UINT64_MAX);
	}
	return any;
}

static void operate(struct world *w)
{
	uint64_t op = take(&w->in, 1);
	struct line *l = &w->lines[op >> 5 & 3];
	enum side side = op >> 7 ? SERVER : CLIENT;

	switch (op & 31) {
	case 0:
	case 1:
		open_line(w, l);
		break;
	case 2:
	case 3:
		write_some(w, l, side, take(&w->in, 2));
		break;
	case 4:
	case 5:
		read_some(w, l, side, take(&w->in, 2));
		break;
	case 6:
		damage(w, l, side);
		break;
	case 7:
		close_end(w, l, side);
		break;
	case 8:
		input(w, side, take(&w->in, 2));
		break;
	case 9:
		input_end(w, side);
		break;
	case 10:
		output(w, side, take(&w->in, 2));
		break;
	case 11:
		w->now += take(&w->in, 1) * MS;
		tick(w, side);
		break;
	case 12:
		w->now += take(&w->in, 1) * 100 * MS;
		tick(w, side);
		break;
	case 13: /* the end of a connection, with what is under way */
		close_end(w, l, CLIENT);
		close_end(w, l, SERVER);
		break;
	default:
		behave(w);
		break;
	}
	check_end(w, CLIENT);
	check_end(w, SERVER);
}

/* A listener waits for ever for the first HELLO, and a client before WELCOME ends when its caller
 * says so.
 */
static bool all_is_over(const struct world *w)
{
	const struct end *client = &w->end[CLIENT], *server = &w->end[SERVER];

	if (is_over(server) && session_state(client->s) == SESSION_CONNECTING)
		session_give_up(client->s);
	return is_over(client) && (is_over(server) || !session_version(server->s));
}

/* A side that has ended closes its connections, once it has said what it had to say. */
static void hang_up(struct world *w)
{
	for (struct line *l = w->lines; l < w->lines + LINES; l++) {
		if (!is_over(&w->end[CLIENT]) && !is_over(&w->end[SERVER]))
			return;
		close_end(w, l, CLIENT);
		close_end(w, l, SERVER);
	}
}

/* From here on nothing is done to the bytes any more. */
static void end_well(struct world *w)
{
	/* Those that are spoilt may say nothing to the end: a real network has ended them by now.
	 */
	for (struct line *l = w->lines; l < w->lines + LINES; l++) {
		close_end(w, l, CLIENT);
		close_end(w, l, SERVER);
	}
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (all_is_over(w))
			break;
		for (int n = 0; n < 1 + i % 3; n++)
			open_line(w, &w->lines[n]);
		while (behave(w))
			;
		hang_up(w);
		for (int side = 0; side < 2; side++) {
			if (w->end[side].read == w->end[side].total)
				input_end(w, (enum side)side);
			tick(w, (enum side)side);
			check_end(w, (enum side)side);
		}
		w->now += 10 * MS;
	}
	must(all_is_over(w));
	if (session_state(w->end[CLIENT].s) == SESSION_DONE)
		must(w->end[CLIENT].taken == w->end[SERVER].total);
}

static void begin(struct world *w)
{
	struct session_config config = { .window = WINDOW,
					 .n_subflows = LINES,
					 .reconnect_ns = RECONNECT_NS,
					 .input = SESSION_INPUT_STREAM,
					 .duplex = true,
					 .id = "a pair of them" };

	w->now = 1000 * MS;
	for (int side = 0; side < 2; side++) {
		struct end *e = &w->end[side];

		config.role = side == CLIENT ? SESSION_CLIENT : SESSION_SERVER;
		must(!session_new(&e->s, &config));
		must(!digest_new(&e->in) && !digest_new(&e->out));
		digest_begin_stream(e->in);
		digest_begin_stream(e->out);
		e->total = take(&w->in, 3) % STREAM_MAX;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.in = (struct fuzz_input){ data, size };
	begin(&w);
	while (w.in.left)
		operate(&w);
	end_well(&w);
	for (int side = 0; side < 2; side++) {
		session_free(w.end[side].s);
		digest_free(w.end[side].in);
		digest_free(w.end[side].out);
	}
	return 0;
}
