/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model: OpenSSL reads and writes through our BIO. What it sends goes to the socket; what the
 * socket does not take stays in out[out_at .. out_end), and nothing new is sealed before that is
 * sent. So one record, with a KeyUpdate or an alert, always fits. A read takes the next record's
 * header with it (ahead).
 *
 * An error stays: each later call returns it, and text says why. Bytes that were read before it
 * are returned first.
 */
#include "tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls/tls_internal.h"
#include "util/iov.h"
#include "util/text.h"

/* Between OpenSSL and the socket
 * --------------------------------------------------------------------------------------- */

static int fail(struct tls *t, int error)
{
	t->error = error;
	return -error;
}

/* type handshake, version 3.x, two bytes of length, and the handshake's type: client_hello */
bool tls_begins(const uint8_t *bytes, size_t n)
{
	return n >= 6 && bytes[0] == TLS_FIRST_BYTE && bytes[1] == 3 && bytes[5] == 1;
}

static bool is_record(uint8_t first)
{
	return first >= 0x14 && first <= 0x17;
}

/* Looks at what comes first, before OpenSSL does. Returns as recv, and 0 if it is no TLS. */
static ssize_t hear(struct tls *t)
{
	uint8_t first[TLS_QUOTED];
	ssize_t n = recv(t->fd, first, sizeof(first), MSG_PEEK);

	if (n > 0 && !is_record(first[0])) {
		tls_explain_stranger(t, first, (size_t)n);
		fail(t, EPROTONOSUPPORT);
		return 0;
	}
	t->heard = n > 0;
	return n;
}

static void explain_end(struct tls *t)
{
	const char *text = "it closed the connection without sending a byte";

	if (t->heard)
		text = t->done ? "it was cut off: there was no end of TLS"
			       : "it closed within the TLS handshake";
	text_printf(t->text, sizeof(t->text), "%s", text);
}

/* As recv, and what comes after is the next record's header: so a record costs one call. */
static ssize_t receive(struct tls *t, void *buf, size_t size)
{
	struct iovec iov[] = { { .iov_base = buf, .iov_len = size },
			       { .iov_base = t->ahead, .iov_len = sizeof(t->ahead) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	/* What comes just now is not taken without having been looked at. */
	n = t->heard ? 1 : hear(t);
	if (n <= 0)
		return n;
	do
		n = recvmsg(t->fd, &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n <= (ssize_t)size)
		return n;
	t->n_ahead = (size_t)n - size;
	return (ssize_t)size;
}

int tls_bio_read(BIO *bio, char *buf, size_t size, size_t *len_out)
{
	struct tls *t = BIO_get_data(bio);
	size_t have = t->n_ahead < size ? t->n_ahead : size;
	ssize_t n = 0;

	BIO_clear_retry_flags(bio);
	memcpy(buf, t->ahead, have);
	t->n_ahead -= have;
	memmove(t->ahead, t->ahead + have, t->n_ahead);
	if (have < size)
		n = receive(t, buf + have, size - have);
	*len_out = have + (n > 0 ? (size_t)n : 0);
	if (*len_out)
		return 1;
	if (n < 0 && errno == EAGAIN) {
		BIO_set_retry_read(bio);
	} else if (n < 0) {
		fail(t, errno);
	} else if (!t->error) {
		explain_end(t);
		fail(t, ECONNRESET);
	}
	return 0;
}

/* Returns how many bytes the socket takes, 0 if it fails: it will fail again. */
static size_t hand_over(struct tls *t, const void *buf, size_t size)
{
	ssize_t n;

	do
		n = send(t->fd, buf, size, MSG_NOSIGNAL | (t->more ? MSG_MORE : 0));
	while (n < 0 && errno == EINTR);
	return n < 0 ? 0 : (size_t)n;
}

int tls_bio_write(BIO *bio, const char *buf, size_t size, size_t *len_out)
{
	struct tls *t = BIO_get_data(bio);
	size_t n = tls_flushed(t) ? hand_over(t, buf, size) : 0;
	size_t room = OUT_LEN - t->out_end;
	size_t rest = size - n < room ? size - n : room;

	BIO_clear_retry_flags(bio);
	memcpy(t->out + t->out_end, buf + n, rest);
	t->out_end += rest;
	*len_out = n + rest;
	if (*len_out)
		return 1;
	BIO_set_retry_write(bio);
	return 0;
}

long tls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

int tls_flush(struct tls *t)
{
	while (t->out_at < t->out_end) {
		ssize_t n = send(t->fd, t->out + t->out_at, t->out_end - t->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		t->out_at += (size_t)n;
	}
	t->out_at = t->out_end = 0;
	return 0;
}

bool tls_flushed(const struct tls *t)
{
	return t->out_at == t->out_end;
}

/* A call of OpenSSL returned no success: does what it waits for. Returns 0 to call it again. */
static int serve(struct tls *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		return tls_flush(t);
	default:
		break;
	}
	/* What the socket met was noted when it did. */
	if (!t->error) {
		tls_explain(t);
		fail(t, EPROTO);
		/* The alert that tells the peer. */
		tls_flush(t);
	}
	return -t->error;
}

/* Handshake
 * ---------------------------------------------------------------------------------------- */

/* By its certificate; if it has a key, that was done when it asked for it. */
static void name_peer(struct tls *t)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);
	char name[TLS_NAME_LEN];

	if (!cert)
		return;
	X509_digest(cert, EVP_sha256(), t->peer, NULL);
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
				      sizeof(name)) < 0)
		return;
	text_quote(t->name, sizeof(t->name), name, strlen(name));
}

/* Returns 0 when both sides have finished, or -errno. */
static int shake(struct tls *t)
{
	for (;;) {
		int r, flushed;

		ERR_clear_error();
		r = SSL_do_handshake(t->ssl);
		/* Our part first: the peer waits for it. */
		flushed = tls_flush(t);
		if (flushed && flushed != -EAGAIN)
			return fail(t, -flushed);
		if (r == 1)
			return 0;
		r = serve(t, r);
		if (r)
			return r;
	}
}

int tls_handshake(struct tls *t)
{
	int r = -t->error;

	if (r || t->done)
		return r;
	r = shake(t);
	if (r)
		return r;
	/* Without certificates, a session that was not "resumed" was not proved by the key. */
	if (t->context->keys && !SSL_session_reused(t->ssl)) {
		text_printf(t->text, sizeof(t->text), "it did not prove that it has the key");
		return fail(t, EPROTO);
	}
	t->done = true;
	name_peer(t);
	return 0;
}

/* Bytes
 * -------------------------------------------------------------------------------------------- */

/* One record, or what is left of one. Returns > 0, 0 at the end, or -errno. */
static ssize_t read_record(struct tls *t, void *buf, size_t size)
{
	for (;;) {
		size_t n;
		int r;

		r = SSL_read_ex(t->ssl, buf, size, &n);
		if (r == 1)
			return (ssize_t)n;
		if (SSL_get_error(t->ssl, r) == SSL_ERROR_ZERO_RETURN) {
			t->ended = true;
			return 0;
		}
		r = serve(t, r);
		if (r)
			return r;
	}
}

ssize_t tls_recv(struct tls *t, const struct iovec *iov, int n)
{
	size_t total = 0;

	ERR_clear_error();
	for (int i = 0; i < n; i++) {
		uint8_t *p = iov[i].iov_base;
		size_t left = iov[i].iov_len;

		while (left) {
			ssize_t got = -t->error;

			if (!t->error && !t->ended)
				got = read_record(t, p, left);
			/* A failure that comes after bytes is returned by the next call. */
			if (got <= 0)
				return total ? (ssize_t)total : got;
			p += got;
			left -= (size_t)got;
			total += (size_t)got;
		}
	}
	return (ssize_t)total;
}

struct source {
	const struct iovec *iov;
	int n;
	size_t at; /* in the first of iov */
	size_t left;
};

/* What comes next is never an empty piece. */
static void skip(struct source *src, size_t len)
{
	src->left -= len;
	src->at += len;
	while (src->n && src->at >= src->iov->iov_len) {
		src->at -= src->iov->iov_len;
		src->iov++;
		src->n--;
	}
}

/* The plain bytes of the next record: where they lie, or put together in stage. */
static const uint8_t *next_record(struct tls *t, const struct source *src, size_t *len_out)
{
	const uint8_t *first = (const uint8_t *)src->iov->iov_base + src->at;
	size_t len = src->iov->iov_len - src->at;

	if (len >= RECORD_LEN || len == src->left) {
		*len_out = len < RECORD_LEN ? len : RECORD_LEN;
		return first;
	}
	memcpy(t->stage, first, len);
	for (int i = 1; i < src->n && len < RECORD_LEN; i++) {
		size_t n = src->iov[i].iov_len;

		if (!n)
			continue;
		n = n < RECORD_LEN - len ? n : RECORD_LEN - len;
		memcpy(t->stage + len, src->iov[i].iov_base, n);
		len += n;
	}
	*len_out = len;
	return t->stage;
}

/* Seals and sends one record; nothing waits in out. Returns its plain bytes, or -errno. */
static ssize_t seal(struct tls *t, struct source *src)
{
	size_t len;
	const uint8_t *p = next_record(t, src, &len);

	if (t->sealed >= t->context->rekey_len) {
		SSL_key_update(t->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		t->sealed = 0;
	}
	t->more = len < src->left;
	/* There is room for what the socket does not take: it cannot ask for anything. */
	if (SSL_write_ex(t->ssl, p, len, &len) != 1) {
		tls_explain(t);
		return fail(t, EPROTO);
	}
	t->more = false;
	t->sealed += len;
	skip(src, len);
	return (ssize_t)len;
}

ssize_t tls_send(struct tls *t, const struct iovec *iov, int n)
{
	struct source src = { .iov = iov, .n = n, .left = iov_len(iov, n) };
	size_t total = 0;

	ERR_clear_error();
	skip(&src, 0);
	for (;;) {
		ssize_t r = t->error ? -t->error : tls_flush(t);

		if (!r && src.left)
			r = seal(t, &src);
		if (r <= 0)
			return total || !r ? (ssize_t)total : r;
		total += (size_t)r;
	}
}

void tls_shutdown(struct tls *t)
{
	if (t->done && !t->error) {
		ERR_clear_error();
		SSL_shutdown(t->ssl);
	}
	tls_flush(t);
}

const char *tls_text(const struct tls *t)
{
	return t->text[0] ? t->text : NULL;
}

const char *tls_peer_name(const struct tls *t)
{
	return t->done ? t->name : "";
}

const uint8_t *tls_peer(const struct tls *t)
{
	return t->peer;
}

/* Life
 * --------------------------------------------------------------------------------------------- */

int tls_new(struct tls **out, const struct tls_context *context, int fd)
{
	struct tls *t = malloc(sizeof(*t));
	BIO *bio;

	if (!t)
		return -ENOMEM;
	/* All but the buffers, so that untouched ones cost nothing. */
	memset(t, 0, offsetof(struct tls, stage));
	t->context = context;
	t->fd = fd;
	t->ssl = SSL_new(context->ctx);
	bio = BIO_new(context->bio);
	if (!t->ssl || !bio) {
		BIO_free(bio);
		tls_free(t);
		return -ENOMEM;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	if (context->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	*out = t;
	return 0;
}

struct tls *tls_free(struct tls *t)
{
	if (!t)
		return NULL;
	SSL_free(t->ssl);
	free(t);
	return NULL;
}
