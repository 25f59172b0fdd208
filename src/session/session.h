/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one session: two streams, one in each direction, striped over subflows
 *
 * This header has the session's life: its configuration, its state, its outcome and its time.
 *
 *  - session_subflow.h: connections and their bytes
 *  - session_stream.h: our input and our output
 *  - session_links.h: what both sides know of links and lanes
 *  - stats.h: figures, as plain values
 *
 * The session makes no system call and reads no clock: bytes and the time go in, bytes and
 * deadlines come out. The caller owns sockets, files and threads. All times are nanoseconds of one
 * monotonic clock. One thread calls all functions; only the memory of a window may be used by
 * another one, as session_stream.h says.
 *
 * Invariants
 *  - A byte of input is kept until the peer holds it (ACK); a subflow's death never loses one.
 *  - A byte is offered to the output once, in order, after its chunk's check was right.
 *  - END, CONFIRM, STOP, ABORT and DONE go out on every subflow, so that none of them can be lost
 *    with one; their repetition is harmless. ACKs carry the whole state: the newest one is enough.
 *  - Memory: at most window bytes in each direction, the tables of sendwin.h and reasm.h, and per
 *    subflow two frames of control and one block. A window holds memory only for the bytes in it
 *    and for those that will be read next.
 *
 * The life of a stream at its sender: input_advance... input_end -> END -> CONFIRM received.
 * At its receiver: output_end grows -> output_taken... -> output_finish -> CONFIRM sent.
 * Both streams confirmed -> DONE in both directions -> SESSION_DONE.
 *
 * A session without a ready subflow waits for a new one, and continues where it stood: see
 * session_lost.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/stats.h"
#include "wire/frame.h"

/* Of sessions that share memory each window has at least this, the least that the protocol allows,
 * and this many times more than has gone through it: a sender that doubles what it has in flight
 * with each round trip, as TCP does, never waits for the window. */
#define SESSION_LEAST WIRE_INITIAL_WINDOW
#define SESSION_EARN  2

/* A session that found no memory asks again after this: seldom enough for a thousand of them. */
#define SESSION_RETRY_NS 50000000ull

/* A peer that can has long sent the missing bytes again: after this time the memory for those that
 * follow is held in vain. */
#define SESSION_GAP_NS 15000000000ull

/* The bytes that are missing may stand, in each socket, after a chunk that waits for memory: then
 * only the loss of a connection brings them, as the peer begins with them on the next one. Longer
 * than SESSION_GAP_NS: a peer that leaves a gap is to hear why its session ends. */
#define SESSION_STUCK_NS 20000000000ull

/* A consumer, here or there, may rest for this long. */
#define SESSION_STALL_NS 60000000000ull

/* A listener waits this long for a client that said HELLO and then vanished: most likely the client
 * had no WELCOME, and begins anew or not at all. */
#define SESSION_NEW_NS 5000000000ull

/* A client begins attempts until reconnect_ns are over. The last one has this much longer to be
 * answered, so that it is not made in vain: a round trip, also when its SYN was lost, which the
 * kernel sends again after a second. */
#define SESSION_ANSWER_NS 2000000000ull

/* A listener waits this much longer than reconnect_ns: for that answer, and because it may have
 * noticed the loss before the client did. */
#define SESSION_LINGER_NS 3000000000ull

#define SESSION_TEXT_LEN (WIRE_TEXT_MAX + 1)

#define SESSION_NO_DEADLINE UINT64_MAX

enum session_role { SESSION_CLIENT, SESSION_SERVER };

/* What our own input is, for the rules that end it (session_input_should_end). */
enum session_input {
	SESSION_INPUT_STREAM,   /* read to its end */
	SESSION_INPUT_TERMINAL, /* read, but the end of the peer's stream ends it */
	SESSION_INPUT_NONE,     /* nothing to read: /dev/null, closed, -d */
};

struct session_config {
	enum session_role role;
	uint8_t id[WIRE_SESSION_ID_LEN];
	uint64_t window;       /* bytes in each direction */
	unsigned n_subflows;   /* client: as many as wanted; server: as many as accepted */
	uint64_t reconnect_ns; /* how long a client tries to get a subflow when the last one is
				  lost; 0, on either side: the session ends with it */
	enum session_input input;
	bool measure;       /* client: the streams are for measuring, and thrown away */
	uint64_t wanted;    /* client that measures: length of the peer's stream; 0: until STOP */
	uint64_t expected;  /* so long our stream will be, for the peer's user; 0: not known */
	const char *target; /* client: the name of a relay's target; NULL: unnamed; borrowed */
	bool duplex;        /* read any input to its end */
	bool send_only;
	bool recv_only;
	struct wire_addrs addrs; /* server: further addresses that the client may join */
	uint64_t rate;           /* bytes per second that we send at most; 0: no limit */
	bool frugal;             /* one of many: see SESSION_FRUGAL_NS */
	struct winpool *pool;    /* memory for the windows, borrowed; NULL: the session's own. With
				    a limit: the windows have less while memory is short */
};

enum session_state {
	SESSION_CONNECTING, /* client: no WELCOME yet */
	SESSION_OPEN,
	SESSION_FAILED, /* see session_end(); ABORTs may still have to go out */
	SESSION_DONE,   /* all is confirmed and the peer knows it: close everything */
};

enum session_end_kind {
	SESSION_END_NONE,
	SESSION_END_LOST,     /* no subflow is left; reason TIMEOUT: for reconnect_ns, text */
	SESSION_END_REFUSED,  /* REFUSE came for the session; reason, text */
	SESSION_END_NOT_MPNC, /* text: what the peer sent, quoted */
	SESSION_END_LOCAL,    /* session_abort was called; reason, offset, text */
	SESSION_END_PEER,     /* ABORT came; reason, offset, text */
	SESSION_END_PROTOCOL, /* the peer broke the protocol; text */
	SESSION_END_DIGEST,   /* what was received does not match its digest */
};

/* Why a session holds memory and makes no use of it. */
enum session_stall {
	SESSION_STALL_NONE,
	SESSION_STALL_GAP,    /* bytes before those it holds are missing for SESSION_GAP_NS */
	SESSION_STALL_OUTPUT, /* our output has taken nothing for SESSION_STALL_NS */
	SESSION_STALL_PEER,   /* the peer has acknowledged nothing for as long */
};

struct session_end {
	enum session_end_kind kind;
	uint16_t reason; /* enum wire_reason */
	uint64_t offset;
	char text[SESSION_TEXT_LEN];
};

/* Return values > 0. */
enum session_error {
	SESSION_E_CLOSE = 1, /* close this subflow; session_subflow_text() says why */
	SESSION_E_LIMIT = 2, /* no room for one more subflow */
};

struct session;

/* Life */

/* The bits of HELLO and WELCOME (enum wire_side) for a configuration. */
uint8_t session_side(const struct session_config *config);

/* The configuration is copied. Returns 0 or -ENOMEM. */
int session_new(struct session **out, const struct session_config *config);
struct session *session_free(struct session *s);

const uint8_t *session_id(const struct session *s);

/* The protocol version in use; 0 before WELCOME, or before HELLO. */
uint16_t session_version(const struct session *s);

/* WIRE_FEATURES that both sides know; 0 before WELCOME. */
uint32_t session_features(const struct session *s);

enum session_state session_state(const struct session *s);

/* Why it failed; kind is SESSION_END_NONE otherwise. Borrowed. */
const struct session_end *session_end(const struct session *s);

/* Gives up: the peer hears why on every subflow. text is truncated to fit. */
void session_abort(struct session *s, enum wire_reason reason, uint64_t offset, const char *text);

/* Has the peer confirmed our own stream? And have we confirmed the peer's? */
bool session_sent_confirmed(const struct session *s);
bool session_received_confirmed(const struct session *s);

/* All is confirmed on our side; only the peer's DONE is missing. */
bool session_finished(const struct session *s);

/* Without a connection */

/* Is the session open without a subflow on which the peer is heard? It waits for a new one:
 * config.reconnect_ns and a little more, or SESSION_NEW_NS if nothing followed the first HELLO. It
 * also waits when only DONE is missing: the peer may lack our CONFIRM, which only this session can
 * repeat. */
bool session_lost(const struct session *s);

/* A client opens new subflows while this holds. Afterwards only the attempts already under way may
 * succeed. */
bool session_seeks(const struct session *s, uint64_t now_ns);

/* How long a lost session goes on looking for a subflow, in ns; 0: no longer. */
uint64_t session_lost_left(const struct session *s, uint64_t now_ns);

/* No further attempt to connect: ends as if the time for it were over or, before WELCOME, with what
 * the last attempt met, a REFUSE or nothing. */
void session_give_up(struct session *s);

/* Time */

/* When session_tick is due, SESSION_NO_DEADLINE: never. What a tick found due but no connection
 * could take is not due again: it leaves when one can. After a tick, ask each subflow's
 * session_subflow_text (a silent one is to be closed) and offer session_tx to those that can take
 * bytes. */
uint64_t session_deadline(const struct session *s);
void session_tick(struct session *s, uint64_t now_ns);

/* Figures */

/* Bytes from the peer on all subflows, frames included: they grow while the peer is there. */
uint64_t session_heard(const struct session *s);

/* Memory of both windows, in bytes, and whether it is held in vain. */
uint64_t session_held(const struct session *s);
enum session_stall session_stall(const struct session *s, uint64_t now_ns);

/* Fills what the session knows; subflow entries are the caller's. */
void session_stats(const struct session *s, struct session_stats *out);
