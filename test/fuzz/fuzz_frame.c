/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame: first byte, header, body. With an odd first byte the header gets the length and the
 * check of the body that is there, so that the decoders are reached. What decodes must encode again
 * to something that decodes to the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_input.h"
#include "wire/frame.h"

#define HELLO_FIELDS 36 /* bytes of its fields */

#define FRAME_MAX (WIRE_HEADER_LEN + WIRE_CONTROL_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Splits a frame that our own encoder made. */
static const uint8_t *split(const uint8_t *frame, size_t len, struct wire_header *h)
{
	must(len >= WIRE_HEADER_LEN && wire_get_header(frame, h) == 0);
	must(h->length == len - WIRE_HEADER_LEN);
	must(wire_check_ok(frame, h, frame + WIRE_HEADER_LEN));
	return frame + WIRE_HEADER_LEN;
}

static void try_hello(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_hello a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	if (wire_get_hello(body, h->length, &a))
		return;
	p = split(frame, wire_put_hello(frame, sizeof(frame), &a), &again);
	must(!wire_get_hello(p, again.length, &b));
	/* After the fields: items; unknown ones and odd names do not come again. */
	must(!memcmp(&a, &b, sizeof(a)) && !memcmp(p, body, HELLO_FIELDS));
}

static void try_welcome(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_welcome a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	if (wire_get_welcome(body, h->length, &a))
		return;
	p = split(frame, wire_put_welcome(frame, sizeof(frame), &a), &again);
	must(!wire_get_welcome(p, again.length, &b));
	must(!memcmp(&a, &b, sizeof(a)));
	must(a.items.facts.n_links <= WIRE_LINKS_MAX);
}

static void try_links(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_links a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	if (wire_get_links(h, body, &a))
		return;
	must(a.n <= WIRE_LINKS_MAX);
	p = split(frame, wire_put_links(frame, sizeof(frame), &a), &again);
	must(!wire_get_links(&again, p, &b) && !memcmp(&a, &b, sizeof(a)));
}

static void try_lane(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_lane a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	if (wire_get_lane(h, body, &a))
		return;
	p = split(frame, wire_put_lane(frame, sizeof(frame), &a), &again);
	must(!wire_get_lane(&again, p, &b) && !memcmp(&a, &b, sizeof(a)));
}

static void try_cost(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_cost a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	if (wire_get_cost(h, body, &a))
		return;
	must(a.busiest < WIRE_STAGES);
	p = split(frame, wire_put_cost(frame, sizeof(frame), &a), &again);
	must(!wire_get_cost(&again, p, &b) && !memcmp(&a, &b, sizeof(a)));
}

static void try_facts(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_facts a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;

	if (wire_get_facts(body, h->length, &a))
		return;
	must(a.n_links <= WIRE_LINKS_MAX && wire_facts_same(&a, &a));
	p = split(frame, wire_put_facts(frame, sizeof(frame), h->value, &a), &again);
	must(!wire_get_facts(p, again.length, &b) && again.value == h->value);
	must(wire_facts_same(&a, &b));
}

static void try_ack(const struct wire_header *h, const uint8_t *body)
{
	static struct wire_ack a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;
	uint64_t low;

	if (wire_get_ack(h, body, &a))
		return;
	must(a.taken <= a.received && a.received <= a.edge && a.n_ranges <= WIRE_ACK_RANGES);
	low = a.received;
	for (uint32_t i = 0; i < a.n_ranges; i++) {
		must(a.ranges[i].start > low && a.ranges[i].end > a.ranges[i].start);
		low = a.ranges[i].end;
	}
	p = split(frame, wire_put_ack(frame, sizeof(frame), &a), &again);
	must(!wire_get_ack(&again, p, &b));
	must(a.received == b.received && a.taken == b.taken && a.edge == b.edge &&
	     a.n_ranges == b.n_ranges &&
	     !memcmp(a.ranges, b.ranges, a.n_ranges * sizeof(a.ranges[0])));
}

static void try_end(const struct wire_header *h, const uint8_t *body)
{
	uint8_t digest[DIGEST_LEN], frame[FRAME_MAX];
	struct wire_header again;

	if (wire_get_end(body, h->length, digest))
		return;
	split(frame, wire_put_end(frame, sizeof(frame), h->value, digest), &again);
	must(again.value == h->value && !memcmp(frame + WIRE_HEADER_LEN, body, DIGEST_LEN));
}

static void try_notice(const struct wire_header *h, const uint8_t *body)
{
	struct wire_notice a, b;
	uint8_t frame[FRAME_MAX];
	struct wire_header again;
	const uint8_t *p;
	size_t n;

	if (wire_get_notice(h, body, &a))
		return;
	n = strnlen(a.text, sizeof(a.text));
	must(n <= WIRE_TEXT_MAX);
	for (size_t i = 0; i < n; i++)
		must(a.text[i] >= ' ' && a.text[i] <= '~');
	must(wire_reason_text(a.reason)[0]);
	p = split(frame, wire_put_notice(frame, sizeof(frame), (enum wire_type)h->type, &a),
		  &again);
	must(!wire_get_notice(&again, p, &b));
	must(a.reason == b.reason && a.offset == b.offset && !strcmp(a.text, b.text));
}

static void decode(const struct wire_header *h, const uint8_t *body)
{
	switch (h->type) {
	case WIRE_HELLO:
		try_hello(h, body);
		break;
	case WIRE_WELCOME:
		try_welcome(h, body);
		break;
	case WIRE_ACK:
		try_ack(h, body);
		break;
	case WIRE_LINKS:
		try_links(h, body);
		break;
	case WIRE_LANE:
		try_lane(h, body);
		break;
	case WIRE_FACTS:
		try_facts(h, body);
		break;
	case WIRE_COST:
		try_cost(h, body);
		break;
	case WIRE_END:
		try_end(h, body);
		break;
	case WIRE_REFUSE:
	case WIRE_ABORT:
		try_notice(h, body);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t header[WIRE_HEADER_LEN], *body;
	struct wire_header h;
	bool mend;
	size_t len;

	if (size < 1 + WIRE_HEADER_LEN || size > WIRE_DATA_MAX)
		return 0;
	mend = data[0] & 1;
	memcpy(header, data + 1, sizeof(header));
	len = size - 1 - WIRE_HEADER_LEN;
	/* Memory that ends where the body does, so that a read beyond it is noticed. */
	body = malloc(len ? len : 1);
	must(body != NULL);
	memcpy(body, data + 1 + WIRE_HEADER_LEN, len);
	if (mend) {
		for (int i = 0; i < 4; i++)
			header[4 + i] = (uint8_t)(len >> (24 - 8 * i));
	}
	if (!wire_get_header(header, &h) && h.length <= len) {
		must(h.length <= (h.type == WIRE_DATA ? WIRE_DATA_MAX : WIRE_CONTROL_MAX));
		if (mend)
			h.check = digest_check(body, h.length, wire_seed(header));
		if (wire_check_ok(header, &h, body))
			decode(&h, body);
		else
			must(!mend);
	}
	free(body);
	return 0;
}
