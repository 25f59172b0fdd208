/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listener.h - waits for peers: accepts connections, reads each one's HELLO, and drops strangers
 *
 * A connection is a stranger until it has said a correct HELLO. Strangers share a table of fixed
 * size; when it is full, one of the source leaves that has most connections there (source_table.h).
 * So neither a port scan nor all the connections that one source can open keep a real peer out.
 *
 * Two kinds of connections wait for HELLO in a table of their own, which strangers cannot fill:
 * those of a source that has a running session, since they are likely to join or reconnect, and
 * with TLS those that have proved to hold a key or certificate.
 *
 * Connections that are kept for sessions to come (listener_keep) have a third table, limited in all
 * and for each source.
 *
 * With TLS the handshake comes first, in the same table and the same time. The first byte tells a
 * TLS client from a plain one, so that each can learn what is wanted here.
 */
#pragma once

#include "io/loop.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "server/source_table.h"
#include "tls/channel.h"
#include "wire/frame.h"

/* Connections that have not said HELLO, and refused ones that have yet to read why, if nothing else
 * is asked for. */
#define LISTENER_STRANGERS 256

/* And not more than this part of the descriptors that the process may have: strangers, and
 * connections of known sources. */
#define LISTENER_FD_PART          4
#define LISTENER_FD_PART_EXPECTED 8

/* Time to say HELLO: a round trip and a retransmission, with room. */
#define LISTENER_HELLO_NS 5000000000ull

/* A client that does not speak mpnc may wait for the server's first bytes, and looks like one whose
 * HELLO is on its way. HELLO leaves with the client's first packet: this is time for
 * a retransmission of it, at round trips of up to 300 ms. */
#define LISTENER_PLAIN_NS 1000000000ull

/* Connections that are kept for sessions to come: in all, and of one source. Each holds a few KiB
 * and, with TLS, some 30 more; a client for which there is no room loses a round trip with each
 * session. */
#define LISTENER_PRECONNECTIONS            256
#define LISTENER_PRECONNECTIONS_PER_SOURCE 64

/* One that was not used for so long is closed. Its host may have forgotten it without a word, as
 * firewalls make some do. Who still wants one makes a new one. */
#define LISTENER_PRECONNECTION_NS 600000000000ull

/* Time to read an answer that is all there is to say. */
#define LISTENER_REFUSE_NS 2000000000ull

/* Addresses that one listener may have: more than a machine has interfaces for. */
#define LISTENER_ADDRS    16
#define LISTENER_TEXT_LEN (LISTENER_ADDRS * (SOCK_ADDR_LEN + 5))

struct listener;

struct listener_events {
	/* As in engine.h. */
	void (*note)(void *arg, int level, const char *text);
	/* A peer said HELLO on ch, which is the callee's from here on: to keep, close, or refuse.
	 * from: its address when it was accepted. A peer that has reset the connection since has
	 * no other. */
	void (*hello)(void *arg, struct channel ch, const union sock_addr *from,
		      const struct wire_hello *hello);
	/* A client that does not speak mpnc: it has sent these n bytes, at most WIRE_PREFACE_LEN,
	 * or (n 0) nothing within LISTENER_PLAIN_NS. fd is the callee's. NULL: such are dropped.
	 * Not with TLS. */
	void (*plain)(void *arg, int fd, const uint8_t *bytes, size_t n);
	/* May this address talk to us? If not, it is dropped unheard. NULL: all may. */
	bool (*allows)(void *arg, const union sock_addr *peer);
	/* Does a session run with this source (sock_addr_source)? Called for each connection that
	 * comes. NULL: none does. */
	bool (*knows)(void *arg, const uint8_t source[SOCK_SOURCE_LEN]);
	void *arg;
};

/* Where to listen: on the first of the addresses that works. */
struct listener_where {
	const union sock_addr *addrs;
	int n_addrs;
	const struct sock_options *options;
};

/* Makes both tables this large, as far as descriptors allow, for bursts of peers. Call it before
 * the loop runs. Returns 0 or -ENOMEM; then they stay as they were. */
int listener_expect(struct listener *l, unsigned n);

/* For the wildcard of both families one socket takes both. tls: the peers that may come (borrowed);
 * NULL: all, plain. Returns 0 or -errno of the last attempt. */
int listener_new(struct listener **out, struct loop *loop, const struct listener_where *where,
		 const struct tls_context *tls, const struct listener_events *events);
struct listener *listener_free(struct listener *l);

/* The same on a socket that listens already (sock_adopt); it is taken over, unless this fails. */
int listener_adopt(struct listener **out, struct loop *loop, int fd, const struct tls_context *tls,
		   const struct listener_events *events);

/* Listens on one more address, on the same port; before the loop runs. Returns 0, -errno of the
 * last attempt, or -E2BIG beyond LISTENER_ADDRS. */
int listener_also(struct listener *l, const struct listener_where *where);

/* The port listened on (for port 0) and the addresses as text: "10.0.0.1 and 10.0.1.1". */
uint16_t listener_port(const struct listener *l, char addrs[LISTENER_TEXT_LEN]);

/* At which of our addresses peers can reach it, as far as that is known. Adds to out. */
void listener_addrs(const struct listener *l, struct wire_addrs *out);

/* Answers with these few bytes, and closes ch (consumed) once the peer has read them or
 * LISTENER_REFUSE_NS is over. */
void listener_answer(struct listener *l, struct channel ch, const void *bytes, size_t n);

/* Answers with these few bytes, and keeps ch (consumed): as if it had just come, but with
 * LISTENER_PRECONNECTION_NS for its HELLO. If the table is full, it is refused with LIMIT. */
void listener_keep(struct listener *l, struct channel ch, const void *bytes, size_t n);

/* The same for a peer that is about to join a session here: it is in the table that strangers and
 * preconnections cannot fill, and has LISTENER_HELLO_NS. */
void listener_expect_join(struct listener *l, struct channel ch, const void *bytes, size_t n);

/* Answers with REFUSE and closes ch (consumed) once the peer has read it or LISTENER_REFUSE_NS is
 * over. why: a sentence in place of the reason's, NULL: that one. */
void listener_refuse(struct listener *l, struct channel ch, enum wire_reason reason,
		     const char *why);
