/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - the frames of the protocol: one encoder and one decoder each
 *
 * doc/PROTOCOL.md is the description of record; it changes in the same commit as this file.
 * test-protocol-page.c compares that page's tables and vectors with this file.
 * No I/O, no allocation. Every decoder accepts arbitrary bytes: it returns 0 or WIRE_E_MALFORMED
 * and never reads beyond what it was given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/cost.h"
#include "wire/digest.h"
#include "wire/facts.h"

/* What each side says first on each connection. A peer that says anything else does not speak mpnc.
 */
#define WIRE_PREFACE     "mpnc/1\r\n"
#define WIRE_PREFACE_LEN 8

#define WIRE_VERSION_MIN 1
#define WIRE_VERSION_MAX 1

/* Feature bits that this version knows. */
#define WIRE_FEATURE_PROVE 1u /* the listener proves that it has a session: HELLO (prove) */
#define WIRE_FEATURES      WIRE_FEATURE_PROVE

#define WIRE_HEADER_LEN 24

/* Payload of one DATA frame. More would only make a slow subflow hold a larger hole open. */
#define WIRE_DATA_MAX (1u << 20)

/* Ranges in one ACK. They are a help for retransmission, not needed for correctness, so an ACK that
 * has more to tell leaves the highest out. */
#define WIRE_ACK_RANGES 128

/* Body of any frame but DATA: the largest ACK, and room for what later versions put into HELLO. */
#define WIRE_CONTROL_MAX 4096

/* Text in REFUSE and ABORT. One line on a terminal or two. */
#define WIRE_TEXT_MAX 240

/* Bytes of stream that a client may send before it has read WELCOME. */
#define WIRE_INITIAL_WINDOW (256u << 10)

#define WIRE_SESSION_ID_LEN 16

/* Of the types that a receiver does not know, those from WIRE_OPTIONAL on are skipped; those below
 * are an error. */
enum wire_type {
	WIRE_HELLO = 1,
	WIRE_WELCOME = 2,
	WIRE_REFUSE = 3,
	WIRE_DATA = 4,    /* value: stream offset of the first byte */
	WIRE_ACK = 5,     /* value: all below this offset is held */
	WIRE_END = 6,     /* value: length of the stream */
	WIRE_CONFIRM = 7, /* value: length of the stream that was taken and matched its digest */
	WIRE_STOP = 8,    /* value: offset taken so far; please end your stream */
	WIRE_ABORT = 9,   /* value: offset that its output has reached */
	WIRE_PING = 10,   /* value: anything */
	WIRE_PONG = 11,   /* value: the PING's */
	WIRE_DONE = 12,   /* value: 0; the sender of this needs nothing more */
	WIRE_LINKS = 13,  /* value: time_ns of struct wire_links */
	WIRE_LANE = 14,   /* value: 0; of the subflow on which it comes */
	WIRE_DRAIN = 15,  /* value: 0; no more DATA on this subflow, it is to be closed */
	WIRE_FACTS = 16,  /* value: number of the change, from 1 */
	WIRE_TYPES,       /* those above are below this */
	WIRE_OPTIONAL = 128,
	WIRE_COST = 128, /* value: cpu_ns of struct wire_cost */
};

enum wire_error {
	WIRE_OK = 0,
	WIRE_E_MALFORMED = 1,
};

/* Why a connection is refused (REFUSE) or a session given up (ABORT). Numbers are for ever. */
enum wire_reason {
	WIRE_R_NONE = 0,
	WIRE_R_BUSY = 1,       /* another session is running here */
	WIRE_R_NO_SESSION = 2, /* a join names a session that is not here */
	WIRE_R_VERSION = 3,    /* no common protocol version */
	WIRE_R_LIMIT = 4,      /* too many subflows or sessions */
	WIRE_R_CONFLICT = 5,   /* both ends only send, or both only receive */
	WIRE_R_PROTOCOL = 6,   /* the peer broke the protocol */
	WIRE_R_OUTPUT = 7,     /* writing the output failed: disk full, consumer gone */
	WIRE_R_INPUT = 8,      /* reading the input failed */
	WIRE_R_SIGNAL = 9,     /* a signal ended the program */
	WIRE_R_TIMEOUT = 10,   /* idle for longer than -w */
	WIRE_R_DIGEST = 11,    /* the stream does not match its digest */
	WIRE_R_STOPPED = 12,   /* STOP came while there was more to send */
	WIRE_R_MEMORY = 13,    /* no memory */
	WIRE_R_KEY = 14,       /* plain, where TLS is wanted */
	WIRE_R_PURPOSE = 15,   /* the listener serves measurements only */
	WIRE_R_TARGET = 16,    /* what a relay is to connect to cannot be reached, or is none */
};

struct wire_header {
	uint8_t type;
	uint8_t flags;   /* none defined: sent as 0, ignored */
	uint32_t length; /* bytes of body after the header */
	uint64_t value;  /* see enum wire_type */
	uint64_t check;  /* XXH3-64(body, seed = XXH3-64(first 16 bytes of the header)) */
};

/* Facts of one side about its end of the session, in HELLO and WELCOME. */
enum wire_side {
	WIRE_SIDE_NO_INPUT = 1,  /* has nothing to send: ends when the peer's stream ended */
	WIRE_SIDE_SEND_ONLY = 2, /* takes no bytes */
	WIRE_SIDE_RECV_ONLY = 4, /* sends no bytes */
};

enum wire_hello_kind {
	WIRE_HELLO_NEW = 0,
	WIRE_HELLO_JOIN = 1,
	WIRE_HELLO_QUERY = 2,   /* wants WELCOME and no session */
	WIRE_HELLO_MEASURE = 3, /* as NEW, but the streams are thrown away */
	WIRE_HELLO_WARM = 4,    /* wants WELCOME, and the connection kept for another HELLO */
	WIRE_HELLO_PROVE = 5,   /* the same, if the listener has the session that items name */
};

#define WIRE_HELLO_KINDS (WIRE_HELLO_PROVE + 1)

struct wire_hello {
	uint16_t version_min;
	uint16_t version_max;
	uint32_t features;                    /* bits: WIRE_FEATURES */
	uint8_t kind;                         /* enum wire_hello_kind */
	uint8_t side;                         /* enum wire_side, or-ed */
	uint16_t n_subflows;                  /* as many as the sender would like in all */
	uint8_t session[WIRE_SESSION_ID_LEN]; /* PROVE: a challenge, any random bytes */
	uint64_t edge;                        /* the peer may send stream bytes below this offset */
	struct wire_items items;
};

struct wire_welcome {
	uint16_t version;
	uint8_t side;
	uint32_t features;   /* those of HELLO that are in use */
	uint16_t n_subflows; /* as many as will be accepted in all */
	uint64_t edge;
	struct wire_items items;
};

struct wire_range {
	uint64_t start; /* first offset */
	uint64_t end;   /* first offset beyond */
};

struct wire_ack {
	uint64_t received; /* in the header's value */
	uint64_t taken;    /* the output took all below */
	uint64_t edge;     /* the sender may send below; never goes back */
	uint32_t n_ranges;
	struct wire_range ranges[WIRE_ACK_RANGES]; /* held beyond `received`, ascending, disjoint */
};

/* REFUSE and ABORT. */
struct wire_notice {
	uint16_t reason;              /* enum wire_reason, or one that a later version knows */
	uint64_t offset;              /* ABORT: in the header's value */
	char text[WIRE_TEXT_MAX + 1]; /* NUL-terminated; made printable by the decoder */
};

/* Header ------------------------------------------------------------------------------------- */

/* The seed of a frame's check: binds type, length and value to the body. */
uint64_t wire_seed(const uint8_t header[WIRE_HEADER_LEN]);

/* Writes a complete header for a body that is contiguous in memory. */
void wire_put_header(uint8_t out[WIRE_HEADER_LEN], enum wire_type type, uint64_t value,
		     const void *body, size_t length);

/* The same for DATA on a connection that authenticates what it carries: the check is that of the
 * header and no bytes. */
void wire_put_sealed_header(uint8_t out[WIRE_HEADER_LEN], uint64_t value, size_t length);

/* Splits a header. The check is not tested here: it needs the body. Lengths beyond what the type
 * may have, and types that are neither known nor optional, are WIRE_E_MALFORMED. */
int wire_get_header(const uint8_t in[WIRE_HEADER_LEN], struct wire_header *out);

/* Does the body (contiguous, h->length bytes) match the header's check? */
bool wire_check_ok(const uint8_t in[WIRE_HEADER_LEN], const struct wire_header *h,
		   const void *body);

/* Frames ------------------------------------------------------------------------------------- */

/* Each writes header and body, and returns the bytes written: at most size, 0 if it does not fit.
 */
size_t wire_put_hello(uint8_t *out, size_t size, const struct wire_hello *m);
size_t wire_put_welcome(uint8_t *out, size_t size, const struct wire_welcome *m);
size_t wire_put_ack(uint8_t *out, size_t size, const struct wire_ack *m);
size_t wire_put_end(uint8_t *out, size_t size, uint64_t total, const uint8_t digest[DIGEST_LEN]);
size_t wire_put_notice(uint8_t *out, size_t size, enum wire_type type, const struct wire_notice *m);

size_t wire_put_links(uint8_t *out, size_t size, const struct wire_links *m);
size_t wire_put_facts(uint8_t *out, size_t size, uint64_t serial, const struct wire_facts *m);

size_t wire_put_lane(uint8_t *out, size_t size, const struct wire_lane *m);
size_t wire_put_cost(uint8_t *out, size_t size, const struct wire_cost *m);

/* CONFIRM, STOP, PING, PONG, DONE, DRAIN: no body. */
size_t wire_put_plain(uint8_t *out, size_t size, enum wire_type type, uint64_t value);

/* Each reads the body of a frame whose header was split and whose check was tested. Unknown items
 * of HELLO, WELCOME and FACTS, and bytes behind the known fields of all others, are ignored: later
 * versions put theirs there. */
int wire_get_hello(const uint8_t *body, size_t length, struct wire_hello *out);
int wire_get_welcome(const uint8_t *body, size_t length, struct wire_welcome *out);
int wire_get_ack(const struct wire_header *h, const uint8_t *body, struct wire_ack *out);
int wire_get_end(const uint8_t *body, size_t length, uint8_t digest[DIGEST_LEN]);
int wire_get_links(const struct wire_header *h, const uint8_t *body, struct wire_links *out);
int wire_get_lane(const struct wire_header *h, const uint8_t *body, struct wire_lane *out);
int wire_get_facts(const uint8_t *body, size_t length, struct wire_facts *out);
int wire_get_notice(const struct wire_header *h, const uint8_t *body, struct wire_notice *out);
int wire_get_cost(const struct wire_header *h, const uint8_t *body, struct wire_cost *out);

/* A few words for a reason, never NULL: "another session is running". */
const char *wire_reason_text(unsigned reason);
