/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_internal.h - what tls.c, tls_context.c and tls_text.c share; nobody else includes it
 */
#pragma once

#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "net/keyring.h"
#include "net/tls.h"

_Static_assert(TLS_PEER_LEN >= KEY_ID_LEN && TLS_PEER_LEN >= SHA256_DIGEST_LENGTH,
	       "either proof has room");

/* Plain bytes of one record, at most. */
#define RECORD_LEN 16384

/* Sealed with one call of the socket: enough to be worth it, and still in the cache. */
#define BATCH_LEN (4 * RECORD_LEN)

/* Room for a batch, headers and tags, and a KeyUpdate or an alert. Of handshakes only a chain of
 * certificates may be longer: it goes out in parts. */
#define OUT_LEN (BATCH_LEN + 2048)

/* What one call takes from the socket, and as long as it may be a stranger's. */
#define IN_LEN          (128 * 1024)
#define IN_STRANGER_LEN 4096

struct tls_context {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	struct keyring *keys; /* NULL: certificates */
	bool server;
	uint64_t rekey_len;
};

struct tls {
	const struct tls_context *context;
	SSL *ssl;
	int fd;
	bool done;       /* the handshake is */
	bool heard;      /* something came */
	bool ended;      /* close_notify came */
	bool asked;      /* server: the peer asked for a key that is not here */
	int error;       /* that ended it: stays */
	uint64_t sealed; /* bytes since the last KeyUpdate */
	size_t in_at, in_end;
	size_t out_at, out_end;
	char name[TLS_NAME_LEN];
	uint8_t peer[TLS_PEER_LEN];
	char text[TLS_TEXT_LEN];
	uint8_t stage[RECORD_LEN]; /* short pieces of a frame become one record here */
	uint8_t out[OUT_LEN];
	uint8_t in[IN_LEN];
};

/* The line for a failure of OpenSSL with this connection, from its queue of errors. */
void tls_explain(struct tls *t);

/* The first bytes from the peer are none of TLS. */
void tls_explain_stranger(struct tls *t);

/* OpenSSL's own words for its latest error, for a file that it does not like. */
const char *tls_last_reason(void);

/* BIO callbacks (tls.c): data is the struct tls. */
int tls_bio_read(BIO *bio, char *buf, size_t size, size_t *len_out);
int tls_bio_write(BIO *bio, const char *buf, size_t size, size_t *len_out);
long tls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr);
