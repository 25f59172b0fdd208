/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_subflow.h - the connections of a session: their life, their number, their bytes
 *
 * A subflow is named by its slot, 0 .. SUBFLOWS_MAX - 1, from session_subflow_open to
 * session_subflow_close. The caller owns its socket; the session owns all else.
 */
#pragma once

#include <sys/uio.h>

#include "session/session.h"
#include "session/winbuf.h"

/* A client opens more subflows once this much is in play, or something has been for this long. */
#define SESSION_GROW_BYTES (256u << 10)
#define SESSION_GROW_NS    50000000ull

/* A session that is one of many opens them only when that many bytes move within this time: if all
 * sessions grow because their machine is busy, or because they last long, none gains. */
#define SESSION_FRUGAL_NS 1000000000ull

/* When that has not happened for this long, one subflow is enough again. */
#define SESSION_CALM_NS 10000000000ull

/* A peer says something more often than this while anything is under way. */
#define SESSION_STALE_NS 1000000000ull

/* iovecs that session_rx_space and session_tx fill at most: the largest chunk over blocks, plus the
 * next header. */
#define SESSION_IOV (WIRE_DATA_MAX / WINBUF_BLOCK + 3)

/* Life */

/*
 * A connection stands. Client: HELLO will go out on it, on the first subflow with data after it.
 * Server: hello is the HELLO that came on it (handshake.h has consumed preface and HELLO), WELCOME
 * will go out. names: its two ends as we see them, NULL: not known. *slot_out is valid until
 * session_subflow_close.
 * Returns 0, SESSION_E_LIMIT, or -ENOMEM.
 */
int session_subflow_open(struct session *s, const struct wire_hello *hello,
			 const struct wire_names *names, uint64_t now_ns, uint16_t *slot_out);

/* The preface has been sent on this connection already (a listener kept it waiting). */
void session_subflow_greeted(struct session *s, uint16_t slot);

/* The connection proves by itself that bytes are the peer's and unchanged (TLS): the checks of DATA
 * cover headers only. */
void session_subflow_sealed(struct session *s, uint16_t slot);

/* The connection is gone or is to be closed; its chunks are sent again elsewhere. If it was the
 * last one, the session is lost (session_lost), or ends: done if all was confirmed, else
 * SESSION_END_LOST. A session that is still SESSION_CONNECTING stays: the caller may open another
 * one, or session_give_up. */
void session_subflow_close(struct session *s, uint16_t slot, uint64_t now_ns);

/* Why SESSION_E_CLOSE came: a few words, or NULL when there is no fault. */
const char *session_subflow_text(const struct session *s, uint16_t slot);

/* Has this subflow's HELLO been answered, so that data may flow? And how many are there? */
bool session_subflow_ready(const struct session *s, uint16_t slot);
unsigned session_subflows_ready(const struct session *s);

/* Server: the subflow to close when one that joins finds no room. A client has no more than are
 * allowed, so one is dead here without our knowledge: the one that has been silent for longest, and
 * for SESSION_STALE_NS. Returns false when all have been heard. */
bool session_subflow_stale(const struct session *s, uint64_t now_ns, uint16_t *slot_out);

/* No more chunks go over this subflow, ours or the peer's, unless it is the only one. The subflow
 * has to be ready. Once session_subflow_drained, nothing is in flight on it and it can be closed.
 */
void session_subflow_drain(struct session *s, uint16_t slot);
bool session_subflow_drained(const struct session *s, uint16_t slot);

/* Number */

/* How many subflows a client may have now: 1 until enough is in play, then as many as both sides
 * allow. */
unsigned session_subflows_wanted(const struct session *s);

/* Is it one of many? */
bool session_frugal(const struct session *s);

/* Has a session that is one of many more subflows than it needs any longer? All but one are to be
 * drained. */
bool session_calm(const struct session *s);

/* Bytes */

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

/* Length of the chunks that this subflow is given: what it delivers in about 10 ms. */
uint32_t session_subflow_chunk_len(const struct session *s, uint16_t slot);

/* Payload bytes of one subflow up to now. */
void session_subflow_bytes(const struct session *s, uint16_t slot, uint64_t *tx_out,
			   uint64_t *rx_out);
