/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_stream.h - the two streams of a session: our input, which we send, and our output, which
 * we receive
 *
 * Another thread may fill the memory of the input between the offset that session_input_advance was
 * given last and the one that session_input_room returned, and read that of the output between
 * session_output_taken and session_output_end. Everything else belongs to the session's thread.
 */
#pragma once

#include "session/session.h"
#include "session/winbuf.h"

/* Our input: the stream that we send */

/* Memory of the outgoing stream (winbuf_at); borrowed. */
struct winbuf *session_tx_buf(struct session *s);

/* Gives input as much room as the window allows: *end_out is the offset up to which there is
 * memory. Returns 0, or -ENOMEM, which fails the session. */
int session_input_room(struct session *s, uint64_t *end_out);

/* The same for a reader in this thread: where the next bytes can be put. Returns how many at most;
 * 0: nowhere for now. Valid until the next call for this session. A window that is filled like this
 * keeps no memory while all is acknowledged. */
size_t session_input_space(struct session *s, uint8_t **space_out);

/* Input has been read up to this offset. */
void session_input_advance(struct session *s, uint64_t offset, uint64_t now_ns);

/* The input ended at the offset reached; digest of all of it. */
void session_input_end(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns);

/* By the rules for the end of a stream: should our input be ended now, without waiting for its end
 * of file? readable: there is something to read from it at this moment. */
bool session_input_should_end(const struct session *s, bool readable);

/* The peer asked us to end our stream (STOP). */
bool session_peer_stopped(const struct session *s);

/* Our output: the stream that we receive */

/* Memory of the incoming stream (winbuf_at); borrowed. */
struct winbuf *session_rx_buf(struct session *s);

/* All bytes below this offset may be written to the output. */
uint64_t session_output_end(const struct session *s);

/* The output took all below this offset. */
void session_output_taken(struct session *s, uint64_t offset, uint64_t now_ns);

/* Has the peer's END come and everything before it been taken? Then output_finish is due. */
bool session_output_complete(const struct session *s);

/* The output is complete, flushed, and has this digest: CONFIRM, or failure. */
void session_output_finish(struct session *s, const uint8_t digest[DIGEST_LEN], uint64_t now_ns);

/* Asks the peer to end its stream. Has it been asked? */
void session_stop(struct session *s);
bool session_stopped(const struct session *s);
