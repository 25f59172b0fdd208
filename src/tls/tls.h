/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.h - TLS 1.3 on one connection, through OpenSSL
 *
 * A context says how peers prove who they are: by a shared key, or by certificates of one
 * authority, both ways. A struct tls is one connection's, over a non-blocking socket that it does
 * not own. Nothing here blocks, and no record ever passes that was not authenticated.
 *
 * OpenSSL reads from the socket and writes to it, one record with each call. What is sealed and not
 * yet taken by the socket is kept here: tls_flush.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The first byte of a TLS connection: a record of type handshake. */
#define TLS_FIRST_BYTE 0x16

/* Do these first n bytes of a connection begin a ClientHello (RFC 8446, sections 5.1 and 4)? Other
 * streams may begin with TLS_FIRST_BYTE too. */
bool tls_begins(const uint8_t *bytes, size_t n);

/* Longest line that explains a failure. */
#define TLS_TEXT_LEN 256

/* The name of a peer: of its key, or in its certificate. */
#define TLS_NAME_LEN 64

/* What tells peers apart: the id of a key, or the SHA-256 of a certificate. */
#define TLS_PEER_LEN 40

/* A key seals this many bytes, then the next one is derived from it (KeyUpdate): a sixth of what is
 * safe for AES-GCM with full records (RFC 8446, 5.5), as some records are shorter. */
#define TLS_REKEY_LEN (64ull << 30)

struct tls_config {
	bool server;
	const char *key_file; /* this, or */
	const char *key_dir;  /* server: this, or all three of */
	const char *cert;
	const char *private_key;
	const char *ca;
	const char *name;   /* that the peer's certificate must have; NULL: any */
	uint64_t rekey_len; /* 0: TLS_REKEY_LEN */
};

struct tls_context;
struct tls;

/* Reads all files. Returns 0, or -errno and in why a line for the user. */
int tls_context_new(struct tls_context **out, const struct tls_config *config,
		    char why[TLS_TEXT_LEN]);
struct tls_context *tls_context_free(struct tls_context *context);

/* For a connected, non-blocking socket; context and fd are borrowed. Returns 0 or -ENOMEM. */
int tls_new(struct tls **out, const struct tls_context *context, int fd);
struct tls *tls_free(struct tls *t);

/* Goes on with the handshake. Returns 0 when it is done, -EAGAIN when the socket has to become
 * readable (and writable, if tls_flushed says no), or another -errno: tls_text says why.
 * -EPROTONOSUPPORT: the peer speaks no TLS; -EPROTO: another key, or a bit that flipped. A client
 * that is done may still be refused with its first tls_recv. */
int tls_handshake(struct tls *t);

/* As readv. 0: the peer has ended its direction in order; an end without its word for it is
 * -ECONNRESET. -EAGAIN: the socket is empty. */
ssize_t tls_recv(struct tls *t, const struct iovec *iov, int n);

/* Seals as much as the socket seems to take; returns how many bytes of iov that were, or -errno. */
ssize_t tls_send(struct tls *t, const struct iovec *iov, int n);

/* Hands sealed bytes to the socket. Returns 0 when none are left, or -errno. */
int tls_flush(struct tls *t);
bool tls_flushed(const struct tls *t);

/* Tells the peer that nothing more will come; as much of that as the socket takes. */
void tls_shutdown(struct tls *t);

/* Why a call failed, NULL: it did not, or errno says all. Borrowed. */
const char *tls_text(const struct tls *t);

/* Who the peer is, when the handshake is done; "" if it has no name. Borrowed. */
const char *tls_peer_name(const struct tls *t);

/* What it has proved to have, when the handshake is done: TLS_PEER_LEN bytes. Borrowed. */
const uint8_t *tls_peer(const struct tls *t);
