/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handshake.c - HELLO and its answer, before there is a session
 *
 * A listener reads a connection in three steps, each of a length that is known when the step
 * begins:
 *
 *   preface (8 bytes) --> header of HELLO --> body of HELLO --> HANDSHAKE_HELLO
 *        |                      |                  |
 *        +--- a wrong byte -----+--- malformed ----+---------> HANDSHAKE_STRANGER
 *
 * `want` is the end of the step, `have` what has come; have < want between calls, so that not a
 * byte after HELLO is taken from the connection. Neither exceeds sizeof(buf): wire_get_header()
 * bounds the length of a body. A stranger shows itself by its first wrong byte: the listener does
 * not wait for eight.
 *
 * The side that asks has the whole answer in a buffer of its own and reads it again from the
 * beginning with each piece (handshake_answer); so this side has no state.
 */
#include "session/handshake.h"

#include <assert.h>
#include <string.h>

#include "util/text.h"

#define HEADER_END (WIRE_PREFACE_LEN + WIRE_HEADER_LEN)

void handshake_init(struct handshake *h)
{
	h->have = 0;
	h->want = WIRE_PREFACE_LEN;
}

void *handshake_space(struct handshake *h, size_t *size_out)
{
	*size_out = h->want - h->have;
	return h->buf + h->have;
}

static enum handshake_result stranger(const struct handshake *h, char text_out[HANDSHAKE_TEXT_LEN])
{
	text_quote(text_out, HANDSHAKE_TEXT_LEN, h->buf, h->have < 32 ? h->have : 32);
	return HANDSHAKE_STRANGER;
}

/* The header of HELLO is complete: how long is its body? */
static enum handshake_result read_header(struct handshake *h, char text_out[HANDSHAKE_TEXT_LEN])
{
	struct wire_header header;

	if (wire_get_header(h->buf + WIRE_PREFACE_LEN, &header) || header.type != WIRE_HELLO ||
	    !header.length)
		return stranger(h, text_out);
	h->want = HEADER_END + header.length;
	return HANDSHAKE_MORE;
}

static enum handshake_result read_body(struct handshake *h, struct wire_hello *hello_out,
				       char text_out[HANDSHAKE_TEXT_LEN])
{
	const uint8_t *body = h->buf + HEADER_END;
	struct wire_header header;

	if (wire_get_header(h->buf + WIRE_PREFACE_LEN, &header) ||
	    !wire_check_ok(h->buf + WIRE_PREFACE_LEN, &header, body) ||
	    wire_get_hello(body, header.length, hello_out))
		return stranger(h, text_out);
	return HANDSHAKE_HELLO;
}

enum handshake_result handshake_read(struct handshake *h, size_t n, struct wire_hello *hello_out,
				     char text_out[HANDSHAKE_TEXT_LEN])
{
	size_t preface = h->have + n < WIRE_PREFACE_LEN ? h->have + n : WIRE_PREFACE_LEN;

	assert(n <= h->want - h->have);
	h->have += n;
	/* The first wrong byte is enough: a stranger need not send eight. */
	if (memcmp(h->buf, WIRE_PREFACE, preface))
		return stranger(h, text_out);
	if (h->have < h->want)
		return HANDSHAKE_MORE;
	if (h->want == WIRE_PREFACE_LEN) {
		h->want = HEADER_END;
		return HANDSHAKE_MORE;
	}
	if (h->want == HEADER_END)
		return read_header(h, text_out);
	return read_body(h, hello_out, text_out);
}

size_t handshake_refuse(uint8_t *out, size_t size, enum wire_reason reason, const char *text)
{
	struct wire_notice notice = { .reason = (uint16_t)reason };
	size_t n;

	if (size < WIRE_PREFACE_LEN)
		return 0;
	memcpy(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	text_printf(notice.text, sizeof(notice.text), "%s", text);
	n = wire_put_notice(out + WIRE_PREFACE_LEN, size - WIRE_PREFACE_LEN, WIRE_REFUSE, &notice);
	return n ? WIRE_PREFACE_LEN + n : 0;
}

size_t handshake_ask(uint8_t *out, size_t size, enum wire_hello_kind kind)
{
	const struct wire_hello m = { .kind = (uint8_t)kind };

	return handshake_ask_with(out, size, &m);
}

size_t handshake_ask_with(uint8_t *out, size_t size, const struct wire_hello *hello)
{
	struct wire_hello m = *hello;
	size_t n;

	m.version_min = WIRE_VERSION_MIN;
	m.version_max = WIRE_VERSION_MAX;
	if (size < WIRE_PREFACE_LEN)
		return 0;
	memcpy(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	n = wire_put_hello(out + WIRE_PREFACE_LEN, size - WIRE_PREFACE_LEN, &m);
	return n ? WIRE_PREFACE_LEN + n : 0;
}

enum handshake_answer handshake_answer(const uint8_t *in, size_t len, struct wire_welcome *welcome,
				       struct wire_notice *refusal,
				       char text_out[HANDSHAKE_TEXT_LEN])
{
	const uint8_t *head = in + WIRE_PREFACE_LEN, *body = in + HEADER_END;
	size_t preface = len < WIRE_PREFACE_LEN ? len : WIRE_PREFACE_LEN;
	struct wire_header h;

	text_quote(text_out, HANDSHAKE_TEXT_LEN, in, len < 32 ? len : 32);
	if (memcmp(in, WIRE_PREFACE, preface))
		return HANDSHAKE_ANSWER_STRANGER;
	if (len < HEADER_END)
		return HANDSHAKE_ANSWER_MORE;
	if (wire_get_header(head, &h) || (h.type != WIRE_WELCOME && h.type != WIRE_REFUSE))
		return HANDSHAKE_ANSWER_STRANGER;
	if (len < HEADER_END + h.length)
		return HANDSHAKE_ANSWER_MORE;
	if (!wire_check_ok(head, &h, body))
		return HANDSHAKE_ANSWER_STRANGER;
	if (h.type == WIRE_WELCOME && !wire_get_welcome(body, h.length, welcome))
		return HANDSHAKE_ANSWER_WELCOME;
	if (h.type == WIRE_REFUSE && !wire_get_notice(&h, body, refusal))
		return HANDSHAKE_ANSWER_REFUSED;
	return HANDSHAKE_ANSWER_STRANGER;
}

size_t handshake_welcome(uint8_t *out, size_t size, const struct wire_welcome *m)
{
	size_t n;

	if (size < WIRE_PREFACE_LEN)
		return 0;
	memcpy(out, WIRE_PREFACE, WIRE_PREFACE_LEN);
	n = wire_put_welcome(out + WIRE_PREFACE_LEN, size - WIRE_PREFACE_LEN, m);
	return n ? WIRE_PREFACE_LEN + n : 0;
}

uint16_t handshake_version(const struct wire_hello *hello)
{
	uint16_t v = hello->version_max < WIRE_VERSION_MAX ? hello->version_max : WIRE_VERSION_MAX;

	return v >= WIRE_VERSION_MIN && v >= hello->version_min ? v : 0;
}

bool handshake_conflict(uint8_t ours, uint8_t theirs)
{
	return ours & theirs & (WIRE_SIDE_SEND_ONLY | WIRE_SIDE_RECV_ONLY);
}
