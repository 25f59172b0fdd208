/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dial.h - the connections that a client is making: each has a time to stand, with TLS to
 * prove both sides' identities, and where that is asked for for the listener to prove that it has
 * the session
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"
#include "path/addr_pairs.h"
#include "tls/channel.h"

/* A peer that accepts and then does not get through with TLS does not speak mpnc. */
#define DIAL_SHAKE_NS 10000000000ull

/* A socket that is connecting over this pair from this port, 0: of the kernel's choice. Returns it
 * or -errno; -ENXIO: the address is not ours any more, so no port is at fault. */
int dial_from(const struct addr_pair *pair, uint16_t port, const struct sock_options *options);

/* Does this -errno say that the port is taken? */
bool dial_taken(int error);

struct prove;

enum dial_state {
	DIAL_CONNECTING,
	DIAL_SHAKING, /* TLS: the handshake */
	DIAL_PROVING, /* the peer was asked for its proof */
};

struct dial {
	enum dial_state state;
	struct loop_io io;
	struct loop_timer timer;
	struct dials *dials;
	struct tls *tls;        /* DIAL_SHAKING; else NULL */
	const uint8_t *session; /* as given */
	struct prove *prove;    /* DIAL_PROVING; else NULL */
	unsigned pair;          /* as given */
	uint16_t port;          /* the local one; 0: the kernel's choice */
	bool late;              /* it takes longer than it should */
	uint64_t began_ns;
	uint64_t limit_ns; /* to connect */
	struct dial *next;
};

struct dials_events {
	/* It is connected; took_ns since it began. With TLS there is more to come. */
	void (*connected)(void *arg, uint64_t took_ns);
	/* It stands: ch is the callee's. */
	void (*done)(void *arg, unsigned pair, struct channel ch);
	/* It has become late. Returns whether it is to go on; else it fails. */
	bool (*late)(void *arg);
	/* It could not be made: an errno, and a line that says the same or more. stood: it was
	 * connected, but TLS was not agreed upon. */
	void (*failed)(void *arg, unsigned pair, bool stood, int error, const char *why);
	void *arg;
};

/* Embedded, and filled by its owner but for the list. */
struct dials {
	struct loop *loop;
	const struct tls_context *tls; /* NULL: plain; borrowed */
	struct dials_events events;
	struct dial *first; /* for its owner to read */
	unsigned n;
	unsigned n_late; /* of them */
};

/* What identifies a connection that is being made, and how long it may take. */
struct dial_wish {
	unsigned pair;
	uint16_t port;
	uint64_t late_ns;  /* after which it is late; LOOP_NEVER */
	uint64_t limit_ns; /* after which it has failed; LOOP_NEVER: the kernel knows */
	/* The number of the session that the listener has to prove to have, unless there is TLS;
	 * borrowed until the dial ends. NULL: none. */
	const uint8_t *session;
};

/* Waits for fd, which is connecting, and owns it from here on. Returns 0 or -ENOMEM, which closes
 * it. */
int dials_add(struct dials *ds, int fd, const struct dial_wish *wish);

/* Closes all of them. */
void dials_clear(struct dials *ds);
