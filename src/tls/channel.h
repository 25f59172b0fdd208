/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.h - the bytes of one connection: a TCP socket, plain or within TLS
 *
 * A plain value, that owns both: who is given a channel closes it or hands it on.
 */
#pragma once

#include "tls/tls.h"

struct channel {
	int fd;
	struct tls *tls; /* NULL: plain */
};

/* As readv; -errno, 0 for the end of what the peer sends, said in order if that is TLS. */
ssize_t channel_recv(struct channel ch, const struct iovec *iov, int n);

/* As writev; -errno. What TLS has sealed counts as written although the socket may not have taken
 * it yet: see channel_flush. */
ssize_t channel_send(struct channel ch, const struct iovec *iov, int n);

/* Returns 0 when nothing is kept back, -EAGAIN when the socket is full, or another -errno. */
int channel_flush(struct channel ch);

/* A few bytes into a new connection's empty buffer: did it take all of them? */
bool channel_send_all(struct channel ch, const void *bytes, size_t n);

/* Nothing more will be sent. */
int channel_shutdown(struct channel ch);

void channel_close(struct channel ch);

/* Why a call failed, if errno does not say it; else NULL. Borrowed from the channel. */
const char *channel_text(struct channel ch);
