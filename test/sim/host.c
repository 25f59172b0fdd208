/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session_links.h"
#include "session/session_stream.h"
#include "session/session_subflow.h"

/* How long a failed session may take to tell the peer. */
#define FLUSH_NS (2 * NET_SECOND)

/* A connection that says nothing is dropped after this time. */
#define HELLO_NS (5 * NET_SECOND)

#define BACK_OFF_MIN_NS (100 * NET_MS)
#define BACK_OFF_MAX_NS (5 * NET_SECOND)

void host_wrong(struct host *h, const char *fmt, ...)
{
	int n;
	va_list ap;

	if (h->wrong[0])
		return;
	n = snprintf(h->wrong, sizeof(h->wrong),
		     "%s at %.6f s: ", h->side == NET_CLIENT ? "client" : "server",
		     (double)h->now_ns / 1e9);
	va_start(ap, fmt);
	vsnprintf(h->wrong + n, sizeof(h->wrong) - (size_t)n, fmt, ap);
	va_end(ap);
}

static void trace(const struct host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void trace(const struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (!h->trace)
		return;
	printf("%12.6f %s ", (double)h->now_ns / 1e9, h->side == NET_CLIENT ? "client" : "server");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* The known streams
 * -------------------------------------------------------------------------------- */

static uint64_t stream_word(uint64_t seed, uint64_t n)
{
	uint64_t z = (seed + n) * 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 32) * 0xd6e8feb86659fd93ull;
	return z ^ z >> 32;
}

static uint8_t stream_byte(uint64_t seed, uint64_t at)
{
	return (uint8_t)(stream_word(seed, at / 8) >> 8 * (at % 8));
}

static void stream_fill(uint64_t seed, uint64_t at, uint8_t *p, size_t n)
{
	for (; n && at % 8; n--)
		*p++ = stream_byte(seed, at++);
	for (; n >= 8; n -= 8, at += 8, p += 8) {
		uint64_t word = stream_word(seed, at / 8);

		memcpy(p, &word, 8);
	}
	for (; n; n--)
		*p++ = stream_byte(seed, at++);
}

static bool stream_is(uint64_t seed, uint64_t at, const uint8_t *p, size_t n)
{
	uint64_t diff = 0;

	for (; n && at % 8; n--)
		diff |= *p++ ^ stream_byte(seed, at++);
	for (; n >= 8; n -= 8, at += 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		diff |= word ^ stream_word(seed, at / 8);
	}
	for (; n; n--)
		diff |= *p++ ^ stream_byte(seed, at++);
	return !diff;
}

/* A host's life
 * ------------------------------------------------------------------------------------ */

/* As many links as the session has subflows at most, with the time as their counters. */
static void count_links(struct host *h)
{
	struct wire_links links = { .time_ns = h->now_ns, .n = session_facts(h->session)->n_links };

	for (unsigned i = 0; i < links.n; i++)
		links.link[i].tx_bytes = h->now_ns + i;
	session_links(h->session, &links);
}

/* A link goes, or comes back. */
static void change_facts(struct host *h)
{
	struct wire_facts facts = *session_facts(h->session);

	facts.usable ^= 1u << rng_below(&h->rng, 3);
	session_set_facts(h->session, &facts);
}

static void start_session(struct host *h, const uint8_t id[WIRE_SESSION_ID_LEN])
{
	static const struct wire_facts facts = { .kind = WIRE_FACTS_BOND, .n_links = 3 };

	memcpy(h->config.session.id, id, WIRE_SESSION_ID_LEN);
	if (session_new(&h->session, &h->config.session)) {
		fputs("sim: no memory\n", stderr);
		exit(2);
	}
	if (!h->counts)
		return;
	session_set_facts(h->session, &facts);
	count_links(h);
}

struct host *host_new(enum net_side side, const struct host_config *config, uint64_t seed,
		      bool tracing)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h || digest_new(&h->input_digest) || digest_new(&h->output_digest)) {
		fputs("sim: no memory\n", stderr);
		exit(2);
	}
	h->side = side;
	h->config = *config;
	h->rng.state = seed;
	h->counts = seed & 1;
	h->trace = tracing;
	h->give_up_ns = NET_NEVER;
	h->back_off_ns = BACK_OFF_MIN_NS;
	if (side == NET_CLIENT)
		start_session(h, config->session.id);
	return h;
}

struct host *host_free(struct host *h)
{
	session_free(h->session);
	digest_free(h->input_digest);
	digest_free(h->output_digest);
	free(h);
	return NULL;
}

static bool running(const struct host *h)
{
	return h->session && (session_state(h->session) == SESSION_OPEN ||
			      session_state(h->session) == SESSION_CONNECTING);
}

/* Subflows
 * ----------------------------------------------------------------------------------------- */

static unsigned n_open(const struct host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n_subs; i++)
		n += h->subs[i].state != SUB_FREE;
	return n;
}

static void count_tx(struct host *h, const struct sub *sub)
{
	uint64_t tx, rx;

	session_subflow_bytes(h->session, sub->slot, &tx, &rx);
	h->figures.path_tx[sub->conn->n_path] += tx;
}

static void back_off(struct host *h)
{
	h->retry_ns = h->now_ns + h->back_off_ns;
	if (h->back_off_ns < BACK_OFF_MAX_NS)
		h->back_off_ns *= 2;
}

static void drop(struct host *h, struct sub *sub, const char *why)
{
	trace(h, "connection %u is closed: %s", sub->conn->id, why);
	if (sub->state == SUB_OPEN) {
		count_tx(h, sub);
		session_subflow_close(h->session, sub->slot, h->now_ns);
	}
	conn_close(sub->conn, h->side, h->now_ns);
	sub->state = SUB_FREE;
	sub->conn = NULL;
	back_off(h);
}

static void drop_faulty(struct host *h, struct sub *sub)
{
	const char *text = session_subflow_text(h->session, sub->slot);

	h->figures.n_faults++;
	if (text && strstr(text, "checksum"))
		h->figures.n_checksum_faults++;
	drop(h, sub, text ? text : "in order");
}

/* One joins although there is no room: makes some. */
static bool drop_stale(struct host *h)
{
	uint16_t slot;

	if (h->side == NET_CLIENT || !session_subflow_stale(h->session, h->now_ns, &slot))
		return false;
	for (unsigned i = 0; i < h->n_subs; i++) {
		if (h->subs[i].state == SUB_OPEN && h->subs[i].slot == slot) {
			drop(h, &h->subs[i], "another takes its place");
			return true;
		}
	}
	host_wrong(h, "no subflow has the slot of the stale one");
	return false;
}

static void open_sub(struct host *h, struct sub *sub, const struct wire_hello *hello)
{
	int r = session_subflow_open(h->session, hello, NULL, h->now_ns, &sub->slot);

	if (r == SESSION_E_LIMIT && drop_stale(h))
		r = session_subflow_open(h->session, hello, NULL, h->now_ns, &sub->slot);
	if (r) {
		drop(h, sub, "the session takes no more");
		return;
	}
	sub->state = SUB_OPEN;
	if (n_open(h) > h->figures.max_open)
		h->figures.max_open = n_open(h);
	trace(h, "connection %u is subflow %u", sub->conn->id, sub->slot);
}

void host_add(struct host *h, struct conn *c, uint64_t now_ns)
{
	struct sub *sub = NULL;

	h->now_ns = now_ns;
	for (unsigned i = 0; i < HOST_SUBS && !sub; i++) {
		if (h->subs[i].state != SUB_FREE)
			continue;
		sub = &h->subs[i];
		if (i >= h->n_subs)
			h->n_subs = i + 1;
	}
	if (!sub || h->over) {
		conn_close(c, h->side, now_ns);
		return;
	}
	*sub = (struct sub){ .state = SUB_HELLO, .conn = c };
	handshake_init(&sub->handshake);
	if (h->side == NET_SERVER)
		return;
	if (running(h))
		open_sub(h, sub, NULL);
	else
		drop(h, sub, "too late");
	c->up[NET_CLIENT] = sub->state == SUB_OPEN;
}

void host_connect_failed(struct host *h, uint64_t now_ns)
{
	h->now_ns = now_ns;
	back_off(h);
}

bool host_wants_connection(const struct host *h, uint64_t now_ns)
{
	return h->side == NET_CLIENT && running(h) &&
	       (session_lost(h->session) ? session_seeks(h->session, now_ns)
					 : !session_finished(h->session)) &&
	       h->n_connects < h->config.max_connects &&
	       (now_ns >= h->retry_ns || !h->n_connects) &&
	       n_open(h) + h->n_connecting < session_subflows_wanted(h->session);
}

static void refuse(struct host *h, struct sub *sub, enum wire_reason reason)
{
	uint8_t buf[512];
	size_t n = handshake_refuse(buf, sizeof(buf), reason, wire_reason_text(reason));

	if (n <= conn_room(sub->conn, h->side))
		conn_write(sub->conn, h->side, buf, n, h->now_ns);
	drop(h, sub, wire_reason_text(reason));
}

/* A complete HELLO: the listener's decision. */
static void on_hello(struct host *h, struct sub *sub, const struct wire_hello *hello)
{
	bool ours =
		h->session && !memcmp(session_id(h->session), hello->session, WIRE_SESSION_ID_LEN);

	if (!handshake_version(hello))
		refuse(h, sub, WIRE_R_VERSION);
	else if (handshake_conflict(session_side(&h->config.session), hello->side))
		refuse(h, sub, WIRE_R_CONFLICT);
	else if (h->session && (!ours || !running(h)))
		refuse(h, sub, ours ? WIRE_R_NO_SESSION : WIRE_R_BUSY);
	else if (!h->session && hello->kind == WIRE_HELLO_JOIN)
		refuse(h, sub, WIRE_R_NO_SESSION);
	else if (!h->session)
		start_session(h, hello->session);
	if (sub->state == SUB_HELLO)
		open_sub(h, sub, hello);
}

static void read_hello(struct host *h, struct sub *sub)
{
	struct wire_hello hello;
	char text[HANDSHAKE_TEXT_LEN];

	while (sub->state == SUB_HELLO && conn_readable(sub->conn, h->side)) {
		size_t size, n = conn_readable(sub->conn, h->side);
		void *p = handshake_space(&sub->handshake, &size);

		n = n < size ? n : size;
		conn_read(sub->conn, h->side, p, n);
		switch (handshake_read(&sub->handshake, n, &hello, text)) {
		case HANDSHAKE_MORE:
			break;
		case HANDSHAKE_HELLO:
			on_hello(h, sub, &hello);
			break;
		default:
			drop(h, sub, text);
		}
	}
}

static void read_frames(struct host *h, struct sub *sub)
{
	while (sub->state == SUB_OPEN && conn_readable(sub->conn, h->side)) {
		struct iovec iov[SESSION_IOV];
		int n_iov = session_rx_space(h->session, sub->slot, iov);
		size_t n, done = 0;

		n = 1 + (size_t)rng_below(&h->rng, 2 * conn_readable(sub->conn, h->side));
		if (n > conn_readable(sub->conn, h->side))
			n = conn_readable(sub->conn, h->side);
		if (n_iov < 1 || n_iov > (int)SESSION_IOV) {
			host_wrong(h, "%d iovecs to read into", n_iov);
			return;
		}
		for (int i = 0; i < n_iov && done < n; i++) {
			size_t part = iov[i].iov_len < n - done ? iov[i].iov_len : n - done;

			if (!part) {
				host_wrong(h, "an empty iovec to read into");
				return;
			}
			conn_read(sub->conn, h->side, iov[i].iov_base, part);
			done += part;
		}
		if (session_rx(h->session, sub->slot, done, h->now_ns))
			drop_faulty(h, sub);
	}
}

static void read_all(struct host *h)
{
	for (unsigned i = 0; i < h->n_subs; i++) {
		struct sub *sub = &h->subs[i];

		if (sub->state == SUB_HELLO)
			read_hello(h, sub);
		if (sub->state == SUB_OPEN) {
			sub->conn->up[h->side] = true;
			read_frames(h, sub);
		}
		if (sub->state != SUB_FREE && conn_gone(sub->conn, h->side))
			drop(h, sub, sub->conn->reset[h->side] ? "reset" : "closed by the peer");
		if (sub->state == SUB_HELLO && h->now_ns - sub->conn->since_ns >= HELLO_NS)
			drop(h, sub, "it says nothing");
	}
}

/* One frame's worth for one subflow. */
static bool send_some(struct host *h, struct sub *sub)
{
	struct iovec iov[SESSION_IOV];
	size_t room, done = 0;
	int n_iov;

	room = sub->state == SUB_OPEN ? conn_room(sub->conn, h->side) : 0;
	if (!room)
		return false;
	n_iov = session_tx(h->session, sub->slot, h->now_ns, iov);
	if (n_iov > (int)SESSION_IOV)
		host_wrong(h, "%d iovecs to write", n_iov);
	for (int i = 0; i < n_iov && done < room; i++) {
		size_t part = iov[i].iov_len < room - done ? iov[i].iov_len : room - done;

		if (!part)
			host_wrong(h, "an empty iovec to write");
		conn_write(sub->conn, h->side, iov[i].iov_base, part, h->now_ns);
		done += part;
	}
	if (done)
		session_tx_done(h->session, sub->slot, done, h->now_ns);
	return done;
}

static bool send_all(struct host *h)
{
	bool any = false, again = h->session != NULL;

	if (h->session && (session_links_due(h->session) || (h->counts && rng_chance(&h->rng, 1))))
		count_links(h);
	if (h->session && h->counts && rng_chance(&h->rng, 1))
		change_facts(h);
	while (again && !h->wrong[0]) {
		again = false;
		for (unsigned i = 0; i < h->n_subs; i++) {
			unsigned at = h->config.rotate ? (h->next_sub + i) % h->n_subs : i;

			again |= send_some(h, &h->subs[at]);
		}
		h->next_sub++;
		any |= again;
	}
	return any;
}

/* Input and output
 * --------------------------------------------------------------------------------- */

static uint64_t pause_ns(struct host *h, unsigned percent, uint64_t max_ns)
{
	return rng_chance(&h->rng, percent) ? 1 + rng_below(&h->rng, max_ns) : 0;
}

/* Reads once; returns false when there is no room. */
static bool read_input(struct host *h)
{
	const struct source_config *cfg = &h->config.source;
	uint64_t end, n;
	size_t contiguous;
	uint8_t *p;

	if (session_input_room(h->session, &end) || end <= h->read)
		return false;
	p = winbuf_at(session_tx_buf(h->session), h->read, &contiguous);
	n = 1 + rng_below(&h->rng, cfg->read_max);
	n = n < end - h->read ? n : end - h->read;
	n = n < cfg->len - h->read ? n : cfg->len - h->read;
	n = n < contiguous ? n : contiguous;
	stream_fill(cfg->seed, h->read, p, (size_t)n);
	digest_feed_stream(h->input_digest, p, (size_t)n);
	h->read += n;
	session_input_advance(h->session, h->read, h->now_ns);
	h->read_ns = h->now_ns + pause_ns(h, cfg->pause_percent, cfg->pause_max_ns);
	return true;
}

static bool run_source(struct host *h)
{
	const struct source_config *cfg = &h->config.source;
	uint8_t digest[DIGEST_LEN];
	bool any = false, ended = false, readable, at_end;

	if (!running(h) || h->input_ended)
		return false;
	/* Asked before each read: a peer may take nothing at all. */
	while (running(h)) {
		readable = h->now_ns >= h->read_ns && h->read < cfg->len;
		at_end = cfg->eof && h->read == cfg->len && h->now_ns >= h->read_ns;
		ended = at_end || session_input_should_end(h->session, readable);
		if (ended || !readable || !read_input(h))
			break;
		any = true;
	}
	if (!ended)
		return any;
	trace(h, "input ends at %llu%s", (unsigned long long)h->read, at_end ? "" : " by rule");
	digest_stream_value(h->input_digest, digest);
	session_input_end(h->session, digest, h->now_ns);
	h->input_ended = true;
	return true;
}

static bool write_output(struct host *h)
{
	const struct sink_config *cfg = &h->config.sink;
	uint64_t n = session_output_end(h->session) - h->taken;
	size_t contiguous;
	const uint8_t *p;

	if (h->taken >= cfg->fail_at) {
		trace(h, "output fails at %llu", (unsigned long long)h->taken);
		session_abort(h->session, WIRE_R_OUTPUT, h->taken, "no space left on device");
		return false;
	}
	if (h->taken >= cfg->stall_at && !h->stalled) {
		h->stalled = true;
		h->write_ns = h->now_ns + cfg->stall_ns;
		return false;
	}
	if (!n)
		return false;
	p = winbuf_at(session_rx_buf(h->session), h->taken, &contiguous);
	n = n < contiguous ? n : contiguous;
	n = n < cfg->write_max ? n : 1 + rng_below(&h->rng, cfg->write_max);
	if (!stream_is(cfg->seed, h->taken, p, (size_t)n))
		host_wrong(h, "wrong bytes in the output between %llu and %llu",
			   (unsigned long long)h->taken, (unsigned long long)(h->taken + n));
	digest_feed_stream(h->output_digest, p, (size_t)n);
	h->taken += n;
	if (h->figures.last_output_ns &&
	    h->now_ns - h->figures.last_output_ns > h->figures.max_gap_ns)
		h->figures.max_gap_ns = h->now_ns - h->figures.last_output_ns;
	h->figures.last_output_ns = h->now_ns;
	session_output_taken(h->session, h->taken, h->now_ns);
	if (h->taken >= cfg->stop_at)
		session_stop(h->session);
	h->write_ns = h->now_ns + (cfg->rate ? n * NET_SECOND / cfg->rate : 0) +
		      pause_ns(h, cfg->pause_percent, cfg->pause_max_ns);
	return true;
}

static bool run_sink(struct host *h)
{
	uint8_t digest[DIGEST_LEN];
	bool any = false;

	while (running(h) && h->now_ns >= h->write_ns && write_output(h))
		any = true;
	if (!running(h) || h->now_ns < h->write_ns || !session_output_complete(h->session))
		return any;
	digest_stream_value(h->output_digest, digest);
	session_output_finish(h->session, digest, h->now_ns);
	h->figures.output_done_ns = h->now_ns;
	trace(h, "output is complete: %llu", (unsigned long long)h->taken);
	return true;
}

/* Time and end
 * ------------------------------------------------------------------------------------- */

static void run_tick(struct host *h)
{
	if (!h->session || h->now_ns < session_deadline(h->session))
		return;
	session_tick(h->session, h->now_ns);
	if (session_deadline(h->session) <= h->now_ns)
		host_wrong(h, "a tick leaves its deadline where it was");
	for (unsigned i = 0; i < h->n_subs; i++) {
		struct sub *sub = &h->subs[i];

		if (sub->state == SUB_OPEN && session_subflow_text(h->session, sub->slot))
			drop_faulty(h, sub);
	}
}

static void check_blocks(struct host *h)
{
	size_t limit = (size_t)(h->config.session.window / WINBUF_BLOCK) + 2;
	size_t tx = winbuf_n_blocks(session_tx_buf(h->session));
	size_t rx = winbuf_n_blocks(session_rx_buf(h->session));

	/* A block that a dead subflow had pinned is kept for the next one. */
	if (tx + rx > h->figures.max_blocks)
		h->figures.max_blocks = tx + rx;
	if (tx > limit + h->figures.max_open || rx > limit)
		host_wrong(h, "%zu blocks for sending, %zu for receiving, %zu are allowed", tx, rx,
			   limit);
}

static void drop_all(struct host *h, const char *why)
{
	struct session_stats stats;

	session_stats(h->session, &stats);
	h->figures.reinjected = stats.tx_reinjected;
	for (unsigned i = 0; i < h->n_subs; i++)
		if (h->subs[i].state != SUB_FREE)
			drop(h, &h->subs[i], why);
	h->over = true;
}

static void settle_failed(struct host *h)
{
	const struct session_end *end = session_end(h->session);
	bool flushed = true;

	if (h->give_up_ns == NET_NEVER) {
		trace(h, "session failed: kind %u reason %u: %s", end->kind, end->reason,
		      end->text);
		h->give_up_ns = h->now_ns + FLUSH_NS;
	}
	/* To close before the peer does could destroy what is still on its way to it. */
	for (unsigned i = 0; i < h->n_subs; i++)
		if (h->subs[i].state == SUB_OPEN)
			flushed &= end->kind == SESSION_END_PEER &&
				   session_tx_flushed(h->session, h->subs[i].slot);
	if (flushed || h->now_ns >= h->give_up_ns)
		drop_all(h, "the session failed");
}

static void settle(struct host *h)
{
	if (!h->session || h->over)
		return;
	check_blocks(h);
	switch (session_state(h->session)) {
	case SESSION_DONE:
		drop_all(h, "the session is done");
		break;
	case SESSION_FAILED:
		settle_failed(h);
		break;
	case SESSION_CONNECTING:
		if (!n_open(h) && !h->n_connecting && h->n_connects >= h->config.max_connects)
			session_give_up(h->session);
		if (session_state(h->session) == SESSION_FAILED)
			settle_failed(h);
		break;
	default:
		break;
	}
}

void host_run(struct host *h, uint64_t now_ns)
{
	bool again = true;

	h->now_ns = now_ns;
	if (h->over)
		return;
	run_tick(h);
	read_all(h);
	while (again && !h->wrong[0]) {
		again = run_sink(h);
		again |= run_source(h);
		again |= send_all(h);
	}
	settle(h);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t host_next(const struct host *h)
{
	uint64_t next = NET_NEVER;

	if (h->over)
		return NET_NEVER;
	for (unsigned i = 0; i < h->n_subs; i++)
		if (h->subs[i].state == SUB_HELLO)
			next = earlier(next, h->subs[i].conn->since_ns + HELLO_NS);
	if (!h->session)
		return next;
	next = earlier(next, session_deadline(h->session));
	next = earlier(next, h->give_up_ns);
	if (h->read_ns > h->now_ns && !h->input_ended)
		next = earlier(next, h->read_ns);
	if (h->write_ns > h->now_ns)
		next = earlier(next, h->write_ns);
	if (h->retry_ns > h->now_ns)
		next = earlier(next, h->retry_ns);
	return next;
}
