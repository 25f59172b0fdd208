/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a listener reads first, and what answers a query. The first byte says what follows:
 * with bit 0 the body of a HELLO and of a WELCOME, which get preface and a right header, else all
 * that the connection brings; with bit 1 the text of a REFUSE too. The result must not depend on
 * how the bytes are cut into pieces.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "session/handshake.h"

#define OPENING_MAX (WIRE_PREFACE_LEN + WIRE_HEADER_LEN + WIRE_CONTROL_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum handshake_result result;
	size_t used;
	struct wire_hello hello;
	char text[HANDSHAKE_TEXT_LEN];
};

static void talk(const uint8_t *in, size_t len, size_t step, struct outcome *out)
{
	struct handshake h;

	memset(out, 0, sizeof(*out));
	memset(&h, (int)step, sizeof(h));
	handshake_init(&h);
	while (out->used < len && out->result == HANDSHAKE_MORE) {
		size_t room, n = len - out->used < step ? len - out->used : step;
		void *to = handshake_space(&h, &room);

		must(room > 0);
		n = n < room ? n : room;
		memcpy(to, in + out->used, n);
		out->used += n;
		out->result = handshake_read(&h, n, &out->hello, out->text);
	}
}

static void check_outcome(const struct outcome *o)
{
	if (o->result == HANDSHAKE_STRANGER) {
		must(memchr(o->text, '\0', sizeof(o->text)) != NULL);
		for (const char *p = o->text; *p; p++)
			must(*p >= ' ' && *p <= '~');
	}
	if (o->result == HANDSHAKE_HELLO) {
		uint16_t version = handshake_version(&o->hello);

		must(!version || (version >= o->hello.version_min &&
				  version <= o->hello.version_max && version <= WIRE_VERSION_MAX));
		must(handshake_conflict(WIRE_SIDE_SEND_ONLY, o->hello.side) ==
		     !!(o->hello.side & WIRE_SIDE_SEND_ONLY));
	}
}

static void opening(const uint8_t *in, size_t len, size_t step)
{
	struct outcome whole, bytes, pieces;

	talk(in, len, SIZE_MAX, &whole);
	talk(in, len, 1, &bytes);
	talk(in, len, step, &pieces);
	check_outcome(&whole);
	check_outcome(&bytes);
	must(whole.result == bytes.result && whole.result == pieces.result);
	if (whole.result == HANDSHAKE_HELLO)
		must(whole.used == bytes.used && whole.used == pieces.used &&
		     !memcmp(&whole.hello, &bytes.hello, sizeof(whole.hello)) &&
		     !memcmp(&whole.hello, &pieces.hello, sizeof(whole.hello)));
}

/* In memory that ends where the bytes do. The answer is the same whenever enough of it is there. */
static void answer(const uint8_t *in, size_t len)
{
	static struct wire_welcome welcome;
	enum handshake_answer before = HANDSHAKE_ANSWER_MORE;
	struct wire_notice refusal;
	char text[HANDSHAKE_TEXT_LEN];

	for (size_t n = 0; n <= len; n++) {
		uint8_t *part = malloc(n ? n : 1);
		enum handshake_answer now;

		must(part != NULL);
		memcpy(part, in, n);
		now = handshake_answer(part, n, &welcome, &refusal, text);
		must(before == HANDSHAKE_ANSWER_MORE || now == before);
		before = now;
		free(part);
		must(memchr(text, '\0', sizeof(text)) != NULL);
	}
}

static void refuse(const uint8_t *in, size_t len)
{
	uint8_t out[WIRE_PREFACE_LEN + WIRE_HEADER_LEN + 4 + WIRE_TEXT_MAX];
	char *text = malloc(len + 1);
	struct wire_header h;
	struct wire_notice m;
	size_t n;

	must(text != NULL);
	memcpy(text, in, len);
	text[len] = '\0';
	n = handshake_refuse(out, sizeof(out), (enum wire_reason)(len & 31), text);
	must(n >= WIRE_PREFACE_LEN + WIRE_HEADER_LEN + 4);
	must(!wire_get_header(out + WIRE_PREFACE_LEN, &h) && h.type == WIRE_REFUSE);
	must(n == WIRE_PREFACE_LEN + WIRE_HEADER_LEN + h.length);
	must(wire_check_ok(out + WIRE_PREFACE_LEN, &h, out + WIRE_PREFACE_LEN + WIRE_HEADER_LEN));
	must(!wire_get_notice(&h, out + WIRE_PREFACE_LEN + WIRE_HEADER_LEN, &m));
	must(m.reason == (len & 31));
	must(strlen(m.text) == (strlen(text) < WIRE_TEXT_MAX ? strlen(text) : WIRE_TEXT_MAX));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t made[OPENING_MAX];
	uint8_t what;

	if (!size)
		return 0;
	what = *data++;
	size--;
	if (what & 2)
		refuse(data, size);
	if (what & 1) {
		uint8_t *header = made + WIRE_PREFACE_LEN, *body = header + WIRE_HEADER_LEN;
		size_t len = size < WIRE_CONTROL_MAX ? size : WIRE_CONTROL_MAX;

		memcpy(made, WIRE_PREFACE, WIRE_PREFACE_LEN);
		memcpy(body, data, len);
		wire_put_header(header, WIRE_HELLO, 0, body, len);
		opening(made, WIRE_PREFACE_LEN + WIRE_HEADER_LEN + len, 1 + (what >> 2));
		wire_put_header(header, WIRE_WELCOME, 0, body, len);
		answer(made, WIRE_PREFACE_LEN + WIRE_HEADER_LEN + len);
	} else {
		opening(data, size, 1 + (what >> 2));
		answer(data, size < 200 ? size : 200);
	}
	return 0;
}
