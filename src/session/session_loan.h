/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_loan.h - payload that a thread beside the session's moves and checks
 *
 * The session computes, and its thread need not touch what it computes about. A frame of DATA whose
 * payload is at least SESSION_LOAN_MIN bytes long can be lent to another thread, once in each
 * direction of a subflow:
 *
 *   sending     session_tx, session_tx_loan -> (thread) session_sign, send -> session_tx_done
 *   receiving   session_rx_space, session_rx_loan -> (thread) receive, session_verify
 *               -> session_rx_return, session_rx
 *
 * Meanwhile the memory is the thread's, and neither call is made again for this subflow. What is
 * being received is lent to one subflow at a time: session_rx_space has no room for another one
 * that carries some of the same bytes. So nobody changes bytes after they were verified, and none
 * of them can be acknowledged, written out and used again while a thread still writes there.
 */
#pragma once

#include "session/session_subflow.h"

/* Below, to hand a chunk over and to be woken again is believed to cost as much as to copy and
 * check it. Chosen, not measured. */
#define SESSION_LOAN_MIN (32u << 10)

struct digest;

/* A header that lacks its check. */
struct session_header {
	uint8_t *out; /* WIRE_HEADER_LEN bytes of the session; NULL: no check is missing */
	uint64_t offset;
	const uint8_t *payload;
	uint32_t length;
};

/* A chunk, and the check that its header has. */
struct session_chunk {
	struct iovec part[SESSION_IOV];
	int n_parts; /* 0: its connection is sealed, nothing is to be verified */
	size_t missing;
	uint64_t seed, check;
};

enum session_verdict {
	SESSION_NOT_VERIFIED, /* some of it is missing, or the session is to do it */
	SESSION_RIGHT,
	SESSION_WRONG,
};

/* The subflow's payload is lent from now on: session_tx leaves checks to session_sign. */
void session_subflow_lends(struct session *s, uint16_t slot);

/* After session_tx: what is to be signed before it is sent. To be called once for each session_tx.
 */
struct session_header session_tx_loan(struct session *s, uint16_t slot);

/* Is a chunk being received that may be lent? */
bool session_rx_lends(const struct session *s, uint16_t slot);

/* After session_rx_space for such a chunk. Returns false: it is not wanted any longer, what
 * session_rx_space has said is to be used as always. */
bool session_rx_loan(struct session *s, uint16_t slot, struct session_chunk *out);

/* The thread is done with it; session_rx follows, if anything was received. */
void session_rx_return(struct session *s, uint16_t slot, enum session_verdict verdict);

/* For any thread. */

/* Completes the header. */
void session_sign(const struct session_header *h);

/* n bytes of the chunk, or of it and what comes after, have been received. d is scratch. */
enum session_verdict session_verify(const struct session_chunk *c, size_t n, struct digest *d);
