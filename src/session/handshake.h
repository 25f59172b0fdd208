/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handshake.h - what a listener reads before it knows its peer
 *
 * Takes exactly the preface and HELLO from a connection, not a byte more, so that what follows can
 * be read by the session. Holds one small buffer and never allocates: this is all the memory that a
 * stranger gets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

/* Longest quotation of a stranger's bytes in a message. */
#define HANDSHAKE_TEXT_LEN 96

enum handshake_result {
	HANDSHAKE_MORE,     /* read more */
	HANDSHAKE_HELLO,    /* hello_out is filled */
	HANDSHAKE_STRANGER, /* not mpnc, or a broken HELLO: text_out says what it sent */
};

struct handshake {
	size_t have;
	size_t want; /* have < want until the next step */
	uint8_t buf[WIRE_PREFACE_LEN + WIRE_HEADER_LEN + WIRE_CONTROL_MAX];
};

void handshake_init(struct handshake *h);

/* Where the next bytes go and how many may come. */
void *handshake_space(struct handshake *h, size_t *size_out);

/* n bytes were put there; n <= size. hello_out is filled with HANDSHAKE_HELLO, text_out (a
 * quotation that is safe to print) with HANDSHAKE_STRANGER. */
enum handshake_result handshake_read(struct handshake *h, size_t n, struct wire_hello *hello_out,
				     char text_out[HANDSHAKE_TEXT_LEN]);

/* The answer to a connection that cannot be served: preface and REFUSE. Returns its length, 0 if
 * size is too small (WIRE_PREFACE_LEN + WIRE_HEADER_LEN + 4 + strlen(text) is enough). */
size_t handshake_refuse(uint8_t *out, size_t size, enum wire_reason reason, const char *text);

/*
 * A question to a listener, without a session
 *
 * What the listener is (QUERY), or whether it keeps the connection (WARM), which begins anew after
 * the answer.
 */

/* The longest answer. */
#define HANDSHAKE_ANSWER_LEN (WIRE_PREFACE_LEN + WIRE_HEADER_LEN + WIRE_CONTROL_MAX)

enum handshake_answer {
	HANDSHAKE_ANSWER_MORE,     /* it is not complete yet */
	HANDSHAKE_ANSWER_WELCOME,  /* *welcome is filled */
	HANDSHAKE_ANSWER_REFUSED,  /* *refusal is */
	HANDSHAKE_ANSWER_STRANGER, /* not mpnc: text_out quotes it */
};

/* Enough for preface and HELLO of a question. */
#define HANDSHAKE_ASK_LEN 100

/* Writes preface and HELLO of kind QUERY or WARM. Returns the length, 0 if size is too small. */
size_t handshake_ask(uint8_t *out, size_t size, enum wire_hello_kind kind);

/* The same with the other fields of *hello; the versions are filled in. */
size_t handshake_ask_with(uint8_t *out, size_t size, const struct wire_hello *hello);

/* The listener's answer: preface and WELCOME. Returns the length, 0 if size is too small
 * (HANDSHAKE_ANSWER_LEN is enough). */
size_t handshake_welcome(uint8_t *out, size_t size, const struct wire_welcome *m);

/* Reads all that has come of the answer. */
enum handshake_answer handshake_answer(const uint8_t *in, size_t len, struct wire_welcome *welcome,
				       struct wire_notice *refusal,
				       char text_out[HANDSHAKE_TEXT_LEN]);

/* Can the two sides (enum wire_side) not work together, as both only send or both only receive? */
bool handshake_conflict(uint8_t ours, uint8_t theirs);

/* Highest version that both speak; 0: they have none in common. */
uint16_t handshake_version(const struct wire_hello *hello);
