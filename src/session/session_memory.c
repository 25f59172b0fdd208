/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_memory.c - how much memory the windows of a session may have
 *
 * A session alone may fill both windows. One that shares its pool with others may have less, and
 * how much changes with the bytes that have gone through a window:
 *
 *   max(SESSION_LEAST, min(config.window, the pool's share, SESSION_LEAST + SESSION_EARN * gone))
 *
 * So memory goes to sessions that move bytes, and a session that only announces some holds none.
 *
 * - The receive window is a promise, and the protocol has no way to take one back: the edge stops
 *   rising, it never falls. Promises may exceed the pool, since most of them are never used. Bytes
 *   for which the pool has no block now stay in the socket (RX_WAIT).
 * - The send window concerns us alone: input is not read while there is no block for it.
 * - The pool never refuses the block that a stream needs next, so that each session moves, block by
 *   block, whatever the others hold.
 * - A refused session (starved) asks again when anything moves, and at least every
 *   SESSION_RETRY_NS.
 * - Chunks that wait in all sockets may keep the missing one waiting, too. A session in which
 * nothing gets in order for SESSION_STUCK_NS closes one of its subflows.
 *
 * Invariants: in.edge never falls, and what has come lies below it. There is memory for all from
 * the acknowledged offset to out.room, which falls in one case only: back to out.read, when all is
 * acknowledged and no other thread fills the window (out.lent).
 */
#include <assert.h>
#include <errno.h>

#include "util/units.h"

#include "session/internal.h"

/* For a window through which this many bytes have gone. */
static uint64_t window_now(const struct session *s, uint64_t gone)
{
	uint64_t share = winpool_share(s->pool), window = s->config.window;

	if (share == UINT64_MAX)
		return window;
	window = min_u64(window, share);
	window = min_u64(window, SESSION_LEAST + SESSION_EARN * gone);
	return window > SESSION_LEAST ? window : SESSION_LEAST;
}

void session_raise_edge(struct session *s)
{
	struct incoming *in = &s->in;
	uint64_t edge = in->taken + window_now(s, in->taken);

	assert(reasm_highest(in->reasm) <= in->edge);
	if (edge > in->edge)
		in->edge = edge;
}

/* What the window, and reading ahead, allow. */
static uint64_t input_limit(const struct session *s)
{
	const struct outgoing *out = &s->out;
	uint64_t acked = sendwin_acked(out->win);

	return min_u64(acked + window_now(s, acked), sendwin_next(out->win) + READ_AHEAD);
}

/* Returns 0, -EAGAIN, or -ENOMEM, which fails the session. */
static int extend_room(struct session *s, uint64_t end)
{
	struct outgoing *out = &s->out;
	int r;

	if (end <= out->room)
		return 0;
	r = winbuf_ensure(out->buf, out->room, end - out->room);
	if (!r)
		out->room = end;
	else if (r == -EAGAIN)
		s->starved = true;
	else
		session_abort(s, WIRE_R_MEMORY, out->read, "out of memory");
	return r;
}

int session_input_room(struct session *s, uint64_t *end_out)
{
	uint64_t limit = input_limit(s);
	int r = extend_room(s, limit - limit % ROOM_STEP);

	s->out.lent = true;
	*end_out = s->out.room;
	return r == -EAGAIN ? 0 : r;
}

size_t session_input_space(struct session *s, uint8_t **space_out)
{
	struct outgoing *out = &s->out;
	uint64_t end = input_limit(s);
	size_t contiguous;

	if (end <= out->read || out->ended)
		return 0;
	/* To the end of the block, as memory comes in blocks. */
	end = min_u64(end, out->read - out->read % WINBUF_BLOCK + WINBUF_BLOCK);
	if (extend_room(s, end))
		return 0;
	*space_out = winbuf_at(out->buf, out->read, &contiguous);
	return (size_t)(end - out->read);
}

void session_drain_input(struct session *s)
{
	if (s->out.lent)
		return;
	assert(sendwin_acked(s->out.win) == s->out.read);
	winbuf_clear(s->out.buf);
	s->out.room = s->out.read;
}

int session_chunk_memory(struct session *s, struct rx *rx)
{
	int r = winbuf_ensure(s->in.buf, rx->header.value, rx->header.length);

	assert(rx->state == RX_WAIT || rx->state == RX_DISCARD);
	rx->state = r == -EAGAIN ? RX_WAIT : RX_DATA;
	s->starved |= r == -EAGAIN;
	if (r == -ENOMEM)
		session_abort(s, WIRE_R_MEMORY, reasm_received(s->in.reasm), "out of memory");
	return r;
}

/* The subflow whose waiting chunk is the furthest; NULL: one of them does not wait. */
static struct subflow *furthest_waiting(struct session *s)
{
	struct subflow *furthest = NULL;

	for (uint16_t i = 0; i < SUBFLOWS_MAX; i++) {
		struct subflow *sf = s->subflows[i];

		if (!sf || !subflow_ready(sf))
			continue;
		if (sf->rx.state != RX_WAIT)
			return NULL;
		if (!furthest || sf->rx.header.value > furthest->rx.header.value)
			furthest = sf;
	}
	return furthest;
}

void session_check_stuck(struct session *s, uint64_t now_ns)
{
	struct incoming *in = &s->in;
	struct subflow *sf = furthest_waiting(s);
	uint64_t received = reasm_received(in->reasm);

	if (!sf) {
		in->stuck_ns = 0;
	} else if (!in->stuck_ns || in->stuck_at != received) {
		in->stuck_ns = now_ns;
		in->stuck_at = received;
	} else if (now_ns - in->stuck_ns >= SESSION_STUCK_NS) {
		in->stuck_ns = 0;
		sf->fault = "there is no memory for what comes on it before what is missing";
	}
}

uint64_t session_retry_deadline(const struct session *s)
{
	return s->starved ? s->tick_ns + SESSION_RETRY_NS : SESSION_NO_DEADLINE;
}

uint64_t session_held(const struct session *s)
{
	return (uint64_t)WINBUF_BLOCK * (winbuf_n_blocks(s->in.buf) + winbuf_n_blocks(s->out.buf));
}

enum session_stall session_stall(const struct session *s, uint64_t now_ns)
{
	const struct incoming *in = &s->in;
	const struct outgoing *out = &s->out;
	uint64_t received = reasm_received(in->reasm);

	if (reasm_highest(in->reasm) > received && now_ns - in->rose_ns >= SESSION_GAP_NS)
		return SESSION_STALL_GAP;
	if (received > in->taken && now_ns - in->taken_ns >= SESSION_STALL_NS)
		return SESSION_STALL_OUTPUT;
	if (sendwin_next(out->win) > sendwin_acked(out->win) &&
	    now_ns - out->acked_ns >= SESSION_STALL_NS)
		return SESSION_STALL_PEER;
	return SESSION_STALL_NONE;
}
