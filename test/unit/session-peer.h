/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session-peer.h - for tests of one session: this program is the peer, frame by frame
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/handshake.h"
#include "session/session_links.h"
#include "session/session_stream.h"
#include "session/session_subflow.h"

#define MS     1000000ull
#define WINDOW (1u << 20)
#define OUT    (4u << 20)

static uint8_t out[OUT]; /* what a session sent last */
static uint8_t payload[WINDOW];

/* What the streams are made of. */
static inline int fill_payload(void **state)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 2654435761u >> 13);
	return 0;
}

static inline struct session *start(enum session_role role, enum session_input input)
{
	struct session_config config = { .role = role,
					 .window = WINDOW,
					 .n_subflows = 4,
					 .input = input,
					 .id = "an id of a test" };
	struct session *s;

	assert_int_equal(session_new(&s, &config), 0);
	return s;
}

static const struct wire_hello some_hello = { .version_min = 1,
					      .version_max = 1,
					      .n_subflows = 4,
					      .session = "an id of a test",
					      .edge = WINDOW };

static inline uint16_t open_subflow(struct session *s, uint64_t now_ns)
{
	uint16_t slot;

	assert_int_equal(session_subflow_open(s, &some_hello, NULL, now_ns, &slot), 0);
	return slot;
}

/* Everything that goes out on a subflow now is in out[]; returns its length. */
static inline size_t drain(struct session *s, uint16_t slot, uint64_t now_ns)
{
	struct iovec iov[SESSION_IOV];
	size_t n = 0, len;
	int n_iov;

	while ((n_iov = session_tx(s, slot, now_ns, iov)) > 0) {
		len = 0;
		for (int i = 0; i < n_iov; i++) {
			assert_true(n + len + iov[i].iov_len <= OUT);
			memcpy(out + n + len, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
		}
		session_tx_done(s, slot, len, now_ns);
		n += len;
	}
	return n;
}

/* The same bytes come in, cut at every `cut` bytes. Returns the session's last word. */
static inline int feed_cut(struct session *s, uint16_t slot, const uint8_t *p, size_t n, size_t cut,
			   uint64_t now_ns)
{
	int r = 0;

	while (n && !r) {
		struct iovec iov[SESSION_IOV];
		int n_iov = session_rx_space(s, slot, iov);
		size_t got = 0, most = n < cut ? n : cut;

		assert_true(n_iov >= 1);
		for (int i = 0; i < n_iov && got < most; i++) {
			size_t part = most - got < iov[i].iov_len ? most - got : iov[i].iov_len;

			assert_true(part > 0);
			memcpy(iov[i].iov_base, p + got, part);
			got += part;
		}
		r = session_rx(s, slot, got, now_ns);
		p += got;
		n -= got;
	}
	return r;
}

static inline int feed(struct session *s, uint16_t slot, const uint8_t *p, size_t n,
		       uint64_t now_ns)
{
	return feed_cut(s, slot, p, n, SIZE_MAX, now_ns);
}

static inline int feed_plain(struct session *s, uint16_t slot, enum wire_type type, uint64_t value)
{
	uint8_t frame[64];

	return feed(s, slot, frame, wire_put_plain(frame, sizeof(frame), type, value), MS);
}

/* A frame with any body. */
static inline int feed_frame(struct session *s, uint16_t slot, unsigned type, uint64_t value,
			     const void *body, size_t len)
{
	uint8_t header[WIRE_HEADER_LEN];
	int r;

	wire_put_header(header, (enum wire_type)type, value, body, len);
	r = feed(s, slot, header, sizeof(header), MS);
	return r ? r : feed(s, slot, body, len, MS);
}

static inline int feed_data(struct session *s, uint16_t slot, uint64_t offset, size_t len)
{
	return feed_frame(s, slot, WIRE_DATA, offset, payload + offset, len);
}

static inline void digest_of(size_t len, uint8_t digest[DIGEST_LEN])
{
	struct digest *d;

	assert_int_equal(digest_new(&d), 0);
	digest_begin_stream(d);
	digest_feed_stream(d, payload, len);
	digest_stream_value(d, digest);
	digest_free(d);
}

static inline int feed_end(struct session *s, uint16_t slot, uint64_t total)
{
	uint8_t frame[128], digest[DIGEST_LEN];

	digest_of((size_t)total, digest);
	return feed(s, slot, frame, wire_put_end(frame, sizeof(frame), total, digest), MS);
}

static inline int feed_ack(struct session *s, uint16_t slot, uint64_t received, uint64_t now_ns)
{
	struct wire_ack m = { .received = received, .taken = received, .edge = received + WINDOW };
	uint8_t frame[128];

	return feed(s, slot, frame, wire_put_ack(frame, sizeof(frame), &m), now_ns);
}

static inline int feed_welcome(struct session *s, uint16_t slot, uint16_t version, uint8_t side)
{
	struct wire_welcome m = {
		.version = version, .side = side, .n_subflows = 4, .edge = WINDOW
	};
	uint8_t frame[256];
	size_t n;

	memcpy(frame, WIRE_PREFACE, WIRE_PREFACE_LEN);
	n = wire_put_welcome(frame + WIRE_PREFACE_LEN, sizeof(frame) - WIRE_PREFACE_LEN, &m);
	return feed(s, slot, frame, WIRE_PREFACE_LEN + n, MS);
}

static inline void input(struct session *s, size_t len, uint64_t now_ns)
{
	for (size_t at = 0; at < len;) {
		uint64_t room;
		size_t contiguous;
		uint8_t *p;

		assert_int_equal(session_input_room(s, &room), 0);
		assert_true(room > at);
		p = winbuf_at(session_tx_buf(s), at, &contiguous);
		contiguous = contiguous < len - at ? contiguous : len - at;
		contiguous = contiguous < room - at ? contiguous : room - at;
		memcpy(p, payload + at, contiguous);
		at += contiguous;
		session_input_advance(s, at, now_ns);
	}
}

static inline void input_end(struct session *s, size_t len)
{
	uint8_t digest[DIGEST_LEN];

	digest_of(len, digest);
	session_input_end(s, digest, MS);
}

/* The output takes all that it can, and finishes when it is complete. */
static inline void take(struct session *s)
{
	uint64_t end = session_output_end(s);
	uint8_t digest[DIGEST_LEN];

	for (uint64_t at = 0; at < end; at++) {
		size_t contiguous;

		if (at >= end - 1 || at % 4096 == 0)
			assert_int_equal(*winbuf_at(session_rx_buf(s), at, &contiguous),
					 payload[at]);
	}
	session_output_taken(s, end, MS);
	digest_of((size_t)end, digest);
	if (session_output_complete(s))
		session_output_finish(s, digest, MS);
}

/* The n-th frame of a type in out[0 .. len), NULL when it has none. skip: bytes of the preface.
 */
static const uint8_t *find(size_t len, size_t skip, enum wire_type type, struct wire_header *h)
{
	for (size_t at = skip; at < len; at += WIRE_HEADER_LEN + h->length) {
		assert_int_equal(wire_get_header(out + at, h), 0);
		assert_true(at + WIRE_HEADER_LEN + h->length <= len);
		assert_true(wire_check_ok(out + at, h, out + at + WIRE_HEADER_LEN));
		if (h->type == type)
			return out + at + WIRE_HEADER_LEN;
	}
	return NULL;
}

static inline bool sends(struct session *s, uint16_t slot, enum wire_type type, uint64_t now_ns)
{
	struct wire_header h;

	return find(drain(s, slot, now_ns), 0, type, &h) != NULL;
}

/* A server with a subflow, after its WELCOME. */
static inline struct session *server(uint16_t *slot_out)
{
	struct session *s = start(SESSION_SERVER, SESSION_INPUT_STREAM);

	*slot_out = open_subflow(s, 0);
	drain(s, *slot_out, 0);
	return s;
}

/* A client with a subflow, after the peer's WELCOME. */
static inline struct session *client(uint16_t *slot_out)
{
	struct session *s = start(SESSION_CLIENT, SESSION_INPUT_STREAM);

	*slot_out = open_subflow(s, 0);
	drain(s, *slot_out, 0);
	assert_int_equal(feed_welcome(s, *slot_out, 1, 0), 0);
	assert_int_equal(session_state(s), SESSION_OPEN);
	return s;
}

static inline void is_closed(struct session *s, uint16_t slot, int r, const char *text)
{
	assert_int_equal(r, SESSION_E_CLOSE);
	assert_non_null(session_subflow_text(s, slot));
	assert_non_null(strstr(session_subflow_text(s, slot), text));
	assert_int_not_equal(session_state(s), SESSION_FAILED);
}

static inline void is_broken_off(struct session *s, uint16_t slot)
{
	struct wire_notice m;
	struct wire_header h;
	const uint8_t *body;

	assert_int_equal(session_state(s), SESSION_FAILED);
	assert_int_equal(session_end(s)->kind, SESSION_END_PROTOCOL);
	body = find(drain(s, slot, MS), 0, WIRE_ABORT, &h);
	assert_non_null(body);
	assert_int_equal(wire_get_notice(&h, body, &m), 0);
	assert_int_equal(m.reason, WIRE_R_PROTOCOL);
	assert_true(session_tx_flushed(s, slot));
}
