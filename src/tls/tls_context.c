/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys: a context without certificates, in which the only way through a handshake is a session made
 * of the key. OpenSSL calls such a handshake a resumption, with a fresh Diffie-Hellman exchange.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "tls/keyfile.h"
#include "tls/tls_internal.h"
#include "util/text.h"

/* Keys
 * --------------------------------------------------------------------------------------------- */

static SSL_SESSION *session_of(SSL *ssl, const struct key *key)
{
	/* Which of the two suites does not matter: only that it hashes with SHA-256. */
	static const unsigned char suite[] = { 0x13, 0x01 };
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *session = SSL_SESSION_new();

	if (session && cipher && SSL_SESSION_set1_master_key(session, key->secret, KEY_LEN) &&
	    SSL_SESSION_set_cipher(session, cipher) &&
	    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

/* Client. The session is OpenSSL's from here on, the id stays ours. */
static int use_key(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		   SSL_SESSION **session_out)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct key *key = keyring_at(t->context->keys, 0);

	*session_out = NULL;
	if (md && !EVP_MD_is_a(md, "SHA256"))
		return 1;
	*id = (const unsigned char *)key->id;
	*id_len = KEY_ID_LEN;
	*session_out = session_of(ssl, key);
	return *session_out != NULL;
}

/* Server. Success without a session: the id is not known. */
static int find_key(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session_out)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct key *key = keyring_find(t->context->keys, id, id_len);

	*session_out = NULL;
	t->asked = !key;
	if (!key)
		return 1;
	text_printf(t->name, sizeof(t->name), "%s", key->name);
	memcpy(t->peer, key->id, KEY_ID_LEN);
	*session_out = session_of(ssl, key);
	return *session_out != NULL;
}

static int load_keys(struct tls_context *c, const struct tls_config *config, char *why)
{
	int r = config->key_dir ? keyring_load_dir(&c->keys, config->key_dir, why)
				: keyring_load_file(&c->keys, config->key_file, why);

	if (r)
		return r;
	if (c->server) {
		SSL_CTX_set_psk_find_session_callback(c->ctx, find_key);
		return 0;
	}
	SSL_CTX_set_psk_use_session_callback(c->ctx, use_key);
	/* There is no authority: a certificate in place of the key is never good. */
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

/* Certificates
 * ------------------------------------------------------------------------------------- */

static int refuse_file(const char *path, char why[TLS_TEXT_LEN])
{
	text_printf(why, TLS_TEXT_LEN, "cannot use %s: %s", path, tls_last_reason());
	return -EINVAL;
}

/* A group may read it, as Debian's ssl-cert does, and nobody else may write to it. */
static int check_private(const char *path, char why[TLS_TEXT_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0) {
		text_printf(why, TLS_TEXT_LEN, "cannot read %s: %s", path, strerror(errno));
		return -errno;
	}
	r = keyfile_check(fd, path, 027, why);
	close(fd);
	return r;
}

/* Instead of OpenSSL's own, which asks on the terminal. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	return -1;
}

/* OpenSSL's verdict stands; only for its explanation we look at what the certificate lacks. */
static int on_verified(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	const X509 *cert = X509_STORE_CTX_get0_cert(store);

	t->nameless = cert && X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) < 0;
	return ok;
}

static int want_name(struct tls_context *c, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ctx);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
		return 0;
	ERR_clear_error();
	/* The name in the subject is no name of a host (RFC 9525). */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, name, 0) ? 0 : -EINVAL;
}

static int load_certificates(struct tls_context *c, const struct tls_config *config, char *why)
{
	int r = check_private(config->private_key, why);

	if (r)
		return r;
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verified);
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(c->ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(c->ctx, config->cert) != 1)
		return refuse_file(config->cert, why);
	if (SSL_CTX_use_PrivateKey_file(c->ctx, config->private_key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(c->ctx) != 1)
		return refuse_file(config->private_key, why);
	if (SSL_CTX_load_verify_file(c->ctx, config->ca) != 1)
		return refuse_file(config->ca, why);
	if (config->name && want_name(c, config->name)) {
		text_printf(why, TLS_TEXT_LEN, "%s is not a name that a certificate can have",
			    config->name);
		return -EINVAL;
	}
	return 0;
}

/* Life
 * --------------------------------------------------------------------------------------------- */

/* Does this processor have instructions for AES and for GCM's multiplication? */
static bool has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	return getauxval(AT_HWCAP) & (1ul << 3); /* HWCAP_AES */
#else
	return false;
#endif
}

/* The side without AES decides: either one that puts ChaCha20 first gets it. */
static bool set_suites(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(
		       ctx, has_aes() ? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
				      : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") == 1;
}

/* The peer chooses one of these and can send a recorded ClientHello again and again: so only groups
 * that cost little. OpenSSL's own list has ffdhe8192, at hundreds of times the price of X25519.
 * FIPS modules may lack X25519, and one name that is unknown spoils a whole list. */
static bool set_groups(SSL_CTX *ctx)
{
	/* The macro casts const away: so these are no constants. */
	char all[] = "X25519:P-256:P-384", nist[] = "P-256:P-384";

	return SSL_CTX_set1_groups_list(ctx, all) == 1 || SSL_CTX_set1_groups_list(ctx, nist) == 1;
}

static int set_up(struct tls_context *c)
{
	c->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mpnc");
	c->ctx = SSL_CTX_new(TLS_method());
	if (!c->bio || !c->ctx)
		return -ENOMEM;
	BIO_meth_set_read_ex(c->bio, tls_bio_read);
	BIO_meth_set_write_ex(c->bio, tls_bio_write);
	BIO_meth_set_ctrl(c->bio, tls_bio_ctrl);
	if (SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION) != 1 || !set_suites(c->ctx) ||
	    !set_groups(c->ctx))
		return -EINVAL;
	/* Nothing to resume: each connection proves itself anew. */
	SSL_CTX_set_num_tickets(c->ctx, 0);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c->ctx,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return 0;
}

int tls_context_new(struct tls_context **out, const struct tls_config *config,
		    char why[TLS_TEXT_LEN])
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->server = config->server;
		c->rekey_len = config->rekey_len ? config->rekey_len : TLS_REKEY_LEN;
		r = set_up(c);
	}
	if (r)
		text_printf(why, TLS_TEXT_LEN, "cannot set up TLS: %s", strerror(-r));
	else if (config->key_file || config->key_dir)
		r = load_keys(c, config, why);
	else
		r = load_certificates(c, config, why);
	if (r)
		tls_context_free(c);
	else
		*out = c;
	return r;
}

struct tls_context *tls_context_free(struct tls_context *c)
{
	if (!c)
		return NULL;
	SSL_CTX_free(c->ctx);
	BIO_meth_free(c->bio);
	keyring_free(c->keys);
	free(c);
	return NULL;
}
