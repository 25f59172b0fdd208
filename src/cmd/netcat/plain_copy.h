/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain_copy.h - one ordinary connection, of no protocol, and two descriptors: bytes are carried
 * between them until both streams are over
 *
 * Two pipes, each with one buffer. A pipe reads when its buffer is empty and writes until it is
 * empty again; its end of file becomes the other side's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAIN_COPY_TEXT_LEN 160

/* Most that may have been received before. */
#define PLAIN_COPY_HEAD_MAX 64

/* What ends it, beside the ends of both streams. */
enum plain_copy_rule {
	PLAIN_COPY_NETCAT,      /* the end of the peer's stream, unless duplex */
	PLAIN_COPY_SEND_ONLY,   /* the end of what is sent */
	PLAIN_COPY_LIKE_SESSION /* as with a session: a side that has only received, or only sent,
				 * and has nothing to read at that moment, ends with the other,
				 * unless duplex */
};

struct plain_copy_config {
	int fd;           /* the connection, non-blocking; this and the others are borrowed */
	int in_fd;        /* our stream; -1: none */
	int out_fd;       /* takes the peer's; -1: nothing, and it is not read */
	int64_t in_start; /* as input_new's start */
	int quit_fd;      /* gives up when this can be read; -1: never */
	enum plain_copy_rule rule;
	bool duplex;
	bool shutdown;    /* tell the peer of the end of our stream */
	uint64_t idle_ns; /* gives up after such a pause; CONFIG_NEVER */
	uint64_t quit_ns; /* ends so long after the end of our stream; CONFIG_NEVER */
	size_t head_len;  /* received before: */
	uint8_t head[PLAIN_COPY_HEAD_MAX];
};

struct plain_copy_result {
	int exit;                      /* enum outcome_exit */
	char why[PLAIN_COPY_TEXT_LEN]; /* "": it ended in order */
	uint64_t sent, received;
};

/* Blocks until it is over. Prints nothing. Returns 0, or -ENOMEM and *out is not filled. */
int plain_copy(const struct plain_copy_config *config, struct plain_copy_result *out);
