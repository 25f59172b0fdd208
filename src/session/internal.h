/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * internal.h - what the session's own files share; no other file includes it
 *
 *  - session.c: life, streams, links, time
 *  - session_lost.c: whether the peer is heard, and how long the session waits
 *  - session_subflow.c: the states of subflows
 *  - session_rx.c, session_tx.c: bytes from and to a subflow
 *  - session_grow.c, session_memory.c: how many subflows, how much memory
 */
#pragma once

#include "session/bucket.h"
#include "session/reasm.h"
#include "session/sched.h"
#include "session/sendwin.h"
#include "session/session_links.h"
#include "session/session_loan.h"
#include "session/session_stream.h"
#include "session/session_subflow.h"
#include "util/units.h"

/* Unsent bytes that input is read ahead: enough to keep every subflow busy while the input's thread
 * is not running, little enough to stay in cache. */
#define READ_AHEAD (2u << 20)

/* Input gets room in steps, so that a read is worth its system call. */
#define ROOM_STEP (64u << 10)

/* An ACK is due after this many bytes, or this much later than the first of them. */
#define ACK_BYTES (512u << 10)
#define ACK_NS    (5 * NS_PER_MS)

/* An ACK that brings nothing new is repeated on every subflow: the first may be stuck. */
#define ACK_REPEAT_NS     (200 * NS_PER_MS)
#define ACK_REPEAT_MAX_NS (2000 * NS_PER_MS)

/* Looks for late chunks this often while something is in flight. */
#define LATE_CHECK_NS (10 * NS_PER_MS)

/* How many unacknowledged chunks, from the lowest offset on, are considered for reinjection: only
 * the lowest ones hold the receiver up. */
#define LATE_SCAN 32

/* A subflow on which nothing came for this long is asked with PING. */
#define PING_NS (5000 * NS_PER_MS)

/* The subflow is given up when PING has no answer for this long although the peer answered on
 * others. (When all are silent the peer may be stopped; TCP knows if its host is gone.) */
#define SILENT_NS (15000 * NS_PER_MS)

/* Preface, and one of each frame: HELLO or WELCOME (1100 with the facts of 32 links and 8
 * addresses), ACK (2100), END, CONFIRM, STOP, ABORT (270), LINKS (550), LANE, FACTS (800), COST,
 * DONE, PING, PONG, DRAIN. */
#define CONTROL_OUT_LEN 6144

/* Frames that go out once on each subflow. */
enum {
	SAID_HELLO = 1, /* or WELCOME */
	SAID_END = 2,
	SAID_CONFIRM = 4,
	SAID_STOP = 8,
	SAID_ABORT = 16,
	SAID_DONE = 32,
	SAID_PREFACE = 64,
	SAID_LINKS = 128, /* the last count of our links */
	SAID_FACTS = 256, /* the last change of our facts */
	SAID_COST = 512,
};

/* Frames that go out on a subflow each time that there is a reason. */
enum {
	DUE_ACK = 1, /* the last one, once more */
	DUE_PONG = 2,
	DUE_PING = 4,
	DUE_LANE = 8,
};

/* Drawn in session_subflow.c. */
enum subflow_state {
	SUBFLOW_GREETING, /* client: no WELCOME yet */
	SUBFLOW_READY,
	SUBFLOW_DRAIN_DUE,   /* we want it closed */
	SUBFLOW_DRAIN_SENT,  /* the peer's DRAIN is missing */
	SUBFLOW_DRAIN_HEARD, /* ours is due when nothing is in flight */
	SUBFLOW_DRAINED,
};

/* Drawn in session_lost.c. */
enum contact_state {
	CONTACT_NEW,      /* nothing but HELLO was heard; client: no WELCOME */
	CONTACT_HEARD,    /* the peer was heard on a ready subflow */
	CONTACT_LOST_NEW, /* server: lost, and nothing but HELLO was ever heard */
	CONTACT_LOST,     /* lost, after it was heard */
};

/* The count of our links: what is to be sent of it. */
enum count_state {
	COUNT_NONE, /* nobody counts them */
	COUNT_SENT,
	COUNT_NEW,  /* goes out with the next frames, on any subflow */
	COUNT_LAST, /* made after all was confirmed: goes out on every subflow */
};

/* RX_WAIT: the header of DATA has come, and there is no memory for its bytes now. */
enum rx_state { RX_PREFACE, RX_HEADER, RX_CONTROL, RX_DATA, RX_DISCARD, RX_WAIT };

/* The chunk of RX_DATA: with session_rx_return it is back, and verified once all of it has come. */
enum rx_loan { LOAN_NONE, LOAN_OUT, LOAN_RIGHT, LOAN_WRONG };

struct rx {
	enum rx_state state;
	enum rx_loan loan;
	uint8_t start[WIRE_PREFACE_LEN + WIRE_HEADER_LEN]; /* the header at its end */
	size_t start_have;
	struct wire_header header; /* of the frame whose body is being read */
	uint64_t seed;             /* of its check */
	uint32_t body_have;
	uint8_t body[WIRE_CONTROL_MAX];
};

struct tx {
	uint8_t control[CONTROL_OUT_LEN];
	size_t control_len;
	size_t control_done;
	uint8_t header[WIRE_HEADER_LEN]; /* of the DATA frame under way */
	const uint8_t *payload;
	uint32_t payload_len;
	uint64_t offset;   /* in the stream, of the payload */
	size_t data_done;  /* of header and payload; data_len: both */
	size_t data_len;   /* 0: no DATA frame is under way */
	bool unsigned_yet; /* the header lacks its check */
	struct winbuf_block *pin;
};

struct subflow {
	enum subflow_state state;
	bool join;          /* HELLO asks to join */
	bool sealed;        /* the connection authenticates its bytes */
	bool lends;         /* another thread moves its payload */
	unsigned said, due; /* SAID_*, DUE_* */
	const char *fault;  /* why it is to be closed */
	uint64_t pong_value;
	uint64_t ping_ns;  /* when PING became due; 0: none is out or due */
	uint64_t heard_ns; /* when something came last */
	uint64_t moved_ns; /* when something could be written last */
	struct wire_lane lane;
	struct wire_lane peer_lane;
	struct wire_names names;      /* the connection's ends as we see them */
	struct wire_names peer_names; /* as the peer does */
	uint64_t tx_bytes;
	uint64_t rx_bytes;
	struct sched_rate rate;
	struct rx rx;
	struct tx tx;
};

/* Our stream. */
struct outgoing {
	struct winbuf *buf;
	struct sendwin *win;
	uint64_t room;  /* memory was given to input up to here */
	bool lent;      /* to another thread, which may be reading into it */
	uint64_t read;  /* input was read up to here */
	uint64_t edge;  /* the peer lets us send below */
	uint64_t taken; /* the peer's output took all below */
	bool ended;
	uint8_t digest[DIGEST_LEN];
	bool confirmed;
	uint64_t busy_since_ns; /* bytes are unacknowledged since; 0: none are */
	uint64_t acked_ns; /* when more was acknowledged last, or the first byte since then read */
	uint64_t reinjected;
	struct bucket bucket;
	uint64_t bucket_due_ns; /* data waits for the bucket until then; SESSION_NO_DEADLINE */
};

/* The peer's stream. */
struct incoming {
	struct winbuf *buf;
	struct reasm *reasm;
	uint64_t taken;
	uint64_t taken_ns; /* when more was taken last, or the first byte since then came */
	uint64_t rose_ns;  /* when more was in order last, or the first byte beyond a gap came */
	uint64_t edge;     /* as the peer knows it, or will with the next ACK */
	uint64_t stuck_ns; /* since when all subflows wait for memory (RX_WAIT); 0: they do not */
	uint64_t stuck_at; /* what was in order at that time */
	unsigned n_lent;   /* chunks that are LOAN_OUT */
	bool ended;
	uint64_t total;
	uint8_t digest[DIGEST_LEN];
	bool confirmed;
	/* Acknowledging. */
	uint64_t acked_taken; /* as the last ACK said */
	uint64_t bytes_since_ack;
	uint64_t ack_due_ns;    /* SESSION_NO_DEADLINE: nothing to say */
	uint64_t ack_repeat_ns; /* interval, grows */
	uint16_t ack_slot;      /* carried the last ACK */
	bool ack_is_repeat;
};

/* Is more than one subflow wanted? See session_grow.c. */
struct growth {
	bool grown;
	uint64_t measured_ns; /* frugal: since when bytes are counted */
	uint64_t measured;    /* and how many had moved before */
	uint64_t moved;       /* in all, at the last look */
	uint64_t much_ns;     /* when enough had, last */
};

/* What we announce of our links. */
struct own_links {
	struct wire_facts facts;
	bool facts_said;       /* with HELLO or WELCOME */
	uint64_t facts_serial; /* changes since then */
	enum count_state count;
	struct wire_links counters;
	struct wire_cost cost; /* cpu_ns 0: not known */
};

/* What the peer has announced and asked for. */
struct peer {
	uint8_t side;            /* enum wire_side */
	uint64_t expected;       /* so long its stream will be; 0: not known */
	bool stopped;            /* STOP came */
	bool done;               /* DONE came */
	struct wire_facts facts; /* the newest, until somebody takes them */
	bool facts_new;
	uint64_t facts_serial; /* of the newest FACTS; 0: HELLO or WELCOME had them */
	struct wire_addrs addrs;
	struct wire_links counters;
	struct wire_cost cost; /* the same */
};

struct contact {
	enum contact_state state;
	uint64_t lost_ns;  /* lost since then */
	uint64_t heard_ns; /* when something came last, on any subflow */
	uint16_t heard_slot;
	uint64_t heard_bytes;
};

struct session {
	struct session_config config;
	enum session_state state;
	struct session_end end;
	unsigned n_subflows_allowed;
	uint16_t version;  /* that WELCOME named; 0: not yet */
	uint32_t features; /* that both sides know */
	bool welcomed;     /* client: WELCOME came; server: always */
	bool stop;         /* the peer is to end its stream */
	struct growth growth;
	struct own_links links;
	struct peer peer;
	struct contact contact;
	uint64_t tick_ns; /* of the last tick */
	uint64_t late_check_ns;
	uint64_t ping_check_ns;
	struct outgoing out;
	struct incoming in;
	struct digest *check; /* of a chunk that lies over several blocks */
	struct winpool *pool;
	struct winpool *own_pool; /* NULL: it is another's */
	bool starved;             /* a block was refused since the last tick */
	unsigned n_open;          /* subflows */
	struct subflow *subflows[SUBFLOWS_MAX];
};

/* session.c */

/* Ends the session as failed. The first reason stays. */
void session_fail(struct session *s, enum session_end_kind kind, unsigned reason, uint64_t offset,
		  const char *text);

/* Ends it as done, unless it has failed. */
void session_done(struct session *s);

/* The same when all is confirmed and the peer knows it. */
void session_check_done(struct session *s);

/* Keeps what the peer announces for session_take_peer_facts. */
void session_put_peer_facts(struct session *s, const struct wire_facts *facts);

/* There is something to say with an ACK, at the latest at due_ns. */
void session_ack_by(struct session *s, uint64_t due_ns);

/* session_lost.c */

/* No subflow is ready. Nothing happens if the session is lost already. */
void session_lost_begin(struct session *s, uint64_t now_ns);

/* Server: another HELLO came for this session. */
void session_lost_greeted(struct session *s);

/* The peer was heard on a ready subflow; client: WELCOME is enough. */
void session_lost_heard(struct session *s);

/* No subflow is left, and none will come: done if nothing is missing, else failed. reason:
 * WIRE_R_TIMEOUT after the time to wait, else WIRE_R_NONE. */
void session_lose(struct session *s, enum wire_reason reason);

/* When a lost session ends; SESSION_NO_DEADLINE: it is not lost, or waits for ever. */
uint64_t session_lost_deadline(const struct session *s);

/* Ends the session if that time has come, or if it waits in vain. */
void session_lost_tick(struct session *s, uint64_t now_ns);

/* session_subflow.c */

/* Changes the state of a subflow: only forward. */
void subflow_enter(struct subflow *sf, enum subflow_state state);

/* Has HELLO been answered on it? */
static inline bool subflow_ready(const struct subflow *sf)
{
	return sf->state != SUBFLOW_GREETING;
}

/* Is it to carry no more DATA? */
static inline bool subflow_drains(const struct subflow *sf)
{
	return sf->state > SUBFLOW_READY;
}

void subflow_free(struct session *s, uint16_t slot);

/* Asks silent subflows with PING, and finds fault with those that do not answer. */
void session_check_silence(struct session *s, uint64_t now_ns);

/* Finds fault with a subflow when all have waited for memory in vain for SESSION_STUCK_NS. */
void session_check_stuck(struct session *s, uint64_t now_ns);

/* Sum over all subflows, in bytes per second. */
uint64_t session_total_rate(const struct session *s);

/* session_grow.c */

/* Looks whether enough is in play for more than one subflow. */
void session_consider_growth(struct session *s, uint64_t now_ns);

/* session_memory.c */

/* All of our stream up to now is acknowledged: its window needs no memory. */
void session_drain_input(struct session *s);

/* Raises the edge, as far as memory allows. */
void session_raise_edge(struct session *s);

/* Memory for the chunk whose header has come: RX_DATA, or RX_WAIT if the pool has none now. Returns
 * 0, -EAGAIN, or -ENOMEM, which fails the session. */
int session_chunk_memory(struct session *s, struct rx *rx);

/* When to ask again for memory that was refused. */
uint64_t session_retry_deadline(const struct session *s);
