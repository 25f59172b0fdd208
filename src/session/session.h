/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one session: two streams, one each way, striped over subflows
 *
 * No I/O and no clock in here: bytes and the time go in, bytes and deadlines come out. The caller
 * owns sockets, files and threads. All times are nanoseconds of one monotonic clock.
 *
 * Invariants
 *  - A byte of input is kept until the peer holds it (ACK); a subflow's death never loses one.
 *  - A byte is offered to the output once, in order, after its chunk's check was right.
 *  - END, CONFIRM, STOP, ABORT and DONE go out on every subflow, so that none of them can be lost
 * with one; their repetition is harmless. ACKs carry the whole state: the newest one is enough.
 *  - Memory: at most window bytes each way, the tables of sendwin.h and reasm.h, and per subflow
 * two frames of control and one block. A window holds memory only for what is in it, and what will
 * be read next.
 *
 * A stream's life, seen from its sender: input_advance... input_end -> END -> CONFIRM received.
 * From its receiver: output_end grows -> output_taken... -> output_finish -> CONFIRM sent.
 * Both streams confirmed -> DONE both ways -> SESSION_DONE.
 *
 * With no subflow ready the session waits for new ones, for config.reconnect_ns and a little more,
 * and goes on where it stood; for SESSION_NEW_NS at most if nothing came behind the first HELLO. It
 * waits as well when all is confirmed on our side but DONE has not come: the peer may lack our
 * CONFIRM, and only this session can say it again.
 * Nor does it wait for longer for a peer that is silent on subflows that stand, if all that it
 * lacks is the peer's CONFIRM of an empty stream, or DONE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "session/stats.h"
#include "session/winbuf.h"
#include "wire/frame.h"

/* More subflows are opened once this much is in play, or something has been for this long. */
#define SESSION_GROW_BYTES (256u << 10)
#define SESSION_GROW_NS    50000000ull

/* A session that is one of many opens them only when as many bytes move within this time: nothing
 * is gained if all do that because their machine is busy, or they last long. */
#define SESSION_FRUGAL_NS 1000000000ull

/* And when that has not happened for so long, one is enough again. */
#define SESSION_CALM_NS 10000000000ull

/* iovecs that session_rx_space and session_tx fill at most: the largest chunk over blocks, plus the
 * next header. */
#define SESSION_IOV (WIRE_DATA_MAX / WINBUF_BLOCK + 3)

/* A peer says something more often than this while anything is under way. */
#define SESSION_STALE_NS 1000000000ull

/* How long a client is waited for that said HELLO and then vanished: most likely it had no WELCOME,
 * and begins anew or not at all. */
#define SESSION_NEW_NS 5000000000ull

/* A client begins attempts until reconnect_ns are over. The last one has so much longer to be
 * answered, so that it is not made in vain: a round trip, also when its SYN was lost, which the
 * kernel sends again after a second. */
#define SESSION_ANSWER_NS 2000000000ull

/* A listener waits so much longer than reconnect_ns: for that, and because it may have noticed the
 * loss before the client did. */
#define SESSION_LINGER_NS 3000000000ull

/* Of sessions that share memory each window has at least this, the least that the protocol allows,
 * and this many times more than has gone through it: a sender that doubles what it has on its way
 * with each round trip, as TCP does, never waits for it. */
#define SESSION_LEAST WIRE_INITIAL_WINDOW
#define SESSION_EARN  2

/* A session that found no memory asks again after this: seldom enough for a thousand of them. */
#define SESSION_RETRY_NS 50000000ull

/* What is missing before bytes that are held has long been sent again by a peer that can: after
 * this the memory is held in vain. */
#define SESSION_GAP_NS 15000000000ull

/* And for this long a consumer, here or there, may rest. */
#define SESSION_STALL_NS 60000000000ull

#define SESSION_TEXT_LEN (WIRE_TEXT_MAX + 1)

#define SESSION_NO_DEADLINE UINT64_MAX

enum session_role { SESSION_CLIENT, SESSION_SERVER };

/* What our own input is, for the rules of the end (session_input_should_end). */
enum session_input {
	SESSION_INPUT_STREAM,   /* read to its end */
	SESSION_INPUT_TERMINAL, /* read, but the end of the peer's stream ends it */
	SESSION_INPUT_NONE,     /* nothing to read: /dev/null, closed, -d */
};

struct session_config {
	enum session_role role;
	uint8_t id[WIRE_SESSION_ID_LEN];
	uint64_t window;       /* bytes per direction */
	unsigned n_subflows;   /* client: as many as wanted; server: as many as accepted */
	uint64_t reconnect_ns; /* how long a client tries to get a subflow when the last one is
				  lost; 0, on either side: the session ends with it */
	enum session_input input;
	bool measure;       /* client: the streams are for measuring, and thrown away */
	uint64_t wanted;    /* client that measures: length of the peer's stream; 0: until STOP */
	const char *target; /* client: which of a relay's targets; NULL: not named; borrowed */
	bool duplex;        /* read any input to its end */
	bool send_only;
	bool recv_only;
	struct wire_addrs addrs; /* server: where the client may join as well */
	uint64_t rate;           /* bytes per second that we send at most; 0: no limit */
	bool frugal;             /* one of many: see SESSION_FRUGAL_NS */
	struct winpool *pool;    /* memory for the windows, borrowed; NULL: the session's own. With
				    a limit: the windows have less while it is short */
};

enum session_state {
	SESSION_CONNECTING, /* client: no WELCOME yet */
	SESSION_OPEN,
	SESSION_FAILED, /* see session_end(); ABORTs may still have to go out */
	SESSION_DONE,   /* all confirmed and the peer knows it: close everything */
};

enum session_end_kind {
	SESSION_END_NONE,
	SESSION_END_LOST,     /* all subflows are gone; reason TIMEOUT: for reconnect_ns, text */
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
	SESSION_E_CLOSE =
		1, /* close this subflow; session_subflow_text() says why, NULL: in order */
	SESSION_E_LIMIT = 2, /* no room for one more subflow */
};

struct session;

/* The bits of HELLO and WELCOME (enum wire_side) for a configuration. */
uint8_t session_side(const struct session_config *config);

/* Returns 0 or -ENOMEM. */
int session_new(struct session **out, const struct session_config *config);
struct session *session_free(struct session *s);

/* The protocol version in use; 0 as long as there has been no WELCOME, or no HELLO. */
uint16_t session_version(const struct session *s);

enum session_state session_state(const struct session *s);
/* Why it failed; kind is SESSION_END_NONE otherwise. Borrowed. */
const struct session_end *session_end(const struct session *s);
const uint8_t *session_id(const struct session *s);

/* Subflows ------------------------------------------------------------------------------------- */

/*
 * A connection stands. Client: HELLO will go out on it, the first subflow's with data behind it.
 * Server: hello is the HELLO that came on it (preface and HELLO are consumed by handshake.h),
 * WELCOME will go out. names: its two ends as we see them, NULL: not known. Gives a slot,
 * 0 .. SUBFLOWS_MAX - 1, valid until session_subflow_close.
 * Returns 0, SESSION_E_LIMIT, or -ENOMEM.
 */
int session_subflow_open(struct session *s, const struct wire_hello *hello,
			 const struct wire_names *names, uint64_t now_ns, uint16_t *slot_out);

/* The preface has been sent on this connection already (a listener kept it waiting). */
void session_subflow_greeted(struct session *s, uint16_t slot);

/* The connection proves by itself that bytes are the peer's and unchanged (TLS): the checks of DATA
 * cover headers only. */
void session_subflow_sealed(struct session *s, uint16_t slot);

/* The connection is gone or is to be closed; its chunks are sent again elsewhere. When it was the
 * last one and no other is opened in time, the session ends: done if all was confirmed, else
 * SESSION_END_LOST. While the session is still SESSION_CONNECTING it does not: the caller may open
 * another one, or session_give_up. */
void session_subflow_close(struct session *s, uint16_t slot, uint64_t now_ns);

/* Is the session alive without a subflow that is ready? */
bool session_lost(const struct session *s);

/* Then a client is to open one as long as this holds; behind it only those that were begun may
 * still be answered. */
bool session_seeks(const struct session *s, uint64_t now_ns);

/* A server: the subflow to close when one that joins finds no room. A client has no more than are
 * allowed, so one of ours is dead and we do not know it: the one that has been silent for longest,
 * and for SESSION_STALE_NS. Returns false when there is none. */
bool session_subflow_stale(const struct session *s, uint64_t now_ns, uint16_t *slot_out);

/* No further attempt to connect: ends as if the time for it were over or, before WELCOME, with what
 * the last attempt met, a REFUSE or nothing. */
void session_give_up(struct session *s);

/* Why SESSION_E_CLOSE came: a few words, or NULL when there is no fault. */
const char *session_subflow_text(const struct session *s, uint16_t slot);

/* Bytes that came from the peer on all subflows, frames included: to see whether it is still there.
 */
uint64_t session_heard(const struct session *s);

/* Subflows over which data may flow: HELLO was answered. */
unsigned session_subflows_ready(const struct session *s);

/* Has this subflow's HELLO been answered? */
bool session_subflow_ready(const struct session *s, uint16_t slot);

/* How the peer sees the two ends of this subflow; family 0: not known, or not yet. Borrowed. */
const struct wire_names *session_subflow_peer_names(const struct session *s, uint16_t slot);

/* Over which of our links this subflow runs; goes to the peer with the next frames on it if it is
 * news, which is returned. */
bool session_subflow_set_lane(struct session *s, uint16_t slot, const struct wire_lane *lane);
const struct wire_lane *session_subflow_lane(const struct session *s, uint16_t slot);
/* What the peer told last of its links; nothing known before. Borrowed. */
const struct wire_lane *session_subflow_peer_lane(const struct session *s, uint16_t slot);

/* No more chunks go over this subflow, ours or the peer's, unless there is no other one. Once
 * session_subflow_drained says so, nothing is on its way any more and it can be closed. */
void session_subflow_drain(struct session *s, uint16_t slot);
bool session_subflow_drained(const struct session *s, uint16_t slot);

/* How many subflows a client may have now: 1 until enough is in play, then as many as both sides
 * allow. */
unsigned session_subflows_wanted(const struct session *s);

/* Is it one of many? */
bool session_frugal(const struct session *s);

/* Has a session that is one of many more subflows than it needs any longer? All but one are to be
 * drained. */
bool session_calm(const struct session *s);

/* Length of the chunks that this subflow is given: what it delivers in about 10 ms. */
uint32_t session_subflow_chunk_len(const struct session *s, uint16_t slot);

/* Payload bytes of one subflow so far. */
void session_subflow_bytes(const struct session *s, uint16_t slot, uint64_t *tx_out,
			   uint64_t *rx_out);

/* Links
 * ------------------------------------------------------------------------------------------- */

/* What is known of our links: goes to the peer with HELLO or WELCOME, so it has to be set before
 * the first subflow opens. Set again, if it differs, it goes out on every subflow with the next
 * frame, and on those that open later. Copied. */
void session_set_facts(struct session *s, const struct wire_facts *facts);
/* Borrowed; kind WIRE_FACTS_NONE: not known. */
const struct wire_facts *session_facts(const struct session *s);

/* What the peer has announced of its links, by HELLO, WELCOME or the newest FACTS, if nobody has
 * taken it yet; NULL: no news. Borrowed until bytes come. The caller keeps what it needs: the
 * session itself only compares how many links LINKS has. */
const struct wire_facts *session_take_peer_facts(struct session *s);

/* Would that be news? */
bool session_peer_facts_new(const struct session *s);

/* WIRE_FEATURES that both sides know; 0 before WELCOME. */
uint32_t session_features(const struct session *s);

/* Client: where the peer says that it can be reached as well; none before WELCOME. Borrowed. */
const struct wire_addrs *session_peer_addrs(const struct session *s);

/* What our links have counted up to now; goes to the peer with the next frames. Who has called this
 * once calls it again when session_links_due says so: DONE waits for the last count. Copied. */
void session_links(struct session *s, const struct wire_links *links);
bool session_links_due(const struct session *s);

/* What the peer's links had counted when it last told; n 0: it has not. Borrowed. */
const struct wire_links *session_peer_links(const struct session *s);

/* Bytes from and to a connection -----------------------------------------------------------------
 */

/* Where the next bytes of this connection go. Fills iov, returns how many; 0: there is no memory
 * for these bytes now (sessions that share a pool with a limit), ask again after the next tick.
 * Valid until the next call for this session. */
int session_rx_space(struct session *s, uint16_t slot, struct iovec iov[SESSION_IOV]);

/* How many bytes of this connection are of use only together: what is missing of the DATA frame
 * that has begun, 0 between frames. */
size_t session_rx_missing(const struct session *s, uint16_t slot);

/* n bytes were put there. Returns 0 or SESSION_E_CLOSE. */
int session_rx(struct session *s, uint16_t slot, size_t n, uint64_t now_ns);

/* The connection can take bytes: which? Fills iov, returns how many, 0 for nothing to send now. */
int session_tx(struct session *s, uint16_t slot, uint64_t now_ns, struct iovec iov[SESSION_IOV]);

/* n of these bytes were written. */
void session_tx_done(struct session *s, uint16_t slot, size_t n, uint64_t now_ns);

/* Nothing is left unwritten on this subflow: an ABORT or DONE has left. */
bool session_tx_flushed(const struct session *s, uint16_t slot);

/* Our input: the stream that we send --------------------------------------------------------------
 */

/* Memory of the outgoing stream, for the input's thread (winbuf_at). */
struct winbuf *session_tx_buf(struct session *s);

/* Gives input as much room as the window allows, and returns the offset up to which there is
 * memory. -ENOMEM fails the session. */
int session_input_room(struct session *s, uint64_t *end_out);

/* The same for a reader in this thread: where the next bytes can be put, at most as many as are
 * returned; 0: nowhere for now. Valid until the next call for this session. Windows that are read
 * into so keep no memory while all is acknowledged. */
size_t session_input_space(struct session *s, uint8_t **space_out);

/* Input has been read up to this offset. */
void session_input_advance(struct session *s, uint64_t offset, uint64_t now_ns);

/* The input ended at the offset reached; digest of all of it. */
void session_input_end(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns);

/* By the rules of the end of a stream: should our input be ended now, without waiting for its end
 * of file? readable: there is something to read from it at this moment. */
bool session_input_should_end(const struct session *s, bool readable);

/* The peer asked us to end our stream (STOP). */
bool session_peer_stopped(const struct session *s);

/* Asks the peer to end its stream. */
void session_stop(struct session *s);
bool session_stopped(const struct session *s);

/* Our output: the stream that we receive
 * ----------------------------------------------------------- */

struct winbuf *session_rx_buf(struct session *s);

/* All bytes below this offset may be written to the output. */
uint64_t session_output_end(const struct session *s);

/* The output took all below this offset. */
void session_output_taken(struct session *s, uint64_t offset, uint64_t now_ns);

/* Has the peer's END come and everything before it been taken? Then output_finish is due. */
bool session_output_complete(const struct session *s);

/* The output is complete, flushed, and has this digest: CONFIRM, or failure. */
void session_output_finish(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns);

/* Time, end, statistics
 * ------------------------------------------------------------------------------ */

/* Gives up: tells the peer why on every subflow. text is truncated to fit. */
void session_abort(struct session *s, enum wire_reason reason, uint64_t offset, const char *text);

/* When session_tick is due, SESSION_NO_DEADLINE: never. What a tick found due but no connection
 * could take is not due again: it leaves when one can. After a tick, ask each subflow's
 * session_subflow_text (a silent one is to be closed) and offer session_tx to those that can take
 * bytes. */
uint64_t session_deadline(const struct session *s);
void session_tick(struct session *s, uint64_t now_ns);

/* Is our own stream confirmed by the peer? And have we taken all of the peer's? */
bool session_sent_confirmed(const struct session *s);
bool session_received_confirmed(const struct session *s);

/* All is confirmed on our side; only the peer's DONE is missing. */
bool session_finished(const struct session *s);

/* Memory of both windows, in bytes, and whether it is held in vain. */
uint64_t session_held(const struct session *s);
enum session_stall session_stall(const struct session *s, uint64_t now_ns);

/* Fills what the session knows; subflow entries are the caller's. */
void session_stats(const struct session *s, struct session_stats *out);
