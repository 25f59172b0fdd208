/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn_internal.h - what conn.c and conn_pooled.c share; nobody else includes it
 */
#pragma once

#include <sys/types.h>

#include "engine/conn.h"

/* Who makes the system calls of a connection; the functions of the same names in conn.h say what
 * each does. */
struct conn_ops {
	enum conn_result (*read)(struct conn *c, struct session *s, uint64_t now_ns);
	enum conn_result (*write)(struct conn *c, struct session *s, uint64_t now_ns);
	bool (*settle)(struct conn *c, bool wait);
};

/* Reads once, by the calling thread: conn_read of a connection without a pool. */
enum conn_result conn_read_here(struct conn *c, struct session *s, uint64_t now_ns);

/* The socket is empty: it is to wake us once there is enough for a call. */
void conn_sleep_until_whole(struct conn *c, const struct session *s);

/* n: what channel_recv returned, with room for len bytes. readable was false meanwhile, so that an
 * edge that came since is not lost. */
enum conn_result conn_was_read(struct conn *c, ssize_t n, size_t len);

/* n: what channel_send returned for len bytes of the session; writable was false meanwhile. */
enum conn_result conn_was_written(struct conn *c, struct session *s, ssize_t n, size_t len,
				  uint64_t now_ns);
