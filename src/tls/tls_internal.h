/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_internal.h - what tls.c, tls_context.c and tls_text.c share; nobody else includes it
 */
#pragma once

#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "tls/keyring.h"
#include "tls/tls.h"

_Static_assert(TLS_PEER_LEN >= KEY_ID_LEN && TLS_PEER_LEN >= SHA256_DIGEST_LENGTH,
	       "either proof has room");

/* Plain bytes of one record, at most. */
#define RECORD_LEN 16384

/* Room for a record that the socket does not take, with a KeyUpdate or an alert. Of handshakes only
 * a chain of certificates may be longer: it goes out in parts. */
#define OUT_LEN (RECORD_LEN + 2048)

/* In front of each record. */
#define RECORD_HEADER_LEN 5

/* What of a stranger's greeting is quoted. */
#define TLS_QUOTED 32

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
	bool nameless;   /* the peer's certificate has no subjectAltName */
	int error;       /* that ended it: stays */
	uint64_t sealed; /* bytes since the last KeyUpdate */
	bool more;       /* another record follows at once: it need not leave yet */
	size_t n_ahead;
	uint8_t ahead[RECORD_HEADER_LEN]; /* what was received beyond a record */
	size_t out_at, out_end;
	char name[TLS_NAME_LEN];
	uint8_t peer[TLS_PEER_LEN];
	char text[TLS_TEXT_LEN];
	uint8_t stage[RECORD_LEN]; /* short pieces of a frame become one record here */
	uint8_t out[OUT_LEN];
};

/* The line for a failure of OpenSSL with this connection, from its queue of errors. */
void tls_explain(struct tls *t);

/* The first bytes from the peer are none of TLS. */
void tls_explain_stranger(struct tls *t, const uint8_t *bytes, size_t n);

/* OpenSSL's own words for its latest error, for a file that it does not like. */
const char *tls_last_reason(void);

/* BIO callbacks (tls.c): data is the struct tls. */
int tls_bio_read(BIO *bio, char *buf, size_t size, size_t *len_out);
int tls_bio_write(BIO *bio, const char *buf, size_t size, size_t *len_out);
long tls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr);
